/**
 * Pull parsers for byte streams of unknown length: a generator says what it wants next, and is resumed with
 * it once enough chunks have come. Nothing else is kept, so that the memory of a stream is bounded by the
 * largest piece that its parser ever asks for, whatever the lengths in the stream claim.
 */

/** Bytes to be handed over, to be thrown away, or to be searched for a place that `isAt` likes. */
export type Want =
  | { readonly take: number }
  | { readonly skip: number }
  | { readonly find: number; readonly isAt: (window: Uint8Array) => boolean };

/** Resumed with the bytes of a `take`, with the window of a `find`, with nothing after a `skip`. */
export type Parser = Generator<Want, void, Uint8Array>;

const NOTHING = new Uint8Array(0);

export class StreamParser {
  readonly #parser: Parser;
  #want: Want | undefined;
  /** Of the piece under way; for a search the newest bytes of the stream. */
  #piece: Uint8Array = NOTHING;
  #filled = 0;

  constructor(parser: Parser) {
    this.#parser = parser;
    this.#resume(NOTHING);
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (this.#want !== undefined && at < chunk.length) at = this.#feed(this.#want, chunk, at);
  }

  /** Returns the place behind what it used; at least one byte, but for what needs none. */
  #feed(want: Want, chunk: Uint8Array, at: number): number {
    if ('find' in want) return this.#search(want, chunk, at);
    const wanted = 'take' in want ? want.take : want.skip;
    const used = Math.min(wanted - this.#filled, chunk.length - at);
    if ('take' in want) this.#piece.set(chunk.subarray(at, at + used), this.#filled);
    this.#filled += used;
    if (this.#filled === wanted) this.#resume('take' in want ? this.#piece : NOTHING);
    return at + used;
  }

  #search(want: Extract<Want, { find: number }>, chunk: Uint8Array, start: number): number {
    const window = this.#piece;
    for (let at = start; at < chunk.length; at++) {
      if (this.#filled < want.find) window[this.#filled++] = chunk[at] as number;
      else {
        window.copyWithin(0, 1);
        window[want.find - 1] = chunk[at] as number;
      }
      if (this.#filled === want.find && want.isAt(window)) {
        this.#resume(window);
        return at + 1;
      }
    }
    return chunk.length;
  }

  #resume(piece: Uint8Array): void {
    let next = this.#parser.next(piece);
    // What wants no bytes is there at once.
    while (next.done !== true && isNothing(next.value)) next = this.#parser.next(NOTHING);
    this.#filled = 0;
    this.#want = next.done === true ? undefined : next.value;
    const want = this.#want;
    if (want === undefined) this.#piece = NOTHING;
    else if ('take' in want) this.#piece = new Uint8Array(want.take);
    else this.#piece = 'find' in want ? new Uint8Array(want.find) : NOTHING;
  }
}

function isNothing(want: Want): boolean {
  return ('take' in want && want.take === 0) || ('skip' in want && want.skip === 0);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** For a reason. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Bytes that are no message of this protocol. */
export class NotOurs extends Error {
  override readonly name = 'NotOurs';
}
