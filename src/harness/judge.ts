/**
 * From what was recorded to one verdict. The most informative wins: a violation stands whatever else went
 * wrong; then come doubts about the harness itself, then what was not exercised, then what stayed unknown.
 */

import { checkSafely } from '../checker/compose.ts';
import { checkServers } from '../checker/servers.ts';
import type { CheckResult } from '../checker/verdict.ts';
import { checkZooKeeper } from '../checker/zookeeper/contract.ts';
import { checkAvailability, checkServersLived } from './availability.ts';
import { checkConformance, isConformanceOwed } from './conformance.ts';
import { contractOptions } from './contract-evidence.ts';
import { readServerDisk } from './disk-evidence.ts';
import type { Evidence } from './evidence.ts';
import { goalsOf } from './goals.ts';
import type { Recording } from './interpreter.ts';
import { withOverlaps } from './overlap.ts';
import type { Plan } from './plan.ts';
import type { FaultRecord, Goal, Verdict } from './result.ts';
import type { Workload } from './workload.ts';
import { checkWireTap } from './world/wire-tap/tap-checks.ts';

export interface Judgement {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly checks: readonly CheckResult[];
  readonly goals: readonly Goal[];
  readonly faults: readonly FaultRecord[];
  readonly evidence: Evidence;
  readonly checkMs: Readonly<Record<string, number>>;
}

/** Later than this the harness's own event loop was too busy for its times to mean much. */
export const LAG_MARGIN_MS = 1000;

/** `now`: wall milliseconds for the cost of each checker, given by the shell. */
export function judge(
  plan: Plan,
  workload: Workload,
  recorded: Recording,
  now: () => number,
): Judgement {
  const faults = withOverlaps(recorded.faults, recorded.history);
  const recording = { ...recorded, faults };
  const evidence: Evidence = {
    plan,
    history: recording.history,
    events: recording.events,
    ...(recording.sessions === undefined ? {} : { sessions: recording.sessions }),
    disks: new Map([...recording.files].map(([sid, files]) => [sid, readServerDisk(files)])),
  };
  const checkMs: Record<string, number> = {};
  // The worst first: what was lost or told wrong says more than who was not there.
  const checks: CheckResult[] = [];
  const isReached = recording.workloadNs[1] > 0;
  if (isReached) {
    const ofServers = timed('servers', checkMs, now, () => checkServers(evidence));
    checks.push(...ofServers.filter((check) => isOwed(check, plan)));
    checks.push(...timed('workload', checkMs, now, () => workload.check(evidence)));
    checks.push(...timed('contract', checkMs, now, () => checkContract(evidence, faults)));
    const { wires } = recording;
    if (wires !== undefined) {
      const { nodes } = plan.cluster;
      checks.push(...timed('wires', checkMs, now, () => checkWireTap(wires, nodes)));
    }
    if (isConformanceOwed(plan, wires)) {
      const check = (): readonly CheckResult[] =>
        checkSafely('conformance', (told) => checkConformance(told, wires), evidence);
      checks.push(...timed('conformance', checkMs, now, check));
    }
  }
  checks.push(checkServersLived(recording), checkAvailability(recording));
  const goals = goalsOf(plan, workload, recording);
  const found = findings(recording, checks, goals);
  const [verdict, reasons] = decide(found);
  return {
    verdict,
    sentence: sentenceOf(verdict, reasons, checks),
    reasons: [...found.values()].flat(),
    checks,
    goals,
    faults,
    evidence,
    checkMs,
  };
}

/** What a workload never does its run does not owe: checks of it are left out. */
function checkContract(evidence: Evidence, faults: readonly FaultRecord[]): readonly CheckResult[] {
  const { sessions } = evidence;
  if (sessions === undefined) return [];
  const check = (): readonly CheckResult[] =>
    checkZooKeeper(sessions, contractOptions(evidence, faults));
  const results = checkSafely('zookeeper', check, undefined);
  return results.filter(({ looked, verdict }) => looked > 0 || verdict === 'unknown');
}

/** Checks of what servers tell of themselves. Apache's tell nothing: their disks and clients must do. */
const toldByServers: ReadonlySet<string> = new Set([
  'one-leader-per-epoch',
  'durability-events',
  'applied-agreement',
]);
/** Of these the one that counts a quorum, which those who tell need not be. */
const TOLD_BY_QUORUM = 'durability-events';

function isOwed({ checker }: CheckResult, { system = 'umpire' }: Plan): boolean {
  if (system === 'umpire') return true;
  return system === 'mixed' ? checker !== TOLD_BY_QUORUM : !toldByServers.has(checker);
}

function timed<T>(
  name: string,
  checkMs: Record<string, number>,
  now: () => number,
  run: () => T,
): T {
  const startMs = now();
  const result = run();
  checkMs[name] = Math.round(now() - startMs);
  return result;
}

const precedence = ['violation', 'harness-error', 'not-exercised', 'unknown'] as const;
type Finding = (typeof precedence)[number];

function findings(
  recording: Recording,
  checks: readonly CheckResult[],
  goals: readonly Goal[],
): Map<Finding, string[]> {
  const found = new Map<Finding, string[]>(precedence.map((kind) => [kind, []]));
  const add = (kind: Finding, reason: string): void => {
    found.get(kind)?.push(reason);
  };
  for (const check of checks) {
    if (check.verdict === 'pass') continue;
    const first = check.anomalies[0]?.message ?? check.summary;
    add(check.verdict, `${check.checker}: ${first}`);
  }
  for (const problem of recording.problems) add('harness-error', problem);
  for (const fault of recording.faults) {
    const name = `fault ${fault.id} (${fault.kind})`;
    if (fault.applied !== undefined && fault.verified === undefined) {
      add('harness-error', `${name} could not be verified: ${fault.evidence}`);
    } else if (fault.healed !== undefined && fault.healVerified === undefined) {
      add('harness-error', `the heal of ${name} could not be verified: ${fault.evidence}`);
    } else if (fault.applied === undefined) {
      add('not-exercised', `${name} was not applied: ${fault.evidence}`);
    }
  }
  for (const goal of goals) {
    if (goal.isOwed && goal.count === 0) add('not-exercised', `never reached: ${goal.name}`);
  }
  if (recording.maxLagMs > LAG_MARGIN_MS) {
    const lag = `the harness itself stood still for ${Math.round(recording.maxLagMs)} ms`;
    add('unknown', lag);
  }
  return found;
}

function decide(
  found: ReadonlyMap<Finding, readonly string[]>,
): readonly [Verdict, readonly string[]] {
  for (const kind of precedence) {
    const reasons = found.get(kind) ?? [];
    if (reasons.length > 0) return [kind, reasons];
  }
  return ['pass', []];
}

function sentenceOf(
  verdict: Verdict,
  reasons: readonly string[],
  checks: readonly CheckResult[],
): string {
  const first = reasons[0] ?? '';
  switch (verdict) {
    case 'pass': {
      const looked = checks.map((check) => `${check.looked} ${check.items}`).join(', ');
      return `Nothing wrong was found; looked at ${looked}.`;
    }
    case 'violation':
      return first;
    case 'harness-error':
      return `The run proves nothing: ${first}`;
    case 'not-exercised':
      return `The run did not test what it should: ${first}`;
    case 'unknown':
      return `Undecided: ${first}`;
  }
}
