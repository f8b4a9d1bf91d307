/**
 * From a seed to a plan. Everything is drawn here and written down: operations, faults with their times and
 * parameters, and the knobs of the run. In simulation the knobs swarm (latencies, limits, snapshot
 * intervals differ from seed to seed), because diversity finds more than repetition; on real processes
 * they are fixed at what a host can keep.
 */
import { type Prng, prngStream } from '../base/prng.ts';
import type { DrawContext, FaultKind } from './nemesis/fault-kind.ts';
import { faultKinds } from './nemesis/faults.ts';
import {
  type ClusterSpec,
  PLAN_VERSION,
  type Plan,
  type PlanFault,
  type PlanKnobs,
  type SimulationKnobs,
} from './plan.ts';
import type { Workload } from './workload.ts';
import type { WorldName } from './world/world.ts';

export interface PlanOptions {
  /** Hex text. */
  readonly seed: string;
  readonly workload: Workload;
  /** Names of the fault table. */
  readonly nemesis: readonly string[];
  readonly nodes: number;
  readonly concurrency: number;
  readonly timeLimitMs: number;
  readonly world: WorldName;
  readonly zoo?: readonly string[];
}

export function generatePlan(options: PlanOptions): Plan {
  const { seed, workload, nodes, concurrency, timeLimitMs, world, zoo } = options;
  const stream = (label: string): Prng => prngStream(seed, label);
  const knobPrng = stream('knobs');
  const isSimulated = world === 'simulation';
  const cluster = isSimulated ? drawCluster(knobPrng, nodes) : fixedCluster(nodes);
  const knobs = isSimulated ? drawKnobs(knobPrng, cluster, timeLimitMs) : fixedKnobs(timeLimitMs);
  // Enough operations for faults that had to wait, and for the recovery.
  const opsForMs = Math.ceil(timeLimitMs * 1.5) + 4000;
  const params = { concurrency, nodes, timeLimitMs: opsForMs, prng: stream };
  const { clients, workloadParams } = workload.plan(params);
  const kinds = options.nemesis
    .map((name) => kindNamed(name))
    .filter(({ name }) => name !== 'none');
  return {
    v: PLAN_VERSION,
    seed,
    workload: workload.name,
    workloadParams,
    cluster,
    knobs,
    clients,
    faults: drawFaults(kinds, {
      timeLimitMs,
      isSimulated,
      draw: { nodes, sessionTimeoutMs: knobs.sessionTimeoutMs },
      stream,
    }),
    final: { settleMs: 2 * cluster.tickTimeMs, timeoutMs: 60_000 },
    ...(zoo === undefined || zoo.length === 0 ? {} : { zoo }),
  };
}

function kindNamed(name: string): FaultKind {
  const kind = faultKinds.get(name);
  if (kind === undefined) throw new Error(`no fault is called ${name}`);
  return kind;
}

function drawCluster(prng: Prng, nodes: number): ClusterSpec {
  return {
    nodes,
    tickTimeMs: prng.pick([200, 300, 500]),
    initLimit: prng.pick([5, 10]),
    syncLimit: prng.pick([3, 5]),
    snapCount: prng.pick([20, 60, 200, 2000]),
    commitLogCount: prng.pick([3, 10, 50, 500]),
  };
}

function drawKnobs(prng: Prng, cluster: ClusterSpec, timeLimitMs: number): PlanKnobs {
  const simulation: SimulationKnobs = {
    networkLatencyMs: prng.pick([
      [0.05, 0.5],
      [0.2, 3],
      [1, 15],
      [0.1, 40],
    ] as const),
    diskLatencyMs: prng.pick([
      [0.05, 0.5],
      [0.5, 8],
      [5, 30],
      [0.2, 80],
    ] as const),
    splitPerMille: prng.pick([0, 20, 200]),
    tornPerMille: prng.pick([100, 300]),
    lostPerMille: prng.pick([300, 600]),
  };
  return {
    sessionTimeoutMs: cluster.tickTimeMs * prng.int(4, 12),
    operationTimeoutMs: 5000,
    timeLimitMs,
    simulation,
  };
}

function fixedCluster(nodes: number): ClusterSpec {
  return {
    nodes,
    tickTimeMs: 500,
    initLimit: 10,
    syncLimit: 5,
    snapCount: 200,
    commitLogCount: 100,
  };
}

