/**
 * `umpire run`. Without a word about what to run, the default job: self-check, every workload under every
 * fault in simulation, and a short run on real servers: in containers where a Docker engine answers, else
 * as processes. With one, exactly that.
 */
import { workloads as allWorkloads } from '../../workloads/index.ts';
import {
  createRunDirectory,
  faultKinds,
  type RunDirectory,
  type Verdict,
  type WorldName,
} from '../harness/index.ts';
import { conformanceSummary } from './conformance-text.ts';
import { engineFile } from './engine-bundle.ts';
import { type FinishedRun, type ManyRuns, summarizeMany, summarizeRun, tell } from './outcome.ts';
import { type PortfolioTally, runPortfolioInPool } from './portfolio.ts';
import { chooseRealWorld } from './real-worlds.ts';
import { parseRunOptions, possible, type RunOptions, type RunRequest } from './run-request.ts';
import { type SelfCheck, selfCheck } from './self-check.ts';
import { cores, readCommit, type Shell } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';
import { carryOut, planOne, watchRealRun } from './single-run.ts';

const DEFAULT_BUDGET_MS = 75_000;
/** Of the default job's budget, kept for the run on real servers. */
const REAL_SHARE_MS = 30_000;
/** Length of the workload phase in the default job, in simulated and in real time. */
const SHORT_TIME_LIMIT_MS = 5_000;
const REAL_TIME_LIMIT_MS = 10_000;
const TWICE_PER_MILLE = 50;

export async function runCommand(options: RunOptions, shell: Shell): Promise<number> {
  const request = parseRunOptions(options);
  const startedMs = Date.now();
  if (request.world === undefined) return await runDefaultJob(request, shell, startedMs);
  const isSingle = request.budgetMs === undefined && request.workloads.length === 1;
  const { world } = request;
  if (isSingle) return await runOne({ ...request, world }, shell, startedMs);
  return await runMany({ ...request, world }, shell, startedMs);
}

type WorldRequest = RunRequest & { readonly world: WorldName };

/** It comes before the run: what cannot be written should not be run. */
function directoryFor(shell: Shell, name: string, startedMs: number): RunDirectory {
  return createRunDirectory(shell.options.out, name, startedMs);
}

async function runOne(request: WorldRequest, shell: Shell, startedMs: number): Promise<number> {
  const workload = request.workloads[0] as string;
  const plan = await planOne(request, workload, shell);
  const directory = directoryFor(shell, `${request.world}-${workload}`, startedMs);
  directory.writePlan(plan);
  const run = await carryOut(plan, request.world, shell, readCommit());
  return tell(shell, summarizeRun(directory, run, shell.signal.aborted));
}

async function runMany(request: WorldRequest, shell: Shell, startedMs: number): Promise<number> {
  const directory = directoryFor(shell, `${request.world}-portfolio`, startedMs);
  const commit = readCommit();
  const { world } = request;
  if (world === 'simulation') {
    const tally = await simulateMany(request, shell, commit, request.budgetMs ?? 0);
    return tellMany(directory, shell, request, commit, startedMs, { tally, realRuns: [] });
  }
  const realRuns: FinishedRun[] = [];
  const deadline = startedMs + (request.budgetMs ?? 0);
  // Every workload once, and then on in turn until the budget ends.
  for (let round = 0; round === 0 || Date.now() < deadline; round++) {
    for (const [index, workload] of request.workloads.entries()) {
      if (shell.signal.aborted || (round > 0 && Date.now() >= deadline)) break;
      const seed = round === 0 ? request.seed : `${request.seed}-${round.toString(16)}${index}`;
      const plan = await planOne({ ...request, seed }, workload, shell);
      realRuns.push(await watchRealRun(plan, world, shell, commit));
    }
    if (shell.signal.aborted) break;
  }
  return tellMany(directory, shell, request, commit, startedMs, { tally: undefined, realRuns });
}

