/**
 * Why a small set of operations contradicts itself, way by way: each legal beginning that real time
 * allows, and what stops it. A person can follow these; the proof is the engines'.
 */
import { type History, NEVER } from '../history/columns.ts';
import { type Model, reasonFor } from './model.ts';

/** A legal beginning of the core that can't go on. */
export interface WayOut {
  /** Operations outside of the core may have happened: they are tried where they would help at once. */
  readonly order: readonly number[];
  /** The operation that is due and not legal. */
  readonly next: number;
  /** As a clause: `the register holds 2, not 1`. */
  readonly reason: string;
}

const MAX_WAYS = 8;
const MAX_VISITS = 2_000;

/** `core`: rows of the history that must all stand in the order; others crashed and may. */
export function waysOut(model: Model, history: History, core: readonly number[]): WayOut[] {
  try {
    const walk = new Walk(model, history);
    walk.explore(model.init, [], core);
    return walk.ways;
  } catch {
    // A model that throws was reported where it was first stepped; words are not worth more.
    return [];
  }
}

class Walk {
  readonly ways: WayOut[] = [];
  readonly #model: Model;
  readonly #history: History;
  readonly #maybes: readonly number[];
  #visits = 0;

  constructor(model: Model, history: History) {
    this.#model = model;
    this.#history = history;
    const rows = Array.from({ length: history.count }, (_, row) => row);
    this.#maybes = rows.filter((row) => history.end[row] === NEVER);
  }

  explore(state: unknown, order: readonly number[], left: readonly number[]): void {
    if (left.length === 0 || this.ways.length >= MAX_WAYS || ++this.#visits > MAX_VISITS) return;
    const { start, end } = this.#history;
    const firstEnd = Math.min(...left.map((row) => end[row] as number));
    const candidates = left.filter((row) => (start[row] as number) < firstEnd);
    let isStuck = true;
    for (const row of candidates) {
      const next = this.#step(state, row);
      if (next === undefined) continue;
      isStuck = false;
      const rest = left.filter((other) => other !== row);
      this.explore(next, [...order, row], rest);
    }
    const due = candidates.find((row) => end[row] === firstEnd) as number;
    for (const { row, next } of this.#helpful(state, order, due, firstEnd)) {
      isStuck = false;
      this.explore(next, [...order, row], left);
    }
    if (!isStuck || this.ways.length >= MAX_WAYS) return;
    const reason = reasonFor(this.#model, state, this.#history.op(due));
    this.ways.push({ order, next: due, reason });
  }

  /** What may have happened and would make the due operation legal; of equal ones the first. */
  #helpful(state: unknown, order: readonly number[], due: number, firstEnd: number) {
    const found = new Map<string, { readonly row: number; readonly next: unknown }>();
    if (this.#step(state, due) !== undefined) return [];
    for (const row of this.#maybes) {
      if ((this.#history.start[row] as number) > firstEnd || order.includes(row)) continue;
      const name = this.#model.describe(this.#history.op(row));
      const next = this.#step(state, row);
      if (next === undefined || found.has(name) || this.#step(next, due) === undefined) continue;
      found.set(name, { row, next });
    }
    return [...found.values()];
  }

  #step(state: unknown, row: number): unknown {
    return this.#model.step(state, this.#history.op(row));
  }
}
