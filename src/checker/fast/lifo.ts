/**
 * Stacks of distinct values. Intervals of values must be nested or disjoint. Two facts make that cheap:
 *
 *  1. In a gap in which no value is certainly inside, the stack may be taken to be empty: what had to go
 *     in before is over by then, all else has not begun. So the values fall into segments.
 *  2. In a segment without such a gap the stack is never empty, so one value lies at the bottom all the
 *     time. Whichever value can be first in and last out may be that one: if another can be chosen, the
 *     two may trade places.
 *
 * Taking the bottom away may open gaps, and the rest is dealt with in the same way. The recursion spells
 * the order; where a segment has no bottom, it is the proof that there is none.
 */
import { type History, NEVER } from '../history/columns.ts';
import { type FastPath, type FastResult, notApplicable, violation } from './fast-path.ts';
import {
  type Container,
  CoveredGaps,
  covering,
  type Interval,
  intervalsOf,
  isContainer,
  rowsOf,
  shown,
} from './intervals.ts';

export function lifo(): FastPath {
  return {
    name: 'lifo',
    check: (history) => {
      const found = intervalsOf(history, { insert: 'push', remove: 'pop' });
      if (!isContainer(found)) return found;
      if (found.crashedRemovals.length > 0) return notApplicable('a pop crashed');
      return checkLifo(history, found);
    },
  };
}

/** What is left to write down: a segment, or the end of a value. */
type Task = { readonly values: readonly Interval[] } | { readonly op: number };

function checkLifo(history: History, container: Container): FastResult {
  const hollow = checkEmpties(history, container);
  if (hollow !== undefined) return hollow;
  const values = container.intervals.sort(
    (a, b) => a.insertTo - b.insertTo || a.removeFrom - b.removeFrom,
  );
  const order: number[] = [];
  const tasks: Task[] = [{ values }];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    if ('op' in task) {
      order.push(task.op);
      continue;
    }
    const opened = segments(task.values).map(openSegment);
    for (const { bottoms, rest } of opened.reverse()) {
      if (bottoms.length === 0) return refute(history, rest);
      // The last task pushed is the first one done.
      for (const { remove } of bottoms) if (remove !== undefined) tasks.push({ op: remove });
      if (rest.length > 0) tasks.push({ values: rest });
      for (const { insert } of [...bottoms].reverse()) tasks.push({ op: insert });
    }
  }
  return { verdict: 'linearizable', order: withEmpties(history, container, order) };
}

/** Runs of values without a gap between; values come by the last gap in which they can go in. */
function segments(values: readonly Interval[]): Interval[][] {
  const runs: Interval[][] = [];
  let reach = -1;
  for (const value of values) {
    if (value.insertTo >= reach) runs.push([value]);
    else runs.at(-1)?.push(value);
    reach = Math.max(reach, value.removeFrom);
  }
  return runs;
}

/** Every value that can be at the bottom of its segment, one around the other, and what lies inside. */
function openSegment(values: readonly Interval[]): {
  readonly bottoms: readonly Interval[];
  readonly rest: readonly Interval[];
} {
  const firstIn = (values[0] as Interval).insertTo;
  let lastOut = 0;
  for (const { removeFrom } of values) lastOut = Math.max(lastOut, removeFrom);
  const isBottom = (value: Interval): boolean =>
    value.insertFrom <= firstIn && value.removeTo >= lastOut;
  return {
    bottoms: values.filter(isBottom),
    rest: values.filter((value) => !isBottom(value)),
  };
}

function checkEmpties(history: History, container: Container): FastResult | undefined {
  const { intervals, empties, lastGap } = container;
  const { start, end } = history;
  const covered = new CoveredGaps(lastGap);
  for (const { insertTo, removeFrom } of intervals) covered.cover(insertTo + 1, removeFrom - 1);
  for (const op of empties) {
    if (covered.firstFree(start[op] as number) < (end[op] as number)) continue;
    const chain = covering(intervals, start[op] as number, (end[op] as number) - 1);
    const names = chain.map(({ value }) => shown(history, value)).join(', ');
    const why = `a pop found nothing although the stack always held one of ${names}`;
    return violation(history, [op, ...rowsOf(chain)], why);
  }
  return undefined;
}

/** Pops that found nothing go to the first moment, from their start on, at which the stack is empty. */
function withEmpties(
  history: History,
  { empties }: Container,
  order: readonly number[],
): Int32Array {
  if (empties.length === 0) return Int32Array.from(order);
  const { start, end, dictionaries } = history;
  const push = dictionaries.names.find('push');
  // Before each place: how many values are inside, the latest start so far, the first end to come.
  const firstEnd = new Int32Array(order.length + 1).fill(NEVER);
  for (let at = order.length - 1; at >= 0; at--) {
    firstEnd[at] = Math.min(firstEnd[at + 1] as number, end[order[at] as number] as number);
  }
  const waiting = [...empties].sort((a, b) => (start[a] as number) - (start[b] as number));
  const placed: number[] = [];
  let inside = 0;
  let next = 0;
  for (let at = 0; at <= order.length; at++) {
    // An empty moment serves all that began before the next operation has to end.
    while (inside === 0 && next < waiting.length) {
      const op = waiting[next] as number;
      if ((start[op] as number) > (firstEnd[at] as number)) break;
      placed.push(op);
      next++;
    }
    if (at === order.length) break;
    const op = order[at] as number;
    inside += history.f[op] === push ? 1 : -1;
    placed.push(op);
  }
  return Int32Array.from(placed);
}

function refute(history: History, values: readonly Interval[]): FastResult {
  const core = smallest(values);
  const names = core.map(({ value }) => shown(history, value)).join(', ');
  const why = `the intervals of ${names} cross: none of them can be the outermost`;
  return violation(history, rowsOf(core), why);
}

/** Leaves out what the contradiction does not need. */
function smallest(values: readonly Interval[]): readonly Interval[] {
  let core = values;
  for (
    let size = Math.ceil(core.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < core.length; ) {
      const attempt = [...core.slice(0, from), ...core.slice(from + size)];
      if (attempt.length > 0 && isCrossed(attempt)) core = attempt;
      else from += size;
    }
  }
  return core;
}

function isCrossed(values: readonly Interval[]): boolean {
  const tasks: (readonly Interval[])[] = [values];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    for (const { bottoms, rest } of segments(task).map(openSegment)) {
      if (bottoms.length === 0) return true;
      if (rest.length > 0) tasks.push(rest);
    }
  }
  return false;
}
