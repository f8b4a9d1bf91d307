/**
 * A plain in-memory ZooKeeper that runs programs of many clients, one call at a time in an order that a
 * seed draws, and loses connections: before a request took effect or after it did. Time passes only when
 * nothing else can happen.
 */
import { type Prng, prngStream } from '../../../src/base/prng.ts';
import { type SessionId, zxidFrom } from '../../../src/base/zxid.ts';
import {
  type ClientCall,
  type Program,
  type WatchFired,
  type WatchHandle,
  ZkError,
  type ZkReply,
  type ZkRequest,
} from '../../../src/client/core/program.ts';
import {
  type MultiOperation,
  type MultiResult,
  OpCode,
  type Stat,
} from '../../../src/wire/client.ts';
import { ErrorCode, type ErrorName, isDefinite } from '../../../src/wire/error-code.ts';

interface Node {
  data: Uint8Array | null;
  readonly czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  version: number;
  created: number;
  readonly owner: bigint;
}
interface FakeWatch {
  readonly session: bigint;
  readonly path: string;
  readonly isChild: boolean;
  fired?: WatchFired;
}
interface Task {
  readonly body: Program<unknown>;
  readonly session: bigint;
  readonly ended: (outcome: { value?: unknown; error?: unknown }) => void;
  call?: ClientCall;
  deadlineMs?: number;
  isCancelled: boolean;
}

export interface FakeOptions {
  readonly seed?: string;
  readonly lossPerMille?: number;
  readonly services?: ReadonlyMap<string, (value: unknown, client: number) => unknown>;
}

