/** The answer that one model gave to one question, with the behaviour that shows it. */
import { type ExplainedTrace, explainTrace, renderTrace } from '../kernel/explain.ts';
import type { Spec } from '../kernel/model.ts';
import type { Trace } from '../kernel/trace.ts';

/** `unknown`: the search did not come to an end. `missing`: there is no such model or property yet. */
export type Answer = 'yes' | 'no' | 'unknown' | 'missing';

export interface ShownTrace {
  /** What it is a behaviour of: `lock: oneBelievesThatItHolds is violated`. */
  readonly title: string;
  readonly text: string;
  readonly steps: ExplainedTrace;
}

export interface Finding {
  readonly check: string;
  readonly answer: Answer;
  /** Model and scope, as they are printed with every verdict. */
  readonly scope: string;
  /** States, or cases of an enumeration, that were looked at. */
  readonly looked: number;
  readonly detail: string;
  /** A counterexample or a witness. */
  readonly trace?: ShownTrace;
}

export function showTrace<S extends object>(
  spec: Spec<S>,
  trace: Trace<S>,
  title: string,
): ShownTrace {
  return { title, text: renderTrace(spec, trace), steps: explainTrace(spec, trace) };
}
