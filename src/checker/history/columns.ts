/**
 * A history as columns: one row per operation, in the order of the invocations. Positions are ranks of
 * events (the total order in which they were recorded), never times: clocks of several machines do not
 * order events, the recorder does.
 */
import { ABSENT, Names, Values } from './values.ts';

/** End of an operation that never completed, or completed as `info`: after everything. */
export const NEVER = 0x7fffffff;

export const Outcome = { ok: 0, fail: 1, info: 2 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
export const outcomeNames = ['ok', 'fail', 'info'] as const;
export type OutcomeName = (typeof outcomeNames)[number];

/** What a model sees of an operation. */
export interface Op {
  readonly f: string;
  readonly input: unknown;
  /** What it was told; undefined where it did not end as `ok`. */
  readonly output: unknown;
  /** `info`: may take effect at any time after its invocation, or never, and says nothing. */
  readonly outcome: OutcomeName;
}

/** What histories made from one another share. */
export interface Dictionaries {
  readonly names: Names;
  readonly keys: Names;
  readonly values: Values;
}

export function newDictionaries(): Dictionaries {
  return { names: new Names(), keys: new Names(), values: new Values() };
}

export interface Columns {
  readonly count: number;
  readonly process: Int32Array;
  readonly f: Int32Array;
  /** -1 where the operation has no key. */
  readonly key: Int32Array;
  readonly input: Int32Array;
  readonly output: Int32Array;
  readonly outcome: Uint8Array;
  /** Rank of the invocation. */
  readonly start: Int32Array;
  /** Rank of the completion, or NEVER. */
  readonly end: Int32Array;
  /** Nanoseconds, for people only; absent where nothing was recorded. */
  readonly startTime?: Float64Array;
  readonly endTime?: Float64Array;
  /** A guess at each operation's place in the order, such as a zxid; NaN where there is none. */
  readonly hint?: Float64Array;
  /** One more than the greatest rank. */
  readonly eventCount: number;
}

export class History implements Columns {
  readonly count: number;
  readonly process: Int32Array;
  readonly f: Int32Array;
  readonly key: Int32Array;
  readonly input: Int32Array;
  readonly output: Int32Array;
  readonly outcome: Uint8Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly startTime?: Float64Array;
  readonly endTime?: Float64Array;
  readonly hint?: Float64Array;
  readonly eventCount: number;
  readonly dictionaries: Dictionaries;

  constructor(columns: Columns, dictionaries: Dictionaries) {
    this.count = columns.count;
    this.process = columns.process;
    this.f = columns.f;
    this.key = columns.key;
    this.input = columns.input;
    this.output = columns.output;
    this.outcome = columns.outcome;
    this.start = columns.start;
    this.end = columns.end;
    if (columns.startTime !== undefined) this.startTime = columns.startTime;
    if (columns.endTime !== undefined) this.endTime = columns.endTime;
    if (columns.hint !== undefined) this.hint = columns.hint;
    this.eventCount = columns.eventCount;
    this.dictionaries = dictionaries;
  }

  /** The operation as a model sees it. */
  op(index: number): Op {
    const { names, values } = this.dictionaries;
    return {
      f: names.list[this.f[index] as number] as string,
      input: values.at(this.input[index] as number),
      output: values.at(this.output[index] as number),
      outcome: outcomeNames[this.outcome[index] as Outcome],
    };
  }

  keyOf(index: number): string | undefined {
    return this.dictionaries.keys.list[this.key[index] as number];
  }

  /** The rows at `indices` (ascending) as a history of its own, with the same ranks, without times. */
  select(indices: Int32Array): History {
    const { hint } = this;
    const outcome = new Uint8Array(indices.length);
    for (let at = 0; at < indices.length; at++) {
      outcome[at] = this.outcome[indices[at] as number] as number;
    }
    const columns: Columns = {
      count: indices.length,
      process: pick(this.process, indices),
      f: pick(this.f, indices),
      key: pick(this.key, indices),
      input: pick(this.input, indices),
      output: pick(this.output, indices),
      outcome,
      start: pick(this.start, indices),
      end: pick(this.end, indices),
      eventCount: this.eventCount,
      ...(hint === undefined
        ? {}
        : { hint: Float64Array.from(indices, (row) => hint[row] as number) }),
    };
    return new History(columns, this.dictionaries);
  }

  /** The same rows with some of the columns replaced. */
  with(columns: Partial<Columns>): History {
    return new History({ ...this, ...columns }, this.dictionaries);
  }
}

function pick(column: Int32Array, indices: Int32Array): Int32Array {
  const picked = new Int32Array(indices.length);
  for (let at = 0; at < indices.length; at++) picked[at] = column[indices[at] as number] as number;
  return picked;
}

/**
 * The same operations when the callers of some were never told anything: they may have happened, later
 * too, or not at all.
 */
export function relax(history: History, isRelaxed: (index: number) => boolean): History {
  const outcome = history.outcome.slice();
  const output = history.output.slice();
  const end = history.end.slice();
  for (let index = 0; index < history.count; index++) {
    if (!isRelaxed(index)) continue;
    end[index] = NEVER;
    // What failed has not happened, and to have seen why changes nothing.
    if (outcome[index] === Outcome.fail) continue;
    outcome[index] = Outcome.info;
    output[index] = ABSENT;
  }
  return history.with({ outcome, output, end });
}
