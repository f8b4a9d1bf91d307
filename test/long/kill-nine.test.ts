/**
 * Real processes on a real disk: a server is killed with SIGKILL fifty times under load, and all of them at
 * once twenty times. Nothing acknowledged may be lost, and every restart must serve.
 */
import { expect, test } from 'vitest';
import { bundleServer } from '../../src/harness/bundle.ts';
import {
  generatePlan,
  type Plan,
  type PlanFault,
  type RunOutcome,
  runPlan,
} from '../../src/harness/index.ts';
import { ProcessWorld } from '../../src/harness/world/process/process-world.ts';
import { workloads } from '../../workloads/index.ts';

function planWith(kind: 'kill' | 'kill-all', count: number, periodMs: number): Plan {
  const workload = workloads.get('register');
  if (workload === undefined) throw new Error('there is no register workload');
  const plan = generatePlan({
    seed: `4b111${count}`,
    workload,
    nemesis: ['none'],
    nodes: 3,
    concurrency: 5,
    timeLimitMs: count * periodMs + 2000,
    world: 'process',
  });
  const faults = Array.from({ length: count }, (_, index): PlanFault => {
    const target = kind === 'kill' ? { pick: index % 2 === 0 ? 'leader' : 'any' } : { pick: 'all' };
    return {
      id: `f${index}`,
      at: 1000 + index * periodMs,
      kind,
      target: target as PlanFault['target'],
      params: {},
      heal: { after: 300 },
    };
  });
  return { ...plan, faults };
}

async function run(plan: Plan): Promise<RunOutcome> {
  const world = new ProcessWorld({
    cluster: plan.cluster,
    seed: plan.seed,
    serverFile: await bundleServer({}),
  });
  const workload = workloads.get(plan.workload);
  if (workload === undefined) throw new Error(`there is no workload ${plan.workload}`);
  const settings = { now: () => Date.now(), commit: null };
  return await new Promise((done) => runPlan(plan, world, workload, settings, done));
}

function expectNothingLost({ result }: RunOutcome, kills: number): void {
  expect(
    result.faults.filter(
      ({ verified, healVerified }) => verified !== undefined && healVerified !== undefined,
    ),
  ).toHaveLength(kills);
  const acknowledged = result.checks.find(({ checker }) => checker === 'durability');
  expect(acknowledged?.looked).toBeGreaterThan(kills);
  expect(`${result.verdict}: ${result.sentence}`).toMatch(/^pass/);
}

test('fifty times one server', async () => {
  expectNothingLost(await run(planWith('kill', 50, 3500)), 50);
});

test('twenty times all of them', async () => {
  expectNothingLost(await run(planWith('kill-all', 20, 5500)), 20);
});
