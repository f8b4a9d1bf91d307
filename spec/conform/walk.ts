/**
 * Steps of the model from one state on, each held against every promise. Every method says whether it went
 * well; the first that did not leaves its reason.
 */
import { showStep } from '../kernel/explain.ts';
import type { Params } from '../kernel/model.ts';
import { sameZxid, type Zxid } from '../models/zab/history.ts';
import type { State } from '../models/zab/system-state.ts';
import type { ActionName, EnsembleModel } from './ensemble-model.ts';
import { showZxid } from './told.ts';
import type { Watch } from './watch.ts';

export interface Step {
  readonly action: ActionName;
  readonly params: Params;
  readonly before: State;
  /** Nothing that was told or seen tells of it. */
  readonly isSilent: boolean;
}

/** What went wrong: what is said is impossible, or it breaks a promise. */
export interface Refusal {
  readonly kind: 'guard' | 'fields' | 'order' | 'impossible' | 'invariant';
  readonly reason: string;
}

export class Walk {
  readonly steps: Step[] = [];
  readonly before: State;
  state: State;
  refusal: Refusal | undefined;
  readonly #model: EnsembleModel;
  readonly #watch: Watch;

  constructor(model: EnsembleModel, watch: Watch, state: State) {
    this.#model = model;
    this.#watch = watch;
    this.before = state;
    this.state = state;
  }

  refuse(kind: Refusal['kind'], reason: string): false {
    this.refusal ??= { kind, reason };
    return false;
  }

  must(condition: boolean, reason: string): boolean {
    return condition || this.refuse('order', reason);
  }

  same(field: string, told: unknown, expected: unknown): boolean {
    if (told === expected) return true;
    return this.refuse('fields', `${field} is ${String(told)}, not ${String(expected)}`);
  }

  isZxid(field: string, zxid: Zxid, expected: Zxid | undefined): boolean {
    if (expected !== undefined && sameZxid(zxid, expected)) return true;
    const other = expected === undefined ? 'nothing' : showZxid(expected);
    return this.refuse('fields', `${field} is ${showZxid(zxid)}, not ${other}`);
  }

  step(action: ActionName, params: Params, isSilent: boolean): boolean {
    const before = this.state;
    if (!areServers(before, params)) return this.refuse('fields', 'there is no such server');
    const taken = this.#model.take(action, before, params);
    if ('labels' in taken) {
      const labels = taken.labels.map((label) => `“${label}” is false`).join(', ');
      return this.refuse('guard', `${showStep(action, params)}: ${labels}`);
    }
    if ('impossible' in taken) {
      return this.refuse('impossible', `${showStep(action, params)}: ${taken.impossible}`);
    }
    this.state = taken.after;
    this.steps.push({ action, params, before, isSilent });
    const broken = this.#watch.broken({ before, action, params, after: taken.after });
    if (broken.length === 0) return true;
    return this.refuse('invariant', `${showStep(action, params)} breaks ${broken.join(', ')}`);
  }
}

function areServers({ servers }: State, { i, j = i, leader = i }: Params): boolean {
  return [i, j, leader].every((sid) => String(sid) in servers);
}
