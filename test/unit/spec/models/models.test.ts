import { describe, expect, test } from 'vitest';
import { check, checkModel } from '../../../../spec/kernel/check.ts';
import type { Model } from '../../../../spec/kernel/model.ts';
import {
  policies,
  surveyPolicies,
  withoutPartitions,
} from '../../../../spec/models/cap-register.ts';
import { models } from '../../../../spec/models/index.ts';

function model(name: string): Model {
  const found = models.get(name);
  if (found === undefined) throw new Error(`no model ${name}`);
  return found;
}

const countsOf = (name: string, scope: Record<string, number | string>) => {
  const { distinct, generated, depth } = check(model(name), { scope });
  return [distinct, generated, depth];
};

/** How long the shortest counterexample of a property is, in steps. */
function stepsTo(name: string, scope: Record<string, number | string>, property: string) {
  const result = check(model(name), { scope });
  const found = [...result.refuted, ...result.violations].find((one) => one.property === property);
  return found?.trace.steps.length;
}

describe('the lock', () => {
  test.each([
    [{}, [1322, 3516, 11]],
    [{ rounds: 2, expiries: 0 }, [2175, 5022, 19]],
  ])('%j has its states, transitions and depth', (scope, counts) => {
    expect(countsOf('lock', scope)).toEqual(counts);
  });

  test('two believe that they hold it after 5 steps; a fenced resource obeys one', () => {
    expect(stepsTo('lock', {}, 'oneBelievesThatItHolds')).toBe(5);
    expect(stepsTo('lock', { resource: 'unfenced' }, 'theResourceObeysNoStaleHolder')).toBe(7);
    const fenced = check(model('lock'), { scope: { resource: 'fenced' } });
    expect(fenced.verdict).toBe('pass');
    expect(fenced.refuted.map(({ property }) => property)).toEqual(['oneBelievesThatItHolds']);
  });

  test.each([3, 4])(
    'a release wakes 1 of %i clients, or all others who watch the parent',
    (clients) => {
      const before = model('lock').define({
        ...model('lock').scope,
        clients,
        expiries: 0,
        watched: 'parent',
      });
      let most = 0;
      const counting = {
        ...model('lock'),
        define: () => ({
          ...before,
          always: {
            counted: (s: object) => {
              most = Math.max(most, (s as { woken: number }).woken);
              return true;
            },
          },
          refuted: [],
          eventually: {},
        }),
      };
      check(counting);
      expect(most).toBe(clients - 1);
      expect(check(model('lock'), { scope: { clients, expiries: 0 } }).verdict).toBe('pass');
    },
  );
});

test.each([
  ['WRR', 450],
  ['WWRR', 6802],
  ['WRRR', 6364],
])('the shared lock with %s has %i states', (queue, distinct) => {
  expect(countsOf('shared-lock', { queue })[0]).toBe(distinct);
});

describe('reads', () => {
  test.each([
    ['plain', 3],
    ['sync', 5],
    ['quorum-sync', undefined],
  ])('%s: a stale one after %s steps', (mode, steps) => {
    expect(stepsTo('reads', { mode }, 'readsAreCurrent')).toBe(steps);
  });

  test('after a write of one’s own they are current', () => {
    const scope = { mode: 'own-write', writes: 2 };
    expect(stepsTo('reads', scope, 'readsAreCurrent')).toBeUndefined();
  });
});

test('CAP: of all policies none is both, each is possible alone, and all is well without cuts', () => {
  const verdicts = [...surveyPolicies(1)];
  expect(verdicts).toHaveLength(policies.length);
  expect(verdicts.filter((one) => one.isConsistent && one.isAvailable)).toEqual([]);
  expect(verdicts.some((one) => one.isConsistent)).toBe(true);
  expect(verdicts.some((one) => one.isAvailable)).toBe(true);
  const whole = [...surveyPolicies(1, withoutPartitions)];
  expect(whole.some((one) => one.isConsistent && one.isAvailable)).toBe(true);
});

test.each([
  'reads',
  'timeliness',
  'cap',
  'service-registry',
  'leader-election',
  'group-membership',
  'naming',
  'queue',
  'barrier',
  'namenode-failover',
  'lock',
  'shared-lock',
])('%s passes, nothing in it is vacuous, and every mutant dies', (name) => {
  const result = checkModel(model(name));
  expect(result.notExercised).toEqual([]);
  expect(result.mutants.filter(({ isKilled }) => !isKilled)).toEqual([]);
  expect(result.mutants.length).toBeGreaterThan(0);
  expect(result.verdict).toBe('pass');
});
