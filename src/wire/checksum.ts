/**
 * The two checksums of ZooKeeper: Adler-32 guards log entries and snapshots on disk, CRC-32 makes
 * the digest of a znode. Both are incremental: pass the value so far to continue it. Upstream:
 * java.util.zip.Adler32 and CRC32.
 */
export const ADLER32_EMPTY = 1;

const ADLER_MODULUS = 65521;
/** So many bytes fit before the sums leave 31 bits, where engines keep small integers. */
const ADLER_STRIDE_BYTES = 3800;

export function adler32(bytes: Uint8Array, previous = ADLER32_EMPTY): number {
  let low = previous & 0xffff;
  let high = previous >>> 16;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + ADLER_STRIDE_BYTES, bytes.length);
    for (; at < end; at++) {
      low += bytes[at] as number;
      high += low;
    }
    low %= ADLER_MODULUS;
    high %= ADLER_MODULUS;
  }
  return ((high << 16) | low) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (let at = 0; at < bytes.length; at++) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}
