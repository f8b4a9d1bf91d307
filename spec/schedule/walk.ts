/**
 * Walks through scopes that are too large to explore: of the steps that are enabled, one whose pair of action and
 * abstract state has been taken least often. What was taken before is shared between walks, so that each
 * goes where no other has been.
 */
import { prngStream } from '../../src/base/prng.ts';
import type { Spec } from '../kernel/model.ts';
import { choices, type ScheduleStep, type TurnState, take } from './grain.ts';
import { abstractOf } from './path-cover.ts';

export type TakenTimes = Map<string, number>;

export type Behaviour = readonly {
  readonly before: TurnState;
  readonly step: ScheduleStep;
  readonly after: TurnState;
}[];

export function* walk(
  spec: Spec<TurnState>,
  start: TurnState,
  options: {
    readonly seed: string;
    readonly taken: TakenTimes;
    /** How often a fault may be chosen where something else is possible; default: always. */
    readonly faultPerMille?: number;
  },
): Generator<Behaviour[number]> {
  const prng = prngStream(options.seed, 'walk');
  const { taken, faultPerMille = 1000 } = options;
  for (let before = start; ; ) {
    const here = abstractOf(before);
    const timesOf = ({ action }: ScheduleStep): number => taken.get(`${action} in ${here}`) ?? 0;
    const all = choices(spec, before);
    const ordinary = all.filter(({ action }) => !isFault(spec, action));
    const isQuiet = ordinary.length > 0 && !prng.chance(faultPerMille);
    const enabled = isQuiet ? ordinary : all;
    if (enabled.length === 0) return;
    const least = Math.min(...enabled.map(timesOf));
    const step = prng.pick(enabled.filter((one) => timesOf(one) === least));
    taken.set(`${step.action} in ${here}`, least + 1);
    const after = take(spec, before, step);
    yield { before, step, after };
    before = after;
  }
}

/** What befalls servers is what random walks are to choose less often. */
export function isFault(spec: Spec<TurnState>, action: string): boolean {
  return spec.actions[action]?.weight !== undefined;
}
