/**
 * Requests as they were asked, by their index. Of the most frequent ones only what differs is kept, and each is
 * made anew when somebody asks for it; the others are kept whole.
 */
import type { JournalRequest, WatchedRead } from './journal.ts';
import { NO_PATH, Paths } from './paths.ts';
import { Rows } from './rows.ts';

/** Places of the integers. */
const PATH = 0;
/** Version, flags, or whether a read leaves a watch. */
const ARGUMENT = 1;
/** Where it stands among those that are kept whole. */
const WHOLE = 2;
const INTEGERS = 3;
const NOT_WHOLE = -1;

export class Requests {
  readonly paths = new Paths();
  readonly #rows = new Rows({ numbers: 0, integers: INTEGERS });
  /** What is to be written. */
  readonly #data: (string | null | undefined)[] = [];
  readonly #whole: JournalRequest[] = [];

  get length(): number {
    return this.#rows.length;
  }

  add(request: JournalRequest): void {
    const row = this.#rows.add();
    const [integers, at] = [this.#rows.integersOf(row), this.#rows.integersAt(row)];
    const argument = argumentOf(request);
    integers[at + PATH] = this.#pathNumber(request);
    integers[at + ARGUMENT] = argument ?? 0;
    integers[at + WHOLE] = argument === undefined ? this.#whole.push(request) - 1 : NOT_WHOLE;
    const isWritten = request.op === 'setData' || request.op === 'create';
    this.#data.push(isWritten ? request.data : undefined);
  }

  /** Number of the path that it asks for; NO_PATH where it names none or several. */
  pathNumber(index: number): number {
    return this.#rows.integer(index, PATH);
  }

  /** What it wants to write, if it is a create or setData. */
  data(index: number): string | null | undefined {
    return this.#data[index];
  }

  /** Of a read. */
  leavesWatch(index: number): boolean {
    return this.#rows.integer(index, ARGUMENT) === 1;
  }

  at(index: number, op: JournalRequest['op']): JournalRequest {
    const [integers, at] = [this.#rows.integersOf(index), this.#rows.integersAt(index)];
    const whole = integers[at + WHOLE] as number;
    if (whole !== NOT_WHOLE) return this.#whole[whole] as JournalRequest;
    const path = this.paths.at(integers[at + PATH] as number);
    const argument = integers[at + ARGUMENT] as number;
    switch (op) {
      case 'create':
        return { op, path, data: this.#data[index] as string | null, flags: argument };
      case 'setData':
        return { op, path, data: this.#data[index] as string | null, version: argument };
      case 'delete':
        return { op, path, version: argument };
      default:
        return { op: op as WatchedRead['op'], path, watch: argument === 1 };
    }
  }

  #pathNumber(request: JournalRequest): number {
    if (request.op === 'multi') {
      for (const { path } of request.operations) this.paths.numberOf(path);
    }
    return 'path' in request ? this.paths.numberOf(request.path) : NO_PATH;
  }
}

/** All that has to be kept beside path and data; undefined where that is not one integer. */
function argumentOf(request: JournalRequest): number | undefined {
  switch (request.op) {
    case 'create':
      return request.perms === undefined ? integerOf(request.flags) : undefined;
    case 'delete':
    case 'setData':
      return integerOf(request.version);
    case 'exists':
    case 'getData':
    case 'getChildren':
      return request.watch ? 1 : 0;
    default:
      return undefined;
  }
}

const integerOf = (value: number): number | undefined =>
  (value | 0) === value ? value : undefined;
