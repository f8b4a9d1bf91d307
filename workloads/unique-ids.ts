/**
 * Unique ids of a few sources, by sequential nodes.
 *
 *   f          invoke value   ok value
 *   next-id    —              the id, with leading zeros; zxid = the creation's
 *   final-read, final-children (key = path)
 *
 * The key of a `next-id` is the source's path. Within a source no id is given twice, and ids follow the
 * order of their zxids and real time. An operation without an answer has used up ids at most.
 */
import { checkUniqueIdsWorkload } from '../src/checker/index.ts';
import { formatHex, nextId, type Program, zk } from '../src/client/index.ts';
import type { OperationResult, PlanOperation, Workload } from '../src/harness/index.ts';
import { ensureNode, finalReads, keyOf, operationsOf, planClients } from './shared.ts';

const DIR = '/ids';
const PATHS = [`${DIR}/orders`, `${DIR}/users`] as const;
const GAP_MS = 100;

function* next(op: PlanOperation): Program<OperationResult> {
  const { id, zxid } = yield* nextId(zk, keyOf(op));
  return { type: 'ok', value: id, zxid: formatHex(zxid) };
}

export const uniqueIds: Workload = {
  name: 'unique-ids',
  title: 'Unique and growing ids from sequential nodes',
  plan: (params) => ({
    clients: planClients(params, { paceMs: GAP_MS / 2, gapMs: GAP_MS }, ({ prng, more, push }) => {
      while (more()) push({ f: 'next-id', key: prng.pick(PATHS) });
    }),
    workloadParams: { clients: params.concurrency },
  }),
  *setup() {
    yield* ensureNode(DIR);
    for (const path of PATHS) yield* ensureNode(path);
  },
  operation: operationsOf('unique-ids', { 'next-id': next }),
  final: () => [...finalReads(PATHS), ...finalReads(PATHS, 'final-children')],
  owedKinds: ['next-id'],
  check: checkUniqueIdsWorkload,
};
