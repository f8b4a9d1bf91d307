/** A workload: what clients do, and which checkers judge it. Written only against the public doors. */
import type { Prng } from '../base/prng.ts';
import type { CheckResult } from '../checker/verdict.ts';
import type { Program } from '../client/core/program.ts';
import type { Evidence } from './evidence.ts';
import type { PlanClient, PlanOperation } from './plan.ts';

export interface WorkloadParams {
  readonly concurrency: number;
  readonly nodes: number;
  readonly timeLimitMs: number;
  readonly prng: (label: string) => Prng;
}

/** What an operation reports on top of its reply; thrown ZkErrors become `fail` or `info` by their column. */
export interface OperationResult {
  /** `fail` for a definite refusal that the workload itself recognises (a lost compare-and-set). */
  readonly type: 'ok' | 'fail';
  readonly value?: unknown;
  readonly zxid?: string;
  readonly error?: string;
}

export interface OperationContext {
  readonly client: number;
  /** Draws that depend on replies come from the operation's own stream. */
  readonly prng: Prng;
  /** State that a client keeps between its operations (a lock that it holds). Emptied with its session. */
  readonly memory: Map<string, unknown>;
}

export interface Workload {
  readonly name: string;
  /** One sentence for `list`. */
  readonly title: string;
  /** Expanded into the plan. */
  plan(params: WorkloadParams): {
    readonly clients: readonly PlanClient[];
    readonly workloadParams: Readonly<Record<string, number | string>>;
  };
  /** Runs once, before the first operation. */
  setup(workloadParams: Readonly<Record<string, number | string>>): Program<void>;
  operation(operation: PlanOperation, context: OperationContext): Program<OperationResult>;
  /** Operations that the final phase runs against each server in turn. */
  final(workloadParams: Readonly<Record<string, number | string>>): readonly PlanOperation[];
  /** External services of the workload, made anew for each run: name → answer. */
  services?(): ReadonlyMap<string, (value: unknown, client: number) => unknown>;
  /** Operation kinds that must each have succeeded at least once. */
  readonly owedKinds: readonly string[];
  /** Worth reaching somewhere in a portfolio: by name, how often the history shows it. */
  readonly sometimes?: Readonly<Record<string, (history: Evidence['history']) => number>>;
  check(evidence: Evidence): readonly CheckResult[];
}
