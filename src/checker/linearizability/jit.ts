/**
 * The fast exact engine: just-in-time linearization (Lowe), depth first. The search walks from return to
 * return; only when a return is reached whose operation has not been linearized yet is something
 * linearized at all. A configuration is (level, bits of the live operations, state, crashed operations
 * used); visited ones are kept in a memo.
 *
 * Reductions, each sound and complete, each switched off by its flag:
 *  - absorption: a live operation that is pure in every state is linearized as soon as it is legal.
 *    Moving it here from later leaves every other operation in the state that it had.
 *  - twins: of live operations of one class the one that returns first goes first. In an order that uses
 *    a later one, the two can change places: both are live, and the other's place is early enough.
 *  - crashes: crashed operations of one class are one counter; a configuration that used more of them
 *    than a visited, otherwise equal one is refused. What it can still do, the visited one can.
 *  - vain: a crashed operation right before an operation that would have led to the same state without
 *    it was used in vain: leaving it out comes up on its own and is as good.
 *  - hiding: when q is linearized and overwrites a live p (legal everywhere, without trace after q), p
 *    could have been put right before q. p becomes hidden: satisfied, and still free to be used until it
 *    returns. Linearizing such a p and then q, with nothing absorbed in between, is therefore refused.
 *  - lookAhead: a state in which one of the next returns can never become legal is refused.
 *  - cuts: when memory is short, what was remembered before the last quiescent point is forgotten.
 */
import { NEVER } from '../history/columns.ts';
import { type Meter, SearchStopped } from './budget.ts';
import { CrashedSets } from './crashed-sets.ts';
import { JitMemo } from './jit-memo.ts';
import { type Levels, levelsOf } from './levels.ts';
import { type EngineResult, MAX_REPORTED_STATES, type Problem } from './problem.ts';
import { ILLEGAL, type StateSpace } from './state-space.ts';

export interface Reductions {
  readonly absorption: boolean;
  readonly twins: boolean;
  readonly crashes: boolean;
  readonly vain: boolean;
  readonly hiding: boolean;
  readonly lookAhead: boolean;
  readonly cuts: boolean;
}

/** Without hiding, which makes some histories easy and more of them harder: it is tried by turns. */
export const DEFAULT_REDUCTIONS: Reductions = {
  absorption: true,
  twins: true,
  crashes: true,
  vain: true,
  hiding: false,
  lookAhead: true,
  cuts: true,
};

export function searchJit(
  problem: Problem,
  meter: Meter,
  reductions: Reductions = DEFAULT_REDUCTIONS,
): EngineResult {
  return new JitSearch(problem, meter, reductions).run();
}

/** How many returns ahead a state is asked whether it is a dead end. */
const LOOK_AHEAD = 4;

type Status = 'open' | 'dead' | 'done';

/** Words of a frame before its bits. */
const FRAME = 7;
const NO_OP = -0x80000000;
/** The candidate that lets the return of a hidden operation pass. */
const PASS = -0x7fffffff;

class JitSearch {
  readonly #problem: Problem;
  readonly #space: StateSpace;
  readonly #meter: Meter;
  readonly #reductions: Reductions;
  readonly #levels: Levels;
  readonly #hasImpossible: boolean;
  readonly #hasHiding: boolean;

  // Crashed operations by group: rows of each group in the order of invocation.
  readonly #groupClass: number[] = [];
  readonly #groupOps: number[][] = [];
  readonly #crashed: CrashedSets;
  readonly #memo: JitMemo;

  // The configuration at hand. Bits: linearized slots, then hidden ones where operations may hide.
  #level = 0;
  #state = 0;
  #used = 0;
  readonly #words: number;
  readonly #bits: Int32Array;
  #hasAbsorbed = false;

  /** Level, state, used, path length, first candidate, next candidate, last step; then bits. */
  #frames: Int32Array;
  readonly #frameSize: number;
  #depth = 0;
  #candidates = new Int32Array(64);
  #candidateCount = 0;
  /** Linearized operations, crashed groups as -1 - group, and the level at which each was chosen. */
  readonly #path: Int32Array;
  readonly #pathLevel: Int32Array;
  #pathLength = 0;

  readonly #seenLive: Int32Array;
  readonly #seenHidden: Int32Array;
  #stamp = 0;

  #deepest = -1;
  #deepestStates: number[] = [];
  #forgotBefore = 0;

  constructor(problem: Problem, meter: Meter, reductions: Reductions) {
    this.#problem = problem;
    this.#space = problem.space;
    this.#meter = meter;
    this.#reductions = reductions;
    const { model } = problem.space;
    this.#hasImpossible = reductions.lookAhead && model.impossible !== undefined;
    this.#hasHiding = reductions.hiding && model.overwrites !== undefined;
    this.#levels = levelsOf(problem);
    this.#words = this.#levels.words;
    this.#path = new Int32Array(problem.count);
    this.#pathLevel = new Int32Array(problem.count);
    this.#groupCrashed();
    this.#crashed = new CrashedSets(this.#groupClass.length);
    const width = this.#hasHiding ? 2 * this.#words : this.#words;
    this.#bits = new Int32Array(width);
    this.#memo = new JitMemo(width, this.#crashed, reductions.crashes);
    this.#frameSize = FRAME + width;
    this.#frames = new Int32Array(this.#frameSize * 32);
    this.#seenLive = new Int32Array(problem.space.classCount);
    this.#seenHidden = new Int32Array(problem.space.classCount);
    this.#state = problem.space.initial;
  }

