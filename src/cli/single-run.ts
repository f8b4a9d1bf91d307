/** One run: its plan, and the plan carried out in a worker or on real servers. */
import { workloads as allWorkloads } from '../../workloads/index.ts';
import {
  generatePlan,
  type Plan,
  planHash,
  RESULT_VERSION,
  type Recording,
  type RunResult,
  type Workload,
  type WorldName,
} from '../harness/index.ts';
import { engineFile, importEngine } from './engine-bundle.ts';
import type { FinishedRun } from './outcome.ts';
import { planForRealWorld, runInRealWorld } from './real-run.ts';
import { describeWorld, type RealWorldName } from './real-worlds.ts';
import { possible, type RunRequest } from './run-request.ts';
import type { Shell } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';

const DEFAULT_NODES = 3;
const DEFAULT_TIME_LIMIT_MS = 10_000;

/** The plan of a request, for its world and this host. */
export async function planOne(
  request: RunRequest & { readonly world: WorldName },
  workload: string,
  shell: Shell,
): Promise<Plan> {
  const nodes = request.nodes ?? DEFAULT_NODES;
  const common = {
    seed: request.seed,
    nemesis: possible(request.nemesis, nodes),
    nodes,
    concurrency: request.concurrency,
    timeLimitMs: request.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
    zoo: request.zoo,
  };
  if (request.world === 'simulation') {
    const found = allWorkloads.get(workload) as Workload;
    return generatePlan({ ...common, workload: found, world: 'simulation' });
  }
  const { isNemesisOwed, world, system } = request;
  return await planForRealWorld(
    { ...common, world, workload, isNemesisOwed, system },
    await importEngine(request.zoo),
    shell,
  );
}

export function carryOut(
  plan: Plan,
  world: WorldName,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
  return world === 'simulation'
    ? simulatePlan(plan, shell, commit)
    : watchRealRun(plan, world, shell, commit);
}

/** A plan of its own in one worker; interrupted, it ends as a run that nobody knows anything of. */
export async function simulatePlan(
  plan: Plan,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
  shell.progress.update(
    `simulation  ${plan.workload}, ${plan.cluster.nodes} servers, seed ${plan.seed}`,
  );
  const pool = new SimulationPool(await engineFile(plan.zoo), 1, commit);
  const abort = () => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  if (shell.signal.aborted) abort();
  try {
    const { result, recording } = await pool.run({ type: 'run', plan, keep: 'always' });
    return { plan, result, recording: recording as Recording };
  } catch (error) {
    if (!shell.signal.aborted) throw error;
    return interruptedRun(plan, 'simulation', commit);
  } finally {
    shell.signal.removeEventListener('abort', abort);
    await pool.close();
  }
}

function interruptedRun(plan: Plan, world: string, commit: string | null): FinishedRun {
  const sentence = 'The run was interrupted before its end.';
  const result: RunResult = {
    v: RESULT_VERSION,
    name: `${plan.workload}-${plan.seed}`,
    verdict: 'unknown',
    sentence,
    reasons: [sentence],
    world,
    workload: plan.workload,
    nemesis: [...new Set(plan.faults.map(({ kind }) => kind))].sort(),
    nodes: plan.cluster.nodes,
    seed: plan.seed,
    planHash: planHash(plan),
    traceHash: null,
    commit,
    date: new Date().toISOString(),
    durationMs: 0,
    counts: {},
    checks: [],
    faults: [],
    goals: [],
    notInjected: {},
    replay: [],
  };
  const recording: Recording = {
    history: [],
    events: new Map(),
    files: new Map(),
    faults: [],
    unavailable: [],
    exits: [],
    logs: new Map(),
    problems: [sentence],
    maxLagMs: 0,
    workloadNs: [0, 0],
    durationNs: 0,
  };
  return { plan, result, recording };
}

export async function watchRealRun(
  plan: Plan,
  world: RealWorldName,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
  const { nodes } = plan.cluster;
  const faults = [...new Set(plan.faults.map(({ kind }) => kind))].join(', ') || 'no faults';
  const text = `${describeWorld(world)}  ${plan.workload}, ${nodes} servers under ${faults}`;
  shell.progress.update(text);
  const timer = setInterval(() => shell.progress.update(text), 1_000);
  try {
    return await runInRealWorld(plan, world, shell, commit);
  } finally {
    clearInterval(timer);
  }
}
