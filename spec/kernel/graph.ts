/** A state graph in flat arrays, and its strongly connected components (Tarjan 1972, without recursion). */

/** The edges of state `s` are those from `starts[s]` up to `starts[s + 1]`. */
export interface Graph {
  readonly size: number;
  readonly starts: Uint32Array;
  readonly to: Uint32Array;
  readonly labels: Uint32Array;
}

/** The components of the part where `isIn` is 1. */
export function* components(graph: Graph, isIn: Uint8Array): Generator<number[]> {
  const UNSEEN = 0;
  const order = new Uint32Array(graph.size).fill(UNSEEN);
  const low = new Uint32Array(graph.size);
  const isOpen = new Uint8Array(graph.size);
  const nextEdge = new Uint32Array(graph.size);
  const open: number[] = [];
  const path: number[] = [];
  let count = 0;
  const enter = (state: number): void => {
    order[state] = low[state] = ++count;
    isOpen[state] = 1;
    nextEdge[state] = graph.starts[state] as number;
    open.push(state);
    path.push(state);
  };
  for (let root = 0; root < graph.size; root++) {
    if (isIn[root] !== 1 || order[root] !== UNSEEN) continue;
    enter(root);
    while (path.length > 0) {
      const state = path.at(-1) as number;
      const edge = nextEdge[state] as number;
      if (edge < (graph.starts[state + 1] as number)) {
        nextEdge[state] = edge + 1;
        const to = graph.to[edge] as number;
        if (isIn[to] !== 1) continue;
        if (order[to] === UNSEEN) enter(to);
        else if (isOpen[to] === 1) low[state] = Math.min(low[state] as number, order[to] as number);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[state] as number);
      if (low[state] !== order[state]) continue;
      const component: number[] = [];
      for (;;) {
        const member = open.pop() as number;
        isOpen[member] = 0;
        component.push(member);
        if (member === state) break;
      }
      yield component;
    }
  }
}
