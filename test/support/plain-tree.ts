/** The plain tree in the terms of the wire, and its digest added up from nothing, with Node's own CRC-32. */
import { crc32 } from 'node:zlib';
import type { NodeStat, PlainNode, PlainTree } from '../../src/checker/models/plain-tree.ts';
import type { Stat } from '../../src/wire/client.ts';

/** Sessions are named by their decimal number. */
export function wireStatOf(stat: NodeStat): Stat {
  return {
    czxid: BigInt(stat.czxid),
    mzxid: BigInt(stat.mzxid),
    pzxid: BigInt(stat.pzxid),
    ctime: BigInt(stat.ctime),
    mtime: BigInt(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: BigInt(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

export function digestOf(tree: PlainTree): bigint {
  let sum = 0n;
  for (const [path, node] of tree.nodes) {
    if (path.startsWith('/zookeeper/')) continue;
    sum += BigInt(nodeDigest(path, node));
  }
  return BigInt.asIntN(64, sum);
}

function nodeDigest(path: string, node: PlainNode): number {
  const stat = Buffer.alloc(60);
  [node.czxid, node.mzxid, node.pzxid, node.ctime, node.mtime].forEach((value, index) => {
    stat.writeBigInt64BE(BigInt(value), index * 8);
  });
  [node.version, node.childrenCreated, node.aversion].forEach((value, index) => {
    stat.writeInt32BE(value, 40 + index * 4);
  });
  stat.writeBigInt64BE(BigInt(node.owner), 52);
  const text = Buffer.from(node.data ?? '', 'latin1');
  return crc32(Buffer.concat([Buffer.from(path === '/' ? '' : path), text, stat]));
}
