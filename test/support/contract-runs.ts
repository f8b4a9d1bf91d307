/** Journals of simulated runs of the real server, and how the contract judges them. */
import type { CheckResult } from '../../src/checker/verdict.ts';
import { type ContractOptions, checkZooKeeper } from '../../src/checker/zookeeper/contract.ts';
import type { Expiry } from '../../src/checker/zookeeper/expiry.ts';
import type { JournalRecord } from '../../src/checker/zookeeper/journal.ts';
import { contractOptions } from '../../src/harness/contract-evidence.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import { type RunOutcome, runSimulated } from '../../src/harness/run.ts';
import type { Workload } from '../../src/harness/workload.ts';
import { Server } from '../../src/server/core/server.ts';
import { treeWorkload } from './tree-workload.ts';

export interface GoodRun {
  readonly journal: readonly JournalRecord[];
  readonly options: ContractOptions;
  readonly outcome: RunOutcome;
}

export interface RunShape {
  readonly seed: string;
  readonly nemesis?: readonly string[];
  readonly workload?: Workload;
  readonly nodes?: number;
  readonly concurrency?: number;
  readonly timeLimitMs?: number;
}

export function goodContractRun(shape: RunShape): GoodRun {
  const { seed, nemesis = ['none'], workload = treeWorkload() } = shape;
  const { nodes = 3, concurrency = 4, timeLimitMs = 5000 } = shape;
  const options = { seed, workload, nemesis, nodes, concurrency, timeLimitMs };
  const plan = generatePlan({ ...options, world: 'simulation' });
  const outcome = runSimulated(plan, workload, {
    makeServer: (config) => new Server(config),
    now: () => 0,
    commit: null,
  });
  const { evidence, recording } = outcome;
  const journal = recording.sessions ?? [];
  return { journal, options: contractOptions(evidence, recording.faults), outcome };
}

export function complaints(results: readonly CheckResult[]): string[] {
  return results.flatMap(({ checker, verdict, summary }) => {
    return verdict === 'pass' || verdict === 'not-exercised' ? [] : [`${checker}: ${summary}`];
  });
}

/** With what a forger has servers say of expiries, in a run that nothing disturbed. */
export function withExpiries(
  options: ContractOptions,
  expiries: readonly Expiry[],
): ContractOptions {
  if (expiries.length === 0) return options;
  return { ...options, expiry: { expiries, isUndisturbed: () => true } };
}

export function kindsOf(journal: readonly JournalRecord[], options: ContractOptions): string[] {
  return checkZooKeeper(journal, options).flatMap(({ anomalies }) =>
    anomalies.map(({ kind }) => kind),
  );
}
