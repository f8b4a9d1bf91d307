/**
 * The follower: the learner's end of discovery, synchronization and broadcast.
 *
 * The order at NEWLEADER is what several historic losses were about (ZOOKEEPER-3911, 4643, 4646, 4785):
 * first everything that the leader's history holds is on this disk (snapshot, log), then the current
 * epoch is saved, then NEWLEADER is acknowledged. Proposals that were not committed before NEWLEADER are
 * not part of that acknowledgement; they are logged and acknowledged one by one after UPTODATE.
 *
 * Whatever ends the role, memory is read back from disk before the next vote, so that no half-applied
 * synchronization survives. Upstream: Learner, Follower, FollowerZooKeeperServer.
 */
import { assert } from '../../base/assert.ts';
import type { ConnectionEvent, ConnectionId } from '../../base/core.ts';
import { epochOf, formatHex, ZXID_ZERO, type Zxid, zxidFrom, zxidOf } from '../../base/zxid.ts';
import { ErrorCode } from '../../wire/error-code.ts';
import { encode, int, JuteReader } from '../../wire/jute.ts';
import {
  encodeForwarded,
  encodeTouches,
  LEARNER_PROTOCOL_VERSION,
  LearnerInfo,
  MAX_PACKET_SIZE_BYTES,
  PacketType,
  packetName,
  type QuorumPacket,
  RevalidateRequest,
  SNAPSHOT_SIGNATURE,
} from '../../wire/quorum.ts';
import { SnapshotDecoder } from '../../wire/storage.ts';
import { decodeTxn } from '../../wire/txn.ts';
import type { ClientPort } from './client-port.ts';
import type { CoreContext } from './context.ts';
import { PacketConnection } from './packet-connection.ts';
import type { Request } from './pipeline/request.ts';
import { isWellFormed } from './pipeline/well-formed.ts';
import type { QuorumVerifier } from './quorum-verifier.ts';
import type { DecidedTxn, Replica } from './replica.ts';
import type { Role } from './role.ts';
import type { ServingRole } from './serving.ts';
import { TouchTable } from './session/touch-table.ts';
import type { SnapshotLoader } from './snapshot-port.ts';
import { isSuccessor } from './storage/replay.ts';

const DIAL_ATTEMPTS = 10;
const DIAL_PAUSE_MS = 100;

type Phase = 'connecting' | 'discovery' | 'synchronization' | 'snapshot' | 'waiting' | 'broadcast';

interface QueuedProposal {
  readonly decided: DecidedTxn;
  isCommitted: boolean;
}

export class Follower implements Role, ServingRole {
  readonly mode = 'follower';
  readonly #context: CoreContext;
  readonly #replica: Replica;
  readonly #clientPort: ClientPort;
  readonly #verifier: QuorumVerifier;
  readonly #leader: number;
  readonly #onEnd: (reason: string) => void;
  readonly #onActivated: (epoch: number) => void;
  readonly #touches = new TouchTable();
  readonly #revalidations = new Map<bigint, Array<(isValid: boolean) => void>>();
  readonly #syncs: Request[] = [];
  /** Received and not yet committed: before NEWLEADER from the leader's history, later live. */
  readonly #pending: QueuedProposal[] = [];
  /** Logged and not yet acknowledged, in order. A commit may overtake our own disk. */
  readonly #unacked = new Set<Zxid>();
  /** Waits for the log to be durable up to a zxid. */
  #awaited: { readonly zxid: Zxid; readonly done: () => void } | undefined;
  #connection: PacketConnection | undefined;
  #decoder: SnapshotDecoder | undefined;
  #loader: SnapshotLoader | undefined;
  #phase: Phase = 'connecting';
  #isEnded = false;
  /** While files are being changed, packets wait unparsed. */
  #isBlocked = false;
  #attempts = 0;
  #epoch = 0;
  #lastQueued = 0n as Zxid;
  #snapshotZxid = 0n as Zxid;
  #lastHeardMs = 0;
  #unsubscribe: () => void = () => undefined;

  constructor(options: {
    readonly context: CoreContext;
    readonly replica: Replica;
    readonly clientPort: ClientPort;
    readonly verifier: QuorumVerifier;
    readonly leader: number;
    readonly onEnd: (reason: string) => void;
    readonly onActivated: (epoch: number) => void;
  }) {
    this.#context = options.context;
    this.#replica = options.replica;
    this.#clientPort = options.clientPort;
    this.#verifier = options.verifier;
    this.#leader = options.leader;
    this.#onEnd = options.onEnd;
    this.#onActivated = options.onActivated;
  }

