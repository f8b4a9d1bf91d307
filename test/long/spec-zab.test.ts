/**
 * The ZAB models in the scopes that take seconds to minutes: every number that TLC gives for
 * Zab.tla, all everyday runs with coverage, and every mutant.
 */
import { describe, expect, test } from 'vitest';
import { check, checkModel } from '../../spec/kernel/check.ts';
import type { Model } from '../../spec/kernel/model.ts';
import { fle } from '../../spec/models/zab/fle.ts';
import { zab } from '../../spec/models/zab/zab.ts';
import { zabCoarse } from '../../spec/models/zab/zab-coarse.ts';
import { zabSystem } from '../../spec/models/zab/zab-system.ts';
import { type Sizes, scopeOf } from '../support/zab-scope.ts';

describe('the ZAB protocol has the states of Zab.tla', () => {
  test.each<[Sizes, number, number]>([
    [[2, 2, 1, 2, 1], 9068, 28],
    [[2, 2, 2, 2, 1], 31_688, 33],
    [[2, 3, 1, 3, 0], 39_791, 37],
    [[2, 2, 3, 2, 2], 136_563, 38],
    [[3, 1, 0, 1, 1], 4799, 16],
    [[3, 1, 1, 1, 0], 5170, 21],
    [[3, 1, 1, 1, 1], 10_319, 21],
    [[3, 2, 1, 1, 0], 19_828, 25],
    [[3, 1, 1, 2, 0], 45_514, 33],
    [[3, 0, 3, 1, 0], 2395, 27],
    [[3, 0, 2, 2, 0], 9451, 32],
    [[3, 1, 2, 2, 0], 351_844, 40],
    [[4, 0, 1, 1, 0], 3305, 28],
  ])('in scope %j', (sizes, distinct, depth) => {
    const result = check(zab, { scope: scopeOf(sizes) });
    expect(result).toMatchObject({
      verdict: 'pass',
      distinct,
      depth,
      ghostJoins: expect.any(Number),
    });
  });

  test.each<[Sizes, number, number]>([
    [[3, 1, 1, 1, 0], 974, 21],
    [[3, 1, 1, 1, 1], 1956, 21],
    [[3, 2, 1, 1, 0], 3850, 25],
    [[3, 1, 1, 2, 0], 7795, 33],
    [[3, 0, 2, 2, 0], 1595, 32],
    [[3, 1, 2, 2, 0], 59_068, 40],
    [[4, 0, 1, 1, 0], 189, 28],
  ])('up to symmetry, counted as TLC counts, in scope %j', (sizes, distinct, depth) => {
    const result = check(zab, { scope: scopeOf(sizes), symmetry: true });
    expect(result).toMatchObject({ verdict: 'pass', distinct, depth });
  });
});

describe('every ZAB model means something', () => {
  test.each<[string, Model]>([fle, zab, zabSystem, zabCoarse].map((model) => [model.name, model]))(
    '%s: all holds, every action fires, every mutant dies',
    (_, model) => {
      const result = checkModel(model);
      expect(result).toMatchObject({ verdict: 'pass', notExercised: [] });
      expect(result.mutants.filter(({ isKilled }) => !isKilled)).toEqual([]);
    },
  );
});

describe('larger scopes of the system', () => {
  test('three servers and a crash, exhaustively, from synchronization on', () => {
    expect(check(zabCoarse, { scope: { crashes: 1 } })).toMatchObject({
      verdict: 'pass',
      isComplete: true,
    });
  });

  test.each(['best', 'any'] as const)('random walks, elected by %s', (election) => {
    const result = check(zabSystem, {
      scope: { servers: 3, txns: 4, epochs: 5, crashes: 4, timeouts: 4, window: 2, election },
      walks: { walks: 5000, steps: 300, seed: 'long' },
    });
    expect(result.violations).toEqual([]);
  });

  test('five servers', () => {
    const result = check(zabCoarse, {
      scope: { servers: 5, txns: 5, epochs: 6, crashes: 6, timeouts: 6, snapshots: 2 },
      walks: { walks: 2000, steps: 400, seed: 'long' },
    });
    expect(result.violations).toEqual([]);
  });
});
