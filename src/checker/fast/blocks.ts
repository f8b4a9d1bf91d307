/**
 * Blocks of operations that must stand together, such as a write and the reads of its value, and the
 * order of blocks that real time allows (Gibbons and Korach, 1997, theorem 4.5 on zones).
 *
 * A block reaches from its first end to its last start. Where the first end comes first the block is
 * *forward*: it covers that time, whatever the order inside. Else it is *backward* and fits into any one
 * moment between. An order exists exactly when forward zones are disjoint and no backward zone lies
 * inside a forward one.
 */

import { argsort } from './argsort.ts';

export type BlockOrder =
  | { readonly order: Int32Array; readonly conflict?: undefined }
  | { readonly conflict: readonly [number, number]; readonly order?: undefined };

/** `firstEnd` and `lastStart` by block. */
export function orderBlocks(firstEnd: Int32Array, lastStart: Int32Array): BlockOrder {
  const forward = argsort(firstEnd, (block) => isForward(firstEnd, lastStart, block));
  for (let at = 1; at < forward.length; at++) {
    const before = forward[at - 1] as number;
    const block = forward[at] as number;
    if ((firstEnd[block] as number) < (lastStart[before] as number)) {
      return { conflict: [before, block] };
    }
  }
  const moments = firstEnd.slice();
  const backward = argsort(lastStart, (block) => !isForward(firstEnd, lastStart, block));
  let next = 0;
  for (const block of backward) {
    const start = lastStart[block] as number;
    while (next < forward.length && (lastStart[forward[next] as number] as number) < start) next++;
    const cover = forward[next];
    if (cover === undefined || (firstEnd[cover] as number) > start) {
      moments[block] = start;
    } else if ((firstEnd[block] as number) < (lastStart[cover] as number)) {
      return { conflict: [cover, block] };
    } else {
      moments[block] = lastStart[cover] as number;
    }
  }
  return { order: argsort(moments) };
}

const isForward = (firstEnd: Int32Array, lastStart: Int32Array, block: number): boolean =>
  (firstEnd[block] as number) < (lastStart[block] as number);

/**
 * Puts operations that are legal anywhere into an order. Every operation of the order gets a moment (the
 * latest start up to it); a free one goes behind what has a moment before its own start.
 */
export function weave(order: Int32Array, start: Int32Array, free: readonly number[]): Int32Array {
  if (free.length === 0) return order;
  const sorted = [...free].sort((a, b) => (start[a] as number) - (start[b] as number));
  const woven = new Int32Array(order.length + free.length);
  let next = 0;
  let at = 0;
  let moment = -1;
  for (const op of order) {
    moment = Math.max(moment, start[op] as number);
    for (; next < sorted.length; next++) {
      const candidate = sorted[next] as number;
      if ((start[candidate] as number) >= moment) break;
      woven[at++] = candidate;
    }
    woven[at++] = op;
  }
  for (; next < sorted.length; next++) woven[at++] = sorted[next] as number;
  return woven;
}

/**
 * Whether a forced order respects real time; else the two operations of which the later one ended
 * before the earlier one began.
 */
export function firstInversion(
  ops: ArrayLike<number>,
  start: Int32Array,
  end: Int32Array,
): readonly [earlier: number, later: number] | undefined {
  let latest = -1;
  for (let at = 0; at < ops.length; at++) {
    const op = ops[at] as number;
    if (latest !== -1 && (end[op] as number) < (start[latest] as number)) return [latest, op];
    if (latest === -1 || (start[op] as number) > (start[latest] as number)) latest = op;
  }
  return undefined;
}
