/** What a report is made from; everything is data that a run directory holds. */
import type { HistoryEntry } from '../checker/history.ts';
import type { TimedEvent } from '../harness/evidence.ts';
import type { Plan } from '../harness/plan.ts';
import type { Goal, RunResult, Verdict } from '../harness/result.ts';
import type { ToleranceJudgement } from '../harness/tolerance/index.ts';

export type { TimedEvent };

export interface ReportInput {
  readonly result: RunResult;
  readonly plan: Plan;
  readonly history: readonly HistoryEntry[];
  /** By sid, in each node's own order. */
  readonly events: ReadonlyMap<number, readonly TimedEvent[]>;
}

/** One line of a portfolio. */
export interface PortfolioRow {
  readonly result: RunResult;
  /** Relative link to the run's own report, where one was written. */
  readonly link?: string;
}

/** Many runs under one verdict, and the one worth looking at in full. */
export interface PortfolioReportInput {
  readonly name: string;
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly date: string;
  readonly durationMs: number;
  readonly commit: string | null;
  readonly seed: string;
  /** Proofs that the harness itself works: what was tried and what came of it. */
  readonly selfCheck: readonly {
    readonly name: string;
    readonly passed: boolean;
    readonly text: string;
  }[];
  readonly rows: readonly PortfolioRow[];
  /** What the runs together must have reached. */
  readonly goals: readonly Goal[];
  readonly notInjected: Readonly<Record<string, string>>;
  readonly replay: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The failing run, else the richest one. */
  readonly focus?: ReportInput;
}

/** Who was served under which crashes and cuts, beside what a model says. */
export interface ToleranceReportInput extends ToleranceJudgement {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly seed: string;
  /** Bugs that were put into the servers. */
  readonly zoo: readonly string[];
  readonly commit: string | null;
  readonly date: string;
  readonly durationMs: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly replay: readonly string[];
}
