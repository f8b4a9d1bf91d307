/**
 * Two data centres whose link is cut, for good or again and again: plans, and what they owe. A client that
 * is answered says which server served it, and a write that was invoked and acknowledged within one cut
 * was committed by one side alone.
 */
import type { HistoryEntry } from '../../src/checker/history.ts';
import { pairOperations } from '../../src/checker/pairing.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import type { Plan, PlanOperation } from '../../src/harness/plan.ts';
import { type RunOutcome, runSimulated } from '../../src/harness/run.ts';
import type { Workload } from '../../src/harness/workload.ts';
import { defaultConfig } from '../../src/server/core/config.ts';
import { electionBoundMs } from '../../src/server/core/election/fast-leader-election.ts';
import { Server } from '../../src/server/core/server.ts';
import { workloads } from '../../workloads/index.ts';

/** Milliseconds after the start of the workload. */
export interface Outage {
  readonly atMs: number;
  readonly forMs: number;
  /** Meanwhile the link flaps with that period; 0: it stays cut. */
  readonly periodMs: number;
}

export interface DataCentres {
  readonly workload: string;
  readonly seed: string;
  /** Servers 1 to `first` are the first data centre. */
  readonly first: number;
  readonly second: number;
  readonly timeLimitMs: number;
  /** Pauses of clients are so many times as long as the workload draws them. */
  readonly calm?: number;
  readonly outages: (plan: Plan) => readonly Outage[];
}

/** Not all of what operations take grows with the pauses between them: so many times more are planned. */
const SPARE_OPERATIONS = 5;

export function dataCentresPlan(options: DataCentres): Plan {
  const { workload, seed, first, second, timeLimitMs, calm = 1, outages } = options;
  const plan = generatePlan({
    seed,
    workload: workloads.get(workload) as Workload,
    nemesis: ['none'],
    nodes: first + second,
    concurrency: 4,
    timeLimitMs: Math.ceil((timeLimitMs * SPARE_OPERATIONS) / calm),
    world: 'simulation',
  });
  const slowed = (op: PlanOperation): PlanOperation =>
    op.after === undefined ? op : { ...op, after: op.after * calm };
  return {
    ...plan,
    knobs: { ...plan.knobs, timeLimitMs },
    clients: plan.clients.map(({ id, ops }) => ({ id, ops: ops.map(slowed) })),
    faults: outages(plan).map(({ atMs, forMs, periodMs }, index) => ({
      id: `link-${index}`,
      at: atMs,
      kind: 'partition-datacenters',
      target: { nodes: Array.from({ length: first }, (_, node) => node + 1) },
      params: { sites: 2, periodMs },
      heal: { after: forMs },
    })),
  };
}

/** After so long with every link open, clients must be served: elected, synchronized, reconnected. */
export function servingBoundMs({ cluster, knobs }: Plan): number {
  const { tickTimeMs, syncLimit, initLimit } = cluster;
  const { connectTimeoutMs } = defaultConfig;
  const [, delayMs] = knobs.simulation.networkLatencyMs;
  const electionMs = electionBoundMs({ tickTimeMs, syncLimit, connectTimeoutMs }, delayMs);
  return electionMs + initLimit * tickTimeMs + knobs.sessionTimeoutMs;
}

export function runDataCentres(plan: Plan): RunOutcome {
  return runSimulated(plan, workloads.get(plan.workload) as Workload, {
    makeServer: (config) => new Server(config),
    now: () => Date.now(),
    commit: null,
    maxEvents: 300_000_000,
  });
}

/** Nanoseconds. */
export interface Stretch {
  readonly from: number;
  readonly until: number;
}

/** When the link was cut, and when it was open, from the first cut to the end of the workload. */
export function linkStretches({ recording }: RunOutcome): {
  readonly cut: readonly Stretch[];
  readonly open: readonly Stretch[];
} {
  const cut: Stretch[] = [];
  const open: Stretch[] = [];
  let since: { readonly at: number; readonly isCut: boolean } | undefined;
  const turn = (at: number, isCut: boolean): void => {
    if (since !== undefined) (since.isCut ? cut : open).push({ from: since.at, until: at });
    since = { at, isCut };
  };
  for (const { f, value, time } of recording.history) {
    if (f !== 'partition-datacenters') continue;
    const { step } = value as { readonly step: string };
    if (step === 'applied' || step === 'renewed') turn(time, true);
    if (step === 'suspended' || step === 'healed') turn(time, false);
  }
  turn(recording.workloadNs[1], false);
  return { cut, open };
}

/** What needs no quorum, or not for every answer of it. */
const reads = new Set(['read', 'plain-read', 'leader', 'watch', 'store', 'load']);

/**
 * By stretch: completions of writes that were invoked and acknowledged within it. Who gave up waiting for a
 * lock has written twice: into its queue, and out of it.
 */
export function writesWithin(
  { recording }: RunOutcome,
  stretches: readonly Stretch[],
): readonly (readonly HistoryEntry[])[] {
  const writes = pairOperations(recording.history).filter(
    ({ f, completion }) =>
      !reads.has(f) && (completion?.type === 'ok' || completion?.error === 'LockTimeout'),
  );
  return stretches.map(({ from, until }) =>
    writes.flatMap(({ invoke, completion }) => {
      const isWithin = invoke.time >= from && (completion?.time ?? Infinity) <= until;
      return isWithin && completion !== undefined ? [completion] : [];
    }),
  );
}

/** Stretches with every link open that were long enough to owe service, and had no acknowledged write. */
export function unservedRests(outcome: RunOutcome): {
  readonly owed: number;
  readonly unserved: readonly Stretch[];
} {
  const boundNs = servingBoundMs(outcome.plan) * 1e6;
  const rests = linkStretches(outcome)
    .open.filter(({ from, until }) => until - from >= boundNs)
    .map(({ from }) => ({ from, until: from + boundNs }));
  const served = writesWithin(outcome, rests);
  const unserved = rests.filter((_, place) => served[place]?.length === 0);
  return { owed: rests.length, unserved };
}
