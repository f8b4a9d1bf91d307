/**
 * The pipeline, with several requests pending at once, against a naive model that runs them one by
 * one: the same replies, the same stats, the same digest after every transaction.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type NodeStat,
  type PlainError,
  type PlainReply,
  PlainTree,
  type PlainWrite,
} from '../../src/checker/models/plain-tree.ts';
import { type Applied, Database } from '../../src/server/core/database.ts';
import { wireStat } from '../../src/server/core/tree/znode.ts';
import {
  type Acl,
  type MultiOperation,
  OpCode,
  SetAclRequest,
  SetDataRequest,
} from '../../src/wire/client.ts';
import { ErrorCode } from '../../src/wire/error-code.ts';
import { encode } from '../../src/wire/jute.ts';
import { decodeTxn } from '../../src/wire/txn.ts';
import { createBody, deleteBody, multiBody, Pipeline } from '../support/pipeline.ts';
import { digestOf, wireStatOf } from '../support/plain-tree.ts';
import { snapshotText } from '../support/tree-invariants.ts';

const SESSIONS = [11n, 12n, 13n];
const SUPER = { session: 99n, authinfo: [{ scheme: 'super', id: '' }] };
const EMPTY = new Uint8Array(0);
const utf8 = (text: string) => new TextEncoder().encode(text);
const aclOf = (perms: number): Acl[] => [{ perms, id: { scheme: 'world', id: 'anyone' } }];

type Step =
  | { readonly step: 'single'; readonly session: bigint; readonly operation: PlainWrite }
  | {
      readonly step: 'multi';
      readonly session: bigint;
      readonly operations: readonly PlainWrite[];
    }
  | { readonly step: 'close'; readonly session: bigint }
  | { readonly step: 'commit' };

const path = fc.oneof(
  // Mostly one branch, so that operations meet each other.
  { weight: 5, arbitrary: fc.constantFrom('/a', '/a', '/a/x', '/a/x', '/a/x/z') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['/b', '/a/y', '/b/x', '/a/', '/', '', 'a', '/a//x', '/zookeeper', '/zookeeper/q'],
      ...['/zookeeper/config', '/a0000000000', '/a/x0000000001', '/a/0000000000'],
    ),
  },
);
// A root that nobody may write to would end most runs at once.
const belowRoot = path.filter((path) => path !== '/');
const version = fc.constantFrom(-1, -1, -1, 0, 0, 1, 2);
const perms = fc.constantFrom(31, 31, 31, 31, 31, 27, 23, 15, 1);
const flags = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 4, 5);
const operation: fc.Arbitrary<PlainWrite> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('create' as const),
      path,
      data: fc.constant(''),
      flags,
      perms,
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), path, version }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('setData' as const),
      path,
      data: fc.constantFrom('', 'x', 'yy'),
      version,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('setAcl' as const), path: belowRoot, perms, version }),
  },
);
const part: fc.Arbitrary<PlainWrite> = fc.oneof(
  operation
    .filter(({ op }) => op !== 'setAcl')
    .filter((part) => !('flags' in part) || part.flags < 5),
  fc.record({ op: fc.constant('check' as const), path, version }),
);
const session = fc.constantFrom(...SESSIONS);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 24,
      arbitrary: fc.record({ step: fc.constant('single' as const), session, operation }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        step: fc.constant('multi' as const),
        session,
        operations: fc.array(part, { maxLength: 5 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('close' as const), session }) },
    { weight: 18, arbitrary: fc.constant({ step: 'commit' } as const) },
  ),
  { maxLength: 60, size: 'max' },
);

function multiPart(operation: PlainWrite): MultiOperation {
  const { path } = operation;
  switch (operation.op) {
    case 'create': {
      const { flags, perms = 31 } = operation;
      return { type: 15, request: { path, data: EMPTY, acl: aclOf(perms), flags } };
    }
    case 'delete':
      return { type: 2, request: { path, version: operation.version } };
    case 'check':
      return { type: 13, request: { path, version: operation.version } };
    case 'setData': {
      const { data, version } = operation;
      return { type: 5, request: { path, data: utf8(data ?? ''), version } };
    }
    case 'setAcl':
      throw new Error('no part of a multi');
  }
}

function bodyOf(operation: PlainWrite): [type: number, body: Uint8Array] {
  const { path } = operation;
  switch (operation.op) {
    case 'create':
      return [OpCode.create, createBody(path, operation.flags, aclOf(operation.perms ?? 31))];
    case 'delete':
      return [OpCode.delete, deleteBody(path, operation.version)];
    case 'setData': {
      const { version } = operation;
      const body = { path, data: utf8(operation.data ?? ''), version };
      return [OpCode.setData, encode(SetDataRequest, body)];
    }
    default: {
      const acl = operation.op === 'setAcl' ? aclOf(operation.perms) : [];
      const { version } = operation;
      return [OpCode.setACL, encode(SetAclRequest, { path, acl, version })];
    }
  }
}

type Refusal = Omit<PlainReply, 'error'> & {
  readonly error: PlainError | 'SessionExpired';
};
type ModelReply = PlainReply | Refusal;

interface Expected {
  readonly reply: ModelReply;
  readonly parts?: readonly ModelReply[];
  readonly digest: bigint;
}

/** The model: requests take effect at once, in order; a dead session may not write. */
class Model {
  readonly tree = new PlainTree();
  readonly #closed = new Set<bigint>();

