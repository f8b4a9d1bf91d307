/** Which overlaps of beliefs are violations, and which a fault excuses. */
import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import { pairOperations } from '../../../src/checker/pairing.ts';
import type { CheckResult } from '../../../src/checker/verdict.ts';
import { checkLock } from '../../../src/checker/workloads/lock.ts';

type Line = readonly [
  ms: number,
  process: number | 'nemesis',
  type: HistoryEntry['type'],
  f: string,
  value?: unknown,
];

function resultsOf(lines: readonly Line[]): ReadonlyMap<string, CheckResult> {
  const history = lines.map(([ms, process, type, f, value], index): HistoryEntry => {
    const entry = { index, process, type, f, key: 'lock', value, time: ms * 1e6 };
    return process === 'nemesis' ? entry : { ...entry, client: process, node: 1 };
  });
  const results = checkLock(history, pairOperations(history));
  return new Map(results.map((result) => [result.checker, result]));
}

const grant = (ms: number, client: number, token: string, untilMs: number): readonly Line[] => [
  [ms, client, 'invoke', 'acquire'],
  [ms + 1, client, 'ok', 'acquire', { token, belief: { fromMs: ms + 1, untilMs } }],
];

const overlap: readonly Line[] = [...grant(1000, 1, '0x5', 1800), ...grant(1500, 2, '0x7', 2300)];

const fault = (ms: number, f: string, step: string): Line => [
  ms,
  'nemesis',
  'info',
  f,
  { step, fault: 'f1', nodes: [2] },
];

const inTime = (lines: readonly Line[]): readonly Line[] => [...lines].sort((a, b) => a[0] - b[0]);

describe('beliefs that overlap', () => {
  test('are a violation without a fault', () => {
    const beliefs = resultsOf(overlap).get('lock-beliefs');
    expect(beliefs?.verdict).toBe('violation');
    expect(beliefs?.anomalies[0]?.message).toContain('299 ms, and no fault explains it');
  });

  test.each(['pause', 'partition-one', 'clock-bump'])('are counted under %s', (kind) => {
    const lines = [fault(1200, kind, 'requested'), fault(1400, kind, 'healed'), ...overlap];
    const beliefs = resultsOf(inTime(lines)).get('lock-beliefs');
    expect(beliefs?.verdict).toBe('pass');
    expect(beliefs?.findings).toEqual({ [`belief overlaps under ${kind}`]: 1 });
  });

  test('are a violation when the fault was long before', () => {
    const lines = [fault(10, 'pause', 'requested'), fault(20, 'pause', 'healed'), ...overlap];
    expect(resultsOf(inTime(lines)).get('lock-beliefs')?.verdict).toBe('violation');
  });

  test('are not excused by the phases of a run', () => {
    const phase: Line = [5, 'nemesis', 'info', 'phase', 'workload'];
    expect(resultsOf([phase, ...overlap]).get('lock-beliefs')?.verdict).toBe('violation');
  });

  test('are a violation under any fault where releases prove both', () => {
    const lines = inTime([
      fault(900, 'pause', 'requested'),
      ...overlap,
      [1600, 1, 'invoke', 'release'],
      [1601, 1, 'ok', 'release', { token: '0x5', belief: { fromMs: 1001, untilMs: 1600 } }],
      [1700, 2, 'invoke', 'release'],
      [1701, 2, 'ok', 'release', { token: '0x7', belief: { fromMs: 1501, untilMs: 1700 } }],
    ]);
    const results = resultsOf(lines);
    expect(results.get('lock-beliefs')?.verdict).toBe('violation');
    expect(results.get('lock-grants')?.anomalies[0]?.kind).toBe('granted-twice');
  });

  test('end where the holder let go', () => {
    const lines = inTime([
      ...grant(1000, 1, '0x5', 1800),
      [1400, 1, 'invoke', 'release'],
      [1401, 1, 'ok', 'release', { token: '0x5', belief: { fromMs: 1001, untilMs: 1400 } }],
      ...grant(1500, 2, '0x7', 2300),
    ]);
    for (const [name, { verdict }] of resultsOf(lines)) {
      expect([name, verdict]).toEqual([name, name === 'fenced-store' ? 'not-exercised' : 'pass']);
    }
  });

  test('end where the holder asked to let go, even without an answer', () => {
    const lines = inTime([
      ...grant(1000, 1, '0x5', 1800),
      [1400, 1, 'invoke', 'release'],
      [1450, 1, 'info', 'release'],
      ...grant(1500, 2, '0x7', 2300),
    ]);
    expect(resultsOf(lines).get('lock-beliefs')?.verdict).toBe('pass');
  });
});

describe('the fenced store', () => {
  const store = (ms: number, client: number, value: unknown): readonly Line[] => [
    [ms, client, 'invoke', 'store', { blind: false }],
    [ms + 1, client, 'ok', 'store', value],
  ];

  test('may refuse a stale token', () => {
    const value = { token: '0x5', accepted: false, highest: '0x7' };
    const fenced = resultsOf(store(1, 1, value)).get('fenced-store');
    expect(fenced?.verdict).toBe('pass');
    expect(fenced?.findings).toEqual({ 'stale tokens refused': 1 });
  });

  test('must not accept one whose lock a second holder has, as the release proves', () => {
    const lines = inTime([
      ...grant(1000, 1, '0x5', 1100),
      ...grant(1200, 2, '0x7', 1300),
      ...store(1400, 1, { token: '0x5', accepted: true, highest: '0x5' }),
      [1600, 1, 'invoke', 'release'],
      [1601, 1, 'ok', 'release', { token: '0x5', belief: { fromMs: 1001, untilMs: 1600 } }],
    ]);
    const fenced = resultsOf(lines).get('fenced-store');
    expect(fenced?.verdict).toBe('violation');
    expect(fenced?.summary).toContain('the lock had granted 0x7 to client 2');
  });

  test('cannot know of a grant that has not reached it: no violation without the proof', () => {
    const lines = inTime([
      ...grant(1000, 1, '0x5', 1100),
      ...grant(1200, 2, '0x7', 1300),
      ...store(1400, 1, { token: '0x5', accepted: true, highest: '0x5' }),
    ]);
    expect(resultsOf(lines).get('fenced-store')?.verdict).toBe('pass');
  });
});
