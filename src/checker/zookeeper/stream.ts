/** What came to clients: replies and watch events, in the order of the journal. */
import type { Call, Calls } from './call.ts';
import type { JournalRecord, WatchEventName } from './journal.ts';
import { NumberRows } from './number-rows.ts';
import type { Connection } from './sessions.ts';

/** A watch event as its client saw it: -1 for the zxid where the server does not tell. */
export interface SeenEvent {
  readonly connection: Connection;
  readonly event: WatchEventName;
  readonly path: string;
  readonly time: number;
  readonly zxid: number;
}

/** Whoever is told everything that came to clients. */
export interface Listener {
  reply(call: Call): void;
  event(event: SeenEvent): void;
}

/** Places in a row of numbers. */
const TIME = 0;
const ZXID = 1;
const WIDTH = 2;

export class Stream {
  readonly #calls: Calls;
  /** Indices of calls; those of events as their complements. */
  readonly #items: number[] = [];
  readonly #eventConnections: Connection[] = [];
  readonly #eventNames: WatchEventName[] = [];
  readonly #eventPaths: string[] = [];
  readonly #eventNumbers = new NumberRows(WIDTH);

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
    this.#eventNumbers.set(row + TIME, time);
    this.#eventNumbers.set(row + ZXID, zxid);
    this.#eventConnections.push(connection);
    this.#eventPaths.push(path);
    this.#items.push(~(this.#eventNames.push(event) - 1));
  }

  tell(listeners: readonly Listener[]): void {
    for (const item of this.#items) {
      if (item >= 0) {
        const call = this.#calls.at(item);
        for (const listener of listeners) listener.reply(call);
      } else {
        const event = this.#event(~item);
        for (const listener of listeners) listener.event(event);
      }
    }
  }

  #event(index: number): SeenEvent {
    const row = index * WIDTH;
    return {
      connection: this.#eventConnections[index] as Connection,
      event: this.#eventNames[index] as WatchEventName,
      path: this.#eventPaths[index] as string,
      time: this.#eventNumbers.get(row + TIME),
      zxid: this.#eventNumbers.get(row + ZXID),
    };
  }
}
