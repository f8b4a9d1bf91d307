/**
 * The leader's end of one learner connection: discovery, synchronization and live traffic of that learner.
 * It decides nothing about quorums; it tells the leader what the learner said.
 *
 *   FOLLOWERINFO → · ← LEADERINFO · ACKEPOCH → · ← DIFF|TRUNC|SNAP … NEWLEADER · ACK → · ← UPTODATE
 *
 * Upstream: LearnerHandler.
 */
import { formatHex, type Zxid, zxidFrom, zxidOf } from '../../base/zxid.ts';
import { decode, encode, int, MalformedError, ustring } from '../../wire/jute.ts';
import {
  decodeForwarded,
  decodeTouches,
  LEARNER_PROTOCOL_VERSION,
  LearnerInfo,
  PacketType,
  packetName,
  type QuorumPacket,
  RevalidateRequest,
  SNAPSHOT_SIGNATURE,
} from '../../wire/quorum.ts';
import { encodeSnapshotStream } from '../../wire/storage.ts';
import type { CoreContext } from './context.ts';
import type { PacketConnection } from './packet-connection.ts';
import type { Request } from './pipeline/request.ts';
import type { SnapshotView } from './snapshot-port.ts';
import type { SyncChoice } from './sync-choice.ts';

/** What a handler tells its leader. */
export interface LeaderSide {
  /** The learner is known; answer with `proposeEpoch` once the epoch is decided. */
  learnerArrived(handler: LearnerHandler, acceptedEpoch: number): void;
  epochAcked(handler: LearnerHandler, currentEpoch: number, lastZxid: Zxid): void;
  newLeaderAcked(handler: LearnerHandler): void;
  acked(handler: LearnerHandler, zxid: Zxid): void;
  requested(handler: LearnerHandler, request: Request): void;
  touched(sessionId: bigint, timeoutMs: number): void;
  revalidated(handler: LearnerHandler, sessionId: bigint, timeoutMs: number): boolean;
  handlerClosed(handler: LearnerHandler): void;
}

type Phase = 'arriving' | 'epoch' | 'syncing' | 'acking' | 'live';

export class LearnerHandler {
  readonly connection: PacketConnection;
  sid = -1;
  phase: Phase = 'arriving';
  lastZxid = 0n as Zxid;
  /** Leader ticks until which something must be heard from the learner. */
  deadlineTick: number;
  isClosed = false;
  readonly #context: CoreContext;
  readonly #leader: LeaderSide;
  readonly #configVersion: bigint;
  readonly #currentTick: () => number;
  #epoch = 0;
  /** Proposals sent and not acknowledged, oldest first, with the time of sending. */
  readonly #unacked = new Map<Zxid, number>();

  constructor(
    context: CoreContext,
    leader: LeaderSide,
    connection: PacketConnection,
    options: { readonly configVersion: bigint; readonly currentTick: () => number },
  ) {
    this.#context = context;
    this.#leader = leader;
    this.connection = connection;
    this.#configVersion = options.configVersion;
    this.#currentTick = options.currentTick;
    const { initLimit, syncLimit } = context.config;
    this.deadlineTick = options.currentTick() + initLimit + syncLimit;
  }

  received(bytes: Uint8Array): void {
    try {
      this.connection.input.push(bytes);
      for (;;) {
        const packet = this.isClosed ? undefined : this.connection.next();
        if (packet === undefined) return;
        this.#handle(packet);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name !== 'MalformedError' && error.name !== 'ByteQueueFullError') throw error;
      this.close(error.message);
    }
  }

  #handle(packet: QuorumPacket): void {
    this.deadlineTick = Math.max(
      this.deadlineTick,
      this.#currentTick() + this.#context.config.syncLimit,
    );
    switch (this.phase) {
      case 'arriving':
        this.#arrived(packet);
        return;
      case 'epoch':
        this.#epochAcked(packet);
        return;
      case 'syncing':
        // Only a PING answer may come before NEWLEADER is acknowledged; upstream sends none.
        if (packet.type === PacketType.ack) this.#newLeaderAcked(packet);
        return;
      default:
        this.#live(packet);
    }
  }

