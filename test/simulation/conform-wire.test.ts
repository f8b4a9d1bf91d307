/**
 * What is seen on the wires against the model of ZAB, when servers tell nothing: right runs are explained,
 * message by message; wrong records and wrong servers are not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import {
  follow,
  followWires,
  type Observation,
  tellWireRejection,
} from '../../spec/conform/index.ts';
import { prngStream } from '../../src/base/prng.ts';
import type { CheckResult } from '../../src/checker/verdict.ts';
import { bundleServer } from '../../src/harness/bundle.ts';
import {
  checkConformance,
  isConformanceOwed,
  observationsOf,
} from '../../src/harness/conformance.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import { interpret, type Recording } from '../../src/harness/interpreter.ts';
import type { Plan } from '../../src/harness/plan.ts';
import type { Workload } from '../../src/harness/workload.ts';
import {
  type MakeServer,
  SimulationWorld,
} from '../../src/harness/world/simulation/simulation-world.ts';
import type { TapRecording } from '../../src/harness/world/wire-tap/wire-tap.ts';
import { makeUmpireServer } from '../../src/systems/umpire.ts';
import { patchesOf, zooEntries } from '../../src/systems/zoo.ts';
import { workloads } from '../../workloads/index.ts';
import { type Mutation, mutations } from './conform-mutations.ts';
import { mutatedWires } from './wire-mutations.ts';

const folder = mkdtempSync(join(tmpdir(), 'umpire-conform-wire-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly seed: string;
  readonly nemesis: readonly string[];
  readonly nodes: number;
  readonly workload?: string;
  readonly concurrency?: number;
  readonly timeLimitMs?: number;
}

interface Ran {
  readonly plan: Plan;
  readonly recording: Recording;
  readonly wires: TapRecording;
  readonly scope: { readonly servers: number; readonly commitLogCount: number };
}

function record(run: Run, makeServer: MakeServer = makeUmpireServer): Ran {
  const { concurrency = 3, timeLimitMs = 2000 } = run;
  const workload = workloads.get(run.workload ?? 'register') as Workload;
  const plan = generatePlan({ ...run, workload, concurrency, timeLimitMs, world: 'simulation' });
  const world = new SimulationWorld({ plan, makeServer, isTapped: true });
  let recording: Recording | undefined;
  interpret(plan, world, workload, (ended) => {
    recording = ended;
  });
  const failure = world.drive(() => recording !== undefined);
  const wires = recording?.wires;
  if (recording === undefined || wires === undefined) throw new Error(failure);
  const { commitLogCount, nodes } = plan.cluster;
  return { plan, recording, wires, scope: { servers: nodes, commitLogCount } };
}

/** As if its servers were Apache's. */
function check({ plan, recording, wires }: Ran): CheckResult {
  const evidence = { ...recording, plan: { ...plan, system: 'apache' as const }, disks: new Map() };
  return checkConformance(evidence, wires);
}

describe('right servers are explained by their messages alone', () => {
  test.each<Run>([
    { seed: 'a1', nemesis: ['none'], nodes: 2 },
    { seed: 'a2', nemesis: ['kill', 'partition-one'], nodes: 3 },
    { seed: 'a3', nemesis: ['power-loss', 'pause', 'partition-one-way'], nodes: 4 },
    { seed: 'a4', nemesis: ['kill-all', 'partition-majorities-ring'], nodes: 5 },
  ])('$nodes servers under $nemesis', (run) => {
    const ran = record(run);
    expect(follow(ran.recording.events, ran.scope).rejected).toBeUndefined();
    const { findings, looked, summary, verdict } = check(ran);
    expect(summary).toMatch(/^Every message on the wires is explained by the model, partially obs/);
    expect(verdict).toBe('pass');
    expect(looked).toBe(observationsOf(ran.wires.events).length);
    expect(looked).toBeGreaterThan(200);
    expect(findings?.['states at once at most']).toBeLessThan(5);
    expect(findings?.['messages on connections that one side had left']).toBeLessThan(looked / 20);
  });

  test('what was never seen is not explained', () => {
    const ran = record({ seed: '1', nemesis: [], nodes: 3, timeLimitMs: 100 });
    const unseen = { ...ran, wires: { ...ran.wires, events: [] } };
    expect(check(unseen)).toMatchObject({ verdict: 'not-exercised', looked: 0 });
  });

  test('it is owed where wires between servers were tapped', () => {
    const { plan, wires } = record({ seed: '1', nemesis: [], nodes: 3, timeLimitMs: 100 });
    const apache: Plan = { ...plan, system: 'apache' };
    expect(isConformanceOwed(apache, undefined)).toBe(false);
    expect(isConformanceOwed(apache, { ...wires, links: ['client'] })).toBe(false);
    expect(isConformanceOwed(apache, wires)).toBe(true);
    expect(isConformanceOwed({ ...plan, system: 'mixed' }, wires)).toBe(true);
    expect(isConformanceOwed(plan, undefined)).toBe(true);
  });
});

