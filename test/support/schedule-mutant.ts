/** A mutant's counterexample on real servers: on ours, which must refuse, and on one with the same mistake. */

import type { Sid } from '../../spec/models/zab/system-state.ts';
import { type Counterexample, counterexampleOf } from '../../spec/schedule/counterexamples.ts';
import { notCompared, serverBugs, serverWithBug } from './schedule-bugs.ts';
import {
  ourServer,
  runSchedule,
  type ScheduledStep,
  type ScheduleOutcome,
} from './schedule-run.ts';
import type { MakeServer } from './schedule-server.ts';

export interface MutantOutcome {
  readonly counterexample: Counterexample;
  readonly right: ScheduleOutcome;
  /** The server with the mutant's mistake; undefined where the sources have no one place for it. */
  readonly wrong: ScheduleOutcome | undefined;
}

export async function runMutant(name: string, withBug: boolean): Promise<MutantOutcome> {
  const counterexample = counterexampleOf(name);
  const right = runCounterexample(counterexample, ourServer);
  const hasBug = withBug && serverBugs[name] !== undefined;
  const wrong = hasBug ? runCounterexample(counterexample, await serverWithBug(name)) : undefined;
  tell(counterexample, right, wrong);
  return { counterexample, right, wrong };
}

function tell(
  { mutant, property, steps }: Counterexample,
  { refused }: ScheduleOutcome,
  wrong: ScheduleOutcome | undefined,
): void {
  const ours =
    refused === undefined
      ? 'ours goes on where the mutant cannot'
      : `ours refuses at step ${refused.at}, ${refused.action}: ${refused.why}`;
  const theirs = wrong === undefined ? '' : `; with the mistake: ${wrong.stepCount} steps`;
  process.stdout.write(`${mutant}: ${property} after ${steps.length} steps; ${ours}${theirs}\n`);
}

/** Values whose clients are answered although no quorum of disks holds them. */
const loseWhatWasAnswered = ['ackBeforeFlush', 'leaderAcksUnflushed', 'committedWithoutQuorum'];

/** What must be so of a mutant's schedule on both servers; sentences of what is not. */
export function doubts({ counterexample, right, wrong }: MutantOutcome): readonly string[] {
  const { mutant, property, scope, steps } = counterexample;
  const isImpossible = property === 'possible';
  const found: string[] = [];
  const isRefused = right.refused !== undefined;
  if (!isRefused && (!isImpossible || hasGivenUp(counterexample, right))) {
    found.push('our server does what the mutant does');
  }
  if (wrong === undefined) return found;
  if (wrong.refused !== undefined) found.push(`the wrong server leaves it: ${wrong.refused.why}`);
  if (wrong.stepCount !== steps.length) found.push('the wrong server does not get to the end');
  if (isImpossible && !hasGivenUp(counterexample, wrong)) found.push('the wrong server goes on');
  if (!loseWhatWasAnswered.includes(mutant)) return found;
  if (!wrong.runner.answered.has(0)) found.push('no client was answered');
  if (2 * wrong.runner.diskCountOf(0) > scope.servers) found.push('a quorum of disks holds it');
  if (right.runner.answered.has(0)) found.push('our server answered a client');
  return found;
}

function runCounterexample(
  { mutant, scope, start, states, steps }: Counterexample,
  makeServer: MakeServer,
): ScheduleOutcome {
  const all = steps.map((step, index): ScheduledStep => {
    const before = states[index - 1] ?? start;
    const after = states[index];
    return { before, step, ...(after === undefined ? {} : { after }) };
  });
  const except = notCompared[mutant];
  const setting = { window: scope.window, makeServer, ...(except === undefined ? {} : { except }) };
  return runSchedule(start, all, setting);
}

/**
 * The mutant's last step was one that the protocol must never have to take: whoever gets there closes the
 * connection or ends its role.
 */
function hasGivenUp({ steps }: Counterexample, { runner }: ScheduleOutcome): boolean {
  const last = steps.at(-1);
  const { i, j } = (last?.params ?? {}) as { readonly i: Sid; readonly j?: Sid };
  return runner.hasGivenUp(j ?? i);
}
