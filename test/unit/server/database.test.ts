import { describe, expect, it } from 'vitest';
import { Database } from '../../../src/server/core/database.ts';
import type { SnapshotNode, SnapshotView } from '../../../src/server/core/snapshot-port.ts';
import { wireStat } from '../../../src/server/core/tree/znode.ts';
import { adler32 } from '../../../src/wire/checksum.ts';
import { type Acl, OPEN_ACL, OpCode } from '../../../src/wire/client.ts';
import { MalformedError } from '../../../src/wire/jute.ts';
import { decodeTxn, encodeTxn, type Txn, type TxnBody } from '../../../src/wire/txn.ts';
import { goldenEntries, goldenSessionId } from './golden-session.ts';

const EMPTY_DIGEST = 0x51c6d660n;

function txn(zxid: bigint, body: TxnBody, clientId = 7n): Txn {
  return {
    header: { clientId, cxid: 1, zxid, time: 1000n + zxid, type: body.type },
    txn: body,
  };
}
function create(path: string, parentCversion: number, isEphemeral = false): TxnBody {
  const data = new Uint8Array([1]);
  return { type: 1, body: { path, data, acl: OPEN_ACL, isEphemeral, parentCversion } };
}
function nodesOf(view: SnapshotView): SnapshotNode[] {
  const nodes: SnapshotNode[] = [];
  for (let next = view.nodes.next(); next.done !== true; next = view.nodes.next()) {
    nodes.push(next.value);
  }
  return nodes;
}
function stored(database: Database, path: string) {
  const node = database.tree.get(path);
  if (node === undefined) throw new Error(`${path} is missing`);
  return node;
}

describe('a fresh database', () => {
  it('has the digest and the nodes of an empty Apache tree', () => {
    const database = new Database();
    expect(database.treeDigest).toBe(EMPTY_DIGEST);
    expect(database.nodeCount).toBe(5);
    expect(wireStat(stored(database, '/')).cversion).toBe(-1);
    expect(wireStat(stored(database, '/zookeeper')).cversion).toBe(-2);
    expect(stored(database, '/')).toBe(stored(database, ''));
  });

  it('gives the contents of the byte-exact empty snapshot', () => {
    const view = new Database().openSnapshot();
    const read: Acl = { perms: 1, id: { scheme: 'world', id: 'anyone' } };
    expect([...view.acls]).toEqual([[1n, [read]]]);
    expect([...view.sessions]).toEqual([]);
    expect(view.treeDigest).toBe(0n);
    const zero = { czxid: 0n, mzxid: 0n, ctime: 0n, mtime: 0n, version: 0, cversion: 0 };
    const stat = { ...zero, aversion: 0, ephemeralOwner: 0n, pzxid: 0n };
    const data = new Uint8Array(0);
    expect(nodesOf(view)).toEqual([
      { path: '', data, aclKey: -1n, stat },
      { path: '/zookeeper', data, aclKey: -1n, stat },
      { path: '/zookeeper/config', data, aclKey: 1n, stat: { ...stat, aversion: -1 } },
      { path: '/zookeeper/quota', data, aclKey: -1n, stat },
    ]);
  });
});

describe('transactions of Apache ZooKeeper 3.9.5', () => {
  it('decode, encode to the same bytes and reproduce every digest', () => {
    const database = new Database();
    for (const { checksum, payload, treeDigest } of goldenEntries) {
      expect(adler32(payload)).toBe(checksum);
      const decoded = decodeTxn(payload);
      expect(encodeTxn(decoded)).toEqual(payload);
      const applied = database.apply(decoded);
      if (treeDigest === undefined) {
        expect(applied).toMatchObject({ type: -1, err: -103 });
        expect(applied.isDigestEqual).toBeUndefined();
      } else {
        expect(database.treeDigest).toBe(treeDigest);
        expect(applied.isDigestEqual).toBe(true);
      }
    }
    expect(database.lastProcessedZxid).toBe(12n);
    expect(database.sessions.size).toBe(0);
    expect(database.tree.ephemeralCount).toBe(0);
    expect([...database.tree.containers, ...database.tree.ttls]).toEqual(['/cont', '/ttl']);
    expect([...database.sessionIdsSeen()]).toEqual([goldenSessionId]);
  });

  it('are told apart from a tree that differs', () => {
    const database = new Database();
    database.apply(txn(1n, create('/other', 1)));
    const applied = database.apply(
      decodeTxn((goldenEntries[1] as { payload: Uint8Array }).payload),
    );
    expect(applied.isDigestEqual).toBe(false);
  });

  it('end in the same tree when the whole log is replayed over its own result', () => {
    const database = new Database();
    for (const { payload } of goldenEntries) database.apply(decodeTxn(payload));
    const { treeDigest } = database;
    for (const { payload } of goldenEntries) database.apply(decodeTxn(payload));
    // /m was made and removed: all that a replay may leave is what it leaves the first time.
    expect(database.treeDigest).toBe(treeDigest);
    expect(database.lastProcessedZxid).toBe(12n);
  });
});

