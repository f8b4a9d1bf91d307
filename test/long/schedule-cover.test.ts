/**
 * Schedules of the model on real server cores, far beyond what every change is held against: path covers of
 * larger scopes, walks with many faults among three servers, and every mistake put into the sources.
 */
import { describe, expect, test } from 'vitest';
import { oneBehind } from '../../spec/models/zab/system-starts.ts';
import { systemMutantNames } from '../../spec/schedule/counterexamples.ts';
import { startOf } from '../../spec/schedule/grain.ts';
import { canBeCutBack, longScopes, specOf } from '../../spec/schedule/scopes.ts';
import { type TakenTimes, walk } from '../../spec/schedule/walk.ts';
import { coverOnServers } from '../support/schedule-cover.ts';
import { doubts, runMutant } from '../support/schedule-mutant.ts';
import { runSchedule } from '../support/schedule-run.ts';

describe('path covers', () => {
  test.each(longScopes.map((scope) => [scope.title, scope] as const))('%s', (_, scope) => {
    expect(coverOnServers(scope, '5eed').refusals).toEqual([]);
  });
});

test.each(systemMutantNames())('the mistake %s', async (name) => {
  expect(doubts(await runMutant(name, true))).toEqual([]);
});

test('walks of three servers with crashes, cuts and timeouts', () => {
  const many = {
    servers: 3,
    txns: 5,
    epochs: 6,
    crashes: 5,
    timeouts: 5,
    partitions: 2,
    window: 2,
  };
  const starts = [
    specOf({ title: '', scope: many }),
    specOf({ title: '', scope: many, start: oneBehind(3) }),
    specOf({ title: '', scope: many, start: canBeCutBack(3) }),
  ];
  const taken: TakenTimes = new Map();
  const refusals: string[] = [];
  let steps = 0;
  const WALKS = 600;
  for (let index = 0; index < WALKS; index++) {
    const { spec, window } = starts[index % starts.length] as (typeof starts)[number];
    const start = startOf(spec);
    const faultPerMille = index % 2 === 0 ? 100 : 1000;
    const drawn = walk(spec, start, { seed: `5eed-${index}`, taken, faultPerMille });
    const { refused, stepCount } = runSchedule(start, drawn, { window });
    steps += stepCount;
    if (refused !== undefined) refusals.push(`walk ${index}, step ${refused.at}: ${refused.why}`);
  }
  process.stdout.write(
    `${WALKS} walks, ${steps} steps, ${taken.size} pairs of action and abstract state\n`,
  );
  expect(refusals).toEqual([]);
});
