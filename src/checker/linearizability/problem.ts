/**
 * What an exact engine works on: the operations of one part of a history that have a say, with their
 * classes, and the order of their returns.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import type { UnknownCause } from './budget.ts';
import type { StateSpace } from './state-space.ts';

export interface Problem {
  readonly space: StateSpace;
  readonly history: History;
  readonly count: number;
  /** Row of the history that each operation stands for; ascending by invocation. */
  readonly row: Int32Array;
  readonly classOf: Int32Array;
  readonly start: Int32Array;
  /** NEVER for an operation that crashed. */
  readonly end: Int32Array;
  readonly isPure: Uint8Array;
  /** Completed operations in the order of their returns. */
  readonly returns: Int32Array;
  readonly hint: Float64Array | undefined;
}

/** What an engine found; operations are rows of the problem's history. */
export type EngineResult = { readonly configurations: number } & (
  | { readonly verdict: 'linearizable'; readonly order: Int32Array }
  | {
      readonly verdict: 'non-linearizable';
      /** No configuration gets past this operation's return. */
      readonly blocked: number;
      /** States of (at most ten) configurations that arrive at that return. */
      readonly states: readonly unknown[];
    }
  | {
      readonly verdict: 'unknown';
      readonly cause: UnknownCause;
      /** What the model threw. */
      readonly message?: string;
      /** Completed operations whose return was passed, of all. */
      readonly progress: { readonly passed: number; readonly total: number };
    }
);

export const MAX_REPORTED_STATES = 10;

/**
 * Leaves out what failed, where failures say nothing, and (with `dropsPureCrashed`) what nobody saw the
 * answer of and what changes nothing anyway.
 */
export function problemOf(
  space: StateSpace,
  history: History,
  dropsPureCrashed: boolean = true,
): Problem {
  const { count: total, outcome } = history;
  const { model } = space;
  const row = new Int32Array(total);
  const classOf = new Int32Array(total);
  const isPure = new Uint8Array(total);
  let count = 0;
  for (let index = 0; index < total; index++) {
    const isFailed = outcome[index] === Outcome.fail;
    if (isFailed && model.observesFailure?.(history.op(index)) !== true) continue;
    const classId = space.classOf(history, index);
    if (space.isPure(classId)) {
      if (dropsPureCrashed && history.end[index] === NEVER) continue;
      isPure[count] = 1;
    }
    row[count] = index;
    classOf[count++] = classId;
  }
  const start = new Int32Array(count);
  const end = new Int32Array(count);
  const hint = history.hint === undefined ? undefined : new Float64Array(count);
  for (let at = 0; at < count; at++) {
    const index = row[at] as number;
    start[at] = history.start[index] as number;
    end[at] = history.end[index] as number;
    if (hint !== undefined) hint[at] = history.hint?.[index] as number;
  }
  const returns = sortByEnd(end, count);
  return { space, history, count, row, classOf, start, end, isPure, returns, hint };
}

const INDEX_FACTOR = 1 << 21;

/** Completed operations by their end. Keys that carry the index sort natively. */
export function sortByEnd(end: Int32Array, count: number): Int32Array {
  let completed = 0;
  for (let at = 0; at < count; at++) if (end[at] !== NEVER) completed++;
  const order = new Int32Array(completed);
  if (count > INDEX_FACTOR) {
    let next = 0;
    for (let at = 0; at < count; at++) if (end[at] !== NEVER) order[next++] = at;
    return order.sort((a, b) => (end[a] as number) - (end[b] as number));
  }
  if (completed < 200) return insertByEnd(order, end, count);
  const keys = new Float64Array(completed);
  let next = 0;
  for (let at = 0; at < count; at++) {
    if (end[at] !== NEVER) keys[next++] = (end[at] as number) * INDEX_FACTOR + at;
  }
  keys.sort();
  for (let at = 0; at < completed; at++) order[at] = (keys[at] as number) % INDEX_FACTOR;
  return order;
}

/** Ends are nearly in the order of the starts: few operations have to move, and not far. */
function insertByEnd(order: Int32Array, end: Int32Array, count: number): Int32Array {
  let size = 0;
  for (let at = 0; at < count; at++) {
    const rank = end[at] as number;
    if (rank === NEVER) continue;
    let place = size++;
    while (place > 0 && (end[order[place - 1] as number] as number) > rank) {
      order[place] = order[place - 1] as number;
      place--;
    }
    order[place] = at;
  }
  return order;
}
