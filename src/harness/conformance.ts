/**
 * Conformance: what the servers told of themselves is a behaviour of the model of ZAB, event by event, and
 * keeps every promise of it on the way. Works on the events of any world. Where servers tell nothing, as
 * Apache's do, what was seen on the wires between them is followed instead: partially observed.
 */
import {
  type EnsembleScope,
  type Followed,
  type FollowedWires,
  follow,
  followWires,
  type Observation,
  type Rejected,
  type RejectionText,
  SERVERS_MAX,
  tellRejection,
  tellWireRejection,
} from '../../spec/conform/index.ts';
import type { Anomaly, CheckResult } from '../checker/verdict.ts';
import type { Evidence } from './evidence.ts';
import type { Plan } from './plan.ts';
import type { TapEvent } from './world/wire-tap/tap-event.ts';
import type { TapRecording } from './world/wire-tap/wire-tap.ts';

/** A server alone runs no protocol; and of Apache's servers nothing is known where no wire was tapped. */
export function isConformanceOwed(
  { cluster, system = 'umpire' }: Plan,
  wires: TapRecording | undefined,
): boolean {
  const isKnown = system === 'umpire' || wires?.links.includes('quorum') === true;
  return isKnown && cluster.nodes > 1 && cluster.nodes <= SERVERS_MAX;
}

export function checkConformance(
  { events, plan }: Evidence,
  wires: TapRecording | undefined,
): CheckResult {
  const { cluster, system = 'umpire' } = plan;
  const scope: EnsembleScope = { servers: cluster.nodes, commitLogCount: cluster.commitLogCount };
  return system === 'umpire' ? ofEvents(events, scope) : ofWires(wires?.events ?? [], scope);
}

function ofEvents(events: Evidence['events'], scope: EnsembleScope): CheckResult {
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
    return explained(common, summary);
  }
  const { event } = rejected;
  return violation(common, tellRejection(rejected, scope), {
    kind: kindOf(rejected, 'event-not-explained'),
    nodes: [event.node],
    ...('zxid' in event.args ? { zxid: event.args.zxid } : {}),
  });
}

function ofWires(seen: readonly TapEvent[], scope: EnsembleScope): CheckResult {
  const followed = followWires(observationsOf(seen), scope);
  const common = {
    checker: 'conformance',
    looked: followed.messages,
    items: 'messages between servers',
    findings: wireFindingsOf(followed),
  };
  const { rejected } = followed;
  if (rejected === undefined) {
    const { silentMax, silentSteps, steps, unfollowed } = followed;
    const end = unfollowed === 0 ? '' : `; ${unfollowed} messages after a gap were not followed`;
    const summary =
      `Every message on the wires is explained by the model, partially observed: ${steps} steps, of ` +
      `which ${silentSteps} are not seen, ${silentMax} at most before one message${end}`;
    return explained(common, summary);
  }
  const { event } = rejected;
  return violation(common, tellWireRejection(rejected, scope), {
    kind: kindOf(rejected, 'message-not-explained'),
    nodes: [event.from],
    ...(event.time === undefined ? {} : { time: event.time }),
    ...('zxid' in event ? { zxid: event.zxid } : {}),
  });
}

type Common = Pick<CheckResult, 'checker' | 'looked' | 'items' | 'findings'>;

/** Where nothing was followed, nothing was shown. */
function explained(common: Common, summary: string): CheckResult {
  if (common.looked > 0) return { ...common, verdict: 'pass', summary, anomalies: [] };
  const nothing = `There were no ${common.items} to follow`;
  return { ...common, verdict: 'not-exercised', summary: nothing, anomalies: [] };
}

/** A broken promise outweighs what is only not explained. */
function kindOf({ refusals }: Pick<Rejected, 'refusals'>, otherwise: string): string {
  return refusals.some(({ kind }) => kind === 'invariant') ? 'promise-broken' : otherwise;
}

function violation(
  common: Common,
  { chart, reasons, recent, sentence }: RejectionText,
  about: Pick<Anomaly, 'kind' | 'nodes' | 'zxid' | 'time'>,
): CheckResult {
  const story = [...reasons, '', ...recent, '', ...chart.split('\n')];
  const anomaly: Anomaly = { ...about, message: sentence, entries: [], story };
  return { ...common, verdict: 'violation', summary: sentence, anomalies: [anomaly] };
}

const followedKinds: ReadonlySet<string> = new Set<Observation['message']>([
  ...(['FOLLOWERINFO', 'LEADERINFO', 'ACKEPOCH', 'DIFF', 'TRUNC', 'SNAP', 'NEWLEADER'] as const),
  ...(['UPTODATE', 'PROPOSAL', 'ACK', 'COMMIT', 'gap'] as const),
]);

/** The protocol between voters. Observers have no part in it, and requests of clients are no matter of it. */
export function observationsOf(events: readonly TapEvent[]): readonly Observation[] {
  const ofPeers = events.filter(({ link }) => link === 'quorum');
  const observers = new Set(
    ofPeers.filter(({ message }) => message === 'OBSERVERINFO').map(({ connection }) => connection),
  );
  return ofPeers.filter(
    (event): event is TapEvent & Observation =>
      followedKinds.has(event.message) && !observers.has(event.connection),
  );
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

function wireFindingsOf(followed: FollowedWires) {
  return {
    'steps of the model': followed.steps,
    'steps that are not seen': followed.silentSteps,
    'of these before one message at most': followed.silentMax,
    'states at once at most': followed.frontierMax,
    'messages on connections that one side had left': followed.late,
    'acknowledgements of what was committed': followed.again,
    'messages not followed, for bytes that could not be read': followed.unfollowed,
  };
}
