import { describe, expect, test } from 'vitest';
import { check, checkModel } from '../../spec/kernel/check.ts';
import type { Model } from '../../spec/kernel/model.ts';
import { models } from '../../spec/models/index.ts';

const model = (name: string): Model => models.get(name) as Model;

describe('larger scopes', () => {
  test.each([
    [{ clients: 4 }, [22660, 76368, 14]],
    [{ clients: 4, expiries: 2 }, [66184, 257424, 15]],
  ])('the lock with %j has its states, transitions and depth', (scope, counts) => {
    const { distinct, generated, depth } = check(model('lock'), { scope });
    expect([distinct, generated, depth]).toEqual(counts);
  });

  test.each(['replicated-register', 'repair', 'znode-tree'])('%s passes', (name) => {
    expect(checkModel(model(name)).verdict).toBe('pass');
  });

  test('in two data centres with three servers each at most one side serves', () => {
    const result = checkModel(model('replicated-register'), {}, 'dataCentres');
    expect(result.runs.map(({ verdict }) => verdict)).toEqual(['pass']);
  });

  test.each(['plain', 'sync', 'quorum-sync', 'own-write'])('reads, %s', (mode) => {
    const result = check(model('reads'), { scope: { mode, writes: 3, elections: 2, reads: 3 } });
    expect(result.verdict).toBe('pass');
  });
});
