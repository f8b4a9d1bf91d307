/**
 * Log files and epoch files, the bytes on disk that are not snapshots (those are in snapshot.ts).
 *
 *   log    := "ZKLG" int 2 long 0 · { entry } · zeros
 *   entry  := long Adler-32 of the payload, zero-extended · int length · payload · 0x42
 *
 * The payload is a transaction (txn.ts). Zeros are preallocated space. The epoch files hold a decimal
 * number as text. Upstream: FileTxnLog, FilePadding, QuorumPeer.writeLongToFile.
 */
import { ByteQueue } from '../base/byte-queue.ts';
import { type Zxid, zxidFrom } from '../base/zxid.ts';
import { adler32 } from './checksum.ts';

export {
  encodeSnapshotFile,
  encodeSnapshotStream,
  SNAPSHOT_CHUNK_SIZE_BYTES,
  SNAPSHOT_END,
  SnapshotDecoder,
  type SnapshotSink,
  type SnapshotSource,
  type SnapshotTrailer,
} from './snapshot.ts';

export const LOG_MAGIC = 0x5a4b4c47;
export const LOG_VERSION = 2;
export const LOG_HEADER_SIZE_BYTES = 16;
/** A session that closes lists its ephemerals, and no frame limit bounds those. */
export const LOG_PAYLOAD_MAX_SIZE_BYTES = 256 * 1024 * 1024;

const ENTRY_HEAD_SIZE_BYTES = 12;
const END_OF_ENTRY = 0x42;
const TXN_HEADER_SIZE_BYTES = 32;
const ZXID_OFFSET = 12;

export function encodeLogHeader(): Uint8Array {
  const bytes = new Uint8Array(LOG_HEADER_SIZE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, LOG_MAGIC);
  view.setInt32(4, LOG_VERSION);
  return bytes;
}

export function encodeLogEntry(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENTRY_HEAD_SIZE_BYTES + payload.length + 1);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, adler32(payload));
  view.setInt32(8, payload.length);
  bytes.set(payload, ENTRY_HEAD_SIZE_BYTES);
  bytes[bytes.length - 1] = END_OF_ENTRY;
  return bytes;
}

export interface LogEntry {
  readonly kind: 'entry';
  /** Where the entry begins and where the next one does, counted from the start of the file. */
  readonly position: number;
  readonly end: number;
  readonly zxid: Zxid;
  readonly payload: Uint8Array;
}

/** Why a log file can be read no further; only the first two are how a file ends in good order. */
export type LogEndReason =
  | 'end-of-file'
  /** Preallocated space that was never written, or lost pages. */
  | 'zeros'
  | 'truncated'
  | 'bad-length'
  | 'bad-marker'
  | 'bad-checksum'
  /** The checksum is right and yet this is no transaction: not the work of a torn write. */
  | 'bad-record'
  /** Fewer bytes than a header has. */
  | 'no-header'
  | 'bad-header';

export interface LogEnd {
  readonly kind: 'end';
  readonly reason: LogEndReason;
  /** The end of the last good entry. */
  readonly position: number;
  /** Where the entry that could not be read says that it ends; `position` if it says nothing. */
  readonly claimedEnd: number;
}

/**
 * Reads a log file from chunks of any size. Whatever the bytes are, the answer is an entry, an end or
 * `undefined` (push more, or say that the input is finished); it never throws.
 */
export class LogReader {
  readonly #maxPayloadSizeBytes: number;
  readonly #queue = new ByteQueue(Number.MAX_SAFE_INTEGER);
  #position = 0;
  #isFinished = false;
  #end: LogEnd | undefined;

  constructor(maxPayloadSizeBytes = LOG_PAYLOAD_MAX_SIZE_BYTES) {
    this.#maxPayloadSizeBytes = maxPayloadSizeBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#end === undefined) this.#queue.push(chunk);
  }

  /** The file has no more bytes. */
  finish(): void {
    this.#isFinished = true;
  }

  next(): LogEntry | LogEnd | undefined {
    if (this.#end !== undefined) return this.#end;
    if (this.#position === 0) {
      const header = this.#readHeader();
      if (header !== 'ok') return header;
    }
    return this.#readEntry();
  }

  #stop(reason: LogEndReason, claimedEnd = this.#position): LogEnd {
    this.#end = { kind: 'end', reason, position: this.#position, claimedEnd };
    return this.#end;
  }

  #view(): DataView {
    const { bytes, offset, sizeBytes } = this.#queue;
    return new DataView(bytes.buffer, bytes.byteOffset + offset, sizeBytes);
  }

  #readHeader(): 'ok' | LogEnd | undefined {
    if (this.#queue.sizeBytes < LOG_HEADER_SIZE_BYTES) {
      return this.#isFinished ? this.#stop('no-header') : undefined;
    }
    const view = this.#view();
    if (view.getInt32(0) !== LOG_MAGIC || view.getInt32(4) !== LOG_VERSION) {
      return this.#stop('bad-header');
    }
    this.#advance(LOG_HEADER_SIZE_BYTES);
    return 'ok';
  }

  #advance(sizeBytes: number): void {
    this.#queue.consume(sizeBytes);
    this.#position += sizeBytes;
  }

  #readEntry(): LogEntry | LogEnd | undefined {
    const available = this.#queue.sizeBytes;
    if (available < ENTRY_HEAD_SIZE_BYTES) return this.#isFinished ? this.#endOfInput() : undefined;
    const view = this.#view();
    const checksum = view.getBigUint64(0);
    const length = view.getInt32(8);
    if (length === 0) return this.#stop(checksum === 0n ? 'zeros' : 'bad-length');
    if (length < 0 || length > this.#maxPayloadSizeBytes) return this.#stop('bad-length');
    const size = ENTRY_HEAD_SIZE_BYTES + length + 1;
    const end = this.#position + size;
    if (available < size) return this.#isFinished ? this.#stop('truncated', end) : undefined;
    if (view.getUint8(size - 1) !== END_OF_ENTRY) return this.#stop('bad-marker', end);
    const { bytes, offset } = this.#queue;
    const payloadAt = offset + ENTRY_HEAD_SIZE_BYTES;
    const payload = bytes.slice(payloadAt, payloadAt + length);
    if (checksum !== BigInt(adler32(payload))) return this.#stop('bad-checksum', end);
    if (length < TXN_HEADER_SIZE_BYTES) return this.#stop('bad-record', end);
    const zxid = zxidFrom(view.getBigInt64(ENTRY_HEAD_SIZE_BYTES + ZXID_OFFSET));
    const position = this.#position;
    this.#advance(size);
    return { kind: 'entry', position, end, zxid, payload };
  }

  #endOfInput(): LogEnd {
    const { bytes, offset, sizeBytes } = this.#queue;
    if (sizeBytes === 0) return this.#stop('end-of-file');
    const isZero = bytes.subarray(offset).every((byte) => byte === 0);
    return this.#stop(isZero ? 'zeros' : 'truncated', this.#position + sizeBytes);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `acceptedEpoch` and `currentEpoch`: a decimal number without a line end. */
export function encodeEpoch(epoch: number): Uint8Array {
  return encoder.encode(String(epoch));
}

/** Undefined where the text is no epoch. A line end is tolerated: people write these files by hand. */
export function decodeEpoch(bytes: Uint8Array): number | undefined {
  const text = decoder.decode(bytes);
  if (!/^[0-9]{1,10}\s*$/.test(text)) return undefined;
  const epoch = Number.parseInt(text, 10);
  return epoch <= 0x7fffffff ? epoch : undefined;
}
