/**
 * Plans from behaviours of the model on real servers: as processes, and in containers where an engine answers.
 * Every checker judges every run. `PLANS` sets how many.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Plan, type RunResult, runPlan, type Workload } from '../../src/harness/index.ts';
import { ContainerWorld } from '../../src/harness/world/container/container-world.ts';
import { ProcessWorld } from '../../src/harness/world/process/process-world.ts';
import type { World } from '../../src/harness/world/world.ts';
import { workloads } from '../../workloads/index.ts';
import { engineMissing, type Lab, openLab } from '../support/container/lab.ts';
import { openServerBundle, type ServerBundle } from '../support/process/server-bundle.ts';
import { describeFaults, modelPlans } from '../support/schedule-plans.ts';

const COUNT = Number(process.env.PLANS ?? 50);
const settings = { now: () => Date.now(), commit: null };

function run(plan: Plan, world: World): Promise<RunResult> {
  const workload = workloads.get(plan.workload) as Workload;
  return new Promise((ended) => {
    runPlan(plan, world, workload, settings, ({ result }) => ended(result));
  });
}

/** Runs them one after the other and prints each; the runs that did not pass. */
async function runAll(
  name: 'process' | 'container',
  makeWorld: (plan: Plan) => World,
): Promise<readonly string[]> {
  const plans = modelPlans({ count: COUNT, seed: '5eed', world: name });
  const bad: string[] = [];
  let operations = 0;
  for (const [index, plan] of plans.entries()) {
    const { counts, sentence, verdict } = await run(plan, makeWorld(plan));
    operations += Object.values(counts).reduce((sum, { ok }) => sum + ok, 0);
    const reason = verdict === 'pass' ? verdict : `${verdict}, ${sentence}`;
    const line = `${name} ${index + 1} of ${plans.length}: ${describeFaults(plan)}: ${reason}`;
    process.stdout.write(`${line}\n`);
    if (verdict !== 'pass') bad.push(line);
  }
  const faults = plans.reduce((sum, plan) => sum + plan.faults.length, 0);
  process.stdout.write(
    `${name}: ${plans.length} plans from the model, ${faults} faults, ${operations} operations done, ` +
      `${plans.length - bad.length} passed\n`,
  );
  return bad;
}

describe('plans from the model in processes', () => {
  let bundle: ServerBundle;
  beforeAll(async () => {
    bundle = await openServerBundle();
  });
  afterAll(() => bundle.remove());

  test('all pass', async () => {
    const { serverFile } = bundle;
    const bad = await runAll(
      'process',
      ({ cluster, seed }) => new ProcessWorld({ cluster, seed, serverFile }),
    );
    expect(bad).toEqual([]);
  });
});

const title = engineMissing === undefined ? '' : ` (not here: ${engineMissing})`;

describe.skipIf(engineMissing !== undefined)(`plans from the model in containers${title}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab?.remove());

  test('all pass', async () => {
    const { host } = lab;
    const bad = await runAll(
      'container',
      ({ cluster, seed }) => new ContainerWorld({ cluster, seed, host }),
    );
    expect(bad).toEqual([]);
  });
});
