/** Behaviours of the model as ordinary plans of the harness: clients at work, and the model's faults at its moments. */

import { faultsOf, type ModelFault } from '../../spec/schedule/faults.ts';
import { startOf } from '../../spec/schedule/grain.ts';
import { specOf } from '../../spec/schedule/scopes.ts';
import { type Behaviour, walk } from '../../spec/schedule/walk.ts';
import { generatePlan, type Plan, type Workload, type WorldName } from '../../src/harness/index.ts';
import type { PlanFault } from '../../src/harness/plan.ts';
import { workloads } from '../../workloads/index.ts';

const SERVERS = 3;
const CONCURRENCY = 4;
/** Faults of one plan; a behaviour that has more is cut short. */
const FAULTS_MAX = 3;
/** So that servers get far enough for a fault to meet something. */
const FAULT_PER_MILLE = 120;
const FIRST_MS = 800;
const BETWEEN_MS = 400;
const REST_MS = 1500;
/** If the protocol step that it waits for does not come, a fault strikes without it. */
const PATIENCE_MS = 1200;

const scope = {
  title: 'three servers, crashes, a cut and a timeout',
  scope: {
    servers: SERVERS,
    txns: 3,
    epochs: 4,
    crashes: 2,
    timeouts: 1,
    partitions: 1,
    window: 2,
  },
};

/** Plans with different faults, as many as are asked for. */
export function modelPlans(options: {
  readonly count: number;
  readonly seed: string;
  readonly world: WorldName;
}): readonly Plan[] {
  const { spec } = specOf(scope);
  const plans = new Map<string, Plan>();
  const taken = new Map<string, number>();
  for (let index = 0; plans.size < options.count; index++) {
    const seed = `${options.seed}-${index.toString(16)}`;
    const drawn = { seed, taken, faultPerMille: FAULT_PER_MILLE };
    const behaviour: Behaviour = [...walk(spec, startOf(spec), drawn)];
    const faults = faultsOf(behaviour).slice(0, FAULTS_MAX);
    const told = JSON.stringify(faults.map(({ kind, servers, after }) => [kind, servers, after]));
    if (faults.length === 0 || plans.has(told)) continue;
    const workload = index % 2 === 0 ? 'register' : 'counter';
    plans.set(told, planOf(faults, { ...options, seed, workload }));
  }
  return [...plans.values()];
}

function planOf(
  faults: readonly ModelFault[],
  { seed, workload, world }: { seed: string; workload: string; world: WorldName },
): Plan {
  const common = {
    ...{ seed, world, nemesis: [], nodes: SERVERS, concurrency: CONCURRENCY },
    workload: workloads.get(workload) as Workload,
  };
  const { syncLimit, tickTimeMs } = generatePlan({ ...common, timeLimitMs: 1 }).cluster;
  let at = FIRST_MS;
  const planned = faults.map((fault, index): PlanFault => {
    const holdMs = holdMsOf(fault, (syncLimit + 2) * tickTimeMs);
    const next = plannedFault(fault, { id: `model-${index + 1}`, at, holdMs });
    at += (fault.after === undefined ? 0 : PATIENCE_MS) + holdMs + BETWEEN_MS;
    return next;
  });
  const plan = generatePlan({ ...common, timeLimitMs: at + REST_MS });
  return { ...plan, faults: planned };
}

/** A step of the model stands for a few tens of milliseconds; patience ends when it ends. */
function holdMsOf({ kind, steps }: ModelFault, patienceMs: number): number {
  if (kind === 'timeout') return patienceMs;
  return kind === 'crash' ? between(300, 50 * steps, 2500) : between(1500, 100 * steps, 4000);
}

const between = (low: number, value: number, high: number): number =>
  Math.min(Math.max(low, value), high);

function plannedFault(
  { after, kind, servers }: ModelFault,
  { id, at, holdMs }: { readonly id: string; readonly at: number; readonly holdMs: number },
): PlanFault {
  const when =
    after === undefined
      ? {}
      : { when: { act: after.act, node: after.server, nth: after.nth, withinMs: PATIENCE_MS } };
  const common = { id, at, ...when, heal: { after: holdMs } };
  switch (kind) {
    case 'crash':
      return { ...common, kind: 'kill', target: { nodes: servers }, params: {} };
    case 'timeout':
      return { ...common, kind: 'pause', target: { nodes: servers }, params: {} };
    case 'cut':
      return {
        ...common,
        kind: 'partition-datacenters',
        target: { pick: 'all' },
        params: { groups: servers.join('|'), periodMs: 0 },
      };
  }
}

/** `kill 3 after ProposalSent of 3; partition-datacenters 1|2`. */
export function describeFaults({ faults }: Plan): string {
  return faults
    .map(({ kind, target, params, when }) => {
      const whom = 'nodes' in target ? target.nodes.join(' and ') : params.groups;
      const moment = when === undefined ? '' : ` after ${when.act} of ${when.node}, ${when.nth}`;
      return `${kind} ${whom}${moment}`;
    })
    .join('; ');
}