describe('apply', () => {
  it('tells the reply and the events of each operation', () => {
    const database = new Database();
    const created = database.apply(txn(1n, create('/a', 1)));
    expect(created).toMatchObject({ zxid: 1n, err: 0, path: '/a', stat: { czxid: 1n } });
    expect(created.events).toMatchObject([{ change: 'created', path: '/a' }]);
    const data = new Uint8Array([2, 3]);
    const set = database.apply(txn(2n, { type: 5, body: { path: '/a', data, version: 1 } }));
    expect(set.stat).toMatchObject({ version: 1, mzxid: 2n, mtime: 1002n, dataLength: 2 });
    expect(set.events).toMatchObject([{ change: 'changed', path: '/a' }]);
    const acl = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }];
    const secured = database.apply(txn(3n, { type: 7, body: { path: '/a', acl, version: 1 } }));
    expect(secured).toMatchObject({ stat: { aversion: 1, mzxid: 2n }, events: [] });
    const deleted = database.apply(txn(4n, { type: 2, body: { path: '/a' } }));
    expect(deleted.events).toMatchObject([{ change: 'deleted', path: '/a', acl }]);
    expect(stored(database, '/').stat).toMatchObject({ cversion: 1, pzxid: 4n, version: 0 });
  });

  it('applies nothing of a multi that holds an error', () => {
    const database = new Database();
    const body = [create('/a', 1), { type: -1, body: { err: -103 } }, create('/b', 2)] as never;
    const applied = database.apply(txn(1n, { type: 14, body }));
    expect(applied.results).toEqual([
      { type: -1, err: 0 },
      { type: -1, err: -103 },
      { type: -1, err: -2 },
    ]);
    expect(applied).toMatchObject({ err: -103, events: [] });
    expect(database.treeDigest).toBe(EMPTY_DIGEST);
    expect(database.lastProcessedZxid).toBe(1n);
  });

  it('gives each part of a multi its own kind of result', () => {
    const database = new Database();
    const create2 = { ...create('/a/b', 1), type: 15 };
    const body = [
      create('/a', 1),
      create2,
      { type: 5, body: { path: '/a', data: null, version: 1 } },
      { type: 13, body: { path: '/a', version: 2 } },
      { type: 2, body: { path: '/a/b' } },
    ] as never;
    const applied = database.apply(txn(9n, { type: 14, body }));
    expect(applied.results).toMatchObject([
      { type: 1, path: '/a' },
      { type: 15, path: '/a/b', stat: { czxid: 9n } },
      { type: 5, stat: { version: 1, numChildren: 1, dataLength: 0 } },
      { type: 13 },
      { type: 2 },
    ]);
    expect(applied.events.map(({ change, path }) => `${change} ${path}`)).toEqual([
      'created /a',
      'created /a/b',
      'changed /a',
      'deleted /a/b',
    ]);
  });

  it('closes a session with what is listed and with what is left', () => {
    const database = new Database();
    database.apply(txn(1n, { type: -10, body: { timeoutMs: 4000 } }));
    expect(database.sessions.get(7n)).toBe(4000);
    database.apply(txn(2n, create('/one', 1, true)));
    database.apply(txn(3n, create('/two', 2, true)));
    database.apply(txn(4n, create('/other', 3, true), 8n));
    const applied = database.apply(txn(5n, { type: -11, body: { paths: ['/two'] } }));
    expect(applied.closedSession).toBe(7n);
    expect(applied.events.map(({ path }) => path)).toEqual(['/two', '/one']);
    expect(database.sessions.has(7n)).toBe(false);
    expect(database.tree.get('/other')).toBeDefined();
    expect(database.tree.ephemeralCount).toBe(1);
  });

  it('repairs a parent when a creation is replayed over a newer snapshot', () => {
    const database = new Database();
    database.apply(txn(5n, create('/a', 3)));
    const again = database.apply(txn(7n, create('/a', 4)));
    expect(again).toMatchObject({ err: -110, events: [] });
    expect(stored(database, '/').stat).toMatchObject({ cversion: 4, pzxid: 7n });
    expect(stored(database, '/a').stat.czxid).toBe(5n);
    database.apply(txn(6n, create('/a', 2)));
    expect(stored(database, '/').stat).toMatchObject({ cversion: 4, pzxid: 7n });
    expect(database.lastProcessedZxid).toBe(7n);
  });

  it('raises the pzxid of the parent of a missing node, never lowers it', () => {
    const database = new Database();
    expect(database.apply(txn(9n, { type: 2, body: { path: '/gone' } })).err).toBe(-101);
    expect(stored(database, '/').stat.pzxid).toBe(9n);
    database.apply(txn(8n, { type: 2, body: { path: '/gone' } }));
    expect(stored(database, '/').stat.pzxid).toBe(9n);
  });

  it('survives transactions that no server decides', () => {
    const database = new Database();
    for (const path of ['', '/', 'a', '//', '//a', '/a/', '/zookeeper']) {
      for (const body of [create(path, 1), { type: 2, body: { path } }] as TxnBody[]) {
        database.apply(txn(1n, body));
      }
    }
    expect(database.tree.get('/')).toBeDefined();
    expect(database.tree.get('/zookeeper')).toBeUndefined();
    expect(database.tree.get('/zookeeper/config')).toBeUndefined();
  });
});

