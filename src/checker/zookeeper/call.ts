/**
 * Requests and what became of them. There may be millions, and whatever is kept of each by itself is work for
 * the garbage collector: they stand in columns, and a `Call` is a view of one row, made when it is asked for.
 */
import type { NodeStat, PlainWrite } from '../models/plain-tree.ts';
import { JournalError, type JournalReply, type JournalRequest } from './journal.ts';
import { type NameList, NameLists } from './name-lists.ts';
import { NO_PATH } from './paths.ts';
import { Requests } from './requests.ts';
import { Rows } from './rows.ts';
import type { Connection } from './sessions.ts';
import { NO_STAT, oddField, StatRows } from './stat-rows.ts';

/** What a reply says of one write; that of a multi says it of each. */
export interface Told {
  readonly error: string | undefined;
  readonly path: string | undefined;
  /** Row of its Stat. */
  readonly stat: number;
}

/** What few replies have. */
interface Rest {
  readonly error: string | undefined;
  readonly path: string | undefined;
  readonly children: NameList | undefined;
  readonly results: readonly Told[] | undefined;
}

type Op = JournalRequest['op'];
type Multi = Extract<JournalRequest, { readonly op: 'multi' }>;

/** One text for each, so that comparing two is comparing where they stand. */
const ops: readonly Op[] = [
  'create',
  'delete',
  'setData',
  'setAcl',
  'check',
  'multi',
  'close',
  'exists',
  'getData',
  'getChildren',
  'sync',
  'addWatch',
  'setWatches',
  'ping',
];
const opNumbers: ReadonlyMap<Op, number> = new Map(ops.map((op, number) => [op, number]));

const noRest: Rest = { error: undefined, path: undefined, children: undefined, results: undefined };
const nothingTold: readonly Told[] = [];
const nothingWritten: readonly PlainWrite[] = [];

/** Places of the numbers that are asked for again and again. */
const ZXID = 0;
const FLOOR = 1;
const START = 2;
const END = 3;
const NUMBERS = 4;

/** Places of the integers: numbers that stand for what is kept elsewhere. */
const STAT = 0;
const CONNECTION = 1;
const OP = 2;
const REST = 3;
const INTEGERS = 4;

/** Places of the numbers that few ask for. */
const XID = 0;
const START_TIME = 1;
const FLOOR_AT = 2;
const END_TIME = 3;
const SELDOM = 4;

/**
 * One request and what became of it, as far as it was known when it was asked for. Of one without an answer
 * all that could be told is absent.
 */
export class Call implements Told {
  /** Its place among all calls. */
  readonly index: number;
  readonly connection: Connection;
  /** Of the request: kinds of requests have many shapes, and to ask each for its own is slow. */
  readonly op: Op;
  /** Of the reply's header; -1 without one. */
  readonly zxid: number;
  readonly #calls: Calls;
  readonly #numbers: Float64Array;
  readonly #numbersAt: number;
  readonly #integers: Int32Array;
  readonly #integersAt: number;

  constructor(calls: Calls, index: number) {
    this.#calls = calls;
    this.index = index;
    const { rows } = calls;
    const [numbers, numbersAt] = [rows.numbersOf(index), rows.numbersAt(index)];
    const [integers, integersAt] = [rows.integersOf(index), rows.integersAt(index)];
    this.#numbers = numbers;
    this.#numbersAt = numbersAt;
    this.#integers = integers;
    this.#integersAt = integersAt;
    this.connection = calls.connections[integers[integersAt + CONNECTION] as number] as Connection;
    this.op = ops[integers[integersAt + OP] as number] as Op;
    this.zxid = numbers[numbersAt + ZXID] as number;
  }

