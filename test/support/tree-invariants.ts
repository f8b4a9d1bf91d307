/** What must hold for any tree, and one text that is equal for equal trees. */
import { crc32 } from 'node:zlib';
import type { Database } from '../../src/server/core/database.ts';
import type { DataTree } from '../../src/server/core/tree/data-tree.ts';
import { ownerKind, type Znode } from '../../src/server/core/tree/znode.ts';

const hex = (data: Uint8Array | null) =>
  data === null ? 'null' : Buffer.from(data).toString('hex');

/**
 * Everything that clients or other servers could tell apart; keys of ACLs and orders are not part
 * of it.
 */
export function snapshotText(database: Database): string {
  const { tree } = database;
  const nodes = [...tree.nodes()].map(({ path, data, stat, aclKey }) => {
    const acl = aclKey === -1n ? 'open' : JSON.stringify(tree.acl({ aclKey } as Znode));
    return `${path} ${hex(data)} ${Object.values(stat).join(' ')} ${acl}`;
  });
  const sessions = [...database.sessions].map(([id, timeoutMs]) => `${id} ${timeoutMs}`);
  return [`zxid ${database.lastProcessedZxid}`, ...sessions.sort(), ...nodes.sort()].join('\n');
}

/** Problems found; none in a sound tree. */
export function brokenInvariants(tree: DataTree): string[] {
  const problems: string[] = [];
  const nodes = new Map([...tree.nodes()].map((node) => [node.path, node]));
  let digest = 0n;
  let ephemerals = 0;
  let sizeBytes = 0;
  let lastOrdinal = -1;
  for (const [path, node] of nodes) {
    if (node.ordinal <= lastOrdinal) problems.push(`${path} is out of order`);
    lastOrdinal = node.ordinal;
    if (path !== '') {
      const parent = nodes.get(path.slice(0, path.lastIndexOf('/')));
      if (parent === undefined) problems.push(`${path} has no parent`);
      else if (parent.ordinal >= node.ordinal) problems.push(`${path} is older than its parent`);
      if (parent?.children?.has(path.slice(path.lastIndexOf('/') + 1)) !== true) {
        problems.push(`${path} is no child of its parent`);
      }
    }
    for (const name of node.children ?? []) {
      if (!nodes.has(`${path}/${name}`)) problems.push(`${path} has a child ${name} too many`);
    }
    const isSession = ownerKind(node.stat.ephemeralOwner) === 'session';
    if (isSession) ephemerals++;
    if (isSession !== tree.ephemeralsOf(node.stat.ephemeralOwner).has(path)) {
      problems.push(`${path} is indexed wrongly`);
    }
    sizeBytes += path.length + (node.data?.length ?? 0);
    if (!path.startsWith('/zookeeper/')) digest += BigInt(digestOf(node));
  }
  if (tree.ephemeralCount !== ephemerals) problems.push('the count of ephemerals is wrong');
  let indexed = 0;
  for (const owner of tree.ephemeralOwners()) indexed += tree.ephemeralsOf(owner).size;
  if (indexed !== ephemerals) problems.push('the index holds a node that is gone');
  if (tree.dataSizeBytes !== sizeBytes) problems.push('the size is wrong');
  if (tree.digest !== BigInt.asIntN(64, digest)) problems.push('the digest is wrong');
  const uses = new Map<bigint, number>();
  for (const { aclKey } of nodes.values()) uses.set(aclKey, (uses.get(aclKey) ?? 0) + 1);
  for (const [key] of tree.aclEntries()) {
    if (!uses.delete(key)) problems.push(`ACL ${key} is unused`);
  }
  uses.delete(-1n);
  if (uses.size > 0) problems.push(`ACLs ${[...uses.keys()].join()} are missing`);
  return problems;
}

function digestOf({ path, data, stat }: Znode): number {
  const bytes = Buffer.alloc(60);
  [stat.czxid, stat.mzxid, stat.pzxid, stat.ctime, stat.mtime].forEach((value, index) => {
    bytes.writeBigInt64BE(value, index * 8);
  });
  [stat.version, stat.cversion, stat.aversion].forEach((value, index) => {
    bytes.writeInt32BE(value, 40 + index * 4);
  });
  bytes.writeBigInt64BE(stat.ephemeralOwner, 52);
  return crc32(Buffer.concat([Buffer.from(path), data ?? Buffer.alloc(0), bytes]));
}
