/**
 * First-in-first-out queues of distinct values. An order of the values is built greedily: next comes a
 * value whose enqueue may be the next of all enqueues left, and whose dequeue may be the next of all
 * dequeues left. Where none qualifies, the value whose enqueue ends first (a) and the one whose dequeue
 * ends first (b) contradict each other: a went in before b, and b came out before a. So the walk is a
 * proof either way (the bad patterns of Henzinger, Sezgin and Vafeiadis, 2013).
 *
 * A dequeue that found nothing needs a gap in which no value is certainly inside; there the history is
 * cut: values that had to go in before it are over by then, all others have not begun.
 */
import { type History, NEVER } from '../history/columns.ts';
import { argsort } from './argsort.ts';
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

export function fifo(names = { insert: 'enqueue', remove: 'dequeue' }): FastPath {
  return {
    name: 'fifo',
    check: (history) => {
      const found = intervalsOf(history, names);
      if (!isContainer(found)) return found;
      if (found.empties.length > 0 && found.crashedRemovals.length > 0) {
        return notApplicable('some dequeues crashed and some found nothing');
      }
      return new Fifo(history, found).check();
    },
  };
}

/** Where the queue is empty, for the dequeues that say so. */
interface Cut {
  readonly gap: number;
  readonly empties: readonly number[];
}

class Fifo {
  readonly #history: History;
  readonly #container: Container;
  readonly #crashed: readonly number[];
  /** Values that only a crashed dequeue can have taken. */
  readonly #taken: Interval[] = [];

  constructor(history: History, container: Container) {
    this.#history = history;
    this.#container = container;
    this.#crashed = container.crashedRemovals;
  }

  check(): FastResult {
    const cuts = this.#cuts();
    if (!Array.isArray(cuts)) return cuts;
    const spans = this.#spans(cuts);
    const order = this.#valueOrder(spans);
    if (!(order instanceof Int32Array)) return order;
    return { verdict: 'linearizable', order: this.#linearize(order, spans, cuts) };
  }

  #cuts(): Cut[] | FastResult {
    const { intervals, empties, lastGap } = this.#container;
    if (empties.length === 0) return [];
    const { start, end } = this.#history;
    const covered = new CoveredGaps(lastGap);
    for (const { insertTo, removeFrom } of intervals) covered.cover(insertTo + 1, removeFrom - 1);
    const byGap = new Map<number, number[]>();
    for (const op of empties) {
      const gap = covered.firstFree(start[op] as number);
      if (gap >= (end[op] as number)) {
        const chain = covering(intervals, start[op] as number, (end[op] as number) - 1);
        const names = chain.map(({ value }) => shown(this.#history, value)).join(', ');
        const why = `a dequeue found nothing although the queue always held one of ${names}`;
        return violation(this.#history, [op, ...rowsOf(chain)], why);
      }
      const others = byGap.get(gap);
      if (others === undefined) byGap.set(gap, [op]);
      else others.push(op);
    }
    return [...byGap].map(([gap, ops]) => ({ gap, empties: ops })).sort((a, b) => a.gap - b.gap);
  }

  /** Values stay on their side of every cut: out before the first one by which they must be in. */
  #spans(cuts: readonly Cut[]): Spans {
    const { intervals } = this.#container;
    const count = intervals.length;
    const spans: Spans = {
      insertFrom: new Int32Array(count),
      insertTo: new Int32Array(count),
      removeFrom: new Int32Array(count),
      removeTo: new Int32Array(count),
    };
    for (let index = 0; index < count; index++) {
      const { insertFrom, insertTo, removeFrom, removeTo } = intervals[index] as Interval;
      let low = 0;
      let high = cuts.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((cuts[middle] as Cut).gap <= insertTo) low = middle + 1;
        else high = middle;
      }
      const floor = low === 0 ? 0 : 2 * (cuts[low - 1] as Cut).gap + 1;
      const ceiling = low === cuts.length ? NEVER : 2 * (cuts[low] as Cut).gap;
      spans.insertFrom[index] = Math.max(2 * insertFrom, floor);
      spans.insertTo[index] = Math.min(2 * insertTo + 1, ceiling);
      spans.removeFrom[index] = Math.max(2 * removeFrom, floor);
      spans.removeTo[index] = Math.min(2 * removeTo + 1, ceiling);
    }
    return spans;
  }

  #valueOrder({ insertFrom, insertTo, removeFrom, removeTo }: Spans): Int32Array | FastResult {
    const { intervals } = this.#container;
    const count = intervals.length;
    const byInsertFrom = argsort(insertFrom);
    const byInsertTo = argsort(insertTo);
    const byRemoveFrom = argsort(removeFrom);
    const byRemoveTo = argsort(removeTo);
    const chances = new Uint8Array(count);
    const isDone = new Uint8Array(count);
    const ready: number[] = [];
    const order = new Int32Array(count);
    const next = { in: 0, out: 0, firstIn: 0, firstOut: 0 };
    const offer = (value: number): void => {
      chances[value] = (chances[value] as number) + 1;
      if (chances[value] === 2) ready.push(value);
    };
    for (let size = 0; size < count; ) {
      while (isDone[byInsertTo[next.firstIn] as number] === 1) next.firstIn++;
      while (isDone[byRemoveTo[next.firstOut] as number] === 1) next.firstOut++;
      const a = byInsertTo[next.firstIn] as number;
      const b = byRemoveTo[next.firstOut] as number;
      for (; next.in < count; next.in++) {
        const value = byInsertFrom[next.in] as number;
        if ((insertFrom[value] as number) > (insertTo[a] as number)) break;
        offer(value);
      }
      for (; next.out < count; next.out++) {
        const value = byRemoveFrom[next.out] as number;
        if ((removeFrom[value] as number) > (removeTo[b] as number)) break;
        offer(value);
      }
      const value = ready.pop();
      if (value !== undefined) {
        isDone[value] = 1;
        order[size++] = value;
      } else if (this.#takeByCrashed(intervals[a] as Interval, intervals[b] as Interval)) {
        offer(a);
      } else {
        return this.#crossed(intervals[a] as Interval, intervals[b] as Interval);
      }
    }
    return order;
  }

