/** Plans from behaviours of the model, in the simulator; real servers run them in `test/long`. */
import { expect, test } from 'vitest';
import { runSimulated, type Workload } from '../../src/harness/index.ts';
import { makeUmpireServer } from '../../src/systems/umpire.ts';
import { workloads } from '../../workloads/index.ts';
import { describeFaults, modelPlans } from '../support/schedule-plans.ts';

const plans = modelPlans({ count: 12, seed: '5eed', world: 'simulation' });

test('their faults differ, and strike where the model says', () => {
  expect(new Set(plans.map(describeFaults)).size).toBe(plans.length);
  const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  expect([...kinds].sort()).toEqual(['kill', 'partition-datacenters', 'pause']);
  expect(plans.some(({ faults }) => faults.some(({ when }) => when !== undefined))).toBe(true);
});

test.each(plans.map((plan) => [describeFaults(plan), plan] as const))('%s', (_, plan) => {
  const settings = { now: () => Date.now(), commit: null, makeServer: makeUmpireServer };
  const { result } = runSimulated(plan, workloads.get(plan.workload) as Workload, settings);
  expect(`${result.verdict} ${result.sentence}`).toMatch(/^pass/);
  expect(result.faults.map(({ evidence }) => evidence)).not.toContain('');
});
