/**
 * A tree as it was at one moment, read lazily while transactions go on. Nodes are walked in the
 * order of their creation, in which parents precede children. A node that changes before it was
 * passed leaves a before-image; one that is removed leaves it in a list that is told at the end,
 * last removed first, because a parent is always removed after its children. Nodes younger than
 * the view are skipped.
 *
 * Upstream's snapshots are fuzzy: they mix states, and replay has to repair them. Ours are exact.
 */
import type { SnapshotNode } from '../snapshot-port.ts';
import type { Znode } from './znode.ts';

export class TreeView implements Iterator<SnapshotNode> {
  readonly #nodes: Iterator<Znode>;
  /** First ordinal that the view doesn't contain. */
  readonly #endOrdinal: number;
  #passedOrdinal = -1;
  readonly #images = new Map<number, SnapshotNode>();
  readonly #removed: SnapshotNode[] = [];

  constructor(nodes: Iterator<Znode>, endOrdinal: number) {
    this.#nodes = nodes;
    this.#endOrdinal = endOrdinal;
  }

  /** Before-images held at the moment: the memory that the view costs. */
  get imageCount(): number {
    return this.#images.size + this.#removed.length;
  }

  beforeChange(node: Znode): void {
    if (!this.#isAhead(node) || this.#images.has(node.ordinal)) return;
    this.#images.set(node.ordinal, snapshotNode(node));
  }

  beforeRemoval(node: Znode): void {
    if (!this.#isAhead(node)) return;
    this.#removed.push(this.#images.get(node.ordinal) ?? snapshotNode(node));
    this.#images.delete(node.ordinal);
  }

  #isAhead(node: Znode): boolean {
    return node.ordinal > this.#passedOrdinal && node.ordinal < this.#endOrdinal;
  }

  next(): IteratorResult<SnapshotNode> {
    if (this.#passedOrdinal < this.#endOrdinal) {
      const { done, value: node } = this.#nodes.next();
      if (done !== true && node.ordinal < this.#endOrdinal) {
        const value = this.#images.get(node.ordinal) ?? snapshotNode(node);
        this.#images.delete(node.ordinal);
        this.#passedOrdinal = node.ordinal;
        return { done: false, value };
      }
      this.#passedOrdinal = this.#endOrdinal;
    }
    const value = this.#removed.pop();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }
}

function snapshotNode({ path, data, aclKey, stat }: Znode): SnapshotNode {
  return { path, data, aclKey, stat: { ...stat } };
}
