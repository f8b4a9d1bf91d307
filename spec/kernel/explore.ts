/**
 * Breadth-first search of all reachable states of a spec: the first counterexample found is a shortest
 * one. The states of one level are kept as values, all others only as numbers; a trace is found again by
 * walking the numbers from the start.
 */
import { assert } from '../../src/base/assert.ts';
import { memoized } from './memo.ts';
import {
  assertSameFields,
  Impossible,
  initialStates,
  type Params,
  type Predicate,
  type Spec,
  type StepPredicate,
} from './model.ts';
import { type Change, type KnownStep, Recall } from './recall.ts';
import { type ActionCoverage, Stepper } from './step.ts';
import { Interner, StateTable } from './store.ts';
import type { Canonical } from './symmetry.ts';
import type { Trace, TraceStep } from './trace.ts';

/** What the kernel may not have of its own: a clock, somebody who looks on, a reason to stop. */
export interface Watch {
  nowMs(): number;
  progress(progress: Progress): void;
  isAborted(): boolean;
}

export interface Progress {
  readonly states: number;
  readonly depth: number;
  readonly queue: number;
  readonly statesPerSecond: number;
}

export const unwatched: Watch = { nowMs: () => 0, progress: () => {}, isAborted: () => false };

export interface Violation<S = object> {
  /** The name of the property, or `deadlock`, or `possible`. */
  readonly property: string;
  readonly detail?: string;
  readonly trace: Trace<S>;
}

/** Looks on while states and transitions are found; a sentence in answer is a violation. */
export interface Listener<S> {
  readonly property: string;
  /** Before the first state: where they are going to be stored. */
  begin?(table: StateTable): void;
  state?(number: number, state: S, isInitial: boolean): string | undefined;
  edge?(from: number, to: number, action: number, params: Params): string | undefined;
}

export interface ExploreOptions<S> {
  readonly watch?: Watch;
  /** Ends the search as incomplete. */
  readonly maxStates?: number;
  readonly canonical?: Canonical<S>;
  /** Tells states apart by their ghosts too. */
  readonly ghosts?: boolean;
  readonly listeners?: readonly Listener<S>[];
  /** Whether what was violated so far is enough; default: anything is. */
  readonly isEnough?: (violated: ReadonlyMap<string, unknown>) => boolean;
}

export interface Exploration<S> {
  readonly distinct: number;
  /** Transitions, with those that lead to known states. */
  readonly generated: number;
  /** The longest shortest path, counted in states. */
  readonly depth: number;
  readonly isComplete: boolean;
  readonly violations: readonly Violation<S>[];
  /** For each `sometimes`: its shortest witness. */
  readonly witnesses: ReadonlyMap<string, Trace<S>>;
  readonly coverage: readonly ActionCoverage[];
  /** Known states reached again with other ghosts, whose continuations were not followed. */
  readonly ghostJoins: number;
}

const TURN = 2048;
const NO_PARENT = 0xffffffff;

export function explore<S extends object>(
  spec: Spec<S>,
  options: ExploreOptions<S> = {},
): Exploration<S> {
  return new Explorer(spec, options).run();
}

type StepFilter = (at: number, action: number, params: Params) => boolean;

interface Failure<S> {
  readonly property: string;
  readonly state: number;
  readonly detail?: string;
  /** The violation lies in a step from `state`: recognizes it. Undefined stands for no next state. */
  readonly breaks?: (before: S, action: number, params: Params, after: S | undefined) => boolean;
}

export class Explorer<S extends object> {
  readonly #spec: Spec<S>;
  readonly #options: ExploreOptions<S>;
  readonly #watch: Watch;
  readonly #stepper: Stepper<S>;
  readonly #table: StateTable;
  readonly #ghosts: GhostBook | undefined;
  readonly #initial: S;
  readonly #recall: Recall<S>;
  readonly #always: readonly (readonly [string, (state: S, number: number) => boolean])[];
  readonly #onStep: readonly (readonly [string, StepPredicate<S>])[];
  readonly #unseen: Map<string, Predicate<S>>;
  readonly #witnesses = new Map<string, number>();
  readonly #failures = new Map<string, Failure<S>>();
  readonly #listeners: readonly Listener<S>[];
  #parents = new Uint32Array(1 << 12);
  #generated = 0;
  #depth = 0;
  #next: S[] = [];
  #startMs = 0;

