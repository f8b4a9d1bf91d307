/**
 * Fast Leader Election. A server that looks for a leader votes for the best candidate that it has
 * heard of, tells everybody whenever that changes, and is done when a quorum votes the same and
 * nothing better turns up for FINALIZE_MS. Rounds separate one election from the next: a vote of an
 * older round is answered, one of a newer round is joined. Servers that have settled answer with
 * what they settled on, so that a late one joins them instead of starting over. None of this has to
 * be safe, only live: two leaders of one election cannot both gather a quorum of learners.
 *
 * Where it differs from upstream, and why:
 * - The interval between repeated notifications doubles from MIN_INTERVAL_MS only up to
 *   `maxIntervalMs` (upstream: 60 s) and starts again when a link to a voter comes up, so that a
 *   server that was alone for long takes part at once when it is alone no more.
 * - A new link carries the current vote instead of the last message, which may be stale.
 * - A silent link is replaced (see ElectionConnections.dropSilent).
 * - A worse vote of the same round is answered: its sender may have begun after we last spoke, and
 *   would otherwise hear of the better candidate only at our next repetition.
 * - A round is never gone back to: upstream takes over the older round of an ensemble that it
 *   joins, so that its next election repeats a number in which it has already decided.
 * - FINALIZE_MS runs from the moment of the quorum, not from the last message.
 * - Configurations in notifications are not adopted: membership is fixed while a server runs.
 *
 * Time to a leader: let a quorum Q be up, connected to each other with one-way delay d, all
 * looking, and let nobody else interfere. Each repeats its vote within B = maxIntervalMs. Links
 * that died in an earlier cut are noticed after L = tickTime·syncLimit and a repetition, dials that
 * hang in one end after C = connectTimeout and are repeated within B; then every pair is linked
 * within 7d (a knock and the dial in answer) and, where the knock was lost, a tick ≤ B later. Each
 * new link carries both votes; the highest round and then the best vote need one hop each to be
 * known and one to be echoed.
 *
 *   T ≤ L + C + 3B + 10d + FINALIZE_MS                                      (electionBoundMs)
 *
 * After a plain loss of the leader all links are up and T ≤ 4d + FINALIZE_MS from when the last of
 * Q began to look.
 *
 * Upstream: FastLeaderElection (lookForLeader, WorkerReceiver).
 */
import { assert } from '../../../base/assert.ts';
import { formatHex, type Zxid } from '../../../base/zxid.ts';
import {
  decodeNotification,
  encodeNotification,
  type Notification,
} from '../../../wire/election.ts';
import type { ServerConfig } from '../config.ts';
import type { CoreContext } from '../context.ts';
import type { QuorumVerifier } from '../quorum-verifier.ts';
import type { ElectionConnections, ElectionReceiver } from './connections.ts';
import { type Candidate, isBetter, isSameVote, type RecordedVote, type Vote } from './vote.ts';

export type ElectionState = 'idle' | 'looking' | 'leading' | 'following' | 'observing';
export type SettledState = Exclude<ElectionState, 'idle' | 'looking'>;

const FINALIZE_MS = 200;
const MIN_INTERVAL_MS = 200;
const NOTIFICATION_TIMER = 'election/notification';
const FINALIZE_TIMER = 'election/finalize';
/** What upstream's observers put into every field of their vote: it never wins. */
const LONG_MIN = -(2n ** 63n);
const NO_DATA = -1n;

/** The longest pause between two repetitions of an unchanged vote. */
function maxIntervalMs(tickTimeMs: number): number {
  return Math.max(2 * MIN_INTERVAL_MS, tickTimeMs);
}

/**
 * The formula above: how long a connected quorum may take to a leader, whatever happened before.
 */
export function electionBoundMs(
  config: Pick<ServerConfig, 'tickTimeMs' | 'syncLimit' | 'connectTimeoutMs'>,
  delayMs: number,
): number {
  const silenceMs = config.tickTimeMs * config.syncLimit;
  const repeatMs = 3 * maxIntervalMs(config.tickTimeMs);
  return silenceMs + config.connectTimeoutMs + repeatMs + 10 * delayMs + FINALIZE_MS;
}

export class FastLeaderElection implements ElectionReceiver {
  readonly #context: CoreContext;
  readonly #sid: number;
  readonly #verifier: QuorumVerifier;
  readonly #connections: Pick<ElectionConnections, 'send' | 'dropSilent'>;
  readonly #onElected: (vote: Vote) => void;
  readonly #configText: string;

  #state: ElectionState = 'idle';
  #round = 0n;
  /** What this server brings into the current election. */
  #own: Candidate = { leader: 0, zxid: NO_DATA, peerEpoch: NO_DATA };
  #proposal: Candidate = this.#own;
  /** Votes of the current round, by sender. */
  readonly #received = new Map<number, RecordedVote>();
  /** Votes of servers that have settled, whatever their round. */
  readonly #settled = new Map<number, RecordedVote>();
  #committed: Vote | undefined;
  #lookingSinceMs = 0;
  #intervalMs = MIN_INTERVAL_MS;
  #repeatDueMs = 0;
  #isFinalizing = false;

