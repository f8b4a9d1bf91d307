/**
 * Why a history is not linearizable, for a person: the shortest beginning that already fails, and of
 * that an irreducible core. Operations are never deleted from a failing history, because a missing write
 * fakes violations; they are relaxed. A completed write becomes "maybe", a pure operation is dropped. Both
 * only add behaviours, so the set of relaxations that still fail is monotone, and one scan over the
 * operations (in halves, to relax many at once) leaves a core of which nothing more can be relaxed. The
 * core is then refuted once more by the other exact engine.
 */
import { type History, NEVER, relax } from '../history/columns.ts';
import type { Budget } from './budget.ts';
import type { Engines, ExactEngine } from './engines.ts';
import { type WayOut, waysOut } from './ways-out.ts';

/**
 * A relaxed history may be far harder than the one that failed. What can't be decided in so many steps
 * is left as it is.
 */
const ATTEMPT_STEPS = 3_000;
/** Without reductions a search can take for ever; a confirmation is not worth that. */
const CONFIRMATION_STEPS = 300_000;

/** Operations are rows of the history that was explained. */
export interface CoreExplanation {
  /** First operation that no order of the operations before its completion allows. */
  readonly blocked: number;
  /** Completed operations of the shortest failing beginning. */
  readonly prefix: readonly number[];
  /** The operations that contradict each other, whatever the others did. */
  readonly core: readonly number[];
  /** Legal beginnings of the core, and why none of them can go on. */
  readonly waysOut: readonly WayOut[];
  /** True where nothing of the core can be spared; false where the budget ended first. */
  readonly isIrreducible: boolean;
  /** The other engine that found the same, if one did within its budget. */
  readonly confirmedBy: ExactEngine | undefined;
  readonly steps: number;
}

/** `history` must fail, and `blocked` be an operation whose return no configuration gets past. */
export function explain(
  engines: Engines,
  history: History,
  blocked: number,
  budget: Budget,
): CoreExplanation {
  const oracle = new Oracle(engines, budget);
  const { last, prefix } = shortestPrefix(history, blocked, oracle);
  const core = relaxAll(prefix, oracle);
  const required = completed(core);
  const isIrreducible = oracle.undecided === 0 && !oracle.isSpent;
  return {
    blocked: last,
    // A prefix has the first rows of its history: rows are in the order of invocation.
    prefix: completed(prefix),
    core: required,
    waysOut: waysOut(engines.model, core, required),
    isIrreducible,
    confirmedBy: oracle.confirm(core),
    steps: oracle.steps,
  };
}

class Oracle {
  steps = 0;
  /** Attempts that ended without a verdict. */
  undecided = 0;
  readonly #engines: Engines;
  readonly #budget: Budget;

  constructor(engines: Engines, budget: Budget) {
    this.#engines = engines;
    this.#budget = budget;
  }

  fails(history: History, maxSteps: number = this.#budget.maxSteps): boolean {
    const left = Math.min(maxSteps, this.#budget.maxSteps - this.steps);
    const verdict = this.#run('jit', history, left);
    if (verdict === 'unknown') this.undecided++;
    return verdict === 'non-linearizable';
  }

  get isSpent(): boolean {
    return this.steps >= this.#budget.maxSteps;
  }

  confirm(history: History): ExactEngine | undefined {
    return (['wgl', 'plain'] as const).find(
      (engine) => this.#run(engine, history, CONFIRMATION_STEPS) === 'non-linearizable',
    );
  }

  #run(engine: ExactEngine, history: History, maxSteps: number) {
    if (maxSteps <= 0) return 'unknown';
    const { result, steps } = this.#engines.run(engine, history, { ...this.#budget, maxSteps });
    // Every search costs at least its set-up.
    this.steps += steps + history.count;
    return result.verdict;
  }
}

function completed({ count, end }: History): number[] {
  const rows: number[] = [];
  for (let row = 0; row < count; row++) if (end[row] !== NEVER) rows.push(row);
  return rows;
}

/**
 * The first completion with which the history fails. A longer beginning of a failing one fails too, so the
 * place is found by halving; the search's own place, where nothing got past, is tried first. Operations that
 * are pending there have said nothing yet, so it can be too early, and with their answers it can be too late.
 */
function shortestPrefix(
  history: History,
  blocked: number,
  oracle: Oracle,
): { readonly last: number; readonly prefix: History } {
  const { end } = history;
  const endOf = (row: number): number => end[row] as number;
  const candidates = completed(history).sort((a, b) => endOf(a) - endOf(b));
  const failsAt = (index: number): boolean =>
    oracle.fails(prefixUntil(history, endOf(candidates[index] as number)));
  let high = candidates.length - 1;
  let low = 0;
  const guess = candidates.indexOf(blocked);
  if (guess > 0 && guess < high && failsAt(guess)) high = guess;
  if (high > 0 && !failsAt(high - 1)) low = high;
  while (low < high && !oracle.isSpent) {
    const middle = (low + high) >> 1;
    if (failsAt(middle)) high = middle;
    else low = middle + 1;
  }
  const last = candidates[high];
  if (last === undefined) return { last: blocked, prefix: history };
  return { last, prefix: prefixUntil(history, endOf(last)) };
}

/** The history as it stood when `rank` had just happened. */
function prefixUntil(history: History, rank: number): History {
  let invoked = 0;
  while (invoked < history.count && (history.start[invoked] as number) <= rank) invoked++;
  const prefix = history.select(Int32Array.from({ length: invoked }, (_, row) => row));
  return relax(prefix, (row) => (prefix.end[row] as number) > rank);
}

function relaxAll(history: History, oracle: Oracle): History {
  const required = completed(history);
  let current = history;
  const relaxRange = (from: number, to: number): void => {
    if (from >= to || oracle.isSpent) return;
    const range = new Set(required.slice(from, to));
    const attempt = relax(current, (row) => range.has(row));
    const undecided = oracle.undecided;
    if (oracle.fails(attempt, ATTEMPT_STEPS)) {
      current = attempt;
    } else if (to - from > 1) {
      // Only what stays open for a single operation leaves the core open.
      oracle.undecided = undecided;
      const middle = (from + to) >> 1;
      relaxRange(from, middle);
      relaxRange(middle, to);
    }
  };
  relaxRange(0, required.length);
  return current;
}
