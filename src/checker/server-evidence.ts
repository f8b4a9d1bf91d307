/** What a server left on its disk, decoded from its files by the harness, not told by the server. */
export interface LoggedTxn {
  readonly zxid: bigint;
  readonly session: bigint;
  readonly cxid: number;
  /** `create`, `setData`, `multi`, … */
  readonly op: string;
  /** Paths that it touches, in order. */
  readonly paths: readonly string[];
  /** Hex of a hash of the whole entry: equal entries are equal transactions. */
  readonly fingerprint: string;
  readonly file: string;
  /** A multi that failed: it stands in the log, and none of it took effect. */
  readonly isRefused?: boolean;
}

export interface DiskNode {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly pzxid: bigint;
  readonly version: number;
  readonly cversion: number;
  readonly ephemeralOwner: bigint;
}

export interface ServerDisk {
  readonly acceptedEpoch: number | undefined;
  readonly currentEpoch: number | undefined;
  /** Whole log in file order, as recovery would read it. */
  readonly log: readonly LoggedTxn[];
  /** Newest valid snapshot's zxid; -1 without one. */
  readonly snapshotZxid: bigint;
  /** The tree that newest snapshot + log give, by path. */
  readonly tree: ReadonlyMap<string, DiskNode>;
  /** Zxid up to which `tree` is. */
  readonly lastZxid: bigint;
  /** Files that could not be read, with the reason. */
  readonly problems: readonly string[];
}
