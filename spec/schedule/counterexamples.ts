/**
 * The shortest way in which each mutant of the model breaks a promise, as a schedule: what a server with that
 * mistake would go along with to the end, and a right one must refuse somewhere on the way.
 */
import { assert } from '../../src/base/assert.ts';
import { explore } from '../kernel/explore.ts';
import { type Mutant, mutate, type Spec } from '../kernel/model.ts';
import type { State, SystemScope } from '../models/zab/system-state.ts';
import { zabSystem } from '../models/zab/zab-system.ts';
import { inTurns, type ScheduleStep, startOf, type TurnState } from './grain.ts';

export interface Counterexample {
  readonly mutant: string;
  readonly about: string;
  readonly scope: SystemScope;
  readonly property: string;
  readonly start: TurnState;
  readonly steps: readonly ScheduleStep[];
  /** The mutant's states after each step; the last step may be impossible and has none. */
  readonly states: readonly TurnState[];
}

/** The smallest scopes in which each is found: breadth first, within seconds. */
const SCOPES: Readonly<Record<string, Partial<SystemScope>>> = {
  acceptedEpochForgotten: { txns: 0, crashes: 1, timeouts: 0, epochs: 1 },
  knownEpochCounts: { timeouts: 0 },
  aheadLearnerKept: { timeouts: 0 },
  zk2845MemoryKept: { servers: 2, txns: 1, crashes: 0, timeouts: 2, epochs: 2 },
  zk4643EpochBeforeLog: { crashes: 1, timeouts: 0, epochs: 3 },
  zk4394QueueCleared: { txns: 1, crashes: 0, timeouts: 0, epochs: 1 },
  zk4685AckOutOfTurn: { txns: 1, crashes: 0, timeouts: 0, epochs: 1 },
  outstandingNotSent: { txns: 1, crashes: 0, timeouts: 0, epochs: 1 },
  zk3701TruncateIgnored: { txns: 2, crashes: 0, timeouts: 0, epochs: 3 },
};

export function systemMutantNames(): readonly string[] {
  return Object.keys(zabSystem.define(zabSystem.scope).mutants ?? {});
}

export function counterexampleOf(name: string): Counterexample {
  const declared = zabSystem.define(zabSystem.scope).mutants?.[name];
  assert(declared !== undefined, 'there is no such mutant', { name });
  const scope = { ...zabSystem.scope, ...declared.scope, ...SCOPES[name] } as SystemScope;
  const fine = zabSystem.define(scope) as Spec<State>;
  const mutant = fine.mutants?.[name] as Mutant<State>;
  const killers = [mutant.killedBy].flat() as readonly string[];
  const { always = {}, ...mutated } = mutate(fine, name);
  const promises = Object.entries(always).filter(([property]) => killers.includes(property));
  const spec = inTurns({ ...mutated, always: Object.fromEntries(promises) });
  const isEnough = (violated: ReadonlyMap<string, unknown>): boolean =>
    killers.some((killer) => violated.has(killer));
  const { violations } = explore(spec, { isEnough });
  const found = violations.find(({ property }) => killers.includes(property));
  assert(found !== undefined, 'the mutant is killed in this scope', { name });
  const { property, trace } = found;
  const taken = trace.steps;
  return {
    mutant: name,
    about: mutant.about,
    scope,
    property,
    start: startOf(spec),
    steps: taken.map(({ action, params }) => ({ action, params })),
    states: (property === 'possible' ? taken.slice(0, -1) : taken).map(({ state }) => state),
  };
}
