/**
 * The exact search for a linearization: Wing and Gong's depth-first walk over a linked list of
 * invocations and returns, with Lowe's memo of visited configurations. An invocation may be linearized
 * when no return stands before it; meeting a return means that its call had to be linearized already.
 *
 * Five reductions, each sound and complete, each switched off by `hasReductions: false`:
 *  1. A pure call (one that changes no state in any state) is linearized as soon as it is legal. Moving
 *     it here from later leaves every other call in the state it had.
 *  2. A pure crashed call is left out: nobody saw its result and nothing follows from it.
 *  3. Of crashed calls of one class only the earliest unused one is tried. Whoever uses a later one could
 *     use the earlier instead, which has been available for longer.
 *  4. A configuration that used more crashed calls than a visited, otherwise equal one is refused
 *     (in the memo). What it can still do, the visited one can do as well.
 *  5. After a crashed call, a call that leads to the same state as it would have led to without the
 *     crashed one is refused: leaving that one out is as good and comes up on its own.
 *
 * Which candidate comes first is a matter of luck for the search but not of its answer: hints (zxids)
 * make correct histories nearly linear in time and can mislead nothing.
 */
import { Bitset } from '../../base/bitset.ts';
import { ConfigurationMemo } from './memo.ts';
import type { Call, Model, ModelState } from './model.ts';

export interface SearchLimits {
  readonly maxSteps: number;
  readonly maxBytes: number;
  /** Asked every 4 096 steps; true ends the search as unknown. */
  readonly isPastDeadline?: (() => boolean) | undefined;
  readonly hasReductions?: boolean | undefined;
}

export type UnknownCause = 'steps' | 'bytes' | 'deadline';

interface SearchCounts {
  readonly steps: number;
  readonly configurations: number;
}

export type SearchResult = SearchCounts &
  (
    | { readonly verdict: 'linearizable'; readonly order: readonly Call[] }
    | {
        readonly verdict: 'non-linearizable';
        /** No configuration gets past this call's return. */
        readonly blocked: Call;
        /** A longest linearizable beginning, in order. */
        readonly order: readonly Call[];
        /** States of (at most ten) configurations that arrive at that return. */
        readonly states: readonly ModelState[];
      }
    | {
        readonly verdict: 'unknown';
        readonly cause: UnknownCause;
        /** Completed calls whose return was passed, of all. */
        readonly progress: { readonly passed: number; readonly total: number };
      }
  );

const STEPS_BETWEEN_CHECKS = 4096;
const MAX_STATES = 10;
const ILLEGAL = -1;
const NOT_TRIED = -2;

export function search(model: Model, calls: readonly Call[], limits: SearchLimits): SearchResult {
  return new Search(model, calls, limits).run();
}

class Search {
  readonly #model: Model;
  readonly #limits: SearchLimits;
  readonly #calls: readonly Call[];
  readonly #hasReductions: boolean;
  readonly #hasHints: boolean;

  // The list: entry 0 is its head, 1 … are invocations and returns in the order of the history.
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #callAt: Int32Array;
  readonly #isReturn: Uint8Array;
  readonly #invocation: Int32Array;
  readonly #return: Int32Array;

  /** Bit of each call in the set of its kind. */
  readonly #bit: Int32Array;
  readonly #isCrashed: Uint8Array;
  /** The crashed call of the same class before this one; -1 without. */
  readonly #twin: Int32Array;
  readonly #isPure: Uint8Array;
  readonly #completed: Bitset;
  readonly #crashed: Bitset;
  readonly #memo: ConfigurationMemo;
  readonly #total: number;
  #remaining: number;

  readonly #states: ModelState[] = [];
  readonly #stateIds = new Map<ModelState, number>();
  readonly #classOf: Int32Array;
  /** #transitions[class][state]: the next state, ILLEGAL or NOT_TRIED. */
  readonly #transitions: Int32Array[] = [];
  readonly #representatives: Call[] = [];
  #state = 0;

