/**
 * The election port. The side that opened the connection sends one initial message, nothing is
 * answered; then both sides send frames `int length (1..524288) · notification`.
 *
 *   initial      = long -65536 (V1) · long sid · int length ·
 *                  "host:port" of the sender's election address
 *   notification = int state · long leader · long zxid · long electionEpoch · long peerEpoch ·
 *                  int 2 · int configLength · config text
 *
 * Upstream: QuorumCnxManager.InitialMessage, FastLeaderElection (buildMsg, WorkerReceiver).
 */
import { JuteReader, JuteWriter, MalformedError } from './jute.ts';

export const ELECTION_PROTOCOL_V1 = -65536n;
export const ELECTION_PROTOCOL_V2 = -65535n;
export const MAX_ELECTION_FRAME_BYTES = 524288;
const MAX_ADDRESS_BYTES = 2048;

export interface InitialMessage {
  readonly sid: bigint;
  /** `host:port`, several joined by `|` in V2; undefined in the ancient format. */
  readonly address?: string;
}

export function encodeInitialMessage(message: {
  readonly sid: bigint;
  readonly address: string;
}): Uint8Array {
  const writer = new JuteWriter();
  writer.long(ELECTION_PROTOCOL_V1);
  writer.long(message.sid);
  writer.ustring(message.address);
  return writer.finish();
}

/** Undefined while more bytes are needed; MalformedError where the peer is not one of ours. */
export function tryReadInitialMessage(
  bytes: Uint8Array,
  offset: number,
): { readonly message: InitialMessage; readonly next: number } | undefined {
  if (bytes.length - offset < 8) return undefined;
  const reader = new JuteReader(bytes, offset);
  const version = reader.long();
  if (version >= 0n) return { message: { sid: version }, next: reader.offset };
  if (version !== ELECTION_PROTOCOL_V1 && version !== ELECTION_PROTOCOL_V2) {
    throw new MalformedError(`protocol version ${version} is unknown`, {
      record: 'InitialMessage',
      offset,
    });
  }
  if (reader.remaining < 12) return undefined;
  const sid = reader.long();
  const length = reader.int();
  if (length <= 0 || length > MAX_ADDRESS_BYTES) {
    throw new MalformedError(`address length ${length} is outside 1..${MAX_ADDRESS_BYTES}`, {
      record: 'InitialMessage',
      offset: reader.offset - 4,
    });
  }
  if (reader.remaining < length) return undefined;
  const end = reader.offset + length;
  const address = new TextDecoder().decode(bytes.subarray(reader.offset, end));
  return { message: { sid, address }, next: end };
}

export const PeerState = { looking: 0, following: 1, leading: 2, observing: 3 } as const;
export type PeerStateName = keyof typeof PeerState;
const stateNames = Object.keys(PeerState) as PeerStateName[];

export interface Notification {
  readonly state: PeerStateName;
  readonly leader: bigint;
  readonly zxid: bigint;
  /** The round ("logical clock"). */
  readonly electionEpoch: bigint;
  /** currentEpoch of the proposed leader. */
  readonly peerEpoch: bigint;
  /** 2 for everything since 3.5; 0 for the 28- and 40-byte forms. */
  readonly version: number;
  readonly config?: string;
}

/** The payload, without its frame. */
export function encodeNotification(notification: Omit<Notification, 'version'>): Uint8Array {
  const writer = new JuteWriter(256);
  writer.int(PeerState[notification.state]);
  writer.long(notification.leader);
  writer.long(notification.zxid);
  writer.long(notification.electionEpoch);
  writer.long(notification.peerEpoch);
  writer.int(2);
  const config = new TextEncoder().encode(notification.config ?? '');
  writer.int(config.length);
  writer.raw(config);
  return writer.finish();
}

/** Undefined for what a receiver must ignore: too short, unknown state, bad config length. */
export function decodeNotification(payload: Uint8Array): Notification | undefined {
  if (payload.length < 28) return undefined;
  const reader = new JuteReader(payload);
  const state = stateNames[reader.int()];
  if (state === undefined) return undefined;
  const leader = reader.long();
  const zxid = reader.long();
  const electionEpoch = reader.long();
  if (payload.length === 28) {
    return {
      state,
      leader,
      zxid,
      electionEpoch,
      peerEpoch: BigInt.asIntN(64, zxid >> 32n),
      version: 0,
    };
  }
  if (reader.remaining < 8) return undefined;
  const peerEpoch = reader.long();
  if (payload.length === 40) return { state, leader, zxid, electionEpoch, peerEpoch, version: 0 };
  if (reader.remaining < 8) return undefined;
  const version = reader.int();
  const length = reader.int();
  if (length < 0 || length > reader.remaining) return undefined;
  const config = new TextDecoder().decode(payload.subarray(reader.offset, reader.offset + length));
  return { state, leader, zxid, electionEpoch, peerEpoch, version, config };
}