  start(): void {
    this.#unsubscribe = this.#replica.storage.onFlushed((zxid) => this.#flushed(zxid));
    this.#lastHeardMs = this.#context.now();
    this.#watchSilence();
    this.#dial();
  }

  // --- connection ------------------------------------------------------------------------------

  #dial(): void {
    const leader = this.#verifier.members.get(this.#leader);
    if (leader === undefined) {
      this.#end(`the elected leader ${this.#leader} is not in the configuration`);
      return;
    }
    this.#attempts++;
    const id = this.#context.dial(leader.host, leader.quorumPort);
    this.#connection = new PacketConnection(this.#context, id, 4 * MAX_PACKET_SIZE_BYTES);
  }

  owns(connection: ConnectionId): boolean {
    return this.#connection?.id === connection;
  }
  accepted(connection: ConnectionId): void {
    this.#context.close(connection);
  }
  listenFailed(): void {}

  handle(event: ConnectionEvent): void {
    switch (event.type) {
      case 'connection-established':
        this.#begin();
        break;
      case 'bytes-received':
        this.#received(event.bytes);
        break;
      case 'bytes-drained':
        this.#connection?.drained(event.sizeBytes);
        break;
      case 'connection-closed':
        this.#lost(event.reason);
        break;
      default:
    }
  }

  #lost(reason: string): void {
    const wasConnecting = this.#phase === 'connecting';
    this.#connection = undefined;
    if (wasConnecting && this.#attempts < DIAL_ATTEMPTS) {
      // The leader may still be reading its own disk.
      this.#context.setTimer('follower/dial', DIAL_PAUSE_MS, () => this.#dial());
      return;
    }
    this.#end(`the connection to leader ${this.#leader} ended: ${reason}`);
  }

  /** A leader that says nothing for syncLimit (initLimit before it serves) is no leader. */
  #watchSilence(): void {
    const { tickTimeMs, initLimit, syncLimit } = this.#context.config;
    const isEarly = this.#phase !== 'broadcast' && this.#phase !== 'waiting';
    const limitMs = tickTimeMs * (isEarly ? initLimit : syncLimit);
    const silentMs = this.#isBlocked ? 0 : this.#context.now() - this.#lastHeardMs;
    if (silentMs >= limitMs) {
      this.#end(`leader ${this.#leader} was silent for ${silentMs} ms`);
      return;
    }
    const nextMs = Math.min(limitMs - silentMs, tickTimeMs);
    this.#context.setTimer('follower/silence', nextMs, () => this.#watchSilence());
  }

  #send(packet: Parameters<PacketConnection['send']>[0]): void {
    if (this.#connection?.send(packet) === false) {
      this.#end('the leader does not take our packets: the queue to it is full');
    }
  }

  #received(bytes: Uint8Array): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#lastHeardMs = this.#context.now();
    this.#guard(() => {
      connection.input.push(bytes);
      this.#pump();
    });
  }

  /** What the leader sends and we cannot understand ends the role, never the server. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name !== 'MalformedError' && error.name !== 'ByteQueueFullError') throw error;
      this.#end(`leader ${this.#leader} sent what does not parse: ${error.message}`);
    }
  }

  #pump(): void {
    while (!this.#isEnded && !this.#isBlocked) {
      if (this.#phase === 'snapshot') {
        if (!this.#readSnapshot()) return;
        continue;
      }
      const packet = this.#connection?.next();
      if (packet === undefined) return;
      this.#packet(packet);
    }
  }

  /** Packets wait until `work` calls `done`; the connection is not read meanwhile. */
  #block(work: (done: () => void) => void): void {
    const connection = this.#connection;
    assert(!this.#isBlocked && connection !== undefined, 'one thing blocks at a time');
    this.#isBlocked = true;
    this.#context.pauseReading(connection.id);
    work(() => {
      if (this.#isEnded) return;
      this.#isBlocked = false;
      // Our own work is no silence of the leader.
      this.#lastHeardMs = this.#context.now();
      this.#context.resumeReading(connection.id);
      this.#guard(() => this.#pump());
    });
  }

  #packet(packet: QuorumPacket): void {
    switch (this.#phase) {
      case 'discovery':
        this.#leaderInfo(packet);
        return;
      case 'synchronization':
        this.#synchronize(packet);
        return;
      case 'waiting':
        this.#waitForActivation(packet);
        return;
      case 'broadcast':
        this.#live(packet);
        return;
      default:
        this.#end(`${packetName(packet.type)} came out of turn`);
    }
  }

  // --- discovery -------------------------------------------------------------------------------

  #begin(): void {
    this.#phase = 'discovery';
    const { storage } = this.#replica;
    this.#context.trace('Connected', { leader: this.#leader });
    this.#send({
      type: PacketType.followerInfo,
      zxid: zxidOf(storage.acceptedEpoch, 0),
      data: encode(LearnerInfo, {
        sid: BigInt(this.#context.config.sid),
        protocolVersion: LEARNER_PROTOCOL_VERSION,
        configVersion: this.#verifier.version,
      }),
    });
  }

  #leaderInfo(packet: QuorumPacket): void {
    if (packet.type !== PacketType.leaderInfo) {
      this.#end(`${packetName(packet.type)} came instead of LEADERINFO`);
      return;
    }
    const { storage } = this.#replica;
    this.#epoch = epochOf(zxidFrom(packet.zxid));
    if (this.#epoch < storage.acceptedEpoch) {
      this.#end(`the leader proposes epoch ${this.#epoch}, older than ${storage.acceptedEpoch}`);
      return;
    }
    if (this.#epoch === storage.acceptedEpoch) {
      // Accepted before: an acknowledgement now must not count as a fresh promise.
      this.#context.trace('EpochKnown', { epoch: this.#epoch });
      this.#ackEpoch(-1);
      return;
    }
    this.#block((done) => {
      storage.saveAcceptedEpoch(this.#epoch, () => {
        if (this.#isEnded) return;
        this.#context.trace('AcceptedEpochSaved', { epoch: this.#epoch });
        this.#ackEpoch(storage.currentEpoch);
        done();
      });
    });
  }

  #ackEpoch(currentEpoch: number): void {
    const { needsSnapshot, storage } = this.#replica;
    const zxid = needsSnapshot ? ZXID_ZERO : storage.lastLogged;
    this.#phase = 'synchronization';
    this.#lastQueued = zxid;
    this.#send({ type: PacketType.ackEpoch, zxid, data: encode(int, currentEpoch) });
  }

  // --- synchronization -------------------------------------------------------------------------

  #synchronize(packet: QuorumPacket): void {
    const zxid = zxidFrom(packet.zxid);
    switch (packet.type) {
      case PacketType.diff:
        if (this.#replica.needsSnapshot) this.#end('a DIFF came where only a snapshot helps');
        else this.#context.trace('SyncReceived', { mode: 'DIFF', zxid: formatHex(zxid) });
        return;
      case PacketType.trunc:
        this.#truncate(zxid);
        return;
      case PacketType.snap:
        this.#context.trace('SyncReceived', { mode: 'SNAP', zxid: formatHex(zxid) });
        this.#snapshotZxid = zxid;
        this.#phase = 'snapshot';
        this.#loader = this.#replica.database.beginLoad();
        this.#decoder = new SnapshotDecoder('stream', this.#loader);
        return;
      case PacketType.proposal:
        this.#queue(packet);
        return;
      case PacketType.commit:
      case PacketType.commitAndActivate:
        this.#markCommitted(zxid);
        return;
      case PacketType.newLeader:
        this.#newLeader(zxid);
        return;
      case PacketType.ping:
        return;
      default:
        this.#end(`${packetName(packet.type)} came during synchronization`);
    }
  }

  #truncate(zxid: Zxid): void {
    this.#context.trace('SyncReceived', { mode: 'TRUNC', zxid: formatHex(zxid) });
    this.#block((done) => {
      this.#replica.storage.truncate(zxid, (result) => {
        if (this.#isEnded) return;
        if (!result.ok) {
          // Going on would keep transactions that the ensemble does not have (ZOOKEEPER-3701).
          this.#replica.needsSnapshot = true;
          this.#end(`TRUNC to ${formatHex(zxid)} cannot be done: ${result.reason}`);
          return;
        }
        this.#context.trace('Truncated', { zxid: formatHex(zxid) });
        this.#replica.recover((recovered) => {
          if (this.#isEnded) return;
          if (!recovered.ok) {
            this.#context.halt(13, `recovery after TRUNC failed: ${recovered.reason}`);
            return;
          }
          this.#lastQueued = zxid;
          done();
        });
      });
    });
  }

  /** Feeds the decoder; true when the stream is complete and installed, false while bytes are missing. */
  #readSnapshot(): boolean {
    const decoder = this.#decoder;
    const input = this.#connection?.input;
    if (decoder === undefined || input === undefined) return false;
    if (!decoder.isDone) {
      const { bytes, offset } = input;
      const used = decoder.push(bytes.subarray(offset));
      input.consume(used);
      if (!decoder.isDone) return false;
    }
    const reader = new JuteReader(input.bytes, input.offset);
    const signatureSizeBytes = 4 + SNAPSHOT_SIGNATURE.length;
    if (reader.remaining < signatureSizeBytes) return false;
    if (reader.ustring() !== SNAPSHOT_SIGNATURE) {
      this.#end('the snapshot stream does not end with its signature');
      return false;
    }
    input.consume(signatureSizeBytes);
    this.#decoder = undefined;
    this.#loader?.finish(this.#snapshotZxid);
    this.#loader = undefined;
    this.#replica.committedLog.reset([]);
    this.#lastQueued = this.#snapshotZxid;
    this.#phase = 'synchronization';
    this.#block((done) => {
      this.#replica.storage.installSnapshot(this.#replica.database, (result) => {
        if (this.#isEnded) return;
        if (!result.ok) {
          this.#context.halt(10, `the leader's snapshot cannot be saved: ${result.reason}`);
          return;
        }
        this.#replica.needsSnapshot = false;
        this.#context.trace('SnapshotInstalled', { zxid: formatHex(this.#snapshotZxid) });
        done();
      });
    });
    return true;
  }

  #queue(packet: QuorumPacket): void {
    const zxid = zxidFrom(packet.zxid);
    const bytes = packet.data ?? new Uint8Array(0);
    // What recovery would refuse to read back is not accepted either.
    if (!isSuccessor(this.#lastQueued, zxid)) {
      this.#end(`proposal ${formatHex(zxid)} does not follow ${formatHex(this.#lastQueued)}`);
      return;
    }
    this.#lastQueued = zxid;
    this.#context.trace('ProposalReceived', { zxid: formatHex(zxid) });
    this.#pending.push({ decided: { zxid, txn: decodeTxn(bytes), bytes }, isCommitted: false });
  }

  #markCommitted(zxid: Zxid): void {
    const entry = this.#pending.find(({ isCommitted }) => !isCommitted);
    if (entry?.decided.zxid !== zxid) {
      this.#end(`COMMIT of ${formatHex(zxid)} matches no proposal`);
      return;
    }
    this.#context.trace('CommitReceived', { zxid: formatHex(zxid) });
    entry.isCommitted = true;
  }

  #newLeader(zxid: Zxid): void {
    if (epochOf(zxid) !== this.#epoch) {
      this.#end(`NEWLEADER of epoch ${epochOf(zxid)}, but ${this.#epoch} was agreed`);
      return;
    }
    this.#context.trace('NewLeaderReceived', { epoch: this.#epoch });
    this.#block((done) => {
      const { storage } = this.#replica;
      let last: Zxid | undefined;
      while (this.#pending[0]?.isCommitted === true) {
        const { decided } = this.#pending.shift() as QueuedProposal;
        storage.append(decided.zxid, decided.bytes);
        this.#replica.apply(decided);
        last = decided.zxid;
      }
      this.#whenFlushed(last, () => {
        storage.saveCurrentEpoch(this.#epoch, () => {
          if (this.#isEnded) return;
          this.#context.trace('CurrentEpochSaved', { epoch: this.#epoch });
          this.#phase = 'waiting';
          this.#context.trace('NewLeaderAcked', { epoch: this.#epoch });
          this.#send({ type: PacketType.ack, zxid });
          done();
        });
      });
    });
  }

  #whenFlushed(zxid: Zxid | undefined, done: () => void): void {
    const { storage } = this.#replica;
    if (zxid === undefined || storage.lastFlushed >= zxid) {
      done();
      return;
    }
    this.#awaited = { zxid, done };
    storage.flush();
  }

  #waitForActivation(packet: QuorumPacket): void {
    const zxid = zxidFrom(packet.zxid);
    switch (packet.type) {
      case PacketType.proposal:
        this.#queue(packet);
        return;
      case PacketType.commit:
        this.#markCommitted(zxid);
        return;
      case PacketType.ping:
        return;
      case PacketType.upToDate:
        this.#activate();
        return;
      default:
        this.#end(`${packetName(packet.type)} came before UPTODATE`);
    }
  }

  #activate(): void {
    this.#phase = 'broadcast';
    this.#send({ type: PacketType.ack, zxid: zxidOf(this.#epoch, 0) });
    this.#context.trace('LearnerActivated', { epoch: this.#epoch, leader: this.#leader });
    this.#context.log('info', 'following', { leader: this.#leader, epoch: this.#epoch });
    this.#onActivated(this.#epoch);
    this.#clientPort.serve(this);
    // Left over from synchronization: logged and acknowledged like live proposals.
    const queued = this.#pending.splice(0);
    for (const entry of queued) {
      this.#pending.push(entry);
      this.#log(entry.decided);
    }
    this.#applyCommitted();
  }

  /** Acknowledged when storage reports it durable, whether or not it is committed by then. */
  #log(decided: DecidedTxn): void {
    this.#unacked.add(decided.zxid);
    this.#replica.log(decided);
  }

  #applyCommitted(): void {
    while (this.#pending[0]?.isCommitted === true) {
      const { decided } = this.#pending.shift() as QueuedProposal;
      this.#replica.apply(decided);
    }
  }

  // --- broadcast -------------------------------------------------------------------------------

  #live(packet: QuorumPacket): void {
    const zxid = zxidFrom(packet.zxid);
    switch (packet.type) {
      case PacketType.proposal: {
        this.#queue(packet);
        const entry = this.#pending.at(-1);
        if (!this.#isEnded && entry?.decided.zxid === zxid) this.#log(entry.decided);
        return;
      }
      case PacketType.commit:
        this.#markCommitted(zxid);
        if (!this.#isEnded) this.#applyCommitted();
        return;
      case PacketType.ping:
        this.#send({
          type: PacketType.ping,
          zxid: packet.zxid,
          data: encodeTouches(
            this.#touches.take().map((touch) => [touch.sessionId, touch.timeoutMs] as const),
          ),
        });
        return;
      case PacketType.revalidate:
        this.#revalidated(packet);
        return;
      case PacketType.sync: {
        const request = this.#syncs.shift();
        if (request !== undefined) this.#clientPort.syncAnswered(request);
        return;
      }
      case PacketType.upToDate:
        return;
      default:
        this.#context.log('warn', 'ignored a packet of the leader', {
          packet: packetName(packet.type),
        });
    }
  }

  /** What this disk holds is acknowledged, one by one and in order. */
  #flushed(through: Zxid): void {
    if (this.#isEnded) return;
    if (this.#awaited !== undefined && through >= this.#awaited.zxid) {
      const { done } = this.#awaited;
      this.#awaited = undefined;
      done();
      return;
    }
    if (this.#phase !== 'broadcast') return;
    this.#acknowledge(through);
  }

  #acknowledge(through: Zxid): void {
    for (const zxid of this.#unacked) {
      if (zxid > through) break;
      this.#unacked.delete(zxid);
      this.#context.trace('TxnFlushed', { zxid: formatHex(zxid) });
      this.#context.trace('ProposalAcked', { zxid: formatHex(zxid) });
      this.#send({ type: PacketType.ack, zxid });
    }
  }

  // --- clients ---------------------------------------------------------------------------------

  submitWrite(request: Request): number | undefined {
    if (!isWellFormed(request)) return ErrorCode.MarshallingError;
    this.#forward(request);
    return undefined;
  }

  submitSync(request: Request): boolean {
    this.#syncs.push(request);
    this.#forward(request);
    return true;
  }

  #forward(request: Request): void {
    const { sessionId, cxid, type, body, authinfo } = request;
    this.#send({
      type: PacketType.request,
      zxid: -1n,
      data: encodeForwarded({ sessionId, cxid, type, body }),
      authinfo,
    });
  }

  checkSession(): 'ok' {
    return 'ok';
  }

  touch(sessionId: bigint, timeoutMs: number): boolean {
    this.#touches.touch(sessionId, timeoutMs);
    return true;
  }

  reopen(sessionId: bigint, timeoutMs: number, done: (isValid: boolean) => void): void {
    const waiting = this.#revalidations.get(sessionId);
    if (waiting === undefined) this.#revalidations.set(sessionId, [done]);
    else waiting.push(done);
    const data = encode(RevalidateRequest, { sessionId, timeoutMs });
    this.#send({ type: PacketType.revalidate, zxid: -1n, data });
  }

  #revalidated(packet: QuorumPacket): void {
    const reader = new JuteReader(packet.data ?? new Uint8Array(0));
    const sessionId = reader.long();
    const isValid = reader.bool();
    const waiting = this.#revalidations.get(sessionId);
    const done = waiting?.shift();
    if (waiting?.length === 0) this.#revalidations.delete(sessionId);
    done?.(isValid);
  }

  // --- end -------------------------------------------------------------------------------------

  #end(reason: string): void {
    if (this.#isEnded) return;
    this.stop();
    this.#onEnd(reason);
  }

  stop(): void {
    this.#isEnded = true;
    this.#unsubscribe();
    this.#context.cancelTimer('follower/silence');
    this.#context.cancelTimer('follower/dial');
    if (this.#connection !== undefined) this.#context.close(this.#connection.id);
    this.#connection = undefined;
  }
}
