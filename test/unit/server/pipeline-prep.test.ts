import { describe, expect, it } from 'vitest';
import { zxidFrom } from '../../../src/base/zxid.ts';
import { Database } from '../../../src/server/core/database.ts';
import { Prep } from '../../../src/server/core/pipeline/prep.ts';
import { requestKind } from '../../../src/server/core/pipeline/request.ts';
import {
  type Acl,
  CheckVersionRequest,
  CreateTtlRequest,
  OPEN_ACL,
  OpCode,
  ReconfigRequest,
} from '../../../src/wire/client.ts';
import { encode, JUTE_MAX_BUFFER } from '../../../src/wire/jute.ts';
import {
  createBody,
  deleteBody,
  multiBody,
  multiCheck,
  multiCreate,
  multiDelete,
  multiSetData,
  Pipeline,
  pathBody,
  request,
  SESSION,
} from '../../support/pipeline.ts';

const empty = new Uint8Array(0);
const only = (perms: number): Acl[] => [{ perms, id: { scheme: 'world', id: 'anyone' } }];
const INTERNAL = { kind: 'internal' } as const;
const errOf = (applied: { readonly err: number }) => applied.err;

describe('kinds of requests', () => {
  it('refuse what no client may ask for', () => {
    for (const type of [-10, -1, 0, 10, 13, 20, 99, 100, 102, 108]) {
      expect(requestKind(type), String(type)).toBe('refused');
    }
    expect(requestKind(-11)).toBe('session');
    expect([1, 2, 5, 7, 14, 15, 16, 19, 21].map((type) => requestKind(type))).toEqual(
      new Array(9).fill('write'),
    );
    const reads = [3, 4, 6, 8, 12, 17, 18, 22, 101, 103, 104, 105, 106, 107];
    expect(reads.every((type) => requestKind(type) === 'read')).toBe(true);
    expect([requestKind(9), requestKind(11)]).toEqual(['sync', 'ping']);
    expect([requestKind(-10, 'learner'), requestKind(20, 'learner')]).toEqual([
      'session',
      'refused',
    ]);
    expect([requestKind(-10, 'internal'), requestKind(20, 'internal')]).toEqual([
      'session',
      'write',
    ]);
  });
});

