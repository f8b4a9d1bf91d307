/**
 * A set of small integers as 32-bit words that knows its window: below `low` every word is full, above
 * `high` every word is empty. Searches over histories keep one whose ones are mostly a solid prefix, so
 * that only the words between need to be hashed, compared and stored. The hash is kept incrementally
 * (one mixed word per member, combined by xor).
 */
import { mix32 } from './hash.ts';

export class Bitset {
  readonly words: Int32Array;
  /** Index of the first word that is not full. */
  low = 0;
  /** Index of the last word that is not empty; -1 without one. */
  high = -1;
  hash = 0;

  constructor(size: number) {
    // One word more than needed, so that `low` always points at a word that is not full.
    this.words = new Int32Array((size >>> 5) + 1);
  }

  has(member: number): boolean {
    return ((this.words[member >>> 5] as number) & (1 << (member & 31))) !== 0;
  }

  add(member: number): void {
    const { words } = this;
    const index = member >>> 5;
    words[index] = (words[index] as number) | (1 << (member & 31));
    this.hash ^= mix32(member + 1);
    if (index > this.high) this.high = index;
    while (words[this.low] === -1) this.low++;
  }

  delete(member: number): void {
    const { words } = this;
    const index = member >>> 5;
    words[index] = (words[index] as number) & ~(1 << (member & 31));
    this.hash ^= mix32(member + 1);
    if (index < this.low) this.low = index;
    while (this.high >= 0 && words[this.high] === 0) this.high--;
  }
}
