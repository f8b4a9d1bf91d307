/**
 * Chunks of a byte stream in, one contiguous run of unread bytes out. A parser looks at `bytes`
 * from `offset` on and consumes what it understood; the rest waits for the next chunk. Every byte
 * is copied O(1) times on average, whatever the chunk sizes, and never aliases a chunk that was
 * pushed.
 */

/** More unread bytes than the queue may hold: the other end sends faster than it may. */
export class ByteQueueFullError extends Error {
  override readonly name = 'ByteQueueFullError';
}

/** Room for the largest packet of any port, several times over. */
const DEFAULT_MAX_SIZE_BYTES = 8 * 1024 * 1024;
const INITIAL_CAPACITY_BYTES = 1024;
/** An emptied queue gives back a larger buffer than this: idle connections must stay cheap. */
const KEPT_CAPACITY_BYTES = 64 * 1024;

export class ByteQueue {
  readonly #maxSizeBytes: number;
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;

  constructor(maxSizeBytes = DEFAULT_MAX_SIZE_BYTES) {
    this.#maxSizeBytes = maxSizeBytes;
  }

  /** The unread bytes are `bytes[offset …]`. Valid until the next `push` or `consume`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#end);
  }
  get offset(): number {
    return this.#start;
  }
  get sizeBytes(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    const neededBytes = this.sizeBytes + chunk.length;
    if (neededBytes > this.#maxSizeBytes) {
      throw new ByteQueueFullError(
        `${neededBytes} unread bytes exceed the bound of ${this.#maxSizeBytes}`,
      );
    }
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(neededBytes);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * Moving inside the buffer is free only if at least half of it was consumed since the last move;
   * otherwise the buffer doubles. Both pay for the copied bytes with bytes that came or went.
   */
  #makeRoom(neededBytes: number): void {
    if (neededBytes <= this.#buffer.length / 2) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    } else {
      const larger = new Uint8Array(Math.max(INITIAL_CAPACITY_BYTES, 2 * neededBytes));
      larger.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = larger;
    }
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** Drops up to `sizeBytes` bytes from the front. */
  consume(sizeBytes: number): void {
    this.#start += Math.min(sizeBytes, this.sizeBytes);
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer.length > KEPT_CAPACITY_BYTES) this.#buffer = new Uint8Array(0);
  }
}
