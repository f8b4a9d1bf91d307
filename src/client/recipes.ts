/**
 * The recipes for people: promises over the programs of `core/recipes`. Each is bound to a client and a
 * node, which must be there, and does nothing but run its program.
 *
 *   const lock = new Lock(client, '/locks/backup');
 *   const held = await lock.acquire({ timeoutMs: 5000 });
 *   if (held !== undefined) try { … } finally { await lock.release(held); }
 */
import { randomUUID } from 'node:crypto';
import type { MultiOperation } from '../wire/client.ts';
import type { Program } from './core/program.ts';
import { increment } from './core/recipes/counter.ts';
import {
  asLeader,
  campaign,
  type Leadership,
  type RecordedLeader,
  readLeader,
  resign,
} from './core/recipes/election.ts';
import {
  acquireLock,
  type HeldLock,
  type LockMode,
  type ReleaseOutcome,
  releaseLock,
} from './core/recipes/lock.ts';
import { observe } from './core/recipes/observe.ts';
import { put, type QueueItem, take } from './core/recipes/queue.ts';
import { type Registration, register, withdraw } from './core/recipes/registration.ts';
import type { Removal } from './core/recipes/retry.ts';
import { nextId, type UniqueId } from './core/recipes/unique-id.ts';
import { type Bytes, type Children, type NodeData, zk } from './core/zk.ts';

/** Whatever runs programs; a ZooKeeper client does. */
export interface ProgramRunner {
  run<T>(program: Program<T>, options?: { readonly signal?: AbortSignal }): Promise<T>;
}

export interface WaitOptions {
  readonly timeoutMs?: number;
  /** Gives up waiting, and leaves the queue. */
  readonly signal?: AbortSignal;
}

abstract class Recipe {
  protected readonly client: ProgramRunner;
  readonly path: string;
  constructor(client: ProgramRunner, path: string) {
    this.client = client;
    this.path = path;
  }
}

const timeoutOf = ({ timeoutMs }: WaitOptions): { readonly timeoutMs?: number } =>
  timeoutMs === undefined ? {} : { timeoutMs };

/** One holder at a time, or many `shared` ones. */
export class Lock extends Recipe {
  /** Undefined after `timeoutMs`. */
  acquire(options: WaitOptions & { readonly mode?: LockMode } = {}): Promise<HeldLock | undefined> {
    const { mode = 'exclusive' } = options;
    const program = acquireLock(zk, this.path, {
      id: randomUUID(),
      mode,
      ...timeoutOf(options),
    });
    return this.client.run(program, options);
  }
  release(held: HeldLock): Promise<ReleaseOutcome> {
    return this.client.run(releaseLock(zk, held));
  }
}

export class Election extends Recipe {
  /** Resolves when this candidate leads and is recorded; with undefined after `timeoutMs`. */
  campaign(id: string, options: WaitOptions = {}): Promise<Leadership | undefined> {
    return this.client.run(campaign(zk, this.path, { id, ...timeoutOf(options) }), options);
  }
  /** A write that happens only while this leader leads. */
  async act(leadership: Leadership, operations: readonly MultiOperation[]): Promise<void> {
    await this.client.run(asLeader(zk, leadership, operations));
  }
  resign(leadership: Leadership): Promise<ReleaseOutcome> {
    return this.client.run(resign(zk, leadership));
  }
  /** Who was recorded last, as far as the server knows. */
  async leader(): Promise<RecordedLeader | undefined> {
    return readLeader((await this.client.run(zk.getData(this.path))).data);
  }
}

export class Queue extends Recipe {
  put(data: Bytes): Promise<QueueItem> {
    return this.client.run(put(zk, this.path, data));
  }
  /** Undefined where nothing came within `timeoutMs`. */
  take(options: WaitOptions = {}): Promise<QueueItem | undefined> {
    return this.client.run(take(zk, this.path, timeoutOf(options)), options);
  }
}

export class Counter extends Recipe {
  async increment(): Promise<number> {
    return (await this.client.run(increment(zk, this.path))).value;
  }
}

export class IdSource extends Recipe {
  next(): Promise<UniqueId> {
    return this.client.run(nextId(zk, this.path));
  }
}

/** A service: its providers register, its consumers hold the list of them. */
export class Service extends Recipe {
  register(name: string, data: Bytes = null): Promise<Registration> {
    return this.client.run(register(zk, this.path, name, data));
  }
  withdraw(registration: Registration): Promise<Removal> {
    return this.client.run(withdraw(zk, registration));
  }
  /** Until `signal` aborts; rejects with its reason, or when the session ends. */
  watch(changed: (providers: Children) => void, signal: AbortSignal): Promise<void> {
    const told = (state: Children): void => queueMicrotask(() => changed(state));
    const read = () => zk.getChildren(this.path, true);
    return this.client.run(observe(zk, read, { changed: told }), { signal });
  }
}

/** A node's data, kept up to date: a configuration. */
export class WatchedNode extends Recipe {
  /** Until `signal` aborts; rejects with its reason, or when the session ends or the node is gone. */
  watch(changed: (state: NodeData) => void, signal: AbortSignal): Promise<void> {
    const told = (state: NodeData): void => queueMicrotask(() => changed(state));
    const read = () => zk.getData(this.path, true);
    return this.client.run(observe(zk, read, { changed: told }), { signal });
  }
}
