/**
 * What an object means when nothing is concurrent. A model is a small object with an initial state and a
 * step function; everything else is optional, makes checking faster or the explanation clearer, and is a
 * claim that `lintModel` can put to the test.
 */
import type { FastPath } from '../fast/fast-path.ts';
import type { History, Op } from '../history/columns.ts';
import { canonicalText } from '../history/values.ts';
import type { HistoryEntry, Operation } from '../history.ts';

export type Primitive = string | number | boolean | null;

export interface Model<State = unknown> {
  readonly name: string;
  readonly init: State;
  /** The state after the operation, or undefined where it could not have had this result here. */
  step(state: State, op: Op): State | undefined;
  /**
   * True where the operation changes no state whatever, in *every* state in which it is legal. One that
   * merely changes nothing now (write 0 on 0) is not pure: linearizing it early would be unsound.
   */
  pure?(op: Op): boolean;
  /**
   * True where `earlier` is legal in every state, and `later` right after it does exactly what `later`
   * alone would have done, in every state: a write overwrites a write.
   */
  overwrites?(later: Op, earlier: Op): boolean;
  /** Independent part of the object that the operation belongs to; beside the history's own keys. */
  partition?(op: Op): string | undefined;
  /** Whether a failed operation tells something about the state; else `fail` is dropped. */
  observesFailure?(op: Op): boolean;
  /** True where no sequence of operations leads from the state to one in which `op` is legal. */
  impossible?(state: State, op: Op): boolean;
  /** States are equal when this is. By default primitives are, and others are compared as JSON. */
  identify?(state: State): Primitive;
  /** The state that is identified so, for checkpoints; states that are plain JSON need none. */
  revive?(identity: Primitive): State;
  /** An equivalent history in which values that no operation can tell apart are one; same rows. */
  simplify?(history: History): History;
  /** Polynomial checkers to try before the search. */
  readonly fastPaths?: readonly FastPath[];
  describe(op: Op): string;
  /** Why the operation is not legal in this state, as a clause: `the register holds "b", not "a"`. */
  reason?(state: State, op: Op): string;
}

/** An operation of a recorded run, as the search sees it. */
export interface Call extends Op {
  /** Position of the invocation in the history. */
  readonly start: number;
  /** Position of the completion; Infinity after `info`. */
  readonly end: number;
  readonly operation: Operation;
  /** A guess at its place in the order, such as a zxid. It steers the search and decides nothing. */
  readonly hint?: bigint;
}

/** A model whose optional parts are checked by the compiler; gives back what it is given. */
export function defineModel<State>(model: Model<State>): Model<State> {
  return model;
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

function outcomeOf(completion: HistoryEntry | undefined): Op['outcome'] {
  return completion?.type === 'ok' || completion?.type === 'fail' ? completion.type : 'info';
}

export function identify(model: Model, state: unknown): Primitive {
  if (model.identify !== undefined) return model.identify(state);
  return typeof state === 'object' && state !== null ? canonicalText(state) : (state as Primitive);
}

export function reasonFor(model: Model, state: unknown, op: Op): string {
  if (model.reason !== undefined) return model.reason(state, op);
  return `${model.describe(op)} is not legal in state ${String(identify(model, state))}`;
}
