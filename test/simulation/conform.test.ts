/**
 * The servers' events against the model of ZAB: right runs are explained, event by event; wrong traces and
 * wrong servers are not.
 */
import { describe, expect, test } from 'vitest';
import { acts, type EventsByNode, follow, tellRejection } from '../../spec/conform/index.ts';
import { prngStream } from '../../src/base/prng.ts';
import type { ProtocolAct, ProtocolEvent } from '../../src/base/protocol-event.ts';
import type { CheckResult } from '../../src/checker/verdict.ts';
import { engineFile } from '../../src/cli/engine-bundle.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import { type RunOutcome, runSimulated } from '../../src/harness/run.ts';
import type { Workload } from '../../src/harness/workload.ts';
import { Server } from '../../src/server/core/server.ts';
import { readZoo, withZooFaults } from '../../src/systems/zoo.ts';
import { workloads } from '../../workloads/index.ts';
import { mutated, mutations } from './conform-mutations.ts';

const COMMIT_LOG_COUNT = 50;

function run(
  name: string,
  nemesis: readonly string[],
  nodes = 3,
  { seed = '5eed', timeLimitMs = 3000, concurrency = 3 } = {},
): RunOutcome {
  const workload = workloads.get(name) as Workload;
  const plan = generatePlan({
    seed,
    workload,
    nemesis,
    nodes,
    concurrency,
    timeLimitMs,
    world: 'simulation',
  });
  const makeServer = (config: ConstructorParameters<typeof Server>[0]) => new Server(config);
  return runSimulated(plan, workload, { makeServer, now: () => 0, commit: null });
}

const conformance = ({ result }: RunOutcome): CheckResult | undefined =>
  result.checks.find(({ checker }) => checker === 'conformance');

const eventsOf = ({ recording }: RunOutcome): EventsByNode => recording.events;

describe('right servers are explained', () => {
  test.each([
    { faults: ['none'], nodes: 2 },
    { faults: ['kill', 'partition-one'], nodes: 3 },
    { faults: ['power-loss', 'pause', 'partition-one-way'], nodes: 4 },
    { faults: ['kill-all', 'partition-halves', 'clock-bump'], nodes: 5 },
  ])('$nodes servers under $faults', ({ faults, nodes }) => {
    const check = conformance(run('register', faults, nodes));
    expect(check?.summary).toMatch(/^Every event is explained/);
    expect(check?.verdict).toBe('pass');
    expect(check?.looked).toBeGreaterThan(1000);
    expect(check?.findings?.['of these before one event at most']).toBeLessThan(100);
    expect(check?.findings?.['states at once at most']).toBeLessThan(5);
  });

  test('a server alone runs no protocol that could be followed', () => {
    expect(conformance(run('register', ['kill'], 1))).toBeUndefined();
  });

  test('by what they say, not by any clock or by who is asked first', () => {
    const events = eventsOf(run('lock', ['kill', 'partition-halves'], 3));
    const timeless = [...events].reverse().map(([node, list]) => {
      return [node, list.map((event) => ({ ...event, now: 0, wallMs: 0, time: 0 }))] as const;
    });
    const scope = { servers: 3, commitLogCount: COMMIT_LOG_COUNT };
    const followed = follow(new Map(timeless), scope);
    expect(followed.rejected).toBeUndefined();
    expect(followed.events).toBe([...events.values()].flat().length);
  });
});

