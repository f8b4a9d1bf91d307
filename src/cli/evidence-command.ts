/**
 * `umpire evidence`: runs what the claims rest on beside the models, in simulation or on real servers, and
 * writes one small file for each claim and world, which `umpire claims` reads. Evidence that no command
 * can produce yet is not written, so that its claim stays *not yet shown*.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { claims, type Recorded, type RecordedVerdict } from '../../spec/claims/index.ts';
import { ExitCode, faultKinds, type RunResult, type WorldName } from '../harness/index.ts';
import { readZoo } from '../systems/zoo.ts';
import { parseDuration, parseNames, parseSeed, randomSeed, unknownName } from './arguments.ts';
import { EVIDENCE_DIRECTORY, writeEvidence } from './claims-files.ts';
import { engineFile } from './engine-bundle.ts';
import { EnvironmentError } from './errors.ts';
import { type EvidenceRule, evidenceRules, judgeRule, toleranceClaims } from './evidence-rules.ts';
import { runPortfolioInPool } from './portfolio.ts';
import { WORLDS } from './real-worlds.ts';
import { catchInSimulation } from './self-check.ts';
import { cores, readCommit, type Shell, shownPath } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';
import { carryOut, planOne } from './single-run.ts';
import { toleranceCommand } from './tolerance-command.ts';

export interface EvidenceOptions {
  readonly world?: string;
  readonly seed?: string;
  readonly evidence?: string;
  readonly timeLimit?: string;
  readonly budget?: string;
}

interface Gathering {
  readonly world: WorldName;
  readonly seed: string;
  readonly directory: string;
  readonly commit: string | null;
  readonly timeLimitMs: number;
  /** More runs of each workload, for so long. */
  readonly budgetMs: number;
  readonly shell: Shell;
}

const SIMULATED_MS = 5_000;
const REAL_MS = 10_000;
const CONCURRENCY = 6;
/** What every real world can inject; each run is cut to what this host has. */
const REAL_NEMESIS = ['kill', 'pause', 'partition-one', 'partition-halves', 'kill-all'];

export async function evidenceCommand(
  ids: readonly string[],
  options: EvidenceOptions,
  shell: Shell,
): Promise<number> {
  const world = parseWorld(options.world ?? 'simulation');
  const isReal = world !== 'simulation';
  const gathering: Gathering = {
    world,
    seed: options.seed === undefined ? randomSeed() : parseSeed(options.seed),
    directory: options.evidence ?? EVIDENCE_DIRECTORY,
    commit: readCommit(),
    timeLimitMs:
      options.timeLimit === undefined
        ? isReal
          ? REAL_MS
          : SIMULATED_MS
        : parseDuration(options.timeLimit, '--time-limit'),
    budgetMs: options.budget === undefined ? 0 : parseDuration(options.budget, '--budget'),
    shell,
  };
  const wanted = chosenIds(ids);
  const rules = evidenceRules.filter(
    (rule) => wanted.includes(rule.claim) && rule.worlds.includes(world),
  );
  const written = [
    ...(await gatherRuns(rules, gathering)),
    ...(await gatherTolerance(
      wanted.filter((id) => toleranceClaims.includes(id)),
      gathering,
    )),
  ];
  shell.progress.done();
  const rest = wanted.filter((id) => !written.some(({ claim }) => claim === id));
  shell.print(`\nwrote evidence for ${written.length} claims; none in ${world} for ${rest.length}`);
  shell.print('next    npm run claims');
  shell.printJson({ world, seed: gathering.seed, written, missing: rest });
  if (shell.signal.aborted) return ExitCode.interrupted;
  return written.length === 0 ? ExitCode['not-exercised'] : ExitCode.pass;
}

function parseWorld(name: string): WorldName {
  const found = WORLDS.find((world) => world === name);
  if (found === undefined) throw unknownName(name, '--world', WORLDS);
  return found;
}

function chosenIds(ids: readonly string[]): readonly string[] {
  const known = claims.map(({ id }) => id);
  return ids.length === 0 ? known : parseNames(ids.join(','), 'evidence', known);
}

