/**
 * How often each kind of operation succeeded, and what went wrong in ways that nobody planned for. A kind
 * that never succeeded was not exercised; an error that is not known leaves the run open. Jepsen:
 * checker/stats, checker/unhandled-exceptions.
 */
import type { HistoryEntry } from '../history.ts';
import { Findings, whenAndWhere } from '../report.ts';
import { checkOperations, operationStats } from '../stats.ts';
import type { CheckResult } from '../verdict.ts';

/** Every kind that was tried has to have succeeded once. */
export function checkStats(history: readonly HistoryEntry[]): CheckResult {
  const owedKinds = Object.keys(operationStats(history).byKind);
  return { ...checkOperations(history, { owedKinds }), checker: 'stats' };
}

export function checkUnhandledErrors(
  history: readonly HistoryEntry[],
  known: ReadonlySet<string>,
): CheckResult {
  const findings = new Findings();
  const first = new Map<string, HistoryEntry>();
  for (const entry of history) {
    if (entry.process === 'nemesis' || entry.type === 'invoke') continue;
    findings.looked++;
    const { error } = entry;
    if (error === undefined || known.has(error)) continue;
    findings.count(error);
    if (!first.has(error)) first.set(error, entry);
  }
  for (const [error, entry] of first) {
    findings.leaveOpen(`unhandled error ${error}, first of ${entry.f} ${whenAndWhere(entry)}`);
  }
  return findings.result('unhandled-errors', 'completions', 'All errors are known ones');
}