describe('wrong traces are rejected', () => {
  const servers = 3;
  const scope = { servers, commitLogCount: COMMIT_LOG_COUNT };
  const outcome = run('counter', ['kill', 'partition-halves'], servers, {
    seed: 'mutants',
    concurrency: 1,
    timeLimitMs: 500,
  });
  const events = eventsOf(outcome);
  const byAct = new Map<ProtocolAct, ProtocolEvent[]>();
  for (const event of [...events.values()].flat()) {
    byAct.set(event.act, [...(byAct.get(event.act) ?? []), event]);
  }

  /** How many of a kind's mutations were tried and rejected. */
  function tryAll(act: ProtocolAct, list: readonly ProtocolEvent[], numbers: 'kept' | 'new') {
    const prng = prngStream(`conform ${act}`, `mutations, numbers ${numbers}`);
    // What stands alone nobody misses, but for its number; what it says of the server can be wrong.
    const isAlone = numbers === 'new' && acts[act].standsAlone === true;
    const kinds = isAlone ? (['changed'] as const) : mutations;
    const row = { act, tried: 0, rejected: 0 };
    for (const mutation of [...kinds, ...kinds, ...kinds]) {
      const wrong = mutated(events, prng.pick(list), { mutation, numbers }, prng);
      if (wrong === undefined) continue;
      row.tried++;
      if (follow(wrong, scope).rejected !== undefined) row.rejected++;
    }
    return row;
  }

  test.each(['kept', 'new'] as const)(
    'of each kind of event nearly every deletion, repetition, exchange and change, numbers %s',
    (numbers) => {
      expect(follow(events, scope).rejected).toBeUndefined();
      const rows = [...byAct].map(([act, list]) => tryAll(act, list, numbers));
      const tried = rows.reduce((sum, row) => sum + row.tried, 0);
      const rejected = rows.reduce((sum, row) => sum + row.rejected, 0);
      const isOwed = (act: ProtocolAct): boolean =>
        numbers === 'kept' || acts[act].standsAlone !== true;
      expect(rows.filter((row) => isOwed(row.act) && row.rejected < 0.8 * row.tried)).toEqual([]);
      expect(rejected / tried).toBeGreaterThanOrEqual(0.95);
      expect(rows.length).toBeGreaterThan(25);
      expect(tried).toBeGreaterThan(250);
    },
  );

  test('a rejection names the event, the guard that is false and what came before', () => {
    const commits = byAct.get('ProposalCommitted') ?? [];
    const commit = commits.at(-5) as ProtocolEvent;
    const list = events.get(commit.node) ?? [];
    // Of the acknowledgements that made a quorum one never came.
    const at = list.indexOf(commit);
    const ack = list.slice(0, at).findLastIndex(({ act }) => act === 'AckReceived');
    const without = list.toSpliced(ack, 1).map((event, index) => ({ ...event, n: index + 1 }));
    const { rejected } = follow(new Map([...events, [commit.node, without]]), scope);
    if (rejected === undefined) throw new Error('the trace was accepted');
    expect(rejected.event.act).toMatch(/AckReceived|ProposalCommitted/);
    const told = tellRejection(rejected, scope);
    expect(told.sentence).toContain(`of server ${commit.node}`);
    expect(told.reasons.length).toBeGreaterThan(1);
    expect(told.recent).toHaveLength(10);
    expect(told.chart).toContain('✗');
    expect(told.chart).toMatch(/─ (PROPOSAL|ACK|COMMIT) \d+\.\d+/);
  });

  test('a line that is missing from a log is noticed by its number', () => {
    const list = (events.get(2) ?? []).filter((_, index) => index !== 30);
    const { rejected } = follow(new Map([...events, [2, list]]), scope);
    expect(rejected?.refusals[0]?.reason).toMatch(/^event 31 is missing/);
  });
});

describe('wrong servers are rejected', () => {
  const canaries = [...readZoo().values()].filter(
    ({ file, isCanary }) => isCanary && file.startsWith('src/server/'),
  );

  test('there are some', () => {
    expect(canaries.map(({ id }) => id).sort()).toEqual(['ack-before-flush', 'half-is-enough']);
  });

  test.each(canaries)('$id', async (entry) => {
    const { simulate } = await import(await engineFile([entry.id]));
    const { id, run: asked } = entry;
    const workload = workloads.get(asked.workload) as Workload;
    let found: CheckResult | undefined;
    for (let attempt = 0; attempt < asked.tries && found === undefined; attempt++) {
      const seed = (BigInt(`0x${asked.seed}`) + BigInt(attempt)).toString(16);
      const options = { ...asked, seed, workload, world: 'simulation', zoo: [id] } as const;
      const plan = withZooFaults(generatePlan(options), entry);
      const { result } = simulate({ type: 'run', plan, keep: 'never' }, null);
      const checks: readonly CheckResult[] = result.checks;
      found = checks.find(
        ({ checker, verdict }) => checker === 'conformance' && verdict === 'violation',
      );
    }
    expect(found?.anomalies[0]?.kind).toMatch(/^(event-not-explained|promise-broken)$/);
  });
});
