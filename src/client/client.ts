/**
 * The client for people: promises over the programs that the client core runs.
 *
 *   const client = await ZooKeeper.connect('127.0.0.1:2181');
 *   await client.create('/a', 'hello', { mode: 'ephemeral' });
 *   const { data } = await client.getData('/a', { watch: (event) => console.log(event.type) });
 *   await client.close();
 *
 * A session survives lost connections: calls that were not sent wait, calls in flight reject with
 * ConnectionLoss (whether they happened is unknown), watches are set again. Once it has `expired`,
 * nothing brings it back and a new client is needed. Errors are ZkErrors.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { MultiOperation, MultiResult } from '../wire/client.ts';
import { parseHosts } from './connect-string.ts';
import { ClientCore } from './core/client-core.ts';
import {
  type Host,
  type Program,
  type ProgramId,
  type ProgramOutcome,
  type SessionView,
  type WatchFired,
  type WatchHandle,
  ZkError,
} from './core/program.ts';
import {
  type Answer,
  type Bytes,
  type Children,
  type Created,
  type CreateOptions,
  type Existence,
  type NodeData,
  type Written,
  zk,
} from './core/zk.ts';
import { SocketDriver } from './socket-driver.ts';
import { Transaction } from './transaction.ts';

export interface ConnectOptions {
  /** Asked for; the server may grant another. */
  readonly sessionTimeoutMs?: number;
  /** Seed of host order and back-off; random without it. */
  readonly seed?: string;
  /** Gives up the first connection. */
  readonly signal?: AbortSignal;
  /** Services that programs reach by `zk.external`. */
  readonly externals?: Readonly<Record<string, (value: unknown) => unknown>>;
}

export interface CallOptions {
  /** Abandons the call: not sent if it still waits, else its outcome stays unknown. */
  readonly signal?: AbortSignal;
}
export interface ReadOptions extends CallOptions {
  /**
   * Called once, for the next change after the answer; with type `session` when the session ends first.
   * Aborting `signal` after the answer ends the watch.
   */
  readonly watch?: (event: WatchFired) => void;
}

export interface ClientEvents {
  connected: [session: SessionView];
  disconnected: [session: SessionView];
  /** Not after `close`. */
  expired: [session: SessionView];
}

interface Waiter {
  readonly settle: (outcome: ProgramOutcome) => void;
}

const DEFAULT_SESSION_TIMEOUT_MS = 10_000;

export class ZooKeeper extends EventEmitter<ClientEvents> {
  readonly #core: ClientCore;
  readonly #driver: SocketDriver;
  readonly #waiters = new Map<ProgramId, Waiter>();
  readonly #externals: ConnectOptions['externals'];
  #nextProgram = 1;
  #closed: Promise<void> | undefined;
  #isStopped = false;

