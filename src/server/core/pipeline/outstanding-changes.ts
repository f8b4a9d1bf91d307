/**
 * The tree as it will be once everything decided has been applied: the database, overlaid with one
 * record per pending change. New requests are decided against this view, because their
 * transactions will be applied behind those that are still on their way. It knows the digest of
 * that future tree, too.
 *
 * Records are a queue in order of zxid, and a map from path to the newest one. Taking changes back
 * (a multi that fails half-way) restores the map and the queue exactly as they were.
 * Upstream: PrepRequestProcessor.addChangeRecord, rollbackPendingChanges,
 * ZooKeeperServer.outstandingChanges.
 */
import type { Acl } from '../../../wire/client.ts';
import type { Database } from '../database.ts';
import type { PersistedStat } from '../snapshot-port.ts';
import { nodeDigest, shiftDigest } from '../tree/node-digest.ts';
import { nodeKey } from '../tree/path.ts';

/** One node of the future tree. Never changed: a newer record replaces it. */
export interface FutureNode {
  readonly stat: PersistedStat;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly childCount: number;
}

interface ChangeRecord {
  readonly zxid: bigint;
  readonly key: string;
  /** Undefined: the node is deleted. */
  readonly node: FutureNode | undefined;
  /** What the node adds to the digest. */
  readonly digest: number;
}

export class OutstandingChanges {
  readonly #database: Database;
  #queue: ChangeRecord[] = [];
  /** Records before this index have been applied; cut off now and then. */
  #head = 0;
  readonly #newest = new Map<string, ChangeRecord>();
  /** For each record since the last mark, the one that it replaced. */
  #replaced: Array<ChangeRecord | undefined> = [];
  #digest = 0n;

  constructor(database: Database) {
    this.#database = database;
  }

  get count(): number {
    return this.#queue.length - this.#head;
  }

  /** The digest of the tree once all of this is applied. */
  get digest(): bigint {
    return this.count === 0 ? this.#database.treeDigest : this.#digest;
  }

  get(path: string): FutureNode | undefined {
    const key = nodeKey(path);
    const record = this.#newest.get(key);
    if (record !== undefined) return record.node;
    const { tree } = this.#database;
    const node = tree.get(key);
    if (node === undefined) return undefined;
    const { stat, data, children } = node;
    // A view of the moment: who records a change gives it a stat of its own.
    return { stat, data, acl: tree.acl(node), childCount: children?.size ?? 0 };
  }

  /** Sets a node, or deletes it where `node` is undefined. */
  set(zxid: bigint, path: string, node: FutureNode | undefined): void {
    const key = nodeKey(path);
    const previous = this.#newest.get(key);
    const before = previous?.digest ?? this.#database.tree.get(key)?.digest ?? 0;
    const digest = node === undefined ? 0 : nodeDigest(key, node.data, node.stat);
    this.#digest = shiftDigest(this.digest, before, digest);
    const record = { zxid, key, node, digest };
    this.#queue.push(record);
    this.#replaced.push(previous);
    this.#newest.set(key, record);
  }

  /** Ephemerals of a session in the future tree. */
  ephemeralsOf(session: bigint): Set<string> {
    const paths = new Set(this.#database.tree.ephemeralsOf(session));
    for (let index = this.#head; index < this.#queue.length; index++) {
      const { key, node } = this.#queue[index] as ChangeRecord;
      if (node?.stat.ephemeralOwner === session) paths.add(key);
      else paths.delete(key);
    }
    return paths;
  }

  /** From here on changes can be taken back. */
  mark(): void {
    this.#replaced = [];
  }

  /** Takes back every change since the last mark. */
  rollback(): void {
    for (const previous of this.#replaced.reverse()) {
      const { key, digest } = this.#queue.pop() as ChangeRecord;
      const before = previous?.digest ?? this.#database.tree.get(key)?.digest ?? 0;
      this.#digest = shiftDigest(this.#digest, digest, before);
      if (previous === undefined) this.#newest.delete(key);
      else this.#newest.set(key, previous);
    }
    this.#replaced = [];
  }

  /** The transactions up to `zxid` are in the database now. */
  applied(zxid: bigint): void {
    while (this.#head < this.#queue.length) {
      const record = this.#queue[this.#head] as ChangeRecord;
      if (record.zxid > zxid) break;
      if (this.#newest.get(record.key) === record) this.#newest.delete(record.key);
      this.#head++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    }
  }

  reset(): void {
    this.#queue = [];
    this.#replaced = [];
    this.#head = 0;
    this.#newest.clear();
  }
}
