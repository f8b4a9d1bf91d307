/**
 * The model that servers are held against: `zab-system` without budgets, with as many servers as the
 * ensemble has and the window of committed transactions that they are configured with. Anybody may
 * elect anybody: whom a server believes to lead is judged by `election.ts`.
 */
import { type Action, type Arrow, Impossible, type Params } from '../kernel/model.ts';
import { charted } from '../models/zab/chart.ts';
import { ZERO, type Zxid } from '../models/zab/history.ts';
import { type SystemActions, systemActions } from '../models/zab/system.ts';
import { initialState, type Server, type Sid, type State } from '../models/zab/system-state.ts';

export type ActionName = keyof SystemActions;

export interface EnsembleScope {
  readonly servers: number;
  readonly commitLogCount: number;
}

/** Names of servers have one digit. */
export const SERVERS_MAX = 9;

export type Taken =
  | { readonly after: State }
  /** Guards that forbid the step. */
  | { readonly labels: readonly string[] }
  /** The step leads where the protocol must never come. */
  | { readonly impossible: string };

export class EnsembleModel {
  readonly init: State;
  readonly #actions: Readonly<Record<string, Action<State>>>;

  constructor(scope: EnsembleScope) {
    this.#actions = actionsOf(scope);
    this.init = initialState(scope.servers);
  }

  /** Guards are asked in order; one may rely on those above it. */
  take(name: ActionName, before: State, params: Params): Taken {
    const action = this.#actions[name] as Action<State>;
    const guards = action.when ?? {};
    for (const label in guards) {
      if (guards[label]?.(before, params) === false) return { labels: [label] };
    }
    try {
      return { after: action.next(before, params) };
    } catch (thrown) {
      if (!(thrown instanceof Impossible)) throw thrown;
      return { impossible: thrown.message };
    }
  }
}

function actionsOf({ servers, commitLogCount }: EnsembleScope) {
  const unbounded = Number.POSITIVE_INFINITY;
  const actions: object = systemActions({
    servers,
    txns: unbounded,
    epochs: unbounded,
    crashes: unbounded,
    timeouts: unbounded,
    partitions: unbounded,
    snapshots: unbounded,
    window: commitLogCount,
    election: 'any',
  });
  return actions as Readonly<Record<string, Action<State>>>;
}

/** Steps as arrows of a message chart. */
export class ChartOf {
  readonly #actions: Readonly<Record<string, Action<State>>>;

  constructor(scope: EnsembleScope) {
    this.#actions = charted(actionsOf(scope));
  }

  arrows(action: ActionName, params: Params, before: State): readonly Arrow[] {
    const drawn = this.#actions[action]?.chart?.(before, params) ?? [];
    return [drawn].flat();
  }
}

export const sidOf = (node: number): Sid => `s${node}` as Sid;
export const nodeOf = (sid: Sid): number => Number(sid.slice(1));

/** How far a server is: the zxid at a position of its log. */
export function zxidAt({ log }: Server, position: number): Zxid {
  return log[position - 1]?.zxid ?? ZERO;
}

/** Where a zxid stands in a log that is in order: 0 for ZERO, −1 if it is not there. */
export function placeOf({ log }: Server, [epoch, counter]: Zxid): number {
  if (epoch === 0 && counter === 0) return 0;
  let low = 0;
  let high = log.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const zxid = log[middle]?.zxid ?? ZERO;
    const order = zxid[0] - epoch || zxid[1] - counter;
    if (order === 0) return middle + 1;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
