/** The exact engines under one name each. */
import type { History } from '../history/columns.ts';
import { type Budget, Meter } from './budget.ts';
import { DEFAULT_REDUCTIONS, type Reductions, searchJit } from './jit.ts';
import type { Model } from './model.ts';
import { type EngineResult, problemOf } from './problem.ts';
import { StateSpace } from './state-space.ts';
import { searchWgl } from './wgl.ts';

/** `plain`: Wing, Gong and Lowe's search without any reduction. */
export type ExactEngine = 'jit' | 'wgl' | 'plain';

export interface Run {
  readonly result: EngineResult;
  readonly steps: number;
}

/** Runs engines on histories that share their dictionaries; what is learned of the model is kept. */
export class Engines {
  readonly model: Model;
  readonly #space: StateSpace;
  readonly #reductions: Reductions;

  constructor(model: Model, reductions: Partial<Reductions> = {}) {
    this.model = model;
    this.#space = new StateSpace(model);
    this.#reductions = { ...DEFAULT_REDUCTIONS, ...reductions };
  }

  run(
    engine: ExactEngine,
    history: History,
    budget: Budget,
    reductions: Partial<Reductions> = {},
  ): Run {
    const meter = new Meter(budget);
    this.#space.chargeTo(meter);
    const given = engine === 'plain' ? history : (this.model.simplify?.(history) ?? history);
    const problem = problemOf(this.#space, given, engine !== 'plain');
    const result =
      engine === 'jit'
        ? searchJit(problem, meter, { ...this.#reductions, ...reductions })
        : searchWgl(problem, meter, engine === 'wgl');
    return { result, steps: meter.steps };
  }
}
