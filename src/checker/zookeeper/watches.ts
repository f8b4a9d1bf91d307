/**
 * Watches, connection by connection. The server's table is kept as the replies and events tell it: a watched
 * read registers at the zxid of its reply; the first later change of its node is owed as one event of the
 * right type, before anything of that zxid or a later one is seen on the connection, and uses the watch up.
 * After a reconnect setWatches names what was left: each watch fires at once where its node has changed
 * since, judged by the node's state alone, so that a change which was undone goes unseen. Persistent watches
 * hear every change and get no such catch-up; recursive ones are in recursive-watches.ts. A change whose
 * zxid is not known for sure is not owed.
 */
import { Findings } from '../report.ts';
import type { AddWatch, SetWatches, WatchEventName, WatchedRead } from './journal.ts';
import { RecursiveWatch, Subtrees } from './recursive-watches.ts';
import { Call, type Connection, hex, type SeenEvent, type Sessions } from './sessions.ts';
import { NO_STAT, type StatRows } from './stat-rows.ts';
import type { ChangeList, NodeChange, Timeline } from './timeline.ts';
import type { TransactionOrder } from './transactions.ts';
import { callText, eventText, factsOf, factsOfEvent } from './words.ts';

type Table = 'data' | 'child';

interface Watch {
  readonly table: Table;
  readonly path: string;
  readonly changes: ChangeList;
  isPersistent: boolean;
  isOpen: boolean;
  /** The change that it waits for: its place in the node's list, its zxid (infinite for none), its event. */
  place: number;
  due: number;
  dueEvent: WatchEventName | undefined;
  /** Its key in the heap: what it waited for when it was last looked at there, never later than `due`. */
  key: number;
}

/** The event that a change is for a watch of that table. */
function eventOf(change: NodeChange, table: Table): WatchEventName | undefined {
  switch (change) {
    case 'created':
      return table === 'data' ? 'nodeCreated' : undefined;
    case 'changed':
      return table === 'data' ? 'nodeDataChanged' : undefined;
    case 'children':
      return table === 'child' ? 'nodeChildrenChanged' : undefined;
    default:
      return 'nodeDeleted';
  }
}

function isHeardBy(table: Table, event: WatchEventName): boolean {
  if (event === 'nodeDeleted') return true;
  return (event === 'nodeChildrenChanged') === (table === 'child');
}

const tables: readonly Table[] = ['data', 'child'];

/** What all connections are judged by. */
interface Evidence {
  readonly stats: StatRows;
  readonly order: TransactionOrder;
  readonly timeline: Timeline;
  readonly subtrees: Subtrees;
  readonly findings: Findings;
}

export class WatchJudge {
  readonly findings = new Findings();
  readonly #evidence: Evidence;
  readonly #connections: ConnectionWatches[] = [];

  constructor({ calls }: Sessions, order: TransactionOrder, timeline: Timeline) {
    const { findings } = this;
    const subtrees = new Subtrees(timeline);
    this.#evidence = { stats: calls.stats, order, timeline, subtrees, findings };
  }

  reply(call: Call): void {
    this.#of(call.connection).reply(call);
  }

  event(event: SeenEvent): void {
    this.#of(event.connection).event(event);
  }

  /** After everything. */
  finish(): void {
    for (const connection of this.#connections) connection?.finish();
  }

  #of(connection: Connection): ConnectionWatches {
    let watches = this.#connections[connection.index];
    if (watches === undefined) {
      watches = new ConnectionWatches(connection, this.#evidence);
      this.#connections[connection.index] = watches;
    }
    return watches;
  }
}

class ConnectionWatches {
  readonly #connection: Connection;
  readonly #stats: StatRows;
  readonly #order: TransactionOrder;
  readonly #timeline: Timeline;
  readonly #subtrees: Subtrees;
  readonly #findings: Findings;
  /** Open watches by path. */
  readonly #data = new Map<string, Watch>();
  readonly #child = new Map<string, Watch>();
  /** Watches by when they are due: a binary heap of keys that may be behind. */
  readonly #due: Watch[] = [];
  readonly #recursive: RecursiveWatch[] = [];
  /** Events that no watch explains; setWatches may. */
  #unexplained: SeenEvent[] = [];
  /** Largest zxid that was seen on this connection. */
  #seen: number;

  constructor(connection: Connection, evidence: Evidence) {
    this.#connection = connection;
    this.#stats = evidence.stats;
    this.#order = evidence.order;
    this.#timeline = evidence.timeline;
    this.#subtrees = evidence.subtrees;
    this.#findings = evidence.findings;
    this.#seen = connection.lastZxidSeen;
  }

