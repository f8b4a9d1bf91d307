import { describe, expect, test } from 'vitest';
import { type Prng, prngStream } from '../../../../src/base/prng.ts';
import { checkListAppend } from '../../../../src/checker/fast/transactions/list-append.ts';
import { checkRwRegister } from '../../../../src/checker/fast/transactions/rw-register.ts';
import type { Micro } from '../../../../src/checker/fast/transactions/transactions.ts';
import { type HistoryEvent, historyOf } from '../../../../src/checker/history/builder.ts';
import type { History } from '../../../../src/checker/history/columns.ts';

type Line = readonly [process: number, type: HistoryEvent['type'], ...micros: Micro[]];

const history = (lines: readonly Line[]): History =>
  historyOf(lines.map(([process, type, ...value]) => ({ process, type, f: 'txn', value })));

/** Transactions that all overlap: nothing is known of their order but what they say. */
const together = (...transactions: readonly (readonly Micro[])[]): History =>
  history([
    ...transactions.map((micros, process): Line => [process, 'invoke', ...micros]),
    ...transactions.map((micros, process): Line => [process, 'ok', ...micros]),
  ]);

/** One after the other. */
const inTurn = (...transactions: readonly (readonly Micro[])[]): History =>
  history(
    transactions.flatMap((micros, process): Line[] => [
      [process, 'invoke', ...micros],
      [process, 'ok', ...micros],
    ]),
  );

const a = (key: string, value: number): Micro => ['append', key, value];
const r = (key: string, value: unknown): Micro => ['r', key, value];
const w = (key: string, value: number): Micro => ['w', key, value];

const names = (found: ReturnType<typeof checkListAppend>): readonly string[] =>
  found.anomalies.map(({ name }) => name);

describe('list-append', () => {
  test('a serial history has no anomaly', () => {
    const found = checkListAppend(
      inTurn(
        [a('x', 1), r('x', [1])],
        [r('x', [1]), a('x', 2), a('y', 1)],
        [r('y', [1]), r('x', [1, 2])],
      ),
    );
    expect(found).toMatchObject({ verdict: 'valid', transactions: 3, anomalies: [] });
  });

  test.each<readonly [string, History, string]>([
    [
      'two transactions whose writes interleave',
      together([a('x', 1), a('y', 1)], [a('x', 2), a('y', 2)], [r('x', [1, 2]), r('y', [2, 1])]),
      'G0',
    ],
    [
      'each reads what the other wrote',
      together([a('x', 1), r('y', [1])], [a('y', 1), r('x', [1])]),
      'G1c',
    ],
    [
      'a read skew',
      together([a('x', 1), a('y', 1)], [r('x', []), r('y', [1])], [r('x', [1])]),
      'G-single',
    ],
    [
      'a write skew',
      together([r('x', []), a('y', 1)], [r('y', []), a('x', 1)], [r('x', [1]), r('y', [1])]),
      'G2',
    ],
    [
      'a read that is behind real time',
      inTurn([a('x', 1)], [r('x', [])], [r('x', [1])]),
      'G-single-realtime',
    ],
    [
      'a value read before the transaction that wrote it began',
      inTurn([r('x', [1])], [a('x', 1)]),
      'G1c-realtime',
    ],
    [
      'two orders',
      together([a('x', 1)], [a('x', 2)], [r('x', [1, 2])], [r('x', [2])]),
      'incompatible-order',
    ],
    ['an element from nowhere', together([r('x', [9])]), 'unwritten-read'],
    ['an element twice', together([a('x', 1)], [r('x', [1, 1])]), 'duplicate-elements'],
    [
      'a read in the middle',
      together([a('x', 1), a('x', 2)], [r('x', [1])], [r('x', [1, 2])]),
      'G1b',
    ],
    ['its own write unseen', together([a('x', 1), r('x', [])]), 'internal'],
    [
      'another answer to the same question',
      together([r('x', []), r('x', [1])], [a('x', 1)]),
      'internal',
    ],
  ])('%s', (_, given, name) => {
    const found = checkListAppend(given);
    expect(found.verdict).toBe('invalid');
    expect(names(found)).toContain(name);
  });

  test('a value of a transaction that failed', () => {
    const found = checkListAppend(
      history([
        [0, 'invoke', a('x', 1)],
        [0, 'fail', a('x', 1)],
        [1, 'invoke', r('x', null)],
        [1, 'ok', r('x', [1])],
      ]),
    );
    expect(names(found)).toContain('G1a');
  });

  test('what a level allows is told, and is no violation', () => {
    const skew = together(
      [r('x', []), a('y', 1)],
      [r('y', []), a('x', 1)],
      [r('x', [1]), r('y', [1])],
    );
    expect(checkListAppend(skew, { level: 'serializable' }).verdict).toBe('invalid');
    const weaker = checkListAppend(skew, { level: 'snapshot-isolation' });
    expect(weaker.verdict).toBe('valid');
    expect(names(weaker)).toContain('G2');
  });

  test('a cycle is told in words, edge by edge, and is a shortest one', () => {
    const found = checkListAppend(
      together(
        [a('x', 1), a('y', 1)],
        [r('x', []), r('y', [1])],
        [r('x', [1])],
        [r('x', [1]), a('x', 2)],
        [r('x', [1, 2])],
      ),
    );
    const skew = found.anomalies.find(({ name }) => name === 'G-single');
    expect(skew?.rows).toHaveLength(2);
    expect(skew?.why).toEqual([
      'T1 is read x = [], read y = [1]',
      'T2 is append 1 to x, append 1 to y',
      'T1 comes before T2: T1 read x without 1, which the other one appended',
      'T2 comes before T1: T2 appended 1 to y, which the other one read',
      'so T1 would have to come before itself',
    ]);
  });

  test('an operation that is no transaction is refused', () => {
    const given = historyOf([{ process: 0, type: 'invoke', f: 'txn', value: 7 }]);
    expect(() => checkListAppend(given)).toThrow('operation 0 is no list');
  });
});

