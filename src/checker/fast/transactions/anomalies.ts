/** From dependency cycles to the anomalies that they are, and what each of them rules out. */
import type { Cycle, DependencyGraph, EdgeKind } from './graph.ts';

export const isolationLevels = [
  'read-uncommitted',
  'read-committed',
  'read-atomic',
  'snapshot-isolation',
  'serializable',
  'strict-serializable',
] as const;
/** From the weakest to the strongest. */
export type IsolationLevel = (typeof isolationLevels)[number];

/** The weakest level that each anomaly rules out. */
export const ruledOut = {
  'duplicate-elements': 'read-uncommitted',
  'incompatible-order': 'read-uncommitted',
  'cyclic-versions': 'read-uncommitted',
  'unwritten-read': 'read-uncommitted',
  G0: 'read-uncommitted',
  G1a: 'read-committed',
  G1b: 'read-committed',
  G1c: 'read-committed',
  internal: 'read-atomic',
  'G-single': 'snapshot-isolation',
  G2: 'serializable',
  'G0-realtime': 'strict-serializable',
  'G1c-realtime': 'strict-serializable',
  'G-single-realtime': 'strict-serializable',
  'G2-realtime': 'strict-serializable',
} as const satisfies Readonly<Record<string, IsolationLevel>>;
export type AnomalyName = keyof typeof ruledOut;

export function isRuledOut(level: IsolationLevel, anomaly: AnomalyName): boolean {
  return isolationLevels.indexOf(ruledOut[anomaly]) <= isolationLevels.indexOf(level);
}

export interface FoundCycle {
  readonly name: AnomalyName;
  readonly cycle: Cycle;
}

interface Search {
  readonly name: AnomalyName;
  /** The cycle has an edge of this kind … */
  readonly first: EdgeKind;
  /** … and otherwise edges of these. */
  readonly rest: readonly EdgeKind[];
}

/** Each search leaves out what the ones before it find. */
const searches: readonly Search[] = [
  { name: 'G0', first: 'ww', rest: ['ww'] },
  { name: 'G1c', first: 'wr', rest: ['ww', 'wr'] },
  { name: 'G-single', first: 'rw', rest: ['ww', 'wr'] },
  { name: 'G2', first: 'rw', rest: ['ww', 'wr', 'rw'] },
  { name: 'G0-realtime', first: 'ww', rest: ['ww', 'rt'] },
  { name: 'G1c-realtime', first: 'wr', rest: ['ww', 'wr', 'rt'] },
  { name: 'G-single-realtime', first: 'rw', rest: ['ww', 'wr', 'rt'] },
  { name: 'G2-realtime', first: 'rw', rest: ['ww', 'wr', 'rw', 'rt'] },
];

/** A shortest cycle of each kind in each knot of the graph. */
export function findCycles(graph: DependencyGraph): readonly FoundCycle[] {
  const found: FoundCycle[] = [];
  const shown = new Set<string>();
  for (const { name, first, rest } of searches) {
    const kinds = new Set<EdgeKind>([...rest, first]);
    const component = graph.components(kinds);
    const best = new Map<number, Cycle>();
    for (const edge of graph.edgesOf(first)) {
      const knot = component[edge.from] as number;
      if (knot !== component[edge.to]) continue;
      const cycle = graph.cycleThrough(edge, new Set(rest));
      if (cycle === undefined || isWeaker(cycle, name)) continue;
      const known = best.get(knot);
      if (known === undefined || cycle.length < known.length) best.set(knot, cycle);
    }
    for (const cycle of best.values()) {
      // The same transactions under a weaker name say more.
      const members = cycle.map(({ from }) => from).sort((a, b) => a - b);
      if (shown.has(members.join())) continue;
      shown.add(members.join());
      found.push({ name, cycle });
    }
  }
  return found;
}

/** Whether the cycle belongs to a search before: a G2 needs two rw edges, a realtime one real time. */
function isWeaker(cycle: Cycle, name: AnomalyName): boolean {
  const has = (kind: EdgeKind): number => cycle.filter((edge) => edge.kind === kind).length;
  if (name.startsWith('G2') && has('rw') < 2) return true;
  return name.endsWith('-realtime') && has('rt') === 0;
}
