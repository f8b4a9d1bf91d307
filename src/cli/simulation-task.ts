/** What the main thread asks of a simulation worker, and what it answers. All of it can be cloned. */
import type { Plan, Recording, RunResult } from '../harness/index.ts';
import type { Observation, Pattern } from '../harness/tolerance/index.ts';

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
    }
  | {
      readonly type: 'observe';
      readonly patterns: readonly { readonly pattern: Pattern; readonly label: string }[];
      readonly seed: string;
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

export interface ObservedPatterns {
  readonly type: 'observed';
  readonly observations: readonly Observation[];
}

export type SimulationReply =
  | SimulationRun
  | ShrunkPlan
  | ObservedPatterns
  | { readonly type: 'failed'; readonly reason: string };