  constructor(spec: Spec<S>, options: ExploreOptions<S>) {
    this.#spec = spec;
    this.#options = options;
    this.#watch = options.watch ?? unwatched;
    this.#stepper = new Stepper(spec);
    this.#initial = initialStates(spec)[0] as S;
    const all = Object.keys(this.#initial);
    const ghosts = options.ghosts === true ? [] : (spec.ghosts ?? []);
    for (const ghost of ghosts) assert(all.includes(ghost), 'no such ghost field', { ghost });
    this.#table = new StateTable(all.filter((field) => !ghosts.includes(field)));
    this.#ghosts = ghosts.length === 0 ? undefined : new GhostBook(ghosts);
    this.#recall = new Recall(this.#stepper, this.#table);
    this.#always = Object.entries(spec.always ?? {}).map(
      ([property, holds]) => [property, memoized(this.#table, holds)] as const,
    );
    this.#onStep = Object.entries(spec.onStep ?? {});
    this.#unseen = new Map(Object.entries(spec.sometimes ?? {}));
    this.#listeners = options.listeners ?? [];
    for (const listener of this.#listeners) listener.begin?.(this.#table);
  }

  run(): Exploration<S> {
    this.#startMs = this.#watch.nowMs();
    for (const state of initialStates(this.#spec)) this.#arrive(this.#canonical(state), NO_PARENT);
    let isComplete = true;
    let number = 0;
    while (isComplete && this.#next.length > 0) {
      const level = this.#next;
      this.#next = [];
      this.#depth++;
      for (const state of level) {
        if (this.#isDone() || !this.#mayGoOn(number)) {
          isComplete = false;
          break;
        }
        this.#expand(number++, state);
      }
    }
    if (this.#isDone()) isComplete = false;
    return this.#result(isComplete);
  }

  #expand(number: number, before: S): void {
    let isStuck = true;
    const step = (action: number, params: Params, known?: KnownStep): void => {
      this.#generated++;
      try {
        if (this.#step(number, before, action, params, known) !== number) isStuck = false;
      } catch (thrown) {
        if (!(thrown instanceof Impossible)) throw thrown;
        isStuck = false;
        const { message: detail } = thrown;
        const breaks = (_: S, __: number, ___: Params, after: S | undefined) => after === undefined;
        this.#fail({ property: 'possible', state: number, detail, breaks });
      }
    };
    for (let action = 0; action < this.#stepper.names.length; action++) {
      const known = this.#recall.stepsOf(action, before, number);
      if (known === undefined) this.#stepper.forEachOf(action, before, step);
      else for (const one of known) step(action, one.params, one);
    }
    const { terminal } = this.#spec;
    if (isStuck && terminal !== undefined && !terminal(before)) {
      this.#fail({ property: 'deadlock', state: number });
    }
  }

  #step(number: number, before: S, action: number, params: Params, known?: KnownStep): number {
    const after =
      known === undefined
        ? this.#stepper.take(action, before, params)
        : this.#recall.take(before, known);
    const name = this.#stepper.names[action] as string;
    for (const [property, holds] of this.#onStep) {
      if (this.#failures.has(property)) continue;
      if (!holds({ before, action: name, params, after })) this.#failStep(number, property, holds);
    }
    const size = this.#table.size;
    const canonical = this.#canonical(after);
    const change = canonical === after ? known?.change : undefined;
    const to = this.#arrive(canonical, number, before, change);
    if (to === size) (this.#stepper.coverage[action] as ActionCoverage).newStates++;
    for (const listener of this.#listeners) {
      const detail = listener.edge?.(number, to, action, params);
      if (detail === undefined) continue;
      const breaks = (_: S, by: number, __: Params, reached: S | undefined) =>
        by === action && reached !== undefined && this.#numberOf(reached) === to;
      this.#fail({ property: listener.property, state: number, detail, breaks });
    }
    return to;
  }

  #failStep(state: number, property: string, holds: StepPredicate<S>): void {
    this.#fail({
      property,
      state,
      breaks: (before, by, params, after) => {
        const action = this.#stepper.names[by] as string;
        return after !== undefined && !holds({ before, action, params, after });
      },
    });
  }

  /** Gives a state its number; a new one is examined and queued. */
  #arrive(state: S, parent: number, parentState?: S, change?: Change): number {
    const known = this.#table.size;
    const number =
      change === undefined
        ? this.#table.add(state, parentState, parent)
        : this.#table.addChanged(parent, change);
    this.#ghosts?.meet(number, state, parentState, parent);
    if (number < known) return number;
    assertSameFields(state, this.#initial);
    this.#keepParent(number, parent);
    this.#next.push(state);
    this.#examine(number, state, parent === NO_PARENT);
    return number;
  }

  #examine(number: number, state: S, isInitial: boolean): void {
    for (const [property, holds] of this.#always) {
      if (this.#failures.has(property) || holds(state, number)) continue;
      this.#fail({ property, state: number });
    }
    if (this.#unseen.size > 0) {
      for (const [name, holds] of this.#unseen) {
        if (!holds(state)) continue;
        this.#witnesses.set(name, number);
        this.#unseen.delete(name);
      }
    }
    for (const listener of this.#listeners) {
      const detail = listener.state?.(number, state, isInitial);
      if (detail !== undefined) this.#fail({ property: listener.property, state: number, detail });
    }
  }

  #fail(failure: Failure<S>): void {
    if (!this.#failures.has(failure.property)) this.#failures.set(failure.property, failure);
  }

  #isDone(): boolean {
    if (this.#failures.size === 0) return false;
    return this.#options.isEnough?.(this.#failures) ?? true;
  }

  #mayGoOn(number: number): boolean {
    if (this.#table.size > (this.#options.maxStates ?? Number.POSITIVE_INFINITY)) return false;
    if (number % TURN !== 0) return true;
    const states = this.#table.size;
    const elapsedMs = Math.max(1, this.#watch.nowMs() - this.#startMs);
    const statesPerSecond = Math.round((states * 1000) / elapsedMs);
    const progress = { states, depth: this.#depth, queue: states - number, statesPerSecond };
    this.#watch.progress(progress);
    return !this.#watch.isAborted();
  }

  #canonical(state: S): S {
    const normal = this.#spec.normal === undefined ? state : this.#spec.normal(state);
    return this.#options.canonical === undefined ? normal : this.#options.canonical(normal);
  }

  #keepParent(number: number, parent: number): void {
    if (number === this.#parents.length) {
      const grown = new Uint32Array(number * 2);
      grown.set(this.#parents);
      this.#parents = grown;
    }
    this.#parents[number] = parent;
  }

  #result(isComplete: boolean): Exploration<S> {
    const { size: distinct } = this.#table;
    const coverage = structuredCopy(this.#stepper.coverage);
    const violations = [...this.#failures.values()].map((failure) => ({
      property: failure.property,
      ...(failure.detail === undefined ? {} : { detail: failure.detail }),
      trace: this.#traceOf(failure),
    }));
    const witnesses = new Map(
      [...this.#witnesses].map(([name, number]) => [name, this.traceTo(this.pathTo(number))]),
    );
    const ghostJoins = this.#ghosts?.joins ?? 0;
    const depth = this.#depth;
    const generated = this.#generated;
    return { distinct, generated, depth, isComplete, violations, witnesses, coverage, ghostJoins };
  }

  /** The numbers of the states on the shortest path. */
  pathTo(number: number): number[] {
    const path: number[] = [];
    for (let at = number; at !== NO_PARENT; at = this.#parents[at] as number) path.push(at);
    return path.reverse();
  }

  /**
   * A real behaviour along a path of numbers. Each number stands for all states that symmetry or the
   * quotient make equal; from the state at hand some step leads to one that the next number stands for.
   * `isAllowed` may narrow which step it is; `at` counts the steps from 0.
   */
  traceTo(path: readonly number[], isAllowed?: StepFilter): Trace<S> {
    const start = initialStates(this.#spec).find((state) => this.#numberOf(state) === path[0]);
    assert(start !== undefined, 'a path does not begin in an initial state');
    const steps: TraceStep<S>[] = [];
    let state = start;
    for (const [at, number] of path.slice(1).entries()) {
      const found = this.#findStep(
        state,
        (action, params, after) =>
          this.#numberOf(after) === number && (isAllowed?.(at, action, params) ?? true),
      );
      assert(found !== undefined, 'no step follows a path: the quotient is unsound', { state });
      steps.push(found);
      state = found.state;
    }
    return { start, steps };
  }

  #traceOf({ property, state, breaks }: Failure<S>): Trace<S> {
    const trace = this.traceTo(this.pathTo(state));
    if (breaks === undefined) return trace;
    const before = trace.steps.at(-1)?.state ?? trace.start;
    const last = this.#findStep(before, (action, params, after) =>
      breaks(before, action, params, after),
    );
    assert(last !== undefined, 'no step breaks the property again', { property });
    return { ...trace, steps: [...trace.steps, last] };
  }

  #numberOf(state: S | undefined): number | undefined {
    return state === undefined ? undefined : this.#table.add(this.#canonical(state));
  }

  #findStep(
    before: S,
    isWanted: (action: number, params: Params, after: S | undefined) => boolean,
  ): TraceStep<S> | undefined {
    let found: TraceStep<S> | undefined;
    this.#stepper.forEach(before, (action, params) => {
      if (found !== undefined) return;
      const after = this.#takeIfPossible(action, before, params);
      if (!isWanted(action, params, after)) return;
      const name = this.#stepper.names[action] as string;
      found = { action: name, params: { ...params }, state: after ?? before };
    });
    return found;
  }

  /** Undefined where the action comes upon an impossible branch. */
  #takeIfPossible(action: number, state: S, params: Params): S | undefined {
    try {
      return this.#stepper.take(action, state, params);
    } catch (thrown) {
      if (thrown instanceof Impossible) return undefined;
      throw thrown;
    }
  }
}

