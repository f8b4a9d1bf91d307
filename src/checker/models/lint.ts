/**
 * Puts a model's claims to the test. `pure`, `overwrites` and `impossible` make checking faster and a
 * wrong one makes it wrong, so a model's author runs this over the operations of a real history: every
 * claim is tried in every state that those operations reach, up to a bound.
 */
import type { History, Op } from '../history/columns.ts';
import { identify, type Model, type Primitive } from '../linearizability/model.ts';

export interface LintFinding {
  readonly claim: 'step' | 'identify' | 'pure' | 'overwrites' | 'impossible' | 'describe';
  /** One sentence with the state and the operations that show it. */
  readonly message: string;
}

export interface LintOptions {
  readonly maxStates?: number;
}

/** Different operations of a history, for the linter. */
export function operationsOf(history: History): readonly Op[] {
  const known = new Map<string, Op>();
  for (let row = 0; row < history.count; row++) {
    const op = history.op(row);
    const { f, outcome } = op;
    const name = `${f} ${outcome} ${history.input[row]} ${history.output[row]}`;
    if (!known.has(name)) known.set(name, op);
  }
  return [...known.values()];
}

/** Empty where nothing contradicts the model's claims. At most one finding per claim and operation. */
export function lintModel<State>(
  model: Model<State>,
  operations: readonly Op[],
  { maxStates = 500 }: LintOptions = {},
): readonly LintFinding[] {
  return new Lint(model as Model, operations, maxStates).run();
}

class Lint {
  readonly #model: Model;
  readonly #operations: readonly Op[];
  readonly #states = new Map<Primitive, unknown>();
  /** By state: the states that one operation leads to. */
  readonly #successors = new Map<Primitive, Set<Primitive>>();
  readonly #findings = new Map<string, LintFinding>();

  constructor(model: Model, operations: readonly Op[], maxStates: number) {
    this.#model = model;
    this.#operations = operations;
    this.#explore(maxStates);
  }

  run(): readonly LintFinding[] {
    for (const op of this.#operations) this.#checkDescribe(op);
    for (const [name, state] of this.#states) {
      for (const op of this.#operations) {
        this.#checkPure(name, state, op);
        this.#checkImpossible(name, state, op);
      }
      for (const later of this.#operations) {
        for (const earlier of this.#operations) this.#checkOverwrites(name, state, later, earlier);
      }
    }
    return [...this.#findings.values()];
  }

  #report(claim: LintFinding['claim'], subject: string, message: string): void {
    const name = `${claim} ${subject}`;
    if (!this.#findings.has(name)) this.#findings.set(name, { claim, message });
  }

  /** States by what they are identified by, breadth first. */
  #explore(maxStates: number): void {
    const queue: unknown[] = [this.#model.init];
    this.#states.set(identify(this.#model, this.#model.init), this.#model.init);
    for (
      let state = queue.shift();
      queue.length >= 0 && state !== undefined;
      state = queue.shift()
    ) {
      const name = identify(this.#model, state);
      const successors = new Set<Primitive>();
      for (const op of this.#operations) {
        const next = this.#step(name, state, op);
        if (next === undefined) continue;
        const nextName = identify(this.#model, next);
        if (typeof nextName === 'object' && nextName !== null) {
          this.#report(
            'identify',
            '',
            `a state is identified by ${typeof nextName}, not by a plain value`,
          );
        }
        successors.add(nextName);
        if (this.#states.has(nextName) || this.#states.size >= maxStates) continue;
        this.#states.set(nextName, next);
        queue.push(next);
      }
      this.#successors.set(name, successors);
    }
  }

  /** Steps twice: the same must come out, and the state must stay what it was. */
  #step(name: Primitive, state: unknown, op: Op): unknown {
    const text = this.#model.describe(op);
    const next = this.#model.step(state, op);
    const again = this.#model.step(state, op);
    if (identify(this.#model, state) !== name) {
      this.#report('step', text, `${text} changes the state ${String(name)} in place`);
    }
    if (this.#nameOf(next) !== this.#nameOf(again)) {
      this.#report(
        'step',
        text,
        `${text} does not always lead to the same state from ${String(name)}`,
      );
    }
    return next;
  }

  #nameOf(state: unknown): Primitive | undefined {
    return state === undefined ? undefined : identify(this.#model, state);
  }

  #checkDescribe(op: Op): void {
    const text: unknown = this.#model.describe(op);
    if (typeof text !== 'string' || text === '') {
      this.#report('describe', op.f, `${op.f} has no words`);
    }
  }

  #checkPure(name: Primitive, state: unknown, op: Op): void {
    if (this.#model.pure?.(op) !== true) return;
    const next = this.#nameOf(this.#model.step(state, op));
    if (next === undefined || next === name) return;
    const text = this.#model.describe(op);
    const message = `${text} is said to be pure, but leads from ${String(name)} to ${String(next)}`;
    this.#report('pure', text, message);
  }

  #checkOverwrites(name: Primitive, state: unknown, later: Op, earlier: Op): void {
    if (this.#model.overwrites?.(later, earlier) !== true) return;
    const [first, second] = [this.#model.describe(earlier), this.#model.describe(later)];
    const claim = `${second} is said to overwrite ${first}`;
    const between = this.#model.step(state, earlier);
    if (between === undefined) {
      const message = `${claim}, which is not legal in state ${String(name)}`;
      this.#report('overwrites', claim, message);
      return;
    }
    const alone = this.#nameOf(this.#model.step(state, later));
    const both = this.#nameOf(this.#model.step(between, later));
    if (alone === both) return;
    const [one, other] = [String(alone), String(both)];
    const message = `${claim}, but from ${String(name)} it leads to ${one} alone and to ${other} after it`;
    this.#report('overwrites', claim, message);
  }

  #checkImpossible(name: Primitive, state: unknown, op: Op): void {
    if (this.#model.impossible?.(state, op) !== true) return;
    const text = this.#model.describe(op);
    const seen = new Set([name]);
    for (const known of seen) {
      const reached = this.#states.get(known);
      if (reached === undefined) continue;
      if (this.#model.step(reached, op) !== undefined) {
        const message =
          `${text} is said to be impossible from ${String(name)} on, ` +
          `but is legal in ${String(known)}, which can be reached from there`;
        this.#report('impossible', text, message);
        return;
      }
      for (const next of this.#successors.get(known) ?? []) seen.add(next);
    }
  }
}
