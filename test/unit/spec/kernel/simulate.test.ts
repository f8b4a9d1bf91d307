import { expect, test } from 'vitest';
import { actionsOn, impossible, type Spec } from '../../../../spec/kernel/model.ts';
import { simulate } from '../../../../spec/kernel/simulate.ts';
import { type Counter, counter } from './toys.ts';

const walks = { walks: 200, steps: 40, seed: '5eed' };

test('one seed, one result', () => {
  const spec = counter(30, true);
  const [first, second] = [simulate(spec, walks), simulate(spec, walks)];
  expect(first).toEqual(second);
  expect(simulate(spec, { ...walks, seed: 'beef' }).generated).toBe(first.generated);
  expect(first.distinct).toBeGreaterThan(20);
});

test('a violation is shortened to what it needs', () => {
  const spec: Spec<Counter> = { ...counter(30, true), always: { small: (s) => s.value < 6 } };
  const { violations } = simulate(spec, walks);
  expect(violations).toHaveLength(1);
  expect(violations[0]?.trace.steps.map(({ action }) => action)).toEqual(
    Array.from({ length: 6 }, () => 'rise'),
  );
});

test('step invariants, deadlocks and impossible branches are seen on the way', () => {
  const rise = actionsOn<Counter>()({
    for: { by: [1, 2] },
    when: { low: (s) => s.value < 6 },
    next: (s, { by }) =>
      s.value === 4 && by === 2 ? impossible('not this way') : { value: s.value + by },
  });
  const spec: Spec<Counter> = {
    init: { value: 0 },
    actions: { rise },
    terminal: () => false,
    onStep: { 'by one': ({ before, after }) => after.value - before.value === 1 },
  };
  const isEnough = (violated: ReadonlyMap<string, unknown>) => violated.size === 3;
  const { violations } = simulate(spec, walks, { isEnough });
  const steps = Object.fromEntries(
    violations.map(({ property, trace }) => [property, trace.steps.length]),
  );
  expect(steps['by one']).toBe(1);
  expect(Object.keys(steps).sort()).toEqual(['by one', 'deadlock', 'possible']);
});

test('walks begin where they are told to', () => {
  const spec = { ...counter(30), starts: { high: { value: 28 } } };
  expect(simulate(spec, { ...walks, from: 'high' })).toMatchObject({ distinct: 3, depth: 3 });
  expect(() => simulate(spec, { ...walks, from: 'low' })).toThrow('no such start');
});

test('swarms reach what uniform choice does not', () => {
  // Uniformly up and down from 0, 25 is a rare event within 40 steps.
  const spec = { ...counter(30, true), sometimes: { far: (s: Counter) => s.value === 25 } };
  expect([...simulate(spec, walks).witnesses.keys()]).toEqual(['far']);
});