  finish(): void {
    // A catch-up whose reply was lost with the connection explains what came before it.
    if (this.#connection.openRestores === 0) this.#refuseUnexplained();
  }

  // -------------------------------------------------------------- events

  event(event: SeenEvent): void {
    this.#findings.looked++;
    if (event.zxid > 0) this.#requireDelivered(event.zxid - 1, event);
    let isHeard = false;
    for (const table of tables) {
      if (!isHeardBy(table, event.event)) continue;
      const watch = this.#openOf(table).get(event.path);
      if (watch === undefined) continue;
      this.#fire(watch, event);
      isHeard = true;
    }
    for (const watch of this.#recursive) if (watch.hear(event)) isHeard = true;
    if (!isHeard) {
      this.#unexplained.push(event);
      return;
    }
    if (event.zxid > this.#seen) this.#seen = event.zxid;
  }

  #fire(watch: Watch, event: SeenEvent): void {
    const { due, dueEvent } = watch;
    const isKnown = dueEvent !== undefined;
    const isExpected =
      isKnown && dueEvent === event.event && (event.zxid < 0 || event.zxid === due);
    if (!isExpected && !this.#mayBeUnknown(watch, event)) {
      const should = isKnown ? `${dueEvent} of zxid ${hex(due)} was due` : 'nothing had changed';
      const isEarly = isKnown && dueEvent === event.event && event.zxid < due;
      this.#add(event, isEarly ? 'watch-before-its-change' : 'watch-without-its-change', should);
    }
    if (!watch.isPersistent) this.#close(watch);
    else if (isExpected) this.#await(watch, watch.place + 1);
  }

  #openOf(table: Table): Map<string, Watch> {
    return table === 'data' ? this.#data : this.#child;
  }

  #close(watch: Watch): void {
    watch.isOpen = false;
    this.#openOf(watch.table).delete(watch.path);
  }

  /** Where the node is in doubt, a change may have happened that nobody was told of. */
  #mayBeUnknown({ due }: Watch, { path, event, zxid }: SeenEvent): boolean {
    const { doubts } = this.#order;
    const at = zxid > 0 ? zxid : Math.min(due, Number.MAX_SAFE_INTEGER);
    if (zxid > 0 && due < zxid) return false;
    return event === 'nodeChildrenChanged' ? doubts.children(path, at) : doubts.node(path, at);
  }

  // -------------------------------------------------------------- replies

  reply(call: Call): void {
    const { op, zxid } = call;
    if (op === 'setWatches') this.#restore(call, call.request as SetWatches);
    if (this.#unexplained.length > 0) this.#refuseUnexplained();
    this.#requireDelivered(zxid, call);
    if (zxid > this.#seen) this.#seen = zxid;
    switch (op) {
      case 'exists':
      case 'getData':
      case 'getChildren':
        if (call.leavesWatch) this.#watchRead(call, call.request as WatchedRead);
        return;
      case 'addWatch':
        if (call.error === undefined) this.#addWatch(call, call.request as AddWatch);
        return;
      default:
    }
  }

  #watchRead({ error, zxid }: Call, { op, path }: WatchedRead): void {
    // To ask whether a node is there is to watch for its creation.
    const isSet = error === undefined || (op === 'exists' && error === 'NoNode');
    if (isSet) this.#register(op === 'getChildren' ? 'child' : 'data', path, zxid, false);
  }

  #addWatch({ zxid }: Call, { path, mode }: AddWatch): void {
    if (mode === 'recursive') {
      this.#registerRecursive(path, zxid);
      return;
    }
    this.#register('data', path, zxid, true);
    this.#register('child', path, zxid, true);
  }

  /** Setting one twice is one watch. */
  #registerRecursive(path: string, zxid: number): void {
    if (this.#recursive.some(({ root }) => root === path)) return;
    this.#findings.looked++;
    this.#recursive.push(new RecursiveWatch(path, this.#subtrees.eventsOf(path), zxid));
  }

