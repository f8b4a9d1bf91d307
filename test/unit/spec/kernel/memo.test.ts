import { describe, expect, test } from 'vitest';
import { explore } from '../../../../spec/kernel/explore.ts';
import { Memo, memoized } from '../../../../spec/kernel/memo.ts';
import { actionsOn, impossible, type Spec } from '../../../../spec/kernel/model.ts';
import { Stepper } from '../../../../spec/kernel/step.ts';
import { StateTable } from '../../../../spec/kernel/store.ts';
import { except } from '../../../../spec/kernel/value.ts';
import { Prng } from '../../../../src/base/prng.ts';

interface State {
  readonly a: number;
  readonly b: readonly number[];
  readonly c: { readonly deep: number };
}

const state = (a: number, b: number, c: number): State => ({ a, b: [b], c: { deep: c } });

/** Asks about each state in turn: the results, and how often the function was computed. */
function ask<T>(of: (state: State) => T, ...states: readonly State[]) {
  const table = new StateTable(['a', 'b', 'c']);
  let computed = 0;
  const memo = memoized(table, (s: State) => {
    computed++;
    return of(s);
  });
  const results = states.map((s) => memo(s, table.add(s)));
  return { results, computed };
}

describe('a function is computed once for what it reads', () => {
  test('and states that differ elsewhere are alike to it', () => {
    const { results, computed } = ask((s) => s.a + s.c.deep, state(1, 1, 1), state(1, 2, 1));
    expect(results).toEqual([2, 2]);
    expect(computed).toBe(1);
  });

  test('also where it read less before', () => {
    const onlyAtTwo = (s: State) => (s.a === 2 ? s.b[0] : s.a);
    const states = [state(1, 1, 1), state(2, 5, 1), state(2, 6, 1), state(1, 9, 9), state(2, 5, 2)];
    expect(ask(onlyAtTwo, ...states).results).toEqual([1, 5, 6, 1, 5]);
  });

  test.each<[string, (s: State) => unknown]>([
    ['a spread', (s) => ({ ...s }).b[0]],
    ['its entries', (s) => Object.entries(s).map(([, value]) => value)[1]],
    ['a descriptor', (s): unknown => Object.getOwnPropertyDescriptor(s, 'b')?.value],
    ['a copy of a copy', (s) => except(except(s, { a: 5 }), { c: { deep: 5 } }).b[0]],
    ['JSON', (s) => (JSON.parse(JSON.stringify(s)) as State).b[0]],
  ])('%s counts as reading', (_, of) => {
    expect(ask(of, state(1, 1, 1), state(1, 2, 1)).results.flat()).toEqual([1, 2]);
  });

  test('to replace a field is not to read it', () => {
    const { results, computed } = ask(
      (s) => except(except(s, { b: [] }), { a: s.a + 1 }).a,
      ...[state(1, 1, 1), state(1, 2, 2)],
    );
    expect(results).toEqual([2, 2]);
    expect(computed).toBe(1);
  });

  test('unless it reads a field that has no number', () => {
    const table = new StateTable(['a', 'c']);
    const memo = new Memo<State, number>(table, (lent) => lent.b[0] as number);
    expect([1, 2].map((b) => memo.of(state(1, b, 1), table.add(state(1, b, 1))))).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('unless it hardly ever finds what it knows', () => {
    const table = new StateTable(['a', 'c']);
    const memo = new Memo<State, number>(table, (lent) => lent.a);
    const results = Array.from({ length: 2_000 }, (_, a) =>
      memo.of(state(a, 0, 0), table.add(state(a, 0, 0))),
    );
    expect(results.slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, a) => a));
    expect(results.at(-1)).toBeUndefined();
  });
});

type Fields = Readonly<Record<string, number>>;
const SIZE = 5;
const FIELDS = ['p', 'q', 'r', 's', 'ghost'];

/** Actions that read and write some fields at random, in every way that models do. */
function randomSpec(prng: Prng): Spec<Fields> {
  const action = actionsOn<Fields>();
  const pick = () => prng.pick(FIELDS.slice(0, -1));
  const make = () => {
    const [left, right, from, to, other] = Array.from({ length: 5 }, pick) as [string, ...string[]];
    const [limit, way, hole] = [prng.int(0, SIZE), prng.int(0, 4), prng.int(0, 12)];
    return action({
      for: { by: (s: Fields) => [1, 2, 3].slice(0, s[left as string]) },
      when: {
        one: (s, { by }) => (s[left as string] as number) + by < SIZE,
        two: (s) => s[right as string] !== limit,
      },
      next: (s, { by }) => {
        const value = ((s[from as string] as number) + by) % SIZE;
        if (value === hole) return impossible('a hole');
        const change = { [to as string]: value };
        if (way === 0) return s;
        if (way === 1) return { ...s, ...change };
        if (way === 2) return except(s, { ...change, ghost: value });
        if (way === 3) return except(except(s, change), { [other as string]: by });
        return except(s, change);
      },
    });
  };
  return {
    init: { p: 1, q: 2, r: 1, s: 0, ghost: 0 },
    actions: Object.fromEntries(['A', 'B', 'C', 'D'].map((name) => [name, make()])),
    always: { small: (s) => (s.p as number) + (s.q as number) < 2 * SIZE - 2 },
    ghosts: ['ghost'],
  };
}

/** The same search without numbers and memos. */
function searchPlainly(spec: Spec<Fields>) {
  const keyOf = (state: Fields) => JSON.stringify({ ...state, ghost: 0 });
  const stepper = new Stepper(spec);
  const seen = new Set<string>();
  const violated = new Set<string>();
  const queue: Fields[] = [];
  let generated = 0;
  const arrive = (state: Fields) => {
    if (seen.has(keyOf(state))) return;
    seen.add(keyOf(state));
    queue.push(state);
    if (spec.always?.small?.(state) === false) violated.add('small');
  };
  arrive(spec.init as Fields);
  for (const state of queue) {
    stepper.forEach(state, (action, params) => {
      generated++;
      try {
        arrive(stepper.take(action, state, params));
      } catch {
        violated.add('possible');
      }
    });
  }
  const coverage = stepper.coverage.map(({ firedTimes, guards }) => ({ firedTimes, guards }));
  return { distinct: seen.size, generated, coverage, violated };
}

test('a search finds and counts the same as one without memos', () => {
  const prng = new Prng(11);
  let largest = 0;
  for (let round = 0; round < 200; round++) {
    const spec = randomSpec(prng);
    const { violated, ...expected } = searchPlainly(spec);
    const { violations, ...found } = explore(spec, { isEnough: () => false });
    expect(found).toMatchObject(expected);
    expect(new Set(violations.map(({ property }) => property))).toEqual(violated);
    largest = Math.max(largest, expected.distinct);
  }
  expect(largest).toBeGreaterThan(100);
});
