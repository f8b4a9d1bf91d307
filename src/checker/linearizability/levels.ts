/**
 * The shape of a problem as the just-in-time search walks it: one level per return. At a level, the live
 * operations are those invoked before that return and not returned before it; each holds a slot for as
 * long as it lives, so that sets of operations are as wide as the concurrency, not as long as the history.
 */
import { NEVER } from '../history/columns.ts';
import type { Problem } from './problem.ts';

export interface Levels {
  readonly count: number;
  /** Operation that returns at each level. */
  readonly returns: Int32Array;
  /** Live operations of level L: `live[liveFrom[L]] … live[liveFrom[L + 1] - 1]`, next to return first. */
  readonly liveFrom: Int32Array;
  readonly live: Int32Array;
  /** Completed operations in the order of invocation, and how many of them each level knows. */
  readonly invoked: Int32Array;
  readonly invokedBefore: Int32Array;
  readonly slot: Int32Array;
  /** Levels at which an operation is live for the first and the last time. */
  readonly bornAt: Int32Array;
  readonly returnsAt: Int32Array;
  /** Words that a set of slots takes. */
  readonly words: number;
  /** Greatest number of live operations. */
  readonly widest: number;
}

export function levelsOf(problem: Problem): Levels {
  const { count, start, end, returns } = problem;
  const levelCount = returns.length;
  const invoked = new Int32Array(levelCount);
  let completed = 0;
  for (let op = 0; op < count; op++) if (end[op] !== NEVER) invoked[completed++] = op;
  const invokedBefore = new Int32Array(levelCount);
  const bornAt = new Int32Array(count);
  const returnsAt = new Int32Array(count);
  const liveFrom = new Int32Array(levelCount + 1);
  let known = 0;
  let total = 0;
  let widest = 0;
  for (let level = 0; level < levelCount; level++) {
    const op = returns[level] as number;
    returnsAt[op] = level;
    const rank = end[op] as number;
    for (; known < completed; known++) {
      const next = invoked[known] as number;
      if ((start[next] as number) > rank) break;
      bornAt[next] = level;
    }
    invokedBefore[level] = known;
    liveFrom[level] = total;
    const width = known - level;
    if (width > widest) widest = width;
    total += width;
  }
  liveFrom[levelCount] = total;
  const { live, slot } = assignSlots(problem, { invoked, invokedBefore, returnsAt, total, widest });
  return {
    count: levelCount,
    returns,
    liveFrom,
    live,
    invoked,
    invokedBefore,
    slot,
    bornAt,
    returnsAt,
    words: Math.max(1, (widest + 31) >>> 5),
    widest,
  };
}

interface Shape {
  readonly invoked: Int32Array;
  readonly invokedBefore: Int32Array;
  readonly returnsAt: Int32Array;
  readonly total: number;
  readonly widest: number;
}

function assignSlots(
  { count, returns }: Problem,
  { invoked, invokedBefore, returnsAt, total, widest }: Shape,
): { readonly live: Int32Array; readonly slot: Int32Array } {
  const slot = new Int32Array(count).fill(-1);
  const live = new Int32Array(total);
  const free = new Int32Array(widest);
  for (let at = 0; at < widest; at++) free[at] = widest - 1 - at;
  let freeCount = widest;
  // Those that live now, by the level of their return.
  const current = new Int32Array(widest + 1);
  let width = 0;
  let known = 0;
  let next = 0;
  for (let level = 0; level < returns.length; level++) {
    for (; known < (invokedBefore[level] as number); known++) {
      const op = invoked[known] as number;
      slot[op] = free[--freeCount] as number;
      let at = width++;
      while (
        at > 0 &&
        (returnsAt[current[at - 1] as number] as number) > (returnsAt[op] as number)
      ) {
        current[at] = current[at - 1] as number;
        at--;
      }
      current[at] = op;
    }
    for (let at = 0; at < width; at++) live[next++] = current[at] as number;
    free[freeCount++] = slot[current[0] as number] as number;
    current.copyWithin(0, 1, width--);
  }
  return { live, slot };
}
