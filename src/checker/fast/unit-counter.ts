/**
 * Counters that go up by one. Every answer names a place: an increment that returned v is the v-th, a
 * read of v stands between the v-th and the next. What was told no number (adds, crashed increments)
 * fills the places that are left, earliest deadline first; nothing else can do better, because moving a
 * filler with an earlier end to an earlier place never hurts another.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { firstInversion } from './blocks.ts';
import { type FastPath, type FastResult, notApplicable, violation } from './fast-path.ts';
import { MinHeap } from './min-heap.ts';

export function unitCounter(init: number): FastPath {
  return { name: 'unit-counter', check: (history) => new UnitCounter(history, init).check() };
}

interface Placed {
  readonly op: number;
  readonly value: number;
  readonly isIncrement: boolean;
}

class UnitCounter {
  readonly #history: History;
  readonly #init: number;
  readonly #placed: Placed[] = [];
  /** In the order of invocation. */
  readonly #fillers: number[] = [];
  readonly #changes: number[] = [];

  constructor(history: History, init: number) {
    this.#history = history;
    this.#init = init;
  }

  check(): FastResult {
    const unfit = this.#decode();
    if (unfit !== undefined) return notApplicable(unfit);
    const placed = this.#placed;
    placed.sort(
      (a, b) => a.value - b.value || Number(b.isIncrement) - Number(a.isIncrement) || a.op - b.op,
    );
    for (let at = 1; at < placed.length; at++) {
      const [a, b] = [placed[at - 1] as Placed, placed[at] as Placed];
      if (a.value !== b.value || !b.isIncrement) continue;
      return this.#refute([a.op, b.op], `two increments were both told ${a.value}`);
    }
    const { start, end } = this.#history;
    const ops = placed.map(({ op }) => op);
    const inversion = firstInversion(ops, start, end);
    if (inversion !== undefined) {
      return this.#refute(inversion, 'the smaller number was told after the greater one');
    }
    return this.#fill();
  }

  #decode(): string | undefined {
    const { count, outcome } = this.#history;
    for (let op = 0; op < count; op++) {
      if (outcome[op] === Outcome.fail) continue;
      const { f, input, output } = this.#history.op(op);
      const isHeard = outcome[op] === Outcome.ok;
      if (f === 'read') {
        if (!isHeard) continue;
        if (!Number.isSafeInteger(output)) return 'a read is no whole number';
        this.#placed.push({ op, value: output as number, isIncrement: false });
        continue;
      }
      if (f === 'add' ? input !== 1 : f !== 'increment' && f !== 'generate') {
        return f === 'add' ? 'an amount is not 1' : `${f} is no operation of a counter`;
      }
      this.#changes.push(op);
      if (f === 'add' || !isHeard) {
        this.#fillers.push(op);
      } else {
        if (!Number.isSafeInteger(output)) return 'an increment is told no whole number';
        this.#placed.push({ op, value: output as number, isIncrement: true });
      }
    }
    return undefined;
  }

  #fill(): FastResult {
    const { start, end } = this.#history;
    const placed = this.#placed;
    const waiting = new MinHeap<number>((a, b) => (end[a] as number) - (end[b] as number));
    const firstEnds = this.#firstEnds();
    const order: number[] = [];
    let released = 0;
    let filled = 0;
    let increments = 0;
    let lastStart: Placed | undefined;
    for (let at = 0; at < placed.length; at++) {
      const item = placed[at] as Placed;
      const deadline = firstEnds[at] as Placed;
      const limit = end[deadline.op] as number;
      for (; released < this.#fillers.length; released++) {
        const filler = this.#fillers[released] as number;
        if ((start[filler] as number) > limit) break;
        waiting.push(filler);
      }
      if (item.isIncrement) increments++;
      const wanted = item.value - this.#init - increments;
      for (; filled < wanted && waiting.size > 0; filled++) order.push(waiting.pop());
      if (filled !== wanted) return this.#tooFew(deadline);
      if (lastStart === undefined || (start[item.op] as number) > (start[lastStart.op] as number)) {
        lastStart = item;
      }
      const next = waiting.peek();
      if (next !== undefined && (end[next] as number) < (start[lastStart.op] as number)) {
        return this.#tooMany(lastStart, at);
      }
      order.push(item.op);
    }
    for (; released < this.#fillers.length; released++) {
      waiting.push(this.#fillers[released] as number);
    }
    while (waiting.size > 0) {
      const filler = waiting.pop();
      if (end[filler] !== NEVER) order.push(filler);
    }
    return { verdict: 'linearizable', order: Int32Array.from(order) };
  }

  /** By place: of what stands there or later, that which ended first. */
  #firstEnds(): Placed[] {
    const { end } = this.#history;
    const firstEnds: Placed[] = new Array(this.#placed.length);
    let first: Placed | undefined;
    for (let at = this.#placed.length - 1; at >= 0; at--) {
      const item = this.#placed[at] as Placed;
      if (first === undefined || (end[item.op] as number) < (end[first.op] as number)) first = item;
      firstEnds[at] = first;
    }
    return firstEnds;
  }

  #tooFew({ op, value }: Placed): FastResult {
    return this.#refute([op], `${value} was told before so many increments can have happened`);
  }

  #tooMany({ op, value }: Placed, at: number): FastResult {
    const { start, end } = this.#history;
    const before = this.#changes.filter((change) => {
      return (end[change] as number) < (start[op] as number);
    });
    const why = `${value} was told after ${before.length} increments had been acknowledged`;
    // Earlier answers may have called for increments that were still under way.
    return this.#refute([...this.#placed.slice(0, at + 1).map((item) => item.op), op], why);
  }

  /** Other reads are left out: they change nothing. */
  #refute(kept: readonly number[], why: string): FastResult {
    return violation(this.#history, [...kept, ...this.#changes], why);
  }
}