  get request(): JournalRequest {
    return this.#calls.requests.at(this.index, this.op);
  }
  /** What it writes: a multi has several parts, a read none. */
  get parts(): readonly PlainWrite[] {
    return partsOf(this.op, this.request);
  }
  /** Of the path it asks for; NO_PATH where it names none or several. */
  get pathNumber(): number {
    return this.#calls.requests.pathNumber(this.index);
  }
  /** Of a read. */
  get leavesWatch(): boolean {
    return this.#calls.requests.leavesWatch(this.index);
  }
  get xid(): number {
    return this.#calls.xid(this.index);
  }
  /** Place of the request in the journal: its real-time rank. */
  get start(): number {
    return this.#number(START);
  }
  get startTime(): number {
    return this.#calls.seldom.number(this.index, START_TIME);
  }
  /** Largest zxid that any client had been told of when the request left, and where it was told. */
  get floor(): number {
    return this.#number(FLOOR);
  }
  get floorAt(): number {
    return this.#calls.seldom.number(this.index, FLOOR_AT);
  }

  get isAnswered(): boolean {
    return this.end < Number.POSITIVE_INFINITY;
  }
  /** Place of the reply; infinite without one. */
  get end(): number {
    return this.#number(END);
  }
  get endTime(): number {
    return this.#calls.seldom.number(this.index, END_TIME);
  }
  get stat(): number {
    return this.#integer(STAT);
  }
  get data(): string | null | undefined {
    return this.#calls.data[this.index];
  }
  get error(): string | undefined {
    return this.#rest().error;
  }
  get path(): string | undefined {
    return this.#rest().path;
  }
  get children(): NameList | undefined {
    return this.#rest().children;
  }
  get results(): readonly Told[] | undefined {
    return this.#rest().results;
  }
  /** What it was told of each of its parts; nothing without an answer. */
  get told(): readonly Told[] {
    return this.isAnswered ? (this.results ?? [this]) : nothingTold;
  }

  // A private getter would be a call into the engine's runtime, each time.
  #rest(): Rest {
    return this.#calls.rests[this.#integer(REST)] as Rest;
  }

  #number(column: number): number {
    return this.#numbers[this.#numbersAt + column] as number;
  }

  #integer(column: number): number {
    return this.#integers[this.#integersAt + column] as number;
  }
}

/** When and where something stands in the journal. */
export interface Written {
  readonly place: number;
  readonly time: number;
}

/** What a node was told to be, last. */
interface Newest {
  stat: number;
  data: string | null | undefined;
}

/** All calls, in the order of their requests. */
export class Calls {
  readonly rows = new Rows({ numbers: NUMBERS, integers: INTEGERS });
  readonly seldom = new Rows({ numbers: SELDOM, integers: 0 });
  readonly requests = new Requests();
  readonly data: (string | null | undefined)[] = [];
  /** The first is that of most replies. */
  readonly rests: Rest[] = [noRest];
  /** By their index. */
  readonly connections: Connection[] = [];
  /** Of all replies. */
  readonly stats = new StatRows();
  readonly #lists = new NameLists();
  /** By path, as the next ones are. */
  readonly #newest: Newest[] = [];

  get length(): number {
    return this.requests.length;
  }

  at(index: number): Call {
    return new Call(this, index);
  }

  opAt(index: number): Op {
    return ops[this.rows.integer(index, OP)] as Op;
  }

  xid(index: number): number {
    return this.seldom.number(index, XID);
  }

  [Symbol.iterator](): Iterator<Call, undefined> {
    let index = 0;
    const next = (): IteratorResult<Call, undefined> =>
      index < this.length
        ? { done: false, value: new Call(this, index++) }
        : { done: true, value: undefined };
    return { next };
  }

