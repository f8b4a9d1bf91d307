/**
 * Configuration: clients publish new values of a few nodes, and hold the newest by watches. Values in between
 * may be missed, the last one never.
 *
 *   f          invoke value   ok value                                                   fail
 *   publish    string         the same                                                   refused
 *   watch      {forMs}        {views: [{state: {value, mzxid, version}, zxid, confirmed}]}
 *   final-read (key = path)   {value, mzxid, version}
 *
 * A view is what was read at `zxid`, and still held when a write of the same session had the zxid
 * `confirmed`. Keys are the nodes' paths; every value is published at most once.
 */
import { checkConfigurationWorkload, lastStatesTold } from '../src/checker/index.ts';
import { formatHex, type Program, zk } from '../src/client/index.ts';
import type {
  OperationContext,
  OperationResult,
  PlanOperation,
  Workload,
} from '../src/harness/index.ts';
import {
  ensureNode,
  ensureSyncNodes,
  finalReads,
  keyOf,
  numberParam,
  operationsOf,
  planClients,
  registerValue,
  watchViews,
} from './shared.ts';

const DIR = '/config';
const PATHS = [`${DIR}/database`, `${DIR}/limits`] as const;
const GAP_MS = 80;
const PACE_MS = 250;
const WATCH_MS = [200, 1200] as const;

function* publish(op: PlanOperation): Program<OperationResult> {
  const value = op.value as string;
  const { stat } = yield* zk.setData(keyOf(op), value);
  return { type: 'ok', value, zxid: formatHex(stat.mzxid) };
}

function* watch(op: PlanOperation, { client }: OperationContext): Program<OperationResult> {
  const { forMs } = op.value as { readonly forMs: number };
  const views = yield* watchViews(
    client,
    forMs,
    () => zk.getData(keyOf(op), true),
    (node) => registerValue(node),
  );
  return { type: 'ok', value: { views } };
}

export const configuration: Workload = {
  name: 'configuration',
  title: 'A configuration is published, and its last state reaches everybody who watches it',
  plan: (params) => ({
    clients: planClients(params, { paceMs: PACE_MS, gapMs: GAP_MS }, (draft) => {
      const { client, prng, more, ops, push } = draft;
      while (more()) {
        if (prng.chance(500)) {
          push({ f: 'publish', key: prng.pick(PATHS), value: `c${client}-${ops.length}` });
        }
        push({ f: 'watch', key: prng.pick(PATHS), value: { forMs: prng.int(...WATCH_MS) } });
      }
    }),
    workloadParams: { clients: params.concurrency },
  }),
  *setup(params) {
    yield* ensureNode(DIR);
    for (const path of PATHS) yield* ensureNode(path);
    yield* ensureSyncNodes(numberParam(params, 'clients'));
  },
  operation: operationsOf('configuration', { publish, watch }),
  final: () => finalReads(PATHS),
  owedKinds: ['publish', 'watch'],
  sometimes: { 'the last state was told by a watch': lastStatesTold },
  check: checkConfigurationWorkload,
};
