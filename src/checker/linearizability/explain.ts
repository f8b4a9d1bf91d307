/**
 * Why a history is not linearizable, for a person: the shortest beginning that already fails, and of
 * that an irreducible core. Calls are never deleted from a failing history, because a missing write
 * fakes violations; they are relaxed. A completed write becomes "maybe", a pure call is dropped. Both
 * only add behaviours, so the set of relaxations that still fail is monotone, and one scan over the calls
 * (in halves, to relax many at once) leaves a core of which nothing more can be relaxed.
 */
import { type Call, type Model, relaxed } from './model.ts';
import { type SearchLimits, type SearchResult, search } from './search.ts';

/** Without reductions a search can take for ever; a confirmation is not worth that. */
const CONFIRMATION_STEPS = 300_000;

export interface Explanation {
  /** First call that no order of the calls before its completion allows. */
  readonly blocked: Call;
  /** Completed calls of the shortest failing beginning. */
  readonly prefix: readonly Call[];
  /** The calls that contradict each other, whatever the others did. */
  readonly core: readonly Call[];
  /** True where nothing of the core can be spared; false where the budget ended first. */
  readonly isIrreducible: boolean;
  /** True where the beginning, or else the core, fails again in a search without reductions. */
  readonly isConfirmed: boolean;
  readonly steps: number;
}

type Failure = Extract<SearchResult, { readonly verdict: 'non-linearizable' }>;

/** `calls` must fail; `failure` is what the search said of them. */
export function explain(
  model: Model,
  calls: readonly Call[],
  failure: Failure,
  limits: SearchLimits,
): Explanation {
  const budget = new Budget(model, limits);
  const { blocked, prefix } = shortestPrefix(model, calls, failure, budget);
  const core = relaxAll(model, prefix, budget);
  const required = core.filter((call) => call.end !== Infinity);
  const isIrreducible = !budget.ranOut;
  const isConfirmed = [prefix, core].some(
    (part) => budget.search(part, false) === 'non-linearizable',
  );
  return {
    blocked,
    prefix: prefix.filter((call) => call.end !== Infinity),
    core: required,
    isIrreducible,
    isConfirmed,
    steps: budget.steps,
  };
}

class Budget {
  steps = 0;
  ranOut = false;
  readonly #model: Model;
  readonly #limits: SearchLimits;

  constructor(model: Model, limits: SearchLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  search(calls: readonly Call[], hasReductions = true): SearchResult['verdict'] {
    const left = this.#limits.maxSteps - this.steps;
    const maxSteps = hasReductions ? left : Math.min(left, CONFIRMATION_STEPS);
    if (maxSteps <= 0) {
      this.ranOut = true;
      return 'unknown';
    }
    const result = search(this.#model, calls, { ...this.#limits, maxSteps, hasReductions });
    // Every search costs at least its set-up.
    this.steps += result.steps + calls.length;
    if (result.verdict === 'unknown' && hasReductions) this.ranOut = true;
    return result.verdict;
  }
}

/**
 * The search knows the completion that nothing gets past. Up to it, calls that are still pending have
 * said nothing yet; should their later answers matter, the beginning grows until it fails by itself.
 */
function shortestPrefix(
  model: Model,
  calls: readonly Call[],
  failure: Failure,
  budget: Budget,
): { readonly blocked: Call; readonly prefix: readonly Call[] } {
  const ends = calls.filter((call) => call.end !== Infinity && call.end >= failure.blocked.end);
  ends.sort((a, b) => a.end - b.end);
  for (const blocked of ends) {
    const prefix = prefixUntil(model, calls, blocked.end);
    const verdict = budget.search(prefix);
    if (verdict === 'non-linearizable') return { blocked, prefix };
    if (verdict === 'unknown') break;
  }
  return { blocked: failure.blocked, prefix: calls };
}

/** The history as it stood when `end` had just happened. */
function prefixUntil(model: Model, calls: readonly Call[], end: number): readonly Call[] {
  const prefix: Call[] = [];
  for (const call of calls) {
    if (call.start > end) continue;
    if (call.end <= end) prefix.push(call);
    else if (!model.isPure(call)) prefix.push(relaxed(call));
  }
  return prefix;
}

function relaxAll(model: Model, calls: readonly Call[], budget: Budget): readonly Call[] {
  let current = [...calls];
  const required = calls.filter((call) => call.end !== Infinity);
  const relaxRange = (from: number, to: number): void => {
    if (from >= to || budget.ranOut) return;
    const range = new Set(required.slice(from, to));
    const attempt = current.flatMap((call) => {
      if (!range.has(call)) return [call];
      return model.isPure(call) ? [] : [relaxed(call)];
    });
    if (budget.search(attempt) === 'non-linearizable') {
      current = attempt;
    } else if (to - from > 1) {
      const middle = (from + to) >> 1;
      relaxRange(from, middle);
      relaxRange(middle, to);
    }
  };
  relaxRange(0, required.length);
  return current;
}
