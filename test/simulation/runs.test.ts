import { describe, expect, test } from 'vitest';
import { generatePlan } from '../../src/harness/generator.ts';
import { faultKinds } from '../../src/harness/nemesis/faults.ts';
import type { Plan } from '../../src/harness/plan.ts';
import { type RunOutcome, runSimulated, type SimulatedSettings } from '../../src/harness/run.ts';
import { shrinkPlan, signatureOf } from '../../src/harness/shrink.ts';
import type { Workload } from '../../src/harness/workload.ts';
import type { World } from '../../src/harness/world/world.ts';
import { Server } from '../../src/server/core/server.ts';
import { workloads } from '../../workloads/index.ts';
import { crashingAtCommit, spinning, unreachable, withoutFlush } from './broken-servers.ts';

const settings: SimulatedSettings = {
  makeServer: (config) => new Server(config),
  now: () => Date.now(),
  commit: null,
};

const workloadOf = (plan: Plan): Workload => workloads.get(plan.workload) as Workload;

function planOf(workload: string, nemesis: readonly string[], seed = '5eed', nodes = 3): Plan {
  return generatePlan({
    seed,
    workload: workloads.get(workload) as Workload,
    nemesis,
    nodes,
    concurrency: 4,
    timeLimitMs: 6000,
    world: 'simulation',
  });
}

function run(plan: Plan, changed: Partial<SimulatedSettings> = {}): RunOutcome {
  return runSimulated(plan, workloadOf(plan), { ...settings, ...changed });
}

const explain = ({ result }: RunOutcome): string => [result.verdict, ...result.reasons].join('\n');

describe('the unpatched server passes', () => {
  test.each([...workloads.keys()])('%s without faults, and everything was looked at', (name) => {
    const outcome = run(planOf(name, ['none']));
    expect(explain(outcome)).toBe('pass');
    expect(outcome.result.checks.length).toBeGreaterThan(5);
    for (const check of outcome.result.checks)
      expect(check.looked, check.checker).toBeGreaterThan(0);
  });

  test.each([...faultKinds.keys()].filter((name) => name !== 'none'))(
    'register under %s',
    (name) => {
      const outcome = run(planOf('register', [name]));
      expect(explain(outcome)).toBe('pass');
      expect(outcome.result.faults.length).toBeGreaterThan(0);
      for (const fault of outcome.result.faults) {
        const steps = [fault.requested, fault.applied, fault.verified, fault.healed];
        expect(steps.every((time) => time !== undefined)).toBe(true);
        expect(fault.healVerified).toBeDefined();
      }
    },
  );

  test.each([1, 2, 4, 5])('with %i servers', (nodes) => {
    expect(explain(run(planOf('counter', ['kill'], '5eed', nodes)))).toBe('pass');
  });
});

describe('one plan, one trace', () => {
  const plan = planOf('lock', ['kill', 'partition-halves', 'power-loss']);

  test('whatever ran before in the same process', () => {
    const first = run(plan).result.traceHash;
    run(planOf('register', ['pause'], 'other'));
    expect(run(plan).result.traceHash).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{16}$/);
  });

  test('and another seed another trace', () => {
    const other = { ...plan, seed: `${plan.seed}0` };
    expect(run(other).result.traceHash).not.toBe(run(plan).result.traceHash);
  });
});

describe('a harness that cannot be trusted says so', () => {
  const doingNothing = (world: World): World =>
    new Proxy(world, {
      get(target, name) {
        if (name === 'inject') {
          return (_: unknown, done: () => void) => {
            target.schedule(0, done);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

  test.each([
    'kill',
    'partition-one',
    'partition-datacenters',
    'pause',
    'clock-bump',
    'clock-rate',
  ])('an injector that does nothing: %s', (name) => {
    const outcome = run(planOf('register', [name]), { wrap: doingNothing });
    expect(outcome.result.verdict).toBe('harness-error');
    expect(outcome.result.sentence).toMatch(/could not be verified/);
  });

  test('a run that never ends is cut off with a reason', () => {
    const outcome = run(planOf('counter', ['none']), { makeServer: spinning, maxEvents: 50_000 });
    expect(outcome.result.verdict).toBe('harness-error');
    expect(outcome.result.sentence).toMatch(/more than 50000 events/);
  });

  test('a fault that no server was left for was not exercised', () => {
    const plan = planOf('counter', ['none']);
    const fault = { id: 'f1', at: 500, kind: 'kill', target: { nodes: [] }, params: {} } as const;
    const outcome = run({ ...plan, faults: [{ ...fault, heal: 'final' }] });
    expect(outcome.result.verdict).toBe('not-exercised');
  });

  test('a workload that breaks is not a fault of the server', () => {
    const plan = planOf('counter', ['none']);
    const broken: Workload = {
      ...workloadOf(plan),
      // biome-ignore lint/correctness/useYield: it breaks before its first request.
      *operation() {
        throw new TypeError('the workload is broken');
      },
    };
    const outcome = runSimulated(plan, broken, settings);
    expect(outcome.result.verdict).toBe('harness-error');
    expect(outcome.result.sentence).toMatch(/the workload is broken/);
  });
});

describe('a wrong server is found out', () => {
  test('one that forgets to flush loses acknowledged writes when the power goes', () => {
    const verdicts = ['1', '2', '3', '4', '5', '6'].map((seed) => {
      const outcome = run(planOf('register', ['power-loss'], seed), { makeServer: withoutFlush });
      return signatureOf(outcome.result);
    });
    expect(verdicts.filter((text) => text.startsWith('violation')).length).toBeGreaterThan(2);
    expect(verdicts.join()).toMatch(/acknowledged-write-lost/);
  });

  test('one that crashes is a violation, with its reason', () => {
    const makeServer = crashingAtCommit(40);
    const outcome = run(planOf('register', ['none']), { makeServer });
    expect(outcome.result.verdict).toBe('violation');
    expect(outcome.result.reasons.join()).toMatch(/a bug that only load brings out/);
  });

  test('one that never serves is unavailable', () => {
    const outcome = run(planOf('register', ['none']), { makeServer: unreachable });
    expect(outcome.result.verdict).toBe('violation');
    expect(outcome.result.sentence).toMatch(/did not serve within/);
  });

  test('and its plan shrinks to what is needed', () => {
    const makeServer = withoutFlush;
    const plans = ['1', '2', '3', '4', '5', '6'].map((seed) =>
      planOf('register', ['power-loss'], seed),
    );
    const plan = plans.find(
      (candidate) => run(candidate, { makeServer }).result.verdict === 'violation',
    ) as Plan;
    const signature = signatureOf(run(plan, { makeServer }).result);
    let tries = 20;
    const shrunk = shrinkPlan(
      plan,
      (candidate) => signatureOf(run(candidate, { makeServer }).result) === signature,
      () => tries-- > 0,
    );
    expect(shrunk.plan.faults.length).toBeLessThanOrEqual(plan.faults.length);
    const count = (of: Plan): number => of.clients.reduce((sum, { ops }) => sum + ops.length, 0);
    expect(count(shrunk.plan)).toBeLessThan(count(plan));
    expect(signatureOf(run(shrunk.plan, { makeServer }).result)).toBe(signature);
  });
});
