/**
 * `umpire evidence`: runs what the claims rest on beside the models, in simulation, on real servers or as a
 * measurement, and writes one small file for each claim and world, which `umpire claims` reads. What speaks to
 * a claim are runs of workloads (evidence-rules.ts), the tolerance table, and experiments
 * (evidence-experiments). Evidence that no command can produce yet is not written, so that its claim stays
 * *not yet shown*.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { claims, type EvidenceWorld, type Recorded } from '../../spec/claims/index.ts';
import { ExitCode, faultKinds, type RunResult, type WorldName } from '../harness/index.ts';
import { readZoo } from '../systems/zoo.ts';
import { parseDuration, parseNames, parseSeed, randomSeed, unknownName } from './arguments.ts';
import { EVIDENCE_DIRECTORY, writeEvidence } from './claims-files.ts';
import { engineFile } from './engine-bundle.ts';
import { EnvironmentError } from './errors.ts';
import {
  type EvidenceRule,
  evidenceRules,
  judgeRule,
  type RuleOutcome,
  toleranceClaims,
} from './evidence-rules.ts';
import { claimsTriedIn, type TrialOutcome, together, tryClaim } from './evidence-trials.ts';
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
  readonly world: EvidenceWorld;
  readonly seed: string;
  readonly directory: string;
  readonly commit: string | null;
  readonly timeLimitMs: number;
  /** More runs of each workload, for so long. */
  readonly budgetMs: number;
  readonly shell: Shell;
}

/** Where an ensemble runs; measurements bring their own. */
type InWorld = Gathering & { readonly world: WorldName };

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
  const isReal = world === 'process' || world === 'container';
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
    (rule) => wanted.includes(rule.claim) && rule.worlds.some((one) => one === world),
  );
  const asked = world === 'measure' ? [] : wanted.filter((id) => toleranceClaims.includes(id));
  const tried = claimsTriedIn(world).filter((id) => wanted.includes(id));
  const sources = [...rules.map(({ claim }) => claim), ...asked, ...tried];
  const findings = new Findings(gathering, sources);
  if (world !== 'measure') {
    await gatherRuns(rules, { ...gathering, world }, findings);
    await gatherTolerance(asked, { ...gathering, world }, findings);
  }
  for (const claim of tried) {
    if (shell.signal.aborted) break;
    findings.add(await tryClaim(claim, world, gathering.seed, shell));
  }
  const { written } = findings;
  shell.progress.done();
  const rest = wanted.filter((id) => !written.some(({ claim }) => claim === id));
  shell.print(`\nwrote evidence for ${written.length} claims; none in ${world} for ${rest.length}`);
  shell.print('next    npm run claims');
  shell.printJson({ world, seed: gathering.seed, written, missing: rest });
  if (shell.signal.aborted) return ExitCode.interrupted;
  return written.length === 0 ? ExitCode['not-exercised'] : ExitCode.pass;
}

const EVIDENCE_WORLDS = [...WORLDS, 'measure'] as const;

function parseWorld(name: string): EvidenceWorld {
  const found = EVIDENCE_WORLDS.find((world) => world === name);
  if (found === undefined) throw unknownName(name, '--world', EVIDENCE_WORLDS);
  return found;
}

/** A claim that both runs and an experiment speak to gets one record, once both have spoken. */
class Findings {
  readonly written: Recorded[] = [];
  readonly #gathering: Gathering;
  readonly #sources: readonly string[];
  readonly #found: TrialOutcome[] = [];

  /** `sources`: the claims, each as often as something speaks to it. */
  constructor(gathering: Gathering, sources: readonly string[]) {
    this.#gathering = gathering;
    this.#sources = sources;
  }

  add(one: TrialOutcome): void {
    tellOutcome(one, this.#gathering.shell);
    this.#found.push(one);
    const own = this.#found.filter(({ claim }) => claim === one.claim);
    if (own.length < this.#sources.filter((claim) => claim === one.claim).length) return;
    const outcome = own.map((found) => found.outcome).reduce(together);
    const parts = own.flatMap((found) => found.parts);
    this.written.push(...record({ ...one, outcome, parts }, this.#gathering));
  }
}

function chosenIds(ids: readonly string[]): readonly string[] {
  const known = claims.map(({ id }) => id);
  return ids.length === 0 ? known : parseNames(ids.join(','), 'evidence', known);
}

/** Rules of one workload share its runs, and rules that rest on one bug its catch. */
async function gatherRuns(
  rules: readonly EvidenceRule[],
  gathering: InWorld,
  findings: Findings,
): Promise<void> {
  const { shell, commit } = gathering;
  const caught = new Map<string, boolean>();
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
      const parts = results.map(({ planHash }) => planHash);
      findings.add({ claim: rule.claim, outcome, parts });
    }
  }
}

function tellOutcome({ claim, outcome }: TrialOutcome, shell: Shell): void {
  const { verdict = 'not shown', why } = outcome;
  shell.progress.line(`${claim.padEnd(4)} ${verdict.padEnd(10)} ${why}`);
}

/** In simulation every fault alone, a run each; on real servers one run under several faults. */
async function runsOf(workload: string, gathering: InWorld): Promise<readonly RunResult[]> {
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
async function gatherTolerance(
  ids: readonly string[],
  { world, seed, shell, commit }: InWorld,
  findings: Findings,
): Promise<void> {
  if (ids.length === 0 || shell.signal.aborted) return;
  const code = await toleranceCommand({ world, seed }, shell);
  if (shell.signal.aborted) return;
  const stored = join(shell.options.out, 'latest');
  const parts = readFileSync(join(stored, 'observations.ndjson'), 'utf8').trim().split('\n');
  const caught = await isCaught('half-is-enough', shell, commit);
  const counts = { patterns: parts.length, 'caught half-is-enough': caught ? 1 : 0 };
  const isEqual = code === ExitCode.pass;
  const verdict: RuleOutcome['verdict'] =
    isEqual && caught ? 'holds' : code === ExitCode.violation ? 'refuted' : undefined;
  const why = verdict === undefined ? 'the table was not finished' : `${parts.length} patterns`;
  for (const claim of ids) findings.add({ claim, outcome: { verdict, why, counts }, parts });
}

function record(
  { claim, outcome, parts }: TrialOutcome,
  { world, seed, directory, commit, shell }: Gathering,
): readonly Recorded[] {
  const { verdict, counts } = outcome;
  if (verdict === undefined) return [];
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
  return [recorded];
}
