/**
 * The connection of a learner with its leader as a schedule sees it: two queues of packets. Each packet waits
 * until it is delivered by name; each end finds out by itself, and only when it is told, that the other is gone.
 */
import type { ConnectionId } from '../../src/base/core.ts';
import { counterOf, epochOf, zxidFrom } from '../../src/base/zxid.ts';
import { decode, int } from '../../src/wire/jute.ts';
import {
  PacketType,
  packetName,
  type QuorumPacket,
  SNAPSHOT_SIGNATURE,
  tryReadPacket,
} from '../../src/wire/quorum.ts';
import { decodeTxn } from '../../src/wire/txn.ts';
import { Refusal, type ScheduledServer } from './schedule-server.ts';

interface Parcel {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** As the model writes it; undefined where the model knows no such packet. */
  readonly text: string | undefined;
  /** Of a proposal: the session that it creates. */
  readonly session: bigint | undefined;
}

/** What tells transactions apart in the model, by the session that each creates. */
export type ValueOf = (sessionId: bigint) => number | undefined;

/** One direction: what an end sends, cut into packets. A snapshot is its packet and then its stream. */
class PacketQueue {
  readonly parcels: Parcel[] = [];
  #stream: { readonly chunks: Uint8Array[]; readonly text: string } | undefined;

  /** Our servers send whole packets and whole pieces of a snapshot. */
  push(bytes: Uint8Array): void {
    if (this.#stream !== undefined) {
      this.#pushStream(this.#stream, bytes);
      return;
    }
    const read = tryReadPacket(bytes, 0);
    if (read?.next !== bytes.length) throw new Refusal('a send is not exactly one packet');
    const { packet } = read;
    const name = packetName(packet.type);
    const text = textOf(packet);
    const isProposal = packet.type === PacketType.proposal && packet.data !== null;
    const session = isProposal ? decodeTxn(packet.data).header.clientId : undefined;
    if (packet.type === PacketType.snap) {
      this.#stream = { chunks: [], text: text as string };
      this.parcels.push({ bytes, name, text: undefined, session });
    } else {
      this.parcels.push({ bytes, name, text, session });
    }
  }

  #pushStream({ chunks, text }: { chunks: Uint8Array[]; text: string }, bytes: Uint8Array): void {
    chunks.push(bytes);
    if (new TextDecoder().decode(bytes.subarray(4)) !== SNAPSHOT_SIGNATURE) return;
    this.#stream = undefined;
    const whole = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
    this.parcels.push({ bytes: whole, name: 'SNAPSHOT', text, session: undefined });
  }
}

function textOf({ type, zxid, data }: QuorumPacket): string | undefined {
  const name = packetName(type);
  const at = zxidFrom(zxid);
  const pair = `${epochOf(at)}.${counterOf(at)}`;
  const body = data ?? new Uint8Array(0);
  switch (type) {
    case PacketType.followerInfo:
    case PacketType.leaderInfo:
    case PacketType.newLeader:
      return `${name} ${epochOf(at)}`;
    case PacketType.ackEpoch: {
      const epoch = decode(int, body);
      return `${name} ${epoch === -1 ? 'known' : epoch} ${pair}`;
    }
    case PacketType.upToDate:
      return name;
    case PacketType.proposal:
    case PacketType.diff:
    case PacketType.trunc:
    case PacketType.snap:
    case PacketType.commit:
    case PacketType.ack:
      return `${name} ${pair}`;
    default:
      return undefined;
  }
}

export interface LinkEnd {
  readonly server: ScheduledServer;
  readonly connection: ConnectionId;
}

export type Side = 'learner' | 'leader';

export class LearnerLink {
  readonly ends: Readonly<Record<Side, LinkEnd>>;
  /** By the side that sends. */
  readonly #queues: Readonly<Record<Side, PacketQueue>>;
  readonly #valueOf: ValueOf;
  readonly #isOpen: Record<Side, boolean> = { learner: true, leader: true };
  #hasActivated = false;
  #isStill = false;

  constructor(learner: LinkEnd, leader: LinkEnd, valueOf: ValueOf) {
    this.ends = { learner, leader };
    this.#queues = { learner: new PacketQueue(), leader: new PacketQueue() };
    this.#valueOf = valueOf;
  }

  isOpen(side: Side): boolean {
    return this.#isOpen[side];
  }

  sent(from: Side, bytes: Uint8Array): void {
    if (!this.#isOpen[other(from)]) return;
    this.#queues[from].push(bytes);
    this.#passUnmodelled(from);
  }

  /** The end is gone: what was on its way there is lost, what it sent before may still arrive. */
  closed(side: Side): void {
    this.#isOpen[side] = false;
    this.#queues[other(side)].parcels.length = 0;
  }

  /** While `work` goes on nothing arrives, not even a ping. */
  keepStill(work: () => void): void {
    this.#isStill = true;
    work();
    this.#isStill = false;
    this.#passUnmodelled('learner');
    this.#passUnmodelled('leader');
  }

  /** Nothing that is on its way arrives. */
  lose(): void {
    for (const { parcels } of Object.values(this.#queues)) parcels.length = 0;
  }

  /** The packet that arrives next must be this one. */
  deliver(from: Side, name: string): void {
    const { parcels } = this.#queues[from];
    const [head] = parcels;
    if (head?.name !== name) {
      throw new Refusal(`${name} should arrive next, but it is ${head?.name ?? 'nothing'}`);
    }
    parcels.shift();
    this.#give(from, head);
    this.#passUnmodelled(from);
  }

  #give(from: Side, { bytes, name }: Parcel): void {
    if (name === 'UPTODATE') this.#hasActivated = true;
    const { connection, server } = this.ends[other(from)];
    server.give({ type: 'bytes-received', connection, bytes });
  }

  /** Pings, and the second ACK of NEWLEADER, which says that UPTODATE came: no steps of the model. */
  #passUnmodelled(from: Side): void {
    const { parcels } = this.#queues[from];
    for (let head = parcels[0]; head !== undefined && !this.#isStill; head = parcels[0]) {
      if (!this.#isUnmodelled(from, head)) return;
      parcels.shift();
      this.#give(from, head);
    }
  }

  #isUnmodelled(from: Side, { name, text }: Parcel): boolean {
    if (name === 'SNAP') return false;
    return text === undefined || (from === 'learner' && this.#isSecondAck(text));
  }

  #isSecondAck(text: string): boolean {
    return this.#hasActivated && /^ACK \d+\.0$/.test(text);
  }

  inFlight(from: Side): readonly string[] {
    return this.#queues[from].parcels.flatMap((parcel) => {
      const { session, text } = parcel;
      if (text === undefined || this.#isUnmodelled(from, parcel)) return [];
      return [session === undefined ? text : `${text} = ${this.#valueOf(session)}`];
    });
  }
}

export function other(side: Side): Side {
  return side === 'learner' ? 'leader' : 'learner';
}
