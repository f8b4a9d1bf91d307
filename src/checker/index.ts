/** The public door of the checkers: `umpire/checker`. */
export { type Availability, availabilityOf } from './availability.ts';
export { checkCounterBounds } from './counter.ts';
export { type FaultWindow, faultWindows } from './fault-windows.ts';
export { checkFinalReads } from './final-reads.ts';
export type { HistoryEntry, Operation, OperationType } from './history.ts';
export {
  checkLinearizable,
  DEFAULT_BUDGET,
  type LinearizabilityBudget,
  type LinearizabilityOptions,
  type LinearizabilityResult,
  type PartitionResult,
} from './linearizability/check.ts';
export type { Explanation } from './linearizability/explain.ts';
export { type Call, callOf, type Model, type ModelState } from './linearizability/model.ts';
export {
  casRegisterModel,
  counterModel,
  mutexModel,
  registerModel,
} from './linearizability/models.ts';
export { validateLinearization } from './linearizability/validate-linearization.ts';
export { checkLock } from './lock.ts';
export { HistoryError, pairOperations } from './pairing.ts';
export { checkPrefixContract } from './prefix-contract.ts';
export type { DiskNode, LoggedTxn, ServerDisk } from './server-evidence.ts';
export { checkServers, type ServerEvidence } from './servers.ts';
export { checkOperations, type OperationStats, operationStats } from './stats.ts';
export {
  type Anomaly,
  type CheckResult,
  type CheckVerdict,
  mergeVerdicts,
} from './verdict.ts';
export {
  checkCounterWorkload,
  checkLockWorkload,
  checkRegisterWorkload,
  type WorkloadCheckOptions,
} from './workload-checks.ts';
export { checkWriteOrder } from './write-order.ts';
