/** Pairs invocations with completions, in the order of invocation. */
import type { HistoryEntry } from '../checker/history.ts';
import type { OperationOutcome } from './payload.ts';

export interface ReportOperation {
  readonly client: number;
  readonly invoke: HistoryEntry;
  readonly completion: HistoryEntry | undefined;
  readonly outcome: OperationOutcome;
}

export function pairOperations(history: readonly HistoryEntry[]): ReportOperation[] {
  const paired: { invoke: HistoryEntry; completion: HistoryEntry | undefined }[] = [];
  const open = new Map<number, number>();
  for (const entry of history) {
    if (entry.process === 'nemesis') continue;
    if (entry.type === 'invoke') {
      open.set(entry.process, paired.length);
      paired.push({ invoke: entry, completion: undefined });
      continue;
    }
    const row = open.get(entry.process);
    if (row === undefined) continue;
    (paired[row] as { completion: HistoryEntry | undefined }).completion = entry;
    open.delete(entry.process);
  }
  return paired.map(({ invoke, completion }) => ({
    client: invoke.client ?? (invoke.process as number),
    invoke,
    completion,
    outcome: completion === undefined ? 'pending' : (completion.type as OperationOutcome),
  }));
}

/** Errors by which nobody's tree spoke: the request or its answer was lost on the way. */
const unanswered = new Set([
  'ConnectionLoss',
  'OperationTimeout',
  'RequestTimeout',
  'SessionExpired',
  'SessionMoved',
  'timeout',
]);

/**
 * A refusal by the data (a lost compare-and-set, NodeExists) is an answer, and so is `ok`: availability
 * asks whether clients were served, not whether they got what they wanted.
 */
export function isAnswered(completion: HistoryEntry | undefined): boolean {
  if (completion === undefined || completion.type === 'info') return false;
  if (completion.type === 'ok') return true;
  return completion.error === undefined || !unanswered.has(completion.error);
}

export interface Availability {
  /** Answered of completed, 0–1; null without completions. */
  readonly share: number | null;
  /** The longest time during which nothing was answered although something was asked. */
  readonly longestGapNs: number;
  readonly gapStart: number;
}

export function availability(operations: readonly ReportOperation[]): Availability {
  const answers: number[] = [];
  let completed = 0;
  for (const { completion } of operations) {
    if (completion === undefined) continue;
    completed++;
    if (isAnswered(completion)) answers.push(completion.time);
  }
  answers.sort((a, b) => a - b);
  const first = operations[0]?.invoke.time ?? 0;
  const last = operations.at(-1)?.invoke.time ?? 0;
  let longestGapNs = 0;
  let gapStart = first;
  let previous = first;
  for (const time of [...answers, last]) {
    if (time - previous > longestGapNs) {
      longestGapNs = time - previous;
      gapStart = previous;
    }
    previous = Math.max(previous, time);
  }
  return {
    share: completed === 0 ? null : answers.length / completed,
    longestGapNs,
    gapStart,
  };
}
