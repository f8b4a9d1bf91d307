/**
 * Registers whose values are written once: a read says which write it saw, and a compare-and-set which
 * write it follows immediately. Values joined by compare-and-sets form a chain; a chain with its reads is
 * a block whose inner order is forced, and blocks are ordered by their zones (see blocks.ts).
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { ABSENT, NULL } from '../history/values.ts';
import { firstInversion, orderBlocks, weave } from './blocks.ts';
import { type FastPath, type FastResult, notApplicable, violation } from './fast-path.ts';

export interface ZoneOptions {
  readonly init: unknown;
  readonly nilReads: 'any' | 'value';
  readonly failedCas: 'observed' | 'no-effect';
}

export function zones(options: ZoneOptions): FastPath {
  return {
    name: 'zones',
    check: (history) => {
      const unfit = whyUnfit(history, options);
      return unfit === undefined ? new Zones(history, options).check() : notApplicable(unfit);
    },
  };
}

/** A first look, without any tables: most histories that do not fit show it early. */
function whyUnfit(history: History, { init, failedCas }: ZoneOptions): string | undefined {
  const { count, f, input, outcome, dictionaries } = history;
  const { names, values } = dictionaries;
  const write = names.find('write') ?? NONE;
  const cas = names.find('cas') ?? NONE;
  const isWritten = new Uint8Array(values.size + 1);
  isWritten[values.idOf(init)] = 1;
  for (let op = 0; op < count; op++) {
    if (outcome[op] === Outcome.fail) {
      if (f[op] === cas && failedCas === 'observed') return 'a failed compare-and-set was observed';
    } else if (f[op] === write) {
      const value = input[op] as number;
      if (isWritten[value] === 1) return `${JSON.stringify(values.at(value))} is written twice`;
      isWritten[value] = 1;
    }
  }
  return undefined;
}

const NONE = -1;
/** Stands for the write of the initial value. */
const INITIAL = -2;

class Zones {
  readonly #history: History;
  readonly #options: ZoneOptions;
  readonly #initial: number;
  /** By value: the operation that brought it, and the compare-and-set that took it. */
  readonly #producer: Int32Array;
  readonly #consumer: Int32Array;
  /** By operation: value read or expected, value brought; ABSENT without. */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  readonly #isPresent: Uint8Array;
  /** By operation: one that saw the value it brought. */
  readonly #seenBy: Int32Array;
  /** Reads by value, as linked lists in the order of invocation. */
  readonly #firstRead: Int32Array;
  readonly #lastRead: Int32Array;
  readonly #nextRead: Int32Array;
  readonly #free: number[] = [];
  #unfit: string | undefined;

  constructor(history: History, options: ZoneOptions) {
    this.#history = history;
    this.#options = options;
    const { values } = history.dictionaries;
    this.#initial = values.idOf(options.init);
    this.#from = new Int32Array(history.count);
    this.#to = new Int32Array(history.count);
    this.#isPresent = new Uint8Array(history.count);
    this.#seenBy = new Int32Array(history.count).fill(NONE);
    this.#nextRead = new Int32Array(history.count).fill(NONE);
    this.#unfit = this.#decode();
    this.#producer = new Int32Array(values.size).fill(NONE);
    this.#consumer = new Int32Array(values.size).fill(NONE);
    this.#firstRead = new Int32Array(values.size).fill(NONE);
    this.#lastRead = new Int32Array(values.size).fill(NONE);
    this.#producer[this.#initial] = INITIAL;
  }

  /** Fills the columns of values; says what makes the history unfit. */
  #decode(): string | undefined {
    const { count, f, input, output, outcome, dictionaries } = this.#history;
    const { names, values } = dictionaries;
    const read = names.find('read') ?? NONE;
    const write = names.find('write') ?? NONE;
    const cas = names.find('cas') ?? NONE;
    for (let op = 0; op < count; op++) {
      const kind = f[op] as number;
      if (kind === read) {
        const isHeard = outcome[op] === Outcome.ok;
        const value = (output[op] as number) === ABSENT ? NULL : (output[op] as number);
        if (!isHeard) continue;
        if (value === NULL && this.#options.nilReads === 'any') this.#free.push(op);
        else this.#from[op] = value;
      } else if (outcome[op] === Outcome.fail) {
      } else if (kind === write) {
        this.#to[op] = input[op] as number;
      } else if (kind === cas) {
        const [from, to] = values.at(input[op] as number) as readonly unknown[];
        this.#from[op] = values.idOf(from);
        this.#to[op] = values.idOf(to);
      } else {
        return `${names.list[kind]} is no operation of a register`;
      }
    }
    return undefined;
  }

