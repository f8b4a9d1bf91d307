/** One run on real servers, with what this host can inject. */
import {
  brokenRun,
  faultKinds,
  type Plan,
  type RunOutcome,
  type SystemName,
  type Workload,
  type World,
  whyNotInjectable,
} from '../harness/index.ts';
import { type Engine, importEngine } from './engine-bundle.ts';
import { EnvironmentError } from './errors.ts';
import { describeWorld, makeRealWorld, type RealWorldName } from './real-worlds.ts';
import type { Shell } from './shell.ts';

export interface RealRunRequest {
  readonly world: RealWorldName;
  readonly workload: string;
  /** Names of the fault table. */
  readonly nemesis: readonly string[];
  /** Each of them was asked for by name: one that cannot be had is an error, not a cut. */
  readonly isNemesisOwed: boolean;
  readonly nodes: number;
  readonly seed: string;
  readonly concurrency: number;
  readonly timeLimitMs: number;
  readonly zoo: readonly string[];
  readonly system?: SystemName;
}

/** A plan for this host. */
export async function planForRealWorld(
  request: RealRunRequest,
  engine: Engine,
  shell: Shell,
): Promise<Plan> {
  const workload = engine.workloads.get(request.workload) as Workload;
  const { world: name, seed, nodes, concurrency, timeLimitMs, zoo } = request;
  const { system = 'umpire' } = request;
  const options = { seed, workload, nodes, concurrency, timeLimitMs, world: name } as const;
  const { cluster } = engine.generatePlan({ ...options, nemesis: [] });
  // Asked before anything is started: a world knows what it cannot do.
  const world = await makeRealWorld(name, engine, { zoo, system }, shell, { cluster, seed });
  const kinds = request.nemesis.filter((fault) => {
    const kind = faultKinds.get(fault);
    const reason = kind === undefined ? undefined : whyNotInjectable(kind, world, nodes);
    if (reason !== undefined && request.isNemesisOwed) {
      throw new EnvironmentError({
        code: 'fault-not-injectable',
        what: `The fault ${fault} cannot be injected in ${describeWorld(name)} here.`,
        why: reason,
        next: 'Leave it out, or use --world simulation. See: npm run doctor',
      });
    }
    return reason === undefined;
  });
  await stop(world);
  const generated = engine.generatePlan({
    ...options,
    nemesis: kinds,
    ...(zoo.length > 0 ? { zoo } : {}),
  });
  return system === 'umpire' ? generated : { ...generated, system };
}

function stop(world: World): Promise<void> {
  return new Promise((resolve) => world.stop(() => resolve()));
}

/** Ends early, with what is known then, when the shell is interrupted. */
export async function runInRealWorld(
  plan: Plan,
  name: RealWorldName,
  shell: Shell,
  commit: string | null,
): Promise<RunOutcome> {
  const { zoo = [], system = 'umpire' } = plan;
  const engine = await importEngine(zoo);
  const workload = engine.workloads.get(plan.workload) as Workload;
  const { cluster, seed } = plan;
  const world = await makeRealWorld(name, engine, { zoo, system }, shell, { cluster, seed });
  const settings = { now: () => Date.now(), commit };
  const startedMs = Date.now();
  return await new Promise((resolve) => {
    const interrupt = () => {
      const broken = brokenRun(plan, world, 'it was interrupted', settings, startedMs);
      const sentence = 'The run was interrupted before its end.';
      const result = { ...broken.result, verdict: 'unknown', sentence } as const;
      world.stop(() => resolve({ ...broken, result }));
    };
    if (shell.signal.aborted) {
      interrupt();
      return;
    }
    shell.signal.addEventListener('abort', interrupt, { once: true });
    engine.runPlan(plan, world, workload, settings, (outcome) => {
      shell.signal.removeEventListener('abort', interrupt);
      resolve(outcome);
    });
  });
}
