/** What came to clients: replies and watch events, in the order of the journal. */
import type { Call, Calls } from './call.ts';
import { JournalError, type JournalRecord, type WatchEventName } from './journal.ts';
import { Rows } from './rows.ts';
import type { Connection } from './sessions.ts';

/** A watch event as its client saw it: -1 for the zxid where the server does not tell. */
export interface SeenEvent {
  readonly connection: Connection;
  readonly event: WatchEventName;
  readonly path: string;
  readonly time: number;
  readonly zxid: number;
}

/** Whoever is told everything that came to clients, with the largest zxid that its session had seen before. */
export interface Listener {
  readonly reply: (call: Call, seen: number) => void;
  readonly event: (event: SeenEvent, seen: number) => void;
}

/** Places in a row: of the numbers, and of the integers. */
const TIME = 0;
const ZXID = 1;
const NUMBERS = 2;
const CONNECTION = 0;
const NAME = 1;
const PATH = 2;
const INTEGERS = 3;

const names: readonly WatchEventName[] = [
  'nodeCreated',
  'nodeDeleted',
  'nodeDataChanged',
  'nodeChildrenChanged',
];

export class Stream {
  readonly #calls: Calls;
  /** Indices of calls; those of events as their complements. */
  readonly #items: number[] = [];
  readonly #events = new Rows({ numbers: NUMBERS, integers: INTEGERS });

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  addReply(call: number): void {
    this.#items.push(call);
  }

  addEvent(
    connection: Connection,
    { event, path, time, zxid }: Extract<JournalRecord, { readonly type: 'event' }>,
    place: number,
  ): void {
    const name = names.indexOf(event);
    if (name < 0) throw new JournalError(place, `unknown event "${event}"`);
    const row = this.#events.add();
    const [numbers, numbersAt] = [this.#events.numbersOf(row), this.#events.numbersAt(row)];
    numbers[numbersAt + TIME] = time;
    numbers[numbersAt + ZXID] = zxid;
    const [integers, integersAt] = [this.#events.integersOf(row), this.#events.integersAt(row)];
    integers[integersAt + CONNECTION] = connection.index;
    integers[integersAt + NAME] = name;
    integers[integersAt + PATH] = this.#calls.requests.paths.numberOf(path);
    this.#calls.connections[connection.index] = connection;
    this.#items.push(~row);
  }

  tell({ reply, event }: Listener): void {
    /** By session. */
    const newest: number[] = [];
    const seenBy = ({ session, lastZxidSeen }: Connection, zxid: number): number => {
      const seen = Math.max(newest[session.index] ?? 0, lastZxidSeen);
      newest[session.index] = Math.max(seen, zxid);
      return seen;
    };
    for (const item of this.#items) {
      if (item >= 0) {
        const call = this.#calls.at(item);
        reply(call, seenBy(call.connection, call.zxid));
      } else {
        const told = this.#event(~item);
        event(told, seenBy(told.connection, told.zxid));
      }
    }
  }

  #event(row: number): SeenEvent {
    const { connections, requests } = this.#calls;
    const [integers, at] = [this.#events.integersOf(row), this.#events.integersAt(row)];
    return {
      connection: connections[integers[at + CONNECTION] as number] as Connection,
      event: names[integers[at + NAME] as number] as WatchEventName,
      path: requests.paths.at(integers[at + PATH] as number),
      time: this.#events.number(row, TIME),
      zxid: this.#events.number(row, ZXID),
    };
  }
}