  run(step: Exclude<Step, { step: 'commit' }>, zxid: bigint): Expected {
    const { tree } = this;
    const session = String(step.session);
    const context = { session, zxid: Number(zxid), timeMs: 1000 + Number(zxid) };
    if (step.step === 'close') {
      this.#closed.add(step.session);
      tree.closeSession(session, context.zxid);
      return { reply: {}, digest: digestOf(tree) };
    }
    const isClosed = this.#closed.has(step.session);
    if (step.step === 'single') {
      const reply = isClosed ? refusal(step.operation) : tree.write(step.operation, context);
      return { reply, digest: digestOf(tree) };
    }
    const parts = isClosed
      ? step.operations.map(
          (part, index): Refusal =>
            index === 0 ? refusal(part) : { error: 'RuntimeInconsistency' },
        )
      : tree.multi(step.operations, context);
    const failed = parts.find(({ error }) => error !== undefined);
    return { reply: failed ?? {}, parts, digest: digestOf(tree) };
  }
}

/** What is wrong with the flags is found before the end of the session. */
function refusal(operation: PlainWrite): Refusal {
  const isUnknown = operation.op === 'create' && operation.flags === 5;
  return { error: isUnknown ? 'Unimplemented' : 'SessionExpired' };
}

const codeOf = ({ error }: ModelReply): number => (error === undefined ? 0 : ErrorCode[error]);

function expectApplied(applied: Applied, expected: Expected, database: Database): void {
  const { reply, parts, digest } = expected;
  const err = codeOf(reply);
  expect(applied.err).toBe(err);
  if (err === 0 && reply.path !== undefined) expect(applied.path).toBe(reply.path);
  if (reply.stat !== undefined) expect(applied.stat).toEqual(wireStatOf(reply.stat));
  if (parts !== undefined) {
    expect(applied.results?.length).toBe(parts.length);
    applied.results?.forEach((result, index) => {
      const part = parts[index] as ModelReply;
      if (err !== 0) expect(result).toEqual({ type: -1, err: codeOf(part) });
      if ('stat' in result) expect(result.stat).toEqual(part.stat && wireStatOf(part.stat));
      if ('path' in result) expect(result.path).toBe(part.path);
    });
  }
  expect(database.treeDigest).toBe(digest);
  // What the decider promised is what came true; only plain errors promise nothing.
  expect(applied.isDigestEqual).toBe(applied.type === OpCode.error ? undefined : true);
}

/** Runs the steps on both; `between` looks at the server after every step. */
function runBoth(all: readonly Step[], between: (pipeline: Pipeline) => void = () => {}) {
  const pipeline = new Pipeline();
  const model = new Model();
  const expected: Expected[] = [];
  let committed = 0;
  const commit = () => {
    if (pipeline.pendingCount === 0) return;
    const applied = pipeline.commit();
    expectApplied(applied, expected[committed] as Expected, pipeline.database);
    committed++;
  };
  for (const step of all) {
    if (step.step === 'commit') commit();
    else {
      const [type, body] =
        step.step === 'close'
          ? [OpCode.closeSession, EMPTY]
          : step.step === 'multi'
            ? [OpCode.multi, multiBody(step.operations.map(multiPart))]
            : bodyOf(step.operation);
      pipeline.propose(type, body, { session: step.session });
      expected.push(model.run(step, pipeline.lastZxid));
    }
    between(pipeline);
  }
  while (pipeline.pendingCount > 0) {
    commit();
    between(pipeline);
  }
  return { pipeline, model };
}

