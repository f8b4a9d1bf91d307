import { expect, test } from 'vitest';
import type { Plan } from '../../../src/harness/plan.ts';
import { minimize, shrinkPlan } from '../../../src/harness/shrink.ts';

test('minimize finds the needed ones wherever they are', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const needed = [3, 27, 44];
  let tries = 0;
  const smallest = minimize(items, (candidate) => {
    tries++;
    return needed.every((item) => candidate.includes(item));
  });
  expect(smallest).toEqual(needed);
  expect(tries).toBeLessThan(150);
});

test('minimize takes everything where nothing is needed, and nothing where all is', () => {
  expect(minimize([1, 2, 3], () => true)).toEqual([]);
  expect(minimize([1, 2, 3], (items) => items.length === 3)).toEqual([1, 2, 3]);
});

function planOf(faults: number, clients: number, ops: number): Plan {
  return {
    v: 1,
    seed: '1',
    workload: 'register',
    workloadParams: {},
    cluster: {
      nodes: 3,
      tickTimeMs: 200,
      initLimit: 5,
      syncLimit: 5,
      snapCount: 50,
      commitLogCount: 9,
    },
    knobs: {
      sessionTimeoutMs: 2000,
      operationTimeoutMs: 5000,
      timeLimitMs: 5000,
      simulation: {
        networkLatencyMs: [0, 1],
        diskLatencyMs: [0, 1],
        splitPerMille: 0,
        tornPerMille: 0,
        lostPerMille: 0,
      },
    },
    clients: Array.from({ length: clients }, (_, id) => ({
      id,
      ops: Array.from({ length: ops }, (__, index) => ({ id: `c${id}-${index}`, f: 'write' })),
    })),
    faults: Array.from({ length: faults }, (_, index) => ({
      id: `f${index}`,
      at: index * 100,
      kind: 'kill',
      target: { pick: 'any' },
      params: {},
      heal: 'final',
    })),
    final: { settleMs: 100, timeoutMs: 1000 },
  };
}

test('a plan shrinks to the one fault and the two operations that fail it', () => {
  const fails = (plan: Plan): boolean => {
    const ids = plan.clients.flatMap((client) => client.ops.map((op) => op.id));
    const hasFault = plan.faults.some((fault) => fault.id === 'f5');
    return hasFault && ids.includes('c1-3') && ids.includes('c2-17');
  };
  const { plan, isMinimal } = shrinkPlan(planOf(9, 4, 20), fails, () => true);
  expect(plan.faults.map((fault) => fault.id)).toEqual(['f5']);
  expect(plan.clients.flatMap((client) => client.ops.map((op) => op.id))).toEqual([
    'c1-3',
    'c2-17',
  ]);
  expect(isMinimal).toBe(true);
});

test('a spent budget keeps the smallest plan that was seen to fail, and says so', () => {
  let left = 3;
  const fails = (plan: Plan): boolean => plan.faults.some((fault) => fault.id === 'f5');
  const shrunk = shrinkPlan(planOf(9, 2, 2), fails, () => left-- > 0);
  expect(fails(shrunk.plan)).toBe(true);
  expect(shrunk.isMinimal).toBe(false);
  expect(shrunk.tries).toBe(3);
});
