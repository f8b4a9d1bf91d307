/**
 * What passes between one session and its servers, as its client saw it, in order: handshakes, requests when
 * they leave, replies and watch events when they come. Enough to judge a server by its contract.
 */
import type { SessionId, Zxid } from '../../base/zxid.ts';
import type { WatcherEvent } from '../../wire/client.ts';
import type { AccessRequest, ZkError, ZkReply, ZkRequest } from './program.ts';
import type { WatchBatch } from './watch-table.ts';

/** Access control is not told: the contract that is judged from it knows no identities. */
export type ObservedRequest =
  | Exclude<ZkRequest, AccessRequest>
  | { readonly op: 'ping' }
  | ({ readonly op: 'setWatches'; readonly relativeZxid: bigint } & WatchBatch);

export type SessionObservation =
  /** A handshake left. `sessionId` is 0 for a new session. */
  | {
      readonly type: 'connecting';
      readonly sessionId: SessionId;
      readonly lastZxidSeen: bigint;
      readonly timeoutMs: number;
      readonly server: number | undefined;
    }
  | { readonly type: 'connected'; readonly sessionId: SessionId; readonly timeoutMs: number }
  /** The server does not know the session any more. */
  | { readonly type: 'refused'; readonly sessionId: SessionId }
  | { readonly type: 'disconnected' }
  | { readonly type: 'requested'; readonly xid: number; readonly request: ObservedRequest }
  | {
      readonly type: 'answered';
      readonly xid: number;
      readonly zxid: Zxid;
      /** Undefined where nothing was decoded: pings, setWatches, and replies that nobody awaited. */
      readonly answer: ZkReply | ZkError | undefined;
    }
  | { readonly type: 'notified'; readonly zxid: Zxid; readonly event: WatcherEvent };

export type SessionObserver = (observation: SessionObservation) => void;
