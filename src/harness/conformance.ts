/**
 * Conformance: what the servers told of themselves is a behaviour of the model of ZAB, event by event, and
 * keeps every promise of it on the way. Works on the events of any world.
 */
import {
  type EnsembleScope,
  type Followed,
  follow,
  SERVERS_MAX,
  tellRejection,
} from '../../spec/conform/index.ts';
import type { CheckResult } from '../checker/verdict.ts';
import type { Evidence } from './evidence.ts';
import type { Plan } from './plan.ts';

/** A server alone runs no protocol; and Apache's servers tell nothing. */
export function isConformanceOwed({ cluster, system = 'umpire' }: Plan): boolean {
  return system === 'umpire' && cluster.nodes > 1 && cluster.nodes <= SERVERS_MAX;
}

export function checkConformance({ events, plan }: Evidence): CheckResult {
  const { commitLogCount, nodes } = plan.cluster;
  const scope: EnsembleScope = { servers: nodes, commitLogCount };
  const followed = follow(events, scope);
  const common = {
    checker: 'conformance',
    looked: followed.events,
    items: 'protocol events',
    findings: findingsOf(followed),
  };
  const { rejected } = followed;
  if (rejected === undefined) {
    const { steps, silentSteps, silentMax } = followed;
    const summary =
      `Every event is explained by the model: ${steps} steps, of which ${silentSteps} are told by no ` +
      `event of their own, ${silentMax} at most before one event`;
    return { ...common, verdict: 'pass', summary, anomalies: [] };
  }
  const told = tellRejection(rejected, scope);
  const { event } = rejected;
  const isPromise = rejected.refusals.some(({ kind }) => kind === 'invariant');
  const anomaly = {
    kind: isPromise ? 'promise-broken' : 'event-not-explained',
    message: told.sentence,
    entries: [],
    nodes: [event.node],
    ...('zxid' in event.args ? { zxid: event.args.zxid } : {}),
  };
  return {
    ...common,
    verdict: 'violation',
    summary: told.sentence,
    anomalies: [anomaly],
    details: told,
  };
}

function findingsOf({ frontierMax, silentMax, silentSteps, steps, unheard }: Followed) {
  return {
    'steps of the model': steps,
    'steps without an event': silentSteps,
    'of these before one event at most': silentMax,
    'states at once at most': frontierMax,
    'connections that no leader heard of': unheard,
  };
}