  #arrived(packet: QuorumPacket): void {
    if (packet.type !== PacketType.followerInfo || packet.data === null) {
      this.close(`${packetName(packet.type)} is no way to begin; only followers are served`);
      return;
    }
    const info = decode(LearnerInfo, packet.data);
    this.sid = Number(info.sid);
    if (info.protocolVersion < LEARNER_PROTOCOL_VERSION) {
      this.close(`learner protocol version ${info.protocolVersion} is too old`);
      return;
    }
    if (info.configVersion > this.#configVersion) {
      this.close('the learner has a newer configuration than the leader');
      return;
    }
    this.phase = 'epoch';
    this.#leader.learnerArrived(this, Number(packet.zxid >> 32n));
  }

  /** LEADERINFO with the epoch that is now decided. */
  proposeEpoch(epoch: number): void {
    this.#epoch = epoch;
    const data = encode(int, LEARNER_PROTOCOL_VERSION);
    this.send({ type: PacketType.leaderInfo, zxid: zxidOf(epoch, 0), data });
  }

  #epochAcked(packet: QuorumPacket): void {
    if (packet.type !== PacketType.ackEpoch || packet.data === null || this.#epoch === 0) {
      this.close(`${packetName(packet.type)} came instead of ACKEPOCH`);
      return;
    }
    this.lastZxid = zxidFrom(packet.zxid);
    this.phase = 'syncing';
    this.#leader.epochAcked(this, decode(int, packet.data), this.lastZxid);
  }

  /**
   * One step that fixes what the learner gets: the chosen range, the outstanding proposals and NEWLEADER.
   * Live traffic queues behind. For SNAP everything waits until the snapshot has been streamed.
   */
  synchronize(sync: {
    readonly choice: SyncChoice;
    readonly snapshot: SnapshotView | undefined;
    readonly outstanding: ReadonlyArray<{ readonly zxid: Zxid; readonly bytes: Uint8Array }>;
    readonly newLeader: Uint8Array;
    readonly onSnapshotSent: () => void;
  }): void {
    const { choice, snapshot } = sync;
    this.#context.trace('SyncChosen', {
      learner: this.sid,
      mode: choice.mode,
      learnerZxid: formatHex(this.lastZxid),
      zxid: formatHex(choice.mode === 'SNAP' ? (snapshot?.zxid ?? 0n) : choice.zxid),
    });
    if (choice.mode === 'SNAP') {
      this.send({ type: PacketType.snap, zxid: snapshot?.zxid ?? 0n });
      this.connection.hold();
      if (snapshot !== undefined) this.#stream(snapshot, sync.onSnapshotSent);
    } else {
      const type = choice.mode === 'DIFF' ? PacketType.diff : PacketType.trunc;
      this.send({ type, zxid: choice.zxid });
      for (const { zxid, bytes } of choice.send) {
        this.send({ type: PacketType.proposal, zxid, data: bytes });
        this.send({ type: PacketType.commit, zxid });
      }
    }
    for (const { zxid, bytes } of sync.outstanding) {
      this.send({ type: PacketType.proposal, zxid, data: bytes });
    }
    this.send({ type: PacketType.newLeader, zxid: zxidOf(this.#epoch, 0), data: sync.newLeader });
  }

  #stream(view: SnapshotView, done: () => void): void {
    const chunks = encodeSnapshotStream(view);
    const pull = (): void => {
      while (this.connection.hasCredit && !this.isClosed) {
        const chunk = chunks.next();
        if (chunk.done === true) {
          this.connection.onCredit = undefined;
          this.connection.sendNow(encode(ustring, SNAPSHOT_SIGNATURE));
          done();
          this.connection.release();
          return;
        }
        this.connection.sendNow(chunk.value);
      }
      if (this.isClosed) done();
    };
    this.connection.onCredit = pull;
    pull();
  }

  #newLeaderAcked(packet: QuorumPacket): void {
    if (zxidFrom(packet.zxid) !== zxidOf(this.#epoch, 0)) {
      this.close(`ACK of ${formatHex(packet.zxid)} came instead of the one of NEWLEADER`);
      return;
    }
    this.phase = 'acking';
    this.#leader.newLeaderAcked(this);
  }

  activate(): void {
    this.phase = 'live';
    this.send({ type: PacketType.upToDate, zxid: -1n });
  }

  #live(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.ack: {
        const zxid = zxidFrom(packet.zxid);
        this.#unacked.delete(zxid);
        // The second ACK of NEWLEADER, after UPTODATE, carries no news.
        if ((zxid & 0xffffffffn) !== 0n) this.#leader.acked(this, zxid);
        return;
      }
      case PacketType.ping:
        for (const [sessionId, timeoutMs] of decodeTouches(packet.data ?? new Uint8Array(0))) {
          this.#leader.touched(sessionId, timeoutMs);
        }
        return;
      case PacketType.revalidate:
        this.#revalidate(packet);
        return;
      case PacketType.request:
        this.#request(packet);
        return;
      default:
        this.#context.log('warn', 'ignored a packet of a learner', {
          sid: this.sid,
          packet: packetName(packet.type),
        });
    }
  }

  #revalidate(packet: QuorumPacket): void {
    if (packet.data === null)
      throw new MalformedError('no data', { record: 'Revalidate', offset: 0 });
    const { sessionId, timeoutMs } = decode(RevalidateRequest, packet.data);
    const isValid = this.#leader.revalidated(this, sessionId, timeoutMs);
    const data = new Uint8Array(9);
    const view = new DataView(data.buffer);
    view.setBigInt64(0, sessionId);
    view.setUint8(8, isValid ? 1 : 0);
    this.send({ type: PacketType.revalidate, zxid: -1n, data });
  }

  #request(packet: QuorumPacket): void {
    if (packet.data === null) throw new MalformedError('no data', { record: 'Request', offset: 0 });
    const { sessionId, cxid, type, body } = decodeForwarded(packet.data);
    this.#leader.requested(this, {
      origin: { kind: 'learner', sid: this.sid },
      sessionId,
      cxid,
      type,
      body,
      authinfo: packet.authinfo ?? [],
    });
  }

  propose(zxid: Zxid, bytes: Uint8Array): void {
    this.#unacked.set(zxid, this.#context.now());
    this.send({ type: PacketType.proposal, zxid, data: bytes });
  }

  send(packet: Parameters<PacketConnection['send']>[0]): void {
    if (this.isClosed || this.connection.send(packet)) return;
    this.close('the learner does not keep up: its queue is full');
  }

  /** A learner that answers pings but does not acknowledge has a stuck disk. */
  ping(lastProposed: Zxid): void {
    const { tickTimeMs, syncLimit } = this.#context.config;
    const oldest = this.#unacked.values().next().value;
    if (oldest !== undefined && this.#context.now() - oldest > tickTimeMs * syncLimit) {
      this.close('a proposal has not been acknowledged within syncLimit');
      return;
    }
    if (this.phase === 'acking' || this.phase === 'live') {
      this.send({ type: PacketType.ping, zxid: lastProposed });
    }
  }

  isSynced(tick: number): boolean {
    return this.phase === 'live' && tick <= this.deadlineTick;
  }

  close(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#context.log('warn', 'closed the connection of a learner', { sid: this.sid, reason });
    this.#context.close(this.connection.id);
    this.#ended();
  }

  /** The connection ended by itself. */
  lost(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#ended();
  }

  #ended(): void {
    const pull = this.connection.onCredit;
    this.connection.onCredit = undefined;
    // A stream that was cut short still gives its view back.
    pull?.();
    this.#leader.handlerClosed(this);
  }
}
