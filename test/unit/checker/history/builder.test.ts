import { describe, expect, test } from 'vitest';
import {
  HistoryBuilder,
  type HistoryEvent,
  HistoryFormatError,
  historyOf,
} from '../../../../src/checker/history/builder.ts';
import { NEVER, Outcome, relax } from '../../../../src/checker/history/columns.ts';
import { partition } from '../../../../src/checker/history/partition.ts';
import { Values } from '../../../../src/checker/history/values.ts';

const events: readonly HistoryEvent[] = [
  { process: 0, type: 'invoke', f: 'write', key: 'x', value: 1, time: 10 },
  { process: 1, type: 'invoke', f: 'read', key: 'y', value: null, time: 11 },
  { process: 0, type: 'ok', f: 'write', key: 'x', value: 1, time: 12 },
  { process: 'nemesis', type: 'info', f: 'kill', value: 'n1', time: 13 },
  { process: 1, type: 'ok', f: 'read', key: 'y', value: [2, { b: 1, a: 2 }], time: 14 },
  { process: 0, type: 'invoke', f: 'write', key: 'y', value: 3, time: 15 },
  { process: 0, type: 'info', f: 'write', time: 16 },
  { process: 'client-7', type: 'invoke', f: 'read', key: 'x', time: 17 },
];

describe('HistoryBuilder', () => {
  test('puts operations into columns, in the order of their invocations', () => {
    const history = historyOf(events);
    expect(history.count).toBe(4);
    expect(Array.from(history.start)).toEqual([0, 1, 4, 6]);
    expect(Array.from(history.end)).toEqual([2, 3, NEVER, NEVER]);
    expect(Array.from(history.outcome)).toEqual([
      Outcome.ok,
      Outcome.ok,
      Outcome.info,
      Outcome.info,
    ]);
    expect(history.op(0)).toEqual({ f: 'write', input: 1, output: 1, outcome: 'ok' });
    expect(history.op(1).output).toEqual([2, { b: 1, a: 2 }]);
    expect(history.op(2)).toEqual({ f: 'write', input: 3, output: undefined, outcome: 'info' });
    expect(history.keyOf(3)).toBe('x');
    expect(history.startTime?.[1]).toBe(11);
    expect(history.endTime?.[2]).toBe(16);
  });

  test('relaxing takes the answer and the end away, and leaves the original alone', () => {
    const history = historyOf(events);
    const relaxed = relax(history, (row) => row === 1);
    expect(relaxed.op(1)).toMatchObject({ outcome: 'info', output: undefined });
    expect(relaxed.end[1]).toBe(NEVER);
    expect(history.op(1).outcome).toBe('ok');
  });

  test('parts by key keep the ranks of the whole', () => {
    const parts = partition(historyOf(events), undefined);
    expect(parts.map(({ key, rows }) => [key, Array.from(rows)])).toEqual([
      ['x', [0, 3]],
      ['y', [1, 2]],
    ]);
    expect(Array.from(parts[1]?.history.start ?? [])).toEqual([1, 4]);
    const inner = partition(historyOf(events), ({ f }) => f);
    expect(inner.map(({ key }) => key)).toEqual(['x/write', 'y/read', 'y/write', 'x/read']);
  });

  test.each<readonly [string, HistoryEvent, string | undefined, string]>([
    ['type', { process: 0, type: 'done' as 'ok', f: 'read' }, 'type', 'none of invoke'],
    ['process', { process: 0.5, type: 'ok', f: 'read' }, 'process', 'neither a whole number'],
    ['f', { process: 0, type: 'ok', f: 7 as unknown as string }, 'f', 'not the name'],
    ['key', { process: 5, type: 'invoke', f: 'read', key: {} as string }, 'key', 'not a name'],
    ['time', { process: 5, type: 'invoke', f: 'read', time: Number.NaN }, 'time', 'not a number'],
    ['nothing invoked', { process: 9, type: 'ok', f: 'read' }, 'process', 'never invoked'],
    ['busy', { process: 'client-7', type: 'invoke', f: 'read' }, 'process', 'busy since line 8'],
    ['ended', { process: 0, type: 'invoke', f: 'read' }, 'process', 'must not come back'],
    ['other f', { process: 'client-7', type: 'ok', f: 'write' }, 'f', 'completes read as write'],
    [
      'other key',
      { process: 'client-7', type: 'ok', f: 'read', key: 'z' },
      'key',
      'completes x as z',
    ],
  ])('a wrong %s is told with line, field and reason', (_, event, field, why) => {
    const builder = new HistoryBuilder();
    events.forEach((good, at) => {
      builder.push(good, at + 1);
    });
    let error: unknown;
    try {
      builder.push(event, 99);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(HistoryFormatError);
    expect(error).toMatchObject({ line: 99, field });
    expect((error as Error).message).toContain(why);
  });

  test('a call whose answer was lost crashed, where that is asked for', () => {
    const twice: readonly HistoryEvent[] = [
      { process: 0, type: 'invoke', f: 'read' },
      { process: 0, type: 'invoke', f: 'read' },
      { process: 0, type: 'ok', f: 'read', value: 1 },
    ];
    expect(() => historyOf(twice)).toThrow('busy');
    const builder = new HistoryBuilder({ lostCalls: 'crash' });
    for (const event of twice) builder.push(event);
    const history = builder.build();
    expect(history.op(0).outcome).toBe('info');
    expect(history.op(1)).toMatchObject({ outcome: 'ok', output: 1 });
  });

  test('columns grow', () => {
    const builder = new HistoryBuilder();
    for (let at = 0; at < 1000; at++) {
      builder.push({ process: 0, type: 'invoke', f: 'write', value: at * 1000 });
      builder.push({ process: 0, type: 'ok', f: 'write', value: at * 1000 });
    }
    const history = builder.build();
    expect(history.count).toBe(1000);
    expect(history.op(999)).toMatchObject({ input: 999_000 });
  });
});

describe('Values', () => {
  test('equal JSON has one number, whatever the order of keys', () => {
    const values = new Values();
    expect(values.idOf({ a: 1, b: [2] })).toBe(values.idOf({ b: [2], a: 1 }));
    expect(values.idOf([1, 2])).not.toBe(values.idOf([2, 1]));
    expect(values.idOf(1)).not.toBe(values.idOf('1'));
    expect(values.idOf(-1)).not.toBe(values.idOf(1));
    expect(values.idOf(1.5)).toBe(values.idOf(1.5));
    expect(values.at(values.idOf(100_000))).toBe(100_000);
    expect(values.idOf(null)).not.toBe(values.idOf(undefined));
  });
});
