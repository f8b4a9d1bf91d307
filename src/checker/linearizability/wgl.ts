/**
 * The plain exact engine: Wing and Gong's depth-first walk over a linked list of invocations and
 * returns, with Lowe's memo of visited configurations. An invocation may be linearized when no return
 * stands before it; meeting a return means that its call had to be linearized already. It goes through a
 * history in another order than the just-in-time engine, and confirms what that one finds.
 *
 * Five reductions, each sound and complete, all switched off by `hasReductions: false`:
 *  1. A pure operation is linearized as soon as it is legal. Moving it here from later leaves every
 *     other operation in the state it had.
 *  2. A pure crashed operation is left out: nobody saw its result and nothing follows from it.
 *  3. Of crashed operations of one class only the earliest unused one is tried. Whoever uses a later one
 *     could use the earlier instead, which has been available for longer.
 *  4. A configuration that used more crashed operations than a visited, otherwise equal one is refused
 *     (in the memo). What it can still do, the visited one can do as well.
 *  5. After a crashed operation, one that leads to the same state as it would have led to without the
 *     crashed one is refused: leaving that one out is as good and comes up on its own.
 *
 * Which candidate comes first is a matter of luck for the search but not of its answer: hints (zxids)
 * make correct histories nearly linear in time and can mislead nothing.
 */
import { Bitset } from '../../base/bitset.ts';
import { NEVER } from '../history/columns.ts';
import { type Meter, SearchStopped } from './budget.ts';
import { ConfigurationMemo } from './memo.ts';
import { type EngineResult, MAX_REPORTED_STATES, type Problem } from './problem.ts';
import { ILLEGAL, type StateSpace } from './state-space.ts';

/** The problem of a search without reductions must have kept its pure crashed operations. */
export function searchWgl(problem: Problem, meter: Meter, hasReductions: boolean): EngineResult {
  return new Search(problem, meter, hasReductions).run();
}

class Search {
  readonly #problem: Problem;
  readonly #space: StateSpace;
  readonly #meter: Meter;
  readonly #hasReductions: boolean;

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

  readonly #classOf: Int32Array;
  #state = 0;

  // Frames of the walk: which call, from which state, and whether there was a choice.
  readonly #frameCall: Int32Array;
  readonly #frameState: Int32Array;
  readonly #frameKind: Uint8Array;
  #depth = 0;

  #deepest = 0;
  readonly #deepestStates = new Set<number>();

  constructor(problem: Problem, meter: Meter, hasReductions: boolean) {
    this.#problem = problem;
    this.#space = problem.space;
    this.#meter = meter;
    this.#hasReductions = hasReductions;
    const { count, classOf } = problem;
    this.#next = new Int32Array(2 * count + 2);
    this.#previous = new Int32Array(2 * count + 2);
    this.#callAt = new Int32Array(2 * count + 2);
    this.#isReturn = new Uint8Array(2 * count + 2);
    this.#invocation = new Int32Array(count);
    this.#return = new Int32Array(count);
    this.#bit = new Int32Array(count);
    this.#isCrashed = new Uint8Array(count);
    this.#twin = new Int32Array(count).fill(-1);
    this.#isPure = hasReductions ? problem.isPure : new Uint8Array(count);
    this.#classOf = classOf;
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
    this.#state = problem.space.initial;
  }

  /** Invocations and returns in the order of their ranks. */
  #link(): void {
    const { count, start, end, returns } = this.#problem;
    let entry = 0;
    let returned = 0;
    const add = (call: number, isReturn: boolean): void => {
      this.#previous[entry + 1] = entry;
      this.#next[entry++] = entry;
      this.#callAt[entry] = call;
      this.#isReturn[entry] = isReturn ? 1 : 0;
      (isReturn ? this.#return : this.#invocation)[call] = entry;
    };
    for (let call = 0; call <= count; call++) {
      const rank = call < count ? (start[call] as number) : NEVER;
      for (; returned < returns.length; returned++) {
        const next = returns[returned] as number;
        if ((end[next] as number) > rank) break;
        add(next, true);
      }
      if (call < count) add(call, false);
    }
    this.#next[entry] = 0;
  }

  /** Numbers the operations of each kind; returns how many crashed. */
  #classify(): number {
    const lastCrashed = new Map<number, number>();
    let completedCount = 0;
    let crashedCount = 0;
    for (let call = 0; call < this.#problem.count; call++) {
      if (this.#problem.end[call] !== NEVER) {
        this.#bit[call] = completedCount++;
        continue;
      }
      const classId = this.#classOf[call] as number;
      this.#isCrashed[call] = 1;
      this.#bit[call] = crashedCount++;
      if (this.#hasReductions) this.#twin[call] = lastCrashed.get(classId) ?? -1;
      lastCrashed.set(classId, call);
    }
    return crashedCount;
  }

  run(): EngineResult {
    try {
      return this.#search();
    } catch (thrown) {
      if (!(thrown instanceof SearchStopped)) throw thrown;
      return this.#unknown(thrown);
    }
  }

  #search(): EngineResult {
    this.#absorb();
    this.#memo.add(this.#completed, this.#state, this.#crashed);
    let entry = this.#first();
    let isGuess = entry !== this.#next[0];
    while (this.#remaining > 0) {
      this.#meter.tick(this.#memo.sizeBytes + this.#space.sizeBytes);
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
    const order = this.#frameCall.slice(0, this.#depth).map((call) => this.#rowOf(call));
    return { verdict: 'linearizable', order, configurations: this.#memo.size };
  }

  #rowOf(call: number): number {
    return this.#problem.row[call] as number;
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
    const hints = this.#problem.hint;
    if (hints === undefined) return first;
    let best = first;
    let bestHint = Infinity;
    let entry = first;
    for (; entry !== 0 && this.#isReturn[entry] === 0; entry = this.#next[entry] as number) {
      const call = this.#callAt[entry] as number;
      const hint = hints[call] as number;
      if (Number.isNaN(hint) || hint >= bestHint) continue;
      if (this.#transition(this.#classOf[call] as number, this.#state) === ILLEGAL) continue;
      best = entry;
      bestHint = hint;
    }
    return best;
  }

  #transition(classId: number, state: number): number {
    return this.#space.transition(classId, state);
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
      this.#deepestStates.clear();
    }
    if (this.#deepestStates.size < MAX_REPORTED_STATES) this.#deepestStates.add(this.#state);
  }

  #unknown({ cause, message }: SearchStopped): EngineResult {
    let passed = 0;
    for (let entry = 1; entry < this.#deepest; entry++) passed += this.#isReturn[entry] as number;
    return {
      verdict: 'unknown',
      cause,
      ...(cause === 'model-error' ? { message } : {}),
      progress: { passed, total: this.#total },
      configurations: this.#memo.size,
    };
  }

  #failed(): EngineResult {
    return {
      verdict: 'non-linearizable',
      blocked: this.#rowOf(this.#callAt[this.#deepest] as number),
      states: [...this.#deepestStates].map((id) => this.#space.state(id)),
      configurations: this.#memo.size,
    };
  }
}

/** `guess`: chosen by its hint, out of turn; after it every candidate is tried from the first on. */
const FrameKind = { choice: 0, guess: 1, forced: 2 } as const;
type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
