/**
 * What depends on wall clocks: the times in Stat, TTLs, and the names that sessions get, nothing else. The
 * same plan runs with true clocks and with clocks that are wrong in every way on every server; everything
 * that anybody is told and everything that servers do and keep must be equal but for those.
 */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import type { Plan } from '../../src/harness/plan.ts';
import { type RunOutcome, runSimulated } from '../../src/harness/run.ts';
import type { Workload } from '../../src/harness/workload.ts';
import type { MakeServer } from '../../src/harness/world/simulation/simulation-world.ts';
import type { World } from '../../src/harness/world/world.ts';
import { Server } from '../../src/server/core/server.ts';
import { workloads } from '../../workloads/index.ts';
import { drivenByWallTime } from './broken-servers.ts';

const trueServer: MakeServer = (config) => new Server(config);

function planOf(workload: string, seed: string): Plan {
  return generatePlan({
    seed,
    workload: workloads.get(workload) as Workload,
    nemesis: ['kill', 'pause', 'power-loss', 'partition-one'],
    nodes: 3,
    concurrency: 4,
    timeLimitMs: 7000,
    world: 'simulation',
  });
}

/** Years off from the start, then jumping and running at another rate every now and then. */
function withWrongClocks(nodes: number, seed: string): (world: World) => World {
  return (world) => {
    const prng = prngStream(seed, 'wrong clocks');
    const jump = (node: number): void => {
      const offsetMs = prng.pick([1, -1]) * prng.pick([100, 60_000, 3_600_000, 100_000_000]);
      const ratePerMille = prng.pick([100, 1000, 3000]);
      world.inject({ action: 'set-clock', node, offsetMs, ratePerMille }, () => {});
      world.schedule(prng.int(30, 2000), () => jump(node));
    };
    for (let node = 1; node <= nodes; node++) jump(node);
    return world;
  };
}

function run(plan: Plan, makeServer: MakeServer, wrap?: (world: World) => World): RunOutcome {
  const settings = { makeServer, now: () => 0, commit: null };
  const workload = workloads.get(plan.workload) as Workload;
  return runSimulated(plan, workload, wrap === undefined ? settings : { ...settings, wrap });
}

/** Sessions are renamed in the order in which they appear; digests cover the times in Stat. */
function withoutWallTime({ evidence }: RunOutcome): readonly string[] {
  const sessions = new Map<string, string>();
  const rename = (id: string): string => {
    const known = sessions.get(id) ?? `session ${sessions.size}`;
    sessions.set(id, known);
    return known;
  };
  const text = (value: unknown): string =>
    JSON.stringify(value, (key, item: unknown) => {
      if (key === 'wallMs' || key === 'digest' || key === 'fingerprint') return undefined;
      if (typeof item === 'bigint') return `0x${BigInt.asUintN(64, item).toString(16)}`;
      if (item instanceof Map) return [...item];
      return item instanceof Uint8Array ? [...item].join() : item;
    }).replace(/0x[0-9a-f]{14,16}\b/g, rename);
  return [
    ...evidence.history.map(text),
    ...[...evidence.events.values()].flat().map(text),
    ...[...evidence.disks].map(text),
  ];
}

const wallOffsets = ({ evidence }: RunOutcome): number =>
  new Set(
    [...evidence.events.values()]
      .flat()
      .map(({ wallMs, time }) => Math.round(wallMs / 1000 - (time ?? 0) / 1e9)),
  ).size;

describe('with wrong wall clocks', () => {
  test.each([
    ['register', 'c10c'],
    ['lock', 'c10d'],
    ['registration', 'c10e'],
  ])('everything but the times is the same: %s', (workload, seed) => {
    const plan = planOf(workload, seed);
    const right = run(plan, trueServer);
    const wrong = run(plan, trueServer, withWrongClocks(3, seed));
    expect(wrong.result.verdict).toBe(right.result.verdict);
    expect(right.evidence.history.length).toBeGreaterThan(90);
    expect(wallOffsets(right)).toBeLessThan(3);
    expect(wallOffsets(wrong)).toBeGreaterThan(20);
    const [one, other] = [withoutWallTime(right), withoutWallTime(wrong)];
    expect(other.find((line, at) => line !== one[at])).toBeUndefined();
    expect(other).toHaveLength(one.length);
  });

  test('a server whose timeouts follow the wall clock is told apart', () => {
    const plan = planOf('register', 'c10c');
    const right = run(plan, drivenByWallTime);
    const wrong = run(plan, drivenByWallTime, withWrongClocks(3, 'c10c'));
    expect(withoutWallTime(wrong)).not.toEqual(withoutWallTime(right));
  });
});
