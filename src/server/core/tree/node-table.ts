/**
 * Nodes by path, and in the order of their creation. One hash table of a million entries stands still for a
 * tenth of a second whenever it grows; many small ones grow one at a time. Their order says nothing, so
 * that of creation is a list through the nodes. Upstream: NodeHashMapImpl, which is a concurrent map.
 */
import type { Znode } from './znode.ts';

/** Each holds some thousand nodes where there are a million. */
const SHARDS = 1024;

export class NodeTable {
  readonly #shards = Array.from({ length: SHARDS }, () => new Map<string, Znode>());
  #size = 0;
  #oldest: Znode | undefined;
  #youngest: Znode | undefined;

  get size(): number {
    return this.#size;
  }

  get(path: string): Znode | undefined {
    return this.#shardOf(path).get(path);
  }

  has(path: string): boolean {
    return this.#shardOf(path).has(path);
  }

  /** Of a path that has no node. */
  add(node: Znode): void {
    this.#shardOf(node.path).set(node.path, node);
    this.#size++;
    node.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = node;
    else this.#youngest.younger = node;
    this.#youngest = node;
  }

  remove(node: Znode): void {
    if (!this.#shardOf(node.path).delete(node.path)) return;
    this.#size--;
    const { older, younger } = node;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    node.isRemoved = true;
  }

  /**
   * From the oldest on; nodes may come and go meanwhile. A removed node goes on pointing to the one that was
   * younger, so that whoever stands on it finds the way back to those that are left.
   */
  *values(): Generator<Znode, void> {
    let node = this.#oldest;
    while (node !== undefined) {
      if (!node.isRemoved) yield node;
      node = node.younger;
    }
  }

  #shardOf(path: string): Map<string, Znode> {
    let hash = 0;
    for (let at = 0; at < path.length; at++) hash = (Math.imul(hash, 31) + path.charCodeAt(at)) | 0;
    return this.#shards[(hash ^ (hash >>> 15)) & (SHARDS - 1)] as Map<string, Znode>;
  }
}
