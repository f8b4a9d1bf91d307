/**
 * The leader: discovery, synchronization and broadcast of ZAB.
 *
 *   discovery        wait for accepted epochs of a quorum; new epoch = max + 1, saved before it is told
 *   acknowledgement  wait until a quorum has accepted it; then save it as current epoch
 *   synchronization  bring each learner up to date, send NEWLEADER, wait for a quorum of ACKs
 *   broadcast        PROPOSAL → ACK of a quorum → COMMIT, in zxid order
 *
 * Every count of voters names the quorum verifier that it counts with. Upstream: Leader, LearnerHandler.
 */
import type { ConnectionEvent, ConnectionId } from '../../base/core.ts';
import { formatHex, type Zxid, zxidOf } from '../../base/zxid.ts';
import { opName } from '../../wire/client.ts';
import { ErrorCode } from '../../wire/error-code.ts';
import { MAX_PACKET_SIZE_BYTES, PacketType } from '../../wire/quorum.ts';
import type { ClientPort } from './client-port.ts';
import type { CoreContext } from './context.ts';
import { type LeaderSide, LearnerHandler } from './learner-handler.ts';
import { PacketConnection } from './packet-connection.ts';
import { type Request, requestKind } from './pipeline/request.ts';
import { Primary } from './primary.ts';
import type { QuorumVerifier } from './quorum-verifier.ts';
import type { DecidedTxn, Replica } from './replica.ts';
import type { Role } from './role.ts';
import { Listener } from './seam.ts';
import type { ServingRole } from './serving.ts';
import { chooseSync } from './sync-choice.ts';

interface Proposal {
  readonly decided: DecidedTxn;
  readonly verifier: QuorumVerifier;
  readonly acks: Set<number>;
  /** Syncs that learners asked for while this was the newest proposal. */
  readonly syncs: LearnerHandler[];
}

type Phase = 'discovery' | 'acknowledgement' | 'synchronization' | 'broadcast';

export class Leader implements Role, ServingRole, LeaderSide {
  readonly mode = 'leader';
  readonly #context: CoreContext;
  readonly #replica: Replica;
  readonly #clientPort: ClientPort;
  readonly #verifier: QuorumVerifier;
  readonly #onEnd: (reason: string) => void;
  readonly #onEstablished: (epoch: number) => void;
  readonly #handlers = new Map<ConnectionId, LearnerHandler>();
  /** Handlers that get every PROPOSAL and COMMIT. */
  readonly #forwarding = new Set<LearnerHandler>();
  /** Learners that wait for the one snapshot view that may be open. */
  readonly #snapshotQueue: LearnerHandler[] = [];
  #isSnapshotOpen = false;
  readonly #acceptedEpochs = new Map<number, number>();
  readonly #epochAcks = new Set<number>();
  readonly #newLeaderAcks = new Set<number>();
  readonly #outstanding = new Map<Zxid, Proposal>();
  /** What this server brought into the election, frozen before anything of the new epoch. */
  #historyEpoch = 0;
  #historyZxid = 0n as Zxid;
  #phase: Phase = 'discovery';
  #isEnded = false;
  #isEpochSaved = false;
  #epoch = 0;
  #tick = 0;
  #isHalfTick = false;
  #primary: Primary | undefined;
  #unsubscribe: () => void = () => undefined;
  lastProposalSizeBytes = 0;
  minProposalSizeBytes = 0;
  maxProposalSizeBytes = 0;

  constructor(options: {
    readonly context: CoreContext;
    readonly replica: Replica;
    readonly clientPort: ClientPort;
    readonly verifier: QuorumVerifier;
    readonly onEnd: (reason: string) => void;
    readonly onEstablished: (epoch: number) => void;
  }) {
    this.#context = options.context;
    this.#replica = options.replica;
    this.#clientPort = options.clientPort;
    this.#verifier = options.verifier;
    this.#onEnd = options.onEnd;
    this.#onEstablished = options.onEstablished;
  }

