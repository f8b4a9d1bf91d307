/**
 * Schedules that together take every action in every abstract state of a scope (MongoDB's path covers, after
 * "eXtreme Modelling in Practice" and WiredTiger's test generation). The whole graph of the scope is explored;
 * then each schedule walks from the start to the nearest pair that no schedule has taken yet, again and
 * again, until its length is used up. Which of two equally near ones is drawn from the seed.
 */
import { assert } from '../../src/base/assert.ts';
import { prngStream } from '../../src/base/prng.ts';
import { Explorer } from '../kernel/explore.ts';
import type { Params, Spec } from '../kernel/model.ts';
import { type State, sidsOf } from '../models/zab/system-state.ts';
import type { ScheduleStep, TurnState } from './grain.ts';

export interface PathCover {
  readonly schedules: readonly (readonly ScheduleStep[])[];
  readonly states: number;
  /** Steps of the graph, and how many of them the schedules take. */
  readonly edges: number;
  readonly edgesTaken: number;
  /** Pairs of action and abstract state in the graph; all are taken. */
  readonly pairs: number;
  readonly steps: number;
}

interface Edge extends ScheduleStep {
  readonly to: number;
  readonly pair: string;
}

/**
 * What of a state decides which code a server runs: role and phase of each server, whether its log is on disk,
 * whether it has something to commit, and what arrives next on each channel. Numbers are left out.
 */
export function abstractOf(s: State): string {
  const sids = sidsOf(s);
  const servers = sids.map((i) => {
    const { applied, flushed, log, pending, phase, role, needsSnapshot } = s.servers[i];
    const flags = [
      flushed < log.length ? 'unflushed' : '',
      pending.length > 0 ? 'pending' : '',
      pending[0]?.isCommitted === true ? 'committed' : '',
      applied < log.length ? 'behind' : '',
      needsSnapshot ? 'needs snapshot' : '',
    ];
    return [role, phase, ...flags.filter((flag) => flag !== '')].join(' ');
  });
  const channels = sids.flatMap((i) => sids.map((j) => s.messages[i][j][0]?.type ?? ''));
  return `${servers.join('; ')} | ${channels.join(',')}`;
}

export function pathCover(
  spec: Spec<TurnState>,
  options: { readonly seed: string; readonly maxSteps: number },
): PathCover {
  const graph = graphOf(spec);
  const prng = prngStream(options.seed, 'path-cover');
  const missing = new Set(graph.flatMap((edges) => edges.map(({ pair }) => pair)));
  const pairs = missing.size;
  const taken = new Set<Edge>();
  const schedules: (readonly ScheduleStep[])[] = [];
  let steps = 0;
  while (missing.size > 0) {
    const walked: Edge[] = [];
    for (let at = 0; walked.length < options.maxSteps; ) {
      const path = pathToMissing(graph, at, missing, (edges) => prng.shuffle(edges));
      if (path === undefined) break;
      walked.push(...path);
      for (const edge of path) missing.delete(edge.pair);
      at = (path.at(-1) as Edge).to;
    }
    assert(walked.length > 0, 'every pair of the graph can be reached from the start');
    for (const edge of walked) taken.add(edge);
    steps += walked.length;
    schedules.push(walked.map(({ action, params }) => ({ action, params })));
  }
  const edges = graph.reduce((sum, own) => sum + own.length, 0);
  return { schedules, states: graph.length, edges, edgesTaken: taken.size, pairs, steps };
}

/** Steps from each state, by its number; the start is 0. */
function graphOf(spec: Spec<TurnState>): readonly (readonly Edge[])[] {
  const graph: Edge[][] = [];
  const abstract: string[] = [];
  const names = Object.keys(spec.actions);
  const { always: _, onStep: __, sometimes: ___, ...bare } = spec;
  const explorer = new Explorer(bare, {
    listeners: [
      {
        property: 'graph',
        state: (number, state) => {
          graph[number] = [];
          abstract[number] = abstractOf(state);
          return undefined;
        },
        edge: (from, to, index, params: Params) => {
          const action = names[index] as string;
          const pair = `${action} in ${abstract[from]}`;
          (graph[from] as Edge[]).push({ action, params: { ...params }, to, pair });
          return undefined;
        },
      },
    ],
  });
  const { isComplete } = explorer.run();
  assert(isComplete, 'the scope can be explored whole', { states: graph.length });
  return graph;
}

/** Breadth first from a state to the nearest step whose pair is missing. */
function pathToMissing(
  graph: readonly (readonly Edge[])[],
  from: number,
  missing: ReadonlySet<string>,
  inOrder: (edges: readonly Edge[]) => readonly Edge[],
): readonly Edge[] | undefined {
  const cameBy = new Map<number, { readonly before: number; readonly edge: Edge } | undefined>([
    [from, undefined],
  ]);
  for (const state of cameBy.keys()) {
    for (const edge of inOrder(graph[state] as readonly Edge[])) {
      if (missing.has(edge.pair)) return [...pathTo(state), edge];
      if (!cameBy.has(edge.to)) cameBy.set(edge.to, { before: state, edge });
    }
  }
  return undefined;

  function pathTo(state: number): readonly Edge[] {
    const path: Edge[] = [];
    for (let step = cameBy.get(state); step !== undefined; step = cameBy.get(step.before)) {
      path.push(step.edge);
    }
    return path.reverse();
  }
}
