/**
 * Builds a history from events, one at a time. A history that breaks its own rules would make every
 * verdict worthless, so the first breach is an error that names the line, the field and the reason.
 */
import type { OperationType } from '../history.ts';
import { type Dictionaries, History, NEVER, newDictionaries, Outcome } from './columns.ts';
import { ABSENT } from './values.ts';

/** What the builder needs of an event; recorders may carry more. */
export interface HistoryEvent {
  readonly process: number | string;
  readonly type: OperationType;
  readonly f: string;
  readonly key?: string | number | null | undefined;
  readonly value?: unknown;
  /** Nanoseconds. */
  readonly time?: number | undefined;
}

export class HistoryFormatError extends Error {
  override readonly name = 'HistoryFormatError';
  /** Counted from 1. */
  readonly line: number;
  /** Undefined where the line as a whole is wrong. */
  readonly field: string | undefined;
  readonly why: string;

  constructor(line: number, field: string | undefined, why: string) {
    super(field === undefined ? `line ${line}: ${why}` : `line ${line}, ${field}: ${why}`);
    this.line = line;
    this.field = field;
    this.why = why;
  }
}

const isType = (type: unknown): type is OperationType =>
  type === 'invoke' || type === 'ok' || type === 'fail' || type === 'info';

export interface BuilderOptions {
  /**
   * What a process that asks anew before it was answered means: a mistake of the recorder, or (`crash`)
   * that the answer was lost, as some tools record it.
   */
  readonly lostCalls?: 'error' | 'crash';
}

/** An `info` ends a process for good: its number must not come back. */
const ENDED = -1;

export class HistoryBuilder {
  readonly #dictionaries: Dictionaries;
  readonly #options: BuilderOptions;
  #capacity = 64;
  #count = 0;
  #process = new Int32Array(64);
  #f = new Int32Array(64);
  #key = new Int32Array(64);
  #input = new Int32Array(64);
  #output = new Int32Array(64);
  #outcome = new Uint8Array(64);
  #start = new Int32Array(64);
  #end = new Int32Array(64);
  #startTime = new Float64Array(64);
  #endTime = new Float64Array(64);
  #rank = 0;
  #hasTimes = false;
  /** Open operation of each process, or ENDED. */
  readonly #open = new Map<number | string, number>();
  readonly #invokedAt = new Map<number | string, number>();
  /** Processes with names get numbers below zero. */
  readonly #named = new Map<string, number>();

  constructor(options: BuilderOptions = {}, dictionaries: Dictionaries = newDictionaries()) {
    this.#options = options;
    this.#dictionaries = dictionaries;
  }

  /** Operations so far. */
  get count(): number {
    return this.#count;
  }

  /** `line` is where the event stands in its file; its ordinal by default. */
  push(event: HistoryEvent, line: number = this.#rank + 1): void {
    this.#validate(event, line);
    const { process } = event;
    if (process === 'nemesis') return;
    const rank = this.#rank++;
    const open = this.#open.get(process);
    if (event.type === 'invoke') {
      if (open === ENDED) {
        throw new HistoryFormatError(
          line,
          'process',
          `process ${process} ended as info and must not come back`,
        );
      }
      if (open !== undefined && this.#options.lostCalls !== 'crash') {
        const since = this.#invokedAt.get(process);
        throw new HistoryFormatError(
          line,
          'process',
          `process ${process} is busy since line ${since}`,
        );
      }
      this.#open.set(process, this.#append(event, rank));
      this.#invokedAt.set(process, line);
      return;
    }
    if (open === undefined || open === ENDED) {
      throw new HistoryFormatError(
        line,
        'process',
        `process ${process} completes what it never invoked`,
      );
    }
    this.#complete(open, event, rank, line);
  }

