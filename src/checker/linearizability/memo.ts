/**
 * The configurations that a search has visited: (completed calls linearized, state), and for each of
 * them the sets of crashed calls that were used to get there. A configuration that used a superset of
 * the crashed calls of a visited one can do nothing that the visited one could not, so it is refused
 * too. Open addressing over Int32Arrays; per configuration only the window of the bitset is kept.
 */
import type { Bitset } from '../../base/bitset.ts';
import { mix32 } from '../../base/hash.ts';

const EMPTY = -1;
/** Words of one configuration record: hash, state, low, word count, offset, head of its chain. */
const RECORD = 6;

export class ConfigurationMemo {
  #slots = new Int32Array(1024).fill(EMPTY);
  #records = new Int32Array(RECORD * 512);
  #count = 0;
  /** Words of windows, and chain links (next, words …) of crashed sets. */
  #arena = new Int32Array(4096);
  #used = 0;
  readonly #crashedWords: number;

  constructor(crashedCount: number) {
    this.#crashedWords = crashedCount === 0 ? 0 : (crashedCount + 31) >>> 5;
  }

  get size(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return 4 * (this.#slots.length + this.#records.length + this.#arena.length);
  }

  /** False where this configuration, or one that is as good, was there before. */
  add(completed: Bitset, state: number, crashed: Bitset): boolean {
    const hash = mix32(completed.hash ^ Math.imul(state + 1, 0x9e3779b1));
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const record = this.#slots[slot] as number;
      if (this.#isSame(record, hash, completed, state)) return this.#addToChain(record, crashed);
    }
    this.#slots[slot] = this.#addRecord(hash, completed, state, crashed);
    if (this.#count * 2 > this.#slots.length) this.#grow();
    return true;
  }

  #isSame(record: number, hash: number, completed: Bitset, state: number): boolean {
    const records = this.#records;
    const { low, words } = completed;
    const count = Math.max(0, completed.high + 1 - low);
    if (records[record] !== hash || records[record + 1] !== state) return false;
    if (records[record + 2] !== low || records[record + 3] !== count) return false;
    const offset = records[record + 4] as number;
    for (let index = 0; index < count; index++) {
      if (this.#arena[offset + index] !== words[low + index]) return false;
    }
    return true;
  }

  #addToChain(record: number, crashed: Bitset): boolean {
    const width = this.#crashedWords;
    if (width === 0) return false;
    const head = this.#records[record + 5] as number;
    for (let link = head; link !== EMPTY; link = this.#arena[link] as number) {
      if (this.#isSubset(link + 1, crashed.words)) return false;
    }
    this.#records[record + 5] = this.#addLink(head, crashed);
    return true;
  }

  #isSubset(offset: number, of: Int32Array): boolean {
    for (let index = 0; index < this.#crashedWords; index++) {
      if (((this.#arena[offset + index] as number) & ~(of[index] as number)) !== 0) return false;
    }
    return true;
  }

  #addLink(next: number, crashed: Bitset): number {
    const link = this.#reserve(1 + this.#crashedWords);
    this.#arena[link] = next;
    for (let index = 0; index < this.#crashedWords; index++) {
      this.#arena[link + 1 + index] = crashed.words[index] as number;
    }
    return link;
  }

  #addRecord(hash: number, completed: Bitset, state: number, crashed: Bitset): number {
    const { low, words } = completed;
    const count = Math.max(0, completed.high + 1 - low);
    const offset = this.#reserve(count);
    for (let index = 0; index < count; index++) {
      this.#arena[offset + index] = words[low + index] as number;
    }
    const chain = this.#crashedWords === 0 ? EMPTY : this.#addLink(EMPTY, crashed);
    const record = this.#count++ * RECORD;
    if (record + RECORD > this.#records.length) this.#records = doubled(this.#records);
    this.#records.set([hash, state, low, count, offset, chain], record);
    return record;
  }

  #reserve(count: number): number {
    const offset = this.#used;
    this.#used += count;
    while (this.#used > this.#arena.length) this.#arena = doubled(this.#arena);
    return offset;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(EMPTY);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#count; index++) {
      const record = index * RECORD;
      let slot = (this.#records[record] as number) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = record;
    }
    this.#slots = slots;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
