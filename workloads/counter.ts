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
import { checkCounterWorkload } from '../src/checker/workload-checks.ts';
import {
  counterValue,
  formatHex,
  increment,
  NotAttemptedError,
  type Program,
  zk,
} from '../src/client/index.ts';
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
  unknownOperation,
} from './shared.ts';

const PATH = '/counter';
const KEY = 'counter';
const GAP_MS = 120;

function plan(params: WorkloadParams): {
  readonly clients: readonly PlanClient[];
  readonly workloadParams: Params;
} {
  const count = operationCount(params, GAP_MS / 2);
  const clients: PlanClient[] = [];
  for (let client = 0; client < params.concurrency; client++) {
    const prng = params.prng(`workload/client/${client}`);
    const ops: PlanOperation[] = [];
    for (let index = 0; index < count; index++) {
      const f = prng.chance(650) ? 'increment' : 'read';
      ops.push({ id: `c${client}-${index}`, after: prng.int(0, GAP_MS), f, key: KEY });
    }
    clients.push({ id: client, ops });
  }
  return { clients, workloadParams: { clients: params.concurrency } };
}

function* setup(params: Params): Program<void> {
  yield* ensureNode(PATH, '0');
  yield* ensureSyncNodes(numberParam(params, 'clients'));
}

function* operation(op: PlanOperation, context: OperationContext): Program<OperationResult> {
  switch (op.f) {
    case 'increment':
      return yield* incrementOnce();
    case 'read':
      return yield* readOrFail(function* () {
        const node = yield* quorumRead(PATH, context.client, op.id);
        return { type: 'ok', value: counterValue(node.data), zxid: formatHex(node.zxid) };
      });
    case 'final-read':
      return yield* finalRead(keyOf(op));
    default:
      throw unknownOperation('counter', op);
  }
}

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
  plan,
  setup,
  operation,
  final: () => finalReads([PATH]),
  owedKinds: ['increment', 'read'],
  check: (evidence: Evidence) => checkCounterWorkload(evidence),
};
