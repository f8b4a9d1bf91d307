import { expect, test } from 'vitest';
import { check, checkSpec } from '../../../../spec/kernel/check.ts';
import { actionsOn, type Spec } from '../../../../spec/kernel/model.ts';
import { findAsymmetry, findBadQuotient } from '../../../../spec/kernel/symmetry.ts';
import { include, names, setOf } from '../../../../spec/kernel/value.ts';
import { Prng } from '../../../../src/base/prng.ts';
import { type Counter, counter, modelOf } from './toys.ts';

/** Counts in half steps: every second one is a step of the counter, the others are stutters. */
const halves = (limit: number): Spec<Counter> => ({
  ...counter(2 * limit),
  refines: { counter: { spec: counter(limit), map: (s: Counter) => ({ value: s.value >> 1 }) } },
});

test('every step is an abstract one or changes nothing', () => {
  expect(checkSpec(halves(4)).violations).toEqual([]);
});

test('a step that the abstract model does not have is shown', () => {
  const spec: Spec<Counter> = {
    ...counter(4),
    refines: {
      counter: { spec: counter(9), map: (s: Counter) => ({ value: s.value === 3 ? 5 : s.value }) },
    },
  };
  const [violation] = checkSpec(spec).violations;
  expect(violation).toMatchObject({ property: 'refines counter' });
  expect(violation?.trace.steps.map(({ state }) => state.value)).toEqual([1, 2, 3]);
});

test('an initial state that the abstract model does not have is shown', () => {
  const refines = { counter: { spec: counter(9), map: () => ({ value: 7 }) } };
  const [violation] = checkSpec({ ...counter(1), refines }).violations;
  expect(violation?.detail).toBe('an initial state is none of the abstract model');
  expect(violation?.trace.steps).toEqual([]);
});

type Client = 'c1' | 'c2' | 'c3';
interface Room {
  readonly inside: readonly Client[];
  readonly last: Client | null;
}
const clients = names('c', 3) as readonly Client[];
const action = actionsOn<Room>();
const enter = action({
  for: { c: clients },
  when: { outside: (s, { c }) => !s.inside.includes(c) },
  next: (s, { c }) => ({ inside: include(s.inside, c), last: c }),
});
const room: Spec<Room> = {
  init: { inside: [], last: null },
  actions: { enter },
  symmetry: {
    sets: { clients },
    permute: ({ inside, last }, rename) => ({
      inside: setOf(inside.map(rename)),
      last: last && rename(last),
    }),
  },
};

test('symmetry keeps one state of each orbit', () => {
  const model = modelOf(room);
  // {} ; one of 3 with itself last; two of 3 with either last; all with any last.
  expect(check(model).distinct).toBe(1 + 3 + 6 + 3);
  expect(check(model, { symmetry: true })).toMatchObject({ distinct: 4, depth: 4 });
});

test('counterexamples under symmetry are real behaviours', () => {
  const spec = { ...room, always: { 'not full': (s: Room) => s.inside.length < 3 } };
  const [violation] = check(modelOf(spec), { symmetry: true }).violations;
  let before: Room = room.init as Room;
  for (const { params, state } of violation?.trace.steps ?? []) {
    expect(enter.next(before, params as { c: Client })).toEqual(state);
    before = state;
  }
  expect(before.inside).toEqual(clients);
});

test('a model that singles a name out is caught', () => {
  const asymmetryOf = (spec: Spec<Room>) => findAsymmetry(spec, new Prng(1));
  expect(asymmetryOf(room)).toBeUndefined();
  const always = { 'c1 is not last': (s: Room) => s.last !== 'c1' };
  expect(asymmetryOf({ ...room, always })).toContain('c1 is not last differs');
  const larger = action({
    for: { c: clients },
    when: { larger: (s, { c }) => s.last === null || c > s.last },
    next: (s, { c }) => ({ inside: include(s.inside, c), last: c }),
  });
  expect(asymmetryOf({ ...room, actions: { larger } })).toContain('larger leads elsewhere');
  expect(asymmetryOf({ ...room, init: { inside: ['c1'], last: null } })).toContain('initial state');
  expect(asymmetryOf({ ...room, symmetry: { refused: 'ids are compared' } })).toBe(
    'ids are compared',
  );
  const refused = { ...room, symmetry: { refused: 'ids are compared' } };
  expect(() => check(modelOf(refused), { symmetry: true })).toThrow('ids are compared');
});

test('liveness and refinement are not decided under symmetry, and that is said', () => {
  const spec: Spec<Room> = {
    ...room,
    eventually: { full: { reaches: (s) => s.inside.length === 3 } },
  };
  expect(check(modelOf(spec)).verdict).toBe('violation');
  expect(check(modelOf(spec), { symmetry: true })).toMatchObject({
    verdict: 'pass',
    notChecked: expect.arrayContaining(['full: not under symmetry']),
  });
});

const clock = actionsOn<Counter>();
const endless: Spec<Counter> = {
  init: { value: 0 },
  actions: { tick: clock({ next: (s) => ({ value: s.value + 1 }) }) },
};

test('a quotient makes finitely many states of infinitely many', () => {
  const modulo = { ...endless, normal: (s: Counter) => ({ value: s.value % 5 }) };
  expect(checkSpec(modulo)).toMatchObject({ distinct: 5, verdict: 'pass' });
  expect(findBadQuotient(modulo, new Prng(1))).toBeUndefined();
  const never = { ...modulo, eventually: { ten: { recurs: () => false, weak: ['tick'] } } };
  const trace = checkSpec(never).violations[0]?.trace;
  // The behaviour that is shown is not renumbered.
  expect(trace?.steps.map(({ state }) => state.value)).toEqual([1, 2, 3, 4, 5]);
});

test('a quotient that merges what behaves differently is caught', () => {
  const always = { 'below ten': (s: Counter) => s.value < 10 };
  const spec = { ...endless, always, normal: (s: Counter) => ({ value: s.value % 5 }) };
  expect(findBadQuotient(spec, new Prng(1))).toContain('below ten differs');
});