  get #sid(): number {
    return this.#context.config.sid;
  }

  start(): void {
    const { config } = this.#context;
    const self = this.#verifier.members.get(this.#sid);
    if (self === undefined) {
      this.#end('this server is not a member of its own configuration');
      return;
    }
    this.#historyEpoch = this.#replica.storage.currentEpoch;
    this.#historyZxid = this.#replica.storage.lastLogged;
    this.#context.listen(Listener.quorum, self.host, self.quorumPort);
    this.#unsubscribe = this.#replica.storage.onFlushed((zxid) => this.#flushed(zxid));
    this.#scheduleTick();
    const limitMs = config.initLimit * config.tickTimeMs;
    this.#context.setTimer('leader/init', limitMs, () =>
      this.#end(`no quorum within initLimit in the ${this.#phase} phase`),
    );
    this.#acceptedEpoch(this.#sid, this.#replica.storage.acceptedEpoch);
  }

  // --- connections -----------------------------------------------------------------------------

  owns(connection: ConnectionId): boolean {
    return this.#handlers.has(connection);
  }

  accepted(connection: ConnectionId): void {
    const packets = new PacketConnection(this.#context, connection, MAX_PACKET_SIZE_BYTES * 2);
    const handler = new LearnerHandler(this.#context, this, packets, {
      configVersion: this.#verifier.version,
      currentTick: () => this.#tick,
    });
    this.#handlers.set(connection, handler);
  }

  handle(event: ConnectionEvent): void {
    const handler = this.#handlers.get(event.connection);
    if (handler === undefined) return;
    if (event.type === 'bytes-received') handler.received(event.bytes);
    else if (event.type === 'bytes-drained') handler.connection.drained(event.sizeBytes);
    else if (event.type === 'connection-closed') handler.lost();
  }

  listenFailed(reason: string): void {
    this.#end(`the quorum port cannot be opened: ${reason}`);
  }

  handlerClosed(handler: LearnerHandler): void {
    this.#handlers.delete(handler.connection.id);
    this.#forwarding.delete(handler);
    const index = this.#snapshotQueue.indexOf(handler);
    if (index >= 0) this.#snapshotQueue.splice(index, 1);
  }

  // --- discovery -------------------------------------------------------------------------------

  learnerArrived(handler: LearnerHandler, acceptedEpoch: number): void {
    this.#context.trace('FollowerInfoReceived', { from: handler.sid, epoch: acceptedEpoch });
    // A learner that reconnects leaves its older connection behind.
    for (const other of [...this.#handlers.values()]) {
      if (other !== handler && other.sid === handler.sid)
        other.close('replaced by a newer connection');
    }
    if (this.#isEpochSaved) handler.proposeEpoch(this.#epoch);
    else this.#acceptedEpoch(handler.sid, acceptedEpoch);
  }

  #acceptedEpoch(sid: number, epoch: number): void {
    if (this.#phase !== 'discovery' || this.#epoch !== 0) return;
    if (this.#verifier.isVoter(sid)) this.#acceptedEpochs.set(sid, epoch);
    const isComplete =
      this.#acceptedEpochs.has(this.#sid) &&
      this.#verifier.containsQuorum(this.#acceptedEpochs.keys());
    if (!isComplete) return;
    this.#epoch = Math.max(...this.#acceptedEpochs.values()) + 1;
    // Persisted before anybody hears of it, so that no epoch is ever proposed twice.
    this.#replica.storage.saveAcceptedEpoch(this.#epoch, () => {
      if (this.#isEnded) return;
      this.#isEpochSaved = true;
      this.#phase = 'acknowledgement';
      this.#context.trace('AcceptedEpochSaved', { epoch: this.#epoch });
      this.#context.trace('EpochProposed', { epoch: this.#epoch });
      for (const handler of this.#handlers.values()) {
        if (handler.phase === 'epoch') handler.proposeEpoch(this.#epoch);
      }
      this.#epochAcks.add(this.#sid);
      this.#checkEpochAcks();
    });
  }

  epochAcked(handler: LearnerHandler, currentEpoch: number, lastZxid: Zxid): void {
    const { storage } = this.#replica;
    this.#context.trace('EpochAckReceived', {
      from: handler.sid,
      epoch: currentEpoch,
      zxid: formatHex(lastZxid),
    });
    // -1: the learner had accepted this very epoch before, perhaps from another leader. It promises
    // nothing anew and tells nothing about its history, so it must not count.
    if (currentEpoch !== -1) {
      const isAhead =
        currentEpoch > this.#historyEpoch ||
        (currentEpoch === this.#historyEpoch && lastZxid > this.#historyZxid);
      if (isAhead) {
        handler.close(
          `its history (epoch ${currentEpoch}, ${formatHex(lastZxid)}) is ahead of the leader's ` +
            `(epoch ${this.#historyEpoch}, ${formatHex(this.#historyZxid)})`,
        );
        return;
      }
      if (this.#verifier.isVoter(handler.sid) && lastZxid !== -1n) this.#epochAcks.add(handler.sid);
    }
    if (this.#phase === 'acknowledgement') this.#checkEpochAcks();
    else if (storage.currentEpoch === this.#epoch) this.#synchronize(handler);
  }

  #checkEpochAcks(): void {
    if (this.#phase !== 'acknowledgement') return;
    if (!this.#verifier.containsQuorum(this.#epochAcks)) return;
    this.#phase = 'synchronization';
    this.#replica.storage.saveCurrentEpoch(this.#epoch, () => {
      if (this.#isEnded) return;
      this.#context.trace('CurrentEpochSaved', { epoch: this.#epoch });
      this.#newLeaderAcks.add(this.#sid);
      for (const handler of [...this.#handlers.values()]) {
        if (handler.phase === 'syncing') this.#synchronize(handler);
      }
      this.#checkNewLeaderAcks();
    });
  }

  // --- synchronization -------------------------------------------------------------------------

  #synchronize(handler: LearnerHandler): void {
    const { committedLog, lastProcessed, database } = this.#replica;
    const choice = chooseSync(handler.lastZxid, committedLog.entries, lastProcessed);
    if (choice.mode === 'SNAP' && (this.#isSnapshotOpen || database.isSnapshotOpen)) {
      this.#snapshotQueue.push(handler);
      this.#retrySnapshots();
      return;
    }
    // What it acknowledged before it came back may be cut from its disk now; it acknowledges anew.
    for (const { acks } of this.#outstanding.values()) acks.delete(handler.sid);
    const snapshot = choice.mode === 'SNAP' ? database.openSnapshot() : undefined;
    if (snapshot !== undefined) this.#isSnapshotOpen = true;
    this.#forwarding.add(handler);
    handler.synchronize({
      choice,
      snapshot,
      outstanding: [...this.#outstanding.values()].map(({ decided }) => decided),
      newLeader: new TextEncoder().encode(this.#newLeaderConfig()),
      onSnapshotSent: () => {
        snapshot?.close();
        this.#isSnapshotOpen = false;
        this.#nextSnapshot();
      },
    });
  }

  #nextSnapshot(): void {
    const next = this.#snapshotQueue.shift();
    if (next !== undefined && !next.isClosed && !this.#isEnded) this.#synchronize(next);
  }

  /** Our own snapshot on disk holds the view as well; look again in a while. */
  #retrySnapshots(): void {
    this.#context.setTimer('leader/snapshots', this.#context.config.tickTimeMs / 10, () => {
      if (this.#isEnded) return;
      if (!this.#isSnapshotOpen && !this.#replica.database.isSnapshotOpen) this.#nextSnapshot();
      if (this.#snapshotQueue.length > 0) this.#retrySnapshots();
    });
  }

  /** A static configuration gets the version of the new epoch, as upstream's leaders announce it. */
  #newLeaderConfig(): string {
    const { version } = this.#verifier;
    const announced = version === 0n ? zxidOf(this.#epoch, 0) : version;
    return this.#verifier.withVersion(announced).toText();
  }

  newLeaderAcked(handler: LearnerHandler): void {
    this.#context.trace('NewLeaderAckReceived', { from: handler.sid });
    if (this.#verifier.isVoter(handler.sid)) this.#newLeaderAcks.add(handler.sid);
    if (this.#phase === 'broadcast') handler.activate();
    else this.#checkNewLeaderAcks();
  }

  #checkNewLeaderAcks(): void {
    if (this.#phase !== 'synchronization') return;
    if (!this.#newLeaderAcks.has(this.#sid)) return;
    if (!this.#verifier.containsQuorum(this.#newLeaderAcks)) return;
    this.#phase = 'broadcast';
    this.#context.cancelTimer('leader/init');
    const quorum = [...this.#newLeaderAcks].sort((a, b) => a - b);
    this.#context.trace('LeaderEstablished', { epoch: this.#epoch, quorum });
    this.#context.log('info', 'leading', { epoch: this.#epoch, quorum });
    this.#primary = new Primary(this.#context, this.#replica, zxidOf(this.#epoch, 0), (request) =>
      this.submitWrite(request),
    );
    this.#onEstablished(this.#epoch);
    this.#clientPort.serve(this);
    for (const handler of this.#handlers.values()) {
      if (handler.phase === 'acking') handler.activate();
    }
  }

  // --- broadcast -------------------------------------------------------------------------------

  submitWrite(request: Request): number | undefined {
    const primary = this.#primary;
    if (primary === undefined) return ErrorCode.ConnectionLoss;
    if (primary.isExhausted) {
      this.#end('the zxid counter of this epoch is used up');
      return undefined;
    }
    const decided = primary.decide(request);
    if (decided === 'malformed') return ErrorCode.MarshallingError;
    this.#propose(decided, request);
    return undefined;
  }

  requested(handler: LearnerHandler, request: Request): void {
    const primary = this.#primary;
    if (primary === undefined) return;
    const kind = requestKind(request.type, 'learner');
    if (kind === 'sync') {
      this.#syncRequested(handler);
      return;
    }
    if (kind !== 'write' && kind !== 'session') {
      handler.close(`a learner forwards no ${opName(request.type)}`);
      return;
    }
    if (primary.isExhausted) {
      this.#end('the zxid counter of this epoch is used up');
      return;
    }
    const decided = primary.decide(request);
    this.#propose(decided === 'malformed' ? primary.decideMalformed(request) : decided, request);
  }

  #propose(decided: DecidedTxn, request: Request): void {
    const proposal: Proposal = {
      decided,
      verifier: this.#verifier,
      acks: new Set(),
      syncs: [],
    };
    this.#outstanding.set(decided.zxid, proposal);
    this.#context.trace('ProposalSent', {
      zxid: formatHex(decided.zxid),
      op: opName(request.type),
      session: formatHex(request.sessionId),
      cxid: request.cxid,
    });
    this.#measure(decided.bytes.length);
    for (const handler of [...this.#forwarding]) handler.propose(decided.zxid, decided.bytes);
    this.#replica.log(decided);
  }

  #measure(sizeBytes: number): void {
    const isFirst = this.maxProposalSizeBytes === 0;
    this.lastProposalSizeBytes = sizeBytes;
    this.minProposalSizeBytes = isFirst
      ? sizeBytes
      : Math.min(this.minProposalSizeBytes, sizeBytes);
    this.maxProposalSizeBytes = Math.max(this.maxProposalSizeBytes, sizeBytes);
  }

  /** The leader's own acknowledgement: only what its own disk holds. */
  #flushed(through: Zxid): void {
    if (this.#isEnded) return;
    for (const [zxid, proposal] of this.#outstanding) {
      if (zxid > through) break;
      if (proposal.acks.has(this.#sid)) continue;
      this.#context.trace('TxnFlushed', { zxid: formatHex(zxid) });
      proposal.acks.add(this.#sid);
    }
    this.#commitReady();
  }

  acked(handler: LearnerHandler, zxid: Zxid): void {
    const proposal = this.#outstanding.get(zxid);
    this.#context.trace('AckReceived', { zxid: formatHex(zxid), from: handler.sid });
    if (proposal === undefined) return;
    proposal.acks.add(handler.sid);
    this.#commitReady();
  }

  #commitReady(): void {
    for (const [zxid, proposal] of this.#outstanding) {
      if (this.#isEnded || !proposal.verifier.containsQuorum(proposal.acks)) return;
      this.#outstanding.delete(zxid);
      this.#commit(proposal);
    }
  }

  #commit(proposal: Proposal): void {
    const { decided } = proposal;
    this.#context.trace('ProposalCommitted', {
      zxid: formatHex(decided.zxid),
      acks: [...proposal.acks].sort((a, b) => a - b),
    });
    for (const handler of [...this.#forwarding]) {
      handler.send({ type: PacketType.commit, zxid: decided.zxid });
    }
    this.#primary?.applied(decided);
    this.#replica.apply(decided);
    for (const handler of proposal.syncs) handler.send({ type: PacketType.sync, zxid: 0n });
  }

  #syncRequested(handler: LearnerHandler): void {
    const newest = [...this.#outstanding.values()].at(-1);
    if (newest === undefined) handler.send({ type: PacketType.sync, zxid: 0n });
    else newest.syncs.push(handler);
  }

  // --- clients ---------------------------------------------------------------------------------

  submitSync(): boolean {
    return false;
  }
  checkSession(request: Request): 'ok' | 'expired' | 'moved' {
    return this.#primary?.checkSession(request) ?? 'expired';
  }
  touch(sessionId: bigint, timeoutMs: number): boolean {
    return this.#primary?.touch(sessionId, timeoutMs) ?? false;
  }
  touched(sessionId: bigint, timeoutMs: number): void {
    this.#primary?.touch(sessionId, timeoutMs);
  }
  reopen(sessionId: bigint, timeoutMs: number, done: (isValid: boolean) => void): void {
    done(this.#primary?.revalidate(sessionId, timeoutMs) ?? false);
  }
  revalidated(handler: LearnerHandler, sessionId: bigint, timeoutMs: number): boolean {
    return this.#primary?.revalidate(sessionId, timeoutMs, handler.sid) ?? false;
  }

  // --- liveness --------------------------------------------------------------------------------

  #scheduleTick(): void {
    this.#context.setTimer('leader/tick', this.#context.config.tickTimeMs / 2, () =>
      this.#onTick(),
    );
  }

  #onTick(): void {
    if (this.#isEnded) return;
    this.#isHalfTick = !this.#isHalfTick;
    if (!this.#isHalfTick) {
      this.#tick++;
      if (this.#phase === 'broadcast' && !this.#hasSyncedQuorum()) {
        this.#end('not enough synced followers for a quorum');
        return;
      }
    }
    const lastProposed = this.#primary?.lastZxid ?? zxidOf(this.#epoch, 0);
    for (const handler of [...this.#handlers.values()]) handler.ping(lastProposed);
    this.#scheduleTick();
  }

  #hasSyncedQuorum(): boolean {
    const synced = [this.#sid];
    for (const handler of this.#handlers.values()) {
      if (handler.isSynced(this.#tick)) synced.push(handler.sid);
    }
    return this.#verifier.containsQuorum(synced);
  }

  get syncedFollowerCount(): number {
    let count = 0;
    for (const handler of this.#handlers.values()) if (handler.isSynced(this.#tick)) count++;
    return count;
  }
  get learnerCount(): number {
    return this.#handlers.size;
  }

  #end(reason: string): void {
    if (this.#isEnded) return;
    this.stop();
    this.#onEnd(reason);
  }

  stop(): void {
    this.#isEnded = true;
    this.#context.cancelTimer('leader/init');
    this.#context.cancelTimer('leader/tick');
    this.#context.cancelTimer('leader/snapshots');
    this.#context.unlisten(Listener.quorum);
    this.#primary?.stop();
    this.#unsubscribe();
    for (const handler of [...this.#handlers.values()]) handler.close('the leader stops leading');
  }
}
