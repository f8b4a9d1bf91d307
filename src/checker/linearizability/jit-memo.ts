/**
 * Configurations that the search has visited: level, state, the slots' bits, and beside each the sets
 * of crashed operations used on the way. Whoever used a superset of the crashed operations of a visited,
 * otherwise equal configuration can do nothing that the visited one could not, so it is refused too.
 * Open addressing over one Int32Array of records.
 */
import { mix32 } from '../../base/hash.ts';
import type { CrashedSets } from './crashed-sets.ts';

const EMPTY = 0;
/** Sets of crashed operations that are compared one by one; further ones are only looked up. */
const MAX_CHAIN = 24;
const SET_FACTOR = 1 << 26;
/** Words before the bits: level, state, head of the chain. */
const HEAD = 3;

export class JitMemo {
  readonly #width: number;
  readonly #record: number;
  readonly #crashed: CrashedSets;
  readonly #hasDominance: boolean;
  #slots = new Int32Array(128);
  #records: Int32Array;
  #count = 0;
  /** Pairs: set, next link + 1. */
  #links = new Int32Array(16);
  #linkCount = 0;
  readonly #overflow = new Set<number>();

  constructor(width: number, crashed: CrashedSets, hasDominance: boolean) {
    this.#width = width;
    this.#record = HEAD + width;
    this.#crashed = crashed;
    this.#hasDominance = hasDominance;
    this.#records = new Int32Array(this.#record * 64);
  }

  get size(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    const words = this.#slots.length + this.#records.length + this.#links.length;
    return 4 * words + 40 * this.#overflow.size;
  }

  /** False where this configuration, or one that is as good, was there before. */
  add(level: number, state: number, bits: Int32Array, used: number): boolean {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(level, state, bits, 0) & mask;
    for (; this.#slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const record = ((this.#slots[slot] as number) - 1) * this.#record;
      if (this.#isSame(record, level, state, bits)) return this.#addToChain(record, used);
    }
    const record = this.#count * this.#record;
    if (record + this.#record > this.#records.length) this.#records = doubled(this.#records);
    this.#records[record] = level;
    this.#records[record + 1] = state;
    this.#records[record + 2] = this.#crashed.isTrivial ? 0 : this.#link(used, 0);
    for (let word = 0; word < this.#width; word++) {
      this.#records[record + HEAD + word] = bits[word] as number;
    }
    this.#slots[slot] = ++this.#count;
    if (this.#count * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return true;
  }

  /**
   * Forgets what lies before a level: sound, because forgetting only makes the search look again, and
   * cheap behind a quiescent cut, past which the search seldom comes back.
   */
  forgetBefore(level: number): boolean {
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      const record = index * this.#record;
      if ((this.#records[record] as number) < level) continue;
      this.#records.copyWithin(kept++ * this.#record, record, record + this.#record);
    }
    const hasForgotten = kept * 2 < this.#count;
    this.#count = kept;
    if (hasForgotten) this.#records = this.#records.slice(0, Math.max(64, kept * 2) * this.#record);
    let length = 128;
    while (length < kept * 2 + 2) length *= 2;
    this.#rehash(length);
    return hasForgotten;
  }

  #hash(level: number, state: number, bits: Int32Array, offset: number): number {
    let hash = Math.imul(level, 0x9e3779b1) ^ Math.imul(state, 0x85ebca77);
    for (let word = 0; word < this.#width; word++) {
      hash = mix32(hash ^ (bits[offset + word] as number));
    }
    return mix32(hash);
  }

  #isSame(record: number, level: number, state: number, bits: Int32Array): boolean {
    const records = this.#records;
    if (records[record] !== level || records[record + 1] !== state) return false;
    for (let word = 0; word < this.#width; word++) {
      if (records[record + HEAD + word] !== bits[word]) return false;
    }
    return true;
  }

  #addToChain(record: number, used: number): boolean {
    if (this.#crashed.isTrivial) return false;
    const head = this.#records[record + 2] as number;
    let length = 0;
    for (let link = head; link !== 0; link = this.#links[2 * link - 1] as number) {
      const other = this.#links[2 * link - 2] as number;
      if (other === used) return false;
      if (this.#hasDominance && this.#crashed.isSubset(other, used)) return false;
      length++;
    }
    if (length < MAX_CHAIN) {
      this.#records[record + 2] = this.#link(used, head);
      return true;
    }
    // Heads are never reused, so that the last one names the record even when records move.
    const name = head * SET_FACTOR + used;
    if (this.#overflow.has(name)) return false;
    this.#overflow.add(name);
    return true;
  }

  #link(used: number, next: number): number {
    if (2 * this.#linkCount + 2 > this.#links.length) this.#links = doubled(this.#links);
    this.#links[2 * this.#linkCount] = used;
    this.#links[2 * this.#linkCount + 1] = next;
    return ++this.#linkCount;
  }

  #rehash(length: number): void {
    const slots = new Int32Array(length);
    const mask = length - 1;
    for (let index = 0; index < this.#count; index++) {
      const record = index * this.#record;
      const level = this.#records[record] as number;
      const state = this.#records[record + 1] as number;
      let slot = this.#hash(level, state, this.#records, record + HEAD) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
