/** A journal in the hands of a forger: its answered requests, and edits that leave the original alone. */
import type { Prng } from '../../../../src/base/prng.ts';
import type { Expiry } from '../../../../src/checker/zookeeper/expiry.ts';
import type {
  JournalRecord,
  JournalReply,
  JournalRequest,
  NodeStat,
} from '../../../../src/checker/zookeeper/journal.ts';

type ReplyRecord = Extract<JournalRecord, { type: 'reply' }>;

export interface Answered {
  readonly client: string;
  readonly session: string;
  /** Counts the connections of the journal. */
  readonly connection: number;
  readonly asked: number;
  readonly told: number;
  readonly request: JournalRequest;
  readonly zxid: number;
  readonly reply: JournalReply;
  /** Largest zxid that its session had seen before. */
  readonly seen: number;
  /** Largest zxid that anybody had been told of when it was asked. */
  readonly floor: number;
}

export interface SeenEvent {
  readonly at: number;
  readonly client: string;
  readonly connection: number;
  readonly record: Extract<JournalRecord, { type: 'event' }>;
}

export class Forgery {
  readonly records: JournalRecord[];
  readonly prng: Prng;
  /** What a server tells of sessions that it ended. */
  readonly expiries: Expiry[] = [];
  readonly answered: readonly Answered[];
  readonly events: readonly SeenEvent[];
  /** Handshakes that resumed a session, with the place of their answer. */
  readonly resumed: readonly { readonly connecting: number; readonly connected: number }[];

  constructor(good: readonly JournalRecord[], prng: Prng) {
    this.records = [...good];
    this.prng = prng;
    const scan = scanJournal(good);
    this.answered = scan.answered;
    this.events = scan.events;
    this.resumed = scan.resumed;
  }

  /** One of them at random; undefined of none. */
  pick<T>(from: readonly T[]): T | undefined {
    return from.length === 0 ? undefined : from[this.prng.int(0, from.length - 1)];
  }

  /** Changes the reply to a request. */
  tell(of: Answered, change: Partial<JournalReply>, zxid = of.zxid): void {
    const record = this.records[of.told] as ReplyRecord;
    const reply = { ...record.reply, ...change };
    for (const key of Object.keys(reply) as (keyof JournalReply)[]) {
      if (reply[key] === undefined) delete (reply as Record<string, unknown>)[key];
    }
    this.records[of.told] = { ...record, zxid, reply };
  }

  tellStat(of: Answered, change: Partial<NodeStat>): void {
    this.tell(of, { stat: { ...(of.reply.stat as NodeStat), ...change } });
  }

  edit(at: number, change: object): void {
    this.records[at] = { ...this.records[at], ...change } as JournalRecord;
  }

  remove(at: number): void {
    this.records.splice(at, 1);
  }

  /** A copy behind another record, at that record's time. */
  insert(after: number, record: JournalRecord): void {
    const time = (this.records[after] as JournalRecord).time;
    this.records.splice(after + 1, 0, { ...record, time });
  }

  reads(...ops: readonly JournalRequest['op'][]): Answered[] {
    return this.answered.filter(({ request, reply }) => {
      return ops.includes(request.op) && reply.error === undefined;
    });
  }

  writes(op: 'create' | 'delete' | 'setData'): Answered[] {
    return this.answered.filter(({ request, reply }) => {
      return request.op === op && reply.error === undefined;
    });
  }

  refusals(error: string, ...ops: readonly JournalRequest['op'][]): Answered[] {
    return this.answered.filter(({ request, reply }) => {
      return ops.includes(request.op) && reply.error === error;
    });
  }
}

/** Path of what is asked for; the final one of what was created. */
export function pathOf({ request, reply }: Answered): string {
  return reply.path ?? ('path' in request ? request.path : '');
}

interface ClientScan {
  session: string;
  connection: number;
  connecting: number;
  seen: number;
  readonly open: Map<number, { readonly at: number; readonly floor: number }[]>;
}

function scanJournal(
  records: readonly JournalRecord[],
): Pick<Forgery, 'answered' | 'events' | 'resumed'> {
  const answered: Answered[] = [];
  const events: SeenEvent[] = [];
  const resumed: { connecting: number; connected: number }[] = [];
  const clients = new Map<string, ClientScan>();
  let connections = 0;
  let floor = 0;
  for (const [at, record] of records.entries()) {
    const { client } = record;
    const fresh = { session: '', connection: 0, connecting: -1, seen: 0, open: new Map() };
    const state = clients.get(client) ?? fresh;
    clients.set(client, state);
    switch (record.type) {
      case 'connecting':
        state.connecting = at;
        break;
      case 'connected': {
        const handshake = records[state.connecting];
        if (handshake?.type === 'connecting' && handshake.session !== '') {
          resumed.push({ connecting: state.connecting, connected: at });
        }
        state.session = record.session;
        state.connection = ++connections;
        break;
      }
      case 'disconnected':
        state.open.clear();
        break;
      case 'request': {
        const waiting = state.open.get(record.xid) ?? [];
        waiting.push({ at, floor });
        state.open.set(record.xid, waiting);
        break;
      }
      case 'reply': {
        const asked = state.open.get(record.xid)?.shift();
        const request = asked === undefined ? undefined : records[asked.at];
        if (asked !== undefined && request?.type === 'request') {
          const { session, connection, seen } = state;
          const { zxid, reply } = record;
          const places = { asked: asked.at, told: at, floor: asked.floor, seen };
          const facts = { client, session, connection, request: request.request, zxid, reply };
          answered.push({ ...facts, ...places });
        }
        state.seen = Math.max(state.seen, record.zxid);
        floor = Math.max(floor, record.zxid);
        break;
      }
      case 'event':
        events.push({ at, client, connection: state.connection, record });
        state.seen = Math.max(state.seen, record.zxid);
        floor = Math.max(floor, record.zxid);
        break;
      default:
    }
  }
  return { answered, events, resumed };
}
