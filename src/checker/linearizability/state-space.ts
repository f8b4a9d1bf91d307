/**
 * States and classes of operations as small integers, and the transitions between them, each learned
 * when it is first needed. Operations of one class have the same name, input, answer and outcome, hence
 * the same step; a class is stepped once per state, however often it occurs.
 */
import { messageOf } from '../../base/thrown.ts';
import { type History, type Op, outcomeNames } from '../history/columns.ts';
import { type Meter, SearchStopped } from './budget.ts';
import { identify, type Model, type Primitive } from './model.ts';

export const ILLEGAL = -1;
const NOT_TRIED = -2;
/** Above this many states, transitions are kept in a hash table: rows would be too long and too thin. */
const MAX_ROW = 1 << 12;
const CLASS_FACTOR = 1 << 22;

export class StateSpace {
  readonly model: Model;
  readonly initial: number;
  readonly #states: unknown[] = [];
  readonly #stateIds = new Map<Primitive, number>();
  readonly #classIds = new Map<number | string, number>();
  readonly #ops: Op[] = [];
  readonly #isPure: boolean[] = [];
  /** By class: the state after each state; NOT_TRIED where that is not known yet. */
  readonly #rows: number[][] = [];
  readonly #sparse = new Map<number, number>();
  /** #overwrites[later][earlier]: 0 where not asked yet, 1 no, 2 yes. */
  readonly #overwrites: Uint8Array[] = [];
  readonly #impossible = new Map<number, boolean>();
  #meter: Meter | undefined;

  constructor(model: Model) {
    this.model = model;
    this.initial = this.stateId(model.init);
  }

  /** Whose budget the model's steps are charged to. */
  chargeTo(meter: Meter): void {
    this.#meter = meter;
  }

  get stateCount(): number {
    return this.#states.length;
  }

  get classCount(): number {
    return this.#ops.length;
  }

  get sizeBytes(): number {
    return 100 * this.#states.length + 60 * this.#sparse.size;
  }

  state(id: number): unknown {
    return this.#states[id];
  }

  /** Any operation of the class. */
  op(classId: number): Op {
    return this.#ops[classId] as Op;
  }

  isPure(classId: number): boolean {
    return this.#isPure[classId] as boolean;
  }

  stateId(state: unknown): number {
    const name = identify(this.model, state);
    const known = this.#stateIds.get(name);
    if (known !== undefined) return known;
    const id = this.#states.length;
    this.#states.push(state);
    this.#stateIds.set(name, id);
    return id;
  }

  /** Histories given to one space must share their dictionaries. */
  classOf(history: History, index: number): number {
    const outcome = history.outcome[index] as number;
    const kind = (history.f[index] as number) * outcomeNames.length + outcome;
    const signature = signatureOf(
      history.input[index] as number,
      history.output[index] as number,
      kind,
    );
    const known = this.#classIds.get(signature);
    if (known !== undefined) return known;
    const id = this.addClass(history.op(index));
    this.#classIds.set(signature, id);
    return id;
  }

  addClass(op: Op): number {
    this.#ops.push(op);
    this.#isPure.push(this.model.pure?.(op) === true);
    return this.#rows.push([]) - 1;
  }

  /** The state after an operation of the class, or ILLEGAL. */
  transition(classId: number, state: number): number {
    const row = this.#rows[classId] as number[];
    if (state < row.length) {
      const known = row[state] as number;
      return known === NOT_TRIED ? this.#learn(classId, state) : known;
    }
    if (state < MAX_ROW) return this.#learn(classId, state);
    return this.#sparse.get(state * CLASS_FACTOR + classId) ?? this.#learn(classId, state);
  }

  #learn(classId: number, state: number): number {
    const result = this.#guarded(() => this.model.step(this.#states[state], this.op(classId)));
    const next = result === undefined ? ILLEGAL : this.stateId(result);
    const row = this.#rows[classId] as number[];
    if (state < MAX_ROW) {
      while (row.length <= state) row.push(NOT_TRIED);
      row[state] = next;
    } else this.#sparse.set(state * CLASS_FACTOR + classId, next);
    return next;
  }

  overwrites(later: number, earlier: number): boolean {
    if (this.model.overwrites === undefined) return false;
    let row = this.#overwrites[later];
    if (row === undefined || earlier >= row.length) {
      const longer = new Uint8Array(this.#ops.length);
      if (row !== undefined) longer.set(row);
      this.#overwrites[later] = longer;
      row = longer;
    }
    if (row[earlier] === 0) {
      row[earlier] = this.model.overwrites(this.op(later), this.op(earlier)) ? 2 : 1;
    }
    return row[earlier] === 2;
  }

  isImpossible(classId: number, state: number): boolean {
    const pair = state * CLASS_FACTOR + classId;
    let known = this.#impossible.get(pair);
    if (known === undefined) {
      known = this.model.impossible?.(this.#states[state], this.op(classId)) === true;
      this.#impossible.set(pair, known);
    }
    return known;
  }

  /** The model is foreign code: what it throws ends the search, and the clock is asked after it. */
  #guarded<T>(work: () => T): T {
    let result: T;
    try {
      result = work();
    } catch (thrown) {
      const message = messageOf(thrown);
      throw new SearchStopped('model-error', message);
    }
    this.#meter?.look();
    return result;
  }
}

const SMALL_ID = 1 << 12;
const SMALL_KIND = 1 << 6;
const MAX_EXACT_ID = 1 << 22;
const MAX_EXACT_KIND = 1 << 8;

/** One number for three: small and natural if it can be, negative if it still is exact; else a text. */
function signatureOf(input: number, output: number, kind: number): number | string {
  if (input < SMALL_ID && output < SMALL_ID && kind < SMALL_KIND) {
    return (input * SMALL_ID + output) * SMALL_KIND + kind;
  }
  return input < MAX_EXACT_ID && output < MAX_EXACT_ID && kind < MAX_EXACT_KIND
    ? -1 - ((input * MAX_EXACT_ID + output) * MAX_EXACT_KIND + kind)
    : `${input} ${output} ${kind}`;
}
