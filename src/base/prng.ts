/**
 * Random streams split by label: `stream(seed, 'link/1→2')` depends on the seed and the label only, so
 * that removing one fault or operation leaves every other draw as it was. The generator is
 * pure-rand's xoroshiro128+, pinned exactly: its stream is our seeds' meaning.
 */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Prng {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** A uniform integer in [low, high], both included. */
  int(low: number, high: number): number {
    return low === high ? low : uniformInt(this.#generator, low, high);
  }

  /** True with probability `perMille` / 1000. */
  chance(perMille: number): boolean {
    return this.int(0, 999) < perMille;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)] as T;
  }

  /** A new array in random order. */
  shuffle<T>(values: readonly T[]): T[] {
    const shuffled = [...values];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.int(0, index);
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }

  bytes(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes);
    for (let index = 0; index < sizeBytes; index++) bytes[index] = this.int(0, 255);
    return bytes;
  }
}

/** `seed` is hex text; `label` names who draws. */
export function prngStream(seed: string, label: string): Prng {
  return new Prng(hash32(`${seed}/${label}`));
}

/** FNV-1a over UTF-16 code units with a final avalanche (murmur3's). */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