function fixedKnobs(timeLimitMs: number): PlanKnobs {
  return {
    sessionTimeoutMs: 4000,
    operationTimeoutMs: 5000,
    timeLimitMs,
    simulation: {
      networkLatencyMs: [0.2, 3],
      diskLatencyMs: [0.5, 8],
      splitPerMille: 20,
      tornPerMille: 300,
      lostPerMille: 300,
    },
  };
}

/**
 * Faults of the network overlap with those of processes and clocks, but two of a lane never overlap, so that
 * each can be verified: a probe cannot tell who stopped a server.
 */
function drawFaults(kinds: readonly FaultKind[], run: FaultDraw): PlanFault[] {
  const faults: PlanFault[] = [];
  const isNetwork = (kind: FaultKind): boolean => kind.family === 'partition';
  for (const lane of [kinds.filter(isNetwork), kinds.filter((kind) => !isNetwork(kind))]) {
    const first = lane[0];
    if (first === undefined) continue;
    const prng = run.stream(isNetwork(first) ? 'faults/network' : 'faults/process');
    faults.push(...drawLane(lane, run, prng, faults.length));
  }
  return faults;
}

interface FaultDraw {
  readonly timeLimitMs: number;
  readonly isSimulated: boolean;
  readonly draw: DrawContext;
  readonly stream: (label: string) => Prng;
}

/** Steps whose neighbourhood is worth a fault: under load they come all the time. */
const FREQUENT_TRIGGERS = [
  'ProposalSent',
  'ProposalReceived',
  'TxnFlushed',
  'ProposalCommitted',
  'SnapshotTaken',
  'SessionCreated',
] as const;
/** And these only while a server or an ensemble finds itself again, after an earlier fault. */
const RARE_TRIGGERS = [
  'Recovered',
  'EpochProposed',
  'AcceptedEpochSaved',
  'CurrentEpochSaved',
  'SyncChosen',
  'SyncReceived',
  'NewLeaderAcked',
  'LeaderEstablished',
  'LearnerActivated',
] as const;
const FREQUENT_WITHIN_MS = 1000;
const RARE_WITHIN_MS = 3000;

function drawTrigger(prng: Prng, shareMs: number): NonNullable<PlanFault['when']> | undefined {
  if (!prng.chance(450)) return undefined;
  const isRare = prng.chance(600);
  const act = prng.pick(isRare ? RARE_TRIGGERS : FREQUENT_TRIGGERS);
  const nth = prng.int(1, isRare ? 3 : prng.pick([3, 30]));
  const limitMs = isRare ? RARE_WITHIN_MS : FREQUENT_WITHIN_MS;
  return { act, nth, withinMs: Math.min(limitMs, Math.floor(shareMs / 3)) };
}

const MIN_HOLD_MS = 400;

function drawLane(
  lane: readonly FaultKind[],
  { timeLimitMs, isSimulated, draw }: FaultDraw,
  prng: Prng,
  firstId: number,
): PlanFault[] {
  const faults: PlanFault[] = [];
  // Every kind must fit in once, however short the run is.
  const shareMs = Math.max(1200, Math.floor((timeLimitMs - 1000) / lane.length));
  let queue: FaultKind[] = [];
  let atMs = prng.int(300, 1500);
  while (faults.length < lane.length || atMs < timeLimitMs - 2000) {
    if (queue.length === 0) queue = prng.shuffle(lane);
    const kind = queue.shift() as FaultKind;
    const maxHoldMs = Math.max(MIN_HOLD_MS, Math.min(kind.maxHoldMs, Math.floor(shareMs / 2)));
    const holdMs = prng.int(MIN_HOLD_MS, maxHoldMs);
    const { target, params } = kind.draw(prng, draw);
    const when = isSimulated ? drawTrigger(prng, shareMs) : undefined;
    faults.push({
      id: `f${firstId + faults.length + 1}`,
      at: atMs,
      ...(when === undefined ? {} : { when }),
      kind: kind.name,
      target,
      params,
      heal: { after: holdMs },
    });
    // A short gap strikes while the ensemble still recovers from the fault before.
    const gapMs = prng.int(20, prng.pick([200, Math.max(300, Math.floor(shareMs / 3))]));
    atMs += holdMs + gapMs + Math.floor((when?.withinMs ?? 0) / 2);
  }
  return faults;
}
