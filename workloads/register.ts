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
import { checkRegisterWorkload } from '../src/checker/index.ts';
import { formatHex, type Program, toText, ZkError, zk } from '../src/client/index.ts';
import type { OperationResult, Workload } from '../src/harness/index.ts';
import {
  type Draft,
  ensureNode,
  ensureSyncNodes,
  finalReads,
  keyOf,
  numberParam,
  operationsOf,
  planClients,
  quorumRead,
  readOrFail,
  registerValue,
} from './shared.ts';

const DIR = '/r';
const GAP_MS = 100;
const KEYS_PER_GROUP = 3;
/** Operations of one client on one group of keys. */
const OPERATIONS_PER_GROUP = 60;

function pathOfKey(key: string): string {
  return `${DIR}/${key.slice(1)}`;
}

function drawClient({ client, prng, more, ops, push }: Draft): void {
  /** The client's own newest value by key: the best guess of what a compare-and-set will find. */
  const newest = new Map<string, string>();
  const set = (f: 'write' | 'cas', key: string, after: number): void => {
    const value = `c${client}-${ops.length}`;
    push({ after, f, key, value: f === 'write' ? value : [newest.get(key), value] });
    newest.set(key, value);
  };
  while (more()) {
    const group = Math.floor(ops.length / OPERATIONS_PER_GROUP);
    const key = `r${group * KEYS_PER_GROUP + prng.int(0, KEYS_PER_GROUP - 1)}`;
    const draw = prng.int(0, 99);
    if (draw < 25) push({ f: 'read', key });
    else if (draw < 50) push({ f: 'plain-read', key });
    // At once after the own write: the fewer writers come between, the likelier it matches.
    else if (draw < 70 && newest.has(key)) set('cas', key, prng.int(0, 10));
    else {
      set('write', key, prng.int(0, GAP_MS));
      if (prng.chance(400)) set('cas', key, prng.int(0, 10));
    }
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

export const register: Workload = {
  name: 'register',
  title: 'Writes, compare-and-set, quorum reads and plain reads of a few registers',
  plan(params) {
    const clients = planClients(params, { paceMs: GAP_MS / 2, gapMs: GAP_MS }, drawClient);
    const longest = Math.max(0, ...clients.map(({ ops }) => ops.length));
    const keys = Math.ceil(longest / OPERATIONS_PER_GROUP) * KEYS_PER_GROUP;
    return { clients, workloadParams: { keys, clients: params.concurrency } };
  },
  *setup(params) {
    yield* ensureNode(DIR);
    for (let key = 0; key < numberParam(params, 'keys'); key++) yield* ensureNode(`${DIR}/${key}`);
    yield* ensureSyncNodes(numberParam(params, 'clients'));
  },
  operation: operationsOf('register', {
    write: (op) => write(pathOfKey(keyOf(op)), op.value as string),
    cas: (op) => compareAndSet(pathOfKey(keyOf(op)), op.value as readonly [string, string]),
    read: (op, { client }) =>
      readOrFail(function* () {
        const node = yield* quorumRead(pathOfKey(keyOf(op)), client, op.id);
        return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
      }),
    'plain-read': (op) =>
      readOrFail(function* () {
        const node = yield* zk.getData(pathOfKey(keyOf(op)));
        return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
      }),
  }),
  final(params) {
    const keys = numberParam(params, 'keys');
    return finalReads(Array.from({ length: keys }, (_, key) => `${DIR}/${key}`));
  },
  owedKinds: ['write', 'cas', 'read', 'plain-read'],
  check: checkRegisterWorkload,
};
