import { expect, test } from 'vitest';
import { changes, renderTrace, show } from '../../../../spec/kernel/explain.ts';
import { explore } from '../../../../spec/kernel/explore.ts';
import { actionsOn, type Spec } from '../../../../spec/kernel/model.ts';
import * as value from '../../../../spec/kernel/value.ts';

test('a total order over plain data', () => {
  const sorted = [null, false, true, -1, 0, 2, 10, '10', 'a', [], [1], [1, 0], [2]];
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) {
      expect(Math.sign(value.compare(a, b))).toBe(Math.sign(i - j));
    }
  }
});

test('records compare whatever the order of their keys, by type first', () => {
  expect(value.equal({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  expect(value.compare({ a: 1, b: 3 }, { b: 2, a: 2 })).toBeLessThan(0);
  expect(value.compare({ b: 3, a: 1 }, { b: 2, a: 2 })).toBeLessThan(0);
  expect(value.compare({ type: 'a', z: 9 }, { type: 'b', a: 0 })).toBeLessThan(0);
  expect(value.compare({ a: 1 }, { a: 1, b: 1 })).toBeLessThan(0);
  expect(value.compare({ a: 1, c: 1 }, { a: 1, b: 1 })).toBeGreaterThan(0);
});

test('sets and bags', () => {
  const set = value.setOf([3, 1, 3, 2]);
  expect(set).toEqual([1, 2, 3]);
  expect(value.include(set, 2)).toBe(set);
  expect(value.include(set, 0, 4)).toEqual([0, 1, 2, 3, 4]);
  expect(value.exclude(set, 2, 9)).toEqual([1, 3]);
  expect(value.exclude(set, 9)).toBe(set);
  expect(value.add(set, 2)).toEqual([1, 2, 2, 3]);
  expect(value.has(set, 3)).toBe(true);
  expect(value.subsets([1, 2])).toEqual([[], [2], [1], [1, 2]]);
  expect(value.majorities([1, 2, 3])).toHaveLength(4);
  expect(value.permutations([1, 2, 3])).toHaveLength(6);
});

test('records by name and rows by index', () => {
  const [a, b] = value.names('a', 2);
  const both = value.names('a', 2);
  const entries = value.record(both, (name) => ({ name, votes: 0 }));
  const changed = value.put(entries, 'a1', { votes: 1 });
  expect(changed).toEqual({ a1: { name: 'a1', votes: 1 }, a2: { name: 'a2', votes: 0 } });
  expect(changed.a2).toBe(entries.a2);
  expect(value.rekey(changed, (name) => (name === 'a1' ? 'a2' : 'a1'))).toEqual({
    a1: changed.a2,
    a2: changed.a1,
  });
  expect([a, b]).toEqual(['a1', 'a2']);
  const row = value.range(3);
  expect(value.putAt(row, 1, 9)).toEqual([0, 9, 2]);
  expect(value.putAt(row, 1, 1)).toBe(row);
  expect(() => value.at(row, 3)).toThrow('no element');
});

test('values and changes in words', () => {
  expect(show({ type: 'prepare', ballot: 1, to: [null, 'a'] })).toBe(
    'prepare(ballot=1, to=[none, a])',
  );
  const before = { a: { x: 1, y: 2 }, sent: [1, 2], row: [0, 0], vote: null };
  const after = { a: { x: 1, y: 3 }, sent: [1, 2, 3], row: [0, 5], vote: { b: 1 } };
  expect(changes(before, after)).toEqual([
    'a.y: 2 → 3',
    'sent: + 3',
    'row[1]: 0 → 5',
    'vote: none → {b=1}',
  ]);
  expect(changes({ sent: [1, 2, 3] }, { sent: [1, 3] })).toEqual(['sent: − 2']);
  expect(changes({ sent: [1, 2, 3] }, { sent: [4] })).toEqual(['sent: [1, 2, 3] → [4]']);
});

test('a counterexample in the words of its model', () => {
  interface Mail {
    readonly sent: readonly string[];
    readonly read: boolean;
  }
  const action = actionsOn<Mail>();
  const spec: Spec<Mail> = {
    init: { sent: [], read: false },
    actions: {
      send: action({
        when: { once: (s) => s.sent.length === 0 },
        next: (s) => ({ ...s, sent: ['hello'] }),
        chart: () => ({ from: 'ann', text: 'writes' }),
      }),
      read: action({
        for: { text: (s) => s.sent },
        next: (s) => ({ ...s, read: true }),
        chart: (_, { text }) => ({ from: 'ann', to: 'bob', text }),
      }),
    },
    always: { unread: (s) => !s.read },
  };
  const trace = explore(spec).violations[0]?.trace;
  expect(`\n${renderTrace(spec, trace as NonNullable<typeof trace>)}\n`).toBe(`
  0  start: sent=[], read=false
  1  send()
       sent: + hello
  2  read(text=hello)
       read: false → true

       ann         bob
  1    ● writes    │
  2    │── hello ─▶│
`);
});
