/** Two data centres and the link between them: who may serve, who must, and when. */
import { describe, expect, test } from 'vitest';
import type { RunOutcome } from '../../src/harness/run.ts';
import {
  type DataCentres,
  dataCentresPlan,
  linkStretches,
  runDataCentres,
  servingBoundMs,
  unservedRests,
  writesWithin,
} from '../support/datacenters.ts';

function run(options: Pick<DataCentres, 'seed' | 'workload' | 'second' | 'outages'>): RunOutcome {
  return runDataCentres(dataCentresPlan({ first: 3, timeLimitMs: 30_000, calm: 4, ...options }));
}

const explain = ({ result }: RunOutcome): string => [result.verdict, ...result.reasons].join('\n');

describe('a link that stays cut', () => {
  const outages = () => [{ atMs: 1000, forMs: 20_000, periodMs: 0 }];

  test('between three and three servers leaves no side to serve', () => {
    const outcome = run({ seed: 'dc33', workload: 'register', second: 3, outages });
    expect(explain(outcome)).toBe('pass');
    const { cut } = linkStretches(outcome);
    expect(cut).toHaveLength(1);
    expect(writesWithin(outcome, cut).flat()).toEqual([]);
  });

  test('between three and two leaves the three', () => {
    const outcome = run({ seed: 'dc32', workload: 'register', second: 2, outages });
    expect(explain(outcome)).toBe('pass');
    const { cut } = linkStretches(outcome);
    const served = writesWithin(outcome, cut).flat();
    expect(served.length).toBeGreaterThan(10);
    expect(served.filter(({ node = 0 }) => node > 3)).toEqual([]);
  });
});

describe('a link that flaps at the period of the session timeout', () => {
  test.each([
    ['register', 'dcf1'],
    ['lock', 'dcf2'],
  ])('breaks nothing, and all are served when it rests: %s', (workload, seed) => {
    const outcome = run({
      seed,
      workload,
      second: 3,
      outages: ({ knobs }) => [{ atMs: 1000, forMs: 14_000, periodMs: knobs.sessionTimeoutMs }],
    });
    expect(explain(outcome)).toBe('pass');
    const { cut } = linkStretches(outcome);
    expect(cut.length).toBeGreaterThan(2);
    expect(writesWithin(outcome, cut).flat()).toEqual([]);
    expect(servingBoundMs(outcome.plan)).toBeGreaterThan(5000);
    expect(unservedRests(outcome).unserved).toEqual([]);
  });
});
