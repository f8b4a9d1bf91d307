/**
 * The records of a journal put together: sessions, their connections, and on each connection the requests
 * with their replies and the watch events, in the order in which the client saw them.
 */
import { type Call, Calls } from './call.ts';
import { JournalError, type JournalRecord } from './journal.ts';
import { Stream } from './stream.ts';

export { Call, type Calls } from './call.ts';
export type { SeenEvent } from './stream.ts';

export interface Connection {
  /** Its place among all connections. */
  readonly index: number;
  readonly client: string;
  readonly session: Session;
  readonly node: number | undefined;
  readonly time: number;
  /** Largest that its handshake named, or an earlier one of its session. */
  readonly lastZxidSeen: number;
  /** Requests of setWatches without an answer. */
  openRestores: number;
}

export interface Session {
  /** Its place among all sessions. */
  readonly index: number;
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

/** A reply that came out of turn, or a session that a server should not have given. */
export interface Irregularity {
  readonly kind:
    | 'reply-out-of-order'
    | 'reply-to-nothing'
    | 'session-id-twice'
    | 'session-id-changed'
    | 'closed-session-resumed';
  readonly client: string;
  readonly session: string;
  readonly node: number | undefined;
  readonly time: number;
  readonly what: string;
}

export interface Sessions {
  readonly sessions: ReadonlyMap<string, Session>;
  readonly calls: Calls;
  readonly stream: Stream;
  readonly irregularities: readonly Irregularity[];
}

const PING_XID = -2;

interface Client {
  handshake: { readonly session: string; readonly lastZxidSeen: number; node?: number } | undefined;
  connection: Connection | undefined;
  /** Unanswered calls, oldest first, from `head` on. */
  pending: number[];
  head: number;
  pings: number[];
}

/** Push-fed: records one by one, then `finish`. */
export class SessionCollector {
  readonly #sessions = new Map<string, Session>();
  readonly #calls = new Calls();
  readonly #stream = new Stream(this.#calls);
  readonly #irregularities: Irregularity[] = [];
  readonly #clients = new Map<string, Client>();
  #connectionCount = 0;
  #count = 0;
  #time = 0;
  #floor = 0;
  #floorAt = -1;

  push(record: JournalRecord): void {
    const place = this.#count++;
    const { time } = record;
    if (!(time >= this.#time)) throw new JournalError(place, 'time goes backwards');
    this.#time = time;
    const client = this.#client(record.client);
    switch (record.type) {
      case 'connecting': {
        const { session, lastZxidSeen, node } = record;
        client.handshake = { session, lastZxidSeen, ...(node === undefined ? {} : { node }) };
        return;
      }
      case 'connected':
        this.#connected(client, record, place);
        return;
      case 'refused': {
        const session = this.#sessions.get(record.session);
        if (session !== undefined) session.refusedTime ??= time;
        client.handshake = undefined;
        return;
      }
      case 'disconnected':
        client.connection = undefined;
        client.handshake = undefined;
        client.pending = [];
        client.head = 0;
        client.pings = [];
        return;
      case 'request':
        this.#requested(client, record, place);
        return;
      case 'reply':
        this.#replied(client, record, place);
        return;
      case 'event': {
        this.#stream.addEvent(openOf(client, place), record, place);
        this.#seen(record.zxid, place);
        return;
      }
      default:
        throw new JournalError(place, `unknown type "${(record as { type: string }).type}"`);
    }
  }

  finish(): Sessions {
    return {
      sessions: this.#sessions,
      calls: this.#calls,
      stream: this.#stream,
      irregularities: this.#irregularities,
    };
  }

  #client(name: string): Client {
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = { handshake: undefined, connection: undefined, pending: [], head: 0, pings: [] };
      this.#clients.set(name, client);
    }
    return client;
  }

  #seen(zxid: number, place: number): void {
    if (zxid <= this.#floor) return;
    this.#floor = zxid;
    this.#floorAt = place;
  }

