/** What came to clients: replies and watch events, in the order of the journal. */
import type { Call, Calls } from './call.ts';
import type { JournalRecord, WatchEventName } from './journal.ts';
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

/** Places in a row of numbers. */
const TIME = 0;
const ZXID = 1;

export class Stream {
  readonly #calls: Calls;
  /** Indices of calls; those of events as their complements. */
  readonly #items: number[] = [];
  readonly #eventConnections: Connection[] = [];
  readonly #eventNames: WatchEventName[] = [];
  readonly #eventPaths: string[] = [];
  readonly #eventNumbers = new Rows({ numbers: 2, integers: 0 });

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  addReply(call: number): void {
    this.#items.push(call);
  }

  addEvent(
    connection: Connection,
    { event, path, time, zxid }: Extract<JournalRecord, { readonly type: 'event' }>,
  ): void {
    const row = this.#eventNumbers.add();
    const numbers = this.#eventNumbers.numbersOf(row);
    const place = this.#eventNumbers.numbersAt(row);
    numbers[place + TIME] = time;
    numbers[place + ZXID] = zxid;
    this.#eventConnections.push(connection);
    this.#eventPaths.push(path);
    this.#items.push(~(this.#eventNames.push(event) - 1));
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

  #event(index: number): SeenEvent {
    return {
      connection: this.#eventConnections[index] as Connection,
      event: this.#eventNames[index] as WatchEventName,
      path: this.#eventPaths[index] as string,
      time: this.#eventNumbers.number(index, TIME),
      zxid: this.#eventNumbers.number(index, ZXID),
    };
  }
}
