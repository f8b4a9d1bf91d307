/**
 * Votes and their two relations: which of two is better, and when two say the same. Everything else
 * of an election is bookkeeping around these. Upstream: Vote,
 * FastLeaderElection.totalOrderPredicate.
 */
import type { Zxid } from '../../../base/zxid.ts';
import type { PeerStateName } from '../../../wire/election.ts';

/** The outcome of an election as the rest of the server sees it. */
export interface Vote {
  readonly leader: number;
  readonly zxid: Zxid;
  /** The round that elected. */
  readonly electionEpoch: bigint;
  /** currentEpoch of the leader; after synchronization the new epoch. */
  readonly peerEpoch: number;
}

/** Who should lead, and what it has: exactly as on the wire. */
export interface Candidate {
  readonly leader: number;
  readonly zxid: bigint;
  readonly peerEpoch: bigint;
}

/** The vote of one sender as remembered by a receiver. */
export interface RecordedVote extends Candidate {
  readonly state: PeerStateName;
  readonly electionEpoch: bigint;
  /** Format version of the notification; 0 for forms before 3.5 and where it is not to count. */
  readonly version: number;
}

/** Higher epoch, then more history, then larger sid: a total order, so that an election ends. */
export function isBetter(candidate: Candidate, than: Candidate): boolean {
  if (candidate.peerEpoch !== than.peerEpoch) return candidate.peerEpoch > than.peerEpoch;
  if (candidate.zxid !== than.zxid) return candidate.zxid > than.zxid;
  return candidate.leader > than.leader;
}

/**
 * While somebody still looks, votes count together only if they agree in everything. Servers that
 * have settled may remember different zxids and rounds for the same leader, since each joined in
 * its own time; for them leader and epoch decide, and senders of an old format are not held to the
 * epoch.
 */
export function isSameVote(a: RecordedVote, b: RecordedVote): boolean {
  if (a.state === 'looking' || b.state === 'looking') {
    return (
      a.leader === b.leader &&
      a.zxid === b.zxid &&
      a.electionEpoch === b.electionEpoch &&
      a.peerEpoch === b.peerEpoch
    );
  }
  if (a.version > 0 !== b.version > 0) return a.leader === b.leader;
  return a.leader === b.leader && a.peerEpoch === b.peerEpoch;
}
