/**
 * The scopes whose schedules cover the server. Each is small enough to be explored whole; together they have
 * every action, every way of bringing a learner up to date, and everything that may befall a server.
 */
import type { Spec } from '../kernel/model.ts';
import { deposedLeader, oneBehind } from '../models/zab/system-starts.ts';
import { change, type State, type SystemScope } from '../models/zab/system-state.ts';
import { zabSystem } from '../models/zab/zab-system.ts';
import { atRest, inTurns, startOf, type TurnState } from './grain.ts';

export interface ScheduleScope {
  readonly title: string;
  readonly scope: Partial<SystemScope>;
  readonly start?: State;
}

/** It has everything in its log, not in the snapshot of another leader. */
export function canBeCutBack(servers: number): State {
  return change(deposedLeader(servers), 's1', { snapshots: [0] });
}

/** Our servers choose themselves when to take a snapshot, so no schedule does. */
const common = { snapshots: 0 } as const;

export const everydayScopes: readonly ScheduleScope[] = [
  { title: 'two servers, a crash', scope: {} },
  { title: 'two servers, a cut', scope: { crashes: 0, partitions: 1 } },
  {
    title: 'two servers, one behind, a timeout',
    scope: { txns: 2, window: 2, crashes: 0, timeouts: 1, epochs: 3 },
    start: oneBehind(2),
  },
  {
    title: 'three servers, a deposed leader',
    scope: { servers: 3, txns: 2, window: 2, crashes: 0, epochs: 3 },
    start: deposedLeader(3),
  },
  {
    title: 'three servers, a deposed leader that can be cut back',
    scope: { servers: 3, txns: 2, window: 2, crashes: 0, epochs: 3 },
    start: canBeCutBack(3),
  },
];

/** Larger ones, for a longer look. */
export const longScopes: readonly ScheduleScope[] = [
  { title: 'two servers, a crash and a timeout', scope: { timeouts: 1 } },
  { title: 'two servers, two transactions, a crash', scope: { txns: 2, window: 2 } },
  { title: 'three servers, one transaction', scope: { servers: 3, crashes: 0, epochs: 1 } },
  {
    title: 'two servers, two transactions, a crash and a timeout, a short window',
    scope: { txns: 2, timeouts: 1 },
  },
  { title: 'two servers, a crash, a cut and a timeout', scope: { partitions: 1, timeouts: 1 } },
];

export function specOf({ scope, start }: ScheduleScope): {
  readonly spec: Spec<TurnState>;
  readonly window: number;
} {
  const whole = { ...zabSystem.scope, ...scope, ...common } as SystemScope;
  const spec = inTurns(zabSystem.define(whole) as Spec<State>);
  const init = start === undefined ? startOf(spec) : atRest(start);
  return { spec: { ...spec, init }, window: whole.window };
}
