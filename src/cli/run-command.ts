/**
 * `umpire run`. Without a word about what to run, the default job: self-check, every workload under every
 * fault in simulation, and a short run on real processes. With one, exactly that.
 */
import { workloads as allWorkloads } from '../../workloads/index.ts';
import {
  createRunDirectory,
  faultKinds,
  faultKindsNamed,
  generatePlan,
  type Plan,
  planHash,
  RESULT_VERSION,
  type Recording,
  type RunDirectory,
  type RunResult,
  type Verdict,
  type Workload,
} from '../harness/index.ts';
import {
  parseCount,
  parseDuration,
  parseNames,
  parseSeed,
  randomSeed,
  unknownName,
} from './arguments.ts';
import { engineFile, importEngine } from './engine-bundle.ts';
import { UsageError } from './errors.ts';
import { type FinishedRun, type ManyRuns, summarizeMany, summarizeRun, tell } from './outcome.ts';
import { type PortfolioTally, runPortfolioInPool } from './portfolio.ts';
import { planForProcesses, runInProcesses } from './process-run.ts';
import { type SelfCheck, selfCheck } from './self-check.ts';
import { cores, readCommit, type Shell } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';

export interface RunOptions {
  readonly world?: string;
  readonly workload?: string;
  readonly nemesis?: string;
  readonly nodes?: string;
  readonly seed?: string;
  readonly budget?: string;
  readonly timeLimit?: string;
  readonly concurrency?: string;
  readonly zoo?: string;
}

interface Request {
  /** Undefined: the default job. */
  readonly world: 'simulation' | 'process' | undefined;
  readonly workloads: readonly string[];
  readonly nemesis: readonly string[];
  /** Names were given one by one: each is owed. */
  readonly isNemesisOwed: boolean;
  readonly nodes: number | undefined;
  readonly seed: string;
  readonly budgetMs: number | undefined;
  readonly timeLimitMs: number | undefined;
  readonly concurrency: number;
  readonly zoo: readonly string[];
}

const DEFAULT_NODES = 3;
const DEFAULT_CONCURRENCY = 5;
const DEFAULT_TIME_LIMIT_MS = 10_000;
const DEFAULT_BUDGET_MS = 75_000;
/** Of the default job's budget, kept for the run on real processes. */
const PROCESS_SHARE_MS = 30_000;
/** Length of the workload phase in the default job, in simulated and in real time. */
const SHORT_TIME_LIMIT_MS = 5_000;
const PROCESS_TIME_LIMIT_MS = 10_000;
const TWICE_PER_MILLE = 50;
const WORLDS = ['simulation', 'process'] as const;

/** Names and families → kinds, in the order of the table. */
export function resolveNemesis(text: string): { names: string[]; isOwed: boolean } {
  const wanted = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const names = new Set<string>();
  let isOwed = wanted.length > 0;
  for (const name of wanted.length === 0 ? [''] : wanted) {
    const kinds = faultKindsNamed(name);
    if (kinds === undefined) throw unknownName(name, '--nemesis', [...faultKinds.keys()]);
    if (!faultKinds.has(name)) isOwed = false;
    for (const kind of kinds) names.add(kind.name);
  }
  return { names: [...faultKinds.keys()].filter((name) => names.has(name)), isOwed };
}

export function parseRunOptions(options: RunOptions): Request {
  const { world } = options;
  if (world !== undefined && !WORLDS.some((name) => name === world)) {
    throw unknownName(world, '--world', WORLDS);
  }
  const isDefault =
    world === undefined &&
    options.workload === undefined &&
    options.nemesis === undefined &&
    options.nodes === undefined &&
    options.zoo === undefined;
  const all = [...allWorkloads.keys()];
  const nemesis = options.nemesis === undefined ? undefined : resolveNemesis(options.nemesis);
  const nodes =
    options.nodes === undefined ? undefined : parseCount(options.nodes, '--nodes', 1, 9);
  const request: Request = {
    world: isDefault ? undefined : ((world ?? 'simulation') as 'simulation' | 'process'),
    workloads:
      options.workload === undefined ? all : parseNames(options.workload, '--workload', all),
    nemesis: nemesis?.names ?? [...faultKinds.keys()],
    isNemesisOwed: nemesis?.isOwed ?? false,
    nodes,
    seed: options.seed === undefined ? randomSeed() : parseSeed(options.seed),
    budgetMs: options.budget === undefined ? undefined : parseDuration(options.budget, '--budget'),
    timeLimitMs:
      options.timeLimit === undefined
        ? undefined
        : parseDuration(options.timeLimit, '--time-limit'),
    concurrency:
      options.concurrency === undefined
        ? DEFAULT_CONCURRENCY
        : parseCount(options.concurrency, '--concurrency', 1, 200),
    zoo: options.zoo === undefined ? [] : options.zoo.split(',').filter((id) => id !== ''),
  };
  checkNodes(request);
  return request;
}

