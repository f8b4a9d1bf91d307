/** Pairs a run's operations for its checkers. A history that breaks its own rules is no evidence. */
import type { HistoryEntry, Operation } from '../history.ts';
import { HistoryError, pairOperations } from '../pairing.ts';
import type { CheckResult } from '../verdict.ts';

export function withOperations(
  { history }: { readonly history: readonly HistoryEntry[] },
  check: (operations: readonly Operation[]) => readonly CheckResult[],
): readonly CheckResult[] {
  let operations: readonly Operation[];
  try {
    operations = pairOperations(history);
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    return [
      {
        checker: 'history',
        verdict: 'unknown',
        looked: history.length,
        items: 'history entries',
        summary: error.message,
        anomalies: [],
      },
    ];
  }
  return check(operations);
}
