/**
 * Who was served while the faults of a pattern's plan held, from its history alone: acknowledged writes say
 * who served, and the servers' own answers who refused. Compared with somebody's word on it.
 */
import type { HistoryEntry } from '../../checker/history.ts';
import { Findings, field, formatTime } from '../../checker/report.ts';
import type { CheckResult } from '../../checker/verdict.ts';
import type { Plan } from '../plan.ts';
import type { FaultRecord, RunResult } from '../result.ts';
import type { Word } from './compare.ts';
import { describePattern } from './pattern.ts';
import { patternOf } from './pattern-plan.ts';

interface Run {
  readonly plan: Plan;
  readonly faults: readonly FaultRecord[];
  readonly history: readonly HistoryEntry[];
  /** Of the workload phase, nanoseconds. */
  readonly workloadNs: readonly [number, number];
}

/** Of the register workload. */
const writes = new Set(['write', 'cas']);
/** So many answers `not serving` in a row, up to the heal, are a refusal. */
const ANSWERS = 3;

export function checkWhoServed(run: Run, word: Word): CheckResult {
  const findings = new Findings();
  const window = windowOf(run);
  if (window !== undefined) compare(findings, run, window, word);
  return findings.result(
    'who-served',
    'groups of servers',
    'Who was served while the faults held is who the model says',
  );
}

/** From the last verification to the first heal. */
function windowOf({ plan, faults, workloadNs }: Run): readonly [number, number] | undefined {
  const [start, end] = workloadNs;
  if (plan.faults.length === 0) return [start, end];
  const times = plan.faults.map((fault) => {
    const record = faults.find(({ id }) => id === fault.id);
    const holdNs = fault.heal === 'final' ? Number.POSITIVE_INFINITY : fault.heal.after * 1e6;
    if (record?.applied === undefined || record.verified === undefined) return undefined;
    return [record.verified, Math.min(record.applied + holdNs, end)] as const;
  });
  const held = times.filter((time) => time !== undefined);
  if (held.length < times.length) return undefined;
  const from = Math.max(...held.map(([verified]) => verified));
  const until = Math.min(...held.map(([, heal]) => heal));
  return from < until ? [from, until] : undefined;
}

function compare(
  findings: Findings,
  { plan, history }: Run,
  [from, until]: readonly [number, number],
  word: Word,
): void {
  const pattern = patternOf(plan);
  const mustServe = word(pattern);
  const servers = new Set(mustServe.flat());
  const answered = writesWithin(history, from, until);
  const where = describePattern(pattern);
  findings.looked += 1;
  for (const entry of answered) {
    const { node } = entry;
    if (node === undefined || servers.has(node)) continue;
    findings.add({
      kind: 'served-without-quorum',
      message:
        `${where}: server ${node} acknowledged a ${entry.f} at ${formatTime(entry.time)}, ` +
        'which the model forbids',
      entries: [entry.index],
      time: entry.time,
      nodes: [node],
    });
  }
  for (const group of pattern.groups) {
    findings.looked++;
    const name = group.join(' ');
    if (servers.has(group[0] as number)) {
      if (answered.some(({ node }) => node !== undefined && group.includes(node))) continue;
      findings.add({
        kind: 'refused-with-quorum',
        message: `${where}: ${name} acknowledged no write, where the model says that it serves`,
        entries: [],
        nodes: group,
      });
    } else {
      const silent = group.filter((sid) => !hasRefused(history, sid, from, until));
      if (silent.length === 0) continue;
      findings.leaveOpen(`${where}: ${silent.join(' ')} did not answer that it is not serving`);
    }
  }
}

/** Invoked and acknowledged while the faults held. */
function writesWithin(
  history: readonly HistoryEntry[],
  from: number,
  until: number,
): readonly HistoryEntry[] {
  const invoked = new Map<number, number>();
  return history.filter(({ process, type, f, time }) => {
    if (process === 'nemesis' || !writes.has(f)) return false;
    if (type === 'invoke') invoked.set(process, time);
    const start = invoked.get(process) ?? 0;
    return type === 'ok' && start >= from && time <= until;
  });
}

function hasRefused(
  history: readonly HistoryEntry[],
  sid: number,
  from: number,
  until: number,
): boolean {
  const modes = history
    .filter(({ process, f, time }) => {
      return process === 'nemesis' && f === 'modes' && time >= from && time <= until;
    })
    .map(({ value }) => field(value, `${sid}`))
    .slice(-ANSWERS);
  return modes.length === ANSWERS && modes.every((mode) => mode === 'not-serving');
}

const severity = ['pass', 'unknown', 'not-exercised', 'harness-error', 'violation'];

/** The result with one check more, which may make its verdict worse. */
export function withCheck(result: RunResult, check: CheckResult): RunResult {
  const checks = [...result.checks, check];
  const isWorse = severity.indexOf(check.verdict) > severity.indexOf(result.verdict);
  const sentence = check.anomalies[0]?.message ?? check.summary;
  const reasons = check.verdict === 'pass' ? result.reasons : [...result.reasons, sentence];
  return isWorse
    ? { ...result, checks, reasons, verdict: check.verdict, sentence }
    : { ...result, checks, reasons };
}