  /** What never completed stays `info`. */
  build(): History {
    const count = this.#count;
    const times = this.#hasTimes
      ? { startTime: this.#startTime.subarray(0, count), endTime: this.#endTime.subarray(0, count) }
      : {};
    return new History(
      {
        count,
        process: this.#process.subarray(0, count),
        f: this.#f.subarray(0, count),
        key: this.#key.subarray(0, count),
        input: this.#input.subarray(0, count),
        output: this.#output.subarray(0, count),
        outcome: this.#outcome.subarray(0, count),
        start: this.#start.subarray(0, count),
        end: this.#end.subarray(0, count),
        eventCount: this.#rank,
        ...times,
      },
      this.#dictionaries,
    );
  }

  #validate(event: HistoryEvent, line: number): void {
    const { process, type, f, key, time } = event;
    if (!isType(type)) {
      const why = `${show(type)} is none of invoke, ok, fail, info`;
      throw new HistoryFormatError(line, 'type', why);
    }
    if (typeof process !== 'string' && !Number.isSafeInteger(process)) {
      const why = `${show(process)} is neither a whole number nor a name`;
      throw new HistoryFormatError(line, 'process', why);
    }
    if (typeof f !== 'string') {
      throw new HistoryFormatError(line, 'f', `${show(f)} is not the name of an operation`);
    }
    const hasKey = key === undefined || key === null || typeof key !== 'object';
    if (!hasKey) throw new HistoryFormatError(line, 'key', `${show(key)} is not a name`);
    if (time !== undefined && (typeof time !== 'number' || Number.isNaN(time))) {
      throw new HistoryFormatError(line, 'time', `${show(time)} is not a number`);
    }
  }

  #append(event: HistoryEvent, rank: number): number {
    if (this.#count === this.#capacity) this.#grow();
    const index = this.#count++;
    const { names, keys, values } = this.#dictionaries;
    this.#process[index] = this.#numberOf(event.process);
    this.#f[index] = names.idOf(event.f);
    const { key } = event;
    this.#key[index] = key === undefined || key === null ? -1 : keys.idOf(`${key}`);
    this.#input[index] = values.idOf(event.value);
    this.#output[index] = ABSENT;
    this.#outcome[index] = Outcome.info;
    this.#start[index] = rank;
    this.#end[index] = NEVER;
    if (event.time !== undefined) this.#hasTimes = true;
    this.#startTime[index] = event.time ?? Number.NaN;
    this.#endTime[index] = Number.NaN;
    return index;
  }

  #complete(index: number, event: HistoryEvent, rank: number, line: number): void {
    const { names, keys, values } = this.#dictionaries;
    const invoked = names.list[this.#f[index] as number];
    if (invoked !== event.f) {
      throw new HistoryFormatError(line, 'f', `it completes ${invoked} as ${event.f}`);
    }
    const { key } = event;
    if (key !== undefined && key !== null && keys.idOf(`${key}`) !== this.#key[index]) {
      const was = keys.list[this.#key[index] as number] ?? 'no key';
      throw new HistoryFormatError(line, 'key', `it completes ${was} as ${key}`);
    }
    this.#endTime[index] = event.time ?? Number.NaN;
    if (event.type === 'info') {
      this.#open.set(event.process, ENDED);
      return;
    }
    this.#open.delete(event.process);
    this.#end[index] = rank;
    if (event.type === 'ok') {
      this.#outcome[index] = Outcome.ok;
      this.#output[index] = values.idOf(event.value);
    } else {
      this.#outcome[index] = Outcome.fail;
    }
  }

  #numberOf(process: number | string): number {
    if (typeof process === 'number') return process;
    const known = this.#named.get(process);
    if (known !== undefined) return known;
    const number = -1 - this.#named.size;
    this.#named.set(process, number);
    return number;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#process = grown(this.#process);
    this.#f = grown(this.#f);
    this.#key = grown(this.#key);
    this.#input = grown(this.#input);
    this.#output = grown(this.#output);
    this.#start = grown(this.#start);
    this.#end = grown(this.#end);
    const outcome = new Uint8Array(this.#capacity);
    outcome.set(this.#outcome);
    this.#outcome = outcome;
    this.#startTime = grownTimes(this.#startTime);
    this.#endTime = grownTimes(this.#endTime);
  }
}

function grown(column: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}

function grownTimes(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** A history from all of its events. */
export function historyOf(events: Iterable<HistoryEvent>): History {
  const builder = new HistoryBuilder();
  for (const event of events) builder.push(event);
  return builder.build();
}
