/**
 * The sum of two independent 32-bit hashes of each name of a set. Unequal sums prove that two sets differ;
 * two different sets have equal sums once in 2^64 cases, which would hide a breach and never invent one.
 */
export class NameSum {
  a: number;
  b: number;

  constructor({ a, b } = { a: 0, b: 0 }) {
    this.a = a;
    this.b = b;
  }

  add(name: string, sign: 1 | -1 = 1): void {
    let fnv = 0x811c9dc5 | 0;
    let murmur = 0x9747b28c | 0;
    for (let index = 0; index < name.length; index++) {
      const code = name.charCodeAt(index);
      fnv = Math.imul(fnv ^ code, 0x01000193);
      murmur = (Math.imul((murmur << 13) | (murmur >>> 19), 5) + code) | 0;
    }
    this.a = (this.a + sign * mix(fnv)) | 0;
    this.b = (this.b + sign * mix(murmur ^ name.length)) | 0;
  }
}

/** MurmurHash3's last step: every bit of the input changes every bit of the output. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
