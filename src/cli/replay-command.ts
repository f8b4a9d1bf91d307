/**
 * `umpire replay`: in simulation the same trace, bit by bit, or an error that says so; on real servers
 * the same operations and faults, and how often the verdict came back.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import {
  createRunDirectory,
  ExitCode,
  type Plan,
  RunDirectory,
  type RunResult,
  readPlan,
  signatureOf,
} from '../harness/index.ts';
import { parseCount, unknownName } from './arguments.ts';
import { UsageError } from './errors.ts';
import { type FinishedRun, summarizeRun, tell } from './outcome.ts';
import { describeWorld, type RealWorldName, WORLDS } from './real-worlds.ts';
import { readCommit, type Shell } from './shell.ts';
import { simulatePlan, watchRealRun } from './single-run.ts';
import { locateRun } from './stored-run.ts';
import { exitCodeOf, worstVerdict } from './verdicts.ts';

export interface ReplayOptions {
  readonly times?: string;
  readonly world?: string;
}

const DEFAULT_REAL_TIMES = 10;

/** A plan, and what its first run said where that is known. */
export function readReplayed(path: string): {
  readonly plan: Plan;
  readonly earlier: RunResult | undefined;
} {
  const located = locateRun(path);
  const plan = readPlan(located.plan);
  const { directory } = located;
  const isFinished = directory !== undefined && existsSync(join(directory, 'result.json'));
  return { plan, earlier: isFinished ? new RunDirectory(directory).readResult() : undefined };
}

export async function replayCommand(
  path: string,
  options: ReplayOptions,
  shell: Shell,
): Promise<number> {
  if (options.world !== undefined && !WORLDS.some((name) => name === options.world)) {
    throw unknownName(options.world, '--world', WORLDS);
  }
  const { plan, earlier } = readReplayed(path);
  const world = options.world ?? earlier?.world ?? 'simulation';
  checkSystem(plan, world);
  const name = `replay-${basename(resolve(path))}`;
  const directory = createRunDirectory(shell.options.out, name, Date.now());
  directory.writePlan(plan);
  return world === 'simulation'
    ? await replayInSimulation(plan, earlier, directory, shell)
    : await replayOnRealServers(plan, world as RealWorldName, earlier, directory, options, shell);
}

/** Servers that are not ours exist only in containers. */
function checkSystem({ system }: Plan, world: string): void {
  if (system === undefined || world === 'container') return;
  throw new UsageError({
    code: 'system-not-here',
    what: `The plan is for the system ${system}, which runs only in containers.`,
    next: 'Use --world container.',
  });
}

async function replayInSimulation(
  plan: Plan,
  earlier: RunResult | undefined,
  directory: RunDirectory,
  shell: Shell,
): Promise<number> {
  shell.progress.update(`replaying in simulation, seed ${plan.seed}`);
  const run = await simulatePlan(plan, shell, readCommit());
  const summary = summarizeRun(directory, run, shell.signal.aborted);
  const { traceHash } = run.result;
  if (earlier?.world !== 'simulation' || earlier.traceHash === null || shell.signal.aborted) {
    return tell(shell, summary);
  }
  const isSame = traceHash === earlier.traceHash;
  if (isSame) {
    shell.progress.line(`REPLAYED bit by bit, trace ${traceHash}`);
    return tell(shell, summary);
  }
  // Other sources may take another way; the same ones may not.
  const isSameSource = earlier.commit === run.result.commit;
  const reason = isSameSource
    ? 'one plan gave two traces with the same sources'
    : `the sources changed from ${earlier.commit} to ${run.result.commit}`;
  shell.progress.line(`NOT the same trace: ${earlier.traceHash} then, ${traceHash} now; ${reason}`);
  const exitCode = exitCodeOf(run.result.verdict, isSameSource);
  return tell(shell, { ...summary, exitCode, reasons: [...summary.reasons, reason] });
}

async function replayOnRealServers(
  plan: Plan,
  world: RealWorldName,
  earlier: RunResult | undefined,
  directory: RunDirectory,
  options: ReplayOptions,
  shell: Shell,
): Promise<number> {
  const times =
    options.times === undefined
      ? DEFAULT_REAL_TIMES
      : parseCount(options.times, '--times', 1, 1_000);
  const commit = readCommit();
  const wanted = earlier === undefined ? undefined : signatureOf(earlier);
  const runs: FinishedRun[] = [];
  let repeated = 0;
  for (let turn = 1; turn <= times && !shell.signal.aborted; turn++) {
    const run = await watchRealRun(plan, world, shell, commit);
    runs.push(run);
    const isSame = wanted === undefined || signatureOf(run.result) === wanted;
    if (isSame) repeated++;
    shell.progress.line(`run ${turn} of ${times}: ${run.result.verdict}. ${run.result.sentence}`);
  }
  const worst = worstVerdict(runs.map(({ result }) => result.verdict));
  const told = runs.find(({ result }) => result.verdict === worst);
  if (told === undefined) return ExitCode.interrupted;
  const violations = runs.filter(({ result }) => result.verdict === 'violation').length;
  const words =
    `RE-RUN in ${describeWorld(world)} (not the same interleaving): ${violations} of ${runs.length} ` +
    `violated${wanted === undefined ? '' : `, ${repeated} with the same finding`}.`;
  shell.progress.line(words);
  const summary = summarizeRun(directory, told, shell.signal.aborted);
  return tell(shell, {
    ...summary,
    reasons: [words, ...summary.reasons],
    counts: { ...summary.counts, replays: runs.length, violations },
  });
}
