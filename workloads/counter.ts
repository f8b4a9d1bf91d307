/**
 * One counter, incremented by compare-and-set and read by quorum reads.
 *
 *   f           invoke value     ok value                         fail                    info
 *   increment   —                the new value (number)           nothing was written     may have counted
 *   read        —                the value (number)               no answer
 *   final-read  —  (key = path)  {value, mzxid, version}
 *
 * All of them have the key `counter`, the final read the path `/counter`. An increment whose write got no
 * answer is `info` and never tried again; one that failed before its write is `fail`.
 */
import { checkCounterWorkload } from '../src/checker/index.ts';
import {
  counterValue,
  formatHex,
  increment,
  NotAttemptedError,
  type Program,
  zk,
} from '../src/client/index.ts';
import type { OperationResult, Workload } from '../src/harness/index.ts';
import {
  ensureNode,
  ensureSyncNodes,
  finalReads,
  numberParam,
  operationsOf,
  planClients,
  quorumRead,
  readOrFail,
} from './shared.ts';

const PATH = '/counter';
const KEY = 'counter';
const GAP_MS = 120;

/** An error of the write itself passes: its `definite` column decides between fail and info. */
function* incrementOnce(): Program<OperationResult> {
  try {
    const { value, zxid } = yield* increment(zk, PATH);
    return { type: 'ok', value, zxid: formatHex(zxid) };
  } catch (error) {
    if (!(error instanceof NotAttemptedError)) throw error;
    if (error.cause.code === 'SessionExpired') throw error.cause;
    return { type: 'fail', error: error.cause.code };
  }
}

export const counter: Workload = {
  name: 'counter',
  title: 'Increments by compare-and-set, and quorum reads, of one counter',
  plan: (params) => ({
    clients: planClients(params, { paceMs: GAP_MS / 2, gapMs: GAP_MS }, ({ prng, more, push }) => {
      while (more()) push({ f: prng.chance(650) ? 'increment' : 'read', key: KEY });
    }),
    workloadParams: { clients: params.concurrency },
  }),
  *setup(params) {
    yield* ensureNode(PATH, '0');
    yield* ensureSyncNodes(numberParam(params, 'clients'));
  },
  operation: operationsOf('counter', {
    increment: incrementOnce,
    read: (op, { client }) =>
      readOrFail(function* () {
        const node = yield* quorumRead(PATH, client, op.id);
        return { type: 'ok', value: counterValue(node.data), zxid: formatHex(node.zxid) };
      }),
  }),
  final: () => finalReads([PATH]),
  owedKinds: ['increment', 'read'],
  check: checkCounterWorkload,
};