export class FakeEnsemble {
  readonly nodes = new Map<string, Node>();
  readonly watches: FakeWatch[] = [];
  readonly sent: Array<{ readonly session: bigint; readonly request: ZkRequest }> = [];
  /** The next requests' fates; drawn at random once it is empty. */
  fates: Array<'ok' | 'lost-before' | 'lost-after' | ErrorName> = [];
  now = 0;
  zxid = 0n;
  readonly #expired = new Set<bigint>();
  readonly #prng: Prng;
  readonly #options: FakeOptions;
  readonly #tasks: Task[] = [];

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.#prng = prngStream(options.seed ?? 'fake', 'ensemble');
  }

  start<T>(
    session: number,
    body: Program<T>,
    ended: (outcome: { value?: T; error?: unknown }) => void = () => {},
  ): { cancel(): void } {
    const task: Task = {
      body,
      session: BigInt(session),
      ended: ended as Task['ended'],
      isCancelled: false,
    };
    this.#tasks.push(task);
    this.#take(task, () => body.next());
    return {
      cancel: () => {
        if (task.isCancelled || !this.#tasks.includes(task)) return;
        task.isCancelled = true;
        this.#take(task, () => body.return(undefined as T));
      },
    };
  }

  /** Runs one program to its end, and whatever else runs meanwhile. */
  run<T>(session: number, body: Program<T>): T {
    let outcome: { value?: T; error?: unknown } | undefined;
    this.start(session, body, (ended) => {
      outcome = ended;
    });
    while (outcome === undefined) {
      if (!this.turn()) throw new Error('nothing can happen any more');
    }
    if (outcome.error !== undefined) throw outcome.error;
    return outcome.value as T;
  }

  /** Until every program has ended. */
  settle(): void {
    while (this.#tasks.length > 0) {
      if (!this.turn()) throw new Error(`${this.#tasks.length} programs wait for ever`);
    }
  }

  expire(session: number): void {
    const id = BigInt(session);
    this.#expired.add(id);
    this.zxid++;
    for (const [path, { owner }] of [...this.nodes]) if (owner === id) this.#remove(path);
    for (const watch of this.watches) {
      if (watch.session === id) watch.fired ??= { type: 'session', path: watch.path };
    }
  }

  /** Performs one call of one program; false where nothing can happen. */
  turn(): boolean {
    const able = this.#tasks.filter((task) => this.#isAble(task));
    if (able.length > 0) {
      this.#perform(this.#prng.pick(able));
      return true;
    }
    const waiting = this.#tasks.filter(({ deadlineMs }) => deadlineMs !== undefined);
    if (waiting.length === 0) return false;
    this.now = Math.min(...waiting.map(({ deadlineMs }) => deadlineMs ?? 0));
    return true;
  }

  #isAble({ call, deadlineMs }: Task): boolean {
    if (deadlineMs !== undefined && this.now >= deadlineMs) return true;
    if (call?.call === 'await-watch') return this.#watch(call.watch).fired !== undefined;
    return call?.call !== 'sleep';
  }

  #watch(handle: WatchHandle): FakeWatch {
    const watch = this.watches[handle - 1];
    if (watch === undefined) throw new Error(`no watch ${handle}`);
    return watch;
  }

  #take(task: Task, advance: () => IteratorResult<ClientCall, unknown>): void {
    delete task.call;
    delete task.deadlineMs;
    try {
      const { done, value } = advance();
      if (done !== true) {
        task.call = value;
        if (value.call === 'sleep') task.deadlineMs = this.now + value.durationMs;
        if (value.call === 'await-watch' && value.timeoutMs !== undefined) {
          task.deadlineMs = this.now + value.timeoutMs;
        }
        return;
      }
      this.#end(task, { value });
    } catch (error) {
      this.#end(task, { error });
    }
  }

  #end(task: Task, outcome: { value?: unknown; error?: unknown }): void {
    this.#tasks.splice(this.#tasks.indexOf(task), 1);
    if (!task.isCancelled) task.ended(outcome);
  }

  #perform(task: Task): void {
    const { call, session, body } = task;
    if (call === undefined) throw new Error('a program without a call');
    let value: unknown;
    try {
      value = this.#answer(call, session);
    } catch (error) {
      this.#take(task, () => body.throw(error));
      return;
    }
    this.#take(task, () => body.next(value));
  }

  #answer(call: ClientCall, session: bigint): unknown {
    switch (call.call) {
      case 'now':
        return this.now;
      case 'session':
        return {
          state: this.#expired.has(session) ? 'lost' : 'connected',
          sessionId: session as SessionId,
          negotiatedTimeoutMs: 4000,
          lastContactMs: this.now,
          lastAnsweredSendMs: this.now,
          server: 1,
        };
      case 'connected':
        if (this.#expired.has(session)) throw failure('SessionExpired');
        return undefined;
      case 'sleep':
        return undefined;
      case 'await-watch':
        return this.#watch(call.watch).fired;
      case 'external':
        return this.#options.services?.get(call.target)?.(call.value, Number(session));
      case 'request':
        return this.#request(call.request, session);
    }
  }

  #request(request: ZkRequest, session: bigint): ZkReply {
    if (this.#expired.has(session)) throw failure('SessionExpired');
    this.sent.push({ session, request });
    const isLost = this.#prng.chance(this.#options.lossPerMille ?? 0);
    const drawn = this.#prng.chance(500) ? 'lost-before' : 'lost-after';
    const fate = this.fates.shift() ?? (isLost ? drawn : 'ok');
    if (fate === 'lost-before') throw failure('ConnectionLoss');
    if (fate !== 'ok' && fate !== 'lost-after') throw failure(fate);
    const reply = this.#apply(request, session);
    if (fate === 'lost-after') throw failure('ConnectionLoss');
    return reply;
  }

  #apply(request: ZkRequest, session: bigint): ZkReply {
    switch (request.op) {
      case 'create':
        return this.#create(request, session);
      case 'delete':
        this.#node(request.path);
        this.zxid++;
        this.#remove(request.path);
        return { zxid: zxidFrom(this.zxid) };
      case 'setData': {
        const node = this.#node(request.path);
        this.zxid++;
        if (request.version !== -1 && request.version !== node.version) {
          throw failure('BadVersion');
        }
        node.data = request.data;
        node.version++;
        node.mzxid = this.zxid;
        this.#fire(request.path, false, 'nodeDataChanged');
        return { zxid: zxidFrom(this.zxid), stat: statOf(node) };
      }
      case 'getData': {
        const node = this.#node(request.path);
        return { ...this.#read(request, session, node), data: node.data };
      }
      case 'exists': {
        const node = this.nodes.get(request.path);
        return this.#read(request, session, node);
      }
      case 'getChildren': {
        const node = request.path === '/' ? undefined : this.#node(request.path);
        return { ...this.#read(request, session, node), children: this.children(request.path) };
      }
      case 'multi':
        return this.#multi(request.operations);
      case 'sync':
        return { zxid: zxidFrom(this.zxid), path: request.path };
      default:
        throw new Error(`the fake has no ${request.op}`);
    }
  }

  /** Checks and writes of data: what the recipes need. */
  #multi(operations: readonly MultiOperation[]): ZkReply {
    this.zxid++;
    const zxid = zxidFrom(this.zxid);
    const missing = operations.findIndex(({ request }) => !this.nodes.has(request.path ?? ''));
    if (missing >= 0) {
      const results = operations.map((_, at): MultiResult => {
        return { type: -1, err: at === missing ? ErrorCode.NoNode : ErrorCode.Ok };
      });
      return { zxid, results };
    }
    for (const { type, request } of operations) {
      if (type !== OpCode.setData) continue;
      const node = this.#node(request.path ?? '');
      node.data = request.data;
      node.version++;
      node.mzxid = this.zxid;
      this.#fire(request.path ?? '', false, 'nodeDataChanged');
    }
    return { zxid, results: [] };
  }

  #read(
    request: ZkRequest & { readonly path: string; readonly watch?: boolean },
    session: bigint,
    node: Node | undefined,
  ): ZkReply {
    const reply = {
      zxid: zxidFrom(this.zxid),
      stat: node === undefined ? null : statOf(node),
    };
    if (request.watch !== true) return reply;
    const isChild = request.op === 'getChildren';
    this.watches.push({ session, path: request.path, isChild });
    return { ...reply, watch: this.watches.length as WatchHandle };
  }

  #create(request: ZkRequest & { readonly op: 'create' }, session: bigint): ZkReply {
    const parentPath = request.path.slice(0, request.path.lastIndexOf('/'));
    const parent = parentPath === '' ? undefined : this.#node(parentPath);
    const isSequential = request.mode.endsWith('Sequential');
    const number = String(parent?.created ?? 0).padStart(10, '0');
    const path = isSequential ? `${request.path}${number}` : request.path;
    if (this.nodes.has(path)) throw failure('NodeExists');
    this.zxid++;
    const node: Node = {
      data: request.data,
      czxid: this.zxid,
      mzxid: this.zxid,
      pzxid: this.zxid,
      version: 0,
      created: 0,
      owner: request.mode.startsWith('ephemeral') ? session : 0n,
    };
    this.nodes.set(path, node);
    if (parent !== undefined) {
      parent.created++;
      parent.pzxid = this.zxid;
    }
    this.#fire(path, false, 'nodeCreated');
    this.#fire(parentPath, true, 'nodeChildrenChanged');
    return { zxid: zxidFrom(this.zxid), path, stat: statOf(node) };
  }

  children(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.nodes.keys()]
      .filter((name) => name.startsWith(prefix) && !name.includes('/', prefix.length))
      .map((name) => name.slice(prefix.length))
      .reverse();
  }

  /** Watches on this node's data that have not fired. */
  watchersOf(path: string): number {
    return this.watches.filter((watch) => watch.path === path && watch.fired === undefined).length;
  }

  #node(path: string): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw failure('NoNode');
    return node;
  }

  #remove(path: string): void {
    this.nodes.delete(path);
    this.#fire(path, false, 'nodeDeleted');
    this.#fire(path.slice(0, path.lastIndexOf('/')), true, 'nodeChildrenChanged');
  }

  #fire(path: string, isChild: boolean, type: WatchFired['type']): void {
    for (const watch of this.watches) {
      if (watch.path === path && watch.isChild === isChild) watch.fired ??= { type, path };
    }
  }
}

function failure(name: ErrorName): ZkError {
  return new ZkError(name, isDefinite(ErrorCode[name]));
}

function statOf(node: Node): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: 0n,
    mtime: 0n,
    version: node.version,
    cversion: node.created,
    aversion: 0,
    ephemeralOwner: node.owner,
    dataLength: node.data?.length ?? 0,
    numChildren: 0,
    pzxid: node.pzxid,
  };
}
