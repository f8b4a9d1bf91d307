/**
 * Requests and what became of them. There may be millions, and whatever is kept of each by itself is work for
 * the garbage collector: they stand in columns, and a `Call` is a view of one row, made when it is asked for.
 */
import type { PlainWrite } from '../models/plain-tree.ts';
import type { JournalReply, JournalRequest } from './journal.ts';
import { type NameList, NameLists } from './name-lists.ts';
import { NumberRows } from './number-rows.ts';
import { NO_PATH, Paths } from './paths.ts';
import type { Connection } from './sessions.ts';
import { NO_STAT, StatRows } from './stat-rows.ts';

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
const ops: { readonly [Name in Op]: Name } = {
  create: 'create',
  delete: 'delete',
  setData: 'setData',
  setAcl: 'setAcl',
  check: 'check',
  multi: 'multi',
  close: 'close',
  exists: 'exists',
  getData: 'getData',
  getChildren: 'getChildren',
  sync: 'sync',
  addWatch: 'addWatch',
  setWatches: 'setWatches',
  ping: 'ping',
};

const noRest: Rest = { error: undefined, path: undefined, children: undefined, results: undefined };
const nothingTold: readonly Told[] = [];
const nothingWritten: readonly PlainWrite[] = [];

/** Places in a row of numbers. */
const XID = 0;
const START = 1;
const START_TIME = 2;
const FLOOR = 3;
const FLOOR_AT = 4;
const END = 5;
const END_TIME = 6;
const ZXID = 7;
const STAT = 8;
const PATH = 9;
const WIDTH = 10;

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
  readonly #place: number;

  constructor(calls: Calls, index: number) {
    this.#calls = calls;
    this.index = index;
    const numbers = calls.numbers.arrayOf(index);
    const place = calls.numbers.placeOf(index);
    this.#numbers = numbers;
    this.#place = place;
    this.connection = calls.connections[index] as Connection;
    this.op = calls.ops[index] as Op;
    this.zxid = numbers[place + ZXID] as number;
  }

  get request(): JournalRequest {
    return this.#calls.requests[this.index] as JournalRequest;
  }
  /** What it writes: a multi has several parts, a read none. */
  get parts(): readonly PlainWrite[] {
    return partsOf(this.op, this.request);
  }
  /** Of the path it asks for; NO_PATH where it names none or several. */
  get pathNumber(): number {
    return this.#number(PATH);
  }
  get xid(): number {
    return this.#number(XID);
  }
  /** Place of the request in the journal: its real-time rank. */
  get start(): number {
    return this.#number(START);
  }
  get startTime(): number {
    return this.#number(START_TIME);
  }
  /** Largest zxid that any client had been told of when the request left, and where it was told. */
  get floor(): number {
    return this.#number(FLOOR);
  }
  get floorAt(): number {
    return this.#number(FLOOR_AT);
  }

  get isAnswered(): boolean {
    return this.end < Number.POSITIVE_INFINITY;
  }
  /** Place of the reply; infinite without one. */
  get end(): number {
    return this.#number(END);
  }
  get endTime(): number {
    return this.#number(END_TIME);
  }
  get stat(): number {
    return this.#number(STAT);
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
    return this.#calls.rests[this.index] as Rest;
  }

  #number(column: number): number {
    return this.#numbers[this.#place + column] as number;
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
  readonly connections: Connection[] = [];
  readonly requests: JournalRequest[] = [];
  readonly ops: Op[] = [];
  readonly numbers = new NumberRows(WIDTH);
  readonly data: (string | null | undefined)[] = [];
  readonly rests: Rest[] = [];
  /** Of all replies. */
  readonly stats = new StatRows();
  readonly paths = new Paths();
  readonly #lists = new NameLists();
  /** By path, as the next ones are. */
  readonly #newest: Newest[] = [];
  /** Reads by what they ask for. */
  readonly #reads = { exists: newReads(), getData: newReads(), getChildren: newReads() };

  get length(): number {
    return this.requests.length;
  }

  at(index: number): Call {
    return new Call(this, index);
  }

  opAt(index: number): Op {
    return this.ops[index] as Op;
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
    const { numbers } = this;
    const row = numbers.add();
    numbers.set(row, XID, xid);
    numbers.set(row, START, place);
    numbers.set(row, START_TIME, time);
    numbers.set(row, FLOOR, floor);
    numbers.set(row, FLOOR_AT, floorAt);
    numbers.set(row, END, Number.POSITIVE_INFINITY);
    numbers.set(row, END_TIME, Number.POSITIVE_INFINITY);
    numbers.set(row, ZXID, -1);
    numbers.set(row, STAT, NO_STAT);
    const path = this.#pathNumber(request);
    numbers.set(row, PATH, path);
    this.connections.push(connection);
    this.ops.push(ops[request.op]);
    this.data.push(undefined);
    this.rests.push(noRest);
    return this.requests.push(this.#known(request, path)) - 1;
  }

  #pathNumber(request: JournalRequest): number {
    if ('path' in request) return this.paths.numberOf(request.path);
    if (request.op === 'multi')
      for (const { path } of request.operations) this.paths.numberOf(path);
    return NO_PATH;
  }

  /** The same read of the same node is asked for again and again: one of them is kept. */
  #known(request: JournalRequest, path: number): JournalRequest {
    if (!('watch' in request)) return request;
    const reads = this.#reads[request.op][request.watch ? 'watched' : 'unwatched'];
    const known = reads[path];
    if (known === undefined) reads[path] = request;
    return known ?? request;
  }

  answer(index: number, reply: JournalReply, { place, time }: Written, zxid: number): void {
    const { numbers, requests } = this;
    numbers.set(index, END, place);
    numbers.set(index, END_TIME, time);
    numbers.set(index, ZXID, zxid);
    const request = requests[index] as JournalRequest;
    this.#keepState(index, request, reply);
    if (!isPlain(reply, request)) this.rests[index] = this.#restOf(reply, request);
  }

  /** One state of a node is told to many: they share the row of its Stat, and its data. */
  #keepState(index: number, request: JournalRequest, { stat, data }: JournalReply): void {
    const { numbers, stats } = this;
    if (stat === undefined) {
      if (data !== undefined) this.data[index] = data;
      return;
    }
    const newest = this.#newestOf(numbers.get(index, PATH));
    if (newest.stat === NO_STAT || !stats.isTold(newest.stat, stat)) {
      newest.stat = stats.add(stat);
      newest.data = request.op === 'setData' ? request.data : undefined;
    }
    numbers.set(index, STAT, newest.stat);
    if (data === undefined) return;
    newest.data ??= data;
    this.data[index] = data === newest.data ? newest.data : data;
  }

  #newestOf(path: number): Newest {
    const newest = this.#newest[path] ?? { stat: NO_STAT, data: undefined };
    if (path !== NO_PATH) this.#newest[path] = newest;
    return newest;
  }

  #restOf({ error, path, children, results }: JournalReply, request: JournalRequest): Rest {
    const parent = 'path' in request ? request.path : '';
    const list = children === undefined ? undefined : this.#lists.add(parent, children);
    const told = results?.map((part) => ({
      error: part.error,
      path: part.path,
      stat: part.stat === undefined ? NO_STAT : this.stats.add(part.stat),
    }));
    return { error, path, children: list, results: told };
  }
}

const newReads = (): Readonly<Record<'watched' | 'unwatched', JournalRequest[]>> => ({
  watched: [],
  unwatched: [],
});

/** Tells no more than a Stat and data; to be told the path that one asked for is to be told nothing. */
function isPlain(
  { error, path, children, results }: JournalReply,
  request: JournalRequest,
): boolean {
  if (error !== undefined || children !== undefined || results !== undefined) return false;
  if (path === undefined) return true;
  return request.op !== 'create' && 'path' in request && request.path === path;
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
