/**
 * Programs: what a client does, as generator functions that yield calls. The simulator, the socket
 * driver and the promise façade run the same generators, so that the simulator never awaits, a crashed
 * client is dropped whole, and a schedule can be explored.
 *
 *   function* increment(zk: Zk): Program<number> {
 *     const { data, stat } = yield* zk.getData('/counter');
 *     ...
 *   }
 */
import type {
  Clocks,
  ConnectionEffect,
  ConnectionEvent,
  TimerEffect,
  TimerEvent,
} from '../../base/core.ts';
import type { SessionId, Zxid } from '../../base/zxid.ts';
import type { Acl, MultiOperation, MultiResult, Stat } from '../../wire/client.ts';
import type { ErrorName } from '../../wire/error-code.ts';

export type CreateModeName =
  | 'persistent'
  | 'ephemeral'
  | 'persistentSequential'
  | 'ephemeralSequential';

/** A ZooKeeper operation. `watch: true` leaves a one-shot watch; the answer carries its handle. */
export type ZkRequest =
  | {
      readonly op: 'create';
      readonly path: string;
      readonly data: Uint8Array | null;
      readonly mode: CreateModeName;
      readonly acl?: readonly Acl[];
    }
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'exists'; readonly path: string; readonly watch?: boolean }
  | { readonly op: 'getData'; readonly path: string; readonly watch?: boolean }
  | {
      readonly op: 'setData';
      readonly path: string;
      readonly data: Uint8Array | null;
      readonly version: number;
    }
  | { readonly op: 'getChildren'; readonly path: string; readonly watch?: boolean }
  | { readonly op: 'sync'; readonly path: string }
  | { readonly op: 'multi'; readonly operations: readonly MultiOperation[] }
  | AccessRequest
  /** Ends the session. */
  | { readonly op: 'close' };

/** Who may do what. `addAuth` adds an identity to the session's connection, and to each one after it. */
export type AccessRequest =
  | { readonly op: 'getAcl'; readonly path: string }
  | {
      readonly op: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number;
    }
  | { readonly op: 'addAuth'; readonly scheme: string; readonly auth: Uint8Array };

/** A watch of this client, unique within it; undefined fields are those the operation does not have. */
export type WatchHandle = number & { readonly __brand: 'watch' };

/** A good answer. `zxid` is that of the reply header. */
export interface ZkReply {
  readonly zxid: Zxid;
  readonly path?: string;
  readonly data?: Uint8Array | null;
  /** Null from `exists` on a missing node. */
  readonly stat?: Stat | null;
  readonly children?: readonly string[];
  readonly acl?: readonly Acl[];
  readonly results?: readonly MultiResult[];
  readonly watch?: WatchHandle;
  /** sid of the host-list entry that answered, where the driver knows it. */
  readonly server?: number;
}

/**
 * Thrown into programs. `definite` = it certainly did not happen; it is the column of the protocol's
 * error table and nothing else, so that ConnectionLoss and SessionExpired are never definite, even where
 * this client happens to know that the request had not left yet.
 */
export class ZkError extends Error {
  override readonly name = 'ZkError';
  readonly code: ErrorName;
  readonly definite: boolean;
  readonly path: string | undefined;
  readonly zxid: Zxid | undefined;
  constructor(
    code: ErrorName,
    definite: boolean,
    details: { path?: string; zxid?: Zxid; message?: string } = {},
  ) {
    super(details.message ?? (details.path === undefined ? code : `${code} for ${details.path}`));
    this.code = code;
    this.definite = definite;
    this.path = details.path;
    this.zxid = details.zxid;
  }
}

export interface WatchFired {
  readonly type:
    | 'nodeCreated'
    | 'nodeDeleted'
    | 'nodeDataChanged'
    | 'nodeChildrenChanged'
    | 'session';
  readonly path: string;
}

export interface SessionView {
  /** `lost`: expired or closed; nothing brings it back. */
  readonly state: 'connecting' | 'connected' | 'disconnected' | 'lost';
  readonly sessionId: SessionId;
  readonly negotiatedTimeoutMs: number;
  /** Monotonic milliseconds at which the server was last heard from. */
  readonly lastContactMs: number;
  /**
   * When the newest message that was answered had been sent: a server heard this client then or later.
   * A client's belief in its session must count from here, not from the arrival of the answer.
   */
  readonly lastAnsweredSendMs: number;
  readonly server: number | undefined;
}

export type ClientCall =
  | { readonly call: 'request'; readonly request: ZkRequest }
  /** Resumes with WatchFired; undefined after `timeoutMs`, which is at once for 0. */
  | { readonly call: 'await-watch'; readonly watch: WatchHandle; readonly timeoutMs?: number }
  | { readonly call: 'sleep'; readonly durationMs: number }
  /** Resumes with the client's own monotonic milliseconds. */
  | { readonly call: 'now' }
  | { readonly call: 'session' }
  /** Waits until connected; throws ZkError SessionExpired when the session is lost. */
  | { readonly call: 'connected' }
  /** A service outside ZooKeeper (the fenced store of the lock workload); resumes with its answer. */
  | { readonly call: 'external'; readonly target: string; readonly value: unknown };

/** A computation of a client: yields calls, is resumed with their answers or with a thrown ZkError. */
export type Program<T> = Generator<ClientCall, T, unknown>;

/** One host of the host list; `server` is carried through into replies. */
export interface Host {
  readonly host: string;
  readonly port: number;
  readonly server?: number;
}

export interface ClientOptions {
  readonly hosts: readonly Host[];
  readonly sessionTimeoutMs: number;
  /** Seed of host order and reconnect back-off. */
  readonly seed: string;
}

export type ProgramId = number & { readonly __brand: 'program' };

/**
 * The client core hosts one session and any number of programs on it.
 * Implementation: `class ClientCore implements Core<ClientEvent, ClientEffect>` in `client-core.ts`.
 */
export type ClientInput =
  | { readonly type: 'started' }
  | {
      readonly type: 'program-submitted';
      readonly program: ProgramId;
      readonly body: Program<unknown>;
    }
  /** The program is dropped (its generator is returned); a request in flight may still happen. */
  | { readonly type: 'program-cancelled'; readonly program: ProgramId }
  | { readonly type: 'external-completed'; readonly external: number; readonly value: unknown }
  /** `error` is thrown into the program. */
  | { readonly type: 'external-failed'; readonly external: number; readonly error: unknown }
  | ConnectionEvent
  | TimerEvent;
export type ClientEvent = ClientInput & Clocks;

export type ProgramOutcome =
  | { readonly ok: true; readonly value: unknown }
  /** A ZkError, or whatever else the program threw. */
  | { readonly ok: false; readonly error: unknown };

export type ClientEffect =
  | ConnectionEffect
  | TimerEffect
  | {
      readonly type: 'program-ended';
      readonly program: ProgramId;
      readonly outcome: ProgramOutcome;
    }
  | {
      readonly type: 'external-requested';
      readonly external: number;
      readonly target: string;
      readonly value: unknown;
    }
  | { readonly type: 'session-changed'; readonly session: SessionView };
