/**
 * Protocol events: one typed line per protocol step, emitted by the core in the same tick as the
 * change. They feed the white-box checks, the timeline of the report and `spec/conform`. *Proposal
 * received*, *flushed* and *acknowledged* are three events on purpose. Zxids and session ids are hex.
 *
 * What happened before what, across servers: a message is known by what it carries. An epoch has one leader
 * and a zxid one proposal, so ProposalSent(zxid) → ProposalReceived(zxid), ProposalAcked(zxid) →
 * AckReceived(zxid, from), ProposalCommitted(zxid) → CommitReceived(zxid), EpochProposed(epoch) →
 * AcceptedEpochSaved(epoch), NewLeaderAcked(epoch) → LeaderEstablished(epoch) → LearnerActivated(epoch).
 * Within one connection what was sent first is received first.
 */
export const PROTOCOL_EVENT_VERSION = 1;

export type SyncMode = 'DIFF' | 'TRUNC' | 'SNAP';
export type RoleName = 'looking' | 'leading' | 'following' | 'standalone' | 'stopped';

/** Arguments of each act. */
export interface ProtocolActs {
  /** Recovery ended; everything claimed has been flushed. */
  Recovered: {
    lastZxid: string;
    acceptedEpoch: number;
    currentEpoch: number;
    snapshotZxid: string;
  };
  ElectionStarted: { round: number };
  VoteCast: { leader: number; zxid: string; peerEpoch: number; round: number };
  Elected: { leader: number; zxid: string; peerEpoch: number; round: number };
  /** Learner: the connection to its leader stands; FOLLOWERINFO is sent. */
  Connected: { leader: number };
  FollowerInfoReceived: { from: number; epoch: number };
  /** Leader: a quorum of accepted epochs is known and the new epoch is frozen. */
  EpochProposed: { epoch: number };
  AcceptedEpochSaved: { epoch: number };
  /** Learner: the leader's epoch was accepted before, perhaps from another; nothing is promised anew. */
  EpochKnown: { epoch: number };
  /** Leader: ACKEPOCH with the learner's current epoch, -1 where it knew the new one before. */
  EpochAckReceived: { from: number; epoch: number; zxid: string };
  CurrentEpochSaved: { epoch: number };
  /** Leader: how a learner is brought up to date. */
  SyncChosen: { learner: number; mode: SyncMode; learnerZxid: string; zxid: string };
  /** Learner: what the leader chose. */
  SyncReceived: { mode: SyncMode; zxid: string };
  Truncated: { zxid: string };
  /** Learner: the snapshot of the leader is in memory and on disk. */
  SnapshotInstalled: { zxid: string };
  /** Learner: what came before NEWLEADER goes to the log next. */
  NewLeaderReceived: { epoch: number };
  /** Learner: ACK of NEWLEADER is sent. */
  NewLeaderAcked: { epoch: number };
  NewLeaderAckReceived: { from: number };
  /** Leader: a quorum has acknowledged NEWLEADER; the leader may commit. `quorum` lists sids. */
  LeaderEstablished: { epoch: number; quorum: number[] };
  /** Learner: UPTODATE was received. */
  LearnerActivated: { epoch: number; leader: number };
  ProposalSent: { zxid: string; op: string; session: string; cxid: number; path?: string };
  ProposalReceived: { zxid: string };
  TxnFlushed: { zxid: string };
  ProposalAcked: { zxid: string };
  AckReceived: { zxid: string; from: number };
  /** Leader: a quorum has acknowledged. */
  ProposalCommitted: { zxid: string; acks: number[] };
  CommitReceived: { zxid: string };
  /** `digest` is the tree digest after the transaction. */
  TxnApplied: { zxid: string; op: string; digest: string };
  /** The tree as it is now is being written; one at a time. */
  SnapshotStarted: { zxid: string };
  SnapshotTaken: { zxid: string };
  SessionCreated: { session: string; timeoutMs: number };
  SessionExpired: { session: string };
  SessionClosed: { session: string };
  SessionRevalidated: { session: string; valid: boolean; via: number };
  SessionMoved: { session: string };
  RoleEnded: { role: RoleName; reason: string };
  /** Once a tick, so that an observer can compare clocks. A stutter of every model. */
  ClockTicked: Record<string, never>;
}
export type ProtocolAct = keyof ProtocolActs;

/** The projection of a peer's state after the step. */
export interface ProtocolState {
  readonly role: RoleName;
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly lastLogged: string;
  readonly lastFlushed: string;
  readonly lastApplied: string;
}

export type ProtocolEvent = {
  [A in ProtocolAct]: {
    readonly v: number;
    readonly node: number;
    /** Counts the starts of this server; together with `n` it orders its events. */
    readonly incarnation: number;
    readonly n: number;
    /** Monotonic and wall milliseconds of the server's own clocks. */
    readonly now: number;
    readonly wallMs: number;
    readonly act: A;
    readonly args: ProtocolActs[A];
    readonly post: ProtocolState;
  };
}[ProtocolAct];