function structuredCopy(coverage: readonly ActionCoverage[]): ActionCoverage[] {
  return coverage.map((entry) => ({ ...entry, guards: entry.guards.map((one) => ({ ...one })) }));
}

/** Remembers with which ghosts each state was first seen. */
class GhostBook {
  joins = 0;
  readonly #fields: readonly string[];
  readonly #interner = new Interner();
  readonly #numbers: number[] = [];
  #parent: object | undefined;
  #parentGhosts: readonly unknown[] = [];

  constructor(fields: readonly string[]) {
    this.#fields = fields;
  }

  meet(number: number, state: object, parent: object | undefined, parentNumber: number): void {
    if (parent !== this.#parent) {
      this.#parent = parent;
      this.#parentGhosts = parent === undefined ? [] : this.#ghostsOf(parent);
    }
    const ghosts = this.#ghostsOf(state);
    const seen =
      parent === undefined
        ? this.#interner.intern(ghosts)
        : this.#interner.intern(ghosts, this.#parentGhosts, this.#numbers[parentNumber]);
    const first = this.#numbers[number];
    if (first === undefined) this.#numbers[number] = seen;
    else if (first !== seen) this.joins++;
  }

  #ghostsOf(state: object): readonly unknown[] {
    return this.#fields.map((field) => (state as Record<string, unknown>)[field]);
  }
}
