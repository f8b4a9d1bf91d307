/** What stands on a server's disk, arranged for questions about single transactions. */
import type { LoggedTxn, ServerDisk } from '../server-evidence.ts';

export class DiskIndex {
  readonly node: number;
  readonly disk: ServerDisk;
  readonly #byZxid = new Map<bigint, LoggedTxn>();

  constructor(node: number, disk: ServerDisk) {
    this.node = node;
    this.disk = disk;
    for (const txn of disk.log) this.#byZxid.set(txn.zxid, txn);
  }

  /** Nothing could be read at all: no evidence, neither for nor against. */
  get isUnreadable(): boolean {
    const { log, snapshotZxid, problems } = this.disk;
    return problems.length > 0 && log.length === 0 && snapshotZxid < 0n;
  }

  logged(zxid: bigint): LoggedTxn | undefined {
    return this.#byZxid.get(zxid);
  }

  /**
   * The transaction is in the log; or the newest snapshot is at or after it and does not speak against
   * it (a node that the transaction wrote cannot be older in a later snapshot).
   */
  holds(zxid: bigint, path: string | undefined): boolean {
    if (this.#byZxid.has(zxid)) return true;
    if (this.disk.snapshotZxid < zxid) return false;
    const node = path === undefined ? undefined : this.disk.tree.get(path);
    return node === undefined || node.mzxid >= zxid;
  }
}

export function indexDisks(disks: ReadonlyMap<number, ServerDisk>): readonly DiskIndex[] {
  return [...disks].sort(([a], [b]) => a - b).map(([node, disk]) => new DiskIndex(node, disk));
}
