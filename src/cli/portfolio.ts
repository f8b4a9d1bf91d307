/**
 * Many simulated runs on all cores: first every fault alone under a few workloads, then swarms of faults
 * until the budget ends. A share of the seeds runs twice, and both runs must leave one trace.
 */
import { workloads as allWorkloads } from '../../workloads/index.ts';
import { prngStream } from '../base/prng.ts';
import {
  faultKinds,
  type Goal,
  generatePlan,
  goalNames,
  type Plan,
  portfolioPlan,
  type Recording,
  type RunResult,
  type Workload,
} from '../harness/index.ts';
import type { Shell } from './shell.ts';
import type { SimulationPool } from './simulation-pool.ts';
import type { SimulationRun } from './simulation-task.ts';

export interface PortfolioRequest {
  readonly seed: string;
  readonly workloads: readonly string[];
  /** Names of the fault table. */
  readonly nemesis: readonly string[];
  readonly nodes?: number;
  readonly concurrency: number;
  readonly timeLimitMs: number;
  /** Milliseconds for the swarms; the first part is always finished. */
  readonly budgetMs: number;
  readonly twicePerMille: number;
  readonly zoo: readonly string[];
}

export interface KeptRun {
  readonly plan: Plan;
  readonly result: RunResult;
  readonly recording: Recording;
}

export interface PortfolioTally {
  readonly results: RunResult[];
  /** What did not pass, and the first run of a swarm to look at. */
  readonly kept: KeptRun[];
  readonly nondeterministic: Plan[];
  runs: number;
  operations: number;
  simulatedMs: number;
  ranTwice: number;
  isCoverageComplete: boolean;
  goals: readonly Goal[];
}

const KEPT_MAX = 8;
const DEFAULT_NODES = 3;
const WORKLOADS_PER_FAULT = 3;

function chosen({ workloads }: PortfolioRequest): readonly Workload[] {
  return workloads.map((name) => allWorkloads.get(name) as Workload);
}

/**
 * Every fault alone, under a few workloads each, which take turns: where they begin is the seed's, so that
 * all pairs come in the end. A fault that needs more servers gets them.
 */
function coveragePlans(request: PortfolioRequest): Plan[] {
  const { seed, nemesis, nodes, concurrency, timeLimitMs, zoo } = request;
  const workloads = chosen(request);
  const perFault = Math.min(WORKLOADS_PER_FAULT, workloads.length);
  const first = prngStream(seed, 'portfolio/coverage').int(0, workloads.length - 1);
  return Array.from({ length: nemesis.length * perFault }, (_, index) => {
    const fault = nemesis[Math.floor(index / perFault)] as string;
    const kind = faultKinds.get(fault);
    return generatePlan({
      // The leading 0 keeps these seeds apart from those of the swarms.
      seed: `${seed}-0${index.toString(16)}`,
      workload: workloads[(first + index) % workloads.length] as Workload,
      nemesis: [fault],
      nodes: nodes ?? Math.max(DEFAULT_NODES, kind?.minNodes ?? 1),
      concurrency,
      timeLimitMs,
      world: 'simulation',
      ...(zoo.length > 0 ? { zoo } : {}),
    });
  });
}

function swarmPlan(request: PortfolioRequest, index: number): Plan {
  const { seed, nemesis, nodes, concurrency, timeLimitMs, zoo } = request;
  const options = {
    seed,
    nemesis,
    concurrency,
    timeLimitMs,
    workloads: chosen(request),
    maxRuns: Number.POSITIVE_INFINITY,
    mayGoOn: () => true,
    twicePerMille: 0,
    ...(nodes === undefined ? {} : { nodes }),
    ...(zoo.length > 0 ? { zoo } : {}),
  };
  // Past the rounds in which portfolioPlan itself takes faults one by one.
  return portfolioPlan(options, index + request.workloads.length * nemesis.length);
}

export async function runPortfolioInPool(
  request: PortfolioRequest,
  pool: SimulationPool,
  shell: Shell,
): Promise<PortfolioTally> {
  const tally: PortfolioTally = {
    results: [],
    kept: [],
    nondeterministic: [],
    runs: 0,
    operations: 0,
    simulatedMs: 0,
    ranTwice: 0,
    isCoverageComplete: false,
    goals: [],
  };
  const coverage = coveragePlans(request);
  const draws = prngStream(request.seed, 'portfolio/twice');
  const deadline = performance.now() + request.budgetMs;
  const goals = new Map<string, number>(
    goalNames(chosen(request)).map((name) => [name, 0] as const),
  );
  let next = 0;
  const takeNext = async (): Promise<void> => {
    while (!shell.signal.aborted) {
      const index = next;
      const isCoverage = index < coverage.length;
      if (!isCoverage && performance.now() >= deadline) return;
      next++;
      const plan = coverage[index] ?? swarmPlan(request, index - coverage.length);
      const isTwice = draws.chance(request.twicePerMille);
      const keep = index === coverage.length || coverage.length === 1 ? 'always' : 'unless-pass';
      const reply = await pool.run({ type: 'run', plan, isTwice, keep });
      note(tally, goals, plan, reply);
      shell.progress.update(progressText(tally, Math.max(coverage.length, next), plan));
    }
  };
  try {
    await Promise.all(Array.from({ length: pool.size }, takeNext));
    tally.isCoverageComplete = next >= coverage.length && !shell.signal.aborted;
  } catch (error) {
    if (!shell.signal.aborted) throw error;
  }
  tally.goals = [...goals].map(([name, count]) => ({ name, isOwed: true, count }));
  return tally;
}

function note(
  tally: PortfolioTally,
  goals: Map<string, number>,
  plan: Plan,
  reply: SimulationRun,
): void {
  const { result, recording, secondTraceHash } = reply;
  tally.runs++;
  tally.operations += reply.operations;
  tally.simulatedMs += reply.simulatedMs;
  tally.results.push(result);
  for (const { name, isOwed, count } of result.goals) {
    if (!isOwed) goals.set(name, (goals.get(name) ?? 0) + count);
  }
  if (secondTraceHash !== undefined) {
    tally.ranTwice++;
    if (secondTraceHash !== result.traceHash) tally.nondeterministic.push(plan);
  }
  if (recording === undefined) return;
  const isViolation = result.verdict === 'violation';
  if (tally.kept.length < KEPT_MAX) tally.kept.push({ plan, result, recording });
  else if (isViolation) {
    const at = tally.kept.findIndex((kept) => kept.result.verdict !== 'violation');
    if (at >= 0) tally.kept[at] = { plan, result, recording };
  }
}

function progressText(tally: PortfolioTally, planned: number, plan: Plan): string {
  const bad = tally.results.filter(({ verdict }) => verdict === 'violation').length;
  const faults = [...new Set(plan.faults.map(({ kind }) => kind))].join(', ') || 'no faults';
  return (
    `simulation  ${tally.runs}/${planned} runs · ${tally.operations} operations · ` +
    `${bad} violations · ${plan.workload} under ${faults}`
  );
}
