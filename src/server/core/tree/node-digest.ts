/**
 * The digest of the tree: the sum, modulo 2^64, of CRC-32(path ‖ data ‖ stat) of its nodes. Equal
 * zxids mean equal digests on every server, Apache's included, which makes it the cheapest oracle
 * there is. Nodes below /zookeeper differ between servers and are left out. Upstream:
 * DigestCalculator, AdHash.
 */
import { crc32 } from '../../../wire/checksum.ts';
import type { PersistedStat } from '../snapshot-port.ts';
import { ZOOKEEPER_PATH } from './path.ts';

const encoder = new TextEncoder();
const statBytes = new Uint8Array(60);
const statView = new DataView(statBytes.buffer);
const pathBytes = new Uint8Array(1024);

/** What a node adds to the digest of the tree; 0 for what lies below /zookeeper. */
export function nodeDigest(path: string, data: Uint8Array | null, stat: PersistedStat): number {
  if (path.startsWith(`${ZOOKEEPER_PATH}/`)) return 0;
  let crc = crc32(encodePath(path));
  if (data !== null) crc = crc32(data, crc);
  // Neither the order of the wire nor that of a snapshot.
  statView.setBigInt64(0, stat.czxid);
  statView.setBigInt64(8, stat.mzxid);
  statView.setBigInt64(16, stat.pzxid);
  statView.setBigInt64(24, stat.ctime);
  statView.setBigInt64(32, stat.mtime);
  statView.setInt32(40, stat.version);
  statView.setInt32(44, stat.cversion);
  statView.setInt32(48, stat.aversion);
  statView.setBigInt64(52, stat.ephemeralOwner);
  return crc32(statBytes, crc);
}

function encodePath(path: string): Uint8Array {
  if (path.length * 3 > pathBytes.length) return encoder.encode(path);
  return pathBytes.subarray(0, encoder.encodeInto(path, pathBytes).written);
}

/**
 * The digest after one node's part changed from `before` to `after`. Signed, as transactions carry
 * it.
 */
export function shiftDigest(digest: bigint, before: number, after: number): bigint {
  return BigInt.asIntN(64, digest + BigInt(after - before));
}
