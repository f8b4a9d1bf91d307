/**
 * The one-shot watches of a client, in three tables as the server and setWatches know them: *data* (set
 * by getData, and by exists on a node that is there), *exist* (exists on a missing node) and *child*.
 * An event consumes every handle of its path in the tables that it concerns. A handle belongs to the
 * program that left it and is forgotten with it; a path without handles is not re-established.
 * Upstream: ZKWatchManager, WatchManager.
 */
import { WatchEventType, type WatcherEvent } from '../../wire/client.ts';
import type { WatchFired, WatchHandle } from './program.ts';

export type WatchKind = 'data' | 'exist' | 'child';

interface Watch {
  readonly handle: WatchHandle;
  readonly kind: WatchKind;
  readonly path: string;
  fired: WatchFired | undefined;
  /** Whoever waits for it now. */
  waiter: number | undefined;
}

/** Path characters in one setWatches request; more go into further batches (upstream: 128 KiB). */
const BATCH_CHARACTERS = 128 * 1024;

export interface WatchBatch {
  readonly dataWatches: readonly string[];
  readonly existWatches: readonly string[];
  readonly childWatches: readonly string[];
}

const concerned = new Map<number, { type: WatchFired['type']; kinds: readonly WatchKind[] }>([
  [WatchEventType.nodeCreated, { type: 'nodeCreated', kinds: ['data', 'exist'] }],
  [WatchEventType.nodeDataChanged, { type: 'nodeDataChanged', kinds: ['data', 'exist'] }],
  [WatchEventType.nodeChildrenChanged, { type: 'nodeChildrenChanged', kinds: ['child'] }],
  [WatchEventType.nodeDeleted, { type: 'nodeDeleted', kinds: ['data', 'exist', 'child'] }],
]);

export class WatchTable {
  readonly #watches = new Map<WatchHandle, Watch>();
  readonly #byPath: Record<WatchKind, Map<string, Set<Watch>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  };
  #nextHandle = 1;

  /** Handles that are known, fired or not. */
  get size(): number {
    return this.#watches.size;
  }

  has(handle: WatchHandle): boolean {
    return this.#watches.has(handle);
  }

  add(kind: WatchKind, path: string): WatchHandle {
    const handle = this.#nextHandle++ as WatchHandle;
    const watch: Watch = { handle, kind, path, fired: undefined, waiter: undefined };
    this.#watches.set(handle, watch);
    const table = this.#byPath[kind];
    const watches = table.get(path);
    if (watches === undefined) table.set(path, new Set([watch]));
    else watches.add(watch);
    return handle;
  }

  /** Hands over a fired watch at once, else notes who waits; undefined for an unknown handle. */
  claim(
    handle: WatchHandle,
    waiter: number,
  ): { readonly fired: WatchFired | undefined } | undefined {
    const watch = this.#watches.get(handle);
    if (watch === undefined) return undefined;
    if (watch.fired === undefined) {
      watch.waiter = waiter;
      return { fired: undefined };
    }
    this.#watches.delete(handle);
    return { fired: watch.fired };
  }

  /** Nobody waits any more; the watch itself stays. */
  stopWaiting(handle: WatchHandle): void {
    const watch = this.#watches.get(handle);
    if (watch !== undefined) watch.waiter = undefined;
  }

  forget(handle: WatchHandle): void {
    const watch = this.#watches.get(handle);
    if (watch === undefined) return;
    this.#watches.delete(handle);
    this.#unlink(watch);
  }

  #unlink(watch: Watch): void {
    const table = this.#byPath[watch.kind];
    const watches = table.get(watch.path);
    if (watches?.delete(watch) === true && watches.size === 0) table.delete(watch.path);
  }

  /** Fires the watches that a server's event concerns; answers those that somebody waits for. */
  fire(
    event: WatcherEvent,
  ): ReadonlyArray<{ readonly waiter: number; readonly fired: WatchFired }> {
    const rule = concerned.get(event.type);
    if (rule === undefined) return [];
    const fired: WatchFired = { type: rule.type, path: event.path };
    const hit: Watch[] = [];
    for (const kind of rule.kinds) hit.push(...(this.#byPath[kind].get(event.path) ?? []));
    return this.#fireAll(hit, () => fired);
  }

  /** The session is lost: nothing will fire any more, and everybody is told. */
  fireSession(): ReadonlyArray<{ readonly waiter: number; readonly fired: WatchFired }> {
    const pending = [...this.#watches.values()].filter((watch) => watch.fired === undefined);
    return this.#fireAll(pending, (watch) => ({ type: 'session', path: watch.path }));
  }

  #fireAll(
    watches: readonly Watch[],
    firedOf: (watch: Watch) => WatchFired,
  ): ReadonlyArray<{ readonly waiter: number; readonly fired: WatchFired }> {
    const awaited: Array<{ waiter: number; fired: WatchFired }> = [];
    for (const watch of watches) {
      const fired = firedOf(watch);
      this.#unlink(watch);
      if (watch.waiter === undefined) {
        watch.fired = fired;
        continue;
      }
      this.#watches.delete(watch.handle);
      awaited.push({ waiter: watch.waiter, fired });
    }
    return awaited;
  }

  /** What setWatches has to carry, cut into batches. */
  batches(): readonly WatchBatch[] {
    const batches: Array<Record<keyof WatchBatch, string[]>> = [];
    const fields = { data: 'dataWatches', exist: 'existWatches', child: 'childWatches' } as const;
    let characters = BATCH_CHARACTERS;
    for (const kind of ['data', 'exist', 'child'] as const) {
      for (const path of this.#byPath[kind].keys()) {
        if (characters + path.length > BATCH_CHARACTERS) {
          batches.push({ dataWatches: [], existWatches: [], childWatches: [] });
          characters = 0;
        }
        characters += path.length;
        batches.at(-1)?.[fields[kind]].push(path);
      }
    }
    return batches;
  }
}