function checkNodes({ nemesis, isNemesisOwed, nodes }: Request): void {
  if (nodes === undefined || !isNemesisOwed) return;
  for (const name of nemesis) {
    const least = faultKinds.get(name)?.minNodes ?? 1;
    if (least <= nodes) continue;
    throw new UsageError({
      code: 'too-few-nodes',
      what: `${name} makes no sense with --nodes ${nodes}.`,
      why: `It needs ${least} servers at least.`,
      next: `Use --nodes ${least}.`,
    });
  }
}

/** What is left of a list of faults with so many servers. */
function possible(nemesis: readonly string[], nodes: number): string[] {
  return nemesis.filter((name) => (faultKinds.get(name)?.minNodes ?? 1) <= nodes);
}

export async function runCommand(options: RunOptions, shell: Shell): Promise<number> {
  const request = parseRunOptions(options);
  const startedMs = Date.now();
  if (request.world === undefined) return await runDefaultJob(request, shell, startedMs);
  const isSingle = request.budgetMs === undefined && request.workloads.length === 1;
  if (isSingle) return await runOne(request, shell, startedMs);
  return await runMany(request, shell, startedMs);
}

/** The directory comes first: what cannot be written should not be run. */
function directoryFor(shell: Shell, name: string, startedMs: number): RunDirectory {
  return createRunDirectory(shell.options.out, name, startedMs);
}

async function runOne(request: Request, shell: Shell, startedMs: number): Promise<number> {
  const workload = request.workloads[0] as string;
  const directory = directoryFor(shell, `${request.world}-${workload}`, startedMs);
  const commit = readCommit();
  const run =
    request.world === 'simulation'
      ? await simulateOne(request, workload, directory, shell, commit)
      : await processOne(request, workload, (plan) => directory.writePlan(plan), shell, commit);
  return tell(shell, summarizeRun(directory, run, shell.signal.aborted));
}

async function simulateOne(
  request: Request,
  workload: string,
  directory: RunDirectory,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
  const nodes = request.nodes ?? DEFAULT_NODES;
  const plan = generatePlan({
    seed: request.seed,
    workload: allWorkloads.get(workload) as Workload,
    nemesis: possible(request.nemesis, nodes),
    nodes,
    concurrency: request.concurrency,
    timeLimitMs: request.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
    world: 'simulation',
    ...(request.zoo.length > 0 ? { zoo: request.zoo } : {}),
  });
  directory.writePlan(plan);
  shell.progress.update(`simulation  ${workload}, ${nodes} servers, seed ${plan.seed}`);
  return await simulatePlan(plan, shell, commit);
}