  // Frames of the walk: which call, from which state, and whether there was a choice.
  readonly #frameCall: Int32Array;
  readonly #frameState: Int32Array;
  readonly #frameKind: Uint8Array;
  #depth = 0;

  #deepest = 0;
  #deepestOrder = new Int32Array(0);
  readonly #deepestStates = new Set<number>();
  #steps = 0;

  constructor(model: Model, given: readonly Call[], limits: SearchLimits) {
    this.#model = model;
    this.#limits = limits;
    this.#hasReductions = limits.hasReductions ?? true;
    const calls = this.#hasReductions
      ? given.filter((call) => call.end !== Infinity || !model.isPure(call))
      : given;
    this.#calls = calls;
    this.#hasHints = calls.some((call) => call.hint !== undefined);
    const count = calls.length;
    this.#next = new Int32Array(2 * count + 2);
    this.#previous = new Int32Array(2 * count + 2);
    this.#callAt = new Int32Array(2 * count + 2);
    this.#isReturn = new Uint8Array(2 * count + 2);
    this.#invocation = new Int32Array(count);
    this.#return = new Int32Array(count);
    this.#bit = new Int32Array(count);
    this.#isCrashed = new Uint8Array(count);
    this.#twin = new Int32Array(count).fill(-1);
    this.#isPure = new Uint8Array(count);
    this.#classOf = new Int32Array(count);
    this.#frameCall = new Int32Array(count);
    this.#frameState = new Int32Array(count);
    this.#frameKind = new Uint8Array(count);
    this.#link();
    const crashedCount = this.#classify();
    this.#total = count - crashedCount;
    this.#remaining = this.#total;
    this.#completed = new Bitset(this.#total);
    this.#crashed = new Bitset(crashedCount);
    this.#memo = new ConfigurationMemo(crashedCount);
    this.#state = this.#stateId(model.init);
  }

