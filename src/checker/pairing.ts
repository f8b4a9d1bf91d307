/**
 * Pairs invocations with completions. A history that breaks its own rules would make every verdict
 * worthless, so the first breach is an error that names the entry.
 */
import type { HistoryEntry, Operation } from './history.ts';

export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  /** `index` of the entry, or its place where the entry has no usable index. */
  readonly index: number;
  readonly why: string;
  constructor(index: number, why: string) {
    super(`history entry ${index}: ${why}`);
    this.index = index;
    this.why = why;
  }
}

/** Operations in the order of their invocation; entries of the nemesis are left out. */
export function pairOperations(history: readonly HistoryEntry[]): readonly Operation[] {
  const operations: { -readonly [K in keyof Operation]: Operation[K] }[] = [];
  const pending = new Map<number, number>();
  const crashed = new Set<number>();
  let before: HistoryEntry | undefined;
  history.forEach((entry, place) => {
    validateEntry(entry, place, before);
    before = entry;
    const { process, index } = entry;
    if (process === 'nemesis') return;
    const open = pending.get(process);
    if (entry.type === 'invoke') {
      if (open !== undefined) {
        const since = operations[open]?.invoke.index;
        throw new HistoryError(index, `process ${process} is busy since entry ${since}`);
      }
      if (crashed.has(process)) {
        throw new HistoryError(index, `process ${process} ended as info and must not come back`);
      }
      pending.set(process, operations.length);
      const { f, key } = entry;
      operations.push({ process, f, key, invoke: entry, completion: undefined });
      return;
    }
    const operation = open === undefined ? undefined : operations[open];
    if (operation === undefined) {
      throw new HistoryError(index, `process ${process} completes what it never invoked`);
    }
    const isOtherKey = entry.key !== undefined && entry.key !== operation.key;
    if (operation.f !== entry.f || isOtherKey) {
      const was = `${operation.f} ${operation.key ?? ''}`.trim();
      throw new HistoryError(index, `it completes ${was} as ${entry.f} ${entry.key ?? ''}`.trim());
    }
    operation.completion = entry;
    pending.delete(process);
    if (entry.type === 'info') crashed.add(process);
  });
  return operations;
}

const types: readonly string[] = ['invoke', 'ok', 'fail', 'info'];

function validateEntry(entry: HistoryEntry, place: number, before: HistoryEntry | undefined): void {
  const { index, process, time } = entry;
  if (!Number.isSafeInteger(index)) throw new HistoryError(place, 'its index is not an integer');
  if (!types.includes(entry.type)) throw new HistoryError(index, `unknown type "${entry.type}"`);
  if (process !== 'nemesis' && !Number.isSafeInteger(process)) {
    throw new HistoryError(index, `process ${String(process)} is neither a number nor the nemesis`);
  }
  if (typeof entry.f !== 'string') throw new HistoryError(index, 'it has no f');
  if (!Number.isSafeInteger(time)) throw new HistoryError(index, 'its time is not an integer');
  if (before === undefined) return;
  if (index <= before.index) {
    throw new HistoryError(index, `it does not come after entry ${before.index}`);
  }
  if (time < before.time) throw new HistoryError(index, 'time goes backwards');
}
