/**
 * Liveness: an `eventually` is violated by a lasso, a path into a cycle that goes round for ever, is fair, and
 * never does what was promised. Cycles live in strongly connected components (Tarjan 1972). In each
 * one every weak and strong fairness constraint must be met; where strong ones are not, their states are
 * taken out and the rest is searched again (Emerson and Lei 1987; Streett acceptance).
 *
 * Stopping for ever is a cycle too: of one state, fair if no constraint has an enabled step there. Steps that
 * change nothing do not count, as in TLA+'s ⟨A⟩_v.
 */
import { assert } from '../../src/base/assert.ts';
import type { Listener } from './explore.ts';
import { components, type Graph } from './graph.ts';
import type { Eventually, FairSteps, Params, Spec } from './model.ts';
import { Words } from './store.ts';
import { compare } from './value.ts';

/** Steps that fairness treats alike: those of one action, with one value of each parameter it names. */
interface Label {
  readonly action: string;
  readonly values: Params;
}

interface Constraint {
  readonly isStrong: boolean;
  readonly labels: ReadonlySet<number>;
}

/** Numbers of states; with `label`, the step to it must carry that label. */
export interface Waypoint {
  readonly state: number;
  readonly label?: number;
}

export interface Lasso {
  readonly property: string;
  /** From an initial state to where the cycle begins. */
  readonly stem: readonly number[];
  /** The states after that one; the last equals it. Empty: nothing happens any more. */
  readonly cycle: readonly Waypoint[];
}

/** Two bits per state and property: `from` held, and the state is bad. */
const STARTS = 1;
const BAD = 2;

export class LivenessCheck<S> implements Listener<S> {
  readonly property = 'eventually';
  readonly #properties: readonly (readonly [string, Eventually<S>])[];
  readonly #names: readonly string[];
  /** Parameters that some constraint tells apart, by action. */
  readonly #told: ReadonlyMap<string, readonly string[]>;
  readonly #labels: Label[] = [];
  readonly #labelNumbers = new Map<string, number>();
  readonly #bits: Uint8Array[] = [];
  readonly #edgesFrom = new Words();
  readonly #edgesTo = new Words();
  readonly #edgeLabels = new Words();
  #size = 0;

  constructor(spec: Spec<S>) {
    this.#properties = Object.entries(spec.eventually ?? {});
    this.#names = Object.keys(spec.actions);
    const told = new Map<string, string[]>();
    for (const [property, goal] of this.#properties) {
      for (const fair of [goal.weak ?? [], goal.strong ?? []].flat()) {
        for (const action of actionsOf(fair)) {
          assert(this.#names.includes(action), 'fairness names no action', { property, action });
          const each = typeof fair === 'string' ? undefined : fair.each;
          if (each !== undefined) told.set(action, [...(told.get(action) ?? []), each]);
        }
      }
      this.#bits.push(new Uint8Array(1 << 12));
    }
    this.#told = told;
  }

  state(number: number, state: S, isInitial: boolean): undefined {
    this.#size = number + 1;
    this.#properties.forEach(([, goal], index) => {
      const bits = this.#bits[index] as Uint8Array;
      if (number >= bits.length) {
        const grown = new Uint8Array(bits.length * 2);
        grown.set(bits);
        this.#bits[index] = grown;
      }
      (this.#bits[index] as Uint8Array)[number] = bitsOf(goal, state, isInitial);
    });
  }

  edge(from: number, to: number, action: number, params: Params): undefined {
    if (from === to) return;
    this.#edgesFrom.push(from);
    this.#edgesTo.push(to);
    this.#edgeLabels.push(this.labelOf(action, params));
  }

  labelOf(action: number, params: Params): number {
    const name = this.#names[action] as string;
    const told = this.#told.get(name) ?? [];
    const values = Object.fromEntries(told.map((key) => [key, params[key]]));
    const key = told.length === 0 ? name : `${name} ${JSON.stringify(values)}`;
    const known = this.#labelNumbers.get(key);
    if (known !== undefined) return known;
    this.#labelNumbers.set(key, this.#labels.length);
    this.#labels.push({ action: name, values });
    return this.#labels.length - 1;
  }

