import { expect, test } from 'vitest';
import { check, checkModel, checkMutant } from '../../../../spec/kernel/check.ts';
import { actionsOn, alter, mutate, type Spec } from '../../../../spec/kernel/model.ts';
import { type Counter, counter, modelOf } from './toys.ts';

const good: Spec<Counter> = {
  ...counter(5, true),
  always: { 'not too large': (s) => s.value <= 5 },
  sometimes: { full: (s) => s.value === 5 },
};
const action = actionsOn<Counter>();

test('a model passes when it says something and all of it is exercised', () => {
  const result = checkModel(modelOf(good));
  expect(result).toMatchObject({ verdict: 'pass', notExercised: [], mutants: [] });
});

test('an action that never fires fails the model', () => {
  const never = action({ for: { x: [] as number[] }, next: (s) => s });
  const result = checkModel(modelOf({ ...good, actions: { ...good.actions, never } }));
  expect(result).toMatchObject({ verdict: 'not-exercised', notExercised: ['never fired: never'] });
});

test('a guard that is never false fails the model', () => {
  const rise = action({
    when: { 'below the limit': (s) => s.value < 5, 'it is a number': () => true },
    next: (s) => ({ value: s.value + 1 }),
  });
  const result = checkModel(modelOf({ ...good, actions: { ...good.actions, rise } }));
  expect(result).toMatchObject({
    verdict: 'not-exercised',
    notExercised: ['never false: rise, it is a number'],
  });
});

test('a sometimes that is not reached fails the model', () => {
  const result = checkModel(modelOf({ ...good, sometimes: { six: (s) => s.value === 6 } }));
  expect(result).toMatchObject({ verdict: 'not-exercised', notExercised: ['never seen: six'] });
});

test('what one run does not exercise another one may', () => {
  const family = {
    ...modelOf(good),
    scope: { limit: 0 },
    runs: { everyday: [{}, { scope: { limit: 5 } }] },
    define: ({ limit }: { limit: number }) => ({ ...good, ...counter(limit, true) }),
  };
  expect(check(family)).toMatchObject({ verdict: 'pass', unreached: ['full'], distinct: 1 });
  expect(checkModel(family).verdict).toBe('pass');
});

const rise = good.actions.rise as Spec<Counter>['actions'][string];

test('mutants die by what they should, or the model fails', () => {
  const model = modelOf({
    ...good,
    mutants: {
      boundless: {
        about: 'nobody looks at the limit',
        killedBy: 'not too large',
        actions: { rise: alter(rise, { when: { 'below the limit': (s) => s.value < 7 } }) },
      },
      harmless: {
        about: 'nothing is wrong',
        killedBy: 'not too large',
        spec: () => counter(3),
      },
    },
  });
  expect(checkMutant(model, 'boundless')).toMatchObject({ isKilled: true, missing: [] });
  expect(checkMutant(model, 'boundless').kills[0]?.trace.steps).toHaveLength(6);
  expect(checkMutant(model, 'harmless')).toMatchObject({
    isKilled: false,
    missing: ['not too large'],
  });
  expect(checkModel(model).verdict).toBe('not-exercised');
});

test('a mutant that changes nothing that exists is a mistake', () => {
  expect(() => alter(rise, { drop: 'no such guard' })).toThrow('does not have');
  const mutants = { gone: { about: '', killedBy: 'x', actions: { fly: rise } } };
  expect(() => mutate({ ...good, mutants }, 'gone')).toThrow('does not exist');
});

test('a violation outranks everything', () => {
  const broken = { ...good, always: { small: (s: Counter) => s.value < 3 } };
  const result = check(modelOf(broken));
  expect(result.verdict).toBe('violation');
  expect(result.violations.map(({ property }) => property)).toEqual(['small']);
});

test('what a scope must refute is refuted with a counterexample, or the model fails', () => {
  const always = { small: (s: Counter) => s.value < 3, tiny: (s: Counter) => s.value < 9 };
  const refuting = check(modelOf({ ...good, always, refuted: ['small'] }));
  expect(refuting).toMatchObject({ verdict: 'pass', distinct: 6, violations: [], unrefuted: [] });
  expect(refuting.refuted[0]?.trace.steps).toHaveLength(3);
  const holding = check(modelOf({ ...good, always, refuted: ['small', 'tiny'] }));
  expect(holding).toMatchObject({ verdict: 'violation', unrefuted: ['tiny'] });
});

test('too many states leave it unknown', () => {
  expect(check(modelOf(good), {}, { maxStates: 3 }).verdict).toBe('unknown');
});