describe('rw-register', () => {
  test.each<readonly [string, History, string | undefined]>([
    ['serial', inTurn([w('x', 1)], [r('x', 1), w('x', 2)], [r('x', 2)]), undefined],
    [
      'each reads what the other wrote',
      together([w('x', 1), r('y', 2)], [w('y', 2), r('x', 1)]),
      'G1c',
    ],
    [
      'a lost update',
      together(
        [w('x', 0)],
        [r('x', 0), w('x', 1)],
        [r('x', 0), w('x', 2)],
        [r('x', 1), r('y', null)],
        [r('x', 2), w('x', 3)],
      ),
      'G2',
    ],
    ['a write skew', together([r('x', null), w('y', 1)], [r('y', null), w('x', 1)]), 'G2'],
    ['a read that is behind real time', inTurn([w('x', 1)], [r('x', null)]), 'G-single-realtime'],
    ['a value from nowhere', together([r('x', 5)]), 'unwritten-read'],
    ['a value that was written over', together([w('x', 1), w('x', 2)], [r('x', 1)]), 'G1b'],
    ['its own write unseen', together([w('x', 1), r('x', null)]), 'internal'],
    ['written twice', together([w('x', 1)], [w('x', 1)]), 'duplicate-elements'],
    [
      'versions in a circle',
      together([r('x', 1), w('x', 2)], [r('x', 2), w('x', 1)]),
      'cyclic-versions',
    ],
  ])('%s', (_, given, name) => {
    const found = checkRwRegister(given);
    if (name === undefined) expect(found.anomalies).toEqual([]);
    else expect(names(found)).toContain(name);
  });

  test('keys that are linearizable by themselves tell more', () => {
    const given = history([
      [0, 'invoke', w('x', 1)],
      [0, 'ok', w('x', 1)],
      [3, 'invoke', r('x', null), r('y', null)],
      [1, 'invoke', w('x', 2), w('y', 2)],
      [1, 'ok', w('x', 2), w('y', 2)],
      [3, 'ok', r('x', 1), r('y', 2)],
    ]);
    expect(checkRwRegister(given, { level: 'serializable' }).verdict).toBe('valid');
    const found = checkRwRegister(given, { level: 'serializable', hasLinearizableKeys: true });
    expect(names(found)).toContain('G-single');
  });
});

interface Database {
  readonly lists: Map<string, number[]>;
}

/** A strictly serializable run: transactions overlap, and each takes effect at one moment. */
function serializableRun(prng: Prng): Line[] {
  const database: Database = { lists: new Map() };
  const lines: Line[] = [];
  const open = new Map<number, { micros: readonly Micro[]; done?: readonly Micro[] }>();
  let fresh = 4;
  let next = 0;
  for (let turn = 0; turn < 60; turn++) {
    const process = prng.int(0, 3);
    const running = open.get(process);
    if (running === undefined) {
      const micros = Array.from({ length: prng.int(1, 3) }, (): Micro => {
        const key = prng.pick(['x', 'y']);
        return prng.chance(500) ? a(key, ++next) : r(key, null);
      });
      open.set(process, { micros });
      lines.push([process, 'invoke', ...micros]);
    } else if (running.done === undefined) {
      running.done = apply(database, running.micros);
    } else {
      open.delete(process);
      lines.push([process, 'ok', ...running.done]);
    }
  }
  // The rest crashed, some of them having taken effect.
  for (const [process, { micros, done }] of open) {
    if (done === undefined && prng.chance(500)) apply(database, micros);
    lines.push([process, 'info', ...micros]);
  }
  for (const key of ['x', 'y']) {
    const process = fresh++;
    const list = [...(database.lists.get(key) ?? [])];
    lines.push([process, 'invoke', r(key, null)], [process, 'ok', r(key, list)]);
  }
  return lines;
}

function apply({ lists }: Database, micros: readonly Micro[]): readonly Micro[] {
  return micros.map(([f, key, value]) => {
    const list = lists.get(String(key)) ?? [];
    if (f === 'r') return r(String(key), [...list]);
    lists.set(String(key), [...list, value as number]);
    return [f, key, value];
  });
}

test('strictly serializable runs have no anomaly, and falsified reads mostly do', () => {
  const prng = prngStream('transactions', 'runs');
  let found = 0;
  for (let run = 0; run < 300; run++) {
    const lines = serializableRun(prng);
    const verdict = checkListAppend(history(lines));
    expect(verdict.anomalies).toEqual([]);
    const reads = lines.flatMap(([, type, ...micros], at) =>
      type === 'ok' && micros.some(([f, , list]) => f === 'r' && (list as []).length > 1)
        ? [at]
        : [],
    );
    const at = reads.length === 0 ? -1 : prng.pick(reads);
    const line = lines[at];
    if (line === undefined) continue;
    const [process, type, ...micros] = line;
    // A read that forgets its last two elements.
    const bad = micros.map((micro): Micro => {
      return micro[0] === 'r' ? [micro[0], micro[1], (micro[2] as number[]).slice(0, -2)] : micro;
    });
    const falsified = lines.with(at, [process, type, ...bad]);
    if (checkListAppend(history(falsified)).verdict === 'invalid') found++;
  }
  expect(found).toBeGreaterThan(100);
});