  /** A fair way to break each property that can be broken; the exploration must be complete. */
  *lassos(pathTo: (state: number) => readonly number[]): Generator<Lasso> {
    const graph = this.#graph();
    for (const [index, [property, goal]] of this.#properties.entries()) {
      const bits = (this.#bits[index] as Uint8Array).subarray(0, this.#size);
      const lasso = findLasso(graph, bits, this.#constraints(goal), 'settles' in goal);
      if (lasso === undefined) continue;
      const { approach, cycle } = lasso;
      const stem = [...pathTo(approach[0] as number), ...approach.slice(1)];
      yield { property, stem, cycle };
    }
  }

  /** Edges in the order of the states that they leave: exploration expands states in order. */
  #graph(): Graph {
    const starts = new Uint32Array(this.#size + 1);
    for (let edge = 0; edge < this.#edgesFrom.length; edge++) {
      starts[(this.#edgesFrom.data[edge] as number) + 1]!++;
    }
    for (let state = 0; state < this.#size; state++) starts[state + 1]! += starts[state] as number;
    return { size: this.#size, starts, to: this.#edgesTo.data, labels: this.#edgeLabels.data };
  }

  #constraints(goal: Eventually<S>): Constraint[] {
    const make = (isStrong: boolean) => (fair: FairSteps) =>
      this.#classes(fair).map((labels) => ({ isStrong, labels: new Set(labels) }));
    return [...(goal.weak ?? []).flatMap(make(false)), ...(goal.strong ?? []).flatMap(make(true))];
  }

  /** The labels of these steps; with `each`, one list per value. */
  #classes(fair: FairSteps): number[][] {
    const each = typeof fair === 'string' ? undefined : fair.each;
    const actions = actionsOf(fair);
    const own = this.#labels.flatMap(({ action }, label) =>
      actions.includes(action) ? [label] : [],
    );
    if (each === undefined) return own.length === 0 ? [] : [own];
    const classes: { value: unknown; labels: number[] }[] = [];
    for (const label of own) {
      const value = this.#labels[label]?.values[each];
      const found = classes.find((other) => compare(other.value, value) === 0);
      if (found === undefined) classes.push({ value, labels: [label] });
      else found.labels.push(label);
    }
    return classes.map(({ labels }) => labels);
  }
}

function actionsOf(fair: FairSteps): readonly string[] {
  return typeof fair === 'string' ? [fair] : fair.actions;
}

function bitsOf<S>(goal: Eventually<S>, state: S, isInitial: boolean): number {
  if ('recurs' in goal) return goal.recurs(state) ? 0 : BAD | STARTS;
  if ('settles' in goal) return goal.settles(state) ? STARTS : BAD | STARTS;
  if (goal.reaches(state)) return 0;
  const isStart = goal.from === undefined ? isInitial : goal.from(state);
  return isStart ? BAD | STARTS : BAD;
}

interface Found {
  readonly approach: readonly number[];
  readonly cycle: readonly Waypoint[];
}

/**
 * `mayRecover`: the cycle may leave the bad states but must visit one (◇□P); otherwise it, and the way from
 * the start to it, must stay in them.
 */
function findLasso(
  graph: Graph,
  bits: Uint8Array,
  constraints: readonly Constraint[],
  mayRecover: boolean,
): Found | undefined {
  const isIn = new Uint8Array(graph.size);
  if (mayRecover) isIn.fill(1);
  const before = spread(graph, bits, isIn, mayRecover);
  let best: Cluster | undefined;
  for (const states of components(graph, isIn)) {
    const cluster = fairCluster(graph, states, constraints, mayRecover ? bits : undefined);
    if (cluster !== undefined && (best === undefined || cluster.first < best.first)) best = cluster;
  }
  if (best === undefined) return undefined;
  const approach: number[] = [];
  for (let at = best.first; ; at = before[at] as number) {
    approach.push(at);
    if (before[at] === at) break;
  }
  return { approach: approach.reverse(), cycle: cycleThrough(graph, best, constraints, bits) };
}

/** What can be reached from starts through bad states, breadth first; answers predecessors. */
function spread(graph: Graph, bits: Uint8Array, isIn: Uint8Array, isFree: boolean): Uint32Array {
  const before = new Uint32Array(graph.size);
  const queue: number[] = [];
  for (let state = 0; state < graph.size; state++) {
    if (((bits[state] as number) & STARTS) === 0) continue;
    before[state] = state;
    isIn[state] = 1;
    queue.push(state);
  }
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] as number;
    const end = graph.starts[state + 1] as number;
    for (let edge = graph.starts[state] as number; edge < end; edge++) {
      const to = graph.to[edge] as number;
      if (isIn[to] === 1 || (!isFree && ((bits[to] as number) & BAD) === 0)) continue;
      before[to] = state;
      isIn[to] = 1;
      queue.push(to);
    }
  }
  return before;
}

interface Cluster {
  readonly states: ReadonlySet<number>;
  /** The state found earliest. */
  readonly first: number;
}

/** A strongly connected set in which all constraints can be met, or undefined. */
function fairCluster(
  graph: Graph,
  states: readonly number[],
  constraints: readonly Constraint[],
  mustVisit: Uint8Array | undefined,
): Cluster | undefined {
  const inside = new Set(states);
  if (mustVisit !== undefined && !states.some((s) => ((mustVisit[s] as number) & BAD) !== 0)) {
    return undefined;
  }
  const removed = new Set<number>();
  for (const constraint of constraints) {
    const enabled = states.filter((state) => isEnabled(graph, state, constraint));
    const isTaken = enabled.some((state) => takenFrom(graph, state, constraint, inside));
    if (isTaken) continue;
    if (constraint.isStrong) for (const state of enabled) removed.add(state);
    else if (enabled.length === states.length) return undefined;
  }
  if (removed.size === 0) {
    return { states: inside, first: states.reduce((a, b) => Math.min(a, b)) };
  }
  const isIn = new Uint8Array(graph.size);
  for (const state of states) if (!removed.has(state)) isIn[state] = 1;
  for (const part of components(graph, isIn)) {
    const cluster = fairCluster(graph, part, constraints, mustVisit);
    if (cluster !== undefined) return cluster;
  }
  return undefined;
}

function isEnabled(graph: Graph, state: number, { labels }: Constraint): boolean {
  const end = graph.starts[state + 1] as number;
  for (let edge = graph.starts[state] as number; edge < end; edge++) {
    if (labels.has(graph.labels[edge] as number)) return true;
  }
  return false;
}

function takenFrom(
  graph: Graph,
  state: number,
  { labels }: Constraint,
  inside: ReadonlySet<number>,
): Waypoint | undefined {
  const end = graph.starts[state + 1] as number;
  for (let edge = graph.starts[state] as number; edge < end; edge++) {
    const to = graph.to[edge] as number;
    const label = graph.labels[edge] as number;
    if (labels.has(label) && inside.has(to)) return { state: to, label };
  }
  return undefined;
}

/** A closed walk from the first state that meets every constraint, each by its nearest opportunity. */
function cycleThrough(
  graph: Graph,
  { states, first }: Cluster,
  constraints: readonly Constraint[],
  bits: Uint8Array,
): readonly Waypoint[] {
  const cycle: Waypoint[] = [];
  let at = first;
  const go = (isThere: (state: number) => boolean): void => {
    const walk = walkWithin(graph, states, at, isThere);
    cycle.push(...walk);
    at = cycle.at(-1)?.state ?? first;
  };
  for (const constraint of constraints) {
    const canTake = [...states].some((s) => takenFrom(graph, s, constraint, states) !== undefined);
    if (canTake) {
      go((state) => takenFrom(graph, state, constraint, states) !== undefined);
      cycle.push(takenFrom(graph, at, constraint, states) as Waypoint);
      at = (cycle.at(-1) as Waypoint).state;
    } else {
      go((state) => !isEnabled(graph, state, constraint));
    }
  }
  go((state) => ((bits[state] as number) & BAD) !== 0);
  go((state) => state === first);
  if (cycle.length > 0 || states.size === 1) return cycle;
  // Nothing needs to be met, but the states do move: go round once.
  go((state) => state !== first);
  go((state) => state === first);
  return cycle;
}

function walkWithin(
  graph: Graph,
  states: ReadonlySet<number>,
  from: number,
  isThere: (state: number) => boolean,
): Waypoint[] {
  const before = new Map<number, number>([[from, from]]);
  const queue = [from];
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] as number;
    if (isThere(state)) {
      const walk: Waypoint[] = [];
      for (let at = state; at !== from; at = before.get(at) as number) walk.push({ state: at });
      return walk.reverse();
    }
    const end = graph.starts[state + 1] as number;
    for (let edge = graph.starts[state] as number; edge < end; edge++) {
      const to = graph.to[edge] as number;
      if (!states.has(to) || before.has(to)) continue;
      before.set(to, state);
      queue.push(to);
    }
  }
  throw new Error('a strongly connected set is not connected');
}
