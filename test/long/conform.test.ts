/**
 * Every event of a thousand simulated runs under all kinds of faults is explained by the model of ZAB; and of
 * some hundred every message, when nothing but the wires is seen.
 * UMPIRE_CONFORM_RUNS and UMPIRE_CONFORM_WIRE_RUNS are how many; the seed is in the name of each run that is
 * not explained.
 */
import { expect, test } from 'vitest';
import { followWires, tellWireRejection } from '../../spec/conform/index.ts';
import { observationsOf } from '../../src/harness/conformance.ts';
import { interpret, type Recording } from '../../src/harness/interpreter.ts';
import { faultKinds } from '../../src/harness/nemesis/faults.ts';
import { portfolioPlan } from '../../src/harness/portfolio.ts';
import { runSimulated } from '../../src/harness/run.ts';
import type { Workload } from '../../src/harness/workload.ts';
import { SimulationWorld } from '../../src/harness/world/simulation/simulation-world.ts';
import { Server } from '../../src/server/core/server.ts';
import { workloads } from '../../workloads/index.ts';

const RUNS = Number(process.env.UMPIRE_CONFORM_RUNS ?? 1000);
const WIRE_RUNS = Number(process.env.UMPIRE_CONFORM_WIRE_RUNS ?? 300);
const TOLD_EVERY = 100;
const portfolio = {
  seed: 'conform',
  workloads: [...workloads.values()],
  nemesis: [...faultKinds.keys()].filter((name) => name !== 'none'),
  concurrency: 4,
  timeLimitMs: 3000,
  maxRuns: Number.POSITIVE_INFINITY,
  mayGoOn: () => true,
  twicePerMille: 0,
};

class Tally {
  readonly sums: Record<string, number> = {};
  readonly wrong: string[] = [];
  readonly faults = new Set<string>();
  runs = 0;
  skipped = 0;
  events = 0;
  checkMs = 0;
  totalMs = 0;

  run(index: number): void {
    const plan = portfolioPlan(portfolio, index);
    const startMs = performance.now();
    const { result } = runSimulated(plan, workloads.get(plan.workload) as Workload, {
      makeServer: (config) => new Server(config),
      now: () => performance.now(),
      commit: null,
    });
    this.totalMs += performance.now() - startMs;
    this.checkMs += result.checkMs?.conformance ?? 0;
    const check = result.checks.find(({ checker }) => checker === 'conformance');
    // One server alone has nobody to agree with.
    if (check === undefined) {
      this.skipped++;
      expect(plan.cluster.nodes).toBe(1);
      return;
    }
    this.runs++;
    this.events += check.looked;
    for (const { kind } of plan.faults) this.faults.add(kind);
    for (const [name, count] of Object.entries(check.findings ?? {})) {
      const known = this.sums[name] ?? 0;
      this.sums[name] = name.endsWith('at most') ? Math.max(known, count) : known + count;
    }
    if (check.verdict === 'pass') return;
    const story = check.anomalies.flatMap((anomaly) => anomaly.story ?? []).join('\n');
    this.wrong.push(`${result.name} (run ${index}): ${check.summary}\n${story}`);
  }

  tell(): string {
    const { checkMs, events, faults, runs, skipped, sums, totalMs, wrong } = this;
    const share = ((100 * checkMs) / (totalMs - checkMs)).toFixed(1);
    return (
      `${runs} runs (${skipped} of one server), ${faults.size} kinds of faults, ${events} events, ` +
      `${wrong.length} not explained; ${JSON.stringify(sums)}; ${share} % of what the runs took`
    );
  }
}

test(
  `${RUNS} simulated runs with faults are explained, event by event`,
  () => {
    const tally = new Tally();
    for (let index = 0; tally.runs < RUNS; index++) {
      tally.run(index);
      if (tally.runs % TOLD_EVERY === 0) console.log(tally.tell());
    }
    console.log(tally.tell());
    expect(tally.wrong).toEqual([]);
    expect(tally.faults.size).toBeGreaterThan(10);
  },
  3 * 60 * 60 * 1000,
);

class WireTally {
  readonly sums: Record<string, number> = {};
  readonly wrong: string[] = [];
  readonly faults = new Set<string>();
  runs = 0;
  checkMs = 0;
  runMs = 0;

  run(index: number): void {
    const plan = portfolioPlan({ ...portfolio, seed: 'wires' }, index);
    const { commitLogCount, nodes } = plan.cluster;
    if (nodes === 1) return;
    const startMs = performance.now();
    const makeServer = (config: ConstructorParameters<typeof Server>[0]) => new Server(config);
    const world = new SimulationWorld({ plan, makeServer, isTapped: true });
    let recording: Recording | undefined;
    interpret(plan, world, workloads.get(plan.workload) as Workload, (ended) => {
      recording = ended;
    });
    const failure = world.drive(() => recording !== undefined);
    const seen = observationsOf(recording?.wires?.events ?? []);
    expect(failure).toBeUndefined();
    const ranMs = performance.now();
    const scope = { servers: nodes, commitLogCount };
    const { rejected, ...counts } = followWires(seen, scope);
    this.checkMs += performance.now() - ranMs;
    this.runMs += ranMs - startMs;
    this.runs++;
    for (const { kind } of plan.faults) this.faults.add(kind);
    for (const [name, count] of Object.entries(counts)) {
      const known = this.sums[name] ?? 0;
      this.sums[name] = name.endsWith('Max') ? Math.max(known, count) : known + count;
    }
    if (rejected === undefined) return;
    const { chart, sentence } = tellWireRejection(rejected, scope);
    this.wrong.push(`run ${index}: ${sentence}\n${chart}`);
  }

  tell(): string {
    const { checkMs, faults, runMs, runs, sums, wrong } = this;
    const share = ((100 * checkMs) / runMs).toFixed(1);
    return (
      `${runs} runs seen on the wires only, ${faults.size} kinds of faults, ${wrong.length} not ` +
      `explained; ${JSON.stringify(sums)}; ${share} % of what the runs took`
    );
  }
}

test(
  `${WIRE_RUNS} simulated runs with faults are explained, message by message`,
  () => {
    const tally = new WireTally();
    for (let index = 0; tally.runs < WIRE_RUNS; index++) tally.run(index);
    console.log(tally.tell());
    expect(tally.wrong).toEqual([]);
    expect(tally.faults.size).toBeGreaterThan(10);
    expect(tally.sums.unfollowed).toBe(0);
  },
  60 * 60 * 1000,
);
