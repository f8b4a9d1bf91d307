/**
 * Containers (queues, stacks, priority queues) whose values are put in once and taken out at most once:
 * each value is one interval from its insertion to its removal.
 *
 * Moments are *gaps* between events: an operation with ranks (s, e) can take effect in the gaps s … e - 1.
 * What never came out leaves in a gap behind everything.
 */

import { type History, NEVER, Outcome } from '../history/columns.ts';
import { ABSENT, NULL } from '../history/values.ts';
import { type FastResult, notApplicable, violation } from './fast-path.ts';

export interface ContainerNames {
  readonly insert: string;
  readonly remove: string;
}

export interface Interval {
  /** Number of the value in the history's dictionary. */
  readonly value: number;
  readonly insert: number;
  /** Undefined where it never came out. */
  remove: number | undefined;
  readonly insertFrom: number;
  insertTo: number;
  removeFrom: number;
  removeTo: number;
}

export interface Container {
  readonly intervals: Interval[];
  /** Removals that found nothing. */
  readonly empties: readonly number[];
  /** Removals of unknown result, in the order of invocation. */
  readonly crashedRemovals: readonly number[];
  /** The gap behind everything. */
  readonly lastGap: number;
}

export const isContainer = (found: Container | FastResult): found is Container =>
  'intervals' in found;

/** Pairs insertions with removals; a value that is used twice makes the history unfit. */
export function intervalsOf(history: History, names: ContainerNames): Container | FastResult {
  const { count, f, input, output, outcome, start, end, dictionaries } = history;
  const insert = dictionaries.names.find(names.insert) ?? -1;
  const remove = dictionaries.names.find(names.remove) ?? -1;
  const lastGap = history.eventCount + 1;
  const byValue: (Interval | undefined)[] = new Array(dictionaries.values.size);
  const intervals: Interval[] = [];
  const removals: number[] = [];
  const empties: number[] = [];
  const crashedRemovals: number[] = [];
  for (let op = 0; op < count; op++) {
    const isHeard = outcome[op] === Outcome.ok;
    if (outcome[op] === Outcome.fail) continue;
    if (f[op] === insert) {
      const value = input[op] as number;
      if (byValue[value] !== undefined || value <= NULL) {
        return notApplicable(`${shown(history, value)} is put in twice`);
      }
      const isCrashed = end[op] === NEVER;
      const interval: Interval = {
        value,
        insert: op,
        remove: undefined,
        insertFrom: start[op] as number,
        insertTo: isCrashed ? NEVER : (end[op] as number) - 1,
        removeFrom: lastGap,
        removeTo: lastGap,
      };
      byValue[value] = interval;
      intervals.push(interval);
    } else if (f[op] !== remove) {
      return notApplicable(`${history.op(op).f} is no operation of this container`);
    } else if (!isHeard) {
      crashedRemovals.push(op);
    } else if ((output[op] as number) === NULL || (output[op] as number) === ABSENT) {
      empties.push(op);
    } else {
      removals.push(op);
    }
  }
  for (const op of removals) {
    const value = output[op] as number;
    const interval = byValue[value];
    if (interval === undefined) {
      return violation(history, [op], `${shown(history, value)} came out but was never put in`);
    }
    if (interval.remove !== undefined) {
      const rows = [interval.insert, interval.remove, op];
      return violation(history, rows, `${shown(history, value)} came out twice`);
    }
    interval.remove = op;
    interval.removeFrom = Math.max(start[op] as number, interval.insertFrom);
    interval.removeTo = (end[op] as number) - 1;
    interval.insertTo = Math.min(interval.insertTo, interval.removeTo);
    if (interval.removeTo < interval.insertFrom) {
      const why = `${shown(history, value)} came out before it was put in`;
      return violation(history, [interval.insert, op], why);
    }
  }
  // What crashed and was never seen need not have happened.
  const present = intervals.filter(({ insertTo }) => insertTo !== NEVER);
  return { intervals: present, empties, crashedRemovals, lastGap };
}

export function shown(history: History, value: number): string {
  return JSON.stringify(history.dictionaries.values.at(value));
}

/** Operations of some values. */
export function rowsOf(intervals: Iterable<Interval>): number[] {
  const rows: number[] = [];
  for (const { insert, remove } of intervals) {
    rows.push(insert);
    if (remove !== undefined) rows.push(remove);
  }
  return rows;
}

/** Gaps in which some value is certainly inside, and the first gap from a given one that is free. */
export class CoveredGaps {
  /** Of each gap the next candidate for a free one; paths are halved as they are walked. */
  readonly #next: Int32Array;

  constructor(count: number) {
    this.#next = new Int32Array(count + 2);
    for (let gap = 0; gap < this.#next.length; gap++) this.#next[gap] = gap;
  }

  firstFree(gap: number): number {
    const next = this.#next;
    let at = gap;
    while (next[at] !== at) {
      next[at] = next[next[at] as number] as number;
      at = next[at] as number;
    }
    return at;
  }

  cover(from: number, to: number): void {
    for (let gap = this.firstFree(from); gap <= to; gap = this.firstFree(gap)) {
      this.#next[gap] = gap + 1;
    }
  }
}

/** Values that cover a gap for certain. */
export function covering(intervals: readonly Interval[], from: number, to: number): Interval[] {
  // A greedy chain: always the one that reaches furthest among those that begin in time.
  const sorted = [...intervals].sort((a, b) => a.insertTo - b.insertTo);
  const chain: Interval[] = [];
  let gap = from;
  let at = 0;
  let best: Interval | undefined;
  while (gap <= to) {
    for (; at < sorted.length && (sorted[at] as Interval).insertTo < gap; at++) {
      const candidate = sorted[at] as Interval;
      if (best === undefined || candidate.removeFrom > best.removeFrom) best = candidate;
    }
    if (best === undefined || best.removeFrom <= gap) return chain;
    chain.push(best);
    gap = best.removeFrom;
    best = undefined;
  }
  return chain;
}