async function simulateMany(
  request: RunRequest,
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

async function runDefaultJob(
  request: RunRequest,
  shell: Shell,
  startedMs: number,
): Promise<number> {
  const directory = directoryFor(shell, 'default', startedMs);
  const commit = readCommit();
  const budgetMs = request.budgetMs ?? DEFAULT_BUDGET_MS;
  const pool = new SimulationPool(await engineFile(), cores, commit);
  const realRuns: FinishedRun[] = [];
  let checked: SelfCheck | undefined;
  let tally: PortfolioTally | undefined;
  try {
    checked = await selfCheck(shell, pool, commit);
    for (const { name, passed, text } of checked.items) {
      shell.progress.line(`${passed ? '✓' : '✕'} self-check ${name}: ${text}`);
    }
    const elapsedMs = Date.now() - startedMs;
    const leftMs = Math.max(0, budgetMs - elapsedMs - REAL_SHARE_MS);
    tally = await simulateMany(request, shell, commit, leftMs, pool);
    shell.progress.line(tallyLine(tally));
    await pool.close();
    if (!shell.signal.aborted) {
      const timeLimitMs = request.timeLimitMs ?? REAL_TIME_LIMIT_MS;
      const { world, why } = await chooseRealWorld(shell);
      shell.progress.line(
        `real servers run ${world === 'container' ? 'in containers' : 'as processes'}: ${why}`,
      );
      const plan = await planOne({ ...request, world, timeLimitMs }, 'register', shell);
      realRuns.push(await watchRealRun(plan, world, shell, commit));
    }
  } catch (error) {
    if (!shell.signal.aborted) throw error;
  } finally {
    await pool.close();
  }
  return tellMany(directory, shell, request, commit, startedMs, { tally, realRuns, checked });
}

function tallyLine(tally: PortfolioTally): string {
  const idle = tally.results.filter(({ verdict }) => verdict === 'not-exercised').length;
  const bad = tally.results.filter(({ verdict }) => verdict !== 'pass').length - idle;
  return (
    `${bad === 0 ? '✓' : '✕'} simulation: ${tally.runs} runs, ${tally.operations} operations in ` +
    `${Math.round(tally.simulatedMs / 1000)} simulated seconds, ${bad} failed, ` +
    `${idle} not fully exercised, ${tally.ranTwice} run twice`
  );
}

interface Parts {
  readonly tally: PortfolioTally | undefined;
  readonly realRuns: readonly FinishedRun[];
  readonly checked?: SelfCheck | undefined;
}

function tellMany(
  directory: RunDirectory,
  shell: Shell,
  request: RunRequest,
  commit: string | null,
  startedMs: number,
  { tally, realRuns, checked }: Parts,
): number {
  const isInterrupted = shell.signal.aborted;
  for (const line of conformanceSummary(tally?.results ?? [])) shell.progress.line(line);
  const doubts: [Verdict, string][] = [];
  if (tally !== undefined && !tally.isCoverageComplete && !isInterrupted) {
    doubts.push(['not-exercised', 'Not every workload ran under every fault.']);
  }
  const isDefault = request.world === undefined;
  // A portfolio of chosen faults, workloads or sizes does not owe what the others would reach.
  const areGoalsOwed =
    request.nemesis.length === faultKinds.size &&
    request.workloads.length === allWorkloads.size &&
    request.nodes === undefined;
  const many: ManyRuns = {
    name: isDefault ? 'default job' : `${request.world} portfolio`,
    seed: request.seed,
    commit,
    startedMs,
    results: [...(tally?.results ?? []), ...realRuns.map(({ result }) => result)],
    kept: [...(tally?.kept ?? []), ...realRuns],
    selfCheck: checked?.items ?? [],
    goals: (tally?.goals ?? []).map((goal) => ({ ...goal, isOwed: areGoalsOwed })),
    notInjected: Object.assign({}, ...realRuns.map(({ result }) => result.notInjected)),
    nondeterministic: tally?.nondeterministic ?? [],
    isNondeterministic:
      (tally?.nondeterministic.length ?? 0) > 0 || checked?.isNondeterministic === true,
    doubts,
    isInterrupted,
    again: againCommands(request),
  };
  return tell(shell, summarizeMany(directory, many));
}

/** The same once more, and more of it. */
function againCommands({ world, workloads, seed }: RunRequest): string[] {
  const chosen = workloads.length === allWorkloads.size ? '' : ` --workload ${workloads.join(',')}`;
  const options = world === undefined ? '' : ` --world ${world}${chosen}`;
  return [`npm run jepsen --${options} --seed ${seed}`, `npm run jepsen --${options} --budget 10m`];
}
