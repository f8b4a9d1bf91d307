/** What the main thread asks of a simulation worker, and what it answers. All of it can be cloned. */
import type { Plan, Recording, RunResult } from '../harness/index.ts';

export type SimulationTask =
  | {
      readonly type: 'run';
      readonly plan: Plan;
      /** Runs it a second time, for its trace hash. */
      readonly isTwice?: boolean;
      /** Faults are acknowledged but not carried out. */
      readonly isInert?: boolean;
      /** Whether the recording comes back too. */
      readonly keep: 'never' | 'unless-pass' | 'always';
    }
  | {
      readonly type: 'shrink';
      readonly plan: Plan;
      readonly signature: string;
      readonly budgetMs: number;
      readonly isInert?: false;
    };

export interface SimulationRun {
  readonly type: 'ran';
  readonly result: RunResult;
  readonly operations: number;
  readonly simulatedMs: number;
  readonly secondTraceHash?: string | null;
  readonly recording?: Recording;
}

export interface ShrunkPlan {
  readonly type: 'shrunk';
  readonly plan: Plan;
  readonly tries: number;
  readonly isMinimal: boolean;
}

export type SimulationReply =
  | SimulationRun
  | ShrunkPlan
  | { readonly type: 'failed'; readonly reason: string };
