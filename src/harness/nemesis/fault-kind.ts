/** What a kind of fault is: data that the nemesis carries out, verifies and heals. */
import type { Prng } from '../../base/prng.ts';
import type { FaultTarget, PlanFault } from '../plan.ts';
import type { Injection } from '../world/world.ts';

export type FaultParams = PlanFault['params'];

/** Injections that hold until they are undone by their opposite. */
export type HeldInjection = Extract<
  Injection,
  { action: 'cut' | 'kill' | 'power-loss' | 'pause' | 'set-clock' }
>;

/** What a probe must answer. */
export type Expectation =
  | {
      readonly probe: 'link';
      readonly from: number;
      readonly to: number;
      readonly state: 'open' | 'blocked';
    }
  | {
      readonly probe: 'process';
      readonly node: number;
      readonly state: 'running' | 'paused' | 'dead';
    }
  /** The wall clock is off by that much, within the tolerance; the monotonic clock is not. */
  | { readonly probe: 'clock'; readonly node: number; readonly offsetMs: number }
  /** As above, in either direction. */
  | { readonly probe: 'clock-swing'; readonly node: number; readonly offsetMs: number }
  /** Between two readings the wall clock went that much faster or slower; the monotonic one did not. */
  | { readonly probe: 'clock-rate'; readonly node: number; readonly ratePerMille: number };

/** What a plan knows when a fault is drawn into it. */
export interface DrawContext {
  readonly nodes: number;
  readonly sessionTimeoutMs: number;
}

export interface FaultContext {
  readonly victims: readonly number[];
  /** All sids, ascending. */
  readonly nodes: readonly number[];
  readonly params: FaultParams;
  /** The stream `fault/<id>`. */
  readonly prng: Prng;
}

export interface FaultEffect {
  /** Whom the report names; the victims unless the kind chooses others. */
  readonly nodes: readonly number[];
  readonly injections: readonly HeldInjection[];
  readonly expectations: readonly Expectation[];
  /** What holds instead in the `turn`th period, `injections` being the 0th. */
  readonly strobe?: {
    readonly everyMs: number;
    readonly turn: (turn: number) => readonly HeldInjection[];
  };
}

export interface FaultKind {
  readonly name: string;
  /** A prefix of names that asks for all of them. */
  readonly family: 'none' | 'partition' | 'process' | 'clock' | 'disk';
  /** One sentence for `list`. */
  readonly title: string;
  /** The primitive that a world must have. */
  readonly needs: readonly Injection['action'][];
  readonly minNodes: number;
  /** Longest time that it is worth holding, milliseconds. */
  readonly maxHoldMs: number;
  /** What a plan fixes beforehand. */
  draw(
    prng: Prng,
    context: DrawContext,
  ): { readonly target: FaultTarget; readonly params: FaultParams };
  effect(context: FaultContext): FaultEffect;
}