describe('snapshots', () => {
  it('show the tree of their zxid while it changes', () => {
    const database = new Database();
    database.apply(txn(1n, create('/a', 1)));
    database.apply(txn(2n, create('/a/b', 1)));
    database.apply(txn(3n, create('/c', 2)));
    const before = database.openSnapshot();
    const expected = nodesOf(before);
    before.close();
    const view = database.openSnapshot();
    for (let index = 0; index < 4; index++) view.nodes.next();
    database.apply(txn(4n, { type: 5, body: { path: '/a', data: null, version: 1 } }));
    database.apply(txn(5n, { type: 2, body: { path: '/a/b' } }));
    database.apply(txn(6n, { type: 2, body: { path: '/a' } }));
    database.apply(txn(7n, create('/a', 3)));
    database.apply(txn(8n, create('/d', 4)));
    const rest = nodesOf(view);
    view.close();
    expect(rest.map(({ path }) => path)).toEqual(['/c', '/a', '/a/b']);
    for (const node of rest) expect(expected).toContainEqual(node);
  });

  it('load into an equal database, or leave the old one alone', () => {
    const database = new Database();
    database.apply(txn(1n, { type: -10, body: { timeoutMs: 4000 } }));
    database.apply(txn(2n, create('/a', 1)));
    database.apply(txn(3n, create('/a/e', 1, true)));
    const view = database.openSnapshot();
    const copy = new Database();
    const loader = copy.beginLoad();
    for (const [id, timeoutMs] of view.sessions) loader.session(id, timeoutMs);
    for (const [key, acl] of view.acls) loader.acl(key, acl);
    for (const node of nodesOf(view)) loader.node(node);
    expect(copy.treeDigest).toBe(EMPTY_DIGEST);
    loader.finish(view.zxid);
    view.close();
    expect(copy.treeDigest).toBe(database.treeDigest);
    expect(copy.lastProcessedZxid).toBe(3n);
    expect([...copy.sessions]).toEqual([[7n, 4000]]);
    expect([...copy.tree.ephemeralsOf(7n)]).toEqual(['/a/e']);
    expect([...copy.tree.aclEntries()]).toEqual([...database.tree.aclEntries()]);
    const orphan = copy.beginLoad();
    const [root] = nodesOf(new Database().openSnapshot()) as [SnapshotNode];
    expect(() => orphan.node({ ...root, path: '/a/b' })).toThrow(MalformedError);
    orphan.node(root);
    expect(() => orphan.node(root)).toThrow(MalformedError);
    expect(() => orphan.node({ ...root, path: '/a/b' })).toThrow(MalformedError);
    expect(() => copy.beginLoad().finish(9n)).toThrow(MalformedError);
    expect(copy.lastProcessedZxid).toBe(3n);
  });

  it('with an ACL key that they do not hold give nobody access', () => {
    const database = new Database();
    const loader = database.beginLoad();
    const [root] = nodesOf(database.openSnapshot()) as [SnapshotNode];
    loader.node(root);
    loader.node({ ...root, path: '/a', aclKey: 5n });
    loader.finish(1n);
    expect(database.tree.acl(stored(database, '/a'))).toMatchObject([{ perms: 0 }]);
    database.apply(txn(2n, create('/b', 1)));
    expect(stored(database, '/b').aclKey).toBe(6n);
  });

  it('that are open outlive a cleared database', () => {
    const database = new Database();
    database.apply(txn(1n, create('/a', 1)));
    const view = database.openSnapshot();
    database.clear();
    expect(database.treeDigest).toBe(EMPTY_DIGEST);
    expect(database.lastProcessedZxid).toBe(0n);
    expect(nodesOf(view).map(({ path }) => path)).toContain('/a');
    view.close();
    database.openSnapshot().close();
  });
});

describe('start of a server', () => {
  it('fills the configuration node outside the digest', () => {
    const database = new Database();
    database.setConfigData('server.1=…\nversion=0', 0n, 1234);
    const { stat, data } = stored(database, '/zookeeper/config');
    expect(stat).toMatchObject({ version: -1, mtime: 1234n, aversion: -1 });
    expect(new TextDecoder().decode(data ?? undefined)).toBe('server.1=…\nversion=0');
    expect(database.treeDigest).toBe(EMPTY_DIGEST);
  });

  it('remembers the highest session id of each server, closed or not', () => {
    const database = new Database();
    database.apply(
      txn(1n, { type: OpCode.createSession, body: { timeoutMs: 1 } }, 0x0200000000000005n),
    );
    database.apply(txn(2n, { type: OpCode.closeSession, body: null }, 0x0200000000000005n));
    database.apply(
      txn(3n, { type: OpCode.createSession, body: { timeoutMs: 1 } }, 0x0200000000000003n),
    );
    expect([...database.sessionIdsSeen()]).toEqual([0x0200000000000005n]);
  });
});
