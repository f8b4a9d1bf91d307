/** `umpire zoo`: puts known bugs into a copy of the sources and shows that the harness catches them. */
import {
  createRunDirectory,
  ExitCode,
  faultKinds,
  type Plan,
  RunDirectory,
} from '../harness/index.ts';
import { readZoo, withZooFaults, type ZooEntry, zooEntries } from '../systems/zoo.ts';
import { parseCount, unknownName } from './arguments.ts';
import { importEngine } from './engine-bundle.ts';
import { countsOf, type FinishedRun, type Summary, saveFinished, tell } from './outcome.ts';
import { planForRealWorld } from './real-run.ts';
import { type RealWorldName, WORLDS } from './real-worlds.ts';
import { catchInSimulation } from './self-check.ts';
import { readCommit, type Shell, shownPath } from './shell.ts';
import { watchRealRun } from './single-run.ts';
import { exitCodeOf } from './verdicts.ts';

export interface ZooOptions {
  readonly world?: string;
  readonly times?: string;
}

const DEFAULT_PROCESS_TIMES = 10;

interface Catch {
  readonly entry: ZooEntry;
  readonly isCaught: boolean;
  readonly text: string;
  readonly run?: FinishedRun;
}

/** Exits 1 where every bug was caught: a caught bug is a violation, as everywhere. */
export async function zooCommand(
  ids: readonly string[],
  options: ZooOptions,
  shell: Shell,
): Promise<number> {
  const { world = 'simulation' } = options;
  if (!WORLDS.some((name) => name === world)) throw unknownName(world, '--world', WORLDS);
  const times =
    options.times === undefined
      ? DEFAULT_PROCESS_TIMES
      : parseCount(options.times, '--times', 1, 1_000);
  const zoo = readZoo();
  const unknown = ids.find((id) => !zoo.has(id));
  if (unknown !== undefined) throw unknownName(unknown, 'zoo', [...zoo.keys()]);
  const entries = ids.length === 0 ? [...zoo.values()] : zooEntries(ids, zoo);
  const root = createRunDirectory(shell.options.out, `zoo-${world}`, Date.now());
  const commit = readCommit();
  const catches: Catch[] = [];
  for (const entry of entries) {
    if (shell.signal.aborted) break;
    shell.progress.update(`zoo  ${entry.id}: ${entry.title}`);
    const caught =
      world === 'simulation'
        ? await inSimulation(entry, shell, commit)
        : await onRealServers(entry, world as RealWorldName, times, shell, commit);
    catches.push(caught);
    shell.progress.line(`${caught.isCaught ? '✓' : '✕'} ${entry.id}: ${caught.text}`);
  }
  return tell(shell, summarize(root, catches, shell.signal.aborted));
}

async function inSimulation(entry: ZooEntry, shell: Shell, commit: string | null): Promise<Catch> {
  const { passed, text, run } = await catchInSimulation(entry, shell, commit);
  return { entry, isCaught: passed, text, ...(run === undefined ? {} : { run }) };
}

/** Real servers interleave as they like: the bug gets several chances. */
async function onRealServers(
  entry: ZooEntry,
  world: RealWorldName,
  times: number,
  shell: Shell,
  commit: string | null,
): Promise<Catch> {
  const engine = await importEngine([entry.id]);
  const seen = new Set<string>();
  let last: FinishedRun | undefined;
  for (let turn = 0; turn < times && !shell.signal.aborted; turn++) {
    const seed = (BigInt(`0x${entry.run.seed}`) + BigInt(turn)).toString(16);
    const drawn: Plan = await planForRealWorld(
      {
        ...entry.run,
        world,
        timeLimitMs: entry.run.processTimeLimitMs ?? entry.run.timeLimitMs,
        nemesis: (entry.run.processNemesis ?? entry.run.nemesis).filter((name) =>
          faultKinds.has(name),
        ),
        isNemesisOwed: true,
        seed,
        zoo: [entry.id],
      },
      engine,
      shell,
    );
    const plan = withZooFaults(drawn, entry, world);
    const run = await watchRealRun(plan, world, shell, commit);
    last = run;
    const anomalies = run.result.checks.flatMap((check) => check.anomalies);
    const found = anomalies.find(({ kind }) => entry.expected.includes(kind));
    for (const { kind } of anomalies) seen.add(kind);
    if (run.result.verdict !== 'violation' || found === undefined) continue;
    const tries = turn === 0 ? '' : ` (run ${turn + 1})`;
    return { entry, isCaught: true, text: `caught${tries}: ${found.message}`, run };
  }
  const others = seen.size === 0 ? 'saw nothing' : `saw only ${[...seen].join(', ')}`;
  const text = `NOT caught in ${times} runs: ${others}, not ${entry.expected.join(' or ')}`;
  return { entry, isCaught: false, text, ...(last === undefined ? {} : { run: last }) };
}

function summarize(root: RunDirectory, catches: readonly Catch[], isInterrupted: boolean): Summary {
  const next: string[] = [];
  const paths: Record<string, string> = { directory: shownPath(root.path) };
  for (const { entry, run } of catches) {
    if (run === undefined) continue;
    const directory = new RunDirectory(root.file(entry.id));
    const { replay } = saveFinished(directory, run);
    paths.report = shownPath(directory.file('report.html'));
    paths.plan = shownPath(directory.file('plan.json'));
    next.push(...replay.slice(0, 1));
  }
  const missed = catches.filter(({ isCaught }) => !isCaught);
  const isCaught = missed.length === 0 && catches.length > 0;
  const only = catches.length === 1 ? catches[0] : undefined;
  const verdict = isCaught ? 'violation' : 'harness-error';
  return {
    verdict,
    sentence:
      only?.run !== undefined && isCaught
        ? only.run.result.sentence
        : isCaught
          ? `Caught all ${catches.length} bugs of the zoo.`
          : `Not caught: ${missed.map(({ entry }) => entry.id).join(', ')}.`,
    reasons: missed.map(({ entry, text }) => `${entry.id}: ${text}`),
    seed: only?.run?.result.seed ?? '',
    planHash: only?.run?.result.planHash ?? null,
    traceHash: only?.run?.result.traceHash ?? null,
    counts: {
      ...countsOf(catches.flatMap(({ run }) => (run === undefined ? [] : [run.result]))),
      bugs: catches.length,
      caught: catches.length - missed.length,
    },
    exitCode: isInterrupted ? ExitCode.interrupted : exitCodeOf(verdict),
    paths,
    next,
  };
}
