/**
 * What the wire tap tells: one event per message that passed between two peers or between a client and a
 * server, in the order in which the senders sent them. It is seen from outside, whoever the servers are; a
 * server cannot tell it wrong, it can only do wrong. Zxids and session ids are hex.
 */

/** A sid, or a client of the plan as `client 3`. */
export type Endpoint = number | string;

export type TapLink = 'client' | 'election' | 'quorum';

export type TapMessage =
  | { readonly message: 'opened' | 'closed' }
  /** Bytes that could not be read; what followed was skipped until messages were found again. */
  | { readonly message: 'gap'; readonly reason: string }
  // Election port.
  | { readonly message: 'initial'; readonly sid: number }
  | {
      readonly message: 'notification';
      readonly state: 'looking' | 'following' | 'leading' | 'observing';
      readonly leader: number;
      readonly zxid: string;
      readonly round: number;
      readonly peerEpoch: number;
    }
  // Quorum port, to the leader.
  | {
      readonly message: 'FOLLOWERINFO' | 'OBSERVERINFO';
      readonly acceptedEpoch: number;
      readonly sid?: number;
    }
  /** `currentEpoch` is −1 where the epoch had been accepted before. */
  | { readonly message: 'ACKEPOCH'; readonly zxid: string; readonly currentEpoch: number }
  | { readonly message: 'ACK'; readonly zxid: string }
  | {
      readonly message: 'REQUEST';
      readonly session: string;
      readonly cxid: number;
      readonly op: string;
    }
  // Quorum port, from the leader.
  | { readonly message: 'LEADERINFO' | 'NEWLEADER'; readonly epoch: number }
  | { readonly message: 'UPTODATE' }
  | { readonly message: 'DIFF' | 'TRUNC' | 'SNAP' | 'COMMIT'; readonly zxid: string }
  | {
      readonly message: 'PROPOSAL' | 'INFORM';
      readonly zxid: string;
      readonly session: string;
      readonly cxid: number;
      readonly op: string;
    }
  // Client port.
  | { readonly message: 'connect'; readonly session: string; readonly lastZxid: string }
  | { readonly message: 'connected'; readonly session: string; readonly timeoutMs: number }
  | {
      readonly message: 'request';
      readonly xid: number;
      readonly op: string;
      readonly path?: string;
    }
  | {
      readonly message: 'reply';
      readonly xid: number;
      readonly zxid: string;
      readonly err: number;
    };

export type TapEvent = TapMessage & {
  /** Counts from 1 over all connections. */
  readonly n: number;
  /** Nanoseconds on the world's clock. */
  readonly time: number;
  readonly link: TapLink;
  /** Counts from 1 over all links. */
  readonly connection: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
};
