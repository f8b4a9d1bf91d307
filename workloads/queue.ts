/**
 * A queue: clients put items and take them. An item is delivered once, in the order in which they came,
 * or to a taker that ended without an answer.
 *
 *   f          invoke value   ok value                          fail
 *   put        string         {name, value}, zxid               refused
 *   take       —              {name, value}, zxid               Empty
 *   final-read, final-children (key = path)
 *
 * `name` is the item's node: its number follows the order in which items came. A put or a take whose
 * decisive request got no answer is `info`. Every value is put at most once. All but the last two have
 * the key `queue`.
 */
import { checkQueueWorkload } from '../src/checker/index.ts';
import {
  formatHex,
  type Program,
  put,
  type QueueItem,
  take,
  toText,
  zk,
} from '../src/client/index.ts';
import type { OperationResult, PlanOperation, Workload } from '../src/harness/index.ts';
import { ensureNode, finalReads, operationsOf, planClients } from './shared.ts';

const DIR = '/queue';
const KEY = 'queue';
const GAP_MS = 100;
const TAKE_TIMEOUT_MS = 300;

function resultOf({ name, data, zxid }: QueueItem): OperationResult {
  return { type: 'ok', value: { name, value: toText(data) }, zxid: formatHex(zxid) };
}

function* putItem(op: PlanOperation): Program<OperationResult> {
  return resultOf(yield* put(zk, DIR, op.value as string));
}

function* takeItem(): Program<OperationResult> {
  const item = yield* take(zk, DIR, { timeoutMs: TAKE_TIMEOUT_MS });
  return item === undefined ? { type: 'fail', error: 'Empty' } : resultOf(item);
}

export const queue: Workload = {
  name: 'queue',
  title: 'A queue whose items are delivered once, in their order, or to a taker that crashed',
  plan: (params) => ({
    clients: planClients(params, { paceMs: GAP_MS / 2, gapMs: GAP_MS }, (draft) => {
      const { client, prng, more, ops, push } = draft;
      while (more()) {
        const isPut = prng.chance(480);
        if (isPut) push({ f: 'put', key: KEY, value: `c${client}-${ops.length}` });
        else push({ f: 'take', key: KEY });
      }
    }),
    workloadParams: { clients: params.concurrency },
  }),
  setup: () => ensureNode(DIR),
  operation: operationsOf('queue', { put: putItem, take: takeItem }),
  final: () => [...finalReads([DIR]), ...finalReads([DIR], 'final-children')],
  owedKinds: ['put', 'take'],
  check: checkQueueWorkload,
};
