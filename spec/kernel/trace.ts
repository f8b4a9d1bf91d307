/** A behaviour: a start and the steps from there; with `loopsTo`, going round for ever. */
import type { Params } from './model.ts';

export interface TraceStep<S = object> {
  readonly action: string;
  readonly params: Params;
  /** The state after the step. */
  readonly state: S;
}

export interface Trace<S = object> {
  readonly start: S;
  readonly steps: readonly TraceStep<S>[];
  /** After the last step everything repeats from the state after this many steps. */
  readonly loopsTo?: number;
}
