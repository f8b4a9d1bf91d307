/**
 * Carries out the faults of a plan. Each goes through the same steps, all of them in the history: requested,
 * applied, verified by a probe from the victim's side, held, healed, verified healed. A fault that could
 * not be verified makes the run untrustworthy, whatever else it found.
 *
 * Faults of the network overlap with those of servers and clocks, but two of one lane never do: a probe
 * could not tell which of them it sees. The later one waits until the earlier is healed.
 */
import { prngStream } from '../../base/prng.ts';
import type { ProtocolEvent } from '../../base/protocol-event.ts';
import { probeModes } from '../ensemble.ts';
import type { HistoryRecorder } from '../history.ts';
import type { Plan, PlanFault } from '../plan.ts';
import type { FaultRecord } from '../result.ts';
import type { Injection, World } from '../world/world.ts';
import type { Expectation, FaultEffect, FaultKind, HeldInjection } from './fault-kind.ts';
import { faultKinds } from './faults.ts';
import { Ledger, slotOf } from './ledger.ts';
import { describe, verify } from './verify.ts';

const VERIFY_MS = 4000;
/** A server that was killed reads its disk back before it answers. */
const VERIFY_HEAL_MS = 15_000;
/** How long a fault waits for a leader that it wants to strike. */
const FIND_LEADER_MS = 3000;
const FIND_RETRY_MS = 200;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface ActiveFault {
  readonly fault: PlanFault;
  readonly kind: FaultKind | undefined;
  readonly record: Mutable<FaultRecord>;
  effect: FaultEffect | undefined;
  /** What of its injections holds now. */
  held: readonly HeldInjection[];
  state: 'applying' | 'held' | 'healing' | 'done';
  strobing: { cancel(): void } | undefined;
  turns: number;
  healWhenHeld: boolean;
}

interface Trigger {
  readonly fault: PlanFault;
  seen: number;
  isArmed: boolean;
  fallback: { cancel(): void } | undefined;
}

export class Nemesis {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #recorder: HistoryRecorder;
  readonly #ledger = new Ledger();
  readonly #active: ActiveFault[] = [];
  readonly #triggers: Trigger[] = [];
  readonly #waiting: PlanFault[] = [];
  #unstarted: number;
  readonly #nodes: readonly number[];
  #isOver = false;
  #whenHealed: (() => void) | undefined;

  constructor(plan: Plan, world: World, recorder: HistoryRecorder) {
    this.#plan = plan;
    this.#world = world;
    this.#recorder = recorder;
    this.#nodes = Array.from({ length: plan.cluster.nodes }, (_, index) => index + 1);
    this.#unstarted = plan.faults.length;
    world.onEvent((event) => this.#observe(event));
  }

  get records(): readonly FaultRecord[] {
    return this.#active.map((active) => active.record);
  }

  /** Some faults of the plan have not begun yet, or have not met operations for long. */
  get hasMore(): boolean {
    return this.#unstarted > 0 || this.#active.some(({ state }) => state === 'applying');
  }

  /** The workload phase begins. */
  start(): void {
    for (const fault of this.#plan.faults) {
      const { at = 0, when } = fault;
      if (when === undefined) {
        this.#world.schedule(at, () => this.#request(fault));
        continue;
      }
      const trigger: Trigger = { fault, seen: 0, isArmed: false, fallback: undefined };
      this.#triggers.push(trigger);
      this.#world.schedule(at, () => this.#arm(trigger));
    }
  }

  #arm(trigger: Trigger): void {
    if (this.#isOver) return;
    trigger.isArmed = true;
    const { withinMs } = trigger.fault.when ?? {};
    if (withinMs === undefined) return;
    trigger.fallback = this.#world.schedule(withinMs, () => this.#fire(trigger));
  }

  #fire(trigger: Trigger): void {
    if (!trigger.isArmed) return;
    trigger.isArmed = false;
    trigger.fallback?.cancel();
    this.#request(trigger.fault);
  }

