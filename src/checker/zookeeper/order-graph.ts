/**
 * A graph of what comes before what, for millions of operations: nodes are numbers, edges are lists in typed
 * arrays. It fits into one order exactly when it has no cycle.
 */

const NONE = -1;
/** Enough to find a short cycle; any one would be proof. */
const MAX_STARTS = 50;

export class OrderGraph {
  #nodeCount: number;
  readonly #isUsed: Uint8Array;
  /** By node: its newest edge; by edge: target, kind, and the edge of the same node before it. */
  readonly #first: Int32Array;
  #targets: Int32Array;
  #kinds: Uint8Array;
  #before: Int32Array;
  #edgeCount = 0;

  /** Operations are the nodes below `count`; points in time follow, as many at most. */
  constructor(count: number) {
    this.#nodeCount = count;
    this.#isUsed = new Uint8Array(2 * count);
    this.#first = new Int32Array(2 * count).fill(NONE);
    const edges = 3 * count + 1;
    this.#targets = new Int32Array(edges);
    this.#kinds = new Uint8Array(edges);
    this.#before = new Int32Array(edges);
  }

  /** Whether an edge leads to or from it. */
  uses(node: number): boolean {
    return this.#isUsed[node] === 1;
  }

  addPoint(): number {
    return this.#nodeCount++;
  }

  add(from: number, to: number, kind: number): void {
    // A multi may write and check the same node.
    if (from === to) return;
    const edge = this.#edgeCount++;
    if (edge === this.#targets.length) this.#grow();
    this.#targets[edge] = to;
    this.#kinds[edge] = kind;
    this.#before[edge] = this.#first[from] as number;
    this.#first[from] = edge;
    this.#isUsed[from] = 1;
    this.#isUsed[to] = 1;
  }

  #grow(): void {
    const length = 2 * this.#targets.length;
    const [targets, kinds, before] = [this.#targets, this.#kinds, this.#before];
    this.#targets = new Int32Array(length);
    this.#kinds = new Uint8Array(length);
    this.#before = new Int32Array(length);
    this.#targets.set(targets);
    this.#kinds.set(kinds);
    this.#before.set(before);
  }

  /** Kind of the newest edge between two nodes that have one. */
  kindOf(from: number, to: number): number {
    let edge = this.#first[from] as number;
    while (this.#targets[edge] !== to) edge = this.#before[edge] as number;
    return this.#kinds[edge] as number;
  }

  /** A shortest cycle among what cannot be put into an order; undefined where everything can. */
  findCycle(): readonly number[] | undefined {
    const rest = this.#unordered();
    let best: number[] | undefined;
    let tries = 0;
    for (const start of rest) {
      const cycle = this.#shortestFrom(start, rest);
      if (cycle !== undefined && (best === undefined || cycle.length < best.length)) best = cycle;
      if (++tries >= MAX_STARTS && best !== undefined) break;
    }
    return best;
  }

  /** Whatever is on a cycle or behind one: Kahn's algorithm takes away all the rest. */
  #unordered(): ReadonlySet<number> {
    const count = this.#nodeCount;
    const incoming = new Int32Array(count);
    for (let edge = 0; edge < this.#edgeCount; edge++) {
      const to = this.#targets[edge] as number;
      incoming[to] = (incoming[to] as number) + 1;
    }
    const ready = new Int32Array(count);
    let waiting = 0;
    for (let node = 0; node < count; node++) if (incoming[node] === 0) ready[waiting++] = node;
    let ordered = 0;
    while (waiting > 0) {
      const node = ready[--waiting] as number;
      ordered++;
      let edge = this.#first[node] as number;
      for (; edge !== NONE; edge = this.#before[edge] as number) {
        const to = this.#targets[edge] as number;
        const left = (incoming[to] as number) - 1;
        incoming[to] = left;
        if (left === 0) ready[waiting++] = to;
      }
    }
    const rest = new Set<number>();
    if (ordered === count) return rest;
    for (let node = 0; node < count; node++) if ((incoming[node] as number) > 0) rest.add(node);
    return rest;
  }

  #shortestFrom(start: number, within: ReadonlySet<number>): number[] | undefined {
    const cameFrom = new Map<number, number>();
    let frontier = [start];
    while (frontier.length > 0) {
      const further: number[] = [];
      for (const node of frontier) {
        let edge = this.#first[node] as number;
        for (; edge !== NONE; edge = this.#before[edge] as number) {
          const to = this.#targets[edge] as number;
          if (to === start) return pathTo(cameFrom, start, node);
          if (!within.has(to) || cameFrom.has(to)) continue;
          cameFrom.set(to, node);
          further.push(to);
        }
      }
      frontier = further;
    }
    return undefined;
  }
}

function pathTo(cameFrom: ReadonlyMap<number, number>, start: number, last: number): number[] {
  const path = [last];
  for (let node = last; node !== start; ) {
    node = cameFrom.get(node) ?? start;
    path.unshift(node);
  }
  return path[0] === start ? path : [start, ...path];
}
