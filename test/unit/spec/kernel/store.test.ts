import { expect, test } from 'vitest';
import { Interner, StateTable, TupleTable } from '../../../../spec/kernel/store.ts';
import { Prng } from '../../../../src/base/prng.ts';

test('tuples keep their numbers while the table grows', () => {
  const table = new TupleTable();
  const tuples = Array.from({ length: 5_000 }, (_, index) => [index % 7, index, index * 3]);
  const numbers = tuples.map((tuple) => table.add(tuple, tuple.length));
  expect(numbers).toEqual(tuples.map((_, index) => index));
  expect(tuples.map((tuple) => table.add(tuple, tuple.length))).toEqual(numbers);
  expect(table.find([1, 2], 2)).toBeUndefined();
  // A prefix is another tuple.
  expect(table.add([1, 1], 2)).toBe(5_000);
});

test('equal values have one number, others have others', () => {
  const interner = new Interner();
  const values = [
    1,
    '1',
    true,
    'true',
    null,
    'null',
    [],
    [[]],
    {},
    [1],
    { a: 1 },
    { a: '1' },
    { b: 1 },
  ];
  const numbers = values.map((value) => interner.intern(value));
  expect(new Set(numbers).size).toBe(values.length);
  expect(values.map((value) => interner.intern(structuredClone(value)))).toEqual(numbers);
});

test('the order of keys makes no difference', () => {
  const interner = new Interner();
  expect(interner.intern({ a: 1, b: [2], c: null })).toBe(
    interner.intern({ c: null, b: [2], a: 1 }),
  );
  expect(interner.intern({ a: 1, b: 2 })).not.toBe(interner.intern({ a: 2, b: 1 }));
});

test('what is no plain data is refused', () => {
  const interner = new Interner();
  for (const value of [undefined, () => 1, Symbol('s'), 1n]) {
    expect(() => interner.intern({ value })).toThrow('no plain data');
  }
  expect(() => interner.intern([new Map()])).toThrow('no plain data');
});

/** A random value, and one that shares most of its parts. */
function randomValue(prng: Prng, depth: number): unknown {
  const kind = depth === 0 ? prng.int(0, 1) : prng.int(0, 3);
  if (kind === 0) return prng.int(0, 5);
  if (kind === 1) return prng.pick(['a', 'b', null]);
  const parts = Array.from({ length: prng.int(0, 4) }, () => randomValue(prng, depth - 1));
  if (kind === 2) return parts;
  return Object.fromEntries(parts.map((part, index) => [`k${(index * 3) % 5}`, part]));
}

function change(prng: Prng, value: unknown): unknown {
  if (Array.isArray(value)) {
    const index = prng.int(0, value.length);
    const copy = [...value];
    if (prng.chance(500)) copy.splice(index, prng.int(0, 1), randomValue(prng, 1));
    else if (index < copy.length) copy[index] = change(prng, copy[index]);
    return copy;
  }
  if (typeof value !== 'object' || value === null) return randomValue(prng, 1);
  const keys = Object.keys(value);
  if (keys.length === 0) return { k0: 1 };
  const key = prng.pick(keys);
  return { ...value, [key]: change(prng, (value as Record<string, unknown>)[key]) };
}

const canonicalText = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

test('interning beside the parent gives the same numbers as canonical text', () => {
  const prng = new Prng(7);
  const table = new StateTable(['x', 'y']);
  const texts = new Map<string, number>();
  let state: { x: unknown; y: unknown } = { x: randomValue(prng, 3), y: 0 };
  let number = table.add(state);
  texts.set(canonicalText(state), number);
  for (let step = 0; step < 3_000; step++) {
    const next = prng.chance(500)
      ? { ...state, x: change(prng, state.x) }
      : { y: change(prng, state.y), x: state.x };
    const found = table.add(next, state, number);
    const text = canonicalText(next);
    if (found !== (texts.get(text) ?? texts.size)) throw new Error(`step ${step}: ${text}`);
    texts.set(text, found);
    if (prng.chance(20)) state = { x: randomValue(prng, 3), y: 0 };
    else state = next;
    number = table.add(state);
    texts.set(canonicalText(state), number);
  }
  expect(table.size).toBe(texts.size);
  expect(table.size).toBeGreaterThan(1_000);
});
