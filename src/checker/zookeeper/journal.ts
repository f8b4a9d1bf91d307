/**
 * The journal of ZooKeeper sessions: everything that passed between clients and servers, as the clients saw
 * it, in one order. Any harness that sits in the clients' place can write it; one line each in
 * `sessions.ndjson`. The order of the records is the order of real time: a request is recorded before it
 * leaves, a reply after it has come.
 *
 * Zxids are plain numbers, exact up to epoch 2 097 151, and hex text in JSON. Sessions are named by their
 * hex id; data is text with one character per byte.
 */
import type { NodeStat, PlainWrite } from '../models/plain-tree.ts';

export type { NodeStat, PlainWrite };

/** One life of one client: it speaks for one session at a time, on one connection at a time. */
interface Seen {
  readonly client: string;
  /** Nanoseconds on the harness's monotonic clock. */
  readonly time: number;
}

export type WatchedRead = {
  readonly op: 'exists' | 'getData' | 'getChildren';
  readonly path: string;
  /** Leaves a one-shot watch. */
  readonly watch: boolean;
};

export interface AddWatch {
  readonly op: 'addWatch';
  readonly path: string;
  readonly mode: 'persistent' | 'recursive';
}

export interface SetWatches {
  readonly op: 'setWatches';
  readonly relativeZxid: number;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly child: readonly string[];
  readonly persistent?: readonly string[];
  readonly recursive?: readonly string[];
}

export type JournalRequest =
  | PlainWrite
  | { readonly op: 'multi'; readonly operations: readonly PlainWrite[] }
  | WatchedRead
  | { readonly op: 'sync'; readonly path: string }
  | AddWatch
  | SetWatches
  | { readonly op: 'close' }
  | { readonly op: 'ping' };

/** One result of a multi. */
export interface MultiPart {
  /** `Ok` for what stood before the part that failed. */
  readonly error?: string;
  readonly path?: string;
  readonly stat?: NodeStat;
}

export interface JournalReply {
  /** Name in the protocol's error table. */
  readonly error?: string;
  readonly path?: string;
  readonly data?: string | null;
  readonly stat?: NodeStat;
  readonly children?: readonly string[];
  readonly results?: readonly MultiPart[];
}

export type WatchEventName =
  | 'nodeCreated'
  | 'nodeDeleted'
  | 'nodeDataChanged'
  | 'nodeChildrenChanged';

export type JournalRecord = Seen &
  (
    | {
        /** A handshake left; `session` is empty for a new one. */
        readonly type: 'connecting';
        readonly session: string;
        readonly lastZxidSeen: number;
        readonly node?: number;
      }
    | { readonly type: 'connected'; readonly session: string; readonly timeoutMs: number }
    /** The server does not know the session any more. */
    | { readonly type: 'refused'; readonly session: string }
    | { readonly type: 'disconnected' }
    | { readonly type: 'request'; readonly xid: number; readonly request: JournalRequest }
    | {
        readonly type: 'reply';
        readonly xid: number;
        /** Of the header. */
        readonly zxid: number;
        readonly reply: JournalReply;
      }
    | {
        readonly type: 'event';
        readonly event: WatchEventName;
        readonly path: string;
        /** Of the header: the change's own zxid, or -1 where a server does not tell. */
        readonly zxid: number;
      }
  );

/** The suspect's own log, as far as its servers still have it; resolves what no client was told. */
export interface SuspectLog {
  readonly txns: readonly LoggedWrite[];
  /** What is not in it did not happen: no part of it was replaced by a snapshot. */
  readonly isWhole: boolean;
}

export interface LoggedWrite {
  readonly zxid: number;
  readonly session: string;
  /** The xid of the request; 0 where the server itself made it. */
  readonly xid: number;
  /** `createSession`, `closeSession`, an operation of a client, or `error` where that was refused. */
  readonly op: string;
  /** The nodes that it wrote, by their final names, where the log tells. */
  readonly paths?: readonly string[];
  /** False: on some disk, but perhaps never committed. */
  readonly isCertain: boolean;
}

/** A journal that breaks its own rules is no evidence. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  /** Counted from 0. */
  readonly record: number;
  constructor(record: number, why: string) {
    super(`journal record ${record}: ${why}`);
    this.record = record;
  }
}