  #connected(
    client: Client,
    record: Extract<JournalRecord, { type: 'connected' }>,
    place: number,
  ): void {
    const { handshake } = client;
    if (handshake === undefined) throw new JournalError(place, 'it connects without a handshake');
    client.handshake = undefined;
    const { session: id, time, timeoutMs } = record;
    const { node } = handshake;
    let session = this.#sessions.get(id);
    const report = (kind: Irregularity['kind'], what: string): void => {
      this.#irregularities.push({ kind, client: record.client, session: id, node, time, what });
    };
    if (handshake.session === '' && session !== undefined) {
      report('session-id-twice', `a new session got the id of a session of ${session.client}`);
    } else if (handshake.session !== '' && handshake.session !== id) {
      report('session-id-changed', `session ${handshake.session} was resumed as another`);
    } else if (session?.closed !== undefined) {
      report('closed-session-resumed', `it had been closed at zxid ${hex(session.closed.zxid)}`);
    }
    if (session === undefined) {
      session = {
        ...{
          index: this.#sessions.size,
          id,
          client: record.client,
          timeoutMs,
          connections: [],
          lastZxid: 0,
        },
        ...{ lastHeardTime: time, closed: undefined, refusedTime: undefined },
      };
      this.#sessions.set(id, session);
    }
    session.timeoutMs = timeoutMs;
    const index = this.#connectionCount++;
    const before = session.connections.at(-1)?.lastZxidSeen ?? 0;
    const lastZxidSeen = Math.max(before, handshake.lastZxidSeen);
    const facts = { index, client: record.client, session, node, time, lastZxidSeen };
    const connection = { ...facts, openRestores: 0 };
    session.connections.push(connection);
    client.connection = connection;
  }

  #requested(
    client: Client,
    record: Extract<JournalRecord, { type: 'request' }>,
    place: number,
  ): void {
    const connection = openOf(client, place);
    const { xid, time, request } = record;
    const at = { place, time };
    const call = this.#calls.ask({ connection, xid, request }, at, this.#floor, this.#floorAt);
    if (request.op === 'setWatches') connection.openRestores++;
    if (xid === PING_XID) client.pings.push(call);
    else client.pending.push(call);
  }

  #replied(client: Client, record: Extract<JournalRecord, { type: 'reply' }>, place: number): void {
    const connection = openOf(client, place);
    const index = this.#takePending(client, record, connection);
    if (index === undefined) return;
    this.#calls.answer(index, record.reply, { place, time: record.time }, record.zxid);
    this.#stream.addReply(index);
    const call = this.#calls.at(index);
    if (call.op === 'setWatches') connection.openRestores--;
    const { session } = connection;
    const { startTime } = call;
    if (startTime > session.lastHeardTime) session.lastHeardTime = startTime;
    if (record.zxid > session.lastZxid) session.lastZxid = record.zxid;
    this.#seen(record.zxid, place);
    if (call.op === 'close' && record.reply.error === undefined) session.closed = call;
  }

  #takePending(
    client: Client,
    { xid, time, client: name }: Extract<JournalRecord, { type: 'reply' }>,
    { session, node }: Connection,
  ): number | undefined {
    if (xid === PING_XID && client.pings.length > 0) return client.pings.shift();
    const head = client.pending[client.head];
    const first = head === undefined ? undefined : this.#calls.xid(head);
    if (first === xid) {
      client.head++;
      // What was answered is cut off in bulk: shifting one by one would be quadratic.
      if (client.head > 1024 && client.head * 2 > client.pending.length) {
        client.pending.splice(0, client.head);
        client.head = 0;
      }
      return head;
    }
    const at = client.pending.findIndex(
      (call, index) => index >= client.head && this.#calls.xid(call) === xid,
    );
    const base = { client: name, session: session.id, node, time };
    if (at < 0) {
      const what = `a reply with xid ${xid}, which was not asked`;
      this.#irregularities.push({ ...base, kind: 'reply-to-nothing', what });
      return undefined;
    }
    const what = `xid ${xid} was answered before xid ${first}, which was asked first`;
    this.#irregularities.push({ ...base, kind: 'reply-out-of-order', what });
    return client.pending.splice(at, 1)[0];
  }
}

function openOf(client: Client, place: number): Connection {
  if (client.connection === undefined) {
    throw new JournalError(place, 'its client has no connection');
  }
  return client.connection;
}

/** `0x200000011` */
export function hex(zxid: number): string {
  return zxid < 0 ? String(zxid) : `0x${zxid.toString(16)}`;
}
