/**
 * One learner connection as a stream of quorum packets, used by both of its ends. Sending spends credit
 * that `bytes-drained` gives back; beyond it packets wait here, and beyond the bound the connection is
 * given up: a learner that cannot keep up is better resynchronized than remembered for ever.
 */
import { ByteQueue } from '../../base/byte-queue.ts';
import type { ConnectionId } from '../../base/core.ts';
import { encodePacket, type QuorumPacket, tryReadPacket } from '../../wire/quorum.ts';
import type { CoreContext } from './context.ts';

const CREDIT_BYTES = 1 << 20;
/** Bound of what waits for credit; SNAP keeps the live traffic of its duration here. */
const QUEUE_LIMIT_BYTES = 64 << 20;

export class PacketConnection {
  readonly id: ConnectionId;
  readonly input: ByteQueue;
  readonly #context: CoreContext;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  /** While a snapshot is streamed, packets wait behind it. */
  #isHeld = false;
  /** Called whenever credit is free again; the snapshot stream pulls from it. */
  onCredit: (() => void) | undefined;

  /** `inputLimitBytes` bounds what may wait unparsed; reading is paused long before. */
  constructor(context: CoreContext, id: ConnectionId, inputLimitBytes: number) {
    this.#context = context;
    this.id = id;
    this.input = new ByteQueue(inputLimitBytes);
  }

  /** False when the bound is exceeded; the caller closes the connection. */
  send(packet: Parameters<typeof encodePacket>[0]): boolean {
    return this.#sendBytes(encodePacket(packet));
  }

  #sendBytes(bytes: Uint8Array): boolean {
    if (this.#isHeld || this.#waiting.length > 0 || !this.hasCredit) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      return this.#waitingBytes <= QUEUE_LIMIT_BYTES;
    }
    this.sendNow(bytes);
    return true;
  }

  get hasCredit(): boolean {
    return this.#inFlightBytes < CREDIT_BYTES;
  }

  /** Bytes that overtake what waits: the snapshot stream itself. */
  sendNow(bytes: Uint8Array): void {
    this.#inFlightBytes += bytes.length;
    this.#context.send(this.id, bytes);
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#pump();
  }

  drained(sizeBytes: number): void {
    this.#inFlightBytes -= sizeBytes;
    this.#pump();
    if (this.hasCredit) this.onCredit?.();
  }

  #pump(): void {
    if (this.#isHeld) return;
    let index = 0;
    while (index < this.#waiting.length && this.hasCredit) {
      const bytes = this.#waiting[index++] as Uint8Array;
      this.#waitingBytes -= bytes.length;
      this.sendNow(bytes);
    }
    this.#waiting.splice(0, index);
  }

  /** The next whole packet; throws MalformedError for bytes that cannot become one. */
  next(): QuorumPacket | undefined {
    const { bytes, offset } = this.input;
    const read = tryReadPacket(bytes, offset);
    if (read === undefined) return undefined;
    this.input.consume(read.next - offset);
    return read.packet;
  }
}
