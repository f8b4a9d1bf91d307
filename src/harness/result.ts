/** `result.json`: what a run found, versioned. */
import type { CheckResult } from '../checker/verdict.ts';

export const RESULT_VERSION = 1;

export type Verdict = 'pass' | 'violation' | 'unknown' | 'not-exercised' | 'harness-error';

export interface FaultRecord {
  readonly id: string;
  readonly kind: string;
  /** Resolved victims. */
  readonly nodes: readonly number[];
  /** Nanoseconds of each step; absent steps did not happen. */
  readonly requested: number;
  readonly applied?: number;
  readonly verified?: number;
  readonly healed?: number;
  readonly healVerified?: number;
  /** How it was verified, or why it could not be. */
  readonly evidence: string;
  /** Operations in flight or invoked while it held. */
  readonly overlappedOperations: number;
}

export interface Goal {
  readonly name: string;
  readonly isOwed: boolean;
  readonly count: number;
}

export interface RunResult {
  readonly v: number;
  readonly name: string;
  readonly verdict: Verdict;
  /** The verdict in one sentence. */
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly world: string;
  readonly workload: string;
  readonly nemesis: readonly string[];
  readonly nodes: number;
  readonly seed: string;
  readonly planHash: string;
  readonly traceHash: string | null;
  readonly commit: string | null;
  /** ISO date of the run; not part of any hash. */
  readonly date: string;
  readonly durationMs: number;
  readonly counts: Readonly<
    Record<string, { readonly ok: number; readonly fail: number; readonly info: number }>
  >;
  readonly checks: readonly CheckResult[];
  readonly faults: readonly FaultRecord[];
  readonly goals: readonly Goal[];
  /** What this host cannot inject, with the reason. */
  readonly notInjected: Readonly<Record<string, string>>;
  /** Commands that run it again. */
  readonly replay: readonly string[];
  /** Wall milliseconds that each checker took; not part of any hash. */
  readonly checkMs?: Readonly<Record<string, number>>;
  /** Host, Node version and the like, in words. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Exit codes of the command line; the most informative wins: 1, 5, 4, 3, 2. */
export const ExitCode = {
  pass: 0,
  violation: 1,
  unknown: 2,
  'not-exercised': 3,
  nondeterministic: 4,
  'harness-error': 5,
  usage: 64,
  interrupted: 130,
} as const;
