/** The public door of the harness: plans, faults, runs and their results. */

export { readServerDisk } from './disk-evidence.ts';
export type { Evidence, LoggedTxn, ServerDisk, TimedEvent } from './evidence.ts';
export { generatePlan, type PlanOptions } from './generator.ts';
export { goalNames } from './goals.ts';
export { HarnessError } from './harness-error.ts';
export { interpret, type Recording, type Unavailability } from './interpreter.ts';
export { type Judgement, judge, LAG_MARGIN_MS } from './judge.ts';
export type { FaultEffect, FaultKind } from './nemesis/fault-kind.ts';
export { faultKinds, faultKindsNamed, whyNotInjectable } from './nemesis/faults.ts';
export type {
  ClusterSpec,
  FaultTarget,
  Plan,
  PlanClient,
  PlanFault,
  PlanKnobs,
  PlanOperation,
  SimulationKnobs,
  SystemName,
} from './plan.ts';
export { PLAN_VERSION } from './plan.ts';
export { parsePlan, readPlan } from './plan-file.ts';
export { canonicalJson, planHash, toJson } from './plan-hash.ts';
export {
  type PortfolioOptions,
  type PortfolioOutcome,
  portfolioPlan,
  runPortfolio,
} from './portfolio.ts';
export { isDeterministic, type ReplayComparison, replaySimulated } from './replay.ts';
export {
  ExitCode,
  type FaultRecord,
  type Goal,
  RESULT_VERSION,
  type RunResult,
  type Verdict,
} from './result.ts';
export {
  brokenRun,
  notInjectedIn,
  type RunOutcome,
  type RunSettings,
  runPlan,
  runSimulated,
  type SimulatedSettings,
  traceHashOf,
} from './run.ts';
export { minimize, type ShrinkResult, shrinkPlan, signatureOf } from './shrink.ts';
export { createRunDirectory, RunDirectory } from './store.ts';
export type {
  OperationContext,
  OperationResult,
  Workload,
  WorkloadParams,
} from './workload.ts';
export { type MakeServer, SimulationWorld } from './world/simulation/simulation-world.ts';
export type {
  Injection,
  Probe,
  ProbeResult,
  ServerExit,
  ServerFiles,
  World,
  WorldClient,
  WorldName,
} from './world/world.ts';
