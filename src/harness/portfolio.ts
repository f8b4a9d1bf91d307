/**
 * Many simulated runs under one budget: first each workload under each fault alone, then swarms of faults;
 * three servers mostly, sometimes one, four or five. A share of the seeds runs twice, and both runs must
 * leave the same trace.
 */
import { prngStream } from '../base/prng.ts';
import { generatePlan } from './generator.ts';
import { goalNames } from './goals.ts';
import { faultKinds } from './nemesis/faults.ts';
import type { Plan } from './plan.ts';
import type { Goal, RunResult, Verdict } from './result.ts';
import { type RunOutcome, runSimulated, type SimulatedSettings, traceHashOf } from './run.ts';
import type { Workload } from './workload.ts';

export interface PortfolioOptions {
  readonly seed: string;
  readonly workloads: readonly Workload[];
  /** Fault names; without them, all of the table. */
  readonly nemesis?: readonly string[];
  readonly nodes?: number;
  readonly concurrency: number;
  readonly timeLimitMs: number;
  /** How many runs at most; the budget may end it sooner. */
  readonly maxRuns: number;
  readonly mayGoOn: () => boolean;
  /** Of 1000 runs, so many run twice. */
  readonly twicePerMille: number;
  readonly zoo?: readonly string[];
  readonly isFailFast?: boolean;
  readonly onRun?: (outcome: RunOutcome, index: number) => void;
}

export interface PortfolioOutcome {
  readonly runs: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly operations: number;
  readonly simulatedMs: number;
  readonly ranTwice: number;
  /** Plans whose two runs left different traces. */
  readonly nondeterministic: readonly Plan[];
  readonly goals: readonly Goal[];
  readonly results: readonly RunResult[];
  /** The first that violated, else the first that did not pass, else the last. */
  readonly focus: RunOutcome | undefined;
}

const MAX_KEPT_RESULTS = 500;
const severity: readonly Verdict[] = [
  'pass',
  'unknown',
  'not-exercised',
  'harness-error',
  'violation',
];

/** The `index`th plan of a portfolio. */
export function portfolioPlan(options: PortfolioOptions, index: number): Plan {
  const { workloads, concurrency, timeLimitMs, zoo } = options;
  const seed = `${options.seed}-${index.toString(16)}`;
  const prng = prngStream(seed, 'portfolio');
  const names = options.nemesis ?? [...faultKinds.keys()];
  const workload = workloads[index % workloads.length] as Workload;
  const round = Math.floor(index / workloads.length);
  const nodes = options.nodes ?? prng.pick([3, 3, 3, 3, 5, 5, 4, 1]);
  const able = names.filter((name) => (faultKinds.get(name)?.minNodes ?? 1) <= nodes);
  const alone = names[round % names.length] as string;
  const isAlone = round < names.length && able.includes(alone);
  const swarm = prng.shuffle(able).slice(0, prng.int(1, Math.min(5, able.length)));
  const nemesis = isAlone ? [alone] : swarm;
  return generatePlan({
    seed,
    workload,
    nemesis,
    nodes,
    concurrency,
    timeLimitMs,
    world: 'simulation',
    ...(zoo === undefined ? {} : { zoo }),
  });
}

export function runPortfolio(
  options: PortfolioOptions,
  settings: SimulatedSettings,
): PortfolioOutcome {
  const byName = new Map(options.workloads.map((workload) => [workload.name, workload] as const));
  const verdicts: Record<Verdict, number> = {
    pass: 0,
    violation: 0,
    unknown: 0,
    'not-exercised': 0,
    'harness-error': 0,
  };
  const goals = new Map<string, number>(goalNames(options.workloads).map((name) => [name, 0]));
  const results: RunResult[] = [];
  const nondeterministic: Plan[] = [];
  const draws = prngStream(options.seed, 'portfolio/twice');
  let focus: RunOutcome | undefined;
  let runs = 0;
  let operations = 0;
  let simulatedMs = 0;
  let ranTwice = 0;
  while (runs < options.maxRuns && options.mayGoOn()) {
    const plan = portfolioPlan(options, runs);
    const workload = byName.get(plan.workload) as Workload;
    const outcome = runSimulated(plan, workload, settings);
    const { result } = outcome;
    verdicts[result.verdict]++;
    operations += outcome.recording.history.filter((entry) => entry.type === 'invoke').length;
    simulatedMs += outcome.recording.durationNs / 1e6;
    for (const goal of result.goals) {
      if (!goal.isOwed) goals.set(goal.name, (goals.get(goal.name) ?? 0) + goal.count);
    }
    if (results.length < MAX_KEPT_RESULTS) results.push(result);
    if (isWorse(result.verdict, focus?.result.verdict)) focus = outcome;
    options.onRun?.(outcome, runs);
    if (draws.chance(options.twicePerMille)) {
      ranTwice++;
      if (traceHashOf(plan, workload, settings) !== result.traceHash) nondeterministic.push(plan);
    }
    runs++;
    if (options.isFailFast === true && result.verdict === 'violation') break;
  }
  return {
    runs,
    verdicts,
    operations,
    simulatedMs: Math.round(simulatedMs),
    ranTwice,
    nondeterministic,
    goals: [...goals].map(([name, count]) => ({ name, isOwed: true, count })),
    results,
    focus,
  };
}

function isWorse(verdict: Verdict, than: Verdict | undefined): boolean {
  if (than === undefined) return true;
  if (verdict === 'pass') return than === 'pass';
  return severity.indexOf(verdict) > severity.indexOf(than);
}
