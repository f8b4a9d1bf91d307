import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../src/base/prng.ts';
import type { HistoryEntry, Operation } from '../../../src/checker/history.ts';
import { checkLinearizable } from '../../../src/checker/linearizability/check.ts';
import { callOf } from '../../../src/checker/linearizability/model.ts';
import { casRegisterModel, registerModel } from '../../../src/checker/linearizability/models.ts';
import { pairOperations } from '../../../src/checker/pairing.ts';

type Line = readonly [process: number, type: HistoryEntry['type'], f: string, value?: unknown];

const operationsOf = (lines: readonly Line[], key = 'r0'): readonly Operation[] =>
  pairOperations(
    lines.map(([process, type, f, value], index) => ({
      index,
      process,
      type,
      f,
      key,
      value,
      time: index,
    })),
  );

const staleRead: readonly Line[] = [
  [1, 'invoke', 'write', 'a'],
  [1, 'ok', 'write', 'a'],
  [3, 'invoke', 'read'],
  [3, 'ok', 'read', 'a'],
  [1, 'invoke', 'write', 'b'],
  [1, 'ok', 'write', 'b'],
  [2, 'invoke', 'read'],
  [4, 'invoke', 'write', 'c'],
  [4, 'info', 'write'],
  [2, 'ok', 'read', 'a'],
  [3, 'invoke', 'read'],
  [3, 'ok', 'read', 'b'],
];

describe('checkLinearizable', () => {
  test('says what cannot be linearized, why, and what contradicts it', () => {
    const result = checkLinearizable(operationsOf(staleRead), registerModel(), { engine: 'jit' });
    expect(result.verdict).toBe('non-linearizable');
    const [part] = result.partitions;
    if (part?.verdict !== 'non-linearizable') throw new Error('no violation');
    expect(part.blocked.operation.completion?.index).toBe(9);
    expect(part.reasons[0]).toContain('"a"');
    expect(part.explanation?.waysOut.map(({ reason }) => reason)).toContain(
      'the register holds "b", not "a"',
    );
    // Whether the first write was answered does not matter: somebody had read it.
    expect(part.explanation?.core.map((call) => call.operation.invoke.index).sort()).toEqual([
      2, 4, 6,
    ]);
    expect(part.explanation?.prefix).toHaveLength(4);
    expect(part.explanation?.isConfirmed).toBe(true);
    expect(part.explanation?.isIrreducible).toBe(true);
  });

  test('a write that only happens not to change anything is not linearized early', () => {
    // Were write 0 absorbed at once, the read of 0 after write 1 would be impossible.
    const lines: readonly Line[] = [
      [1, 'invoke', 'write', 0],
      [2, 'invoke', 'write', 1],
      [2, 'ok', 'write', 1],
      [3, 'invoke', 'read'],
      [3, 'ok', 'read', 1],
      [3, 'invoke', 'read'],
      [3, 'ok', 'read', 0],
      [1, 'ok', 'write', 0],
    ];
    const result = checkLinearizable(operationsOf(lines), registerModel({ init: 0 }));
    expect(result.verdict).toBe('linearizable');
  });

  test('keys are judged apart, and one bad key is enough', () => {
    const good = operationsOf([
      [1, 'invoke', 'write', 'a'],
      [1, 'ok', 'write', 'a'],
    ]);
    const bad = operationsOf(staleRead, 'r1');
    const result = checkLinearizable([...good, ...bad], registerModel());
    expect(result.verdict).toBe('non-linearizable');
    expect(result.partitions.map(({ key, verdict }) => [key, verdict])).toEqual([
      ['r0', 'linearizable'],
      ['r1', 'non-linearizable'],
    ]);
  });

  test('a failed compare-and-set means what the caller says it means', () => {
    const lines: readonly Line[] = [
      [1, 'invoke', 'write', 'a'],
      [1, 'ok', 'write', 'a'],
      [1, 'invoke', 'cas', ['a', 'b']],
      [1, 'fail', 'cas', ['a', 'b']],
    ];
    const verdictOf = (failedCas: 'observed' | 'no-effect') =>
      checkLinearizable(operationsOf(lines), casRegisterModel({ failedCas })).verdict;
    expect(verdictOf('observed')).toBe('non-linearizable');
    expect(verdictOf('no-effect')).toBe('linearizable');
  });

  test.each([
    ['steps', { maxSteps: 50 }],
    ['deadline', { isPastDeadline: () => true }],
    ['bytes', { maxBytes: 1 }],
  ] as const)('a spent budget (%s) is unknown, with progress', (cause, budget) => {
    const prng = prngStream('hard', 'register');
    const lines: Line[] = [];
    for (let round = 0; round < 40; round++) {
      const clients = prng.shuffle(Array.from({ length: 14 }, (_, client) => client));
      for (const client of clients) lines.push([client, 'invoke', 'write', `${client % 3}`]);
      for (const client of clients) lines.push([client, 'ok', 'write', `${client % 3}`]);
    }
    lines.push([0, 'invoke', 'read'], [0, 'ok', 'read', 'never']);
    const operations = operationsOf(lines);
    const result = checkLinearizable(operations, registerModel(), {
      budget,
      engine: 'plain',
      isExplained: false,
    });
    expect(result.verdict).toBe('unknown');
    const [part] = result.partitions;
    if (part?.verdict !== 'unknown') throw new Error('no unknown');
    expect(part.cause).toBe(cause);
    expect(part.progress.total).toBe(561);
  });

  test('hints find the order of a wide history at once', () => {
    const prng = prngStream('wide', 'register');
    const lines: Line[] = [];
    const hints = new Map<number, bigint>();
    for (let round = 0; round < 30; round++) {
      const clients = prng.shuffle(Array.from({ length: 12 }, (_, client) => client));
      for (const client of clients) {
        hints.set(lines.length, BigInt(round * 100 + client));
        lines.push([client, 'invoke', 'write', `${round}-${client}`]);
      }
      // A reader that sees each of them, in the order of the hints.
      for (let client = 0; client < 12; client++) {
        lines.push([20, 'invoke', 'read'], [20, 'ok', 'read', `${round}-${client}`]);
      }
      for (const client of clients) lines.push([client, 'ok', 'write']);
    }
    const result = checkLinearizable(operationsOf(lines), registerModel(), {
      callOf: (operation) => {
        const hint = hints.get(operation.invoke.index);
        return hint === undefined ? callOf(operation) : { ...callOf(operation), hint };
      },
    });
    expect(result.verdict).toBe('linearizable');
    expect(result.steps).toBeLessThan(2 * 30 * 12);
  });

  test('hints that lie change no verdict', () => {
    const operations = operationsOf(staleRead);
    const result = checkLinearizable(operations, registerModel(), {
      callOf: (operation) => ({
        ...callOf(operation),
        hint: BigInt(100 - operation.invoke.index),
      }),
    });
    expect(result.verdict).toBe('non-linearizable');
  });
});
