/**
 * Any behaviour of the model, drawn and shrunk by fast-check, on real server cores: the integers of a list say
 * which of the enabled steps is taken. With a mistake put into the server a long failure is found and becomes
 * a short story of dull steps.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { specOf } from '../../spec/schedule/scopes.ts';
import { serverWithBug } from '../support/schedule-bugs.ts';
import { enabledStepsArbitrary, type Walker, walkerOf } from '../support/schedule-commands.ts';
import { ourServer } from '../support/schedule-run.ts';
import { ScheduleRunner } from '../support/schedule-runner.ts';
import type { MakeServer } from '../support/schedule-server.ts';

const SEED = 0x5eed;
const MAX_COMMANDS = 40;

type Commands = Iterable<fc.Command<Walker, ScheduleRunner>>;
const large = specOf({ title: '', scope: { txns: 2, timeouts: 1, partitions: 1 } });
const small = specOf({ title: '', scope: {} });

/** Throws where the servers are elsewhere than the model; tells what was done until then. */
function run({ spec, window }: typeof small, makeServer: MakeServer, commands: Commands) {
  const model = walkerOf(spec);
  const real = new ScheduleRunner(model.state, { makeServer, window });
  try {
    fc.modelRun(() => ({ model, real }), commands);
    return { story: model.story, error: '' };
  } catch (thrown) {
    return { story: model.story, error: String(thrown) };
  }
}

test('servers follow the model, whatever is drawn', () => {
  const property = fc.property(enabledStepsArbitrary(MAX_COMMANDS), (commands) => {
    expect(run(large, ourServer, commands).error).toBe('');
  });
  fc.assert(property, { seed: SEED, numRuns: 100 });
});

test('a leader that counts itself before its disk has it is found, and becomes a short story', async () => {
  const makeServer = await serverWithBug('leaderAcksUnflushed');
  let first: readonly string[] = [];
  const property = fc.property(enabledStepsArbitrary(MAX_COMMANDS), (commands) => {
    const { story, error } = run(small, makeServer, commands);
    if (error !== '' && first.length === 0) first = story;
    return error === '';
  });
  const { counterexample, numRuns, numShrinks } = fc.check(property, {
    seed: SEED,
    numRuns: 500,
  });
  const { story, error } = run(small, makeServer, counterexample?.[0] ?? []);
  process.stdout.write(
    `found in run ${numRuns} by ${first.length} steps, shrunk ${numShrinks} times ` +
      `to ${story.length}:\n  ${story.join(' ')}\n  ${error}\n`,
  );
  expect(error).toMatch(/the server \[COMMIT 1\.1\]/);
  expect(story.length).toBeLessThanOrEqual(first.length);
  // The shortest way there has 17 steps.
  expect(story.length).toBeLessThanOrEqual(20);
});