  /** A dequeue whose caller crashed may have taken what nobody else did; any that began in time will do. */
  #takeByCrashed(a: Interval, b: Interval): boolean {
    const crashed = this.#crashed[this.#taken.length];
    if (a.remove !== undefined || crashed === undefined) return false;
    if ((this.#history.start[crashed] as number) > b.removeTo) return false;
    this.#taken.push(a);
    a.remove = crashed;
    return true;
  }

  #crossed(a: Interval, b: Interval): FastResult {
    const [first, second] = [shown(this.#history, a.value), shown(this.#history, b.value)];
    const why =
      a.remove === undefined
        ? `${first} went in before ${second}, which came out while ${first} never did`
        : `${first} went in before ${second} but came out after it`;
    // Dequeues of unknown result stay: they might have made room.
    const values = [...this.#taken, a, b];
    return violation(this.#history, [...rowsOf(values), ...this.#crashed], why);
  }

  /** Each operation as early as the order of the values allows. */
  #linearize(values: Int32Array, spans: Spans, cuts: readonly Cut[]): Int32Array {
    const { start } = this.#history;
    const { intervals, empties } = this.#container;
    const ops = new Int32Array(2 * values.length + empties.length);
    const moments = new Int32Array(ops.length);
    let size = 0;
    let inserted = 0;
    let removed = 0;
    for (const value of values) {
      const { insert, remove } = intervals[value] as Interval;
      inserted = Math.max(inserted, spans.insertFrom[value] as number);
      ops[size] = insert;
      moments[size++] = 2 * inserted;
      if (remove === undefined) continue;
      // A crashed dequeue has a start, but its value had no place to come out.
      const from =
        this.#taken.length === 0
          ? (spans.removeFrom[value] as number)
          : 2 * (start[remove] as number);
      removed = Math.max(removed, from, inserted);
      ops[size] = remove;
      moments[size++] = 2 * removed;
    }
    for (const { gap, empties: found } of cuts) {
      for (const op of found) {
        ops[size] = op;
        // Between the two halves of the gap.
        moments[size++] = 4 * gap + 1;
      }
    }
    return argsort(moments.subarray(0, size)).map((at) => ops[at] as number);
  }
}

/** First and last moments by value. Gap g has two, 2g before a cut in it and 2g + 1 behind. */
interface Spans {
  readonly insertFrom: Int32Array;
  readonly insertTo: Int32Array;
  readonly removeFrom: Int32Array;
  readonly removeTo: Int32Array;
}
