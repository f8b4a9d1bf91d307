/**
 * Watches of this server's connections, in two tables: *data* (set by getData and exists) and
 * *child* (set by getChildren). A standard watch fires once; a persistent one stays and stands in
 * both tables; a recursive one stays, stands in the data table and hears of its whole subtree, but
 * never of children as such. One connection may hold several modes on one path. The root is "/".
 * Upstream: WatchManager, WatchStats, DataTree (its calls of triggerWatch).
 */
import type { ConnectionId } from '../../../base/core.ts';
import { type Acl, type Id, Permission, WatchEventType } from '../../../wire/client.ts';
import { isPermitted } from '../pipeline/acl.ts';
import { clientPath, parentPath } from '../tree/path.ts';
import type { WatchTrigger } from './watch-trigger.ts';

export type WatchTable = 'data' | 'child';

/** Bits of what one connection holds on one path in one table. */
const Mode = { standard: 1, persistent: 2, recursive: 4 } as const;
const ALL_MODES = 7;

/** Numbers of addWatch. */
export const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const;
/** Numbers of checkWatches and removeWatches. */
export const WatcherType = {
  children: 1,
  data: 2,
  any: 3,
  persistent: 4,
  persistentRecursive: 5,
} as const;

export interface FiredWatch {
  readonly connection: ConnectionId;
  /** WatchEventType. */
  readonly type: number;
  readonly path: string;
}

type Holders = Map<ConnectionId, number>;
type Authinfo = (connection: ConnectionId) => readonly Id[];