/** A plan of its own in one worker; interrupted, it ends as a run that nobody knows anything of. */
export async function simulatePlan(
  plan: Plan,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
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

async function processOne(
  request: Request,
  workload: string,
  onPlan: (plan: Plan) => void,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
  const nodes = request.nodes ?? DEFAULT_NODES;
  shell.progress.update(`processes  bundling the server`);
  const engine = await importEngine(request.zoo);
  const plan = await planForProcesses(
    {
      ...request,
      workload,
      nodes,
      nemesis: possible(request.nemesis, nodes),
      timeLimitMs: request.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
    },
    engine,
  );
  onPlan(plan);
  return await watchProcesses(plan, shell, commit);
}

export async function watchProcesses(
  plan: Plan,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun> {
  const { nodes } = plan.cluster;
  const faults = [...new Set(plan.faults.map(({ kind }) => kind))].join(', ') || 'no faults';
  const text = `processes  ${plan.workload}, ${nodes} servers under ${faults}`;
  shell.progress.update(text);
  const timer = setInterval(() => shell.progress.update(text), 1_000);
  try {
    return await runInProcesses(plan, shell, commit);
  } finally {
    clearInterval(timer);
  }
}

async function runMany(request: Request, shell: Shell, startedMs: number): Promise<number> {
  const directory = directoryFor(shell, `${request.world}-portfolio`, startedMs);
  const commit = readCommit();
  if (request.world === 'simulation') {
    const tally = await simulateMany(request, shell, commit, request.budgetMs ?? 0);
    return tellMany(directory, shell, request, commit, startedMs, { tally, processRuns: [] });
  }
  const processRuns: FinishedRun[] = [];
  const deadline = startedMs + (request.budgetMs ?? 0);
  // Every workload once, and then on in turn until the budget ends.
  for (let round = 0; round === 0 || Date.now() < deadline; round++) {
    for (const [index, workload] of request.workloads.entries()) {
      if (shell.signal.aborted || (round > 0 && Date.now() >= deadline)) break;
      const seed = round === 0 ? request.seed : `${request.seed}-${round.toString(16)}${index}`;
      processRuns.push(await processOne({ ...request, seed }, workload, () => {}, shell, commit));
    }
    if (shell.signal.aborted) break;
  }
  return tellMany(directory, shell, request, commit, startedMs, { tally: undefined, processRuns });
}

async function simulateMany(
  request: Request,
  shell: Shell,
  commit: string | null,
  budgetMs: number,
  shared?: SimulationPool,
): Promise<PortfolioTally> {
  const pool = shared ?? new SimulationPool(await engineFile(request.zoo), cores, commit);
  const abort = () => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  if (shell.signal.aborted) abort();
  try {
    const { nodes, ...rest } = request;
    return await runPortfolioInPool(
      {
        ...rest,
        nemesis: nodes === undefined ? request.nemesis : possible(request.nemesis, nodes),
        ...(nodes === undefined ? {} : { nodes }),
        timeLimitMs: request.timeLimitMs ?? SHORT_TIME_LIMIT_MS,
        budgetMs,
        twicePerMille: TWICE_PER_MILLE,
      },
      pool,
      shell,
    );
  } finally {
    shell.signal.removeEventListener('abort', abort);
    if (shared === undefined) await pool.close();
  }
}

async function runDefaultJob(request: Request, shell: Shell, startedMs: number): Promise<number> {
  const directory = directoryFor(shell, 'default', startedMs);
  const commit = readCommit();
  const budgetMs = request.budgetMs ?? DEFAULT_BUDGET_MS;
  const pool = new SimulationPool(await engineFile(), cores, commit);
  const processRuns: FinishedRun[] = [];
  let checked: SelfCheck | undefined;
  let tally: PortfolioTally | undefined;
  try {
    checked = await selfCheck(shell, pool, commit);
    for (const { name, passed, text } of checked.items) {
      shell.progress.line(`${passed ? '✓' : '✕'} self-check ${name}: ${text}`);
    }
    const elapsedMs = Date.now() - startedMs;
    const leftMs = Math.max(0, budgetMs - elapsedMs - PROCESS_SHARE_MS);
    tally = await simulateMany(request, shell, commit, leftMs, pool);
    shell.progress.line(tallyLine(tally));
    await pool.close();
    if (!shell.signal.aborted) {
      const run = await processOne(
        { ...request, timeLimitMs: request.timeLimitMs ?? PROCESS_TIME_LIMIT_MS },
        'register',
        () => {},
        shell,
        commit,
      );
      processRuns.push(run);
    }
  } catch (error) {
    if (!shell.signal.aborted) throw error;
  } finally {
    await pool.close();
  }
  return tellMany(directory, shell, request, commit, startedMs, { tally, processRuns, checked });
}

function tallyLine(tally: PortfolioTally): string {
  const bad = tally.results.filter(({ verdict }) => verdict !== 'pass').length;
  return (
    `${bad === 0 ? '✓' : '✕'} simulation: ${tally.runs} runs, ${tally.operations} operations in ` +
    `${Math.round(tally.simulatedMs / 1000)} simulated seconds, ${bad} not passed, ` +
    `${tally.ranTwice} run twice`
  );
}

interface Parts {
  readonly tally: PortfolioTally | undefined;
  readonly processRuns: readonly FinishedRun[];
  readonly checked?: SelfCheck | undefined;
}

function tellMany(
  directory: RunDirectory,
  shell: Shell,
  request: Request,
  commit: string | null,
  startedMs: number,
  { tally, processRuns, checked }: Parts,
): number {
  const isInterrupted = shell.signal.aborted;
  const doubts: [Verdict, string][] = [];
  if (tally !== undefined && !tally.isCoverageComplete && !isInterrupted) {
    doubts.push(['not-exercised', 'Not every workload ran under every fault.']);
  }
  const isDefault = request.world === undefined;
  const many: ManyRuns = {
    name: isDefault ? 'default job' : `${request.world} portfolio`,
    seed: request.seed,
    commit,
    startedMs,
    results: [...(tally?.results ?? []), ...processRuns.map(({ result }) => result)],
    kept: [...(tally?.kept ?? []), ...processRuns],
    selfCheck: checked?.items ?? [],
    // A portfolio of chosen faults does not owe what the others would reach.
    goals: isDefault ? (tally?.goals ?? []) : [],
    notInjected: Object.assign({}, ...processRuns.map(({ result }) => result.notInjected)),
    nondeterministic: tally?.nondeterministic ?? [],
    isNondeterministic:
      (tally?.nondeterministic.length ?? 0) > 0 || checked?.isNondeterministic === true,
    doubts,
    isInterrupted,
    again: `npm run jepsen -- --seed ${request.seed}`,
  };
  return tell(shell, summarizeMany(directory, many));
}
