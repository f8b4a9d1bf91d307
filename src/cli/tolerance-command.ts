/**
 * `umpire tolerance`: how many servers may be lost? Brings every pattern of crashes about, in each world,
 * sees who is served and who is refused, and compares what was seen with the quorum model. So it also
 * shows that 2n − 1 servers tolerate as much as 2n, and that of two data centres with three servers each
 * none goes on alone.
 */
import {
  createRunDirectory,
  ExitCode,
  RESULT_VERSION,
  type RunDirectory,
  toJson,
  type Verdict,
  type WorldName,
} from '../harness/index.ts';
import type { Observation, Pattern, WorldObservations } from '../harness/tolerance/index.ts';
import { judgeTolerance, tolerancePlan } from '../harness/tolerance/index.ts';
import { type ToleranceReportInput, writeToleranceReport } from '../report/tolerance/index.ts';
import { parseCount, parseNames, parseSeed, randomSeed } from './arguments.ts';
import { engineFile, importEngine } from './engine-bundle.ts';
import { UsageError } from './errors.ts';
import { type Summary, tell } from './outcome.ts';
import {
  chooseRealWorld,
  describeWorld,
  makeRealWorld,
  type RealWorldName,
  WORLDS,
} from './real-worlds.ts';
import { cores, describeEnvironment, readCommit, type Shell, shownPath } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';
import { tolerancePatterns, wordOf } from './tolerance-patterns.ts';
import { patternPlansCommand } from './tolerance-plans.ts';
import { toleranceText } from './tolerance-text.ts';
import { exitCodeOf } from './verdicts.ts';

export interface ToleranceOptions {
  readonly world?: string;
  readonly sizes?: string;
  readonly seed?: string;
  readonly zoo?: string;
  readonly plans?: boolean;
  readonly share?: string;
}

const LARGEST_SIZE = 8;
/** Containers cost seconds to start: only these unless sizes are asked for. */
const CONTAINER_SIZES = [3, 4, 5, 6];
/** The list of all patterns grows quickly with the size. */
const LARGEST_PLANNED = 7;
const DEFAULT_SHARE = '6';
/** Patterns that one worker gets at a time. */
const BATCH = 8;

interface ToleranceRequest {
  readonly worlds: readonly WorldName[];
  readonly sizes: readonly number[];
  readonly seed: string;
  readonly zoo: readonly string[];
}

export async function toleranceCommand(options: ToleranceOptions, shell: Shell): Promise<number> {
  const request = await parseToleranceOptions(options, shell);
  if (options.plans === true) {
    const { share = DEFAULT_SHARE } = options;
    return await patternPlansCommand(
      {
        ...request,
        sizes: request.sizes.filter((size) => size <= LARGEST_PLANNED),
        share: parseCount(share, '--share', 1, 1_000),
        again: `${commandOf(request)} --plans --share ${share}`,
      },
      shell,
    );
  }
  const startedMs = Date.now();
  const directory = createRunDirectory(shell.options.out, 'tolerance', startedMs);
  const seen: WorldObservations[] = [];
  const errors: string[] = [];
  for (const world of request.worlds) {
    const observations: Observation[] = [];
    seen.push({ world, observations });
    const isCut = world === 'container' && options.sizes === undefined;
    for (const size of isCut ? CONTAINER_SIZES : request.sizes) {
      if (shell.signal.aborted) break;
      const patterns = tolerancePatterns(world, size);
      const found = await (world === 'simulation'
        ? observeInSimulation(patterns, request, shell)
        : observeForReal(world, patterns, request, shell, errors));
      observations.push(...found);
    }
  }
  const judged = judgeTolerance(seen, wordOf(), errors, shell.signal.aborted);
  const input = {
    v: RESULT_VERSION,
    name: 'tolerance',
    ...judged,
    sizes: request.sizes,
    seed: request.seed,
    zoo: request.zoo,
    commit: readCommit(),
    date: new Date(startedMs).toISOString(),
    durationMs: Date.now() - startedMs,
    environment: describeEnvironment(),
    replay: [commandOf(request)],
  };
  save(directory, input, seen);
  shell.print(toleranceText(judged.tables));
  return tell(shell, summaryOf(directory, input, seen, shell.signal.aborted));
}

type Input = ToleranceReportInput & { readonly v: number };

function save(directory: RunDirectory, input: Input, seen: readonly WorldObservations[]): void {
  directory.write('result.json', `${toJson(input, 1)}\n`);
  const lines = seen.flatMap(({ world, observations }) =>
    observations.map((observation) => `${toJson({ world, ...observation })}\n`),
  );
  directory.write('observations.ndjson', lines.join(''));
  writeToleranceReport(directory.path, input);
}