  #link(): void {
    const events: { readonly at: number; readonly call: number; readonly isReturn: boolean }[] = [];
    this.#calls.forEach((call, index) => {
      events.push({ at: call.start, call: index, isReturn: false });
      if (call.end !== Infinity) events.push({ at: call.end, call: index, isReturn: true });
    });
    events.sort((a, b) => a.at - b.at);
    events.forEach((event, index) => {
      const entry = index + 1;
      this.#callAt[entry] = event.call;
      this.#isReturn[entry] = event.isReturn ? 1 : 0;
      (event.isReturn ? this.#return : this.#invocation)[event.call] = entry;
      this.#previous[entry] = index;
      this.#next[index] = entry;
    });
    this.#next[events.length] = 0;
  }

  /** Numbers calls and classes in the order of invocation; returns how many calls crashed. */
  #classify(): number {
    const classes = new Map<string, number>();
    const lastCrashed = new Map<number, number>();
    let completedCount = 0;
    let crashedCount = 0;
    for (let entry = this.#next[0] as number; entry !== 0; entry = this.#next[entry] as number) {
      if (this.#isReturn[entry] === 1) continue;
      const index = this.#callAt[entry] as number;
      const call = this.#calls[index] as Call;
      const name = this.#model.classOf(call);
      let id = classes.get(name);
      if (id === undefined) {
        id = classes.size;
        classes.set(name, id);
        this.#transitions.push(new Int32Array(8).fill(NOT_TRIED));
        this.#representatives.push(call);
      }
      this.#classOf[index] = id;
      if (call.end === Infinity) {
        this.#isCrashed[index] = 1;
        this.#bit[index] = crashedCount++;
        if (this.#hasReductions) this.#twin[index] = lastCrashed.get(id) ?? -1;
        lastCrashed.set(id, index);
      } else {
        this.#bit[index] = completedCount++;
        this.#isPure[index] = this.#hasReductions && this.#model.isPure(call) ? 1 : 0;
      }
    }
    return crashedCount;
  }

  run(): SearchResult {
    this.#absorb();
    this.#memo.add(this.#completed, this.#state, this.#crashed);
    let entry = this.#first();
    let isGuess = entry !== this.#next[0];
    while (this.#remaining > 0) {
      if (++this.#steps % STEPS_BETWEEN_CHECKS === 0 || this.#steps >= this.#limits.maxSteps) {
        const cause = this.#exceeded();
        if (cause !== undefined) return this.#unknown(cause);
      }
      if (this.#isReturn[entry] === 1) {
        this.#noteDeepest(entry);
        const resume = this.#backtrack();
        if (resume === 0) return this.#failed();
        entry = resume;
        isGuess = false;
      } else if (this.#tryCall(this.#callAt[entry] as number, isGuess)) {
        entry = this.#first();
        isGuess = entry !== this.#next[0];
      } else {
        entry = (isGuess ? this.#next[0] : this.#next[entry]) as number;
        isGuess = false;
      }
    }
    const order = Array.from(this.#frameCall.subarray(0, this.#depth));
    return { verdict: 'linearizable', order: this.#callsOf(order), ...this.#counts() };
  }

  /** Linearizes the call here, if that is legal and leads to a configuration not seen before. */
  #tryCall(call: number, isGuess: boolean): boolean {
    const twin = this.#twin[call] as number;
    if (twin !== -1 && !this.#crashed.has(this.#bit[twin] as number)) return false;
    const state = this.#transition(this.#classOf[call] as number, this.#state);
    if (state === ILLEGAL || this.#isCrashedInVain(call, state)) return false;
    const depth = this.#depth;
    this.#push(call, isGuess ? FrameKind.guess : FrameKind.choice);
    this.#state = state;
    this.#absorb();
    if (this.#memo.add(this.#completed, this.#state, this.#crashed)) return true;
    while (this.#depth > depth) this.#pop();
    return false;
  }

  /** Whether the last call was a crashed one that makes no difference to this one. */
  #isCrashedInVain(call: number, state: number): boolean {
    if (!this.#hasReductions || this.#depth === 0) return false;
    const last = this.#depth - 1;
    if (this.#isCrashed[this.#frameCall[last] as number] === 0) return false;
    const before = this.#frameState[last] as number;
    return this.#transition(this.#classOf[call] as number, before) === state;
  }

  /**
   * Linearizes every pure call that is legal now. One pass is enough: the state stays, so a call that was
   * illegal remains so, and a lifted return only opens what comes after it.
   */
  #absorb(): void {
    if (!this.#hasReductions) return;
    let entry = this.#next[0] as number;
    while (entry !== 0 && this.#isReturn[entry] === 0) {
      const call = this.#callAt[entry] as number;
      const following = this.#next[entry] as number;
      if (
        this.#isPure[call] === 1 &&
        this.#transition(this.#classOf[call] as number, this.#state) === this.#state
      ) {
        const isOwnReturnNext = following === this.#return[call];
        const afterReturn = this.#next[following] as number;
        this.#push(call, FrameKind.forced);
        entry = isOwnReturnNext ? afterReturn : following;
      } else {
        entry = following;
      }
    }
  }

  /** Where to begin in a new configuration: the legal candidate with the least hint, else the first. */
  #first(): number {
    const first = this.#next[0] as number;
    if (!this.#hasHints) return first;
    let best = first;
    let bestHint: bigint | undefined;
    let entry = first;
    for (; entry !== 0 && this.#isReturn[entry] === 0; entry = this.#next[entry] as number) {
      const call = this.#callAt[entry] as number;
      const { hint } = this.#calls[call] as Call;
      if (hint === undefined || (bestHint !== undefined && hint >= bestHint)) continue;
      if (this.#transition(this.#classOf[call] as number, this.#state) === ILLEGAL) continue;
      best = entry;
      bestHint = hint;
    }
    return best;
  }

  #transition(classId: number, state: number): number {
    let row = this.#transitions[classId] as Int32Array;
    if (state >= row.length) {
      const longer = new Int32Array(Math.max(row.length * 2, state + 1)).fill(NOT_TRIED);
      longer.set(row);
      this.#transitions[classId] = longer;
      row = longer;
    }
    const known = row[state] as number;
    return known === NOT_TRIED ? this.#learn(row, classId, state) : known;
  }

  #learn(row: Int32Array, classId: number, state: number): number {
    const representative = this.#representatives[classId] as Call;
    const result = this.#model.step(this.#states[state] as ModelState, representative);
    const next = result === undefined ? ILLEGAL : this.#stateId(result);
    row[state] = next;
    return next;
  }

  #stateId(state: ModelState): number {
    let id = this.#stateIds.get(state);
    if (id === undefined) {
      id = this.#states.length;
      this.#states.push(state);
      this.#stateIds.set(state, id);
    }
    return id;
  }

  #push(call: number, kind: FrameKind): void {
    this.#frameCall[this.#depth] = call;
    this.#frameState[this.#depth] = this.#state;
    this.#frameKind[this.#depth++] = kind;
    this.#lift(this.#invocation[call] as number);
    if (this.#isCrashed[call] === 1) {
      this.#crashed.add(this.#bit[call] as number);
    } else {
      this.#lift(this.#return[call] as number);
      this.#completed.add(this.#bit[call] as number);
      this.#remaining--;
    }
  }

  #pop(): number {
    const call = this.#frameCall[--this.#depth] as number;
    this.#state = this.#frameState[this.#depth] as number;
    if (this.#isCrashed[call] === 1) {
      this.#crashed.delete(this.#bit[call] as number);
    } else {
      this.#completed.delete(this.#bit[call] as number);
      this.#unlift(this.#return[call] as number);
      this.#remaining++;
    }
    this.#unlift(this.#invocation[call] as number);
    return call;
  }

  #lift(entry: number): void {
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    this.#next[previous] = next;
    if (next !== 0) this.#previous[next] = previous;
  }

  #unlift(entry: number): void {
    const next = this.#next[entry] as number;
    this.#next[this.#previous[entry] as number] = entry;
    if (next !== 0) this.#previous[next] = entry;
  }

  /** Takes back what was forced and the last choice; returns where to go on, 0 when all is tried. */
  #backtrack(): number {
    while (this.#depth > 0) {
      const kind = this.#frameKind[this.#depth - 1] as FrameKind;
      const call = this.#pop();
      if (kind === FrameKind.guess) return this.#next[0] as number;
      if (kind === FrameKind.choice) return this.#next[this.#invocation[call] as number] as number;
    }
    return 0;
  }

  #noteDeepest(entry: number): void {
    if (entry < this.#deepest) return;
    if (entry > this.#deepest) {
      this.#deepest = entry;
      this.#deepestOrder = this.#frameCall.slice(0, this.#depth);
      this.#deepestStates.clear();
    }
    if (this.#deepestStates.size < MAX_STATES) this.#deepestStates.add(this.#state);
  }

  #exceeded(): UnknownCause | undefined {
    if (this.#steps >= this.#limits.maxSteps) return 'steps';
    if (this.#memo.sizeBytes > this.#limits.maxBytes) return 'bytes';
    return this.#limits.isPastDeadline?.() === true ? 'deadline' : undefined;
  }

  #unknown(cause: UnknownCause): SearchResult {
    let passed = 0;
    for (let entry = 1; entry < this.#deepest; entry++) passed += this.#isReturn[entry] as number;
    return {
      verdict: 'unknown',
      cause,
      progress: { passed, total: this.#total },
      ...this.#counts(),
    };
  }

  #failed(): SearchResult {
    return {
      verdict: 'non-linearizable',
      blocked: this.#calls[this.#callAt[this.#deepest] as number] as Call,
      order: this.#callsOf(Array.from(this.#deepestOrder)),
      states: [...this.#deepestStates].map((id) => this.#states[id] as ModelState),
      ...this.#counts(),
    };
  }

  #callsOf(indices: readonly number[]): readonly Call[] {
    return indices.map((index) => this.#calls[index] as Call);
  }

  #counts(): SearchCounts {
    return { steps: this.#steps, configurations: this.#memo.size };
  }
}

/** `guess`: chosen by its hint, out of turn; after it every candidate is tried from the first on. */
const FrameKind = { choice: 0, guess: 1, forced: 2 } as const;
type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