describe('wrong records are rejected', () => {
  const ran = record({
    ...{ seed: 'mutants', nemesis: ['kill', 'partition-halves'], nodes: 3 },
    ...{ workload: 'counter', concurrency: 1, timeLimitMs: 500 },
  });
  const { scope } = ran;
  const seen = observationsOf(ran.wires.events).map((one, at) => ({ ...one, n: at + 1 }));
  const kinds = [...new Set(seen.map(({ message }) => message))];

  /** Of what a wire cannot tell to be wrong, because upstream does it too, or nobody depends on it. */
  const lenient: ReadonlySet<string> = new Set(['UPTODATE swapped', 'DIFF changed']);

  test('nearly every message deleted, repeated, exchanged or changed', () => {
    expect(followWires(seen, scope).rejected).toBeUndefined();
    const prng = prngStream('conform', 'wires');
    const rows: Record<string, { tried: number; rejected: number }> = {};
    for (const kind of kinds) {
      const places = [...seen.keys()].filter((at) => seen[at]?.message === kind);
      for (const mutation of [...mutations, ...mutations] as readonly Mutation[]) {
        const wrong = mutatedWires(seen, prng.pick(places), mutation, prng);
        if (wrong === undefined) continue;
        const name = `${kind} ${mutation}`;
        const row = rows[name] ?? { tried: 0, rejected: 0 };
        rows[name] = row;
        row.tried++;
        if (followWires(wrong, scope).rejected !== undefined) row.rejected++;
      }
    }
    const sum = (part: 'tried' | 'rejected') =>
      Object.values(rows).reduce((all, row) => all + row[part], 0);
    const weak = Object.entries(rows).filter(([name, row]) => {
      return !lenient.has(name) && row.rejected === 0;
    });
    expect(weak).toEqual([]);
    expect(kinds).toHaveLength(9);
    expect(sum('tried')).toBeGreaterThan(60);
    expect(sum('rejected') / sum('tried')).toBeGreaterThanOrEqual(0.93);
  });

  test('a rejection names the message, what is wrong with it and what came before', () => {
    const commit = seen.findLast(({ message }) => message === 'COMMIT') as Observation;
    // Of the acknowledgements before it none was ever seen: neither of this transaction nor of later ones.
    const zxid = 'zxid' in commit ? commit.zxid : '';
    const wrong = seen.filter((one) => one.message !== 'ACK' || one.zxid !== zxid);
    const { rejected } = followWires(wrong, scope);
    if (rejected === undefined) throw new Error('the record was accepted');
    const told = tellWireRejection(rejected, scope);
    expect(told.sentence).toMatch(
      /from server \d to \d \(message \d+ on the wires, connection \d+\)/,
    );
    expect(told.sentence).toContain('“a quorum has acknowledged it” is false');
    expect(told.recent).toHaveLength(10);
    expect(told.chart).toContain('COMMIT seen ✗');
  });

  test('a connection begins with FOLLOWERINFO', () => {
    const { rejected } = followWires(seen.slice(0, 1).concat(seen.slice(2)), scope);
    expect(rejected).toBeDefined();
  });
});

test('what follows bytes that could not be read, or what servers did before, is left open', () => {
  const ran = record({ seed: '9', nemesis: ['kill'], nodes: 3, timeLimitMs: 500 });
  const seen = observationsOf(ran.wires.events);
  const middle = seen[40] as Observation;
  const gap: Observation = { ...middle, message: 'gap', reason: 'the capture missed packets' };
  const cut = followWires([...seen.slice(0, 40), gap, ...seen.slice(50)], ran.scope);
  expect(cut).toMatchObject({ rejected: undefined, messages: 40 });
  expect(cut.unfollowed).toBe(seen.length - 49);
  const since = seen.findIndex((one) => one.message === 'FOLLOWERINFO' && one.acceptedEpoch > 0);
  const late = followWires(seen.slice(since), ran.scope);
  expect(late).toMatchObject({ rejected: undefined, messages: 0, unfollowed: seen.length - since });
});

describe('wrong servers are rejected', () => {
  const wrong = [
    // A leader without a quorum.
    { id: 'half-is-enough', nemesis: ['partition-halves'], nodes: 4, tries: 10 },
    // A wire does not show what a disk has, but a server that has lost it does.
    { id: 'ack-before-flush', nemesis: ['power-loss'], nodes: 3, tries: 10 },
  ];

  test.each(wrong)('$id', async ({ id, nemesis, nodes, tries }) => {
    const outputFile = join(folder, `${id}.mjs`);
    const patches = patchesOf(zooEntries([id]));
    await bundleServer({ entryPoint: 'src/systems/umpire.ts', patches, outputFile });
    const module = (await import(pathToFileURL(outputFile).href)) as {
      readonly makeUmpireServer: MakeServer;
    };
    let found: CheckResult | undefined;
    for (let seed = 1; seed <= tries && found === undefined; seed++) {
      const result = check(record({ seed: `${seed}`, nemesis, nodes }, module.makeUmpireServer));
      if (result.verdict === 'violation') found = result;
    }
    expect(found?.anomalies[0]?.kind).toMatch(/^(message-not-explained|promise-broken)$/);
    expect(found?.anomalies[0]?.story?.join('\n')).toContain('✗');
  });
});
