/**
 * Cuts a byte stream into frames `int length · payload`, as the client port and the election port
 * use them. A wrong length is noticed as soon as its four bytes are there, before anything is kept
 * for it.
 * Upstream: NIOServerCnxn.readLength, QuorumCnxManager.RecvWorker.
 */
import { ByteQueue, ByteQueueFullError } from '../base/byte-queue.ts';
import { MalformedError } from './jute.ts';

const LENGTH_BYTES = 4;
/** Chunks that arrive although reading was paused, and frames that wait for their turn. */
const SLACK_BYTES = 1024 * 1024;

export class FrameReader {
  readonly #maxSizeBytes: number;
  readonly #minSizeBytes: number;
  readonly #queue: ByteQueue;
  /** Of the whole stream, for the place in an error. */
  #consumedBytes = 0;

  constructor(maxSizeBytes: number, minSizeBytes = 0) {
    this.#maxSizeBytes = maxSizeBytes;
    this.#minSizeBytes = minSizeBytes;
    this.#queue = new ByteQueue(LENGTH_BYTES + maxSizeBytes + SLACK_BYTES);
  }

  /** Bytes that were pushed and are not yet part of a returned frame. */
  get sizeBytes(): number {
    return this.#queue.sizeBytes;
  }

  /** Throws MalformedError where the other end outruns every bound. */
  push(chunk: Uint8Array): void {
    try {
      this.#queue.push(chunk);
    } catch (error) {
      if (!(error instanceof ByteQueueFullError)) throw error;
      throw this.#malformed(error.message);
    }
  }

  /** The next whole frame as a copy of its own, or undefined while bytes are missing. */
  next(): Uint8Array | undefined {
    if (this.#queue.sizeBytes < LENGTH_BYTES) return undefined;
    const { bytes, offset } = this.#queue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = view.getInt32(offset);
    if (length < this.#minSizeBytes || length > this.#maxSizeBytes) {
      const bounds = `${this.#minSizeBytes}..${this.#maxSizeBytes}`;
      throw this.#malformed(`length ${length} is outside ${bounds}`);
    }
    if (this.#queue.sizeBytes < LENGTH_BYTES + length) return undefined;
    const start = offset + LENGTH_BYTES;
    const frame = bytes.slice(start, start + length);
    this.#queue.consume(LENGTH_BYTES + length);
    this.#consumedBytes += LENGTH_BYTES + length;
    return frame;
  }

  #malformed(problem: string): MalformedError {
    return new MalformedError(problem, {
      record: 'Frame',
      field: 'length',
      offset: this.#consumedBytes,
    });
  }
}
