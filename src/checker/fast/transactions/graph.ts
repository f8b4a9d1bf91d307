/**
 * Dependencies between transactions (Adya 1999) and their cycles, after Kingsbury and Alvaro's Elle (VLDB
 * 2020). Edges say why one transaction comes before another:
 *
 *  ww  it wrote the version that the other one's write replaced
 *  wr  it wrote what the other one read
 *  rw  it read a version that the other one replaced
 *  rt  it was over before the other one began
 *
 * Real time would need a quadratic number of edges; instead every completion adds a node to a chain:
 * whatever completed before leads into the chain, whatever begins after leads out of it.
 */

export const edgeKinds = ['ww', 'wr', 'rw', 'rt'] as const;
export type EdgeKind = (typeof edgeKinds)[number];

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: EdgeKind;
  /** In words, with the transactions left out: `appended 3 to x right after 2`. */
  readonly why: string;
}

/** Edges of a cycle in order; the first one begins where the last one ends. */
export type Cycle = readonly Edge[];

interface Step {
  readonly to: number;
  /** Undefined on the chain of real time. */
  readonly edge: Edge | undefined;
}

export class DependencyGraph {
  readonly #count: number;
  readonly #steps: Step[][] = [];
  readonly #edges: Edge[] = [];
  readonly #seen = new Set<string>();

  constructor(count: number) {
    this.#count = count;
    for (let node = 0; node < count; node++) this.#steps.push([]);
  }

  add(edge: Edge): void {
    const name = `${edge.from} ${edge.to} ${edge.kind}`;
    if (edge.from === edge.to || this.#seen.has(name)) return;
    this.#seen.add(name);
    this.#edges.push(edge);
    this.#steps[edge.from]?.push({ to: edge.to, edge });
  }

  /** Invocations and completions (nodes) in the order of their ranks. */
  addRealTime(events: readonly { readonly node: number; readonly isEnd: boolean }[]): void {
    let last: number | undefined;
    for (const { node, isEnd } of events) {
      if (!isEnd) {
        if (last !== undefined) this.#steps[last]?.push({ to: node, edge: undefined });
        continue;
      }
      const link = this.#steps.push([]) - 1;
      this.#steps[node]?.push({ to: link, edge: undefined });
      if (last !== undefined) this.#steps[last]?.push({ to: link, edge: undefined });
      last = link;
    }
  }

  edgesOf(kind: EdgeKind): readonly Edge[] {
    return this.#edges.filter((edge) => edge.kind === kind);
  }

  /**
   * A shortest cycle that begins with the edge and goes on over edges of some kinds; undefined where there
   * is none.
   */
  cycleThrough(first: Edge, kinds: ReadonlySet<EdgeKind>): Cycle | undefined {
    const path = this.#shortest(first.to, first.from, kinds);
    return path === undefined ? undefined : [first, ...path];
  }

  /** Breadth first; the chain of real time counts as one step, however long it is. */
  #shortest(from: number, to: number, kinds: ReadonlySet<EdgeKind>): Edge[] | undefined {
    const cameBy = new Map<number, { readonly node: number; readonly edge: Edge | undefined }>();
    let level = [from];
    const known = new Set(level);
    while (level.length > 0) {
      const next: number[] = [];
      // On the chain a step is free: its nodes belong to the level that they were reached from.
      for (let at = 0; at < level.length; at++) {
        const node = level[at] as number;
        for (const step of this.#steps[node] ?? []) {
          const isAllowed = step.edge === undefined ? kinds.has('rt') : kinds.has(step.edge.kind);
          if (!isAllowed || known.has(step.to)) continue;
          known.add(step.to);
          cameBy.set(step.to, { node, edge: step.edge });
          if (step.to === to) return this.#pathTo(to, from, cameBy);
          if (step.to >= this.#count) level.push(step.to);
          else next.push(step.to);
        }
      }
      level = next;
    }
    return undefined;
  }

  #pathTo(
    to: number,
    from: number,
    cameBy: ReadonlyMap<number, { readonly node: number; readonly edge: Edge | undefined }>,
  ): Edge[] {
    const path: Edge[] = [];
    let end = to;
    for (let at = to; at !== from; ) {
      const { node, edge } = cameBy.get(at) as { node: number; edge: Edge | undefined };
      if (edge !== undefined) {
        path.unshift(edge);
      } else if (node < this.#count) {
        path.unshift({ from: node, to: end, kind: 'rt', why: 'was over before it began' });
      }
      if (node < this.#count) end = node;
      at = node;
    }
    return path;
  }

  /** Of each node the strongly connected component it lies in, by edges of some kinds (Tarjan). */
  components(kinds: ReadonlySet<EdgeKind>): Int32Array {
    const size = this.#steps.length;
    const index = new Int32Array(size).fill(-1);
    const low = new Int32Array(size);
    const component = new Int32Array(size).fill(-1);
    const place = new Int32Array(size);
    const open: number[] = [];
    const calls: number[] = [];
    let counter = 0;
    let components = 0;
    const enter = (node: number): void => {
      index[node] = counter;
      low[node] = counter++;
      open.push(node);
      calls.push(node);
    };
    for (let root = 0; root < size; root++) {
      if (index[root] !== -1) continue;
      enter(root);
      while (calls.length > 0) {
        const node = calls.at(-1) as number;
        const steps = this.#steps[node] as Step[];
        const step = steps[place[node] as number];
        if (step !== undefined) {
          place[node] = (place[node] as number) + 1;
          const isAllowed = step.edge === undefined ? kinds.has('rt') : kinds.has(step.edge.kind);
          if (!isAllowed) continue;
          if (index[step.to] === -1) enter(step.to);
          else if (component[step.to] === -1) {
            low[node] = Math.min(low[node] as number, index[step.to] as number);
          }
          continue;
        }
        calls.pop();
        const caller = calls.at(-1);
        if (caller !== undefined) {
          low[caller] = Math.min(low[caller] as number, low[node] as number);
        }
        if (low[node] !== index[node]) continue;
        for (let member = open.pop() as number; ; member = open.pop() as number) {
          component[member] = components;
          if (member === node) break;
        }
        components++;
      }
    }
    return component;
  }
}
