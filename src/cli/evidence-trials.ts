/**
 * Runs the experiments on claims: in simulation and for measurements under several seeds, on real servers
 * once. An experiment that names a fault must come to a worse verdict with it, in simulation, or what it
 * saw without proves nothing.
 */
import { pathToFileURL } from 'node:url';
import type { EvidenceWorld, RecordedVerdict } from '../../spec/claims/index.ts';
import type { SourcePatch } from '../harness/bundle.ts';
import { planHash } from '../harness/index.ts';
import { patchesOf, zooEntries } from '../systems/zoo.ts';
import { experimentsFile, importEngine } from './engine-bundle.ts';
import {
  type Experiment,
  type ExperimentEnding,
  experimentPlan,
  runExperiment,
} from './evidence-experiments/experiment.ts';
import { experiments, measurements, simulateClaim } from './evidence-experiments/index.ts';
import { Sightings } from './evidence-experiments/sightings.ts';
import type { RuleOutcome } from './evidence-rules.ts';
import { makeRealWorld, type RealWorldName } from './real-worlds.ts';
import type { Shell } from './shell.ts';

/** From good to bad. */
const severity: readonly RecordedVerdict[] = ['holds', 'qualified', 'refuted', 'undecided'];
const SIMULATIONS = 5;
/** At most so many, until the fault shows. */
const FAULTY = 10;

export interface TrialOutcome {
  readonly claim: string;
  readonly outcome: RuleOutcome;
  /** What the hash of the record is made of. */
  readonly parts: readonly string[];
}

/** Claims that an experiment or a measurement speaks to in this world. */
export function claimsTriedIn(world: EvidenceWorld): readonly string[] {
  if (world === 'measure') return measurements.map(({ claim }) => claim);
  return experiments.filter(({ worlds }) => worlds.includes(world)).map(({ claim }) => claim);
}

export async function tryClaim(
  claim: string,
  world: EvidenceWorld,
  seed: string,
  shell: Shell,
): Promise<TrialOutcome> {
  const experiment = experiments.find((one) => one.claim === claim);
  const isReal = world === 'process' || world === 'container';
  const seeds = Array.from({ length: isReal ? 1 : SIMULATIONS }, (_, index) => `${seed}-${index}`);
  const parts = seeds.map((own) =>
    experiment === undefined ? `${claim} ${own}` : planHash(experimentPlan(experiment, own)),
  );
  const all = new Sightings();
  const open = (why: string): TrialOutcome => ({
    claim,
    outcome: { verdict: undefined, why, counts: all.counts() },
    parts,
  });
  for (const own of seeds) {
    shell.progress.update(`evidence  ${claim} in ${world}, seed ${own}`);
    if (shell.signal.aborted) return open('interrupted');
    const ending =
      isReal && experiment !== undefined
        ? await runForReal(experiment, world, own, shell)
        : simulateClaim(claim, own);
    if (!ending.ok) return open(ending.error);
    all.add(ending.seen);
  }
  const verdict = all.verdict();
  if (verdict === undefined) return open('nothing was seen');
  const counts: Record<string, number> = { runs: seeds.length, ...all.counts() };
  const fault = experiment?.without;
  if (fault !== undefined) {
    const name = typeof fault === 'string' ? fault : fault.title;
    shell.progress.update(`evidence  ${claim}: ${name}`);
    const faultSeeds = Array.from({ length: FAULTY }, (_, index) => `${seed}-${index}`);
    const isSeen = await isWorseWith(claim, fault, verdict, faultSeeds);
    counts[`caught ${name}`] = isSeen ? 1 : 0;
    if (!isSeen) return open(`it came to the same with a fault: ${name}`);
  }
  const why = `${all.looked()} sightings${verdict === 'holds' ? '' : `, not so: ${all.broken()}`}`;
  return { claim, outcome: { verdict, why, counts }, parts };
}

async function runForReal(
  experiment: Experiment,
  world: RealWorldName,
  seed: string,
  shell: Shell,
): Promise<ExperimentEnding> {
  const plan = experimentPlan(experiment, seed);
  const engine = await importEngine();
  const tested = { zoo: [], system: 'umpire' } as const;
  const { cluster } = plan;
  const made = await makeRealWorld(world, engine, tested, shell, { cluster, seed });
  return await new Promise((resolve) => {
    const interrupt = (): void => made.stop(() => resolve({ ok: false, error: 'interrupted' }));
    shell.signal.addEventListener('abort', interrupt, { once: true });
    runExperiment(experiment, plan, made, (ending) => {
      shell.signal.removeEventListener('abort', interrupt);
      resolve(ending);
    });
  });
}

type Fault = NonNullable<Experiment['without']>;

/** The same script on a copy of the sources that has the fault in it. */
export async function isWorseWith(
  claim: string,
  fault: Fault,
  healthy: RecordedVerdict,
  seeds: readonly string[],
): Promise<boolean> {
  const patches = (): readonly SourcePatch[] =>
    typeof fault === 'string'
      ? patchesOf(zooEntries([fault]))
      : [{ file: fault.file, find: fault.find, replacement: fault.replace }];
  const name = typeof fault === 'string' ? fault : fault.title.replaceAll(/[^a-z]+/gi, '-');
  const file = await experimentsFile(name, patches);
  const broken = (await import(pathToFileURL(file).href)) as {
    readonly simulateClaim: typeof simulateClaim;
  };
  return seeds.some((seed) => {
    const ending = broken.simulateClaim(claim, seed);
    const verdict = ending.seen?.verdict();
    return verdict !== undefined && severity.indexOf(verdict) > severity.indexOf(healthy);
  });
}

/** What two sources say together: nothing until both have spoken, then the worse. */
export function together(one: RuleOutcome, other: RuleOutcome): RuleOutcome {
  const counts = { ...one.counts, ...other.counts };
  if (one.verdict === undefined) return { ...one, counts };
  if (other.verdict === undefined) return { ...other, counts };
  const worse = severity.indexOf(one.verdict) > severity.indexOf(other.verdict) ? one : other;
  return { ...worse, counts };
}