/** Rules of one workload share its runs, and rules that rest on one bug its catch. */
async function gatherRuns(
  rules: readonly EvidenceRule[],
  gathering: Gathering,
): Promise<Recorded[]> {
  const { shell, commit } = gathering;
  const caught = new Map<string, boolean>();
  const written: Recorded[] = [];
  for (const workload of new Set(rules.map((rule) => rule.workload))) {
    if (shell.signal.aborted) break;
    const results = await runsOf(workload, gathering);
    for (const rule of rules.filter((one) => one.workload === workload)) {
      if (shell.signal.aborted) break;
      const bug = rule.without?.zoo;
      if (bug !== undefined && !caught.has(bug)) {
        shell.progress.update(`evidence  ${rule.claim}: ${bug}`);
        caught.set(bug, await isCaught(bug, shell, commit));
      }
      const outcome = judgeRule(rule, results, bug === undefined ? undefined : caught.get(bug));
      tellOutcome(rule.claim, outcome, shell);
      if (outcome.verdict === undefined) continue;
      const hashes = results.map(({ planHash }) => planHash);
      written.push(record(rule.claim, outcome.verdict, outcome.counts, hashes, gathering));
    }
  }
  return written;
}

function tellOutcome(
  claim: string,
  { verdict, why }: { readonly verdict: RecordedVerdict | undefined; readonly why: string },
  shell: Shell,
): void {
  shell.progress.line(`${claim.padEnd(4)} ${(verdict ?? 'not shown').padEnd(10)} ${why}`);
}

/** In simulation every fault alone, a run each; on real servers one run under several faults. */
async function runsOf(workload: string, gathering: Gathering): Promise<readonly RunResult[]> {
  const { world, seed, shell, commit, timeLimitMs, budgetMs } = gathering;
  const request = {
    world,
    workloads: [workload],
    isNemesisOwed: false,
    nodes: undefined,
    seed,
    budgetMs,
    timeLimitMs,
    concurrency: CONCURRENCY,
    zoo: [],
    system: 'umpire',
  } as const;
  if (world !== 'simulation') {
    const results: RunResult[] = [];
    const deadline = performance.now() + budgetMs;
    do {
      const own = { ...request, nemesis: REAL_NEMESIS, seed: `${seed}-${results.length}` };
      const plan = await planOne(own, workload, shell);
      results.push((await carryOut(plan, world, shell, commit)).result);
    } while (performance.now() < deadline && !shell.signal.aborted);
    return results;
  }
  const pool = new SimulationPool(await engineFile(), cores, commit);
  const abort = () => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  try {
    const { nodes: _, ...rest } = request;
    const nemesis = [...faultKinds.keys()];
    const tally = await runPortfolioInPool({ ...rest, nemesis, twicePerMille: 0 }, pool, shell);
    return tally.results;
  } finally {
    shell.signal.removeEventListener('abort', abort);
    await pool.close();
  }
}

async function isCaught(bug: string, shell: Shell, commit: string | null): Promise<boolean> {
  const entry = readZoo().get(bug);
  if (entry === undefined) {
    throw new EnvironmentError({
      code: 'no-such-bug',
      what: `The zoo has no ${bug}.`,
      why: 'A rule of the evidence rests on it.',
    });
  }
  return (await catchInSimulation(entry, shell, commit)).passed;
}

/** One table answers several claims: what was seen is compared with the quorum model there. */
async function gatherTolerance(ids: readonly string[], gathering: Gathering): Promise<Recorded[]> {
  const { world, seed, shell } = gathering;
  if (ids.length === 0 || shell.signal.aborted) return [];
  const code = await toleranceCommand({ world, seed }, shell);
  if (shell.signal.aborted) return [];
  const stored = join(shell.options.out, 'latest');
  const patterns = readFileSync(join(stored, 'observations.ndjson'), 'utf8').trim().split('\n');
  const caught = await isCaught('half-is-enough', shell, gathering.commit);
  const counts = { patterns: patterns.length, 'caught half-is-enough': caught ? 1 : 0 };
  const isEqual = code === ExitCode.pass;
  const verdict = isEqual && caught ? 'holds' : code === ExitCode.violation ? 'refuted' : undefined;
  const why = verdict === undefined ? 'the table was not finished' : `${patterns.length} patterns`;
  return ids.flatMap((claim) => {
    tellOutcome(claim, { verdict, why }, shell);
    return verdict === undefined ? [] : [record(claim, verdict, counts, patterns, gathering)];
  });
}

function record(
  claim: string,
  verdict: RecordedVerdict,
  counts: Readonly<Record<string, number>>,
  parts: readonly string[],
  { world, seed, directory, commit, shell }: Gathering,
): Recorded {
  const recorded: Recorded = {
    claim,
    world,
    command: `npm run evidence -- ${claim} --world ${world} --seed ${seed}`,
    commit,
    seed,
    planHash: createHash('sha256')
      .update([...parts].sort().join('\n'))
      .digest('hex'),
    verdict,
    counts,
    date: new Date().toISOString(),
  };
  const path = writeEvidence(directory, recorded);
  shell.progress.update(`evidence  ${shownPath(path)}`);
  return recorded;
}