  constructor(
    context: CoreContext,
    verifier: QuorumVerifier,
    connections: Pick<ElectionConnections, 'send' | 'dropSilent'>,
    onElected: (vote: Vote) => void,
  ) {
    this.#context = context;
    this.#sid = context.config.sid;
    this.#verifier = verifier;
    this.#connections = connections;
    this.#onElected = onElected;
    this.#configText = verifier.toText();
  }

  get state(): ElectionState {
    return this.#state;
  }
  get round(): bigint {
    return this.#round;
  }

  look(own: { readonly zxid: Zxid; readonly currentEpoch: number }): void {
    this.#round = BigInt.asIntN(64, this.#round + 1n);
    this.#state = 'looking';
    this.#committed = undefined;
    this.#own = this.#verifier.isVoter(this.#sid)
      ? { leader: this.#sid, zxid: own.zxid, peerEpoch: BigInt(own.currentEpoch) }
      : { leader: Number(LONG_MIN), zxid: LONG_MIN, peerEpoch: LONG_MIN };
    this.#lookingSinceMs = this.#context.now();
    this.#received.clear();
    this.#settled.clear();
    this.#context.trace('ElectionStarted', { round: Number(this.#round) });
    this.#propose(this.#own);
    this.#intervalMs = MIN_INTERVAL_MS;
    this.#repeatIn(MIN_INTERVAL_MS);
    this.#considerQuorum();
  }

  /** The role that follows from the vote has begun, or was given without an election. */
  settle(state: SettledState, vote: Vote): void {
    this.#leaveElection();
    this.#state = state;
    if (vote.electionEpoch > this.#round) this.#round = vote.electionEpoch;
    this.#committed = vote;
  }

  /** After synchronization all members name the new epoch, so that late ones see equal votes. */
  updatePeerEpoch(epoch: number): void {
    if (this.#committed === undefined) return;
    this.#committed = { ...this.#committed, peerEpoch: epoch };
  }

  /**
   * Says nothing until the next `look`. A server whose role has ended must not go on telling others
   * that it leads or follows while it reads its disk back.
   */
  retire(): void {
    this.#leaveElection();
    this.#state = 'idle';
    this.#committed = undefined;
  }

  connected(sid: number): void {
    if (this.#state === 'idle') return;
    this.#connections.send(sid, this.#currentNotification());
    if (this.#state !== 'looking' || !this.#verifier.isVoter(sid)) return;
    this.#intervalMs = MIN_INTERVAL_MS;
    // Never later than it was due: links that flap must not put the repetition off for ever.
    if (this.#repeatDueMs > this.#context.now() + MIN_INTERVAL_MS) this.#repeatIn(MIN_INTERVAL_MS);
  }

  received(sid: number, payload: Uint8Array): void {
    if (this.#state === 'idle') return;
    const notification = decodeNotification(payload);
    if (notification === undefined) {
      this.#context.log('debug', 'notification ignored', { sid, sizeBytes: payload.length });
      return;
    }
    if (!this.#verifier.isVoter(sid)) {
      this.#connections.send(sid, this.#currentNotification());
    } else if (this.#state !== 'looking') {
      if (notification.state === 'looking') {
        this.#connections.send(sid, this.#currentNotification());
      }
    } else {
      this.#receivedWhileLooking(sid, notification);
    }
  }

  #receivedWhileLooking(sid: number, notification: Notification): void {
    const { state, zxid, electionEpoch, peerEpoch, version } = notification;
    const leader = Number(notification.leader);
    if (state === 'looking' && electionEpoch < this.#round) {
      this.#connections.send(sid, this.#currentNotification());
    }
    if (!this.#verifier.isVoter(leader) || BigInt(leader) !== notification.leader) return;
    const vote: RecordedVote = { leader, zxid, peerEpoch, electionEpoch, version, state };
    // Between quorum and decision only something better is listened to.
    if (this.#isFinalizing && !isBetter(vote, this.#proposal)) return;
    if (state === 'looking') this.#handleLooking(sid, vote);
    else if (state === 'leading' || state === 'following') this.#handleSettled(sid, vote);
  }

  #handleLooking(sid: number, vote: RecordedVote): void {
    // A server without any data, not even an empty snapshot, takes no part.
    if (this.#own.zxid === NO_DATA || vote.zxid === NO_DATA) return;
    if (vote.electionEpoch < this.#round) return;
    if (vote.electionEpoch > this.#round) {
      this.#round = vote.electionEpoch;
      this.#received.clear();
      // Against our own candidacy, not against what an older round had led us to.
      this.#propose(isBetter(vote, this.#own) ? vote : this.#own);
    } else if (isBetter(vote, this.#proposal)) {
      this.#propose(vote);
    } else if (isBetter(this.#proposal, vote)) {
      this.#connections.send(sid, this.#currentNotification());
    }
    this.#received.set(sid, { ...vote, version: 0 });
    this.#considerQuorum();
  }

  #handleSettled(sid: number, vote: RecordedVote): void {
    if (vote.electionEpoch === this.#round) {
      // Within one round the epoch does not distinguish: some may have synchronized already.
      this.#received.set(sid, { ...vote, version: 0 });
      if (this.#isElectedBy(this.#received, vote)) {
        this.#decide(vote);
        return;
      }
    }
    this.#settled.set(sid, vote);
    if (this.#isElectedBy(this.#settled, vote)) this.#decide(vote);
  }

  /** A quorum follows that leader, and the leader itself says that it leads. */
  #isElectedBy(votes: ReadonlyMap<number, RecordedVote>, vote: RecordedVote): boolean {
    return this.#hasQuorum(votes, vote) && this.#leaderConfirms(votes, vote);
  }

  #hasQuorum(votes: ReadonlyMap<number, RecordedVote>, vote: RecordedVote): boolean {
    const senders: number[] = [];
    for (const [sid, other] of votes) if (isSameVote(vote, other)) senders.push(sid);
    return this.#verifier.containsQuorum(senders);
  }

  /**
   * Without this a crashed leader would be followed on hearsay, and a restarted one would lead
   * again because of what others say about its former life.
   */
  #leaderConfirms(votes: ReadonlyMap<number, RecordedVote>, vote: RecordedVote): boolean {
    if (vote.leader === this.#sid) return vote.electionEpoch === this.#round;
    return votes.get(vote.leader)?.state === 'leading';
  }

  #propose(candidate: Candidate): void {
    const { leader, zxid, peerEpoch } = candidate;
    this.#proposal = { leader, zxid, peerEpoch };
    this.#stopFinalizing();
    if (this.#verifier.isVoter(this.#sid)) {
      if (this.#own.zxid !== NO_DATA) this.#received.set(this.#sid, this.#proposedVote());
      this.#context.trace('VoteCast', {
        leader,
        zxid: formatHex(zxid),
        peerEpoch: Number(peerEpoch),
        round: Number(this.#round),
      });
    }
    this.#broadcast();
  }

  #proposedVote(): RecordedVote {
    return { ...this.#proposal, electionEpoch: this.#round, version: 0, state: 'looking' };
  }

  #broadcast(): void {
    const payload = this.#currentNotification();
    for (const sid of this.#verifier.voters) {
      if (sid !== this.#sid) this.#connections.send(sid, payload);
    }
  }

  #currentNotification(): Uint8Array {
    const committed = this.#committed;
    if (this.#state === 'looking' || this.#state === 'idle' || committed === undefined) {
      const { leader, zxid, peerEpoch } = this.#proposal;
      return encodeNotification({
        state: 'looking',
        leader: BigInt(leader),
        zxid,
        electionEpoch: this.#round,
        peerEpoch,
        config: this.#configText,
      });
    }
    return encodeNotification({
      state: this.#state,
      leader: BigInt(committed.leader),
      zxid: committed.zxid,
      electionEpoch: committed.electionEpoch,
      peerEpoch: BigInt(committed.peerEpoch),
      config: this.#configText,
    });
  }

  #repeatIn(intervalMs: number): void {
    this.#repeatDueMs = this.#context.now() + intervalMs;
    this.#context.setTimer(NOTIFICATION_TIMER, intervalMs, () => this.#repeat());
  }

  #repeat(): void {
    const { tickTimeMs, syncLimit } = this.#context.config;
    this.#connections.dropSilent(tickTimeMs * syncLimit, this.#lookingSinceMs);
    this.#broadcast();
    this.#intervalMs = Math.min(2 * this.#intervalMs, maxIntervalMs(tickTimeMs));
    this.#repeatIn(this.#intervalMs);
  }

  #considerQuorum(): void {
    if (this.#isFinalizing || !this.#hasQuorum(this.#received, this.#proposedVote())) return;
    this.#isFinalizing = true;
    this.#context.setTimer(FINALIZE_TIMER, FINALIZE_MS, () => this.#decide(this.#proposedVote()));
  }

  #stopFinalizing(): void {
    if (!this.#isFinalizing) return;
    this.#isFinalizing = false;
    this.#context.cancelTimer(FINALIZE_TIMER);
  }

  /** The last thing that an event does here: what it starts may begin another election. */
  #decide({ leader, zxid, electionEpoch, peerEpoch }: RecordedVote): void {
    assert(this.#state === 'looking', 'only a looking server decides', { state: this.#state });
    const vote: Vote = {
      leader,
      zxid: zxid as Zxid,
      electionEpoch,
      peerEpoch: Number(peerEpoch),
    };
    const learning = this.#verifier.isVoter(this.#sid) ? 'following' : 'observing';
    this.settle(leader === this.#sid ? 'leading' : learning, vote);
    this.#context.trace('Elected', {
      leader,
      zxid: formatHex(zxid),
      peerEpoch: vote.peerEpoch,
      round: Number(electionEpoch),
    });
    this.#onElected(vote);
  }

  #leaveElection(): void {
    this.#stopFinalizing();
    this.#context.cancelTimer(NOTIFICATION_TIMER);
    this.#received.clear();
    this.#settled.clear();
  }
}
