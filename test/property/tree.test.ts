/**
 * The tree under transactions that no server would decide, and under the fuzzy snapshots that
 * Apache ZooKeeper writes while transactions go on.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Database } from '../../src/server/core/database.ts';
import type { SnapshotNode } from '../../src/server/core/snapshot-port.ts';
import { type Acl, OPEN_ACL, OpCode } from '../../src/wire/client.ts';
import { decodeTxn, encodeTxn, type SubTxn, type Txn, type TxnBody } from '../../src/wire/txn.ts';
import {
  createBody,
  deleteBody,
  multiBody,
  multiCreate,
  multiDelete,
  Pipeline,
} from '../support/pipeline.ts';
import { brokenInvariants, snapshotText } from '../support/tree-invariants.ts';

const path = fc.oneof(
  fc.constantFrom(
    '/a',
    '/b',
    '/a/x',
    '/a/y',
    '/a/x/z',
    '',
    '/',
    '//',
    '/a/',
    '//a',
    'a',
    '/zookeeper',
  ),
  fc.constantFrom('/zookeeper/config', '/zookeeper/quota', '/zookeeper/quota/a', '/a//x'),
  fc.string({ maxLength: 4 }),
);
const data = fc.option(fc.uint8Array({ maxLength: 3 }));
const long = fc.bigInt(-(1n << 63n), (1n << 63n) - 1n);
const int = fc.oneof(fc.integer({ min: -2, max: 4 }), fc.integer());
const acl: fc.Arbitrary<Acl[]> = fc.array(
  fc.record({
    perms: fc.integer({ min: 0, max: 31 }),
    id: fc.record({
      scheme: fc.constantFrom('world', 'ip', null),
      id: fc.constantFrom('anyone', null),
    }),
  }),
  { maxLength: 2 },
);

const subTxn = fc.oneof(
  fc.record({
    type: fc.constantFrom(1 as const, 15 as const),
    body: fc.record({ path, data, acl, isEphemeral: fc.boolean(), parentCversion: int }),
  }),
  fc.record({
    type: fc.constant(19 as const),
    body: fc.record({ path, data, acl, parentCversion: int }),
  }),
  fc.record({
    type: fc.constant(21 as const),
    body: fc.record({ path, data, acl, parentCversion: int, ttlMs: long }),
  }),
  fc.record({ type: fc.constantFrom(2 as const, 20 as const), body: fc.record({ path }) }),
  fc.record({
    type: fc.constantFrom(5 as const, 16 as const),
    body: fc.record({ path, data, version: int }),
  }),
  fc.record({ type: fc.constant(7 as const), body: fc.record({ path, acl, version: int }) }),
  fc.record({ type: fc.constant(13 as const), body: fc.record({ path, version: int }) }),
  fc.record({ type: fc.constant(-1 as const), body: fc.record({ err: int }) }),
) as fc.Arbitrary<SubTxn>;
const body = fc.oneof(
  { weight: 12, arbitrary: subTxn as fc.Arbitrary<TxnBody> },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant(14 as const),
      body: fc.array(subTxn, { maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant(-10 as const), body: fc.record({ timeoutMs: int }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant(-11 as const),
      body: fc.option(fc.record({ paths: fc.array(path, { maxLength: 3 }) })),
    }),
  },
) as fc.Arbitrary<TxnBody>;
const clientId = fc.oneof(fc.constantFrom(0n, 1n, 2n, -(1n << 63n), -1n, 0xff0000000000005n), long);
const txns: fc.Arbitrary<Txn[]> = fc.array(
  fc
    .record({
      clientId,
      cxid: fc.integer(),
      zxid: fc.oneof(fc.bigInt(0n, 9n), long),
      time: long,
      body,
    })
    .map(({ body: txn, ...header }) => ({ header: { ...header, type: txn.type }, txn })),
  { maxLength: 30, size: 'max' },
);

describe('any decodable transaction', () => {
  it('can be applied, and leaves a sound tree', () => {
    let applied = 0;
    fc.assert(
      fc.property(txns, (all) => {
        const database = new Database();
        for (const txn of all) {
          database.apply(decodeTxn(encodeTxn(txn)));
          applied++;
        }
        expect(brokenInvariants(database.tree)).toEqual([]);
        database.setConfigData('version=0', 0n, 0);
        expect(brokenInvariants(database.tree)).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(applied).toBeGreaterThan(2000);
  });

  it('keeps a view exact that was opened before', () => {
    fc.assert(
      fc.property(txns, txns, fc.nat(8), (before, after, pulled) => {
        const database = new Database();
        for (const txn of before) database.apply(txn);
        const expected = snapshotText(database);
        const view = database.openSnapshot();
        const copy = new Database();
        const loader = copy.beginLoad();
        for (const [id, timeoutMs] of view.sessions) loader.session(id, timeoutMs);
        for (const [key, list] of view.acls) loader.acl(key, list);
        const pull = (count: number) => {
          for (let index = 0; index < count; index++) {
            const next = view.nodes.next();
            if (next.done === true) return;
            loader.node(next.value);
          }
        };
        pull(pulled);
        for (const txn of after) {
          database.apply(txn);
          pull(1);
        }
        pull(Number.POSITIVE_INFINITY);
        view.close();
        loader.finish(view.zxid);
        expect(snapshotText(copy)).toBe(expected);
        expect(brokenInvariants(copy.tree)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

const SESSIONS = [11n, 12n, 13n, 14n];
const plainPath = fc.constantFrom('/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/z');
const write = fc.record({
  kind: fc.constantFrom(
    'create',
    'create',
    'create',
    'delete',
    'delete',
    'set',
    'acl',
    'multi',
    'close',
  ),
  path: plainPath,
  other: plainPath,
  session: fc.constantFrom(...SESSIONS),
  isEphemeral: fc.boolean(),
});
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

function submit(pipeline: Pipeline, { kind, path, other, session, isEphemeral }: Write): void {
  const flags = isEphemeral ? 1 : 0;
  const options = { session };
  switch (kind) {
    case 'create':
      pipeline.submit(OpCode.create, createBody(path, flags), options);
      break;
    case 'delete':
      pipeline.submit(OpCode.delete, deleteBody(path), options);
      break;
    case 'set':
      pipeline.setData(path, `${path} ${pipeline.lastZxid}`, -1, options);
      break;
    case 'acl':
      pipeline.setAcl(
        path,
        [...OPEN_ACL, { perms: 1, id: { scheme: 'ip', id: '::1' } }],
        -1,
        options,
      );
      break;
    case 'multi': {
      const operations = [multiDelete(path), multiCreate(path, flags), multiCreate(other, flags)];
      pipeline.submit(OpCode.multi, multiBody(operations), options);
      break;
    }
    default:
      pipeline.submit(OpCode.closeSession, new Uint8Array(0), options);
  }
}

interface Moment {
  readonly nodes: ReadonlyMap<string, SnapshotNode>;
  readonly children: ReadonlyMap<string, readonly string[]>;
}

function momentOf(database: Database): Moment {
  const nodes = new Map<string, SnapshotNode>();
  const children = new Map<string, readonly string[]>();
  for (const { path, data, aclKey, stat, children: names } of database.tree.nodes()) {
    nodes.set(path, { path, data, aclKey, stat: { ...stat } });
    children.set(path, [...(names ?? [])]);
  }
  return { nodes, children };
}

describe('a fuzzy snapshot', () => {
  it('becomes the exact tree once the log from its start is replayed', () => {
    let mixed = 0;
    const writes = fc.array(write, { minLength: 1, maxLength: 40, size: 'max' });
    const pauses = fc.array(fc.nat(3), { minLength: 5, maxLength: 12 });
    fc.assert(
      fc.property(writes, fc.nat(20), pauses, (all, started, delays) => {
        const pipeline = new Pipeline();
        const { database } = pipeline;
        for (const session of SESSIONS) {
          pipeline.submit(OpCode.createSession, new Uint8Array([0, 0, 4, 0]), { session });
        }
        const start = SESSIONS.length + (started % all.length);
        const moments: Moment[] = [];
        let acls: ReadonlyArray<readonly [bigint, readonly Acl[]]> = [];
        let sessions: ReadonlyArray<readonly [bigint, number]> = [];
        all.forEach((next, index) => {
          if (index + SESSIONS.length === start) {
            acls = database.tree.aclEntries();
            sessions = [...database.sessions];
            moments.push(momentOf(database));
          }
          submit(pipeline, next);
          if (moments.length > 0) moments.push(momentOf(database));
        });
        // Upstream's walk: each node is copied under its own lock, and time passes in between.
        const copy = new Database();
        const loader = copy.beginLoad();
        for (const [id, timeoutMs] of sessions) loader.session(id, timeoutMs);
        for (const [key, list] of acls) loader.acl(key, list);
        let now = 0;
        let visited = 0;
        const visit = (at: string) => {
          const moment = moments[now] as Moment;
          const node = moment.nodes.get(at);
          if (node === undefined) return;
          loader.node(node);
          const names = moment.children.get(at) ?? [];
          for (const name of names) {
            const delay = delays[visited++ % delays.length] as number;
            now = Math.min(now + delay, moments.length - 1);
            visit(`${at}/${name}`);
          }
        };
        visit('');
        loader.finish(BigInt(start));
        if (now > 0) mixed++;
        for (const bytes of pipeline.log) {
          const txn = decodeTxn(bytes);
          if (txn.header.zxid > start) copy.apply(txn);
        }
        expect(snapshotText(copy)).toBe(snapshotText(database));
        expect(copy.treeDigest).toBe(database.treeDigest);
        expect(brokenInvariants(copy.tree)).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(mixed).toBeGreaterThan(100);
  });
});
