/**
 * A walk through the model of which only the messages are seen. What a step sends waits in an outbox until it
 * is seen on the wire; only then can it be received. What nobody sees (receipts, the log, the disk, roles) is
 * done when the next message needs it, and no earlier.
 */
import type { Params } from '../kernel/model.ts';
import { compareZxids, sameZxid, type Zxid } from '../models/zab/history.ts';
import { cannotTruncate } from '../models/zab/system-links.ts';
import {
  head,
  lastQueued,
  loggedCount,
  type Message,
  quorumOf,
  type Server,
  type Sid,
  type State,
  sidsOf,
} from '../models/zab/system-state.ts';
import { type ActionName, type EnsembleModel, nodeOf, placeOf, zxidAt } from './ensemble-model.ts';
import type { Testimony, Wire, WireRecord } from './observation.ts';
import { type Common, showZxid } from './told.ts';
import { type Refusal, Walk } from './walk.ts';
import type { Watch } from './watch.ts';

/** Sent and not seen yet, by sender and receiver, oldest first. */
type Outbox = Readonly<Record<string, readonly Message[]>>;

export interface Branch {
  readonly state: State;
  readonly outbox: Outbox;
}

interface WireSurroundings {
  readonly model: EnsembleModel;
  readonly watch: Watch;
  readonly record: WireRecord;
  readonly common: Common;
  /** The newest connection of each learner. */
  readonly newest: ReadonlyMap<number, number>;
  /** Connections whose NEWLEADER was acknowledged. */
  readonly acknowledged: ReadonlySet<number>;
}

export class WireWalk extends Walk {
  /** Number of the message that is to be explained. */
  readonly n: number;
  readonly around: WireSurroundings;
  readonly facts: (readonly [name: string, value: string])[] = [];
  outbox: Outbox;

  constructor(around: WireSurroundings, { state, outbox }: Branch, n: number) {
    super(around.model, around.watch, state);
    this.around = around;
    this.outbox = outbox;
    this.n = n;
  }

  fork(): WireWalk {
    const other = new WireWalk(this.around, this, this.n);
    other.steps.push(...this.steps);
    other.facts.push(...this.facts);
    return other;
  }

  server(i: Sid): Server {
    return this.state.servers[i];
  }

  /** The newest connection of a learner. */
  wireOf(learner: Sid): Wire | undefined {
    const connection = this.around.newest.get(nodeOf(learner));
    return connection === undefined ? undefined : this.around.record.wire(connection);
  }

  testimony(i: Sid): Testimony {
    return this.around.record.testimony(nodeOf(i), this.n, this.server(i).epoch);
  }

  /** Whoever sends this must send the same. */
  agrees(name: string, value: string): boolean {
    const known = this.around.common.valueOf(name);
    if (known === undefined) this.facts.push([name, value]);
    if (known === undefined || known === value) return true;
    return this.refuse('fields', `${name} is ${value}, but was seen to be ${known}`);
  }

  // --- messages ----------------------------------------------------------------------------------

  take(action: ActionName, params: Params): boolean {
    const { state: before } = this;
    if (!this.step(action, params, true)) return false;
    const i = params.i as Sid;
    const sent = action === 'Connected' ? this.#connected(i) : this.#hold(before, i);
    const step = this.steps.pop();
    if (step !== undefined) this.steps.push({ ...step, isSilent: !sent });
    return true;
  }

