/** How long the operations of a run took, by kind, for two runs side by side. */
import type { HistoryEntry } from '../../checker/history.ts';
import { pairOperations } from '../operations.ts';

export interface Latency {
  readonly f: string;
  /** Operations that ended `ok`. */
  readonly count: number;
  /** Nanoseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export function latenciesOf(history: readonly HistoryEntry[]): Latency[] {
  const durations = new Map<string, number[]>();
  for (const { invoke, completion, outcome } of pairOperations(history)) {
    if (outcome !== 'ok' || completion === undefined) continue;
    const list = durations.get(invoke.f) ?? [];
    list.push(completion.time - invoke.time);
    durations.set(invoke.f, list);
  }
  return [...durations]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([f, list]) => {
      const sorted = list.sort((a, b) => a - b);
      const at = (share: number): number => nearestRank(sorted, share);
      return { f, count: list.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
    });
}

function nearestRank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
