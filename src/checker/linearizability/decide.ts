/**
 * Judges a history against a model. Parts are judged one by one; each is given to the model's fast paths
 * and, where none applies, to the search. Parts take turns under growing budgets, so that one hard part
 * cannot hide a cheap violation of another.
 *
 * No verdict has to be believed: a valid one carries an order that the validator has replayed, an invalid
 * one a core that a second engine has refuted again.
 */
import { assert } from '../../base/assert.ts';
import type { FastResult, Witness } from '../fast/fast-path.ts';
import { type History, NEVER } from '../history/columns.ts';
import { type Part, partition } from '../history/partition.ts';
import { type Budget, DEFAULT_BUDGET, type UnknownCause } from './budget.ts';
import { Engines, type ExactEngine } from './engines.ts';
import { type CoreExplanation, explain } from './explain.ts';
import type { Reductions } from './jit.ts';
import { type Model, reasonFor } from './model.ts';
import type { EngineResult } from './problem.ts';
import { validateLinearization } from './validate-linearization.ts';

export interface CheckOptions {
  readonly budget?: Partial<Budget>;
  /** `auto`: fast paths first, then `jit`. `fast`: fast paths alone. */
  readonly engine?: 'auto' | 'fast' | ExactEngine;
  /** Reductions of the `jit` engine that are switched off or on. */
  readonly reductions?: Partial<Reductions>;
  /**
   * What becomes of the other parts once one has failed. `first`: they are skipped. `fair` (the default):
   * each is given as much work as that one took. `all`: every part is decided.
   */
  readonly effort?: 'first' | 'fair' | 'all';
  /** False leaves the core of a violation out. */
  readonly isExplained?: boolean;
}

interface PartCommon {
  /** The history's key and the model's part, where there are such. */
  readonly key: string;
  /** What decided: `jit`, `wgl`, `plain`, or the name of a fast path. */
  readonly engine: string;
  readonly operations: number;
  readonly crashed: number;
  readonly steps: number;
  readonly configurations: number;
}

/** Why a part is not linearizable; operations are rows of the whole history. */
export interface Violation {
  readonly blocked: number;
  /** What a fast path saw, or why the blocked operation is legal in none of the states. */
  readonly reasons: readonly string[];
  readonly explanation: CoreExplanation | undefined;
  /** What the explanation rests on where a fast path left other values of the object out. */
  readonly witness?: Witness;
}

export type PartVerdict = PartCommon &
  (
    | { readonly verdict: 'linearizable'; readonly order: Int32Array }
    | { readonly verdict: 'non-linearizable'; readonly violation: Violation }
    | {
        readonly verdict: 'unknown';
        /** `skipped`: another part had failed; `not-applicable`: no fast path fits. */
        readonly cause: UnknownCause | 'skipped' | 'not-applicable';
        readonly message?: string;
        readonly progress: { readonly passed: number; readonly total: number };
      }
  );

export interface HistoryVerdict {
  readonly verdict: 'linearizable' | 'non-linearizable' | 'unknown';
  readonly model: string;
  readonly operations: number;
  readonly steps: number;
  readonly parts: readonly PartVerdict[];
}

const FIRST_STEPS = 2000;
const STEPS_FACTOR = 8;
/** Explaining a violation may cost so much, and is not worth more. */
const EXPLANATION_STEPS = 5_000_000;

export function check<State>(
  history: History,
  model: Model<State>,
  options: CheckOptions = {},
): HistoryVerdict {
  const erased = model as Model;
  const budget = { ...DEFAULT_BUDGET, ...options.budget };
  const parts = partition(history, erased.partition?.bind(erased));
  const checks = parts.map((part) => new PartCheck(history, part, erased, options));
  const { effort = 'fair' } = options;
  const hasFailed = (): boolean => checks.some((part) => part.hasFailed);
  const isOver = (): boolean => effort === 'first' && hasFailed();
  for (const part of checks) if (!isOver()) part.tryFastPaths(budget);
  let steps = 0;
  for (let share = FIRST_STEPS; ; share *= STEPS_FACTOR) {
    const open = checks.filter(({ isOpen }) => isOpen);
    if (open.length === 0 || steps >= budget.maxSteps) break;
    if (isOver() || (effort === 'fair' && share > FIRST_STEPS && hasFailed())) break;
    for (const part of open) {
      const maxSteps = Math.min(share, budget.maxSteps - steps);
      if (maxSteps <= 0 || isOver()) break;
      steps += part.run({ ...budget, maxSteps });
    }
  }
  const results = checks.map(({ result }) => result);
  const has = (verdict: PartVerdict['verdict']): boolean =>
    results.some((result) => result.verdict === verdict);
  return {
    verdict: has('non-linearizable')
      ? 'non-linearizable'
      : has('unknown')
        ? 'unknown'
        : 'linearizable',
    model: model.name,
    operations: history.count,
    steps,
    parts: results,
  };
}

/** One part, with what was found so far. */
class PartCheck {
  readonly #whole: History;
  readonly #part: Part;
  readonly #model: Model;
  readonly #options: CheckOptions;
  readonly #engine: ExactEngine;
  #ownEngines: Engines | undefined;
  #crashed: number | undefined;
  #result: PartVerdict | undefined;

  constructor(whole: History, part: Part, model: Model, options: CheckOptions) {
    this.#whole = whole;
    this.#part = part;
    this.#model = model;
    this.#options = options;
    const { engine = 'auto' } = options;
    this.#engine = engine === 'auto' || engine === 'fast' ? 'jit' : engine;
  }

