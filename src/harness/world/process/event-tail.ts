/** Follows the trace file of one server, over all its lives, and hands on each complete line once. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { ProtocolEvent } from '../../../base/protocol-event.ts';

const CHUNK_BYTES = 256 * 1024;

export class EventTail {
  readonly #path: string;
  readonly #onEvent: (event: ProtocolEvent) => void;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #descriptor: number | undefined;
  #offset = 0;
  #partial: Buffer = Buffer.alloc(0);

  constructor(path: string, onEvent: (event: ProtocolEvent) => void) {
    this.#path = path;
    this.#onEvent = onEvent;
  }

  /** Reads what has been written since the last call. */
  read(): void {
    if (this.#descriptor === undefined) {
      try {
        this.#descriptor = openSync(this.#path, 'r');
      } catch {
        // Its server has not opened it yet.
        return;
      }
    }
    for (;;) {
      const size = readSync(this.#descriptor, this.#chunk, 0, CHUNK_BYTES, this.#offset);
      if (size === 0) return;
      this.#offset += size;
      this.#take(Buffer.concat([this.#partial, this.#chunk.subarray(0, size)]));
    }
  }

  /** A new life cuts a torn line of the last one from the file: it is forgotten here as well. */
  restarted(): void {
    this.#offset -= this.#partial.length;
    this.#partial = Buffer.alloc(0);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #take(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      this.#onEvent(JSON.parse(bytes.toString('utf8', start, end)) as ProtocolEvent);
      start = end + 1;
    }
    this.#partial = Buffer.from(bytes.subarray(start));
  }
}
