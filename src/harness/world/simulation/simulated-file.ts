/**
 * One file of a simulated disk, in three layers: what the medium holds (`durable`), what was written since
 * the last flush (`pending`, in order), and what a reader sees (`content`, both together).
 *
 * A pending write is *handed over* once the operating system has it: that survives the process, not the
 * machine. Writes are handed over by a flush, so that `kill -9` loses what was not flushed; a flush that
 * a kill interrupts may have handed over any prefix.
 */
import type { Prng } from '../../../base/prng.ts';

interface PendingWrite {
  readonly kind: 'write';
  readonly offset: number;
  bytes: Uint8Array;
  isHandedOver: boolean;
}
interface PendingTruncation {
  readonly kind: 'truncate';
  readonly sizeBytes: number;
  /** The system call is made at once. */
  readonly isHandedOver: true;
}
type Pending = PendingWrite | PendingTruncation;

/** Chances per mille of what a power loss does to one pending write; the rest is kept. */
export interface LossChances {
  readonly lostPerMille: number;
  readonly tornPerMille: number;
}

const SECTOR_BYTES = 512;

class GrowableBytes {
  #bytes = new Uint8Array(0);
  sizeBytes = 0;

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    this.#reserve(end);
    this.#bytes.set(bytes, offset);
    if (end > this.sizeBytes) this.sizeBytes = end;
  }

  truncate(sizeBytes: number): void {
    this.#reserve(sizeBytes);
    // What lies beyond the end reads as zeros if the file grows again.
    if (sizeBytes < this.sizeBytes) this.#bytes.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  read(offset: number, sizeBytes: number): Uint8Array {
    return this.#bytes.slice(offset, Math.min(offset + sizeBytes, this.sizeBytes));
  }

  copyOf(other: GrowableBytes): void {
    this.truncate(0);
    this.write(0, other.#bytes.subarray(0, other.sizeBytes));
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(sizeBytes, 2 * this.#bytes.length, 256));
    larger.set(this.#bytes.subarray(0, this.sizeBytes));
    this.#bytes = larger;
  }
}

function apply(target: GrowableBytes, pending: Pending): void {
  if (pending.kind === 'write') target.write(pending.offset, pending.bytes);
  else target.truncate(pending.sizeBytes);
}

export class SimulatedFile {
  readonly #content = new GrowableBytes();
  readonly #durable = new GrowableBytes();
  #pending: Pending[] = [];

  get sizeBytes(): number {
    return this.#content.sizeBytes;
  }

  read(offset: number, sizeBytes: number): Uint8Array {
    return this.#content.read(offset, sizeBytes);
  }

  append(bytes: Uint8Array): void {
    this.writeAt(this.#content.sizeBytes, bytes);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#add({ kind: 'write', offset, bytes: bytes.slice(), isHandedOver: false });
  }

  truncate(sizeBytes: number): void {
    this.#add({ kind: 'truncate', sizeBytes, isHandedOver: true });
  }

  #add(pending: Pending): void {
    this.#pending.push(pending);
    apply(this.#content, pending);
  }

  flush(): void {
    for (const pending of this.#pending) apply(this.#durable, pending);
    this.#pending = [];
  }

  /** A kill while a flush is under way: any prefix of the writes may have reached the system. */
  interruptFlush(prng: Prng): void {
    const count = prng.int(0, this.#pending.length);
    for (const pending of this.#pending.slice(0, count)) {
      if (pending.kind === 'write') pending.isHandedOver = true;
    }
    const next = this.#pending[count];
    if (next?.kind === 'write' && !next.isHandedOver && prng.chance(300)) {
      next.bytes = next.bytes.slice(0, prng.int(0, next.bytes.length));
      next.isHandedOver = true;
    }
  }

  /** The process is gone: what was never handed over goes with it. */
  kill(): void {
    this.#pending = this.#pending.filter((pending) => pending.isHandedOver);
    this.#content.copyOf(this.#durable);
    for (const pending of this.#pending) apply(this.#content, pending);
  }

  /** The machine is gone: each pending write is lost, torn or kept, whatever became of its neighbours. */
  losePower(prng: Prng, chances: LossChances): void {
    for (const pending of this.#pending) {
      const draw = prng.int(0, 999);
      if (draw < chances.lostPerMille) continue;
      if (pending.kind === 'write' && draw < chances.lostPerMille + chances.tornPerMille) {
        apply(this.#durable, { ...pending, bytes: tear(pending.bytes, prng) });
      } else {
        apply(this.#durable, pending);
      }
    }
    this.#pending = [];
    this.#content.copyOf(this.#durable);
  }
}

/**
 * A torn write is a prefix; or a prefix and zeros, where the size reached the medium before the data; or
 * any subset of its sectors.
 */
function tear(bytes: Uint8Array, prng: Prng): Uint8Array {
  const prefix = bytes.slice(0, prng.int(0, bytes.length));
  const form = prng.int(0, 2);
  if (form === 0) return prefix;
  const torn = new Uint8Array(bytes.length);
  if (form === 1) {
    torn.set(prefix);
    return torn;
  }
  for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
    if (prng.chance(500)) torn.set(bytes.subarray(at, at + SECTOR_BYTES), at);
  }
  return torn;
}
