/**
 * What the records of a journal are put together to: sessions, their connections, and on each connection
 * requests with their replies. There may be millions of calls: their numbers stand in columns, because a
 * number of 64 bits that is a field of an object would be an object of its own for the garbage collector.
 */
import type { PlainWrite } from '../models/plain-tree.ts';
import type { JournalRecord, JournalReply, JournalRequest } from './journal.ts';

/** One request and what became of it. */
export class Call {
  /** Its place among all calls. */
  readonly index: number;
  readonly connection: Connection;
  readonly xid: number;
  readonly request: JournalRequest;
  reply: JournalReply | undefined = undefined;
  readonly #columns: CallColumns;

  constructor(
    columns: CallColumns,
    index: number,
    connection: Connection,
    xid: number,
    request: JournalRequest,
  ) {
    this.#columns = columns;
    this.index = index;
    this.connection = connection;
    this.xid = xid;
    this.request = request;
  }

  /** What it writes: a multi has several parts, a read none. */
  get parts(): readonly PlainWrite[] {
    return partsOf(this.request);
  }

  /** Place of the request in the journal: its real-time rank. */
  get start(): number {
    return this.#columns.start[this.index] as number;
  }
  get startTime(): number {
    return this.#columns.startTime[this.index] as number;
  }
  /** Largest zxid that any client had been told of when the request left, and where it was told. */
  get floor(): number {
    return this.#columns.floor[this.index] as number;
  }
  get floorAt(): number {
    return this.#columns.floorAt[this.index] as number;
  }
  /** Place of the reply; infinite without one. */
  get end(): number {
    return this.#columns.end[this.index] as number;
  }
  get endTime(): number {
    return this.#columns.endTime[this.index] as number;
  }
  /** Of the reply's header; -1 without one. */
  get zxid(): number {
    return this.#columns.zxid[this.index] as number;
  }
}

/** Numbers of calls by their index. */
export class CallColumns {
  start = new Float64Array(1024);
  startTime = new Float64Array(1024);
  floor = new Float64Array(1024);
  floorAt = new Float64Array(1024);
  end = new Float64Array(1024);
  endTime = new Float64Array(1024);
  zxid = new Float64Array(1024);

  sent(index: number, place: number, time: number, floor: number, floorAt: number): void {
    if (index === this.start.length) this.#grow();
    this.start[index] = place;
    this.startTime[index] = time;
    this.floor[index] = floor;
    this.floorAt[index] = floorAt;
    this.end[index] = Number.POSITIVE_INFINITY;
    this.endTime[index] = Number.POSITIVE_INFINITY;
    this.zxid[index] = -1;
  }

  answered({ index }: Call, place: number, time: number, zxid: number): void {
    this.end[index] = place;
    this.endTime[index] = time;
    this.zxid[index] = zxid;
  }

  #grow(): void {
    this.start = grown(this.start);
    this.startTime = grown(this.startTime);
    this.floor = grown(this.floor);
    this.floorAt = grown(this.floorAt);
    this.end = grown(this.end);
    this.endTime = grown(this.endTime);
    this.zxid = grown(this.zxid);
  }
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}

const nothing: readonly PlainWrite[] = [];

function partsOf(request: JournalRequest): readonly PlainWrite[] {
  switch (request.op) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setAcl':
      return [request];
    case 'multi':
      return request.operations;
    default:
      return nothing;
  }
}

/** A watch event as its client saw it: -1 for the zxid where the server does not tell. */
export type SeenEvent = Extract<JournalRecord, { readonly type: 'event' }>;

export interface Connection {
  readonly client: string;
  readonly session: Session;
  readonly node: number | undefined;
  readonly time: number;
  readonly lastZxidSeen: number;
  /** Replies and events in the order in which they came. */
  readonly stream: (Call | SeenEvent)[];
  /** Requests of setWatches without an answer. */
  openRestores: number;
}

export interface Session {
  readonly id: string;
  readonly client: string;
  timeoutMs: number;
  readonly connections: Connection[];
  /** Largest zxid in any of its replies. */
  lastZxid: number;
  /** When the newest message left that was answered: a server heard of the session then or later. */
  lastHeardTime: number;
  /** Its good end, once answered. */
  closed: Call | undefined;
  refusedTime: number | undefined;
}
