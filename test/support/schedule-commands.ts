/**
 * The model's steps as fast-check commands. A command is one integer: which of the steps that are enabled now
 * is taken. So no command ever fails its precondition, every list of integers is a behaviour, and a failure
 * shrinks by making integers smaller and lists shorter. Ordinary steps come first in the count, faults last:
 * a smaller integer is a duller step.
 */
import fc from 'fast-check';
import type { Spec } from '../../spec/kernel/model.ts';
import {
  choices,
  type ScheduleStep,
  startOf,
  type TurnState,
  take,
} from '../../spec/schedule/grain.ts';
import { isFault } from '../../spec/schedule/walk.ts';
import type { ScheduleRunner } from './schedule-runner.ts';

export interface Walker {
  readonly spec: Spec<TurnState>;
  state: TurnState;
  /** What was done, in words. */
  readonly story: string[];
}

export function walkerOf(spec: Spec<TurnState>): Walker {
  return { spec, state: startOf(spec), story: [] };
}

export function enabledSteps({ spec, state }: Walker): readonly ScheduleStep[] {
  const all = choices(spec, state);
  return [
    ...all.filter(({ action }) => !isFault(spec, action)),
    ...all.filter(({ action }) => isFault(spec, action)),
  ];
}

export class EnabledStep implements fc.Command<Walker, ScheduleRunner> {
  readonly #choice: number;

  constructor(choice: number) {
    this.#choice = choice;
  }

  check(walker: Readonly<Walker>): boolean {
    return enabledSteps(walker).length > 0;
  }

  run(walker: Walker, servers: ScheduleRunner): void {
    const enabled = enabledSteps(walker);
    const step = enabled[this.#choice % enabled.length] as ScheduleStep;
    const before = walker.state;
    walker.story.push(`${step.action}(${Object.values(step.params).join(', ')})`);
    servers.take(step, before);
    walker.state = take(walker.spec, before, step);
    const found = servers.compare(walker.state);
    if (found.length > 0) throw new Error(found.join('; '));
  }

  toString(): string {
    return `#${this.#choice}`;
  }
}

/** About as many as are enabled at once in the scopes of the tests; beyond, they count from the start again. */
const CHOICES = 6;

export function enabledStepsArbitrary(
  maxCommands: number,
): fc.Arbitrary<Iterable<fc.Command<Walker, ScheduleRunner>>> {
  const step = fc.nat({ max: CHOICES - 1 }).map((choice) => new EnabledStep(choice));
  return fc.commands([step], { maxCommands, size: 'max' });
}