  check(): FastResult {
    if (this.#unfit !== undefined) return notApplicable(this.#unfit);
    const problem = this.#link();
    if (problem !== undefined) return problem;
    return this.#order();
  }

  /** Who brought and who took each value. */
  #link(): FastResult | undefined {
    const { count, end, dictionaries } = this.#history;
    for (let op = 0; op < count; op++) {
      const to = this.#to[op] as number;
      if (to === ABSENT) continue;
      if (this.#producer[to] !== NONE) {
        return notApplicable(`${JSON.stringify(dictionaries.values.at(to))} is written twice`);
      }
      this.#producer[to] = op;
    }
    const open: number[] = [];
    for (let op = 0; op < count; op++) {
      const from = this.#from[op] as number;
      const to = this.#to[op] as number;
      if (from !== ABSENT && to === ABSENT) {
        const last = this.#lastRead[from] as number;
        if (last === NONE) this.#firstRead[from] = op;
        else this.#nextRead[last] = op;
        this.#lastRead[from] = op;
        if (last === NONE) open.push(op);
      } else if (to !== ABSENT && end[op] !== NEVER) {
        open.push(op);
      }
    }
    return this.#markPresent(open);
  }

  /** What completed is present, and so is whatever brought a value that was seen. */
  #markPresent(open: number[]): FastResult | undefined {
    for (let op = open.pop(); op !== undefined; op = open.pop()) {
      if (this.#isPresent[op] === 1) continue;
      this.#isPresent[op] = 1;
      const from = this.#from[op] as number;
      if (from === ABSENT) continue;
      const producer = this.#producer[from] as number;
      if (producer === NONE) {
        return this.#refute([op], `${this.#show(from)} was never written`);
      }
      if (this.#to[op] !== ABSENT) {
        const other = this.#consumer[from] as number;
        if (other !== NONE) {
          const why = `two compare-and-sets from ${this.#show(from)} succeeded, which was written once`;
          return this.#refute([...this.#chainTo(op), ...this.#chainTo(other)], why);
        }
        this.#consumer[from] = op;
      }
      if (producer === INITIAL) continue;
      if (this.#seenBy[producer] === NONE) this.#seenBy[producer] = op;
      open.push(producer);
    }
    return undefined;
  }

  /** An operation and all that brought the value it saw. */
  #chainTo(op: number): number[] {
    const chain: number[] = [];
    const seen = new Set<number>();
    for (let at = op; at >= 0 && !seen.has(at); ) {
      chain.push(at);
      seen.add(at);
      const from = this.#from[at] as number;
      at = from === ABSENT ? NONE : (this.#producer[from] as number);
    }
    return chain;
  }

  #order(): FastResult {
    const { count, start, end } = this.#history;
    const ops = new Int32Array(count);
    const blockFrom = new Int32Array(count + 2);
    const firstEnd = new Int32Array(count + 1);
    const lastStart = new Int32Array(count + 1);
    let blocks = 0;
    let at = 0;
    const addBlock = (value: number, producer: number): FastResult | undefined => {
      const from = at;
      at = this.#writeBlock(ops, at, value, producer);
      if (at === from) return undefined;
      let first = producer === INITIAL ? -1 : NEVER;
      let last = -1;
      for (let index = from; index < at; index++) {
        const op = ops[index] as number;
        if ((end[op] as number) < first) first = end[op] as number;
        if ((start[op] as number) > last) last = start[op] as number;
      }
      firstEnd[blocks] = first;
      lastStart[blocks] = last;
      blockFrom[++blocks] = at;
      if (at === from + 1) return undefined;
      const inversion = firstInversion(ops.subarray(from, at), start, end);
      return inversion === undefined ? undefined : this.#insideOut(inversion);
    };
    let problem = addBlock(this.#initial, INITIAL);
    for (let op = 0; op < count && problem === undefined; op++) {
      if (this.#isPresent[op] === 0 || this.#from[op] !== ABSENT) continue;
      problem = addBlock(this.#to[op] as number, op);
    }
    if (problem !== undefined) return problem;
    const loose = this.#looseOp(ops.subarray(0, at));
    if (loose !== undefined) return loose;
    const zoned = orderBlocks(firstEnd.subarray(0, blocks), lastStart.subarray(0, blocks));
    if (zoned.conflict !== undefined) return this.#overlap(zoned.conflict, ops, blockFrom);
    const order = new Int32Array(at);
    let next = 0;
    for (const block of zoned.order) {
      const to = blockFrom[block + 1] as number;
      for (let index = blockFrom[block] as number; index < to; index++) {
        order[next++] = ops[index] as number;
      }
    }
    return { verdict: 'linearizable', order: weave(order, start, this.#free) };
  }

  /** The value's producer, its reads, then what took it, and so on. */
  #writeBlock(ops: Int32Array, from: number, value: number, producer: number): number {
    let at = from;
    let op = producer;
    let held = value;
    for (;;) {
      if (op >= 0) ops[at++] = op;
      let read = this.#firstRead[held] as number;
      for (; read !== NONE; read = this.#nextRead[read] as number) ops[at++] = read;
      op = this.#consumer[held] as number;
      if (op === NONE) return at;
      held = this.#to[op] as number;
    }
  }

  /** Compare-and-sets in a circle, each of which needs the next one's value, belong to no block. */
  #looseOp(placed: Int32Array): FastResult | undefined {
    const isPlaced = new Uint8Array(this.#history.count);
    for (const op of placed) isPlaced[op] = 1;
    for (let op = 0; op < this.#history.count; op++) {
      if (this.#isPresent[op] === 0 || this.#to[op] === ABSENT || isPlaced[op] === 1) continue;
      const why = 'these compare-and-sets need one another: none of them can be the first';
      return this.#refute(this.#chainTo(op), why);
    }
    return undefined;
  }

  #insideOut([earlier, later]: readonly [number, number]): FastResult {
    const value = this.#show((this.#from[later] || this.#to[later]) as number);
    const why =
      this.#to[earlier] === this.#from[later]
        ? `${value} was read before it was written`
        : `what saw ${value} was over before an earlier value was dealt with`;
    return this.#refute([...this.#chainTo(earlier), ...this.#chainTo(later)], why);
  }

  #overlap(
    conflict: readonly [number, number],
    ops: Int32Array,
    blockFrom: Int32Array,
  ): FastResult {
    const { start, end } = this.#history;
    const rows: number[] = [];
    const shown = conflict.map((block) => {
      const members = ops.subarray(blockFrom[block], blockFrom[block + 1]);
      let first = members[0] as number;
      let last = first;
      for (const op of members) {
        if ((end[op] as number) < (end[first] as number)) first = op;
        if ((start[op] as number) > (start[last] as number)) last = op;
      }
      rows.push(...this.#chainTo(first), ...this.#chainTo(last));
      return this.#show((this.#from[last] || this.#to[last]) as number);
    });
    const why =
      `${shown[0]} and ${shown[1]} were each seen both before and after the other: ` +
      'neither can be the first';
    return this.#refute(rows, why);
  }

  /** That a crashed operation happened at all is known from whoever saw its value. */
  #refute(rows: readonly number[], why: string): FastResult {
    const all = new Set<number>();
    for (const row of rows) {
      for (let op = row; op !== NONE && !all.has(op); op = this.#seenBy[op] as number) {
        all.add(op);
        if (this.#history.end[op] !== NEVER) break;
      }
    }
    return violation(this.#history, all, why);
  }

  #show(value: number): string {
    return JSON.stringify(this.#history.dictionaries.values.at(value));
  }
}
