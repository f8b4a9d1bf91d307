/**
 * Two independent 32-bit hashes of a name. Sets of names are compared by the sums of their members' hashes:
 * unequal sums prove a difference, and two different sets have equal sums once in 2^64 cases, which would
 * hide a breach and never invent one.
 */
export function nameHash(name: string): readonly [number, number] {
  return [nameHashA(name), nameHashB(name)];
}

export function nameHashA(name: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return mix(hash);
}

export function nameHashB(name: string): number {
  let hash = 0x9747b28c | 0;
  for (let index = 0; index < name.length; index++) {
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + name.charCodeAt(index)) | 0;
  }
  return mix(hash ^ name.length);
}

/** MurmurHash3's last step: every bit of the input changes every bit of the output. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