describe('create', () => {
  it('checks in upstream’s order', () => {
    const pipeline = new Pipeline();
    pipeline.create('/e', 1);
    pipeline.create('/closed', 0, only(27));
    const bad: Acl[] = [{ perms: 31, id: { scheme: 'nobody', id: 'x' } }];
    pipeline.session = 'expired';
    expect(errOf(pipeline.create('x', 7))).toBe(-8);
    expect(errOf(pipeline.create('x', 5))).toBe(-6);
    expect(errOf(pipeline.create('x', 0, bad))).toBe(-112);
    pipeline.session = 'ok';
    expect(errOf(pipeline.create('x', 0, bad))).toBe(-8);
    expect(errOf(pipeline.create('/\0', 0, bad))).toBe(-8);
    expect(errOf(pipeline.create('/no/x', 0, bad))).toBe(-114);
    expect(errOf(pipeline.create('/no/x', 0, null))).toBe(-114);
    expect(errOf(pipeline.create('/no/..'))).toBe(-101);
    expect(errOf(pipeline.create('/closed/..'))).toBe(-102);
    expect(errOf(pipeline.create('/e/..'))).toBe(-8);
    expect(errOf(pipeline.create('/a/'))).toBe(-101);
    expect(errOf(pipeline.create('//'))).toBe(-8);
    expect(errOf(pipeline.create('/'))).toBe(-110);
    expect(errOf(pipeline.create('/e'))).toBe(-110);
    expect(errOf(pipeline.create('/e/x'))).toBe(-108);
    // Every one of them took a zxid.
    expect(pipeline.database.lastProcessedZxid).toBe(pipeline.lastZxid);
    expect(pipeline.lastZxid).toBe(17n);
  });

  it('numbers sequential nodes by all creations under the parent', () => {
    const pipeline = new Pipeline();
    expect(pipeline.create('/s', 2).path).toBe('/s0000000000');
    pipeline.create('/other');
    pipeline.delete('/other');
    expect(pipeline.create('/s', 3).path).toBe('/s0000000002');
    pipeline.create('/dir');
    expect(pipeline.create('/dir/', 2).path).toBe('/dir/0000000000');
    expect(errOf(pipeline.create('/dir/..', 2))).toBe(0);
    expect(pipeline.create('/', 2).path).toBe('/0000000004');
  });

  it('numbers on when creations are pending, and not when they fail', () => {
    const pipeline = new Pipeline();
    pipeline.propose(OpCode.create, createBody('/s', 2));
    pipeline.propose(OpCode.create, createBody('/no/s', 2));
    pipeline.propose(OpCode.create, createBody('/s', 2));
    expect(pipeline.commitAll().map(({ path, err }) => path ?? err)).toEqual([
      '/s0000000000',
      -101,
      '/s0000000001',
    ]);
  });

  it('gives nodes their owners', () => {
    const pipeline = new Pipeline();
    const { tree } = pipeline.database;
    pipeline.create('/e', 1);
    pipeline.submit(OpCode.createContainer, createBody('/c', 4));
    // Upstream: the container flag means nothing to a plain create.
    pipeline.create('/p', 4);
    const owner = (path: string) => tree.get(path)?.stat.ephemeralOwner;
    expect([owner('/e'), owner('/c'), owner('/p')]).toEqual([SESSION, -(1n << 63n), 0n]);
    expect([...tree.ephemeralsOf(SESSION)]).toEqual(['/e']);
    expect([...tree.containers]).toEqual(['/c']);
    const body = { path: '/t', data: null, acl: OPEN_ACL, flags: 5, ttlMs: 100n };
    expect(errOf(pipeline.write(OpCode.createTTL, CreateTtlRequest, body))).toBe(-6);
  });

  it('stores the list that the connection means', () => {
    const pipeline = new Pipeline();
    const authinfo = [
      { scheme: 'ip', id: '10.0.0.1' },
      { scheme: 'digest', id: 'bob:hash' },
    ];
    const auth: Acl = { perms: 3, id: { scheme: 'auth', id: null } };
    pipeline.create('/a', 0, [auth, ...only(1), ...only(1)], { authinfo });
    const node = pipeline.database.tree.get('/a');
    expect(node && pipeline.database.tree.acl(node)).toEqual([
      { perms: 3, id: { scheme: 'digest', id: 'bob:hash' } },
      ...only(1),
    ]);
    expect(errOf(pipeline.create('/b', 0, [auth]))).toBe(-114);
    const ofId = (scheme: string | null, id: string | null) =>
      errOf(pipeline.create('/x', 0, [{ perms: 1, id: { scheme, id } }]));
    for (const [scheme, id] of [
      [null, 'a'],
      ['world', 'me'],
      ['digest', null],
      ['digest', 'a'],
      ['digest', 'a:b:c'],
      ['ip', '1.2.3'],
      ['ip', '1.2.3.4/33'],
      ['super', ''],
    ] as const) {
      expect(ofId(scheme, id), `${scheme}:${id}`).toBe(-114);
    }
    expect(
      errOf(pipeline.create('/y', 0, [{ perms: 1, id: { scheme: 'ip', id: '::1/128' } }])),
    ).toBe(0);
  });
});

describe('delete', () => {
  it('checks in upstream’s order', () => {
    const pipeline = new Pipeline();
    pipeline.create('/locked', 0, OPEN_ACL);
    pipeline.create('/locked/a');
    pipeline.create('/locked/a/b');
    pipeline.session = 'expired';
    expect(errOf(pipeline.delete('x'))).toBe(-112);
    pipeline.session = 'ok';
    for (const path of [
      '',
      'x',
      '/',
      '/zookeeper',
      '/zookeeper/config',
      '/zookeeper/quota',
      '/\0',
    ]) {
      expect(errOf(pipeline.delete(path)), path).toBe(-8);
    }
    expect(errOf(pipeline.delete('/no/x'))).toBe(-101);
    expect(errOf(pipeline.delete('/no/'))).toBe(-101);
    expect(errOf(pipeline.delete('/locked/a', 3))).toBe(-103);
    expect(errOf(pipeline.delete('/locked/a', 0))).toBe(-111);
    pipeline.setAcl('/locked', only(23));
    expect(errOf(pipeline.delete('/locked/no'))).toBe(-102);
    expect(errOf(pipeline.delete('/locked/a/b', 0))).toBe(0);
    expect(errOf(pipeline.delete('/locked'))).toBe(-111);
  });

  it('sees pending deletions of children', () => {
    const pipeline = new Pipeline();
    pipeline.create('/a');
    pipeline.propose(OpCode.create, createBody('/a/b'));
    pipeline.propose(OpCode.create, createBody('/a/e', 1));
    pipeline.propose(OpCode.closeSession, empty);
    for (const path of ['/a', '/a/b', '/a', '/a']) {
      pipeline.propose(OpCode.delete, deleteBody(path), { session: 9n });
    }
    const deletions = pipeline.commitAll().slice(3);
    expect(deletions.map(errOf)).toEqual([-111, 0, 0, -101]);
    expect(deletions.map(({ isDigestEqual }) => isDigestEqual)).toEqual([
      undefined,
      true,
      true,
      undefined,
    ]);
  });
});

