/** A schedule on real server cores from its start to its end, or to where a core does not go along. */
import type { State } from '../../spec/models/zab/system-state.ts';
import type { ScheduleStep, TurnState } from '../../spec/schedule/grain.ts';
import { Server } from '../../src/server/core/server.ts';
import { ScheduleRunner } from './schedule-runner.ts';
import { type MakeServer, Refusal } from './schedule-server.ts';

/** The server as it is. */
export const ourServer: MakeServer = (config) => new Server(config);

export interface ScheduledStep {
  readonly before: TurnState;
  readonly step: ScheduleStep;
  /** Absent where the model itself cannot go on: nothing is compared then. */
  readonly after?: TurnState;
}

export interface ScheduleOutcome {
  readonly runner: ScheduleRunner;
  readonly stepCount: number;
  /** The step at which a core was elsewhere than the model, counted from 1, and how. */
  readonly refused:
    | { readonly at: number; readonly action: string; readonly why: string }
    | undefined;
}

export interface ScheduleSetting {
  readonly window: number;
  readonly makeServer?: MakeServer;
  /** Fields of the comparison in which the model has no words for what this server does. */
  readonly except?: string;
}

export function runSchedule(
  start: State,
  steps: Iterable<ScheduledStep>,
  { window, makeServer = ourServer, except }: ScheduleSetting,
): ScheduleOutcome {
  const runner = new ScheduleRunner(start, { makeServer, window });
  const differences = (model: State): string =>
    runner
      .compare(model)
      .filter((difference) => except === undefined || !difference.includes(` ${except}: `))
      .join('; ');
  const atStart = differences(start);
  if (atStart !== '') throw new Error(`before the first step ${atStart}`);
  let at = 0;
  for (const { before, step, after } of steps) {
    at++;
    const { action } = step;
    const refused = (why: string): ScheduleOutcome => ({
      runner,
      stepCount: at,
      refused: { at, action: `${action} ${JSON.stringify(step.params)}`, why },
    });
    try {
      runner.take(step, before);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return refused(thrown.message);
    }
    const different = after === undefined ? '' : differences(after);
    if (different !== '') return refused(different);
  }
  return { runner, stepCount: at, refused: undefined };
}
