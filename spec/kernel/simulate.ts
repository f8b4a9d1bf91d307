/**
 * Seeded random walks for scopes that are too large to exhaust. Each walk is a swarm's (Groce et al., "Swarm
 * Testing"): some actions are switched off and others made frequent, which reaches corners that uniform
 * choice does not. A walk that breaks a property is made short before it is shown.
 */
import { assert } from '../../src/base/assert.ts';
import { type Prng, prngStream } from '../../src/base/prng.ts';
import { type Exploration, unwatched, type Violation, type Watch } from './explore.ts';
import {
  Impossible,
  initialStates,
  type Params,
  type Predicate,
  type Spec,
  type Walks,
} from './model.ts';
import { actionNamed, falseGuards, Stepper } from './step.ts';
import { StateTable } from './store.ts';
import type { Trace, TraceStep } from './trace.ts';
import { equal } from './value.ts';

export interface SimulateOptions {
  readonly watch?: Watch;
  /** Whether what was violated so far is enough; default: anything is. */
  readonly isEnough?: (violated: ReadonlyMap<string, unknown>) => boolean;
}

export function simulate<S extends object>(
  spec: Spec<S>,
  walks: Walks,
  options: SimulateOptions = {},
): Exploration<S> {
  return new Simulator(spec, walks, options).run();
}

const PROGRESS_EVERY = 64;
/** Weights that a swarm draws for an action. */
const SWARM: readonly number[] = [0, 1, 1, 4];

class Simulator<S extends object> {
  readonly #spec: Spec<S>;
  readonly #walks: Walks;
  readonly #options: SimulateOptions;
  readonly #stepper: Stepper<S>;
  readonly #starts: readonly S[];
  readonly #seen: StateTable;
  readonly #unseen: Map<string, Predicate<S>>;
  readonly #witnesses = new Map<string, Trace<S>>();
  readonly #violations = new Map<string, Violation<S>>();
  #generated = 0;
  #depth = 0;

