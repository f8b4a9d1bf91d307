/** Shared and exclusive grants: who excludes whom, and what a fenced store may accept of either. */
import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import { checkLock, sharedHolds } from '../../../src/checker/index.ts';
import { pairOperations } from '../../../src/checker/pairing.ts';

type Line = readonly [
  ms: number,
  client: number,
  type: HistoryEntry['type'],
  f: string,
  value?: unknown,
];

function historyOf(lines: readonly Line[]): readonly HistoryEntry[] {
  return [...lines]
    .sort((a, b) => a[0] - b[0])
    .map(([ms, client, type, f, value], index) => {
      return {
        index,
        process: client,
        client,
        type,
        f,
        key: 'lock',
        value,
        time: ms * 1e6,
        node: 1,
      };
    });
}

function verdictsOf(lines: readonly Line[]): Readonly<Record<string, string>> {
  const history = historyOf(lines);
  const results = checkLock(history, pairOperations(history));
  return Object.fromEntries(results.map(({ checker, verdict }) => [checker, verdict]));
}

const hold = (
  client: number,
  mode: 'shared' | 'exclusive',
  token: string,
  fromMs: number,
  untilMs: number,
): readonly Line[] => [
  [fromMs - 1, client, 'invoke', `acquire-${mode}`],
  [fromMs, client, 'ok', `acquire-${mode}`, { token, belief: { fromMs, untilMs } }],
  [untilMs, client, 'invoke', 'release'],
  [untilMs + 1, client, 'ok', 'release', { token, belief: { fromMs, untilMs } }],
];

const use = (ms: number, client: number, f: 'store' | 'load', token: string): readonly Line[] => [
  [ms, client, 'invoke', f],
  [ms + 1, client, 'ok', f, { token, accepted: true, highest: token }],
];

describe('holds that overlap', () => {
  test('are no violation of two readers, and are counted', () => {
    const lines = [...hold(1, 'shared', '0x5', 100, 300), ...hold(2, 'shared', '0x7', 200, 400)];
    expect(verdictsOf(lines)).toMatchObject({ 'lock-grants': 'pass', 'lock-beliefs': 'pass' });
    expect(sharedHolds(historyOf(lines))).toBe(1);
  });

  test.each([
    ['shared', 'exclusive'],
    ['exclusive', 'shared'],
    ['exclusive', 'exclusive'],
  ] as const)('are one of a %s and an %s holder', (first, second) => {
    const lines = [...hold(1, first, '0x5', 100, 300), ...hold(2, second, '0x7', 200, 400)];
    const violations = { 'lock-grants': 'violation', 'lock-beliefs': 'violation' };
    expect(verdictsOf(lines)).toMatchObject(violations);
    expect(sharedHolds(historyOf(lines))).toBe(0);
  });
});

describe('the fenced store', () => {
  const later = hold(2, 'exclusive', '0x7', 200, 400);

  test('must not take a load after a later store, nor a store after a later load', () => {
    for (const [first, second] of [
      ['store', 'load'],
      ['load', 'store'],
      ['store', 'store'],
    ] as const) {
      const lines = [...use(500, 2, first, '0x7'), ...use(600, 1, second, '0x5')];
      expect([first, second, verdictsOf(lines)['fenced-store']]).toEqual([
        first,
        second,
        'violation',
      ]);
    }
  });

  test('may take loads in any order', () => {
    const lines = [...use(500, 2, 'load', '0x7'), ...use(600, 1, 'load', '0x5')];
    expect(verdictsOf(lines)['fenced-store']).toBe('pass');
  });

  test('must not take a load of a reader while a writer is proven to hold the lock', () => {
    const lines = [...hold(1, 'shared', '0x5', 100, 300), ...later, ...use(250, 3, 'load', '0x5')];
    expect(verdictsOf(lines)['fenced-store']).toBe('violation');
    const shared = [
      ...hold(1, 'shared', '0x5', 100, 300),
      ...hold(2, 'shared', '0x7', 200, 400),
      ...use(250, 3, 'load', '0x5'),
    ];
    expect(verdictsOf(shared)['fenced-store']).toBe('pass');
  });
});
