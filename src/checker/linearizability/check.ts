/**
 * Judges paired operations of a recorded run: builds the columns that the checkers work on, and puts
 * the operations back into what they found.
 */

import {
  type History,
  NEVER,
  newDictionaries,
  Outcome,
  History as Rows,
} from '../history/columns.ts';
import type { Operation } from '../history.ts';
import type { Budget, UnknownCause } from './budget.ts';
import { type CheckOptions, check, type PartVerdict } from './decide.ts';
import type { ExactEngine } from './engines.ts';
import { type Call, callOf, type Model } from './model.ts';
import type { WayOut } from './ways-out.ts';

export type LinearizabilityBudget = Budget;

export interface LinearizabilityOptions extends CheckOptions {
  /** The part of the history that an operation belongs to; its key by default. */
  readonly partition?: (operation: Operation) => string;
  readonly callOf?: (operation: Operation) => Call;
}

export interface Explanation {
  /** First call that no order of the calls before its completion allows. */
  readonly blocked: Call;
  /** Completed calls of the shortest failing beginning. */
  readonly prefix: readonly Call[];
  /** The calls that contradict each other, whatever the others did. */
  readonly core: readonly Call[];
  readonly waysOut: readonly (Omit<WayOut, 'order' | 'next'> & {
    readonly order: readonly Call[];
    readonly next: Call;
  })[];
  /** True where nothing of the core can be spared; false where the budget ended first. */
  readonly isIrreducible: boolean;
  /** True where the core fails again in another engine. */
  readonly isConfirmed: boolean;
  readonly confirmedBy: ExactEngine | undefined;
  readonly steps: number;
}

interface PartitionCommon {
  readonly key: string;
  readonly engine: string;
  readonly operations: number;
  readonly crashed: number;
  readonly steps: number;
  readonly configurations: number;
}

export type PartitionResult = PartitionCommon &
  (
    | { readonly verdict: 'linearizable'; readonly order: readonly Call[] }
    | {
        readonly verdict: 'non-linearizable';
        /** First call that cannot be linearized. */
        readonly blocked: Call;
        /** Why the call fits none of the states that the others can lead to. */
        readonly reasons: readonly string[];
        readonly explanation: Explanation | undefined;
      }
    | {
        readonly verdict: 'unknown';
        readonly cause: UnknownCause | 'skipped' | 'not-applicable';
        readonly progress: { readonly passed: number; readonly total: number };
      }
  );

export interface LinearizabilityResult {
  readonly verdict: 'linearizable' | 'non-linearizable' | 'unknown';
  readonly partitions: readonly PartitionResult[];
  readonly operations: number;
  readonly steps: number;
}

export function checkLinearizable<State>(
  operations: readonly Operation[],
  model: Model<State>,
  options: LinearizabilityOptions = {},
): LinearizabilityResult {
  const toCall = options.callOf ?? callOf;
  const keyOf = options.partition ?? ((operation: Operation) => operation.key ?? '');
  const calls = operations.map(toCall).sort((a, b) => a.start - b.start);
  const keys = calls.map(({ operation }) => keyOf(operation));
  const history = columnsOf(calls, keys);
  const { verdict, parts, steps } = check(history, model, options);
  const partitions = parts.map((part) => withCalls(part, calls));
  return { verdict, partitions, operations: operations.length, steps };
}

/** Calls in the order of their starts. */
function columnsOf(calls: readonly Call[], keys: readonly string[]): History {
  const dictionaries = newDictionaries();
  const { names, values } = dictionaries;
  const column = (of: (call: Call, row: number) => number): Int32Array =>
    Int32Array.from(calls, of);
  const lastRank = calls.reduce((last, { start, end }) => {
    return Math.max(last, start, end === Infinity ? 0 : end);
  }, 0);
  return new Rows(
    {
      count: calls.length,
      process: column(({ operation }) => operation.process),
      f: column(({ f }) => names.idOf(f)),
      key: column((_, row) => dictionaries.keys.idOf(keys[row] as string)),
      input: column(({ input }) => values.idOf(input)),
      output: column(({ output }) => values.idOf(output)),
      outcome: Uint8Array.from(calls, ({ outcome }) => Outcome[outcome]),
      start: column(({ start }) => start),
      end: column(({ end }) => (end === Infinity ? NEVER : end)),
      ...(calls.some(({ hint }) => hint !== undefined)
        ? { hint: Float64Array.from(calls, ({ hint }) => Number(hint ?? Number.NaN)) }
        : {}),
      eventCount: lastRank + 1,
    },
    dictionaries,
  );
}

function withCalls(part: PartVerdict, calls: readonly Call[]): PartitionResult {
  const at = (row: number): Call => calls[row] as Call;
  switch (part.verdict) {
    case 'linearizable':
      return { ...part, order: Array.from(part.order, at) };
    case 'non-linearizable': {
      const { violation, ...rest } = part;
      const { blocked, reasons, explanation } = violation;
      return { ...rest, blocked: at(blocked), reasons, explanation: explained(explanation, at) };
    }
    default:
      return part;
  }
}

type Violation = Extract<PartVerdict, { readonly verdict: 'non-linearizable' }>['violation'];

function explained(
  explanation: Violation['explanation'],
  at: (row: number) => Call,
): Explanation | undefined {
  if (explanation === undefined) return undefined;
  return {
    ...explanation,
    blocked: at(explanation.blocked),
    prefix: explanation.prefix.map(at),
    core: explanation.core.map(at),
    waysOut: explanation.waysOut.map(({ order, next, reason }) => {
      return { order: order.map(at), next: at(next), reason };
    }),
    isConfirmed: explanation.confirmedBy !== undefined,
  };
}
