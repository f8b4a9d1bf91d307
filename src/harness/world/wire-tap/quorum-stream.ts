/**
 * Both directions of a learner's connection. Packets stand without framing on the stream (see
 * `src/wire/quorum.ts`); a snapshot stands raw between SNAP and its signature. Only headers are kept.
 *
 * Where a stream makes no sense it is searched for a bare packet: a known type, a zxid that can be one, no
 * data, no authinfo. COMMIT, ACK and the leader's PING are such, so that a tap that came late, or met
 * garbage, finds its way back within a tick of a living ensemble.
 */
import { formatHex } from '../../../base/zxid.ts';
import { opName } from '../../../wire/client.ts';
import {
  MAX_PACKET_SIZE_BYTES,
  PacketType,
  packetName,
  SNAPSHOT_SIGNATURE,
} from '../../../wire/quorum.ts';
import { hexOf, NotOurs, type Parser, viewOf, type Want } from './stream-parser.ts';
import type { TapMessage } from './tap-event.ts';

const HEADER_BYTES = 16;
const BARE_BYTES = 20;
/** Enough for LearnerInfo, for the head of a request and for a transaction header. */
const DATA_KEPT_BYTES = 64;
const MAX_AUTHINFO = 64;

type Emit = (message: TapMessage) => void;

const toLeader = new Set<number>([
  PacketType.request,
  PacketType.ack,
  PacketType.ping,
  PacketType.revalidate,
  PacketType.followerInfo,
  PacketType.observerInfo,
  PacketType.ackEpoch,
]);
const toLearner = new Set<number>([
  PacketType.proposal,
  PacketType.commit,
  PacketType.ping,
  PacketType.revalidate,
  PacketType.sync,
  PacketType.inform,
  PacketType.commitAndActivate,
  PacketType.newLeader,
  PacketType.upToDate,
  PacketType.diff,
  PacketType.trunc,
  PacketType.snap,
  PacketType.leaderInfo,
  PacketType.informAndActivate,
]);

interface Packet {
  readonly type: number;
  readonly zxid: bigint;
  /** Its beginning. */
  readonly data: Uint8Array;
}

export function* quorumStream(direction: 'to-leader' | 'to-learner', emit: Emit): Parser {
  const types = direction === 'to-leader' ? toLeader : toLearner;
  let header: Uint8Array | undefined;
  for (;;) {
    try {
      const packet: Packet = yield* readPacket(types, header);
      header = undefined;
      const message = messageOf(packet);
      if (message !== undefined) emit(message);
      if (packet.type === PacketType.snap) header = yield* skipSnapshot(types);
    } catch (error) {
      if (!(error instanceof NotOurs)) throw error;
      emit({ message: 'gap', reason: error.message });
      const bare = yield { find: BARE_BYTES, isAt: (window) => isBare(window, types) };
      const view = viewOf(bare);
      const message = messageOf({
        type: view.getInt32(0),
        zxid: view.getBigInt64(4),
        data: new Uint8Array(0),
      });
      if (message !== undefined) emit(message);
      header = undefined;
    }
  }
}

function* readPacket(
  types: ReadonlySet<number>,
  known: Uint8Array | undefined,
): Generator<Want, Packet, Uint8Array> {
  const header = known ?? (yield { take: HEADER_BYTES });
  if (!isHeader(header, types)) throw new NotOurs(`no packet begins with ${hexOf(header)}`);
  const view = viewOf(header);
  const length = Math.max(0, view.getInt32(12));
  const kept = Math.min(length, DATA_KEPT_BYTES);
  const data = yield { take: kept };
  yield { skip: length - kept };
  const count = viewOf(yield { take: 4 }).getInt32(0);
  if (count < -1 || count > MAX_AUTHINFO) throw new NotOurs(`authinfo of ${count} ids`);
  for (let part = 0; part < 2 * count; part++) {
    const size = viewOf(yield { take: 4 }).getInt32(0);
    if (size < -1 || size > MAX_PACKET_SIZE_BYTES) throw new NotOurs(`an id of ${size} bytes`);
    yield { skip: Math.max(0, size) };
  }
  return { type: view.getInt32(0), zxid: view.getBigInt64(4), data };
}

