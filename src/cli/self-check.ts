/**
 * Would this harness notice? Known bugs must be caught, a fault injector that does nothing must end as
 * harness-error, and one seed must give one trace. A harness that passes for nothing is worse than none.
 */

import { workloads } from '../../workloads/index.ts';
import { generatePlan, type Plan, type Recording, type RunResult } from '../harness/index.ts';
import { readZoo, withZooFaults, type ZooEntry } from '../systems/zoo.ts';
import { engineFile, importEngine } from './engine-bundle.ts';
import { cores, type Shell } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';

export interface CheckedItem {
  readonly name: string;
  readonly passed: boolean;
  readonly text: string;
  /** It asks whether one seed gives one trace. */
  readonly isAboutTraces: boolean;
  /** The run that shows it. */
  readonly run?: { readonly plan: Plan; readonly result: RunResult; readonly recording: Recording };
}

export interface SelfCheck {
  readonly items: readonly CheckedItem[];
  readonly isNondeterministic: boolean;
}

export async function selfCheck(
  shell: Shell,
  pool: SimulationPool,
  commit: string | null,
): Promise<SelfCheck> {
  const canaries = [...readZoo().values()].filter(({ isCanary }) => isCanary);
  const say = (text: string) => shell.progress.update(`self-check  ${text}`);
  say(canaries.map(({ id }) => id).join(', '));
  const items: CheckedItem[] = [];
  const waiting = [...canaries];
  const takeNext = async (): Promise<void> => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      const item = await catchInSimulation(entry, shell, commit);
      say(`${entry.id}: ${item.passed ? 'caught' : 'NOT caught'}`);
      items.push(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(cores, canaries.length) }, takeNext));
  items.sort((a, b) => (a.name < b.name ? -1 : 1));
  say('a fault injector that does nothing');
  const [inert, twice] = await Promise.all([checkInert(pool), checkTwice(pool)]);
  items.push(inert, twice);
  return { items, isNondeterministic: !twice.passed };
}

/** Runs the entry's seeds until one of its expected anomalies is found. */
export async function catchInSimulation(
  entry: ZooEntry,
  shell: Shell,
  commit: string | null,
): Promise<CheckedItem> {
  const engine = await importEngine();
  const pool = new SimulationPool(await engineFile([entry.id]), 1, commit);
  const abort = () => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  try {
    const { run, id } = entry;
    const workload = engine.workloads.get(run.workload);
    if (workload === undefined) throw new Error(`zoo/${id}.json: no workload ${run.workload}`);
    const seen = new Set<string>();
    for (let attempt = 0; attempt < run.tries; attempt++) {
      const seed = (BigInt(`0x${run.seed}`) + BigInt(attempt)).toString(16);
      const drawn = engine.generatePlan({ ...run, seed, workload, world: 'simulation', zoo: [id] });
      const plan = withZooFaults(drawn, entry);
      const reply = await pool.run({ type: 'run', plan, keep: 'unless-pass' });
      const anomalies = reply.result.checks.flatMap((check) => check.anomalies);
      const found = anomalies.find(({ kind }) => entry.expected.includes(kind));
      for (const { kind } of anomalies) seen.add(kind);
      if (reply.result.verdict !== 'violation' || found === undefined) continue;
      const tries = attempt === 0 ? '' : ` (run ${attempt + 1})`;
      const { result, recording } = reply;
      return {
        name: id,
        passed: true,
        isAboutTraces: false,
        text: `caught${tries}: ${found.message}`,
        ...(recording === undefined ? {} : { run: { plan, result, recording } }),
      };
    }
    const others = seen.size === 0 ? 'saw nothing' : `saw only ${[...seen].join(', ')}`;
    const text = `NOT caught in ${run.tries} runs: ${others}, not ${entry.expected.join(' or ')}`;
    return { name: id, passed: false, isAboutTraces: false, text };
  } finally {
    shell.signal.removeEventListener('abort', abort);
    await pool.close();
  }
}

const CHECK_SEED = '5eed';

function checkPlan(workload: string, nemesis: readonly string[], nodes: number): Plan {
  const found = workloads.get(workload);
  if (found === undefined) throw new Error(`no workload is called ${workload}`);
  return generatePlan({
    seed: CHECK_SEED,
    workload: found,
    nemesis,
    nodes,
    concurrency: 4,
    timeLimitMs: 4_000,
    world: 'simulation',
  });
}

async function checkInert(pool: SimulationPool): Promise<CheckedItem> {
  const plan = checkPlan('register', ['partition-one', 'kill'], 3);
  const { result } = await pool.run({ type: 'run', plan, isInert: true, keep: 'never' });
  const passed = result.verdict === 'harness-error';
  return {
    name: 'injector that does nothing',
    passed,
    isAboutTraces: false,
    text: passed
      ? `noticed: ${result.reasons[0] ?? result.sentence}`
      : `NOT noticed: the run ended as ${result.verdict}`,
  };
}

async function checkTwice(pool: SimulationPool): Promise<CheckedItem> {
  const plan = checkPlan('lock', ['partition-halves', 'kill', 'pause'], 5);
  const runs = await Promise.all([1, 2].map(() => pool.run({ type: 'run', plan, keep: 'never' })));
  const hashes = runs.map(({ result }) => result.traceHash);
  const passed = hashes[0] !== null && hashes[0] === hashes[1];
  return {
    name: 'one seed, one trace',
    passed,
    isAboutTraces: true,
    text: passed
      ? `seed ${plan.seed} gave trace ${hashes[0]?.slice(0, 16)} twice`
      : `seed ${plan.seed} gave ${hashes[0]} and ${hashes[1]}`,
  };
}