  private constructor(hosts: readonly Host[], options: ConnectOptions) {
    super();
    const { sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS, seed = randomUUID() } = options;
    this.#externals = options.externals;
    this.#core = new ClientCore({ hosts, sessionTimeoutMs, seed });
    this.#driver = new SocketDriver(this.#core, {
      programEnded: (program, outcome) => this.#waiters.get(program)?.settle(outcome),
      // Listeners run outside the driver's loop, so that one that throws cannot stop it.
      sessionChanged: (session) => queueMicrotask(() => this.#sessionChanged(session)),
      external: (target, value) => this.#answerExternal(target, value),
    });
    this.#driver.dispatch({ type: 'started' });
  }

  /** Resolves with the first session. Keeps trying until `signal` aborts. */
  static async connect(
    hosts: string | readonly (string | Host)[],
    options: ConnectOptions = {},
  ): Promise<ZooKeeper> {
    const client = new ZooKeeper(parseHosts(hosts), options);
    const { signal } = options;
    try {
      await client.run(zk.connected(), signal === undefined ? {} : { signal });
      return client;
    } catch (error) {
      client.#stop();
      throw error;
    }
  }

  get session(): SessionView {
    return this.#core.session;
  }

  // ------------------------------------------------------------- operations

  create(
    path: string,
    data: Bytes = null,
    options: CreateOptions & CallOptions = {},
  ): Promise<Created> {
    return this.run(zk.create(path, data, options), options);
  }
  /** Without a version, whichever it has. */
  delete(path: string, options: CallOptions & { readonly version?: number } = {}): Promise<Answer> {
    return this.run(zk.delete(path, options.version), options);
  }
  exists(path: string, options: ReadOptions = {}): Promise<Existence> {
    return this.#read(options, (watch: true) => zk.exists(path, watch), zk.exists(path));
  }
  getData(path: string, options: ReadOptions = {}): Promise<NodeData> {
    return this.#read(options, (watch: true) => zk.getData(path, watch), zk.getData(path));
  }
  getChildren(path: string, options: ReadOptions = {}): Promise<Children> {
    return this.#read(options, (watch: true) => zk.getChildren(path, watch), zk.getChildren(path));
  }
  setData(
    path: string,
    data: Bytes,
    options: CallOptions & { readonly version?: number } = {},
  ): Promise<Written> {
    return this.run(zk.setData(path, data, options.version), options);
  }
  /** Brings the server up to the leader, so that a following read is usually fresh. */
  sync(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.run(zk.sync(path), options);
  }
  async multi(
    operations: readonly MultiOperation[],
    options: CallOptions = {},
  ): Promise<readonly MultiResult[]> {
    return (await this.run(zk.multi(operations), options)).results;
  }
  transaction(options: CallOptions = {}): Transaction {
    return new Transaction((operations) => this.multi(operations, options));
  }

  /** Runs a program, such as a recipe, on this session. */
  run<T>(program: Program<T>, options: CallOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#start(program, options, (outcome) => {
        if (outcome.ok) resolve(outcome.value as T);
        else reject(outcome.error);
      });
    });
  }

  /** Ends the session, where a server can be told; without one it is left to expire. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  // ---------------------------------------------------------------- private

  async #close(): Promise<void> {
    try {
      await this.run(zk.close());
    } catch (error) {
      if (!(error instanceof ZkError)) throw error;
    } finally {
      this.#stop();
    }
  }

  #stop(): void {
    this.#isStopped = true;
    this.#driver.stop();
    for (const waiter of [...this.#waiters.values()]) waiter.settle(closedOutcome());
  }

  /** The promise takes the answer; the program stays to wait for the watch. */
  #read<T>(
    options: ReadOptions,
    watched: (watch: true) => Program<T & { readonly watch: WatchHandle }>,
    plain: Program<T>,
  ): Promise<T> {
    const { watch } = options;
    if (watch === undefined) return this.run(plain, options);
    return new Promise<T>((resolve, reject) => {
      this.#start(
        readAndWatch(watched(true), resolve, (event) => queueMicrotask(() => watch(event))),
        options,
        (outcome) => {
          // Once the answer was taken, the promise is settled and this says nothing more.
          if (!outcome.ok) reject(outcome.error);
        },
      );
    });
  }

  #start(
    body: Program<unknown>,
    { signal }: CallOptions,
    ended: (outcome: ProgramOutcome) => void,
  ): void {
    if (signal?.aborted === true) {
      ended({ ok: false, error: signal.reason });
      return;
    }
    if (this.#isStopped) {
      ended(closedOutcome());
      return;
    }
    const program = this.#nextProgram++ as ProgramId;
    const settle = (outcome: ProgramOutcome): void => {
      this.#waiters.delete(program);
      signal?.removeEventListener('abort', abort);
      ended(outcome);
    };
    const abort = (): void => {
      this.#driver.dispatch({ type: 'program-cancelled', program });
      settle({ ok: false, error: signal?.reason });
    };
    this.#waiters.set(program, { settle });
    signal?.addEventListener('abort', abort, { once: true });
    this.#driver.dispatch({ type: 'program-submitted', program, body });
  }

  #sessionChanged(session: SessionView): void {
    switch (session.state) {
      case 'connected':
        this.emit('connected', session);
        break;
      case 'disconnected':
        this.emit('disconnected', session);
        break;
      case 'lost':
        if (this.#closed === undefined) this.emit('expired', session);
        break;
      case 'connecting':
        break;
    }
  }

  async #answerExternal(target: string, value: unknown): Promise<unknown> {
    const service = this.#externals?.[target];
    if (service === undefined) throw new Error(`no external service "${target}" was given`);
    return await service(value);
  }
}

function closedOutcome(): ProgramOutcome {
  const error = new ZkError('SessionExpired', false, { message: 'the client was closed' });
  return { ok: false, error };
}

function* readAndWatch<T>(
  read: Program<T & { readonly watch: WatchHandle }>,
  answered: (answer: T) => void,
  fired: (event: WatchFired) => void,
): Program<void> {
  const answer = yield* read;
  answered(answer);
  fired(yield* zk.awaitWatch(answer.watch));
}