/** A node's data may hold the signature too: only a packet behind it proves the end. Returns its head. */
function* skipSnapshot(types: ReadonlySet<number>): Generator<Want, Uint8Array, Uint8Array> {
  for (;;) {
    yield { find: signature.length, isAt: isSignature };
    const header = yield { take: HEADER_BYTES };
    if (isHeader(header, types)) return header;
  }
}

const signature = new Uint8Array(4 + SNAPSHOT_SIGNATURE.length);
viewOf(signature).setInt32(0, SNAPSHOT_SIGNATURE.length);
signature.set(new TextEncoder().encode(SNAPSHOT_SIGNATURE), 4);

function isSignature(window: Uint8Array): boolean {
  return window.every((byte, index) => byte === signature[index]);
}

function isHeader(bytes: Uint8Array, types: ReadonlySet<number>): boolean {
  const view = viewOf(bytes);
  const length = view.getInt32(12);
  if (!types.has(view.getInt32(0)) || length < -1 || length > MAX_PACKET_SIZE_BYTES) return false;
  return isZxid(view.getBigInt64(4));
}

/** Epochs are counted; no ensemble comes far. */
function isZxid(zxid: bigint): boolean {
  return zxid >= -1n && zxid >> 32n < 1n << 24n;
}

/** Header without data, then no authinfo. */
function isBare(window: Uint8Array, types: ReadonlySet<number>): boolean {
  const view = viewOf(window);
  return view.getInt32(12) === -1 && view.getInt32(16) === -1 && isHeader(window, types);
}

function messageOf({ type, zxid, data }: Packet): TapMessage | undefined {
  const view = viewOf(data);
  const epoch = Number(zxid >> 32n);
  switch (type) {
    case PacketType.followerInfo:
    case PacketType.observerInfo: {
      const message = type === PacketType.followerInfo ? 'FOLLOWERINFO' : 'OBSERVERINFO';
      const isWhole = data.length >= 8;
      return {
        message,
        acceptedEpoch: epoch,
        ...(isWhole ? { sid: Number(view.getBigInt64(0)) } : {}),
      };
    }
    case PacketType.leaderInfo:
      return { message: 'LEADERINFO', epoch };
    case PacketType.newLeader:
      return { message: 'NEWLEADER', epoch };
    case PacketType.ackEpoch:
      if (data.length < 4) throw new NotOurs('an ACKEPOCH without its epoch');
      return { message: 'ACKEPOCH', zxid: formatHex(zxid), currentEpoch: view.getInt32(0) };
    case PacketType.upToDate:
      return { message: 'UPTODATE' };
    case PacketType.ack:
    case PacketType.commit:
    case PacketType.diff:
    case PacketType.trunc:
    case PacketType.snap: {
      const message = packetName(type) as 'ACK' | 'COMMIT' | 'DIFF' | 'TRUNC' | 'SNAP';
      return { message, zxid: formatHex(zxid) };
    }
    case PacketType.commitAndActivate:
      return { message: 'COMMIT', zxid: formatHex(zxid) };
    case PacketType.proposal:
    case PacketType.inform:
      return proposalOf(type, zxid, data);
    case PacketType.request: {
      if (data.length < 16) throw new NotOurs('a REQUEST without its head');
      const session = formatHex(view.getBigInt64(0));
      const op = opName(view.getInt32(12));
      return { message: 'REQUEST', session, cxid: view.getInt32(8), op };
    }
    default:
      return undefined;
  }
}

/** The transaction's header says whose it is. */
function proposalOf(type: number, zxid: bigint, data: Uint8Array): TapMessage {
  if (data.length < 32) throw new NotOurs('a proposal without a transaction');
  const view = viewOf(data);
  return {
    message: type === PacketType.proposal ? 'PROPOSAL' : 'INFORM',
    zxid: formatHex(zxid),
    session: formatHex(view.getBigInt64(0)),
    cxid: view.getInt32(8),
    op: opName(view.getInt32(28)),
  };
}
