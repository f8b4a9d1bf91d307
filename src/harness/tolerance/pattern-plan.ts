/**
 * A pattern of crashes and partitions as a plan like any other: clients that know every server, the pattern
 * brought about as faults and held, everything healed. It runs in all worlds and is judged by all checkers;
 * the modes that it asks for say who served meanwhile.
 */
import { prngStream } from '../../base/prng.ts';
import { generatePlan } from '../generator.ts';
import type { Plan, PlanFault } from '../plan.ts';
import type { Workload } from '../workload.ts';
import type { WorldName } from '../world/world.ts';
import { assignParts, type Pattern } from './pattern.ts';

export interface PatternPlanOptions {
  readonly pattern: Pattern;
  readonly seed: string;
  readonly workload: Workload;
  readonly world: WorldName;
  readonly zoo?: readonly string[];
}

const CONCURRENCY = 5;
const STRIKE_MS = 1000;
const AFTER_MS = 2000;
/** For an election, and for a client to find those who serve. */
const SERVE_MS = 6000;
const MODES_EVERY_MS = 300;

export function patternPlan(options: PatternPlanOptions): Plan {
  const { seed, workload, world, zoo } = options;
  const { size } = options.pattern;
  // Among equals the largest sid is elected: it gets the leader's part.
  const pattern = assignParts(options.pattern, size, prngStream(seed, 'pattern'));
  const common = {
    ...{ seed, workload, world, nemesis: [], nodes: size, concurrency: CONCURRENCY },
    ...(zoo === undefined ? {} : { zoo }),
  };
  // Time limits are drawn after the cluster, which does not depend on them.
  const { syncLimit, tickTimeMs } = generatePlan({ ...common, timeLimitMs: 1 }).cluster;
  const holdMs = 2 * syncLimit * tickTimeMs + SERVE_MS;
  const plan = generatePlan({ ...common, timeLimitMs: STRIKE_MS + holdMs + AFTER_MS });
  return { ...plan, faults: faultsOf(pattern, holdMs), modesEveryMs: MODES_EVERY_MS };
}

function faultsOf({ crashed, groups }: Pattern, holdMs: number): PlanFault[] {
  const faults: PlanFault[] = [];
  const common = { at: STRIKE_MS, heal: { after: holdMs } };
  if (groups.length > 1) {
    faults.push({
      id: 'cut',
      ...common,
      kind: 'partition-datacenters',
      target: { pick: 'all' },
      params: { groups: groups.map((group) => group.join(' ')).join('|'), periodMs: 0 },
    });
  }
  if (crashed.length > 0) {
    const target = { nodes: crashed };
    faults.push({ id: 'crash', ...common, kind: 'kill', target, params: {} });
  }
  return faults;
}

/** The pattern that such a plan brings about. */
export function patternOf({ cluster, faults }: Plan): Pattern {
  const crash = faults.find(({ id }) => id === 'crash')?.target;
  const crashed = crash !== undefined && 'nodes' in crash ? crash.nodes : [];
  const size = cluster.nodes;
  const living = Array.from({ length: size }, (_, index) => index + 1).filter(
    (sid) => !crashed.includes(sid),
  );
  const named = faults.find(({ id }) => id === 'cut')?.params.groups;
  const groups =
    typeof named === 'string'
      ? named.split('|').map((group) => group.split(' ').map(Number))
      : living.length > 0
        ? [living]
        : [];
  return { size, crashed, groups };
}