function summaryOf(
  directory: RunDirectory,
  input: Input,
  seen: readonly WorldObservations[],
  isInterrupted: boolean,
): Summary {
  const groups = seen.flatMap(({ observations }) => observations.flatMap((one) => one.groups));
  const paths = {
    directory: '.',
    report: 'report.html',
    result: 'result.json',
    junit: 'junit.xml',
  };
  return {
    verdict: input.verdict,
    sentence: input.sentence,
    reasons: input.reasons,
    seed: input.seed,
    planHash: null,
    traceHash: null,
    counts: {
      patterns: seen.reduce((sum, { observations }) => sum + observations.length, 0),
      served: groups.filter(({ outcome }) => outcome === 'served').length,
      refused: groups.filter(({ outcome }) => outcome === 'refused').length,
      unclear: groups.filter(({ outcome }) => outcome === 'unclear').length,
    },
    exitCode: isInterrupted ? ExitCode.interrupted : exitCodeOf(input.verdict as Verdict),
    paths: Object.fromEntries(
      Object.entries(paths).map(([name, file]) => [name, shownPath(directory.file(file))]),
    ),
    next: input.replay,
  };
}

async function parseToleranceOptions(
  options: ToleranceOptions,
  shell: Shell,
): Promise<ToleranceRequest> {
  const { world, sizes = `1..${LARGEST_SIZE}`, seed, zoo = '' } = options;
  const worlds =
    world === undefined
      ? await possibleWorlds(shell)
      : (parseNames(world, '--world', WORLDS) as WorldName[]);
  return {
    worlds,
    sizes: parseSizes(sizes),
    seed: seed === undefined ? randomSeed() : parseSeed(seed),
    zoo: zoo.split(',').filter((id) => id !== ''),
  };
}

/** All that this host has. */
async function possibleWorlds(shell: Shell): Promise<WorldName[]> {
  const chosen = await chooseRealWorld(shell);
  if (chosen.world === 'container') return [...WORLDS];
  shell.print(`Not in containers: ${chosen.why}`);
  return WORLDS.filter((world) => world !== 'container');
}

/** `4`, `3,5` or `1..8`. */
function parseSizes(text: string): number[] {
  const sizes = text.split(',').flatMap((part) => {
    const [first = '', last = first, ...more] = part.split('..');
    if (more.length > 0) throw badSizes(text);
    const from = parseCount(first, '--sizes', 1, LARGEST_SIZE);
    const to = parseCount(last, '--sizes', 1, LARGEST_SIZE);
    if (to < from) throw badSizes(text);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  return [...new Set(sizes)].sort((a, b) => a - b);
}

function badSizes(text: string): UsageError {
  return new UsageError({
    code: 'bad-sizes',
    what: `--sizes ${JSON.stringify(text)} names no sizes.`,
    next: `Write one size, several with commas, or a range such as 1..${LARGEST_SIZE}.`,
  });
}

function commandOf({ worlds, sizes, seed, zoo }: ToleranceRequest): string {
  const broken = zoo.length === 0 ? '' : ` --zoo ${zoo.join(',')}`;
  return `npm run jepsen -- tolerance --world ${worlds.join(',')} --sizes ${sizes.join(',')} --seed ${seed}${broken}`;
}

async function observeInSimulation(
  patterns: readonly Pattern[],
  { seed, zoo }: ToleranceRequest,
  shell: Shell,
): Promise<Observation[]> {
  const pool = new SimulationPool(await engineFile(zoo), cores, null);
  const abort = (): void => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  const labelled = patterns.map((pattern, index) => ({ pattern, label: `${index}` }));
  let count = 0;
  try {
    const batches = Array.from({ length: Math.ceil(labelled.length / BATCH) }, (_, index) =>
      labelled.slice(BATCH * index, BATCH * (index + 1)),
    );
    const replies = await Promise.all(
      batches.map(async (batch) => {
        const { observations } = await pool.observe({ type: 'observe', patterns: batch, seed });
        count += observations.length;
        shell.progress.update(progressText('simulation', patterns, count));
        return observations;
      }),
    );
    return replies.flat();
  } catch (error) {
    if (shell.signal.aborted) return [];
    throw error;
  } finally {
    shell.signal.removeEventListener('abort', abort);
    await pool.close();
  }
}

async function observeForReal(
  name: RealWorldName,
  patterns: readonly Pattern[],
  { seed, zoo }: ToleranceRequest,
  shell: Shell,
  errors: string[],
): Promise<Observation[]> {
  const size = patterns[0]?.size ?? 0;
  const engine = await importEngine(zoo);
  const { cluster } = tolerancePlan(size, seed);
  const tested = { zoo, system: 'umpire' } as const;
  const world = await makeRealWorld(name, engine, tested, shell, { cluster, seed });
  const where = describeWorld(name);
  const observations: Observation[] = [];
  shell.progress.update(progressText(where, patterns, 0));
  const error = await new Promise<string | undefined>((done) => {
    // One pattern takes long: an interrupt does not wait for its end.
    const interrupt = (): void => world.stop(() => done(undefined));
    if (shell.signal.aborted) {
      interrupt();
      return;
    }
    shell.signal.addEventListener('abort', interrupt, { once: true });
    const onObserved = (observation: Observation): void => {
      observations.push(observation);
      shell.progress.update(progressText(where, patterns, observations.length));
    };
    engine.observeAll(world, patterns, seed, onObserved, (failure) => {
      shell.signal.removeEventListener('abort', interrupt);
      done(failure);
    });
  });
  if (error !== undefined) errors.push(`${size} servers in ${where}: ${error}`);
  return observations;
}

function progressText(where: string, patterns: readonly Pattern[], count: number): string {
  const size = patterns[0]?.size ?? 0;
  return `${where}  ${size} servers: ${count} of ${patterns.length} patterns`;
}
