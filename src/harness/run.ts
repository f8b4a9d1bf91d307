/**
 * One run from plan to result. `runPlan` works in any world and calls back; `runSimulated` makes a
 * simulated world, lets its time pass and returns.
 */
import type { CheckResult } from '../checker/verdict.ts';
import type { Evidence } from './evidence.ts';
import { interpret, type Recording } from './interpreter.ts';
import { type Judgement, judge } from './judge.ts';
import { faultKinds, whyNotInjectable } from './nemesis/faults.ts';
import type { Plan } from './plan.ts';
import { planHash } from './plan-hash.ts';
import { RESULT_VERSION, type RunResult, type Verdict } from './result.ts';
import type { Workload } from './workload.ts';
import { type MakeServer, SimulationWorld } from './world/simulation/simulation-world.ts';
import type { World } from './world/world.ts';

/** What the shell knows and a plan does not. */
export interface RunSettings {
  /** Wall milliseconds; for dates and costs, never for decisions. */
  readonly now: () => number;
  readonly commit: string | null;
  /** Commands that run it again; `undefined` takes the usual ones. */
  readonly replay?: readonly string[];
}

export interface RunOutcome {
  readonly plan: Plan;
  readonly result: RunResult;
  readonly evidence: Evidence;
  readonly recording: Recording;
}

export function runPlan(
  plan: Plan,
  world: World,
  workload: Workload,
  settings: RunSettings,
  done: (outcome: RunOutcome) => void,
): void {
  const startedMs = settings.now();
  interpret(plan, world, workload, (recording) => {
    const judgement = judge(plan, workload, recording, settings.now);
    const result = resultOf(plan, world, recording, judgement, settings, startedMs);
    done({ plan, result, evidence: judgement.evidence, recording });
  });
}

export interface SimulatedSettings extends RunSettings {
  readonly makeServer: MakeServer;
  readonly maxEvents?: number;
  /** Wraps the world; for canaries that must see the harness doubt itself. */
  readonly wrap?: (world: World) => World;
}

export function runSimulated(
  plan: Plan,
  workload: Workload,
  settings: SimulatedSettings,
): RunOutcome {
  const startedMs = settings.now();
  const { simulation, world } = simulated(plan, settings);
  let outcome: RunOutcome | undefined;
  runPlan(plan, world, workload, settings, (ended) => {
    outcome = ended;
  });
  const failure = simulation.drive(() => outcome !== undefined);
  return outcome ?? brokenRun(plan, world, failure ?? 'the run did not end', settings, startedMs);
}

/** The trace hash of a run that nobody judges; null where it does not end. */
export function traceHashOf(
  plan: Plan,
  workload: Workload,
  settings: SimulatedSettings,
): string | null {
  const { simulation, world } = simulated(plan, settings);
  let traceHash: string | null = null;
  let isOver = false;
  interpret(plan, world, workload, () => {
    isOver = true;
    traceHash = simulation.traceHash();
  });
  simulation.drive(() => isOver);
  return traceHash;
}

/** The world of a plan, and what the interpreter is given for it. */
function simulated(plan: Plan, { makeServer, maxEvents, wrap }: SimulatedSettings) {
  const limit = maxEvents === undefined ? {} : { maxEvents };
  const simulation = new SimulationWorld({ plan, makeServer, ...limit });
  const world: World = wrap?.(simulation) ?? simulation;
  return { simulation, world };
}

/** A run that did not come to its end proves nothing, but says why. */
export function brokenRun(
  plan: Plan,
  world: World,
  reason: string,
  settings: RunSettings,
  startedMs: number,
): RunOutcome {
  const recording: Recording = {
    history: [],
    events: new Map(),
    files: new Map(),
    faults: [],
    unavailable: [],
    exits: world.exits(),
    logs: new Map(),
    problems: [reason],
    maxLagMs: 0,
    workloadNs: [0, 0],
    durationNs: world.nowNs(),
  };
  const crash = world.exits().find((exit) => exit.isCrash);
  const verdict: Verdict = 'harness-error';
  const evidence: Evidence = { plan, history: [], events: new Map(), disks: new Map() };
  const reasons =
    crash === undefined ? [reason] : [reason, `server ${crash.node}: ${crash.reason}`];
  const judgement: Judgement = {
    verdict,
    sentence: `The run proves nothing: ${reason}`,
    reasons,
    checks: [] as readonly CheckResult[],
    goals: [],
    faults: [],
    evidence,
    checkMs: {},
  };
  const result = resultOf(plan, world, recording, judgement, settings, startedMs);
  return { plan, result, evidence, recording };
}

function resultOf(
  plan: Plan,
  world: World,
  recording: Recording,
  judgement: Judgement,
  settings: RunSettings,
  startedMs: number,
): RunResult {
  const { now, commit } = settings;
  const nemesis = [...new Set(plan.faults.map((fault) => fault.kind))].sort();
  const name = [
    ...(plan.system === undefined ? [] : [plan.system]),
    plan.workload,
    nemesis.length === 1 ? nemesis[0] : `${nemesis.length}-faults`,
    plan.seed,
  ];
  return {
    v: RESULT_VERSION,
    name: name.join('-'),
    verdict: judgement.verdict,
    sentence: judgement.sentence,
    reasons: judgement.reasons,
    world: world.name,
    workload: plan.workload,
    nemesis: nemesis.length === 0 ? ['none'] : nemesis,
    nodes: plan.cluster.nodes,
    seed: plan.seed,
    planHash: planHash(plan),
    traceHash: world.traceHash(),
    commit,
    date: new Date(startedMs).toISOString(),
    durationMs: Math.round(now() - startedMs),
    counts: countsOf(recording),
    checks: judgement.checks,
    faults: judgement.faults,
    goals: judgement.goals,
    notInjected: notInjectedIn(world, plan.cluster.nodes),
    replay: settings.replay ?? ['npm run replay -- store/latest/plan.json'],
    checkMs: judgement.checkMs,
    ...(world.environment === undefined ? {} : { environment: world.environment() }),
  };
}

export function notInjectedIn(world: World, nodes: number): Readonly<Record<string, string>> {
  const reasons: Record<string, string> = {};
  for (const kind of faultKinds.values()) {
    const reason = whyNotInjectable(kind, world, nodes);
    if (reason !== undefined) reasons[kind.name] = reason;
  }
  return reasons;
}

function countsOf(recording: Recording): RunResult['counts'] {
  const counts: Record<string, { ok: number; fail: number; info: number }> = {};
  for (const entry of recording.history) {
    if (entry.process === 'nemesis' || entry.type === 'invoke') continue;
    counts[entry.f] ??= { ok: 0, fail: 0, info: 0 };
    (counts[entry.f] as { ok: number; fail: number; info: number })[entry.type]++;
  }
  return counts;
}
