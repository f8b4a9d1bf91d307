/**
 * The learner protocol. Packets stand on the TCP stream without any framing around them:
 *
 *   QuorumPacket = int type · long zxid · buffer data · vector<Id> authinfo
 *
 * After a SNAP packet a raw snapshot stream follows, then the ustring "BenWasHere". Upstream:
 * QuorumPacket, Leader (constants), LearnerInfo.
 */
import { Id } from './client.ts';
import {
  buffer,
  type Infer,
  int,
  JUTE_MAX_BUFFER,
  JuteReader,
  JuteWriter,
  long,
  MalformedError,
  nullableVector,
  record,
} from './jute.ts';

export const PacketType = {
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  revalidate: 6,
  sync: 7,
  inform: 8,
  commitAndActivate: 9,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  observerInfo: 16,
  leaderInfo: 17,
  ackEpoch: 18,
  informAndActivate: 19,
} as const;
export type PacketName = keyof typeof PacketType;

const packetNames = new Map<number, string>(
  Object.entries(PacketType).map(([name, type]) => [type, name.toUpperCase()] as const),
);
/** `FOLLOWERINFO`, `ACK`, … as the field writes them. */
export function packetName(type: number): string {
  return packetNames.get(type) ?? `PACKET${type}`;
}

export const QuorumPacket = record('QuorumPacket', {
  type: int,
  zxid: long,
  data: buffer,
  authinfo: nullableVector(Id),
});
export type QuorumPacket = Infer<typeof QuorumPacket>;

/** Body of FOLLOWERINFO and OBSERVERINFO. */
export const LearnerInfo = record('LearnerInfo', {
  sid: long,
  protocolVersion: int,
  configVersion: long,
});
export const LEARNER_PROTOCOL_VERSION = 0x10000;
/** The signature behind a snapshot stream. */
export const SNAPSHOT_SIGNATURE = 'BenWasHere';

export function encodePacket(packet: {
  readonly type: number;
  readonly zxid: bigint;
  readonly data?: Uint8Array | null;
  readonly authinfo?: readonly Id[] | null;
}): Uint8Array {
  const writer = new JuteWriter(64 + (packet.data?.length ?? 0));
  QuorumPacket.write(writer, {
    type: packet.type,
    zxid: packet.zxid,
    data: packet.data ?? null,
    authinfo: packet.authinfo ?? null,
  });
  return writer.finish();
}

/** Bound of one packet: what was accepted from a client plus headers must fit. */
export const MAX_PACKET_SIZE_BYTES = 2 * JUTE_MAX_BUFFER + 4096;

/**
 * Reads one packet at `offset`, or undefined while the bytes for it have not all arrived. Throws
 * MalformedError where more bytes cannot help.
 */
export function tryReadPacket(
  bytes: Uint8Array,
  offset: number,
): { readonly packet: QuorumPacket; readonly next: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const has = (end: number): boolean => end <= bytes.length;
  const length = (at: number): number => {
    const value = view.getInt32(at);
    if (value < -1 || value > MAX_PACKET_SIZE_BYTES) {
      throw new MalformedError(`length ${value} is out of bounds`, {
        record: 'QuorumPacket',
        offset: at,
      });
    }
    return Math.max(value, 0);
  };
  let at = offset + 12;
  if (!has(at + 4)) return undefined;
  at += 4 + length(at);
  if (!has(at + 4)) return undefined;
  const count = length(at);
  at += 4;
  for (let index = 0; index < 2 * count; index++) {
    if (!has(at + 4)) return undefined;
    at += 4 + length(at);
    if (at - offset > MAX_PACKET_SIZE_BYTES) {
      throw new MalformedError('authinfo is too long', { record: 'QuorumPacket', offset: at });
    }
  }
  if (!has(at)) return undefined;
  const reader = new JuteReader(bytes, offset, MAX_PACKET_SIZE_BYTES);
  return { packet: QuorumPacket.read(reader), next: reader.offset };
}

/** PING reply body: which sessions were heard from since the last one. */
export function encodeTouches(touches: Iterable<readonly [bigint, number]>): Uint8Array {
  const writer = new JuteWriter();
  for (const [sessionId, timeoutMs] of touches) {
    writer.long(sessionId);
    writer.int(timeoutMs);
  }
  return writer.finish();
}
export function decodeTouches(bytes: Uint8Array): Array<readonly [bigint, number]> {
  const reader = new JuteReader(bytes);
  const touches: Array<readonly [bigint, number]> = [];
  while (reader.remaining >= 12) touches.push([reader.long(), reader.int()] as const);
  return touches;
}

/** REVALIDATE: the question carries the timeout, the answer one byte. */
export const RevalidateRequest = record('Revalidate', { sessionId: long, timeoutMs: int });

/** REQUEST body: `long sessionId · int cxid · int opType · raw request record`. */
export interface ForwardedRequest {
  readonly sessionId: bigint;
  readonly cxid: number;
  readonly type: number;
  readonly body: Uint8Array;
}
export function encodeForwarded(request: ForwardedRequest): Uint8Array {
  const writer = new JuteWriter(16 + request.body.length);
  writer.long(request.sessionId);
  writer.int(request.cxid);
  writer.int(request.type);
  writer.raw(request.body);
  return writer.finish();
}
export function decodeForwarded(bytes: Uint8Array): ForwardedRequest {
  const reader = new JuteReader(bytes);
  const sessionId = reader.long();
  const cxid = reader.int();
  const type = reader.int();
  return { sessionId, cxid, type, body: bytes.slice(reader.offset) };
}