  #observe(event: ProtocolEvent): void {
    for (const trigger of this.#triggers) {
      const { when } = trigger.fault;
      if (!trigger.isArmed || when === undefined || when.act !== event.act) continue;
      if (when.node !== undefined && when.node !== event.node) continue;
      if (++trigger.seen === when.nth) this.#world.schedule(0, () => this.#fire(trigger));
    }
  }

  /** Heals whatever holds, starts nothing new, and calls back when all heals are verified. */
  healAll(done: () => void): void {
    this.#isOver = true;
    for (const trigger of this.#triggers) {
      trigger.isArmed = false;
      trigger.fallback?.cancel();
    }
    this.#whenHealed = done;
    for (const active of this.#active) this.#heal(active);
    this.#checkHealed();
  }

  #checkHealed(): void {
    const done = this.#whenHealed;
    if (done === undefined || this.#active.some(({ state }) => state !== 'done')) return;
    this.#whenHealed = undefined;
    this.#world.schedule(0, done);
  }

  #note(active: ActiveFault, step: string, detail: Readonly<Record<string, unknown>> = {}): number {
    const { fault, record } = active;
    return this.#recorder.add({
      process: 'nemesis',
      type: 'info',
      f: fault.kind,
      op: fault.id,
      value: { step, nodes: record.nodes, ...detail },
    }).time;
  }

  #request(fault: PlanFault): void {
    if (this.#isOver) return;
    const kind = faultKinds.get(fault.kind);
    const isBusy = (active: ActiveFault): boolean =>
      active.state !== 'done' && laneOf(active.kind) === laneOf(kind);
    if (this.#active.some(isBusy)) {
      this.#waiting.push(fault);
      return;
    }
    this.#unstarted--;
    const record: Mutable<FaultRecord> = {
      id: fault.id,
      kind: fault.kind,
      nodes: [],
      requested: this.#world.nowNs(),
      evidence: '',
      overlappedOperations: 0,
    };
    const active: ActiveFault = {
      fault,
      kind,
      record,
      effect: undefined,
      held: [],
      state: 'applying',
      strobing: undefined,
      turns: 0,
      healWhenHeld: false,
    };
    this.#active.push(active);
    this.#note(active, 'requested');
    if (kind === undefined) {
      this.#fail(active, `no fault is called ${fault.kind}`);
      return;
    }
    this.#resolve(fault, (victims) => this.#apply(active, kind, victims));
  }

  #finish(active: ActiveFault): void {
    active.state = 'done';
    const index = this.#waiting.findIndex(
      (fault) => laneOf(faultKinds.get(fault.kind)) === laneOf(active.kind),
    );
    const [next] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (next !== undefined) this.#world.schedule(0, () => this.#request(next));
    this.#checkHealed();
  }

  #fail(active: ActiveFault, reason: string): void {
    active.record.evidence = reason;
    this.#note(active, 'failed', { reason });
    this.#finish(active);
  }

  #resolve(fault: PlanFault, done: (victims: readonly number[]) => void): void {
    const { target } = fault;
    if ('nodes' in target) {
      done(target.nodes);
      return;
    }
    const prng = prngStream(this.#plan.seed, `target/${fault.id}`);
    const standing = this.#nodes.filter(
      (sid) => !this.#ledger.isDown(sid) && !this.#ledger.isPaused(sid),
    );
    if (target.pick === 'all') {
      const isProcess = faultKinds.get(fault.kind)?.needs.includes('cut') !== true;
      done(isProcess ? standing : this.#nodes);
      return;
    }
    const candidates = standing.length === 0 ? this.#nodes : standing;
    if (target.pick === 'any') {
      done([prng.pick(candidates)]);
      return;
    }
    const { pick } = target;
    const deadlineNs = this.#world.nowNs() + FIND_LEADER_MS * 1e6;
    const look = (): void =>
      probeModes(this.#world, candidates, (modes) => {
        const found = candidates.filter((sid) => modes.get(sid) === pick);
        if (found.length > 0) done([prng.pick(found)]);
        else if (this.#world.nowNs() < deadlineNs && !this.#isOver) {
          this.#world.schedule(FIND_RETRY_MS, look);
        } else done([prng.pick(candidates)]);
      });
    look();
  }

  #apply(active: ActiveFault, kind: FaultKind, victims: readonly number[]): void {
    const { fault, record } = active;
    if (victims.length === 0 && kind.name !== 'none') {
      this.#fail(active, 'no server was left to strike');
      return;
    }
    const prng = prngStream(this.#plan.seed, `fault/${fault.id}`);
    const { params } = fault;
    const effect = kind.effect({ victims, nodes: this.#nodes, params, prng });
    active.effect = effect;
    record.nodes = effect.nodes;
    this.#injectAll(this.#exchange(active, effect.injections), (errors) => {
      record.applied = this.#note(active, 'applied', { injections: effect.injections });
      if (effect.strobe !== undefined) this.#strobe(active, effect.strobe);
      if (errors.length > 0) record.evidence = errors.join('; ');
      this.#verifyApplied(active, effect, errors.length === 0);
    });
  }

  #injectAll(
    injections: readonly (Injection | undefined)[],
    done: (errors: readonly string[]) => void,
  ): void {
    const wanted = injections.filter((injection) => injection !== undefined);
    const errors: string[] = [];
    let left = wanted.length;
    if (left === 0) {
      this.#world.schedule(0, () => done([]));
      return;
    }
    for (const injection of wanted) {
      this.#world.inject(injection, (error) => {
        if (error !== undefined) errors.push(error);
        if (--left === 0) done(errors);
      });
    }
  }

  /** All at once, or one by one in random order where the fault says so. */
  #undoAll(
    fault: PlanFault,
    undo: readonly (Injection | undefined)[],
    done: (errors: readonly string[]) => void,
  ): void {
    const staggerMs = Number(fault.params.staggerMs ?? 0);
    if (staggerMs <= 0 || undo.length < 2) {
      this.#injectAll(undo, done);
      return;
    }
    const order = prngStream(this.#plan.seed, `heal/${fault.id}`).shuffle(undo);
    const errors: string[] = [];
    const next = (index: number): void => {
      this.#injectAll(order.slice(index, index + 1), (failed) => {
        errors.push(...failed);
        if (index + 1 >= order.length) done(errors);
        else this.#world.schedule(staggerMs, () => next(index + 1));
      });
    };
    next(0);
  }

  /** What is to be injected so that `wanted` holds instead of what the fault holds now. */
  #exchange(
    active: ActiveFault,
    wanted: readonly HeldInjection[],
  ): readonly (Injection | undefined)[] {
    const { id } = active.fault;
    const slots = new Set(wanted.map(slotOf));
    const before = new Set(active.held.map(slotOf));
    const ended = active.held.filter((item) => !slots.has(slotOf(item)));
    // A cut that goes on is held already; a clock is set anew.
    const begun = wanted.filter((item) => item.action === 'set-clock' || !before.has(slotOf(item)));
    active.held = wanted;
    return [
      ...ended.map((item) => this.#ledger.release(id, item)),
      ...begun.map((item) => this.#ledger.acquire(id, item)),
    ];
  }

  #strobe(active: ActiveFault, strobe: NonNullable<FaultEffect['strobe']>): void {
    active.strobing = this.#world.schedule(strobe.everyMs, () => {
      if (active.state === 'healing' || active.state === 'done') return;
      const wasHeld = active.held.length > 0;
      const wanted = this.#exchange(active, strobe.turn(++active.turns));
      this.#injectAll(wanted, () => {
        const isHeld = active.held.length > 0;
        if (isHeld !== wasHeld) this.#note(active, isHeld ? 'renewed' : 'suspended');
        this.#strobe(active, strobe);
      });
    });
  }

  #verifyApplied(active: ActiveFault, effect: FaultEffect, isApplied: boolean): void {
    const { fault, record } = active;
    const timeoutMs = VERIFY_MS + 2 * (effect.strobe?.everyMs ?? 0);
    verify(this.#world, effect.expectations, timeoutMs, (failures) => {
      if (failures.length === 0 && isApplied) {
        record.evidence = effect.expectations.map(describe).join(', ');
        record.verified = this.#note(active, 'verified', { evidence: record.evidence });
      } else {
        record.evidence = [record.evidence, ...failures].filter((text) => text !== '').join('; ');
        this.#note(active, 'not verified', { evidence: record.evidence });
      }
      active.state = 'held';
      if (active.healWhenHeld) {
        this.#heal(active);
        return;
      }
      if (fault.heal === 'final') return;
      const heldMs = (this.#world.nowNs() - (record.applied ?? 0)) / 1e6;
      const delayMs = Math.max(0, fault.heal.after - heldMs);
      this.#world.schedule(delayMs, () => this.#heal(active));
    });
  }

  #heal(active: ActiveFault): void {
    if (active.state === 'applying') {
      active.healWhenHeld = true;
      return;
    }
    if (active.state !== 'held') return;
    active.state = 'healing';
    active.strobing?.cancel();
    const { fault, record } = active;
    const effect = active.effect as FaultEffect;
    this.#undoAll(fault, this.#exchange(active, []), (errors) => {
      record.healed = this.#note(active, 'healed', errors.length > 0 ? { errors } : {});
      const expectations = effect.injections.flatMap((item) => this.#afterHeal(item));
      verify(this.#world, expectations, VERIFY_HEAL_MS, (failures) => {
        if (failures.length === 0 && errors.length === 0) {
          record.healVerified = this.#note(active, 'heal verified');
        } else {
          const text = [...errors, ...failures].join('; ');
          record.evidence = `${record.evidence}; not healed: ${text}`;
          this.#note(active, 'heal not verified', { evidence: text });
        }
        this.#finish(active);
      });
    });
  }

  /** What must be seen once it is undone; nothing where another fault still holds the same. */
  #afterHeal(injection: HeldInjection): readonly Expectation[] {
    switch (injection.action) {
      case 'cut': {
        const { from, to } = injection;
        if (this.#ledger.isCut(from, to)) return [];
        return [{ probe: 'link', from, to, state: 'open' }];
      }
      case 'set-clock': {
        const { node } = injection;
        return [{ probe: 'clock', node, offsetMs: this.#ledger.offsetMs(node) }];
      }
      default: {
        const { node } = injection;
        if (this.#ledger.isDown(node) || this.#ledger.isPaused(node)) return [];
        return [{ probe: 'process', node, state: 'running' }];
      }
    }
  }
}

function laneOf(kind: FaultKind | undefined): 'network' | 'process' {
  return kind?.family === 'partition' ? 'network' : 'process';
}