  /** Made when they are first needed: most parts are decided without. */
  get #engines(): Engines {
    this.#ownEngines ??= new Engines(this.#model, this.#options.reductions);
    return this.#ownEngines;
  }

  get isOpen(): boolean {
    const result = this.#result;
    return result === undefined || (result.verdict === 'unknown' && result.cause === 'steps');
  }

  get hasFailed(): boolean {
    return this.#result?.verdict === 'non-linearizable';
  }

  get result(): PartVerdict {
    const progress = { passed: 0, total: this.#part.rows.length };
    return (
      this.#result ?? {
        ...this.#common(this.#engine, 0, 0),
        verdict: 'unknown',
        cause: 'skipped',
        progress,
      }
    );
  }

  /** Without any of the model's fast paths applying, the part stays open, or unknown where only they may. */
  tryFastPaths(budget: Budget): void {
    const { engine = 'auto' } = this.#options;
    if (engine !== 'auto' && engine !== 'fast') return;
    let message = 'the model has no fast path';
    for (const path of this.#model.fastPaths ?? []) {
      const found: FastResult = path.check(this.#part.history);
      if (found.verdict === 'not-applicable') {
        message = `${path.name}: ${found.why}`;
        continue;
      }
      const common = this.#common(path.name, 0, 0);
      this.#result =
        found.verdict === 'linearizable'
          ? { ...common, verdict: 'linearizable', order: this.#proven(found.order) }
          : {
              ...common,
              verdict: 'non-linearizable',
              violation: this.#witnessed(found.witness, budget),
            };
      return;
    }
    if (engine === 'auto') return;
    const progress = { passed: 0, total: this.#part.history.count };
    const common = this.#common('fast', 0, 0);
    this.#result = { ...common, verdict: 'unknown', cause: 'not-applicable', message, progress };
  }

  /** Returns the steps it took. */
  run(budget: Budget): number {
    const { history } = this.#part;
    const first = this.#engines.run(this.#engine, history, budget);
    this.#result = this.#found(first.result, first.steps, budget);
    // What overwrites makes easy may be hopeless without, and the other way round: both get their turn.
    const hasSecond = this.#options.engine === undefined || this.#options.engine === 'auto';
    if (!hasSecond || this.#model.overwrites === undefined || !this.isOpen) return first.steps;
    const second = this.#engines.run('jit', history, budget, { hiding: true });
    this.#result = this.#found(second.result, second.steps, budget);
    return first.steps + second.steps;
  }

  #found(result: EngineResult, steps: number, budget: Budget): PartVerdict {
    const common = this.#common(this.#engine, steps, result.configurations);
    switch (result.verdict) {
      case 'linearizable':
        return { ...common, verdict: 'linearizable', order: this.#proven(result.order) };
      case 'non-linearizable': {
        const { blocked, states } = result;
        const op = this.#part.history.op(blocked);
        const reasons = states
          .filter((state) => this.#model.step(state, op) === undefined)
          .map((state) => reasonFor(this.#model, state, op));
        const { rows, history } = this.#part;
        const explanation = this.#explained(history, rows, blocked, budget);
        const violation = { blocked: rows[blocked] as number, reasons, explanation };
        return { ...common, verdict: 'non-linearizable', violation };
      }
      default: {
        const { cause, progress, message } = result;
        const rest = message === undefined ? {} : { message };
        return { ...common, verdict: 'unknown', cause, progress, ...rest };
      }
    }
  }

  /** A fast path's violation rests on its witness alone, and an exact engine looks at that. */
  #witnessed({ history, rows, why }: Witness, budget: Budget): Violation {
    const whole = rows.map((row) => this.#part.rows[row] as number);
    const maxSteps = EXPLANATION_STEPS;
    const { result } = this.#engines.run('jit', history, { ...budget, maxSteps });
    assert(result.verdict !== 'linearizable', 'a fast path refuted what the search can order', {
      model: this.#model.name,
      why,
    });
    const blocked = result.verdict === 'non-linearizable' ? result.blocked : lastToEnd(history);
    return {
      blocked: whole[blocked] as number,
      reasons: [why],
      explanation: this.#explained(history, whole, blocked, budget),
      witness: { history, rows: whole, why },
    };
  }

  #explained(
    history: History,
    rows: Int32Array,
    blocked: number,
    budget: Budget,
  ): CoreExplanation | undefined {
    if (this.#options.isExplained === false) return undefined;
    const limits = { ...budget, maxSteps: EXPLANATION_STEPS };
    const explanation = explain(this.#engines, history, blocked, limits);
    const whole = (row: number): number => rows[row] as number;
    return {
      ...explanation,
      blocked: whole(explanation.blocked),
      prefix: explanation.prefix.map(whole),
      core: explanation.core.map(whole),
      waysOut: explanation.waysOut.map((way) => {
        return { ...way, order: way.order.map(whole), next: whole(way.next) };
      }),
    };
  }

  /** The order in rows of the whole, once it has been replayed. */
  #proven(order: Int32Array): Int32Array {
    const { history, rows } = this.#part;
    const problem = validateLinearization(this.#model, history, order);
    assert(problem === undefined, 'the order that was found is wrong', { problem });
    return order.map((row) => rows[row] as number);
  }

  #common(engine: string, steps: number, configurations: number): PartCommon {
    const { key, rows } = this.#part;
    this.#crashed ??= crashedOf(this.#whole, rows);
    const crashed = this.#crashed;
    return { key, engine, operations: rows.length, crashed, steps, configurations };
  }
}

function crashedOf({ end }: History, rows: Int32Array): number {
  let crashed = 0;
  for (let at = 0; at < rows.length; at++) if (end[rows[at] as number] === NEVER) crashed++;
  return crashed;
}

function lastToEnd({ count, end }: History): number {
  let last = 0;
  for (let row = 0; row < count; row++) {
    const isLater = end[row] !== NEVER && (end[row] as number) > (end[last] as number);
    if (isLater || end[last] === NEVER) last = row;
  }
  return last;
}
