/**
 * Recursive persistent watches: a connection that left one on a node hears of everything that is created, deleted
 * or changed at and below it, each once, in the order of the zxids. It hears nothing of lists of children,
 * and nothing of what happened before the reply that set it or set it anew.
 */
import type { WatchEventName } from './journal.ts';
import type { SeenEvent } from './sessions.ts';
import type { NodeChange, Timeline } from './timeline.ts';

/** One event that whoever watches the subtree is owed. */
export interface SubtreeEvent {
  readonly zxid: number;
  readonly path: string;
  readonly event: WatchEventName;
}

const heard: Readonly<Partial<Record<NodeChange, WatchEventName>>> = {
  created: 'nodeCreated',
  deleted: 'nodeDeleted',
  changed: 'nodeDataChanged',
};

/** Everything that happened below a node, put together when it is first asked for. */
export class Subtrees {
  readonly #timeline: Timeline;
  readonly #byRoot = new Map<string, readonly SubtreeEvent[]>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** By zxid. */
  eventsOf(root: string): readonly SubtreeEvent[] {
    let events = this.#byRoot.get(root);
    if (events === undefined) {
      events = this.#collect(root);
      this.#byRoot.set(root, events);
    }
    return events;
  }

  #collect(root: string): readonly SubtreeEvent[] {
    const events: SubtreeEvent[] = [];
    const below = root === '/' ? root : `${root}/`;
    for (const { path, changes } of this.#timeline.histories()) {
      if (path !== root && !path.startsWith(below)) continue;
      const { zxids, kinds } = changes;
      for (const [at, kind] of kinds.entries()) {
        const event = heard[kind];
        if (event !== undefined) events.push({ zxid: zxids[at] as number, path, event });
      }
    }
    return events.sort((a, b) => a.zxid - b.zxid);
  }
}

const nothing: readonly SubtreeEvent[] = [];

/** One watch on one connection, and what it was told. */
export class RecursiveWatch {
  readonly root: string;
  readonly #events: readonly SubtreeEvent[];
  /** The first event whose time to be told has not passed. */
  #next: number;
  /** Places of events that were told before their time had passed. */
  readonly #told = new Set<number>();

  constructor(root: string, events: readonly SubtreeEvent[], since: number) {
    this.root = root;
    this.#events = events;
    this.#next = events.findIndex(({ zxid }) => zxid > since);
    if (this.#next === -1) this.#next = events.length;
  }

  /** Whether the event is one that it owed and had not told. */
  hear({ zxid, path, event }: SeenEvent): boolean {
    for (let at = this.#next; at < this.#events.length; at++) {
      const owed = this.#events[at] as SubtreeEvent;
      // A server that does not tell zxids tells events in their order all the same.
      if (zxid > 0 && owed.zxid > zxid) return false;
      const isIt = owed.path === path && owed.event === event;
      if (!isIt || (zxid > 0 && owed.zxid !== zxid) || this.#told.has(at)) continue;
      this.#told.add(at);
      return true;
    }
    return false;
  }

  /** What had to be told up to that zxid and was not; it is asked for once. */
  missedUntil(zxid: number): readonly SubtreeEvent[] {
    const next = this.#events[this.#next];
    if (next === undefined || next.zxid > zxid) return nothing;
    const missed: SubtreeEvent[] = [];
    for (; this.#next < this.#events.length; this.#next++) {
      const owed = this.#events[this.#next] as SubtreeEvent;
      if (owed.zxid > zxid) break;
      if (!this.#told.delete(this.#next)) missed.push(owed);
    }
    return missed;
  }
}
