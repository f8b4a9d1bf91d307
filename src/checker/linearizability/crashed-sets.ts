/**
 * Multisets of used crashed operations, as small integers. Crashed operations of one class are alike
 * but for their invocation, so that only how many were used matters: one counter per group. A set's hash
 * is the sum of its members', so that adding one costs one addition and one look into the table.
 */
import { mix32 } from '../../base/hash.ts';

export class CrashedSets {
  readonly #groups: number;
  /** Counters of all sets, one row per set; set 0 is empty. */
  #counters: Int32Array;
  #hashes = new Int32Array(16);
  #slots = new Int32Array(32);
  #count = 1;

  constructor(groups: number) {
    this.#groups = groups;
    this.#counters = new Int32Array(groups * 16);
    this.#slots[0] = 1;
  }

  /** Nothing crashed: there is only the empty set. */
  get isTrivial(): boolean {
    return this.#groups === 0;
  }

  get sizeBytes(): number {
    return 4 * (this.#counters.length + this.#hashes.length + this.#slots.length);
  }

  /** How many of a group the set has. */
  used(set: number, group: number): number {
    return this.#counters[set * this.#groups + group] as number;
  }

  /** The set with one more of a group. */
  plus(set: number, group: number): number {
    const hash = ((this.#hashes[set] as number) + mix32(group + 1)) | 0;
    const mask = this.#slots.length - 1;
    let slot = mix32(hash) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const other = (this.#slots[slot] as number) - 1;
      if (this.#hashes[other] === hash && this.#isSuccessor(set, group, other)) return other;
    }
    return this.#add(set, group, hash, slot);
  }

  isSubset(small: number, large: number): boolean {
    const counters = this.#counters;
    const a = small * this.#groups;
    const b = large * this.#groups;
    for (let group = 0; group < this.#groups; group++) {
      if ((counters[a + group] as number) > (counters[b + group] as number)) return false;
    }
    return true;
  }

  #isSuccessor(set: number, group: number, other: number): boolean {
    const counters = this.#counters;
    const a = set * this.#groups;
    const b = other * this.#groups;
    for (let at = 0; at < this.#groups; at++) {
      const wanted = (counters[a + at] as number) + (at === group ? 1 : 0);
      if (wanted !== counters[b + at]) return false;
    }
    return true;
  }

  #add(set: number, group: number, hash: number, slot: number): number {
    const id = this.#count++;
    if (this.#count > this.#hashes.length) {
      this.#counters = doubled(this.#counters);
      this.#hashes = doubled(this.#hashes);
    }
    const from = set * this.#groups;
    this.#counters.copyWithin(id * this.#groups, from, from + this.#groups);
    const at = id * this.#groups + group;
    this.#counters[at] = (this.#counters[at] as number) + 1;
    this.#hashes[id] = hash;
    this.#slots[slot] = id + 1;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = mix32(this.#hashes[id] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