  constructor(spec: Spec<S>, walks: Walks, options: SimulateOptions) {
    this.#spec = spec;
    this.#walks = walks;
    this.#options = options;
    this.#stepper = new Stepper(spec);
    const from = walks.from === undefined ? undefined : spec.starts?.[walks.from];
    assert(walks.from === undefined || from !== undefined, 'there is no such start', {
      from: walks.from,
    });
    this.#starts = from === undefined ? initialStates(spec) : [from];
    const fields = Object.keys(this.#starts[0] as S);
    this.#seen = new StateTable(fields.filter((field) => !spec.ghosts?.includes(field)));
    this.#unseen = new Map(Object.entries(spec.sometimes ?? {}));
  }

  run(): Exploration<S> {
    const watch = this.#options.watch ?? unwatched;
    const startMs = watch.nowMs();
    for (let walk = 0; walk < this.#walks.walks && !this.#isDone(); walk++) {
      this.#walk(prngStream(this.#walks.seed, `walk/${walk}`));
      if (walk % PROGRESS_EVERY !== 0) continue;
      const states = this.#seen.size;
      const elapsedMs = Math.max(1, watch.nowMs() - startMs);
      const statesPerSecond = Math.round((states * 1000) / elapsedMs);
      const queue = this.#walks.walks - walk;
      watch.progress({ states, depth: this.#depth, queue, statesPerSecond });
      if (watch.isAborted()) break;
    }
    return {
      distinct: this.#seen.size,
      generated: this.#generated,
      depth: this.#depth,
      isComplete: false,
      violations: [...this.#violations.values()],
      witnesses: this.#witnesses,
      coverage: this.#stepper.coverage,
      ghostJoins: 0,
    };
  }

  #walk(prng: Prng): void {
    const start = prng.pick(this.#starts);
    const weights = this.#stepper.names.map(
      (name) => prng.pick(SWARM) * (actionNamed(this.#spec, name).weight ?? 1),
    );
    const steps: TraceStep<S>[] = [];
    let state = start;
    this.#arrive({ start, steps }, state);
    for (let at = 0; at < this.#walks.steps && !this.#isDone(); at++) {
      const choices = this.#choices(state);
      if (choices.length === 0) {
        const { terminal } = this.#spec;
        if (terminal !== undefined && !terminal(state)) this.#fail('deadlock', { start, steps });
        return;
      }
      const { action, params } = choose(choices, weights, prng);
      const name = this.#stepper.names[action] as string;
      const before = state;
      this.#generated++;
      try {
        state = this.#stepper.take(action, before, params);
      } catch (thrown) {
        if (!(thrown instanceof Impossible)) throw thrown;
        steps.push({ action: name, params, state: before });
        this.#fail('possible', { start, steps }, thrown.message);
        return;
      }
      steps.push({ action: name, params, state });
      for (const [property, holds] of Object.entries(this.#spec.onStep ?? {})) {
        if (!holds({ before, action: name, params, after: state })) {
          this.#fail(property, { start, steps });
        }
      }
      if (this.#arrive({ start, steps }, state)) this.#stepper.coverage[action]!.newStates++;
    }
  }

  #choices(state: S): Choice[] {
    const choices: Choice[] = [];
    this.#stepper.forEach(state, (action, params) => {
      choices.push({ action, params: { ...params } });
    });
    return choices;
  }

  #arrive(trace: Trace<S>, state: S): boolean {
    this.#depth = Math.max(this.#depth, trace.steps.length + 1);
    const known = this.#seen.size;
    if (this.#seen.add(state) < known) return false;
    for (const [property, holds] of Object.entries(this.#spec.always ?? {})) {
      if (!holds(state)) this.#fail(property, trace);
    }
    for (const [name, holds] of this.#unseen) {
      if (!holds(state)) continue;
      this.#witnesses.set(name, copyOf(trace));
      this.#unseen.delete(name);
    }
    return true;
  }

  #fail(property: string, trace: Trace<S>, detail?: string): void {
    if (this.#violations.has(property)) return;
    const short = shorten(this.#spec, property, copyOf(trace));
    const reason = detail === undefined ? {} : { detail };
    this.#violations.set(property, { property, ...reason, trace: short });
  }

  #isDone(): boolean {
    if (this.#violations.size === 0) return false;
    return this.#options.isEnough?.(this.#violations) ?? true;
  }
}

interface Choice {
  readonly action: number;
  readonly params: Params;
}

/** First an action by weight, then one of its steps; an action switched off if there is no other. */
function choose(choices: readonly Choice[], weights: readonly number[], prng: Prng): Choice {
  const actions = [...new Set(choices.map(({ action }) => action))];
  const total = actions.reduce((sum, action) => sum + (weights[action] as number), 0);
  if (total === 0) return prng.pick(choices);
  let draw = prng.int(0, total - 1);
  const chosen = actions.find((action) => {
    draw -= weights[action] as number;
    return draw < 0;
  });
  return prng.pick(choices.filter(({ action }) => action === chosen));
}

const copyOf = <S>({ start, steps }: Trace<S>): Trace<S> => ({ start, steps: [...steps] });

/** Leaves out steps, many at a time at first, as long as the rest still breaks the property at its end. */
function shorten<S extends object>(spec: Spec<S>, property: string, trace: Trace<S>): Trace<S> {
  let best = trace;
  for (let size = trace.steps.length >> 1; size >= 1; size >>= 1) {
    for (let from = best.steps.length - size; from >= 0; from--) {
      const steps = best.steps.filter((_, index) => index < from || index >= from + size);
      best = replay(spec, property, { start: best.start, steps }) ?? best;
    }
  }
  return best;
}

/** The behaviour with these actions and parameters up to where it breaks the property. */
function replay<S extends object>(
  spec: Spec<S>,
  property: string,
  trace: Trace<S>,
): Trace<S> | undefined {
  const steps: TraceStep<S>[] = [];
  let before = trace.start;
  for (const { action, params } of trace.steps) {
    if (!isEnabled(spec, before, action, params)) return undefined;
    try {
      const state = actionNamed(spec, action).next(before, params);
      steps.push({ action, params, state });
      const broken = spec.onStep?.[property]?.({ before, action, params, after: state }) === false;
      if (broken || spec.always?.[property]?.(state) === false) return { ...trace, steps };
      before = state;
    } catch (thrown) {
      if (!(thrown instanceof Impossible)) throw thrown;
      if (property !== 'possible') return undefined;
      return { ...trace, steps: [...steps, { action, params, state: before }] };
    }
  }
  const isStuck = property === 'deadlock' && spec.terminal?.(before) === false;
  return isStuck && new Stepper(spec).isStuck(before) ? { ...trace, steps } : undefined;
}

/** Whether every parameter comes from its domain and every guard holds. */
function isEnabled<S>(spec: Spec<S>, state: S, name: string, params: Params): boolean {
  for (const [key, domain] of Object.entries(actionNamed(spec, name).for ?? {})) {
    const values = typeof domain === 'function' ? domain(state) : domain;
    if (!values.some((value) => equal(value, params[key]))) return false;
  }
  return falseGuards(spec, state, name, params).length === 0;
}
