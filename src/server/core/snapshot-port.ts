/**
 * How storage and the database exchange snapshots without knowing each other: storage owns files and
 * bytes, the database owns nodes. Upstream: FileSnap, DataTree.serialize.
 */
import type { Acl } from '../../wire/client.ts';

/** StatPersisted: stored cversion counts creations only; 60 bytes on disk. */
export interface PersistedStat {
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctime: bigint;
  readonly mtime: bigint;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: bigint;
  readonly pzxid: bigint;
}

export interface SnapshotNode {
  /** The root is the empty string and comes first; parents precede children. */
  readonly path: string;
  readonly data: Uint8Array | null;
  /** -1 = world:anyone:ALL, otherwise a key of the ACL map. */
  readonly aclKey: bigint;
  readonly stat: PersistedStat;
}

/**
 * The database exactly as it was at `zxid`, whatever changes meanwhile (changed nodes keep a before-image
 * until the view is closed). Pull lazily; one view at a time.
 */
export interface SnapshotView {
  readonly zxid: bigint;
  readonly sessionCount: number;
  readonly sessions: Iterable<readonly [sessionId: bigint, timeoutMs: number]>;
  readonly aclCount: number;
  readonly acls: Iterable<readonly [key: bigint, acl: readonly Acl[]]>;
  readonly nodes: Iterator<SnapshotNode>;
  readonly treeDigest: bigint;
  close(): void;
}

/** Fills an emptied database; `finish` makes it current. Throws MalformedError for a missing parent. */
export interface SnapshotLoader {
  session(sessionId: bigint, timeoutMs: number): void;
  acl(key: bigint, acl: readonly Acl[]): void;
  node(node: SnapshotNode): void;
  finish(zxid: bigint): void;
}
