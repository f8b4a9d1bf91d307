/** How many operations of each kind ended how; each owed kind must have succeeded at least once. */
import type { HistoryEntry } from './history.ts';
import { Findings } from './report.ts';
import type { CheckResult } from './verdict.ts';

export interface OperationCounts {
  readonly ok: number;
  readonly fail: number;
  readonly info: number;
}

export interface OperationStats {
  readonly byKind: Readonly<Record<string, OperationCounts>>;
  /** Completions by the name of their error. */
  readonly errors: Readonly<Record<string, number>>;
  /** Invocations without a completion; they count as info too. */
  readonly unfinished: number;
}

export function operationStats(history: readonly HistoryEntry[]): OperationStats {
  const byKind = new Map<string, { ok: number; fail: number; info: number }>();
  const errors = new Map<string, number>();
  const open = new Map<number, string>();
  const countsOf = (f: string) => {
    const counts = byKind.get(f) ?? { ok: 0, fail: 0, info: 0 };
    byKind.set(f, counts);
    return counts;
  };
  for (const { process, type, f, error } of history) {
    if (process === 'nemesis') continue;
    if (type === 'invoke') {
      open.set(process, f);
      continue;
    }
    open.delete(process);
    countsOf(f)[type]++;
    if (error !== undefined) errors.set(error, (errors.get(error) ?? 0) + 1);
  }
  for (const f of open.values()) countsOf(f).info++;
  return {
    byKind: Object.fromEntries(byKind),
    errors: Object.fromEntries(errors),
    unfinished: open.size,
  };
}

export interface OperationChecks {
  /** Kinds that must each have succeeded at least once. */
  readonly owedKinds: readonly string[];
  /** Names of errors that the system and the workload are known to give. */
  readonly knownErrors?: ReadonlySet<string>;
}

export function checkOperations(
  history: readonly HistoryEntry[],
  { owedKinds, knownErrors }: OperationChecks,
): CheckResult {
  const findings = new Findings();
  const stats = operationStats(history);
  const missing = owedKinds.filter((f) => (stats.byKind[f]?.ok ?? 0) === 0);
  for (const [error, count] of Object.entries(stats.errors)) {
    findings.count(error, count);
    if (knownErrors?.has(error) === false) findings.leaveOpen(`unhandled error: ${error}`);
  }
  for (const { ok } of Object.values(stats.byKind)) findings.looked += ok;
  const result = findings.result(
    'operations',
    'successful operations',
    'Every kind of operation succeeded at least once',
    stats,
  );
  if (missing.length === 0 || result.verdict !== 'pass') return result;
  const summary = `no ${missing.join(', no ')} succeeded`;
  return { ...result, verdict: 'not-exercised', summary };
}
