/** Who is served, observed in simulation and compared with the model; and the comparison's own mutants. */
import { describe, expect, test } from 'vitest';
import { importEngine } from '../../src/cli/engine-bundle.ts';
import { tolerancePatterns, wordOf } from '../../src/cli/tolerance-patterns.ts';
import { runSimulated } from '../../src/harness/run.ts';
import { compareWithWord } from '../../src/harness/tolerance/compare.ts';
import { judgeTolerance } from '../../src/harness/tolerance/judge-tolerance.ts';
import { type Observation, observe } from '../../src/harness/tolerance/observe.ts';
import type { Pattern } from '../../src/harness/tolerance/pattern.ts';
import { patternPlan } from '../../src/harness/tolerance/pattern-plan.ts';
import { observeSimulated } from '../../src/harness/tolerance/run-patterns.ts';
import { tolerancePlan } from '../../src/harness/tolerance/setting.ts';
import { checkWhoServed, withCheck } from '../../src/harness/tolerance/who-served.ts';
import { SimulationWorld } from '../../src/harness/world/simulation/simulation-world.ts';
import type { World } from '../../src/harness/world/world.ts';
import { makeUmpireServer } from '../../src/systems/umpire.ts';
import { register } from '../../workloads/register.ts';

const SEED = '5eed';

function observeAllSubsets(sizes: readonly number[]): Observation[] {
  return sizes.flatMap((size) =>
    tolerancePatterns('simulation', size).map((pattern, index) =>
      observeSimulated(pattern, SEED, `${index}`, makeUmpireServer),
    ),
  );
}

describe('tolerance in simulation', () => {
  test('every subset of victims of 1 to 4 servers is served or refused as the model says', () => {
    const observations = observeAllSubsets([1, 2, 3, 4]);
    const judged = judgeTolerance([{ world: 'simulation', observations }], wordOf(), [], false);
    expect(judged.reasons).toEqual([]);
    expect(judged.verdict).toBe('pass');
    expect(judged.sentence).toContain('1 ≡ 2, 3 ≡ 4');
    for (const { groups } of observations) {
      for (const one of groups) {
        expect(one.isServedAgain).toBe(true);
        if (one.outcome !== 'refused') continue;
        // Positive evidence from every living server, many times over.
        for (const sid of one.members) expect(one.refusals[sid]).toBeGreaterThan(10);
      }
    }
  });

  test('of 3 + 3 servers neither side serves, of 3 + 2 the three', () => {
    const cuts = [5, 6].flatMap((size) =>
      tolerancePatterns('process', size).filter(({ groups }) => groups.length > 1),
    );
    const outcomes = cuts.map((pattern, index) =>
      observeSimulated(pattern, SEED, `cut-${index}`, makeUmpireServer).groups.map(
        ({ members, outcome }) => `${members.length} ${outcome}`,
      ),
    );
    expect(outcomes).toEqual([
      ['3 served', '2 refused'],
      ['3 served', '2 refused'],
      ['3 refused', '3 refused'],
    ]);
  });

  test('a server to which half is enough is told from the model', async () => {
    const engine = await importEngine(['half-is-enough']);
    const patterns = tolerancePatterns('process', 4).map((pattern, index) => ({
      pattern,
      label: `${index}`,
    }));
    const reply = engine.simulate({ type: 'observe', patterns, seed: SEED }, null);
    if (reply.type !== 'observed') throw new Error(reply.type);
    const { observations } = reply;
    const { verdict, anomalies } = compareWithWord({ world: 'simulation', observations }, wordOf());
    expect(verdict).toBe('violation');
    expect(anomalies[0]?.kind).toBe('served-without-quorum');
  });

  test('patterns as plans are judged as all plans are, and by the model', () => {
    const patterns: readonly Pattern[] = [
      {
        size: 4,
        crashed: [],
        groups: [
          [1, 2],
          [3, 4],
        ],
        leader: 4,
      },
      { size: 5, crashed: [5], groups: [[1, 2, 3], [4]], leader: 4 },
    ];
    const outcomes = patterns.map((pattern, index) => {
      const seed = `${SEED}-${index}`;
      const plan = patternPlan({ pattern, seed, workload: register, world: 'simulation' });
      const settings = { now: () => 0, commit: null, makeServer: makeUmpireServer };
      const { result, recording } = runSimulated(plan, register, settings);
      const { faults, history, workloadNs } = recording;
      return withCheck(result, checkWhoServed({ plan, faults, history, workloadNs }, wordOf()));
    });
    for (const { verdict, reasons, checks } of outcomes) {
      expect(reasons).toEqual([]);
      expect(verdict).toBe('pass');
      expect(checks.at(-1)).toMatchObject({ checker: 'who-served', looked: 3 });
    }
  });

  test('an injector that does nothing proves nothing', () => {
    const pattern: Pattern = { size: 3, crashed: [1, 2], groups: [[3]] };
    const plan = tolerancePlan(3, SEED);
    const simulation = new SimulationWorld({ plan, makeServer: makeUmpireServer });
    const inert = new Proxy<World>(simulation, {
      get(target, property) {
        if (property === 'inject') {
          return (_: unknown, done: () => void) => target.schedule(0, done);
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    let seen: Observation | undefined;
    const { cluster } = plan;
    inert.start(() => {
      const options = {
        cluster,
        sessionTimeoutMs: 4000,
        seed: SEED,
        label: 'inert',
        patienceMs: 3000,
      };
      observe(inert, pattern, options, (observation) => {
        seen = observation;
      });
    });
    expect(simulation.drive(() => seen !== undefined)).toBeUndefined();
    const observations = seen === undefined ? [] : [seen];
    expect(observations[0]?.problems[0]).toContain('not verified: server 1 dead');
    const judged = judgeTolerance([{ world: 'simulation', observations }], wordOf(), [], false);
    expect(judged.verdict).toBe('harness-error');
  });

  test('a server that is silent has not refused', () => {
    const pattern: Pattern = { size: 1, crashed: [], groups: [[1]] };
    const plan = tolerancePlan(1, SEED);
    const simulation = new SimulationWorld({ plan, makeServer: makeUmpireServer });
    let seen: Observation | undefined;
    // It stands still from the moment at which the fault is said to hold.
    const silent = new Proxy<World>(simulation, {
      get(target, property) {
        if (property === 'schedule') {
          return (delayMs: number, action: () => void) => {
            if (delayMs === 0) simulation.inject({ action: 'pause', node: 1 }, () => {});
            return target.schedule(delayMs, action);
          };
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { cluster } = plan;
    silent.start(() => {
      const options = {
        cluster,
        sessionTimeoutMs: 4000,
        seed: SEED,
        label: 'silent',
        patienceMs: 3000,
      };
      observe(silent, pattern, options, (observation) => {
        seen = observation;
      });
    });
    expect(simulation.drive(() => seen !== undefined)).toBeUndefined();
    expect(seen?.groups[0]?.outcome).toBe('unclear');
  });
});