  /** A request that leaves when clients have been told of zxids up to `floor`, at `floorAt`. */
  ask(
    { connection, xid, request }: Pick<Call, 'connection' | 'xid' | 'request'>,
    { place, time }: Written,
    floor: number,
    floorAt: number,
  ): number {
    const op = opNumbers.get(request.op);
    if (op === undefined) throw new JournalError(place, `unknown request "${request.op}"`);
    const { rows, seldom } = this;
    const row = rows.add();
    this.requests.add(request);
    const [numbers, numbersAt] = [rows.numbersOf(row), rows.numbersAt(row)];
    numbers[numbersAt + ZXID] = -1;
    numbers[numbersAt + FLOOR] = floor;
    numbers[numbersAt + START] = place;
    numbers[numbersAt + END] = Number.POSITIVE_INFINITY;
    const [integers, integersAt] = [rows.integersOf(row), rows.integersAt(row)];
    integers[integersAt + STAT] = NO_STAT;
    integers[integersAt + CONNECTION] = connection.index;
    integers[integersAt + OP] = op;
    seldom.add();
    const [others, othersAt] = [seldom.numbersOf(row), seldom.numbersAt(row)];
    others[othersAt + XID] = xid;
    others[othersAt + START_TIME] = time;
    others[othersAt + FLOOR_AT] = floorAt;
    others[othersAt + END_TIME] = Number.POSITIVE_INFINITY;
    this.connections[connection.index] = connection;
    this.data.push(undefined);
    return row;
  }

  answer(index: number, reply: JournalReply, { place, time }: Written, zxid: number): void {
    const { rows, seldom } = this;
    const [numbers, numbersAt] = [rows.numbersOf(index), rows.numbersAt(index)];
    numbers[numbersAt + ZXID] = zxid;
    numbers[numbersAt + END] = place;
    seldom.numbersOf(index)[seldom.numbersAt(index) + END_TIME] = time;
    const path = this.requests.pathNumber(index);
    this.#keepState(index, path, reply, place);
    if (this.#isPlain(reply, index, path)) return;
    const rest = this.rests.push(this.#restOf(reply, path, place)) - 1;
    rows.integersOf(index)[rows.integersAt(index) + REST] = rest;
  }

  /** One state of a node is told to many: they share the row of its Stat, and its data. */
  #keepState(index: number, path: number, { stat, data }: JournalReply, place: number): void {
    if (stat === undefined) {
      if (data !== undefined) this.data[index] = data;
      return;
    }
    const { rows, stats } = this;
    const [integers, integersAt] = [rows.integersOf(index), rows.integersAt(index)];
    const newest = this.#newestOf(path);
    if (newest.stat === NO_STAT || !stats.isTold(newest.stat, stat)) {
      newest.stat = this.#addStat(stat, place);
      newest.data = this.requests.data(index);
    }
    integers[integersAt + STAT] = newest.stat;
    if (data === undefined) return;
    newest.data ??= data;
    this.data[index] = data === newest.data ? newest.data : data;
  }

  #addStat(stat: NodeStat, place: number): number {
    const odd = oddField(stat);
    if (odd === undefined) return this.stats.add(stat);
    throw new JournalError(place, `a Stat has ${odd}, which is no integer of 32 bits`);
  }

  #newestOf(path: number): Newest {
    const newest = this.#newest[path] ?? { stat: NO_STAT, data: undefined };
    if (path !== NO_PATH) this.#newest[path] = newest;
    return newest;
  }

  /** Tells no more than a Stat and data; to be told the path that one asked for is to be told nothing. */
  #isPlain(reply: JournalReply, index: number, asked: number): boolean {
    const { error, path, children, results } = reply;
    if (error !== undefined || children !== undefined || results !== undefined) return false;
    if (path === undefined) return true;
    const isCreate = this.opAt(index) === 'create';
    return !isCreate && asked !== NO_PATH && this.requests.paths.at(asked) === path;
  }

  #restOf({ error, path, children, results }: JournalReply, parent: number, place: number): Rest {
    const list = children === undefined ? undefined : this.#lists.add(parent, children);
    const told = results?.map((part) => ({
      error: part.error,
      path: part.path,
      stat: part.stat === undefined ? NO_STAT : this.#addStat(part.stat, place),
    }));
    return { error, path, children: list, results: told };
  }
}

function partsOf(op: Op, request: JournalRequest): readonly PlainWrite[] {
  switch (op) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setAcl':
      return [request as PlainWrite];
    case 'multi':
      return (request as Multi).operations;
    default:
      return nothingWritten;
  }
}
