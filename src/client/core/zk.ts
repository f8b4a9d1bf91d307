/**
 * ZooKeeper's operations for programs: `const { stat } = yield* zk.exists('/a')`. Each method is itself a
 * program of one call, with the answer's own type; errors arrive as thrown ZkErrors.
 */
import { assert } from '../../base/assert.ts';
import type { Zxid } from '../../base/zxid.ts';
import {
  type Acl,
  CreateMode,
  type MultiOperation,
  type MultiResult,
  OPEN_ACL,
  OpCode,
  type Stat,
} from '../../wire/client.ts';
import { ErrorCode, errorRow } from '../../wire/error-code.ts';
import {
  type ClientCall,
  type CreateModeName,
  type Program,
  type SessionView,
  type WatchFired,
  type WatchHandle,
  ZkError,
  type ZkReply,
  type ZkRequest,
} from './program.ts';

/** Bytes as a user may give them; text is UTF-8. */
export type Bytes = string | Uint8Array | null;

export interface Answer {
  /** Of the reply header: the server had applied everything up to here. */
  readonly zxid: Zxid;
  /** Server id of the host that answered, where the host list says it. */
  readonly server?: number;
}
export interface Created extends Answer {
  /** With the sequence number, for sequential nodes. */
  readonly path: string;
  readonly stat: Stat;
}
/** `watch` is there where one was asked for. */
export interface Existence extends Answer {
  readonly stat: Stat | null;
  readonly watch?: WatchHandle;
}
export interface NodeData extends Answer {
  readonly data: Uint8Array | null;
  readonly stat: Stat;
  readonly watch?: WatchHandle;
}
export interface Children extends Answer {
  /** In no particular order. */
  readonly children: readonly string[];
  readonly stat: Stat;
  readonly watch?: WatchHandle;
}
export interface Written extends Answer {
  readonly stat: Stat;
}
export interface AccessList extends Answer {
  readonly acl: readonly Acl[];
  readonly stat: Stat;
}
export interface MultiAnswer extends Answer {
  readonly results: readonly MultiResult[];
}
/** An answer of a read that left a watch. */
export type Watched<T> = T & { readonly watch: WatchHandle };

