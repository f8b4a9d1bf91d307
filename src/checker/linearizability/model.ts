/**
 * What an object means when nothing is concurrent. A model is a small object with an initial state and a
 * step function; the search asks nothing else of it. States are primitives, so that they can be interned.
 */
import type { HistoryEntry, Operation } from '../history.ts';

export type ModelState = string | number | boolean | null;

/** An operation as the search sees it. */
export interface Call {
  readonly f: string;
  readonly input: unknown;
  /** Undefined where the operation did not end as `ok`. */
  readonly output: unknown;
  /** `info`: may take effect at any time after its invocation, or never, and says nothing. */
  readonly outcome: 'ok' | 'fail' | 'info';
  /** Position of the invocation in the history. */
  readonly start: number;
  /** Position of the completion; Infinity after `info`. */
  readonly end: number;
  readonly operation: Operation;
  /** A guess at its place in the order, such as a zxid. It steers the search and decides nothing. */
  readonly hint?: bigint;
}

export interface Model<State extends ModelState = ModelState> {
  readonly name: string;
  readonly init: State;
  /** The state after the call, or undefined where the call could not have had this result here. */
  step(state: State, call: Call): State | undefined;
  /**
   * True where the call changes no state whatever, in *every* state in which it is legal. A call that
   * merely changes nothing now (write(0) on 0) is not pure: linearizing it early would be unsound.
   */
  isPure(call: Call): boolean;
  /** Whether a failed operation tells something about the state; else `fail` is dropped. */
  observesFailure(call: Call): boolean;
  /** Calls with equal text have equal step functions. */
  classOf(call: Call): string;
  /** Replaces values that no call can tell apart by one; must keep `start`, `end` and order. */
  simplify?(calls: readonly Call[]): readonly Call[];
  describe(call: Call): string;
  /** Why the call is not legal in this state, as a clause: `the register holds "b", not "a"`. */
  reason(state: State, call: Call): string;
}

/** How an operation becomes a call; workloads wrap it where their values carry more than the model needs. */
export function callOf(operation: Operation): Call {
  const { invoke, completion } = operation;
  const outcome = outcomeOf(completion);
  return {
    f: operation.f,
    input: invoke.value,
    output: outcome === 'ok' ? completion?.value : undefined,
    outcome,
    start: invoke.index,
    end: outcome === 'info' || completion === undefined ? Infinity : completion.index,
    operation,
  };
}

export function outcomeOf(completion: HistoryEntry | undefined): Call['outcome'] {
  return completion?.type === 'ok' || completion?.type === 'fail' ? completion.type : 'info';
}

/** The same call when its caller was never told anything. */
export function relaxed(call: Call): Call {
  return { ...call, outcome: 'info', output: undefined, end: Infinity };
}
