/**
 * What a run reached. A run owes that each planned fault was verified and met operations, and that each kind
 * of operation of its workload succeeded once; the rest are `sometimes` goals, which a portfolio must
 * reach somewhere.
 */
import type { ProtocolAct } from '../base/protocol-event.ts';
import type { TimedEvent } from './evidence.ts';
import type { Recording } from './interpreter.ts';
import type { Plan } from './plan.ts';
import type { FaultRecord, Goal } from './result.ts';
import type { Workload } from './workload.ts';

/** Goals of every workload. */
const portfolioGoals: readonly string[] = [
  'learner synchronized by DIFF',
  'learner synchronized by TRUNC',
  'learner synchronized by SNAP',
  'leader killed with proposals outstanding',
  'session moved to another server',
  'session expired on a live client',
  'leader changed',
  'snapshot taken under load',
];

export function goalsOf(plan: Plan, workload: Workload, recording: Recording): readonly Goal[] {
  const goals: Goal[] = [];
  for (const f of workload.owedKinds) {
    const count = recording.history.filter((entry) => entry.type === 'ok' && entry.f === f).length;
    goals.push({ name: `operation ${f} succeeded`, isOwed: plan.clients.length > 0, count });
  }
  const kinds = [...new Set(plan.faults.map((fault) => fault.kind))];
  for (const kind of kinds) {
    const met = recording.faults.filter(
      (record) =>
        record.kind === kind && record.verified !== undefined && record.overlappedOperations > 0,
    );
    goals.push({
      name: `fault ${kind} verified and met operations`,
      isOwed: true,
      count: met.length,
    });
  }
  const acts = countActs(recording);
  for (const name of portfolioGoals) {
    goals.push({ name, isOwed: false, count: counters[name]?.(recording, acts) ?? 0 });
  }
  for (const [name, countIn] of Object.entries(workload.sometimes ?? {})) {
    goals.push({ name, isOwed: false, count: countIn(recording.history) });
  }
  return goals;
}

/** What a portfolio of these workloads must reach at least once. */
export function goalNames(workloads: Iterable<Workload>): readonly string[] {
  const own = [...workloads].flatMap(({ sometimes = {} }) => Object.keys(sometimes));
  return [...portfolioGoals, ...own];
}

/** How often each act was seen; DIFFs are counted apart from other choices. */
interface ActCounts {
  readonly acts: ReadonlyMap<ProtocolAct, number>;
  readonly diffs: number;
}
type Counter = (recording: Recording, counts: ActCounts) => number;

const counters: Readonly<Record<string, Counter>> = {
  'learner synchronized by DIFF': (_, { diffs }) => diffs,
  'learner synchronized by TRUNC': (_, { acts }) => acts.get('Truncated') ?? 0,
  'learner synchronized by SNAP': (_, { acts }) => acts.get('SnapshotInstalled') ?? 0,
  'leader killed with proposals outstanding': leadersKilledWithProposals,
  'session moved to another server': sessionsMoved,
  'session expired on a live client': sessionsExpired,
  'leader changed': (_, { acts }) => Math.max(0, (acts.get('LeaderEstablished') ?? 0) - 1),
  'snapshot taken under load': (_, { acts }) => acts.get('SnapshotTaken') ?? 0,
};

function countActs({ events }: Recording): ActCounts {
  const acts = new Map<ProtocolAct, number>();
  let diffs = 0;
  for (const lines of events.values()) {
    for (const line of lines) {
      acts.set(line.act, (acts.get(line.act) ?? 0) + 1);
      if (line.act === 'SyncChosen' && line.args.mode === 'DIFF') diffs++;
    }
  }
  return { acts, diffs };
}

const kills: ReadonlySet<string> = new Set(['kill', 'kill-all', 'power-loss']);

/** The last words of a killed leader: it had proposed what it never committed. */
function leadersKilledWithProposals({ events, faults }: Recording): number {
  let count = 0;
  for (const fault of faults) {
    if (!kills.has(fault.kind) || fault.applied === undefined) continue;
    for (const node of fault.nodes) {
      if (hasOutstanding(events.get(node) ?? [], fault)) count++;
    }
  }
  return count;
}

function hasOutstanding(lines: readonly TimedEvent[], fault: FaultRecord): boolean {
  const before = lines.filter((line) => (line.time ?? 0) <= (fault.applied ?? 0));
  const last = before.at(-1);
  if (last?.post.role !== 'leading') return false;
  const life = before.filter((line) => line.incarnation === last.incarnation);
  const sent = life.findLast((line) => line.act === 'ProposalSent');
  const committed = life.findLast((line) => line.act === 'ProposalCommitted');
  if (sent?.act !== 'ProposalSent') return false;
  return committed?.act !== 'ProposalCommitted' || committed.args.zxid !== sent.args.zxid;
}

/** One session was answered by two servers. */
function sessionsMoved({ history }: Recording): number {
  const nodes = new Map<string, Set<number>>();
  for (const { session, node, type } of history) {
    if (type !== 'ok' || session === undefined || node === undefined) continue;
    const seen = nodes.get(session) ?? new Set<number>();
    nodes.set(session, seen.add(node));
  }
  return [...nodes.values()].filter((seen) => seen.size > 1).length;
}

/** The client was told, so it lived. */
function sessionsExpired({ history }: Recording): number {
  return history.filter((entry) => entry.error === 'SessionExpired').length;
}
