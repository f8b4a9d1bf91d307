/**
 * Registers: one node per key, `/r/<k>` for the key `r<k>`. Writes, compare-and-set and quorum reads of a
 * key must be linearizable; plain reads may be stale but must obey the prefix contract.
 *
 *   f           invoke value     ok value                              meaning of `fail`
 *   write       string           the same                              refused
 *   cas         [from, to]       the same                              did not match, or lost the race
 *   read        —                {value, mzxid, version}               no answer
 *   plain-read  —                {value, mzxid, version}               no answer
 *   final-read  —  (key = path)  {value, mzxid, version}
 *
 * `value` is a string, null before the first write; `mzxid` is hex. `zxid` of an entry is the write's own
 * zxid, or that of the reply header of a read. Every value is written at most once. A failed cas says
 * nothing about the value it found: its read may have been stale.
 *
 * Keys take turns: a group of keys serves for a while, then the next, so that no key's history grows
 * beyond what a search for a linearization can bear.
 */
import { checkRegisterWorkload } from '../src/checker/workload-checks.ts';
import { formatHex, type Program, toText, ZkError, zk } from '../src/client/index.ts';
import type { Evidence } from '../src/harness/evidence.ts';
import type { PlanClient, PlanOperation } from '../src/harness/plan.ts';
import type {
  OperationContext,
  OperationResult,
  Workload,
  WorkloadParams,
} from '../src/harness/workload.ts';
import {
  ensureNode,
  ensureSyncNodes,
  finalRead,
  finalReads,
  keyOf,
  numberParam,
  operationCount,
  type Params,
  quorumRead,
  readOrFail,
  registerValue,
  unknownOperation,
} from './shared.ts';

const DIR = '/r';
const GAP_MS = 100;
const KEYS_PER_GROUP = 3;
/** Operations of one client on one group of keys. */
const OPERATIONS_PER_GROUP = 60;

function pathOfKey(key: string): string {
  return `${DIR}/${key.slice(1)}`;
}

function plan(params: WorkloadParams): {
  readonly clients: readonly PlanClient[];
  readonly workloadParams: Params;
} {
  const count = operationCount(params, GAP_MS / 2);
  const groups = Math.ceil(count / OPERATIONS_PER_GROUP);
  const clients: PlanClient[] = [];
  for (let client = 0; client < params.concurrency; client++) {
    clients.push({ id: client, ops: planClient(params, client, count) });
  }
  return {
    clients,
    workloadParams: { keys: groups * KEYS_PER_GROUP, clients: params.concurrency },
  };
}

function planClient(params: WorkloadParams, client: number, count: number): PlanOperation[] {
  const prng = params.prng(`workload/client/${client}`);
  const ops: PlanOperation[] = [];
  /** The client's own newest value by key: the best guess of what a compare-and-set will find. */
  const newest = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const group = Math.floor(index / OPERATIONS_PER_GROUP);
    const key = `r${group * KEYS_PER_GROUP + prng.int(0, KEYS_PER_GROUP - 1)}`;
    const id = `c${client}-${index}`;
    const base = { id, after: prng.int(0, GAP_MS), key };
    const draw = prng.int(0, 99);
    const from = newest.get(key);
    if (draw < 25) ops.push({ ...base, f: 'read' });
    else if (draw < 50) ops.push({ ...base, f: 'plain-read' });
    else if (draw < 70 && from !== undefined) {
      // At once after the own write: the fewer writers come between, the likelier it matches.
      ops.push({ ...base, after: prng.int(0, 10), f: 'cas', value: [from, id] });
      newest.set(key, id);
    } else {
      ops.push({ ...base, f: 'write', value: id });
      newest.set(key, id);
      if (prng.chance(400)) index = pushCas(ops, newest, { client, index, key }, prng.int(0, 10));
    }
  }
  return ops;
}

/** A compare-and-set of the value that was just written; answers the index it took. */
function pushCas(
  ops: PlanOperation[],
  newest: Map<string, string>,
  at: { readonly client: number; readonly index: number; readonly key: string },
  after: number,
): number {
  const index = at.index + 1;
  const id = `c${at.client}-${index}`;
  ops.push({ id, after, key: at.key, f: 'cas', value: [newest.get(at.key), id] });
  newest.set(at.key, id);
  return index;
}

function* setup(params: Params): Program<void> {
  yield* ensureNode(DIR);
  for (let key = 0; key < numberParam(params, 'keys'); key++) yield* ensureNode(`${DIR}/${key}`);
  yield* ensureSyncNodes(numberParam(params, 'clients'));
}

function* operation(op: PlanOperation, context: OperationContext): Program<OperationResult> {
  switch (op.f) {
    case 'write':
      return yield* write(pathOfKey(keyOf(op)), op.value as string);
    case 'cas':
      return yield* compareAndSet(pathOfKey(keyOf(op)), op.value as readonly [string, string]);
    case 'read':
      return yield* readOrFail(function* () {
        const node = yield* quorumRead(pathOfKey(keyOf(op)), context.client, op.id);
        return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
      });
    case 'plain-read':
      return yield* readOrFail(function* () {
        const node = yield* zk.getData(pathOfKey(keyOf(op)));
        return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
      });
    case 'final-read':
      return yield* finalRead(keyOf(op));
    default:
      throw unknownOperation('register', op);
  }
}

function* write(path: string, value: string): Program<OperationResult> {
  const { stat } = yield* zk.setData(path, value);
  return { type: 'ok', value, zxid: formatHex(stat.mzxid) };
}

/** The version that was read guards the write, so that even a stale read cannot make it wrong. */
function* compareAndSet(path: string, value: readonly [string, string]): Program<OperationResult> {
  const [from, to] = value;
  let version = 0;
  const found = yield* readOrFail(function* () {
    const { data, stat } = yield* zk.getData(path);
    version = stat.version;
    return toText(data) === from ? { type: 'ok' } : { type: 'fail', error: 'ValueMismatch' };
  });
  if (found.type === 'fail') return { ...found, value };
  try {
    const { stat } = yield* zk.setData(path, to, version);
    return { type: 'ok', value, zxid: formatHex(stat.mzxid) };
  } catch (error) {
    if (!(error instanceof ZkError) || error.code !== 'BadVersion') throw error;
    return { type: 'fail', value, error: error.code };
  }
}

function final(params: Params): readonly PlanOperation[] {
  const keys = numberParam(params, 'keys');
  return finalReads(Array.from({ length: keys }, (_, key) => `${DIR}/${key}`));
}

export const register: Workload = {
  name: 'register',
  title: 'Writes, compare-and-set, quorum reads and plain reads of a few registers',
  plan,
  setup,
  operation,
  final,
  owedKinds: ['write', 'cas', 'read', 'plain-read'],
  check: (evidence: Evidence) => checkRegisterWorkload(evidence),
};
