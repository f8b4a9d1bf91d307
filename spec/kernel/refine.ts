/**
 * Refinement: under a map of states every step of a model is a step of a more abstract one, or leaves the
 * abstract state as it was, and initial states map to initial states (Abadi and Lamport, "The Existence of
 * Refinement Mappings"). Then whatever is always true of the abstract model is true of this one.
 */
import type { Listener } from './explore.ts';
import { memoized } from './memo.ts';
import { initialStates, type Refinement } from './model.ts';
import { Stepper } from './step.ts';
import { StateTable, TupleTable } from './store.ts';

export class RefinementCheck<S extends object> implements Listener<S> {
  readonly property: string;
  readonly #refinement: Refinement<S>;
  readonly #stepper: Stepper<object>;
  readonly #table: StateTable;
  readonly #starts: ReadonlySet<number>;
  /** For each concrete state the number of its abstract one. */
  readonly #abstract: number[] = [];
  /** Abstract states whose steps are not known yet, by number; undefined afterwards. */
  readonly #pending: (object | undefined)[] = [];
  readonly #steps = new TupleTable();
  #abstractOf: ((state: S, number: number) => number) | undefined;

  constructor(name: string, refinement: Refinement<S>) {
    this.property = `refines ${name}`;
    this.#refinement = refinement;
    this.#stepper = new Stepper(refinement.spec);
    const starts = initialStates(refinement.spec);
    this.#table = new StateTable(Object.keys(starts[0] as object));
    this.#starts = new Set(starts.map((state) => this.#numberOf(state)));
  }

  begin(table: StateTable): void {
    this.#abstractOf = memoized(table, (state) => this.#numberOf(this.#refinement.map(state)));
  }

  state(number: number, state: S, isInitial: boolean): string | undefined {
    const abstract = this.#abstractOf!(state, number);
    this.#abstract[number] = abstract;
    if (!isInitial || this.#starts.has(abstract)) return undefined;
    return 'an initial state is none of the abstract model';
  }

  edge(from: number, to: number): string | undefined {
    const before = this.#abstract[from] as number;
    const after = this.#abstract[to] as number;
    if (before === after) return undefined;
    const pending = this.#pending[before];
    if (pending !== undefined) this.#expand(before, pending);
    if (this.#steps.find([before, after], 2) !== undefined) return undefined;
    return 'the step is none of the abstract model';
  }

  #expand(number: number, state: object): void {
    this.#pending[number] = undefined;
    this.#stepper.forEach(state, (action, params) => {
      const after = this.#stepper.take(action, state, params);
      this.#steps.add([number, this.#numberOf(after)], 2);
    });
  }

  #numberOf(state: object): number {
    const known = this.#table.size;
    const number = this.#table.add(state);
    if (number === known) this.#pending[number] = state;
    return number;
  }
}