export interface CreateOptions {
  readonly mode?: CreateModeName;
  readonly acl?: readonly Acl[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toBytes(data: Bytes): Uint8Array | null {
  return typeof data === 'string' ? encoder.encode(data) : data;
}
/** Node data as text; null stays null. */
export function toText(data: Uint8Array | null): string | null {
  return data === null ? null : decoder.decode(data);
}

function* ask(request: ZkRequest): Program<ZkReply> {
  return (yield { call: 'request', request }) as ZkReply;
}

function* perform<T>(call: ClientCall): Program<T> {
  return (yield call) as T;
}

function* create(path: string, data: Bytes = null, options: CreateOptions = {}): Program<Created> {
  const { mode = 'persistent', acl } = options;
  return (yield* ask({
    op: 'create',
    path,
    data: toBytes(data),
    mode,
    ...(acl === undefined ? {} : { acl }),
  })) as Created;
}

/** Version -1 stands for any. */
function* remove(path: string, version = -1): Program<Answer> {
  return yield* ask({ op: 'delete', path, version });
}

function exists(path: string, watch: true): Program<Watched<Existence>>;
function exists(path: string, watch?: boolean): Program<Existence>;
function* exists(path: string, watch = false): Program<Existence> {
  return (yield* ask({ op: 'exists', path, watch })) as Existence;
}

function getData(path: string, watch: true): Program<Watched<NodeData>>;
function getData(path: string, watch?: boolean): Program<NodeData>;
function* getData(path: string, watch = false): Program<NodeData> {
  return (yield* ask({ op: 'getData', path, watch })) as NodeData;
}

function* setData(path: string, data: Bytes, version = -1): Program<Written> {
  return (yield* ask({ op: 'setData', path, data: toBytes(data), version })) as Written;
}

function getChildren(path: string, watch: true): Program<Watched<Children>>;
function getChildren(path: string, watch?: boolean): Program<Children>;
function* getChildren(path: string, watch = false): Program<Children> {
  return (yield* ask({ op: 'getChildren', path, watch })) as Children;
}

function* getAcl(path: string): Program<AccessList> {
  return (yield* ask({ op: 'getAcl', path })) as AccessList;
}

/** The version is the node's aversion; -1 stands for any. */
function* setAcl(path: string, acl: readonly Acl[], version = -1): Program<Written> {
  return (yield* ask({ op: 'setAcl', path, acl, version })) as Written;
}

/** `digest` with `user:password`. It lasts as long as the session, over all its connections. */
function* addAuth(scheme: string, auth: string): Program<Answer> {
  return yield* ask({ op: 'addAuth', scheme, auth: encoder.encode(auth) });
}

/** Brings the server up to the leader; not a quorum operation. */
function* sync(path: string): Program<Answer> {
  return yield* ask({ op: 'sync', path });
}

/**
 * All or nothing. A failed multi arrives as a good reply whose results tell which operation failed; its
 * error is thrown here.
 */
function* multi(operations: readonly MultiOperation[]): Program<MultiAnswer> {
  const reply = (yield* ask({ op: 'multi', operations })) as MultiAnswer;
  // Operations before the failed one are marked Ok, those behind it RuntimeInconsistency.
  const at = reply.results.findIndex((result) => result.type === -1 && result.err !== ErrorCode.Ok);
  const failed = reply.results[at];
  if (failed === undefined || failed.type !== -1) return reply;
  const row = errorRow(failed.err);
  const path = operations[at]?.request.path ?? undefined;
  throw new ZkError(row?.name ?? 'SystemError', row?.definite ?? false, {
    zxid: reply.zxid,
    ...(path === undefined ? {} : { path }),
  });
}

/** Parts of a multi. Version -1 stands for any. */
export const part = {
  create(path: string, data: Bytes = null, options: CreateOptions = {}): MultiOperation {
    const { mode = 'persistent', acl = OPEN_ACL } = options;
    const request = { path, data: toBytes(data), acl, flags: CreateMode[mode] };
    return { type: OpCode.create2, request };
  },
  delete(path: string, version = -1): MultiOperation {
    return { type: OpCode.delete, request: { path, version } };
  },
  setData(path: string, data: Bytes, version = -1): MultiOperation {
    return { type: OpCode.setData, request: { path, data: toBytes(data), version } };
  },
  /** Fails the whole where the node is not there (NoNode) or has another version (BadVersion). */
  check(path: string, version = -1): MultiOperation {
    return { type: OpCode.check, request: { path, version } };
  },
} as const;

/** Undefined after `timeoutMs` (at once for 0); the watch then stays and can be awaited again. */
function awaitWatch(watch: WatchHandle): Program<WatchFired>;
function awaitWatch(watch: WatchHandle, timeoutMs?: number): Program<WatchFired | undefined>;
function* awaitWatch(watch: WatchHandle, timeoutMs?: number): Program<WatchFired | undefined> {
  return yield* perform<WatchFired | undefined>({
    call: 'await-watch',
    watch,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

function* sleep(durationMs: number): Program<void> {
  assert(Number.isSafeInteger(durationMs) && durationMs >= 0, 'a sleep has whole milliseconds', {
    durationMs,
  });
  yield* perform<undefined>({ call: 'sleep', durationMs });
}

export const zk = {
  create,
  delete: remove,
  exists,
  getData,
  setData,
  getChildren,
  getAcl,
  setAcl,
  addAuth,
  sync,
  multi,
  awaitWatch,
  sleep,
  /** The client's own monotonic milliseconds. */
  now: () => perform<number>({ call: 'now' }),
  session: () => perform<SessionView>({ call: 'session' }),
  /** Waits until connected; throws SessionExpired once the session is lost. */
  connected: () => perform<void>({ call: 'connected' }),
  /** Ends the session. */
  close: (): Program<Answer> => ask({ op: 'close' }),
  /** Asks a service outside ZooKeeper. */
  external: (target: string, value: unknown) =>
    perform<unknown>({ call: 'external', target, value }),
} as const;
export type Zk = typeof zk;
