/** One run on real processes, with what this host can inject. */
import {
  brokenRun,
  faultKinds,
  type Plan,
  type RunOutcome,
  type Workload,
  type World,
  whyNotInjectable,
} from '../harness/index.ts';
import { type Engine, importEngine, serverFile } from './engine-bundle.ts';
import { EnvironmentError } from './errors.ts';
import type { Shell } from './shell.ts';

export interface ProcessRequest {
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
}

/** A plan for this host. */
export async function planForProcesses(request: ProcessRequest, engine: Engine): Promise<Plan> {
  const workload = engine.workloads.get(request.workload) as Workload;
  const { seed, nodes, concurrency, timeLimitMs, zoo } = request;
  const options = { seed, workload, nodes, concurrency, timeLimitMs, world: 'process' } as const;
  const empty = engine.generatePlan({ ...options, nemesis: [] });
  // Asked before anything is started: a world knows what it cannot do.
  const world = engine.makeProcessWorld({
    cluster: empty.cluster,
    seed,
    serverFile: await serverFile(zoo),
  });
  const kinds = request.nemesis.filter((name) => {
    const kind = faultKinds.get(name);
    const reason = kind === undefined ? undefined : whyNotInjectable(kind, world, nodes);
    if (reason !== undefined && request.isNemesisOwed) {
      throw new EnvironmentError({
        code: 'fault-not-injectable',
        what: `The fault ${name} cannot be injected on real processes here.`,
        why: reason,
        next: 'Leave it out, or use --world simulation. See: npm run doctor',
      });
    }
    return reason === undefined;
  });
  await stop(world);
  return engine.generatePlan({ ...options, nemesis: kinds, ...(zoo.length > 0 ? { zoo } : {}) });
}

function stop(world: World): Promise<void> {
  return new Promise((resolve) => world.stop(() => resolve()));
}

/** Ends early, with what is known then, when the shell is interrupted. */
export async function runInProcesses(
  plan: Plan,
  shell: Shell,
  commit: string | null,
): Promise<RunOutcome> {
  const zoo = plan.zoo ?? [];
  const engine = await importEngine(zoo);
  const workload = engine.workloads.get(plan.workload) as Workload;
  const { cluster, seed } = plan;
  const world = engine.makeProcessWorld({ cluster, seed, serverFile: await serverFile(zoo) });
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