describe('the pipeline', () => {
  it('answers like a server that does one request at a time', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(steps, (all) => {
        const { pipeline, model } = runBoth(all);
        const { tree } = pipeline.database;
        const paths = [...tree.nodes()].map((node) => (node.path === '' ? '/' : node.path));
        expect(paths.sort()).toEqual([...model.tree.nodes.keys()].sort());
        for (const node of tree.nodes()) {
          const plain = model.tree.nodes.get(node.path === '' ? '/' : node.path);
          expect(wireStat(node)).toEqual(wireStatOf(model.tree.stat(node.path) as NodeStat));
          expect(new TextDecoder().decode(node.data ?? EMPTY)).toBe(plain?.data);
          if (!node.path.startsWith('/zookeeper') && node.path !== '') {
            expect(tree.acl(node)).toEqual(aclOf(plain?.perms ?? 0));
          }
        }
        expect(pipeline.prep.outstandingCount).toBe(0);
        for (const bytes of pipeline.log) {
          const { txn } = decodeTxn(bytes);
          if (txn.type === -1) seen.add(txn.body.err);
        }
      }),
      { numRuns: 400 },
    );
    // The operations are varied enough to meet every kind of refusal.
    for (const err of [-6, -8, -101, -102, -103, -108, -110, -111, -112])
      expect(seen).toContain(err);
  });

  it('leaves no trace of a multi that fails', () => {
    fc.assert(
      fc.property(steps, fc.array(part, { maxLength: 6 }), (all, parts) => {
        const { pipeline } = runBoth(all);
        const first = pipeline.propose(OpCode.create, createBody('/before', 2), SUPER);
        const before = pipeline.prep.outstandingCount;
        const doomed = [...parts.map(multiPart), multiPart({ op: 'check', path: 'x', version: 0 })];
        pipeline.propose(OpCode.multi, multiBody(doomed), SUPER);
        expect(pipeline.prep.outstandingCount).toBe(before);
        const [, failed] = pipeline.commitAll();
        expect(failed).toMatchObject({ type: OpCode.multi, events: [], isDigestEqual: true });
        expect(failed?.results?.every(({ type }) => type === -1)).toBe(true);
        if (!('txn' in first) || first.txn.digest === undefined) throw new Error('not created');
        expect(pipeline.database.treeDigest).toBe(first.txn.digest.treeDigest);
      }),
      { numRuns: 100 },
    );
  });

  it('logs what gives the same tree again, once or twice', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { pipeline } = runBoth(all);
        const replayed = new Database();
        for (const bytes of pipeline.log) {
          expect(replayed.apply(decodeTxn(bytes)).isDigestEqual).not.toBe(false);
        }
        expect(snapshotText(replayed)).toBe(snapshotText(pipeline.database));
        for (const bytes of pipeline.log) replayed.apply(decodeTxn(bytes));
        expect(replayed.treeDigest).toBe(pipeline.database.treeDigest);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a snapshot', () => {
  it('read while transactions go on is the tree at its zxid', () => {
    let images = 0;
    fc.assert(
      fc.property(steps, fc.array(fc.nat(4), { minLength: 8, maxLength: 20 }), (all, pulls) => {
        let turn = 0;
        let open: { readonly take: (count: number) => boolean } | undefined;
        runBoth(all, (pipeline) => {
          const count = pulls[turn++ % pulls.length] as number;
          open ??= openView(pipeline.database, () => images++);
          if (open.take(count)) open = undefined;
        });
        open?.take(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 200 },
    );
    expect(images).toBeGreaterThan(100);
  });
});

/** Opens a view; `take` reads on and, at the end, compares with what the tree was at the start. */
function openView(database: Database, changedMeanwhile: () => void) {
  const expected = snapshotText(database);
  const { treeDigest } = database;
  const view = database.openSnapshot();
  const copy = new Database();
  const loader = copy.beginLoad();
  for (const [id, timeoutMs] of view.sessions) loader.session(id, timeoutMs);
  for (const [key, acl] of view.acls) loader.acl(key, acl);
  return {
    take(count: number): boolean {
      for (let taken = 0; taken < count; taken++) {
        const next = view.nodes.next();
        if (next.done !== true) {
          loader.node(next.value);
          continue;
        }
        if (database.treeDigest !== treeDigest) changedMeanwhile();
        view.close();
        loader.finish(view.zxid);
        expect(snapshotText(copy)).toBe(expected);
        expect(copy.treeDigest).toBe(treeDigest);
        return true;
      }
      return false;
    },
  };
}