describe('setData, setACL and check', () => {
  it('check in upstream’s order', () => {
    const pipeline = new Pipeline();
    pipeline.create('/a', 0, only(16));
    pipeline.session = 'expired';
    expect(errOf(pipeline.setData('x'))).toBe(-112);
    expect(errOf(pipeline.setAcl('x', null))).toBe(-112);
    pipeline.session = 'ok';
    expect(errOf(pipeline.setData('x'))).toBe(-8);
    expect(errOf(pipeline.setData('/x/'))).toBe(-8);
    expect(errOf(pipeline.setData('/x'))).toBe(-101);
    expect(errOf(pipeline.setData('/a', '', 9))).toBe(-102);
    expect(errOf(pipeline.setAcl('x', null))).toBe(-8);
    expect(errOf(pipeline.setAcl('/x', null))).toBe(-114);
    expect(errOf(pipeline.setAcl('/x', only(1)))).toBe(-101);
    expect(errOf(pipeline.setAcl('/a', only(2), 9))).toBe(-103);
    const check = (path: string, version: number) =>
      errOf(pipeline.multi([multiCheck(path, version)]));
    expect([check('x', 0), check('/x', 0), check('/a', 9)]).toEqual([-8, -101, -102]);
    expect(pipeline.setAcl('/a', only(3), 0).stat).toMatchObject({ aversion: 1, version: 0 });
    expect(check('/a', 9)).toBe(-103);
    expect(check('/a', -1)).toBe(0);
    expect(errOf(pipeline.setData('/a', '', 9))).toBe(-103);
    expect(pipeline.setData('/a', 'x', 0).stat).toMatchObject({ version: 1, aversion: 1 });
    expect(errOf(pipeline.setAcl('/a', only(31)))).toBe(-102);
  });

  it('count versions past each other’s pending changes', () => {
    const pipeline = new Pipeline();
    pipeline.create('/a');
    const results = [0, 1, 1, 2].map((version) => {
      const prepared = pipeline.propose(
        OpCode.multi,
        // A multi of one, so that the version asked for is part of the outcome.
        multiBody([multiSetData('/a', version)]),
      );
      return 'txn' in prepared ? prepared.txn.txn : prepared;
    });
    expect(results.map((txn) => JSON.stringify(txn).includes('"err":-103'))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    pipeline.commitAll();
    expect(pipeline.database.tree.get('/a')?.stat.version).toBe(3);
  });

  it('let a super user do everything', () => {
    const pipeline = new Pipeline();
    pipeline.create('/a', 0, only(0));
    expect(errOf(pipeline.setData('/a'))).toBe(-102);
    expect(errOf(pipeline.setData('/zookeeper/config'))).toBe(-102);
    const authinfo = [{ scheme: 'super', id: '' }];
    expect(errOf(pipeline.setData('/a', '', -1, { authinfo }))).toBe(0);
    expect(errOf(pipeline.setData('/zookeeper/config', '', -1, { authinfo }))).toBe(0);
  });

  it('match ids of the connection', () => {
    const pipeline = new Pipeline();
    const entry = (scheme: string, id: string): Acl => ({ perms: 2, id: { scheme, id } });
    pipeline.create('/d', 0, [entry('digest', 'bob:hash')]);
    pipeline.create('/i', 0, [entry('ip', '10.1.0.0/15')]);
    pipeline.create('/v', 0, [entry('ip', 'fe80::/10')]);
    const as = (path: string, scheme: string, id: string) =>
      errOf(pipeline.setData(path, '', -1, { authinfo: [{ scheme, id }] }));
    expect(as('/d', 'digest', 'bob:hash')).toBe(0);
    expect(as('/d', 'digest', 'bob:other')).toBe(-102);
    expect(as('/d', 'ip', 'bob:hash')).toBe(-102);
    expect(as('/i', 'ip', '10.0.255.1')).toBe(0);
    expect(as('/i', 'ip', '10.2.0.1')).toBe(-102);
    expect(as('/v', 'ip', 'febf::1')).toBe(0);
    expect(as('/v', 'ip', 'fec0::1')).toBe(-102);
    expect(as('/v', 'ip', '10.0.0.1')).toBe(-102);
  });
});

describe('multi', () => {
  it('sees the effects of its own parts', () => {
    const pipeline = new Pipeline();
    const applied = pipeline.multi([
      multiCreate('/a'),
      multiCreate('/a/s', 2),
      multiSetData('/a', 0),
      multiCheck('/a', 1),
      multiDelete('/a/s0000000000'),
      multiCreate('/a/s', 2),
    ]);
    expect(applied.results).toMatchObject([
      { path: '/a' },
      { path: '/a/s0000000000' },
      { stat: { version: 1, numChildren: 1 } },
      { type: 13 },
      { type: 2 },
      { path: '/a/s0000000001' },
    ]);
    expect(applied.isDigestEqual).toBe(true);
  });

  it('that fails leaves no trace, not even in the counters of parents', () => {
    const pipeline = new Pipeline();
    pipeline.create('/a');
    const { treeDigest } = pipeline.database;
    pipeline.propose(OpCode.create, createBody('/a/s', 2));
    const failing = [multiCreate('/a/s', 2), multiDelete('/a/s0000000000'), multiDelete('/x')];
    const failed = pipeline.propose(OpCode.multi, multiBody([...failing, multiCreate('/y')]));
    expect(failed).toMatchObject({
      txn: {
        txn: { body: [{ type: 1 }, { type: 2 }, { body: { err: -101 } }, { body: { err: -2 } }] },
      },
    });
    pipeline.propose(OpCode.create, createBody('/a/s', 2));
    const [first, multi, last] = pipeline.commitAll();
    expect([first?.path, multi?.err, last?.path]).toEqual([
      '/a/s0000000000',
      -101,
      '/a/s0000000001',
    ]);
    expect([first, multi, last].map((applied) => applied?.isDigestEqual)).toEqual([
      true,
      true,
      true,
    ]);
    expect(pipeline.database.treeDigest).not.toBe(treeDigest);
  });

  it('of nothing is legal', () => {
    const applied = new Pipeline().multi([]);
    expect(applied).toMatchObject({ zxid: 1n, err: 0, results: [] });
  });

  it('of a moved session takes no zxid', () => {
    const pipeline = new Pipeline();
    pipeline.session = 'moved';
    expect(pipeline.propose(OpCode.multi, multiBody([multiCreate('/a')]))).toEqual({ moved: true });
    expect(pipeline.propose(OpCode.create, createBody('/a'))).toEqual({ moved: true });
    expect(pipeline.lastZxid).toBe(0n);
    expect(pipeline.prep.outstandingCount).toBe(0);
  });
});

describe('bodies that do not parse', () => {
  it('take no zxid', () => {
    const pipeline = new Pipeline();
    const truncated = createBody('/a').subarray(0, 9);
    const bodies: Array<[number, Uint8Array]> = [
      [OpCode.create, truncated],
      [OpCode.create, createBody(null)],
      [OpCode.delete, empty],
      [OpCode.multi, empty],
      [OpCode.multi, multiBody([multiCreate('/a', 9)])],
      [OpCode.createSession, empty],
      [OpCode.getData, createBody('/a')],
      [77, empty],
    ];
    for (const [type, body] of bodies) {
      expect(pipeline.propose(type, body)).toEqual({ malformed: true });
    }
    expect(pipeline.lastZxid).toBe(0n);
  });

  it('are not those of operations that are off', () => {
    const pipeline = new Pipeline();
    const spec = { joiningServers: null, leavingServers: null, newMembers: null, curConfigId: -1n };
    expect(errOf(pipeline.write(OpCode.reconfig, ReconfigRequest, spec))).toBe(-123);
    const check = encode(CheckVersionRequest, { path: '/', version: 0 });
    expect(errOf(pipeline.submit(OpCode.check, check))).toBe(-6);
  });
});

describe('sessions', () => {
  it('are created and closed by transactions', () => {
    const pipeline = new Pipeline();
    const created = pipeline.submit(OpCode.createSession, new Uint8Array([0, 0, 0x0f, 0xa0]));
    expect(created.createdSession).toBe(SESSION);
    expect(pipeline.database.sessions.get(SESSION)).toBe(4000);
    pipeline.create('/applied', 1);
    pipeline.create('/going', 1);
    pipeline.create('/other', 1, OPEN_ACL, { session: 9n });
    pipeline.propose(OpCode.create, createBody('/pending', 1));
    pipeline.propose(OpCode.delete, deleteBody('/going'));
    const closing = pipeline.propose(OpCode.closeSession, empty, { origin: INTERNAL });
    expect(closing).toMatchObject({ txn: { txn: { body: { paths: ['/applied', '/pending'] } } } });
    // Closed before it is applied: a late create must not outlive its session.
    const late = pipeline.propose(OpCode.create, createBody('/late', 1));
    expect(late).toMatchObject({ txn: { txn: { body: { err: -112 } } } });
    const applied = pipeline.commitAll();
    expect(applied.every(({ isDigestEqual }) => isDigestEqual !== false)).toBe(true);
    expect(applied[2]?.closedSession).toBe(SESSION);
    expect(pipeline.database.tree.get('/other')).toBeDefined();
    expect(pipeline.database.tree.ephemeralCount).toBe(1);
    pipeline.session = 'expired';
    expect(errOf(pipeline.create('/late', 1))).toBe(-112);
  });

  it('with more ephemerals than a transaction may list lose them all', () => {
    const pipeline = new Pipeline();
    const name = 'x'.repeat(3000);
    pipeline.create('/d');
    for (let index = 0; index < 400; index++) {
      pipeline.propose(OpCode.create, createBody(`/d/${name}${index}`, 1));
    }
    pipeline.commitAll();
    const closed = pipeline.submit(OpCode.closeSession, empty);
    expect(closed.isDigestEqual).toBe(true);
    expect(pipeline.database.tree.ephemeralCount).toBe(0);
    const logged = pipeline.log[pipeline.log.length - 1] as Uint8Array;
    expect(logged.length).toBeLessThan(JUTE_MAX_BUFFER);
  });
});

describe('containers', () => {
  it('are deleted by the server alone, and only when empty', () => {
    const pipeline = new Pipeline();
    pipeline.submit(OpCode.createContainer, createBody('/c', 4));
    pipeline.create('/c/x');
    pipeline.create('/e', 1);
    const remove = (path: string, origin?: { readonly kind: 'internal' }) =>
      errOf(pipeline.submit(OpCode.deleteContainer, pathBody(path), origin && { origin }));
    expect(remove('/c')).toBe(-6);
    expect(remove('c', INTERNAL)).toBe(-8);
    expect(remove('/no', INTERNAL)).toBe(-101);
    expect(remove('/c', INTERNAL)).toBe(-111);
    expect(remove('/e', INTERNAL)).toBe(-103);
    pipeline.delete('/c/x');
    expect(remove('/c', INTERNAL)).toBe(0);
    expect(pipeline.database.tree.containers.size).toBe(0);
  });
});

describe('prep', () => {
  it('forgets what is pending when it is reset', () => {
    const prep = new Prep(new Database(), () => 'ok');
    const create = request(OpCode.create, createBody('/a'));
    prep.prepare(create, zxidFrom(1n), 0);
    prep.prepare(request(OpCode.closeSession, empty), zxidFrom(2n), 0);
    expect(prep.outstandingCount).toBe(2);
    const other = request(OpCode.create, createBody('/b'));
    expect(prep.prepare(other, zxidFrom(3n), 0)).toMatchObject({
      txn: { txn: { body: { err: -112 } } },
    });
    prep.reset();
    expect(prep.outstandingCount).toBe(0);
    expect(prep.prepare(create, zxidFrom(3n), 0)).toMatchObject({ txn: { header: { type: 1 } } });
  });

  it('keeps no record that has been applied', () => {
    const pipeline = new Pipeline();
    pipeline.propose(OpCode.create, createBody('/n'));
    for (let index = 0; index < 1500; index++) {
      pipeline.propose(OpCode.create, createBody('/n/s', 2));
      if (index > 2) pipeline.commit();
      expect(pipeline.prep.outstandingCount).toBeLessThan(10);
    }
    expect(pipeline.commitAll().every(({ isDigestEqual }) => isDigestEqual)).toBe(true);
    expect(pipeline.prep.outstandingCount).toBe(0);
  });
});