export class WatchManager {
  readonly #tables: Readonly<Record<WatchTable, Map<string, Holders>>> = {
    data: new Map(),
    child: new Map(),
  };
  readonly #paths = new Map<ConnectionId, Readonly<Record<WatchTable, Set<string>>>>();
  /** Recursive watches in existence; without any, ancestors need no look. */
  #recursiveCount = 0;
  #count = 0;

  /** Watches by (table, path, connection). */
  get count(): number {
    return this.#count;
  }
  get connectionCount(): number {
    return this.#paths.size;
  }
  /** Paths with a watch in at least one table. */
  get pathCount(): number {
    const { data, child } = this.#tables;
    let both = 0;
    for (const path of child.keys()) if (data.has(path)) both++;
    return data.size + child.size - both;
  }

  /** A standard watch; setting it twice is one watch. The connection must be open. */
  add(connection: ConnectionId, table: WatchTable, path: string): void {
    this.#add(connection, table, clientPath(path), Mode.standard);
  }

  addPersistent(connection: ConnectionId, path: string): void {
    this.#add(connection, 'data', clientPath(path), Mode.persistent);
    this.#add(connection, 'child', clientPath(path), Mode.persistent);
  }

  addRecursive(connection: ConnectionId, path: string): void {
    this.#add(connection, 'data', clientPath(path), Mode.recursive);
  }

  /** Whether the connection holds such a watch; the numbers are WatcherType's. */
  has(connection: ConnectionId, path: string, type: number): boolean {
    return modesOf(type).some(
      ([table, modes]) => (this.#held(connection, table, clientPath(path)) & modes) !== 0,
    );
  }

  /** False where there was none. */
  remove(connection: ConnectionId, path: string, type: number): boolean {
    let isRemoved = false;
    for (const [table, modes] of modesOf(type)) {
      if (this.#clear(connection, table, clientPath(path), modes)) isRemoved = true;
    }
    return isRemoved;
  }

  removeConnection(connection: ConnectionId): void {
    const paths = this.#paths.get(connection);
    if (paths === undefined) return;
    for (const table of ['data', 'child'] as const) {
      for (const path of [...paths[table]]) this.#clear(connection, table, path, ALL_MODES);
    }
  }

  /**
   * Who hears of a change, in the order of the tables: what the node's own watches hear, then what
   * the parent's child watches hear. A connection without READ hears nothing, and its one-shot
   * watch is used up all the same.
   */
  trigger(trigger: WatchTrigger, authinfo?: Authinfo): FiredWatch[] {
    const { change, path, acl, parentAcl } = trigger;
    const fired: FiredWatch[] = [];
    const tell = (
      holders: Iterable<ConnectionId>,
      type: number,
      where: string,
      list: readonly Acl[],
    ) => {
      for (const connection of holders) {
        if (authinfo !== undefined && !isPermitted(list, Permission.read, authinfo(connection))) {
          continue;
        }
        fired.push({ connection, type, path: where });
      }
    };
    if (change === 'changed') {
      tell(this.#fire('data', path), WatchEventType.nodeDataChanged, path, acl);
      return fired;
    }
    const type = change === 'created' ? WatchEventType.nodeCreated : WatchEventType.nodeDeleted;
    const heard = this.#fire('data', path);
    tell(heard, type, path, acl);
    if (change === 'deleted') {
      const more = [...this.#fire('child', path)].filter((connection) => !heard.has(connection));
      tell(more, type, path, acl);
    }
    const above = path === '/' ? undefined : parentPath(path);
    if (above !== undefined) {
      const parent = clientPath(above);
      tell(this.#fire('child', parent), WatchEventType.nodeChildrenChanged, parent, parentAcl);
    }
    return fired;
  }

  /** The connections that hear of an event on `path`; standard watches are used up. */
  #fire(table: WatchTable, path: string): Set<ConnectionId> {
    const heard = new Set<ConnectionId>();
    const holders = this.#tables[table].get(path);
    if (holders !== undefined) {
      for (const connection of [...holders.keys()]) {
        heard.add(connection);
        this.#clear(connection, table, path, Mode.standard);
      }
    }
    if (table === 'data' && this.#recursiveCount > 0) this.#hearAbove(path, heard);
    return heard;
  }

  #hearAbove(path: string, heard: Set<ConnectionId>): void {
    let at = path;
    while (at !== '/') {
      const above = parentPath(at);
      if (above === undefined) return;
      at = clientPath(above);
      for (const [connection, modes] of this.#tables.data.get(at) ?? []) {
        if ((modes & Mode.recursive) !== 0) heard.add(connection);
      }
    }
  }

  #held(connection: ConnectionId, table: WatchTable, path: string): number {
    return this.#tables[table].get(path)?.get(connection) ?? 0;
  }

  #add(connection: ConnectionId, table: WatchTable, path: string, mode: number): void {
    const held = this.#held(connection, table, path);
    if ((held & mode) !== 0) return;
    let holders = this.#tables[table].get(path);
    if (holders === undefined) {
      holders = new Map();
      this.#tables[table].set(path, holders);
    }
    holders.set(connection, held | mode);
    if (mode === Mode.recursive) this.#recursiveCount++;
    if (held !== 0) return;
    this.#count++;
    let paths = this.#paths.get(connection);
    if (paths === undefined) {
      paths = { data: new Set(), child: new Set() };
      this.#paths.set(connection, paths);
    }
    paths[table].add(path);
  }

  /** Takes modes away; true where one of them was held. */
  #clear(connection: ConnectionId, table: WatchTable, path: string, modes: number): boolean {
    const holders = this.#tables[table].get(path);
    const held = holders?.get(connection) ?? 0;
    if (holders === undefined || (held & modes) === 0) return false;
    if ((held & modes & Mode.recursive) !== 0) this.#recursiveCount--;
    const left = held & ~modes;
    if (left !== 0) {
      holders.set(connection, left);
      return true;
    }
    holders.delete(connection);
    if (holders.size === 0) this.#tables[table].delete(path);
    this.#count--;
    const paths = this.#paths.get(connection);
    paths?.[table].delete(path);
    if (paths?.data.size === 0 && paths.child.size === 0) this.#paths.delete(connection);
    return true;
  }
}

function modesOf(type: number): ReadonlyArray<readonly [WatchTable, number]> {
  switch (type) {
    case WatcherType.children:
      return [['child', Mode.standard]];
    case WatcherType.data:
      return [['data', Mode.standard]];
    case WatcherType.any:
      return [
        ['data', ALL_MODES],
        ['child', ALL_MODES],
      ];
    case WatcherType.persistent:
      return [
        ['data', Mode.persistent],
        ['child', Mode.persistent],
      ];
    case WatcherType.persistentRecursive:
      return [['data', Mode.recursive]];
    default:
      return [];
  }
}
