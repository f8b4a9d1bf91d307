/** The public door of the checkers: `umpire/checker`. */
export { type Availability, availabilityOf } from './availability.ts';
export { type Checker, type Composed, checkSafely, compose } from './compose.ts';
export type { FastPath, FastResult, Witness } from './fast/fast-path.ts';
export {
  type AnomalyName,
  type IsolationLevel,
  isolationLevels,
} from './fast/transactions/anomalies.ts';
export { checkListAppend } from './fast/transactions/list-append.ts';
export {
  checkRwRegister,
  type RegisterTransactionOptions,
} from './fast/transactions/rw-register.ts';
export {
  type TransactionAnomaly,
  TransactionError,
  type TransactionOptions,
  type TransactionVerdict,
} from './fast/transactions/transactions.ts';
export { type FaultWindow, faultWindows } from './fault-windows.ts';
export { checkFinalReads } from './final-reads.ts';
export {
  detectFormat,
  type HistoryFormat,
  type HistoryReader,
  historyFormats,
  historyReader,
  type ReadOptions,
  readHistory,
} from './formats/read-history.ts';
export {
  type BuilderOptions,
  HistoryBuilder,
  type HistoryEvent,
  HistoryFormatError,
  historyOf,
} from './history/builder.ts';
export { History, type Op } from './history/columns.ts';
export type { HistoryEntry, Operation, OperationType } from './history.ts';
export { type BankOptions, checkBank } from './jepsen/bank.ts';
export { checkCausalRegister, checkCausalReverse } from './jepsen/causal.ts';
export { checkCounterAdds } from './jepsen/counter.ts';
export { checkLongFork } from './jepsen/long-fork.ts';
export { checkSetFull, type SetFullDetails, type SetFullOptions } from './jepsen/set-full.ts';
export { checkStats, checkUnhandledErrors } from './jepsen/stats.ts';
export { checkTotalQueue, type TotalQueueOptions } from './jepsen/total-queue.ts';
export { checkUniqueIds } from './jepsen/unique-ids.ts';
export { type Budget, DEFAULT_BUDGET } from './linearizability/budget.ts';
export {
  checkLinearizable,
  type Explanation,
  type LinearizabilityBudget,
  type LinearizabilityOptions,
  type LinearizabilityResult,
  type PartitionResult,
} from './linearizability/check.ts';
export {
  type CheckOptions,
  check,
  type HistoryVerdict,
  type PartVerdict,
  type Violation,
} from './linearizability/decide.ts';
export { drawOperations } from './linearizability/draw.ts';
export type { Reductions } from './linearizability/jit.ts';
export {
  type Call,
  callOf,
  defineModel,
  type Model,
  type Primitive,
} from './linearizability/model.ts';
export {
  Monitor,
  type MonitorCheckpoint,
  type MonitorOptions,
  type MonitorVerdict,
  type MonitorViolation,
} from './linearizability/monitor.ts';
export { asWitnessed, tellVerdict, verdictJson } from './linearizability/tell.ts';
export { validateLinearization } from './linearizability/validate-linearization.ts';
export { appendListModel, kvModel } from './models/appends.ts';
export {
  growOnlySetModel,
  priorityQueueModel,
  queueModel,
  setModel,
  stackModel,
} from './models/containers.ts';
export { counterModel, sequenceModel } from './models/counter.ts';
export {
  type LintFinding,
  type LintOptions,
  lintModel,
  operationsOf,
} from './models/lint.ts';
export {
  fencedLockModel,
  mutexModel,
  semaphoreModel,
  sharedLockModel,
} from './models/locks.ts';
export { type NodeStat, PlainTree, type PlainWrite } from './models/plain-tree.ts';
export { casRegisterModel, multiRegisterModel, registerModel } from './models/register.ts';
export { ModelOptionError, modelByName, modelNames } from './models/registry.ts';
export { type Misfit, misfitOf } from './models/vocabulary.ts';
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
export { checkConfigurationWorkload, lastStatesTold } from './workloads/configuration.ts';
export { checkCounterBounds, checkCounterWorkload } from './workloads/counter.ts';
export { checkElectionWorkload } from './workloads/election.ts';
export type { WorkloadCheckOptions } from './workloads/linearizability.ts';
export { checkLock, checkLockWorkload, sharedHolds } from './workloads/lock.ts';
export { checkQueueWorkload } from './workloads/queue.ts';
export { checkRegisterWorkload } from './workloads/register.ts';
export { checkRegistrationWorkload, providersLost } from './workloads/registration.ts';
export { checkUniqueIdsWorkload } from './workloads/unique-ids.ts';
export { checkWriteOrder } from './write-order.ts';
export {
  type ContractOptions,
  checkZooKeeper,
  contractChecks,
  judgeZooKeeper,
} from './zookeeper/contract.ts';
export type { Expiry, ExpiryEvidence } from './zookeeper/expiry.ts';
export {
  JournalError,
  type JournalRecord,
  type JournalReply,
  type JournalRequest,
  type LoggedWrite,
  type SuspectLog,
  type WatchEventName,
} from './zookeeper/journal.ts';
export { formatRecord, JournalFormatError, parseJournal } from './zookeeper/journal-format.ts';
export { SessionCollector, type Sessions } from './zookeeper/sessions.ts';
