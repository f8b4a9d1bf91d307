/** What storage needs of the database, so that neither knows the other. */
import type { Zxid } from '../../../base/zxid.ts';
import type { Txn } from '../../../wire/txn.ts';
import type { SnapshotLoader, SnapshotView } from '../snapshot-port.ts';

export interface StorageTarget {
  readonly lastProcessedZxid: Zxid;
  readonly treeDigest: bigint;
  clear(): void;
  /** Nothing is visible before the loader's `finish`. */
  beginLoad(): SnapshotLoader;
  openSnapshot(): SnapshotView;
  /** Total, and idempotent: upstream's snapshots may hold the effect already. */
  apply(txn: Txn): unknown;
}

export interface ReplayedTxn {
  readonly zxid: Zxid;
  readonly bytes: Uint8Array;
  readonly txn: Txn;
}

export type RecoveryResult =
  | {
      readonly ok: true;
      readonly lastZxid: Zxid;
      readonly snapshotZxid: Zxid;
      readonly acceptedEpoch: number;
      readonly currentEpoch: number;
      /** The newest transactions that the logs held, without a hole: a window for DIFF. */
      readonly replayed: readonly ReplayedTxn[];
    }
  | { readonly ok: false; readonly reason: string };

export type StorageResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };
