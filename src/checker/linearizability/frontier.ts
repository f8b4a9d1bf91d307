/**
 * The configurations that explain everything an object has answered so far, breadth first: the online
 * twin of the just-in-time search, with its absorption and its dominance of crashed operations.
 */
import type { Op } from '../history/columns.ts';
import { canonicalText } from '../history/values.ts';
import type { Meter } from './budget.ts';
import { identify, type Model, type Primitive, reasonFor } from './model.ts';
import { ILLEGAL, StateSpace } from './state-space.ts';

interface Configuration {
  readonly state: number;
  /** Ids of live operations that are linearized, ascending. */
  readonly done: readonly number[];
  /** How many of each group of crashed operations were used. */
  readonly used: readonly number[];
}

interface LiveCall {
  readonly id: number;
  /** Undefined until it ends. */
  op: Op | undefined;
  /** Whether its invocation was dealt with; until then it does not count as under way. */
  hasEntered: boolean;
  classId: number;
}

interface CrashedGroup {
  readonly op: Op;
  classId: number;
  count: number;
}

export interface FrontierCheckpoint {
  readonly calls: readonly {
    readonly id: number;
    readonly op: Op | null;
    readonly hasEntered: boolean;
  }[];
  readonly crashed: readonly { readonly op: Op; readonly count: number }[];
  readonly configurations: readonly {
    readonly state: Primitive;
    readonly done: readonly number[];
    readonly used: readonly number[];
  }[];
}

/** What is learned of the model is forgotten beyond this, so that memory stays bounded. */
const MAX_LEARNED = 20_000;
const MAX_REASONS = 10;

export class Frontier {
  readonly #model: Model;
  #space: StateSpace;
  #classes = new Map<string, number>();
  readonly #live = new Map<number, LiveCall>();
  /** Under way, with an end that is not known yet. */
  #open = 0;
  readonly #groups: CrashedGroup[] = [];
  #configurations: readonly Configuration[];

  constructor(model: Model) {
    this.#model = model;
    this.#space = new StateSpace(model);
    this.#configurations = [{ state: this.#space.initial, done: [], used: [] }];
  }

  static resume(model: Model, checkpoint: FrontierCheckpoint): Frontier {
    const frontier = new Frontier(model);
    for (const { id, op, hasEntered } of checkpoint.calls) {
      frontier.begin(id);
      if (op !== null) frontier.resolve(id, op);
      if (hasEntered) frontier.enter(id);
    }
    for (const { op, count } of checkpoint.crashed) {
      frontier.#groups.push({ op, count, classId: frontier.#classOf(op) });
    }
    frontier.#configurations = checkpoint.configurations.map(({ state, done, used }) => {
      return { state: frontier.#space.stateId(revive(model, state)), done, used };
    });
    return frontier;
  }

  get size(): number {
    return this.#configurations.length;
  }

  checkpoint(): FrontierCheckpoint {
    return {
      calls: [...this.#live.values()].map(({ id, op, hasEntered }) => {
        return { id, op: op ?? null, hasEntered };
      }),
      crashed: this.#groups.map(({ op, count }) => ({ op, count })),
      configurations: this.#configurations.map(({ state, done, used }) => {
        return { state: identify(this.#model, this.#space.state(state)), done, used };
      }),
    };
  }

  /** An operation was asked for; it counts from `enter` on. */
  begin(id: number): void {
    this.#live.set(id, { id, op: undefined, hasEntered: false, classId: -1 });
  }

  /** How an operation ended. */
  resolve(id: number, op: Op): void {
    const call = this.#live.get(id) as LiveCall;
    if (call.hasEntered && call.op === undefined) this.#open--;
    call.op = op;
    call.classId = this.#classOf(op);
  }

  enter(id: number): void {
    const call = this.#live.get(id) as LiveCall;
    call.hasEntered = true;
    if (call.op === undefined) this.#open++;
  }

  /** Whether all that is under way has a known end. */
  isReady(): boolean {
    return this.#open === 0;
  }

  /** The operation's end. Undefined where some configuration explains it; else why none does. */
  leave(
    id: number,
    meter: Meter,
  ): { readonly op: Op; readonly reasons: readonly string[] } | undefined {
    this.#space.chargeTo(meter);
    this.#settle();
    const call = this.#live.get(id);
    if (call?.op === undefined) return undefined;
    const { op } = call;
    const before = this.#configurations;
    const after = this.#linearize(call, meter);
    if (after.length === 0) return { op, reasons: this.#reasons(before, op) };
    this.#live.delete(id);
    this.#configurations = after.map(({ state, done, used }) => {
      return { state, used, done: done.filter((other) => other !== id) };
    });
    this.#forget();
    return undefined;
  }

  /**
   * All ends are known now. What crashed may take effect at any time from its invocation on, so it leaves
   * the live operations at once; what certainly failed leaves without a trace; pure operations are absorbed.
   */
  #settle(): void {
    for (const call of [...this.#live.values()]) {
      const { id, op, hasEntered, classId } = call;
      if (!hasEntered || op === undefined) continue;
      const isSilent = op.outcome === 'fail' && this.#model.observesFailure?.(op) !== true;
      if (op.outcome !== 'info' && !isSilent) {
        this.#absorbNew(call);
        continue;
      }
      this.#live.delete(id);
      if (isSilent || this.#space.isPure(classId)) continue;
      let group = this.#groups.findIndex((other) => other.classId === classId);
      if (group === -1) group = this.#groups.push({ op, classId, count: 0 }) - 1;
      (this.#groups[group] as CrashedGroup).count++;
    }
  }

  /** A pure operation is linearized as soon as it is legal. */
  #absorbNew({ id, op, classId }: LiveCall): void {
    if (op === undefined || !this.#space.isPure(classId)) return;
    this.#configurations = this.#configurations.map((configuration) => {
      const { state, done } = configuration;
      if (done.includes(id) || this.#space.transition(classId, state) !== state)
        return configuration;
      return { ...configuration, done: insert(done, id) };
    });
  }

  /** All ways to get past the operation's end. */
  #linearize(call: LiveCall, meter: Meter): readonly Configuration[] {
    const antichain = new Antichain();
    const seen = new Antichain();
    const open = [...this.#configurations];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      meter.tick(0);
      if (at.done.includes(call.id)) {
        antichain.add(at);
        continue;
      }
      if (!seen.add(at)) continue;
      for (const next of this.#successors(at)) open.push(next);
    }
    return antichain.all();
  }

  *#successors({ state, done, used }: Configuration): Generator<Configuration> {
    for (const { id, hasEntered, op, classId } of this.#live.values()) {
      if (!hasEntered || op === undefined || done.includes(id)) continue;
      if (this.#space.isPure(classId)) continue;
      const next = this.#space.transition(classId, state);
      if (next !== ILLEGAL) yield this.#absorbed({ state: next, done: insert(done, id), used });
    }
    for (const [group, { classId, count }] of this.#groups.entries()) {
      if ((used[group] ?? 0) >= count) continue;
      const next = this.#space.transition(classId, state);
      if (next === ILLEGAL || next === state) continue;
      yield this.#absorbed({ state: next, done, used: plusOne(used, group) });
    }
  }

  #absorbed(configuration: Configuration): Configuration {
    let { done } = configuration;
    const { state } = configuration;
    for (const { id, op, hasEntered, classId } of this.#live.values()) {
      if (!hasEntered || op === undefined || done.includes(id)) continue;
      if (!this.#space.isPure(classId)) continue;
      if (this.#space.transition(classId, state) === state) done = insert(done, id);
    }
    return { ...configuration, done };
  }

  #reasons(before: readonly Configuration[], op: Op): readonly string[] {
    const states = new Set(before.map(({ state }) => state));
    return [...states]
      .map((id) => this.#space.state(id))
      .filter((state) => this.#model.step(state, op) === undefined)
      .slice(0, MAX_REASONS)
      .map((state) => reasonFor(this.#model, state, op));
  }

  #classOf(op: Op): number {
    const name = canonicalText([op.f, op.input ?? null, op.output ?? null, op.outcome]);
    let id = this.#classes.get(name);
    if (id === undefined) {
      id = this.#space.addClass(op);
      this.#classes.set(name, id);
    }
    return id;
  }

  /** Starts a new table of states and classes with those that are still in use. */
  #forget(): void {
    if (this.#space.stateCount + this.#space.classCount < MAX_LEARNED) return;
    const old = this.#space;
    this.#space = new StateSpace(this.#model);
    this.#classes = new Map();
    for (const call of this.#live.values()) {
      if (call.op !== undefined) call.classId = this.#classOf(call.op);
    }
    for (const group of this.#groups) group.classId = this.#classOf(group.op);
    this.#configurations = this.#configurations.map((configuration) => {
      return { ...configuration, state: this.#space.stateId(old.state(configuration.state)) };
    });
  }
}

/** Configurations of which none is dominated: same state and operations, fewer crashed ones used. */
class Antichain {
  readonly #byName = new Map<string, Configuration[]>();

  add(configuration: Configuration): boolean {
    const name = `${configuration.state} ${configuration.done.join()}`;
    const others = this.#byName.get(name);
    if (others === undefined) {
      this.#byName.set(name, [configuration]);
      return true;
    }
    if (others.some(({ used }) => isAtMost(used, configuration.used))) return false;
    const kept = others.filter(({ used }) => !isAtMost(configuration.used, used));
    this.#byName.set(name, [...kept, configuration]);
    return true;
  }

  all(): readonly Configuration[] {
    return [...this.#byName.values()].flat();
  }
}

function isAtMost(small: readonly number[], large: readonly number[]): boolean {
  return small.every((count, group) => count <= (large[group] ?? 0));
}

function plusOne(used: readonly number[], group: number): readonly number[] {
  const next = [...used];
  while (next.length <= group) next.push(0);
  next[group] = (next[group] as number) + 1;
  return next;
}

function insert(sorted: readonly number[], id: number): readonly number[] {
  return [...sorted, id].sort((a, b) => a - b);
}

/** The state that a model identifies so. */
function revive(model: Model, identity: Primitive): unknown {
  if (model.revive !== undefined) return model.revive(identity);
  const isPlain = typeof model.init !== 'object' || model.init === null;
  return isPlain ? identity : JSON.parse(String(identity));
}