  #groupCrashed(): void {
    const { count, end, classOf } = this.#problem;
    const groupOf = new Map<number, number>();
    for (let op = 0; op < count; op++) {
      if (end[op] !== NEVER) continue;
      const classId = classOf[op] as number;
      let group = this.#reductions.crashes ? groupOf.get(classId) : undefined;
      if (group === undefined) {
        group = this.#groupClass.push(classId) - 1;
        groupOf.set(classId, group);
        this.#groupOps.push([]);
      }
      this.#groupOps[group]?.push(op);
    }
  }

  run(): EngineResult {
    try {
      return this.#search();
    } catch (thrown) {
      if (!(thrown instanceof SearchStopped)) throw thrown;
      const progress = { passed: Math.max(0, this.#deepest), total: this.#levels.count };
      const { cause } = thrown;
      const message = cause === 'model-error' ? { message: thrown.message } : {};
      return { verdict: 'unknown', cause, progress, configurations: this.#memo.size, ...message };
    }
  }

  #search(): EngineResult {
    if (this.#levels.count === 0) return this.#done();
    this.#absorbAll();
    let status = this.#advance();
    for (;;) {
      if (status === 'done') return this.#done();
      if (status === 'open') this.#pushFrame();
      do {
        while (this.#depth > 0 && this.#isExhausted()) this.#popFrame();
        if (this.#depth === 0) return this.#failed();
        this.#meter.tick(this.#sizeBytes());
        status = this.#tryNext();
      } while (status === 'dead');
    }
  }

  /** Linearizes every live pure operation that is legal now. */
  #absorbAll(): void {
    if (!this.#reductions.absorption) return;
    const { live, liveFrom } = this.#levels;
    const to = liveFrom[this.#level + 1] as number;
    for (let at = liveFrom[this.#level] as number; at < to; at++) this.#absorb(live[at] as number);
  }

  #absorb(op: number): void {
    const { isPure, classOf } = this.#problem;
    if (isPure[op] === 0 || this.#isLinearized(op)) return;
    if (this.#space.transition(classOf[op] as number, this.#state) !== this.#state) return;
    this.#setLinearized(op);
    this.#addToPath(op);
    this.#hasAbsorbed = true;
  }

  /** Passes the returns of what is linearized, and stops at the first that is not. */
  #advance(): Status {
    for (;;) {
      const op = this.#levels.returns[this.#level] as number;
      if (!this.#isLinearized(op)) break;
      this.#clear(op);
      if (this.#isLastLevel()) return 'done';
    }
    this.#noteDeepest();
    if (this.#hasImpossible && this.#isDeadEnd()) return 'dead';
    const isNew = this.#memo.add(this.#level, this.#state, this.#bits, this.#used);
    return isNew ? 'open' : 'dead';
  }

  /** Goes to the next level, where there is one. */
  #isLastLevel(): boolean {
    const { invoked, invokedBefore, count } = this.#levels;
    const known = invokedBefore[this.#level] as number;
    if (++this.#level === count) return true;
    if (!this.#reductions.absorption) return false;
    const to = invokedBefore[this.#level] as number;
    for (let at = known; at < to; at++) this.#absorb(invoked[at] as number);
    return false;
  }

  #isDeadEnd(): boolean {
    const { returns, count } = this.#levels;
    const to = Math.min(count, this.#level + LOOK_AHEAD);
    for (let level = this.#level; level < to; level++) {
      const op = returns[level] as number;
      const isBorn = (this.#levels.bornAt[op] as number) <= this.#level;
      if (isBorn && (this.#isLinearized(op) || this.#isHidden(op))) continue;
      const classId = this.#problem.classOf[op] as number;
      if (this.#space.isImpossible(classId, this.#state)) return true;
    }
    return false;
  }

  #noteDeepest(): void {
    if (this.#level < this.#deepest) return;
    if (this.#level > this.#deepest) {
      this.#deepest = this.#level;
      this.#deepestStates = [];
    }
    const states = this.#deepestStates;
    if (states.length < MAX_REPORTED_STATES && !states.includes(this.#state)) {
      states.push(this.#state);
    }
  }

  #pushFrame(): void {
    const at = this.#depth * this.#frameSize;
    if (at + this.#frameSize > this.#frames.length) this.#frames = doubled(this.#frames);
    const frames = this.#frames;
    frames[at] = this.#level;
    frames[at + 1] = this.#state;
    frames[at + 2] = this.#used;
    frames[at + 3] = this.#pathLength;
    for (let word = 0; word < this.#bits.length; word++) {
      frames[at + FRAME + word] = this.#bits[word] as number;
    }
    frames[at + 6] = this.#vainStep();
    frames[at + 4] = this.#candidateCount;
    frames[at + 5] = this.#candidateCount;
    this.#depth++;
    const due = this.#levels.returns[this.#level] as number;
    if (this.#isHidden(due)) {
      // Its last chance: it may pass as hidden, or be used now like any other.
      this.#addCandidate(PASS);
      this.#clear(due);
      const word = this.#words + ((this.#levels.slot[due] as number) >>> 5);
      frames[at + FRAME + word] = this.#bits[word] as number;
    }
    this.#collectCandidates();
  }

  /**
   * The step that led here, where it may turn out to have been in vain: it happened at this very level,
   * and nothing was absorbed since. NO_OP otherwise.
   */
  #vainStep(): number {
    if (this.#depth === 0 || this.#hasAbsorbed) return NO_OP;
    const parent = (this.#depth - 1) * this.#frameSize;
    if (this.#frames[parent] !== this.#level) return NO_OP;
    return this.#candidates[(this.#frames[parent + 5] as number) - 1] as number;
  }

  #isExhausted(): boolean {
    const at = (this.#depth - 1) * this.#frameSize;
    return (this.#frames[at + 5] as number) === this.#candidateCount;
  }

  #popFrame(): void {
    const at = --this.#depth * this.#frameSize;
    this.#candidateCount = this.#frames[at + 4] as number;
  }

  /** Takes the next candidate of the top frame. */
  #tryNext(): Status {
    const at = (this.#depth - 1) * this.#frameSize;
    const frames = this.#frames;
    const candidate = this.#candidates[frames[at + 5] as number] as number;
    frames[at + 5] = (frames[at + 5] as number) + 1;
    this.#level = frames[at] as number;
    this.#state = frames[at + 1] as number;
    this.#used = frames[at + 2] as number;
    this.#pathLength = frames[at + 3] as number;
    for (let word = 0; word < this.#bits.length; word++) {
      this.#bits[word] = frames[at + FRAME + word] as number;
    }
    this.#hasAbsorbed = false;
    if (candidate === PASS) return this.#isLastLevel() ? 'done' : this.#advance();
    const classId = this.#classOfCandidate(candidate);
    const before = this.#state;
    if (this.#hasHiding) this.#hideBehind(classId, candidate);
    this.#state = this.#space.transition(classId, before);
    if (candidate >= 0) this.#setLinearized(candidate);
    else this.#used = this.#crashed.plus(this.#used, -1 - candidate);
    this.#addToPath(candidate);
    if (this.#state !== before) this.#absorbAll();
    return this.#advance();
  }

  #classOfCandidate(candidate: number): number {
    return candidate >= 0
      ? (this.#problem.classOf[candidate] as number)
      : (this.#groupClass[-1 - candidate] as number);
  }

  /** Live operations that the next step overwrites become hidden. */
  #hideBehind(classId: number, candidate: number): void {
    const { live, liveFrom } = this.#levels;
    const { classOf, isPure } = this.#problem;
    const to = liveFrom[this.#level + 1] as number;
    for (let at = liveFrom[this.#level] as number; at < to; at++) {
      const op = live[at] as number;
      if (op === candidate || isPure[op] === 1 || this.#isLinearized(op)) continue;
      if (this.#space.overwrites(classId, classOf[op] as number)) this.#setHidden(op);
    }
  }

  /** The return that is due first, then what makes it legal, then the rest, crashed ones last. */
  #collectCandidates(): void {
    const { live, liveFrom } = this.#levels;
    const { classOf, isPure } = this.#problem;
    const from = liveFrom[this.#level] as number;
    const to = liveFrom[this.#level + 1] as number;
    const due = classOf[live[from] as number] as number;
    const stamp = ++this.#stamp;
    const later: number[] = [];
    for (let at = from; at < to; at++) {
      const op = live[at] as number;
      if (this.#isLinearized(op) || (isPure[op] === 1 && this.#reductions.absorption)) continue;
      const classId = classOf[op] as number;
      if (this.#reductions.twins) {
        const seen = this.#isHidden(op) ? this.#seenHidden : this.#seenLive;
        if (seen[classId] === stamp) continue;
        seen[classId] = stamp;
      }
      const next = this.#space.transition(classId, this.#state);
      if (next === ILLEGAL || this.#isLastInVain(classId, next)) continue;
      if (at === from || this.#space.transition(due, next) !== ILLEGAL) this.#addCandidate(op);
      else later.push(op);
    }
    this.#collectCrashed(due, later);
    for (const candidate of later) this.#addCandidate(candidate);
    if (this.#problem.hint !== undefined) this.#sortByHint(this.#problem.hint);
  }

  #collectCrashed(due: number, later: number[]): void {
    const { start, end } = this.#problem;
    const limit = end[this.#levels.returns[this.#level] as number] as number;
    for (let group = 0; group < this.#groupClass.length; group++) {
      const ops = this.#groupOps[group] as number[];
      const nextOp = ops[this.#crashed.used(this.#used, group)];
      if (nextOp === undefined || (start[nextOp] as number) > limit) continue;
      const classId = this.#groupClass[group] as number;
      const next = this.#space.transition(classId, this.#state);
      if (next === ILLEGAL || this.#isLastInVain(classId, next)) continue;
      const isIdle = next === this.#state && this.#hidesNothing(classId);
      if (isIdle && this.#reductions.vain) continue;
      if (this.#space.transition(due, next) !== ILLEGAL) this.#addCandidate(-1 - group);
      else later.push(-1 - group);
    }
  }

  /** Whether the step before was in vain if an operation of this class comes next. */
  #isLastInVain(classId: number, next: number): boolean {
    const at = (this.#depth - 1) * this.#frameSize;
    const last = this.#frames[at + 6] as number;
    if (last === NO_OP || this.#depth < 2) return false;
    const parent = at - this.#frameSize;
    if (isCrashed(last)) {
      if (!this.#reductions.vain) return false;
      const before = this.#frames[parent + 1] as number;
      if (this.#space.transition(classId, before) !== next) return false;
    } else if (!this.#hasHiding || !this.#space.overwrites(classId, this.#classOfCandidate(last))) {
      return false;
    }
    return this.#hidesAllOf(classId, parent);
  }

  /** Whether an operation of this class, linearized now, would leave the bits as they are. */
  #hidesNothing(classId: number): boolean {
    if (!this.#hasHiding) return true;
    const { live, liveFrom } = this.#levels;
    const to = liveFrom[this.#level + 1] as number;
    for (let at = liveFrom[this.#level] as number; at < to; at++) {
      const op = live[at] as number;
      if (this.#isLinearized(op) || this.#isHidden(op)) continue;
      if (this.#space.overwrites(classId, this.#problem.classOf[op] as number)) return false;
    }
    return true;
  }

  /** Whether what the last step has hidden would be hidden by an operation of this class as well. */
  #hidesAllOf(classId: number, parent: number): boolean {
    if (!this.#hasHiding) return true;
    const { live, liveFrom, slot } = this.#levels;
    const to = liveFrom[this.#level + 1] as number;
    for (let at = liveFrom[this.#level] as number; at < to; at++) {
      const op = live[at] as number;
      if (!this.#isHidden(op)) continue;
      const bit = slot[op] as number;
      const word = FRAME + this.#words + (bit >>> 5);
      const wasHidden = ((this.#frames[parent + word] as number) & (1 << (bit & 31))) !== 0;
      if (wasHidden) continue;
      if (!this.#space.overwrites(classId, this.#problem.classOf[op] as number)) return false;
    }
    return true;
  }

  #addCandidate(candidate: number): void {
    if (this.#candidateCount === this.#candidates.length) {
      this.#candidates = doubled(this.#candidates);
    }
    this.#candidates[this.#candidateCount++] = candidate;
  }

  /** Hints steer: the least goes first, those without one keep their places behind. */
  #sortByHint(hint: Float64Array): void {
    const from = this.#frames[(this.#depth - 1) * this.#frameSize + 4] as number;
    const hintOf = (candidate: number): number => {
      const known = candidate < 0 ? Number.NaN : (hint[candidate] as number);
      return Number.isNaN(known) ? Infinity : known;
    };
    const chosen = Array.from(this.#candidates.subarray(from, this.#candidateCount));
    chosen.sort((a, b) => (hintOf(a) === hintOf(b) ? 0 : hintOf(a) - hintOf(b)));
    this.#candidates.set(chosen, from);
  }

  #addToPath(candidate: number): void {
    this.#pathLevel[this.#pathLength] = this.#level;
    this.#path[this.#pathLength++] = candidate;
  }

  #isLinearized(op: number): boolean {
    const bit = this.#levels.slot[op] as number;
    return ((this.#bits[bit >>> 5] as number) & (1 << (bit & 31))) !== 0;
  }

  #isHidden(op: number): boolean {
    if (!this.#hasHiding) return false;
    const bit = this.#levels.slot[op] as number;
    return ((this.#bits[this.#words + (bit >>> 5)] as number) & (1 << (bit & 31))) !== 0;
  }

  #setLinearized(op: number): void {
    this.#clear(op);
    const bit = this.#levels.slot[op] as number;
    const word = bit >>> 5;
    this.#bits[word] = (this.#bits[word] as number) | (1 << (bit & 31));
  }

  #setHidden(op: number): void {
    const bit = this.#levels.slot[op] as number;
    const word = this.#words + (bit >>> 5);
    this.#bits[word] = (this.#bits[word] as number) | (1 << (bit & 31));
  }

  #clear(op: number): void {
    const bit = this.#levels.slot[op] as number;
    const keep = ~(1 << (bit & 31));
    const word = bit >>> 5;
    this.#bits[word] = (this.#bits[word] as number) & keep;
    if (!this.#hasHiding) return;
    this.#bits[this.#words + word] = (this.#bits[this.#words + word] as number) & keep;
  }

  #sizeBytes(): number {
    const sizeBytes = this.#memo.sizeBytes + this.#crashed.sizeBytes + this.#space.sizeBytes;
    if (sizeBytes <= this.#meter.maxBytes || !this.#reductions.cuts) return sizeBytes;
    // At a quiescent point every operation that was invoked has returned.
    let cut = this.#level;
    while (cut > this.#forgotBefore && (this.#levels.invokedBefore[cut - 1] as number) !== cut)
      cut--;
    if (cut <= this.#forgotBefore) return sizeBytes;
    this.#forgotBefore = cut;
    this.#memo.forgetBefore(cut);
    return this.#memo.sizeBytes + this.#crashed.sizeBytes + this.#space.sizeBytes;
  }

  #done(): EngineResult {
    const order = this.#withHidden().map((op) => this.#problem.row[op] as number);
    return { verdict: 'linearizable', order, configurations: this.#memo.size };
  }

  /** The path with crashed operations named, and hidden ones put right before what overwrites them. */
  #withHidden(): Int32Array {
    const path = this.#path.subarray(0, this.#pathLength);
    const used = new Int32Array(this.#groupClass.length);
    const before = new Map<number, number[]>();
    for (const op of this.#hiddenOps(path)) {
      const at = this.#placeOfHidden(op);
      const others = before.get(at);
      if (others === undefined) before.set(at, [op]);
      else others.push(op);
    }
    const order: number[] = [];
    path.forEach((candidate, at) => {
      order.push(...(before.get(at) ?? []));
      if (candidate >= 0) {
        order.push(candidate);
      } else {
        const group = -1 - candidate;
        const nth = used[group] as number;
        order.push(this.#groupOps[group]?.[nth] as number);
        used[group] = nth + 1;
      }
    });
    return Int32Array.from(order);
  }

  #hiddenOps(path: Int32Array): number[] {
    if (!this.#hasHiding) return [];
    const isPlaced = new Uint8Array(this.#problem.count);
    for (const candidate of path) if (candidate >= 0) isPlaced[candidate] = 1;
    return Array.from(this.#levels.returns).filter((op) => isPlaced[op] === 0);
  }

  /** The first step, while the operation lived, that overwrites it. */
  #placeOfHidden(op: number): number {
    const born = this.#levels.bornAt[op] as number;
    let low = 0;
    let high = this.#pathLength;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pathLevel[middle] as number) < born) low = middle + 1;
      else high = middle;
    }
    const classId = this.#problem.classOf[op] as number;
    for (let at = low; at < this.#pathLength; at++) {
      const step = this.#classOfCandidate(this.#path[at] as number);
      if (this.#space.overwrites(step, classId)) return at;
    }
    return this.#pathLength;
  }

  #failed(): EngineResult {
    const blocked = this.#levels.returns[Math.max(0, this.#deepest)] as number;
    return {
      verdict: 'non-linearizable',
      blocked: this.#problem.row[blocked] as number,
      states: this.#deepestStates.map((id) => this.#space.state(id)),
      configurations: this.#memo.size,
    };
  }
}

const isCrashed = (candidate: number): boolean => candidate < 0;

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
