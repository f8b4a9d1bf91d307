/** Steps that are known from a state that looked the same to their action. */
import { changeOf, Memo } from './memo.ts';
import { assertSameFields, Impossible, type Params } from './model.ts';
import type { Stepper } from './step.ts';
import type { StateTable } from './store.ts';

/** Fields and the numbers of their new values, in turns. */
export type Change = readonly number[];

export interface KnownStep {
  readonly params: Params;
  readonly change: Change;
  readonly impossible: Impossible | undefined;
}

interface KnownSteps {
  readonly steps: readonly KnownStep[];
  /** For each guard how often it was false. */
  readonly falseTimes: readonly number[];
}

export class Recall<S extends object> {
  readonly #stepper: Stepper<S>;
  readonly #table: StateTable;
  readonly #memos: readonly Memo<S, KnownSteps>[];
  /** All values that they give to fields, by number. */
  readonly #values = new Map<number, unknown>();

  constructor(stepper: Stepper<S>, table: StateTable) {
    this.#stepper = stepper;
    this.#table = table;
    this.#memos = stepper.names.map(
      (_, action) => new Memo(table, (...states) => this.#learn(action, ...states)),
    );
  }

  /** All steps of an action, counted as if they had been looked for; undefined where they must be. */
  stepsOf(action: number, state: S, number: number): readonly KnownStep[] | undefined {
    const known = this.#memos[action]!.of(state, number);
    if (known === undefined) return undefined;
    const { steps, falseTimes } = known;
    const coverage = this.#stepper.coverage[action]!;
    coverage.firedTimes += steps.length;
    for (let at = 0; at < falseTimes.length; at++) {
      coverage.guards[at]!.falseTimes += falseTimes[at] as number;
    }
    return steps;
  }

  /** The state after such a step. */
  take(state: S, { change, impossible }: KnownStep): S {
    if (impossible !== undefined) throw impossible;
    const after = { ...state } as Record<string, unknown>;
    for (let at = 0; at < change.length; at += 2) {
      const field = this.#table.fields[change[at] as number] as string;
      after[field] = this.#values.get(change[at + 1] as number);
    }
    return after as S;
  }

  #learn(action: number, lent: S, state: S, number: number): KnownSteps {
    const coverage = this.#stepper.coverage[action]!;
    const { firedTimes } = coverage;
    const counts = coverage.guards.map(({ falseTimes }) => falseTimes);
    const steps: KnownStep[] = [];
    this.#stepper.forEachOf(action, lent, (_, chosen) => {
      const params = { ...chosen };
      try {
        const change = this.#changeBy(action, params, lent, state, number);
        steps.push({ params, change, impossible: undefined });
      } catch (thrown) {
        if (!(thrown instanceof Impossible)) throw thrown;
        steps.push({ params, change: [], impossible: thrown });
      }
    });
    // `stepsOf` counts, here as everywhere.
    coverage.firedTimes = firedTimes;
    const falseTimes = coverage.guards.map((guard, at) => {
      const times = guard.falseTimes - counts[at]!;
      guard.falseTimes = counts[at]!;
      return times;
    });
    return { steps, falseTimes };
  }

  #changeBy(action: number, params: Params, lent: S, state: S, number: number): Change {
    const { fields, interner } = this.#table;
    const after = this.#stepper.take(action, lent, params);
    const written = changeOf(after) ?? after;
    if (written === after) assertSameFields(after, state);
    const change: number[] = [];
    // Also what stays as it was: from another state it may be a change.
    for (const field in written) {
      const index = fields.indexOf(field);
      if (index < 0) {
        // A ghost has no number: that it is read makes the memo give up.
        void lent[field];
        continue;
      }
      const old = this.#table.valueAt(number, index);
      const value = interner.intern(written[field], state[field], old);
      if (!this.#values.has(value)) this.#values.set(value, written[field]);
      change.push(index, value);
    }
    return change;
  }
}