  /** Everything up to that zxid must have been told by now. */
  #requireDelivered(zxid: number, by: Call | SeenEvent): void {
    for (const watch of this.#recursive) {
      for (const missed of watch.missedUntil(zxid)) {
        if (this.#order.doubts.node(missed.path, missed.zxid)) continue;
        const above = watch.root === missed.path ? '' : `, below its watch on ${watch.root},`;
        this.#missed(`${missed.event} ${missed.path}${above}`, missed, by);
      }
    }
    for (let watch = this.#due[0]; watch !== undefined && watch.key <= zxid; watch = this.#due[0]) {
      if (watch.isOpen && watch.due > watch.key) {
        // It fired meanwhile, and waits for a later change.
        watch.key = watch.due;
        sink(this.#due, watch);
        continue;
      }
      takeFirst(this.#due);
      if (!watch.isOpen) continue;
      this.#close(watch);
      this.#missed(`${watch.dueEvent} ${watch.path}`, { path: watch.path, zxid: watch.due }, by);
    }
  }

  #missed(
    what: string,
    { path, zxid }: { readonly path: string; readonly zxid: number },
    by: Call | SeenEvent,
  ): void {
    const { client, node } = this.#connection;
    const isCall = by instanceof Call;
    const text = isCall ? callText(by) : eventText(by);
    this.#findings.add({
      ...(isCall ? factsOf(by) : factsOfEvent(by)),
      kind: 'watch-missed',
      path,
      zxid: hex(zxid),
      message:
        `${client} was not told ${what} of zxid ${hex(zxid)} by ` +
        `server ${node ?? 'unknown'} before ${text}`,
    });
  }

  #register(table: Table, path: string, zxid: number, isPersistent: boolean): void {
    const held = this.#openOf(table).get(path);
    // Setting a watch twice is one watch, and a persistent one hears the same and more.
    if (held?.isOpen === true) {
      held.isPersistent ||= isPersistent;
      return;
    }
    if (!isPersistent || table === 'data') this.#findings.looked++;
    const changes = this.#timeline.changes(path);
    const watch: Watch = {
      table,
      path,
      changes,
      isPersistent,
      isOpen: true,
      place: -1,
      due: Infinity,
      dueEvent: undefined,
      key: Infinity,
    };
    this.#await(watch, firstAfter(changes.zxids, zxid));
    this.#openOf(table).set(path, watch);
    if (watch.due === Infinity) return;
    watch.key = watch.due;
    add(this.#due, watch);
  }

  /** The first change from that place on that such a watch hears. */
  #await(watch: Watch, from: number): void {
    const { zxids, kinds } = watch.changes;
    for (let place = from; place < zxids.length; place++) {
      const event = eventOf(kinds[place] as NodeChange, watch.table);
      if (event === undefined) continue;
      watch.place = place;
      watch.due = zxids[place] as number;
      watch.dueEvent = event;
      return;
    }
    watch.due = Infinity;
    watch.dueEvent = undefined;
  }

  // ------------------------------------------------------------ reconnect

  /** What the server must have told before this reply, and what it registered anew. */
  #restore(call: Call, request: SetWatches): void {
    const { relativeZxid } = request;
    const restore = (
      table: Table,
      paths: readonly string[],
      firedBy: (path: string) => WatchEventName | undefined,
    ): void => {
      for (const path of paths) {
        const owed = firedBy(path);
        const isDoubtful =
          table === 'data'
            ? this.#order.doubts.node(path, call.zxid)
            : this.#order.doubts.node(path, call.zxid) ||
              this.#order.doubts.children(path, call.zxid);
        this.#settle(call, table, path, owed, isDoubtful);
      }
    };
    const stats = this.#stats;
    const statAt = (path: string) => this.#timeline.statAt(path, call.zxid);
    restore('data', request.data, (path) => {
      const stat = statAt(path);
      if (stat === NO_STAT) return 'nodeDeleted';
      return stats.mzxid(stat) > relativeZxid ? 'nodeDataChanged' : undefined;
    });
    restore('data', request.exist, (path) =>
      statAt(path) === NO_STAT ? undefined : 'nodeCreated',
    );
    restore('child', request.child, (path) => {
      const stat = statAt(path);
      if (stat === NO_STAT) return 'nodeDeleted';
      return stats.pzxid(stat) > relativeZxid ? 'nodeChildrenChanged' : undefined;
    });
    for (const path of request.recursive ?? []) this.#registerRecursive(path, call.zxid);
    for (const path of request.persistent ?? []) {
      this.#register('data', path, call.zxid, true);
      this.#register('child', path, call.zxid, true);
    }
  }

  #settle(
    call: Call,
    table: Table,
    path: string,
    owed: WatchEventName | undefined,
    isDoubtful: boolean,
  ): void {
    this.#findings.looked++;
    const told = this.#unexplained.findIndex(
      (event) =>
        event.path === path && (isDoubtful ? isHeardBy(table, event.event) : event.event === owed),
    );
    if (told >= 0) {
      this.#unexplained.splice(told, 1);
    } else if (owed === undefined || isDoubtful) {
      this.#register(table, path, call.zxid, false);
    } else {
      this.#findings.add({
        ...factsOf(call),
        kind: 'watch-not-caught-up',
        path,
        message: `${callText(call)}: ${owed} ${path} happened meanwhile and was not told`,
      });
    }
  }

  #refuseUnexplained(): void {
    for (const event of this.#unexplained) {
      const { doubts } = this.#order;
      const at = event.zxid > 0 ? event.zxid : this.#seen + 1;
      if (doubts.node(event.path, at) || doubts.children(event.path, at)) continue;
      this.#add(event, 'watch-that-was-not-set', 'no watch was left, or it had fired');
    }
    this.#unexplained = [];
  }

  #add(event: SeenEvent, kind: string, what: string): void {
    const message = `${eventText(event)}: ${what}`;
    this.#findings.add({ ...factsOfEvent(event), kind, message });
  }
}

/** Index of the first number larger than that. */
function firstAfter(sorted: readonly number[], zxid: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= zxid) low = middle + 1;
    else high = middle;
  }
  return low;
}

function add(heap: Watch[], watch: Watch): void {
  let at = heap.push(watch) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const other = heap[above] as Watch;
    if (other.key <= watch.key) break;
    heap[at] = other;
    at = above;
  }
  heap[at] = watch;
}

function takeFirst(heap: Watch[]): void {
  const last = heap.pop();
  if (last !== undefined && heap.length > 0) sink(heap, last);
}

/** Puts a watch in the place of the first one. */
function sink(heap: Watch[], watch: Watch): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && right.key < (heap[child] as Watch).key) child++;
    const smallest = heap[child] as Watch;
    if (smallest.key >= watch.key) break;
    heap[at] = smallest;
    at = child;
  }
  heap[at] = watch;
}