  /** FOLLOWERINFO is what was seen; nothing else is on a new connection. */
  #connected(j: Sid): boolean {
    const i = this.server(j).leader as Sid;
    this.outbox = { ...this.outbox, [`${i}→${j}`]: [], [`${j}→${i}`]: [] };
    return true;
  }

  /** What i has just sent was not seen yet; of what comes after the last message that was seen nothing will be. */
  #hold(before: State, i: Sid): boolean {
    let hasSent = false;
    const isLeader = this.server(i).role === 'leading';
    for (const j of sidsOf(this.state)) {
      const [was, now] = [before.messages[i][j], this.state.messages[i][j]];
      if (now.length <= was.length) continue;
      hasSent = true;
      const wire = this.wireOf(j);
      const isOver = isLeader && wire?.leader === nodeOf(i) && wire.leaderEndsAt < this.n;
      const sent = isOver ? [] : now.slice(was.length);
      this.outbox = { ...this.outbox, [`${i}→${j}`]: [...this.sent(i, j), ...sent] };
      this.#setChannel(i, j, was);
    }
    return hasSent;
  }

  #setChannel(i: Sid, j: Sid, queue: readonly Message[]): void {
    const { messages } = this.state;
    const row = { ...messages[i], [j]: queue };
    this.state = { ...this.state, messages: { ...messages, [i]: row } };
  }

  sent(i: Sid, j: Sid): readonly Message[] {
    return this.outbox[`${i}→${j}`] ?? [];
  }

  /** These are what i has sent to j; the first `count` of them were seen. */
  setSent(i: Sid, j: Sid, messages: readonly Message[], count: number): void {
    this.outbox = { ...this.outbox, [`${i}→${j}`]: messages.slice(count) };
    const queue = this.state.messages[i][j];
    this.#setChannel(i, j, [...queue, ...messages.slice(0, count)]);
  }

  /** The message at this place of the outbox is seen. */
  see(i: Sid, j: Sid, at: number): void {
    const sent = this.sent(i, j);
    this.outbox = { ...this.outbox, [`${i}→${j}`]: sent.toSpliced(at, 1) };
    this.#setChannel(i, j, [...this.state.messages[i][j], sent[at] as Message]);
  }

  next(from: Sid, to: Sid): Message['type'] | undefined {
    return head(this.state, from, to)?.type;
  }

  // --- leaders -----------------------------------------------------------------------------------

  /** Leader i reads all acknowledgements that were seen. */
  readAcks(i: Sid): boolean {
    return sidsOf(this.state).every((j) => {
      for (;;) {
        const phase = this.server(i).handlers[j]?.phase;
        if (phase === undefined || this.next(j, i) !== 'ACK') return true;
        if (phase === 'arriving' || phase === 'epoch') return true;
        const action = phase === 'syncing' ? 'NewLeaderAckReceived' : 'AckReceived';
        if (!this.take(action, { i, j })) return false;
      }
    });
  }

  /** Leader i hears of enough learners to open an epoch, if it can be this one. */
  openEpoch(i: Sid, epoch: number): boolean {
    const arrived = sidsOf(this.state).flatMap((j) => {
      const isNew = this.server(i).handlers[j]?.phase === 'arriving';
      const info = isNew ? head(this.state, j, i) : undefined;
      const isHeard = info?.type === 'FOLLOWERINFO' && info.epoch < epoch;
      return isHeard ? [{ j, epoch: info.epoch }] : [];
    });
    for (const { j } of arrived.sort((one, other) => other.epoch - one.epoch)) {
      if (this.server(i).epoch !== 0) break;
      if (!this.take('FollowerInfoReceived', { i, j })) return false;
    }
    return this.take('EpochProposed', { i });
  }

  /** Leader i hears that a quorum has accepted its epoch. */
  settleEpoch(i: Sid): boolean {
    for (const j of sidsOf(this.state)) {
      if (quorumOf(this.state, this.server(i).epochAcks)) break;
      if (this.server(i).handlers[j]?.phase !== 'epoch' || !this.#mayCount(i, j)) continue;
      if (!this.take('EpochAckReceived', { i, j })) return false;
    }
    return this.take('CurrentEpochSaved', { i });
  }

  /** It is heard, and has no more than its leader. */
  #mayCount(i: Sid, j: Sid): boolean {
    const ack = head(this.state, j, i);
    if (ack?.type !== 'ACKEPOCH') return false;
    const { epoch, zxid } = this.server(i).summary;
    const difference = (ack.epoch ?? 0) - epoch || compareZxids(ack.zxid, zxid);
    return ack.epoch === null || difference <= 0;
  }

  /** The ACKEPOCH that comes next is not asked for more than its zxid. */
  forgetEpoch(from: Sid, to: Sid): void {
    const [first, ...others] = this.state.messages[from][to];
    if (first?.type === 'ACKEPOCH')
      this.#setChannel(from, to, [{ ...first, epoch: null }, ...others]);
  }

  establish(i: Sid): boolean {
    if (!this.readAcks(i)) return false;
    return this.server(i).phase !== 'synchronization' || this.take('LeaderEstablished', { i });
  }

  // --- what nobody sees --------------------------------------------------------------------------

  /** The next thing that i can do without anything new being seen; false if there is none. */
  advance(i: Sid, told: Testimony = {}): boolean {
    const { leader, role } = this.server(i);
    if (role === 'leading') return this.#leadOn(i, told);
    return role === 'following' && leader !== null && this.#followOn(i, leader);
  }

  #followOn(i: Sid, leader: Sid): boolean {
    const { flushed, log, pending, phase } = this.server(i);
    switch (phase) {
      case 'truncating':
        return this.take('Truncated', { i });
      case 'truncated':
        return this.take('Recovered', { i, kept: log.length });
      case 'loading':
        return this.take('SnapshotInstalled', { i });
      case 'logging':
        if (pending[0]?.isCommitted === true) return this.take('TxnApplied', { i });
        return this.take(flushed < log.length ? 'TxnFlushed' : 'CurrentEpochSaved', { i });
      case 'saved':
        return this.take('NewLeaderAcked', { i });
      case 'broadcast':
        if (loggedCount(this.server(i)) < pending.length) return this.take('ProposalLogged', { i });
        if (pending[0]?.isCommitted === true) return this.take('TxnApplied', { i });
        return this.#read(i, leader);
      default:
        return this.#read(i, leader);
    }
  }

  #read(i: Sid, leader: Sid): boolean {
    const type = this.next(leader, i);
    switch (type) {
      case 'LEADERINFO': {
        const info = head(this.state, leader, i) as { readonly epoch: number };
        const isKnown = info.epoch === this.server(i).acceptedEpoch;
        return this.take(isKnown ? 'EpochKnown' : 'AcceptedEpochSaved', { i });
      }
      case 'DIFF':
      case 'TRUNC':
      case 'SNAP':
        return this.take('SyncReceived', { i, mode: type });
      case 'PROPOSAL':
        return this.take('ProposalReceived', { i });
      case 'COMMIT':
        return this.take('CommitReceived', { i });
      case 'NEWLEADER':
        return this.take('NewLeaderReceived', { i });
      case 'UPTODATE':
        return this.take('LearnerActivated', { i });
      default:
        return this.refuse('guard', `${leader} was not seen to send anything more to ${i}`);
    }
  }

  #leadOn(i: Sid, { end }: Testimony): boolean {
    const { epoch, pending, phase } = this.server(i);
    switch (phase) {
      case 'discovery':
        return this.openEpoch(i, Number.POSITIVE_INFINITY);
      case 'acknowledgement':
        return this.settleEpoch(i);
      case 'synchronization':
        return this.establish(i);
      default: {
        if (loggedCount(this.server(i)) < pending.length) return this.take('ProposalLogged', { i });
        const hasMore = end?.[0] === epoch && compareZxids(end, lastQueued(this.server(i))) > 0;
        return hasMore && this.take('ProposalSent', { i });
      }
    }
  }

  /** The end of a role or a life, in every way that agrees with what the server is next seen to say. */
  leave(i: Sid): readonly WireWalk[] {
    const { role } = this.server(i);
    if (role === 'looking') return [this];
    const told = this.testimony(i);
    const ways = new Map<string, WireWalk>();
    let refusal: Refusal | undefined;
    let at: WireWalk = this;
    for (let isGoingOn = true; isGoingOn; ) {
      const end = at.fork();
      if (end.#end(i, told)) {
        const { acceptedEpoch, currentEpoch, log } = end.server(i);
        const key = `${acceptedEpoch} ${currentEpoch} ${log.length}`;
        if (!ways.has(key)) ways.set(key, end);
      } else {
        refusal ??= end.refusal;
      }
      at = at.fork();
      isGoingOn = at.advance(i, told);
    }
    if (ways.size === 0) this.refusal ??= refusal;
    const all = [...ways.values()];
    return told.end === undefined ? all.slice(-1) : all;
  }

  #mayEndAt(i: Sid, kept: number, end: Zxid): boolean {
    const server = this.server(i);
    const flushed = zxidAt(server, server.flushed);
    if (compareZxids(end, flushed) < 0 && kept < server.flushed) {
      const [claim, had] = [showZxid(end), showZxid(flushed)];
      return this.refuse(
        'order',
        `server ${nodeOf(i)} is next seen to have no more than ${claim}, but had ${had} on its disk`,
      );
    }
    return (
      kept >= 0 ||
      this.refuse('order', `${showZxid(end)} is nothing that server ${nodeOf(i)} ever had`)
    );
  }

  /** Only what is read back as needing a snapshot claims to have nothing. */
  #end(i: Sid, { acceptedEpoch, currentEpoch, end }: Testimony): boolean {
    const server = this.server(i);
    const isNothing = end === undefined || sameZxid(end, [0, 0]);
    const needsSnapshot = isNothing && (server.needsSnapshot || cannotTruncate(server));
    const isAll = end === undefined || needsSnapshot;
    const kept = isAll ? server.log.length : endOf(server, end);
    if (!isAll && !this.#mayEndAt(i, kept, end)) return false;
    return (
      this.take(isNothing ? 'RoleEnded' : 'Crash', { i }) &&
      this.take('Recovered', { i, kept }) &&
      (acceptedEpoch === undefined ||
        this.same('acceptedEpoch', acceptedEpoch, this.server(i).acceptedEpoch)) &&
      (currentEpoch === undefined ||
        this.same('currentEpoch', currentEpoch, this.server(i).currentEpoch))
    );
  }
}

/** How much of a log a zxid stands for: with a counter of 0 all that is of earlier epochs. */
export function endOf(server: Server, zxid: Zxid): number {
  const [epoch, counter] = zxid;
  if (counter !== 0) return placeOf(server, zxid);
  return server.log.findLastIndex((txn) => txn.zxid[0] < epoch) + 1;
}
