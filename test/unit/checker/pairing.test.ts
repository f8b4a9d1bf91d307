import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import { checkRegisterWorkload } from '../../../src/checker/index.ts';
import { HistoryError, pairOperations } from '../../../src/checker/pairing.ts';

const entry = (
  index: number,
  process: HistoryEntry['process'],
  type: HistoryEntry['type'],
  more: Partial<HistoryEntry> = {},
): HistoryEntry => ({ index, process, type, f: 'write', key: 'r0', time: index, ...more });

function errorOf(history: readonly HistoryEntry[]): HistoryError {
  try {
    pairOperations(history);
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error('the history was accepted');
}

describe('pairOperations', () => {
  test('pairs by process, leaves the nemesis out and what is unanswered open', () => {
    const operations = pairOperations([
      entry(0, 1, 'invoke'),
      entry(1, 'nemesis', 'info', { f: 'kill' }),
      entry(2, 2, 'invoke'),
      entry(3, 1, 'ok'),
      entry(5, 1, 'invoke'),
      entry(6, 2, 'info', { error: 'ConnectionLoss' }),
    ]);
    expect(
      operations.map(({ process, invoke, completion }) => [
        process,
        invoke.index,
        completion?.index,
      ]),
    ).toEqual([
      [1, 0, 3],
      [2, 2, 6],
      [1, 5, undefined],
    ]);
  });

  test.each([
    ['a busy process', [entry(0, 1, 'invoke'), entry(1, 1, 'invoke')], 1, 'busy since entry 0'],
    ['a completion without invocation', [entry(4, 1, 'ok')], 4, 'never invoked'],
    [
      'a process that comes back after info',
      [entry(0, 1, 'invoke'), entry(1, 1, 'info'), entry(2, 1, 'invoke')],
      2,
      'must not come back',
    ],
    [
      'a completion of something else',
      [entry(0, 1, 'invoke'), entry(1, 1, 'ok', { f: 'read' })],
      1,
      'completes write r0 as read',
    ],
    [
      'a completion of another key',
      [entry(0, 1, 'invoke'), entry(1, 1, 'ok', { key: 'r1' })],
      1,
      'completes write r0 as write r1',
    ],
    ['an index twice', [entry(3, 1, 'invoke'), entry(3, 2, 'invoke')], 3, 'does not come after'],
    [
      'time that goes backwards',
      [entry(0, 1, 'invoke', { time: 9 }), entry(1, 2, 'invoke', { time: 8 })],
      1,
      'time goes backwards',
    ],
    ['an unknown type', [entry(0, 1, 'maybe' as HistoryEntry['type'])], 0, 'unknown type "maybe"'],
    ['a time that is no integer', [entry(0, 1, 'invoke', { time: 0.5 })], 0, 'not an integer'],
    [
      'a process without a number',
      [entry(0, 'client' as unknown as number, 'invoke')],
      0,
      'neither a number nor the nemesis',
    ],
  ] as const)('refuses %s', (_, history, index, why) => {
    const error = errorOf(history);
    expect(error.index).toBe(index);
    expect(error.message).toContain(why);
  });

  test('a broken history is no evidence: the verdict is unknown, not pass', () => {
    const history = [entry(0, 1, 'ok')];
    const [result] = checkRegisterWorkload({ history, events: new Map(), disks: new Map() });
    expect(result?.verdict).toBe('unknown');
    expect(result?.summary).toContain('history entry 0');
  });
});
