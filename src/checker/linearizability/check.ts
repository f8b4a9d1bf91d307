/**
 * Judges a history against a model, key by key: a history is linearizable exactly when the part of each
 * key is (P-compositionality). Keys take turns under growing budgets, so that one hard key cannot hide a
 * cheap violation of another.
 */
import type { Operation } from '../history.ts';
import { type Explanation, explain } from './explain.ts';
import { type Call, callOf, type Model, type ModelState } from './model.ts';
import { type SearchResult, search, type UnknownCause } from './search.ts';
import { validateLinearization } from './validate-linearization.ts';

export interface LinearizabilityBudget {
  /** Steps of all searches together. */
  readonly maxSteps: number;
  /** Bytes of one search's memo. */
  readonly maxBytes: number;
  /** The caller's clock: true when time is up. */
  readonly isPastDeadline?: () => boolean;
}

export const DEFAULT_BUDGET: LinearizabilityBudget = {
  maxSteps: 50_000_000,
  maxBytes: 512 * 1024 * 1024,
};

export interface LinearizabilityOptions {
  readonly budget?: Partial<LinearizabilityBudget>;
  /** The part of the history that an operation belongs to; its key by default. */
  readonly partition?: (operation: Operation) => string;
  readonly callOf?: (operation: Operation) => Call;
  readonly hasReductions?: boolean;
  /** False leaves the core of a violation out. */
  readonly isExplained?: boolean;
}

interface PartitionCommon {
  readonly key: string;
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
        /** A longest order that is legal, up to there. */
        readonly longest: readonly Call[];
        /** Why the call fits none of the states that the others can lead to. */
        readonly reasons: readonly string[];
        readonly explanation: Explanation | undefined;
      }
    | {
        readonly verdict: 'unknown';
        readonly cause: UnknownCause;
        readonly progress: { readonly passed: number; readonly total: number };
      }
  );

export interface LinearizabilityResult {
  readonly verdict: 'linearizable' | 'non-linearizable' | 'unknown';
  readonly partitions: readonly PartitionResult[];
  readonly operations: number;
  readonly steps: number;
}

const FIRST_STEPS = 2000;
const STEPS_FACTOR = 8;
/** Explaining a violation may cost so much, and is not worth more. */
const EXPLANATION_STEPS = 5_000_000;

interface Partition {
  readonly key: string;
  readonly calls: readonly Call[];
  readonly searched: readonly Call[];
  result: PartitionResult | undefined;
}

export function checkLinearizable<State extends ModelState>(
  operations: readonly Operation[],
  model: Model<State>,
  options: LinearizabilityOptions = {},
): LinearizabilityResult {
  const budget = { ...DEFAULT_BUDGET, ...options.budget };
  const erased = model as unknown as Model;
  const partitions = partition(operations, erased, options);
  let steps = 0;
  for (let share = FIRST_STEPS; ; share *= STEPS_FACTOR) {
    const open = partitions.filter((part) => part.result === undefined || isRetried(part.result));
    if (open.length === 0 || steps >= budget.maxSteps) break;
    for (const part of open) {
      const maxSteps = Math.min(share, budget.maxSteps - steps);
      if (maxSteps <= 0) break;
      part.result = checkPartition(part, erased, { ...budget, maxSteps }, options);
      steps += part.result.steps;
    }
  }
  const results = partitions.map((part) => part.result ?? notBegun(part));
  const has = (verdict: PartitionResult['verdict']): boolean =>
    results.some((result) => result.verdict === verdict);
  return {
    verdict: has('non-linearizable')
      ? 'non-linearizable'
      : has('unknown')
        ? 'unknown'
        : 'linearizable',
    partitions: results,
    operations: partitions.reduce((sum, part) => sum + part.calls.length, 0),
    steps,
  };
}

function partition(
  operations: readonly Operation[],
  model: Model,
  options: LinearizabilityOptions,
): Partition[] {
  const toCall = options.callOf ?? callOf;
  const keyOf = options.partition ?? ((operation: Operation) => operation.key ?? '');
  const byKey = new Map<string, Call[]>();
  for (const operation of operations) {
    const call = toCall(operation);
    const calls = byKey.get(keyOf(operation)) ?? [];
    byKey.set(keyOf(operation), calls);
    if (call.outcome !== 'fail' || model.observesFailure(call)) calls.push(call);
  }
  return [...byKey].map(([key, calls]) => {
    const searched = model.simplify?.(calls) ?? calls;
    return { key, calls, searched, result: undefined };
  });
}

const isRetried = (result: PartitionResult): boolean =>
  result.verdict === 'unknown' && result.cause === 'steps';

function checkPartition(
  part: Partition,
  model: Model,
  budget: LinearizabilityBudget,
  options: LinearizabilityOptions,
): PartitionResult {
  const limits = { ...budget, hasReductions: options.hasReductions };
  const found = search(model, part.searched, limits);
  const common = { ...countsOf(part), steps: found.steps, configurations: found.configurations };
  // Simplified calls stand for the originals; everything that is shown or proven uses these.
  const originals = new Map(part.searched.map((call, at) => [call, part.calls[at] as Call]));
  const original = (call: Call): Call => originals.get(call) ?? call;
  switch (found.verdict) {
    case 'linearizable': {
      const order = found.order.map(original);
      const problem = validateLinearization(model, part.calls, order);
      if (problem !== undefined) throw new Error(`the search's own order is wrong: ${problem}`);
      return { ...common, verdict: 'linearizable', order };
    }
    case 'non-linearizable':
      return {
        ...common,
        verdict: 'non-linearizable',
        blocked: original(found.blocked),
        longest: found.order.map(original),
        reasons: reasonsOf(model, found),
        explanation: explained(part, model, found, budget, options, original),
      };
    default:
      return { ...common, verdict: 'unknown', cause: found.cause, progress: found.progress };
  }
}

type Failure = Extract<SearchResult, { readonly verdict: 'non-linearizable' }>;

function reasonsOf(model: Model, { states, blocked }: Failure): readonly string[] {
  const impossible = states.filter((state) => model.step(state, blocked) === undefined);
  return impossible.map((state) => model.reason(state, blocked));
}

function explained(
  part: Partition,
  model: Model,
  found: Failure,
  budget: LinearizabilityBudget,
  options: LinearizabilityOptions,
  original: (call: Call) => Call,
): Explanation | undefined {
  if (options.isExplained === false) return undefined;
  const limits = { ...budget, maxSteps: EXPLANATION_STEPS };
  const explanation = explain(model, part.searched, found, limits);
  return {
    ...explanation,
    blocked: original(explanation.blocked),
    prefix: explanation.prefix.map(original),
    core: explanation.core.map(original),
  };
}

function notBegun(part: Partition): PartitionResult {
  const total = part.calls.filter((call) => call.end !== Infinity).length;
  return {
    ...countsOf(part),
    steps: 0,
    configurations: 0,
    verdict: 'unknown',
    cause: 'steps',
    progress: { passed: 0, total },
  };
}

function countsOf({
  key,
  calls,
}: Partition): Pick<PartitionCommon, 'key' | 'operations' | 'crashed'> {
  const crashed = calls.filter((call) => call.end === Infinity).length;
  return { key, operations: calls.length, crashed };
}
