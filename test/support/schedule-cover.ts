/** The path cover of a scope on real server cores, with what it covered. */
import { startOf, take } from '../../spec/schedule/grain.ts';
import { type PathCover, pathCover } from '../../spec/schedule/path-cover.ts';
import { type ScheduleScope, specOf } from '../../spec/schedule/scopes.ts';
import { ourServer, runSchedule, type ScheduledStep } from './schedule-run.ts';
import type { MakeServer } from './schedule-server.ts';

const MAX_STEPS = 120;

export interface CoverOutcome {
  readonly cover: PathCover;
  readonly actions: ReadonlySet<string>;
  /** `schedule 3, step 5: TxnFlushed …`. */
  readonly refusals: readonly string[];
}

/** Prints how many schedules and steps there were, and what they covered. */
export function coverOnServers(
  scope: ScheduleScope,
  seed: string,
  makeServer: MakeServer = ourServer,
): CoverOutcome {
  const { spec, window } = specOf(scope);
  const cover = pathCover(spec, { seed, maxSteps: MAX_STEPS });
  const actions = new Set<string>();
  const refusals: string[] = [];
  for (const [index, schedule] of cover.schedules.entries()) {
    const steps: ScheduledStep[] = [];
    let before = startOf(spec);
    for (const step of schedule) {
      const after = take(spec, before, step);
      steps.push({ before, step, after });
      actions.add(step.action);
      before = after;
    }
    const { refused } = runSchedule(startOf(spec), steps, { window, makeServer });
    if (refused === undefined) continue;
    refusals.push(`schedule ${index}, step ${refused.at}: ${refused.action}: ${refused.why}`);
  }
  const { edges, edgesTaken, pairs, schedules, states, steps } = cover;
  process.stdout.write(
    `${scope.title}: ${schedules.length} schedules, ${steps} steps; ${pairs} of ${pairs} pairs of ` +
      `action and abstract state, ${edgesTaken} of ${edges} steps of the graph (${states} states)\n`,
  );
  return { cover, actions, refusals };
}
