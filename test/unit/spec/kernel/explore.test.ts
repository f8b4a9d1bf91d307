import { expect, test } from 'vitest';
import { type Exploration, explore } from '../../../../spec/kernel/explore.ts';
import { actionsOn, impossible, type Spec } from '../../../../spec/kernel/model.ts';
import { enabledSteps, falseGuards } from '../../../../spec/kernel/step.ts';
import { type Counter, counter } from './toys.ts';

const lengths = <S>({ violations }: Exploration<S>) =>
  Object.fromEntries(violations.map(({ property, trace }) => [property, trace.steps.length]));

test('all states, with the depth counted in states', () => {
  expect(explore(counter(9, true))).toMatchObject({
    distinct: 10,
    generated: 18,
    depth: 10,
    isComplete: true,
    violations: [],
  });
});

test('a counterexample is a shortest one and a real behaviour', () => {
  const spec: Spec<Counter> = { ...counter(9, true), always: { small: (s) => s.value < 4 } };
  const { violations, isComplete } = explore(spec);
  expect(isComplete).toBe(false);
  expect(violations).toHaveLength(1);
  const trace = violations[0]?.trace;
  expect(trace?.start).toEqual({ value: 0 });
  expect(trace?.steps.map(({ action, state }) => [action, state.value])).toEqual([
    ['rise', 1],
    ['rise', 2],
    ['rise', 3],
    ['rise', 4],
  ]);
});

test('several properties in one go', () => {
  const spec: Spec<Counter> = {
    ...counter(9, true),
    always: { small: (s) => s.value < 4, odd: (s) => s.value !== 2 },
    onStep: { 'never falls': ({ before, after }) => after.value > before.value },
  };
  expect(lengths(explore(spec))).toEqual({ odd: 2, 'never falls': 2 });
  const all = explore(spec, { isEnough: (violated) => violated.size === 3 });
  expect(lengths(all)).toEqual({ odd: 2, 'never falls': 2, small: 4 });
});

test('a deadlock is a state that nothing leads out of and that may not be last', () => {
  const free = counter(3);
  expect(explore(free).violations).toEqual([]);
  expect(lengths(explore({ ...free, terminal: (s) => s.value === 3 }))).toEqual({});
  expect(lengths(explore({ ...free, terminal: () => false }))).toEqual({ deadlock: 3 });
  // A step that changes nothing leads nowhere.
  const turn = actionsOn<Counter>()({ next: (s) => s });
  const turning = { ...free, actions: { ...free.actions, turn }, terminal: () => false };
  expect(lengths(explore(turning))).toEqual({ deadlock: 3 });
});

test('an impossible branch is a violation with its sentence', () => {
  const rise = actionsOn<Counter>()({
    for: { by: [1, 2] },
    when: { low: (s) => s.value < 6 },
    next: (s, { by }) =>
      s.value === 4 && by === 2 ? impossible('six is not reached so') : { value: s.value + by },
  });
  const { violations } = explore({ init: { value: 0 }, actions: { rise } });
  expect(violations).toMatchObject([{ property: 'possible', detail: 'six is not reached so' }]);
  expect(violations[0]?.trace.steps.at(-1)).toMatchObject({ action: 'rise', params: { by: 2 } });
  expect(violations[0]?.trace.steps).toHaveLength(3);
});

test('witnesses are shortest too, and coverage counts what fired and what was false', () => {
  const spec = {
    ...counter(5, true),
    sometimes: { three: (s: Counter) => s.value === 3, no: () => false },
  };
  const { witnesses, coverage } = explore(spec);
  expect([...witnesses].map(([name, trace]) => [name, trace.steps.length])).toEqual([['three', 3]]);
  expect(coverage).toEqual([
    {
      name: 'rise',
      firedTimes: 5,
      newStates: 5,
      guards: [{ label: 'below the limit', falseTimes: 1 }],
    },
    { name: 'fall', firedTimes: 5, newStates: 0, guards: [{ label: 'above zero', falseTimes: 1 }] },
  ]);
});

test('a bound on states and an abort leave it incomplete', () => {
  expect(explore(counter(99), { maxStates: 10 }).isComplete).toBe(false);
  let asked = 0;
  const watch = { nowMs: () => 0, progress: () => {}, isAborted: () => ++asked > 0 };
  expect(explore(counter(99), { watch })).toMatchObject({ isComplete: false, violations: [] });
});

interface Ghostly {
  readonly value: number;
  readonly past: readonly number[];
}

test('ghosts do not tell states apart, and it is counted where they differ', () => {
  const action = actionsOn<Ghostly>();
  const add = action({
    for: { by: [1, 2] },
    when: { small: (s) => s.value < 4 },
    next: (s, { by }) => ({ value: s.value + by, past: [...s.past, by] }),
  });
  const spec: Spec<Ghostly> = {
    init: { value: 0, past: [] },
    actions: { add },
    ghosts: ['past'],
    always: { sum: (s) => s.past.reduce((a, b) => a + b, 0) === s.value },
  };
  expect(explore(spec)).toMatchObject({ distinct: 6, ghostJoins: 3, violations: [] });
  expect(explore(spec, { ghosts: true })).toMatchObject({ distinct: 15, ghostJoins: 0 });
});

test('parameters that depend on the state, and why a step is not enabled', () => {
  interface Mail {
    readonly inbox: readonly string[];
    readonly isOpen: boolean;
  }
  const read = actionsOn<Mail>()({
    for: { m: (s) => s.inbox, times: [1, 2] },
    when: {
      'the box is open': (s) => s.isOpen,
      'it is there': (s, { m }) => s.inbox.includes(m),
    },
    next: (s, { m }) => ({ ...s, inbox: s.inbox.filter((other) => other !== m) }),
  });
  const state: Mail = { inbox: ['x', 'y'], isOpen: true };
  const spec: Spec<Mail> = { init: state, actions: { read } };
  expect(enabledSteps(spec, state).map(({ params }) => params)).toEqual([
    { m: 'x', times: 1 },
    { m: 'x', times: 2 },
    { m: 'y', times: 1 },
    { m: 'y', times: 2 },
  ]);
  expect(falseGuards(spec, { inbox: [], isOpen: false }, 'read', { m: 'z', times: 1 })).toEqual([
    'the box is open',
    'it is there',
  ]);
  expect(explore(spec).distinct).toBe(4);
});

test('a state with other fields than the initial one is a mistake of the model', () => {
  const rise = actionsOn<Counter>()({
    when: { once: (s) => s.value === 0 },
    next: () => ({ value: 1, extra: 2 }),
  });
  expect(() => explore({ init: { value: 0 }, actions: { rise } })).toThrow('other fields');
});
