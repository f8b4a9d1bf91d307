/**
 * What need not be computed twice. A guard, an effect, an invariant looks at a few fields of the state, and many
 * states agree in these. A memo notes which fields a function reads and finds what it gave by the
 * numbers of their values. That is exact: on what a pure function does not read it does not depend.
 */
import { type StateTable, TupleTable } from './store.ts';
import { EXCEPT } from './value.ts';

/** After so many questions a memo must know a third of the answers or give up: to learn costs more than to compute. */
const TRIAL = 1 << 8;
/** It learns no more than so many. */
const MOST = 1 << 16;

export class Memo<S extends object, T> {
  readonly #table: StateTable;
  readonly #compute: (lent: S, state: S, number: number) => T;
  /** Which fields it has ever read. */
  #read: readonly number[] = [];
  readonly #projection: Uint32Array;
  #projections = new TupleTable();
  #results: T[] = [];
  #asked = 0;
  #isHopeless = false;

  /** `compute` is given the state twice: lent, where reading counts, and as it is. */
  constructor(table: StateTable, compute: (lent: S, state: S, number: number) => T) {
    this.#table = table;
    this.#compute = compute;
    this.#projection = new Uint32Array(table.fields.length);
  }

  /** The result for the state of that number; undefined where it must be computed without a memo. */
  of(state: S, number: number): T | undefined {
    if (this.#isHopeless) return undefined;
    const known = this.#projections.find(this.#project(number), this.#read.length);
    if (++this.#asked === TRIAL && this.#results.length * 3 > TRIAL * 2) return this.#giveUp();
    if (known !== undefined) return this.#results[known];
    return this.#results.length < MOST ? this.#learn(state, number) : undefined;
  }

  #project(number: number): Uint32Array {
    for (let index = 0; index < this.#read.length; index++) {
      this.#projection[index] = this.#table.valueAt(number, this.#read[index] as number);
    }
    return this.#projection;
  }

  #learn(state: S, number: number): T | undefined {
    const { fields } = this.#table;
    const read = new Set(this.#read);
    const lent = lend(state, (field) => read.add(fields.indexOf(field)));
    const result = this.#compute(lent, state, number);
    // Ghosts have no numbers, and no two states agree in everything else.
    if (read.has(-1) || read.size === fields.length) return this.#giveUp();
    if (read.size > this.#read.length) {
      this.#read = [...read];
      this.#forget();
    }
    this.#projections.add(this.#project(number), read.size);
    this.#results.push(result);
    return result;
  }

  #giveUp(): undefined {
    this.#isHopeless = true;
    this.#forget();
  }

  #forget(): void {
    this.#projections = new TupleTable();
    this.#results = [];
  }
}

/** The same function of the state of a number, computed where it is not known. */
export function memoized<S extends object, T>(
  table: StateTable,
  of: (state: S) => T,
): (state: S, number: number) => T {
  const memo = new Memo<S, T>(table, (lent) => of(lent));
  return (state, number) => memo.of(state, number) ?? of(state);
}

const CHANGE = Symbol('change');

interface Lent<S> {
  readonly [EXCEPT]: (change: Partial<S>) => S;
  readonly [CHANGE]: Partial<S>;
}

/** The same state to look at, or with a change; `note` hears of all that is read of the rest. */
function lend<S extends object>(
  state: S,
  note: (field: string) => void,
  change: Partial<S> = {},
): S {
  const look = (field: string | symbol) => field in change || note(field as string);
  return new Proxy(state, {
    get(_, field) {
      if (field === CHANGE) return change;
      if (field === EXCEPT) {
        return (more: Partial<S>) => lend({ ...state, ...more }, note, { ...change, ...more });
      }
      look(field);
      return Reflect.get(state, field);
    },
    getOwnPropertyDescriptor(_, field) {
      look(field);
      return Reflect.getOwnPropertyDescriptor(state, field);
    },
  });
}

/** How a state differs from the lent one; undefined if it was made anew. */
export function changeOf<S extends object>(after: S): Partial<S> | undefined {
  return (after as Partial<Lent<S>>)[CHANGE];
}
