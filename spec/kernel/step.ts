/**
 * From a state to its successors: every action with every choice of its parameters, guards in the order
 * in which they are written. Counts on the way what fired and which guards were ever false.
 */
import { assert } from '../../src/base/assert.ts';
import type { Action, Domain, Params, Spec, Step } from './model.ts';
import { equal } from './value.ts';

export interface GuardCoverage {
  readonly label: string;
  /** Evaluations that came out false, with all guards above it true. */
  falseTimes: number;
}

export interface ActionCoverage {
  readonly name: string;
  firedTimes: number;
  /** Steps that led to a state not seen before. */
  newStates: number;
  readonly guards: readonly GuardCoverage[];
}

interface Compiled<S> {
  readonly name: string;
  readonly action: Action<S>;
  readonly keys: readonly string[];
  readonly choices: readonly Domain<S, unknown>[];
  readonly guards: readonly ((state: S, params: Params) => boolean)[];
  /** Where the choices in the state at hand are counted through. */
  readonly domains: (readonly unknown[])[];
  readonly chosen: number[];
  readonly params: Record<string, unknown>;
  readonly coverage: ActionCoverage;
}

export type Visit = (action: number, params: Params) => void;

export class Stepper<S> {
  readonly names: readonly string[];
  readonly coverage: readonly ActionCoverage[];
  readonly #actions: readonly Compiled<S>[];

  constructor(spec: Spec<S>) {
    this.#actions = Object.entries(spec.actions).map(([name, action]) => {
      const guards = Object.entries(action.when ?? {});
      return {
        name,
        action,
        keys: Object.keys(action.for ?? {}),
        choices: Object.values(action.for ?? {}),
        domains: [],
        chosen: [],
        params: {},
        guards: guards.map(([, holds]) => holds),
        coverage: {
          name,
          firedTimes: 0,
          newStates: 0,
          guards: guards.map(([label]) => ({ label, falseTimes: 0 })),
        },
      };
    });
    this.names = this.#actions.map(({ name }) => name);
    this.coverage = this.#actions.map(({ coverage }) => coverage);
  }

  /** Every enabled step. `params` is reused, so visits do not nest: `take` hands actions a copy. */
  forEach(state: S, visit: Visit): void {
    for (let action = 0; action < this.#actions.length; action++) {
      this.forEachOf(action, state, visit);
    }
  }

  take(action: number, state: S, params: Params): S {
    return (this.#actions[action] as Compiled<S>).action.next(state, { ...params });
  }

  /** Whether no step leads to another state. */
  isStuck(state: S): boolean {
    let isStuck = true;
    this.forEach(state, (action, params) => {
      isStuck &&= equal(this.take(action, state, params), state);
    });
    return isStuck;
  }

  /** Counts through all choices of parameters like an odometer, the last one fastest. */
  forEachOf(action: number, state: S, visit: Visit): void {
    const compiled = this.#actions[action] as Compiled<S>;
    if (!hasChoice(compiled, state)) return;
    const { chosen, coverage, domains, keys, params } = compiled;
    for (;;) {
      if (this.#isEnabled(compiled, state, params)) {
        coverage.firedTimes++;
        visit(action, params);
      }
      let at = keys.length - 1;
      for (; at >= 0; at--) {
        const domain = domains[at] as readonly unknown[];
        const next = (chosen[at] as number) + 1;
        chosen[at] = next < domain.length ? next : 0;
        params[keys[at] as string] = domain[chosen[at] as number];
        if (next < domain.length) break;
      }
      if (at < 0) return;
    }
  }

  #isEnabled(compiled: Compiled<S>, state: S, params: Params): boolean {
    const { guards } = compiled;
    for (let at = 0; at < guards.length; at++) {
      if (!guards[at]!(state, params)) {
        compiled.coverage.guards[at]!.falseTimes++;
        return false;
      }
    }
    return true;
  }
}

/** Begins with the first value of each parameter; false where one has none. */
function hasChoice<S>({ choices, chosen, domains, keys, params }: Compiled<S>, state: S): boolean {
  for (let at = 0; at < keys.length; at++) {
    const choice = choices[at] as Domain<S, unknown>;
    const values = typeof choice === 'function' ? choice(state) : choice;
    if (values.length === 0) return false;
    domains[at] = values;
    chosen[at] = 0;
    params[keys[at] as string] = values[0];
  }
  return true;
}

/** All steps that are possible in a state. */
export function enabledSteps<S>(spec: Spec<S>, before: S): Step<S>[] {
  const stepper = new Stepper(spec);
  const steps: Step<S>[] = [];
  stepper.forEach(before, (action, params) => {
    const copy = { ...params };
    const after = stepper.take(action, before, copy);
    steps.push({ before, action: stepper.names[action] as string, params: copy, after });
  });
  return steps;
}

/**
 * The labels of the guards that forbid this step; it is enabled if there is none. A guard may rely on those
 * above it: one that throws behind a false one says nothing.
 */
export function falseGuards<S>(spec: Spec<S>, state: S, action: string, params: Params): string[] {
  const labels: string[] = [];
  for (const [label, holds] of Object.entries(actionNamed(spec, action).when ?? {})) {
    try {
      if (!holds(state, params)) labels.push(label);
    } catch (thrown) {
      if (labels.length === 0) throw thrown;
    }
  }
  return labels;
}

export function actionNamed<S>(spec: Spec<S>, name: string): Action<S> {
  const action = spec.actions[name];
  assert(action !== undefined, 'there is no such action', { name });
  return action;
}
