/**
 * One node of the tree, with its stat in persisted form: the stored cversion counts creations of
 * children only, and the wire form is computed from it. Upstream: DataNode, StatPersisted,
 * EphemeralType.
 */
import type { Stat } from '../../../wire/client.ts';
import type { PersistedStat } from '../snapshot-port.ts';

/** Values of a node that transactions change; everything else is fixed at its creation. */
export type MutableStat = { -readonly [K in keyof PersistedStat]: PersistedStat[K] };

export interface Znode {
  /** "" for the root. */
  readonly path: string;
  /** Counts the creations of this tree, so that a snapshot knows what it has passed. */
  readonly ordinal: number;
  data: Uint8Array | null;
  aclKey: bigint;
  readonly stat: MutableStat;
  /** Names, in order of creation; absent until there is one. */
  children: Set<string> | undefined;
  /** CRC-32 that this node adds to the digest of the tree; 0 for nodes outside it. */
  digest: number;
  /** Neighbours in the order of creation; kept by the table of nodes. */
  older: Znode | undefined;
  younger: Znode | undefined;
  isRemoved: boolean;
}

/** Owner of container nodes; the smallest long. */
export const CONTAINER_OWNER = -(1n << 63n);
const TTL_PREFIX = 0xff0000n;

export type OwnerKind = 'none' | 'container' | 'ttl' | 'session';

/**
 * What an ephemeralOwner means. A TTL owner is 0xFF, two zero bytes and 40 bits of milliseconds;
 * upstream sees it only where extended types are on, we always do, so that nobody's TTL node dies
 * as an orphan.
 */
export function ownerKind(owner: bigint): OwnerKind {
  if (owner === 0n) return 'none';
  if (owner === CONTAINER_OWNER) return 'container';
  return BigInt.asUintN(64, owner) >> 40n === TTL_PREFIX ? 'ttl' : 'session';
}

export function ttlOwner(ttlMs: bigint): bigint {
  return BigInt.asIntN(64, (TTL_PREFIX << 40n) | BigInt.asUintN(40, ttlMs));
}

export function createdStat(zxid: bigint, timeMs: bigint, owner: bigint): MutableStat {
  return {
    czxid: zxid,
    mzxid: zxid,
    ctime: timeMs,
    mtime: timeMs,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: owner,
    pzxid: zxid,
  };
}

/** The stat of nodes that exist from the start. */
export function zeroStat(): MutableStat {
  return createdStat(0n, 0n, 0n);
}

/** The wire form: cversion counts changes of children, and only a session shows as an owner. */
export function wireStat(node: Znode): Stat {
  const { stat } = node;
  const numChildren = node.children?.size ?? 0;
  return {
    czxid: stat.czxid,
    mzxid: stat.mzxid,
    ctime: stat.ctime,
    mtime: stat.mtime,
    version: stat.version,
    cversion: (2 * stat.cversion - numChildren) | 0,
    aversion: stat.aversion,
    ephemeralOwner: ownerKind(stat.ephemeralOwner) === 'session' ? stat.ephemeralOwner : 0n,
    dataLength: node.data?.length ?? 0,
    numChildren,
    pzxid: stat.pzxid,
  };
}

/**
 * The version after a write. It never becomes -1, which would mean "any" to a conditional write.
 */
export function nextVersion(version: number): number {
  const next = (version + 1) | 0;
  return next === -1 ? 0 : next;
}

/**
 * How a child's creation raises its parent: only upwards, so that a replay over a newer snapshot
 * changes nothing. -1 comes from very old logs and means "one more".
 */
export function raisedCversion(cversion: number, parentCversion: number): number | undefined {
  const next = parentCversion === -1 ? (cversion + 1) | 0 : parentCversion;
  return next > cversion ? next : undefined;
}
