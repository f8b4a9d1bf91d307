/**
 * Everything that takes part in a run, as one module: harness, workloads, clients, checkers and server core.
 * Unpatched it is imported from the sources; with bugs of the zoo in it, it is imported from a bundle.
 * Either way one run uses one copy of every class. The bundle is also what simulation workers run.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { workloads } from '../../workloads/index.ts';
import {
  generatePlan,
  judge,
  type Plan,
  replaySimulated,
  runPlan,
  runSimulated,
  shrinkPlan,
  signatureOf,
  traceHashOf,
  type World,
} from '../harness/index.ts';
import { observeAll, observeSimulated } from '../harness/tolerance/index.ts';
import {
  ContainerWorld,
  type ContainerWorldOptions,
} from '../harness/world/container/container-world.ts';
import { ProcessWorld, type ProcessWorldOptions } from '../harness/world/process/process-world.ts';
import { makeUmpireServer } from '../systems/umpire.ts';
import type { SimulationReply, SimulationTask } from './simulation-task.ts';

export { generatePlan, judge, observeAll, replaySimulated, runPlan, runSimulated, workloads };

export function makeProcessWorld(options: ProcessWorldOptions): World {
  return new ProcessWorld(options);
}

export function makeContainerWorld(options: ContainerWorldOptions): World {
  return new ContainerWorld(options);
}

const settings = {
  now: () => Date.now(),
  makeServer: makeUmpireServer,
};

/** Says yes to every fault and does nothing: the harness must notice. */
function withoutInjection(world: World): World {
  return new Proxy(world, {
    get(target, property) {
      if (property === 'inject') {
        return (_: unknown, done: (error?: string) => void) => target.schedule(0, () => done());
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export function simulate(task: SimulationTask, commit: string | null): SimulationReply {
  if (task.type === 'observe') {
    const { seed } = task;
    const observations = task.patterns.map(({ pattern, label }) =>
      observeSimulated(pattern, seed, label, makeUmpireServer),
    );
    return { type: 'observed', observations };
  }
  const workload = workloads.get(task.plan.workload);
  if (workload === undefined) {
    return { type: 'failed', reason: `no workload is called ${task.plan.workload}` };
  }
  const own = { ...settings, commit };
  const wrapped = task.isInert === true ? { ...own, wrap: withoutInjection } : own;
  if (task.type === 'shrink') {
    const deadline = Date.now() + task.budgetMs;
    const shrunk = shrinkPlan(
      task.plan,
      (candidate: Plan) =>
        signatureOf(runSimulated(candidate, workload, own).result) === task.signature,
      () => Date.now() < deadline,
    );
    return { type: 'shrunk', ...shrunk };
  }
  const outcome = runSimulated(task.plan, workload, wrapped);
  const again = task.isTwice === true ? traceHashOf(task.plan, workload, wrapped) : undefined;
  const { result, recording } = outcome;
  const isKept =
    task.keep === 'always' || (task.keep === 'unless-pass' && result.verdict !== 'pass');
  return {
    type: 'ran',
    result,
    operations: recording.history.filter((entry) => entry.type === 'invoke').length,
    simulatedMs: Math.round(recording.durationNs / 1e6),
    ...(again === undefined ? {} : { secondTraceHash: again }),
    ...(isKept ? { recording } : {}),
  };
}

function serveTasks(commit: string | null): void {
  parentPort?.on('message', (task: SimulationTask) => {
    let reply: SimulationReply;
    try {
      reply = simulate(task, commit);
    } catch (error) {
      reply = {
        type: 'failed',
        reason: error instanceof Error ? String(error.stack) : String(error),
      };
    }
    parentPort?.postMessage(reply);
  });
}

const role = workerData as {
  readonly umpireSimulation?: boolean;
  readonly commit?: string | null;
} | null;
if (!isMainThread && role?.umpireSimulation === true) serveTasks(role.commit ?? null);
