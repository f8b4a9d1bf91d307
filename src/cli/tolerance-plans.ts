/**
 * `umpire tolerance --plans`: the model's list of patterns as plans. In simulation all of them, on real
 * servers a share that the seed draws; each is judged by every checker, and by the model's word on who
 * may serve.
 */
import { faultPatternsWithLeader } from '../../spec/models/quorum.ts';
import { register } from '../../workloads/register.ts';
import { prngStream } from '../base/prng.ts';
import { createRunDirectory, type Plan, type Recording, type WorldName } from '../harness/index.ts';
import { checkWhoServed, patternPlan, withCheck } from '../harness/tolerance/index.ts';
import { engineFile } from './engine-bundle.ts';
import { type FinishedRun, summarizeMany, tell } from './outcome.ts';
import { cores, readCommit, type Shell } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';
import { watchRealRun } from './single-run.ts';
import { wordOf } from './tolerance-patterns.ts';

export interface PatternPlansRequest {
  readonly worlds: readonly WorldName[];
  readonly sizes: readonly number[];
  readonly seed: string;
  readonly zoo: readonly string[];
  /** Plans on real servers, of each world. */
  readonly share: number;
  readonly again: string;
}

/** Runs whose recording is kept for the report. */
const KEPT_MAX = 8;

export async function patternPlansCommand(
  request: PatternPlansRequest,
  shell: Shell,
): Promise<number> {
  const startedMs = Date.now();
  const directory = createRunDirectory(shell.options.out, 'tolerance-plans', startedMs);
  const commit = readCommit();
  const runs: FinishedRun[] = [];
  for (const world of request.worlds) {
    if (shell.signal.aborted) break;
    const plans = plansOf(request, world);
    runs.push(
      ...(world === 'simulation'
        ? await simulateAll(plans, request, shell, commit)
        : await carryOutAll(plans, world, shell, commit)),
    );
  }
  const failed = runs.filter(({ result }) => result.verdict !== 'pass');
  const kept = [...failed.slice(0, KEPT_MAX), ...runs.slice(-1)];
  const summary = summarizeMany(directory, {
    name: 'tolerance-plans',
    seed: request.seed,
    commit,
    startedMs,
    results: runs.map(({ result }) => result),
    kept: [...new Set(kept)],
    selfCheck: [],
    goals: [],
    notInjected: {},
    nondeterministic: [],
    isNondeterministic: false,
    doubts: runs.length === 0 ? [['not-exercised', 'No plan was run.']] : [],
    isInterrupted: shell.signal.aborted,
    again: [request.again],
  });
  return tell(shell, summary);
}

/** The seed of a plan is the command's with the plan's place in the model's list behind it. */
function plansOf({ sizes, seed, zoo, share }: PatternPlansRequest, world: WorldName): Plan[] {
  const patterns = sizes.flatMap((size) => [...faultPatternsWithLeader(size)]);
  const plans = patterns.map((pattern, index) =>
    patternPlan({ pattern, seed: `${seed}-${index.toString(16)}`, workload: register, world, zoo }),
  );
  if (world === 'simulation') return plans;
  return prngStream(seed, `plans/${world}`).shuffle(plans).slice(0, share);
}

function judged(plan: Plan, run: FinishedRun): FinishedRun {
  const { faults, history, workloadNs } = run.recording;
  const check = checkWhoServed({ plan, faults, history, workloadNs }, wordOf());
  return { ...run, result: withCheck(run.result, check) };
}

async function simulateAll(
  plans: readonly Plan[],
  { zoo }: PatternPlansRequest,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun[]> {
  const pool = new SimulationPool(await engineFile(zoo), cores, commit);
  const abort = (): void => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  const runs: FinishedRun[] = [];
  const waiting = [...plans];
  const work = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      const { result, recording } = await pool.run({ type: 'run', plan, keep: 'always' });
      const run = judged(plan, { plan, result, recording: recording as Recording });
      // A pass is not looked at again, but for the last one.
      runs.push(run.result.verdict === 'pass' && waiting.length > 0 ? withoutEvidence(run) : run);
      shell.progress.update(`simulation  ${runs.length} of ${plans.length} plans`);
    }
  };
  try {
    await Promise.all(Array.from({ length: cores }, work));
  } catch (error) {
    if (!shell.signal.aborted) throw error;
  } finally {
    shell.signal.removeEventListener('abort', abort);
    await pool.close();
  }
  return runs;
}

function withoutEvidence(run: FinishedRun): FinishedRun {
  const { recording } = run;
  const nothing = { history: [], events: new Map(), files: new Map(), sessions: [] };
  return { ...run, recording: { ...recording, ...nothing } };
}

async function carryOutAll(
  plans: readonly Plan[],
  world: Exclude<WorldName, 'simulation'>,
  shell: Shell,
  commit: string | null,
): Promise<FinishedRun[]> {
  const runs: FinishedRun[] = [];
  for (const plan of plans) {
    if (shell.signal.aborted) break;
    runs.push(judged(plan, await watchRealRun(plan, world, shell, commit)));
    shell.progress.line(`${runs.at(-1)?.result.verdict}  ${plan.cluster.nodes} servers, ${world}`);
  }
  return runs;
}
