/** Jepsen's family on small histories: what passes, what is found, and that nothing is no pass. */
import { describe, expect, test } from 'vitest';
import { compose } from '../../../../src/checker/compose.ts';
import type { HistoryEntry, Operation } from '../../../../src/checker/history.ts';
import { checkBank } from '../../../../src/checker/jepsen/bank.ts';
import { checkCausalRegister, checkCausalReverse } from '../../../../src/checker/jepsen/causal.ts';
import { checkCounterAdds } from '../../../../src/checker/jepsen/counter.ts';
import { checkLongFork } from '../../../../src/checker/jepsen/long-fork.ts';
import { checkSetFull } from '../../../../src/checker/jepsen/set-full.ts';
import { checkStats, checkUnhandledErrors } from '../../../../src/checker/jepsen/stats.ts';
import { checkTotalQueue } from '../../../../src/checker/jepsen/total-queue.ts';
import { checkUniqueIds } from '../../../../src/checker/jepsen/unique-ids.ts';
import { pairOperations } from '../../../../src/checker/pairing.ts';
import type { CheckResult } from '../../../../src/checker/verdict.ts';

type Line = readonly [process: number, type: HistoryEntry['type'], f: string, value?: unknown];

function entries(...lines: readonly Line[]): HistoryEntry[] {
  return lines.map(([process, type, f, value], index) => {
    const key = f.startsWith('read-init') ? { key: 'x' } : {};
    return { index, time: index * 1e6, process, type, f, value, ...key };
  });
}

/** Operations one after another, each done at once: `[f, value told]`, `[f, value asked, value told]`. */
function sequence(...steps: readonly (readonly unknown[])[]): readonly Operation[] {
  const lines = steps.flatMap((step): Line[] => {
    const f = step[0] as string;
    return [
      [0, 'invoke', f, step.length > 2 ? step[1] : isRead(f) ? undefined : step[1]],
      [0, 'ok', f, step.at(-1)],
    ];
  });
  return pairOperations(entries(...lines));
}

const isRead = (f: string): boolean => ['read', 'generate', 'dequeue', 'drain'].includes(f);

const kinds = ({ anomalies }: CheckResult): string[] => anomalies.map(({ kind }) => kind);

describe('set-full', () => {
  test('stable elements pass, with how long they took', () => {
    const result = checkSetFull(
      sequence(['add', 1], ['read', []], ['read', [1]], ['add', 2], ['read', [1, 2]]),
    );
    expect(result).toMatchObject({ verdict: 'pass', looked: 2 });
    expect(result.findings).toEqual({ 'stale elements': 1 });
    expect(result.details).toMatchObject({ stable: 2, stale: 1, lost: 0, slowestMs: [1] });
  });

  test('a lost element, one from nowhere and one listed twice are found', () => {
    const result = checkSetFull(
      sequence(['add', 1], ['add', 2], ['read', [1, 2]], ['read', [2, 2, 7]]),
    );
    expect(kinds(result)).toEqual(['element-twice', 'element-from-nowhere', 'element-lost']);
    expect(result.anomalies[2]?.message).toContain('1, known at');
  });

  test('staleness is a violation where asked for', () => {
    const steps = sequence(['add', 1], ['read', []], ['read', [1]]);
    expect(kinds(checkSetFull(steps, { isLinearizable: true }))).toEqual(['element-stale']);
  });

  test('an unanswered add may be there or not', () => {
    const history = entries(
      [0, 'invoke', 'add', 1],
      [0, 'info', 'add', 1],
      [1, 'invoke', 'add', 2],
      [1, 'ok', 'add', 2],
      [2, 'invoke', 'read'],
      [2, 'ok', 'read', [2]],
    );
    expect(checkSetFull(pairOperations(history))).toMatchObject({ verdict: 'pass' });
  });

  test('without a read nothing was judged', () => {
    expect(checkSetFull(sequence(['add', 1])).verdict).toBe('not-exercised');
  });
});

describe('total-queue', () => {
  test('what goes in comes out, also by a drain', () => {
    const steps = sequence(['enqueue', 'a'], ['enqueue', 'b'], ['dequeue', 'b'], ['drain', ['a']]);
    expect(checkTotalQueue(steps)).toMatchObject({ verdict: 'pass', looked: 2 });
  });

  test('lost, from nowhere, twice', () => {
    const steps = sequence(['enqueue', 'a'], ['enqueue', 'b'], ['drain', ['b', 'b', 'c']]);
    expect(kinds(checkTotalQueue(steps))).toEqual(['value-lost', 'value-from-nowhere']);
    expect(checkTotalQueue(steps).findings).toEqual({ 'values duplicated': 1 });
    expect(kinds(checkTotalQueue(steps, { isOnce: true }))).toContain('value-twice');
  });

  test('a value without an acknowledgement may come out', () => {
    const history = entries(
      [0, 'invoke', 'enqueue', 'a'],
      [0, 'info', 'enqueue', 'a'],
      [1, 'invoke', 'dequeue'],
      [1, 'ok', 'dequeue', 'a'],
    );
    const result = checkTotalQueue(pairOperations(history));
    expect(result).toMatchObject({ verdict: 'pass', findings: { 'values recovered': 1 } });
  });
});

test('unique-ids', () => {
  expect(checkUniqueIds(sequence(['generate', 1], ['generate', 2])).verdict).toBe('pass');
  const twice = checkUniqueIds(sequence(['generate', 1], ['generate', 2], ['generate', 1]));
  expect(kinds(twice)).toEqual(['id-twice']);
  expect(twice).toMatchObject({ looked: 3, verdict: 'violation' });
  expect(checkUniqueIds([]).verdict).toBe('not-exercised');
});

describe('counter', () => {
  const concurrent = (value: number): CheckResult => {
    return checkCounterAdds(
      pairOperations(
        entries(
          [0, 'invoke', 'add', 5],
          [0, 'ok', 'add', 5],
          [1, 'invoke', 'add', 2],
          [2, 'invoke', 'add', -3],
          [3, 'invoke', 'read'],
          [1, 'ok', 'add', 2],
          [3, 'ok', 'read', value],
          [2, 'info', 'add', -3],
        ),
      ),
    );
  };

  test('what is under way may count', () => {
    const verdicts = [1, 2, 5, 7, 8].map((value) => concurrent(value).verdict);
    expect(verdicts).toEqual(['violation', 'pass', 'pass', 'pass', 'violation']);
    expect(concurrent(8).anomalies[0]?.message).toContain('not within 2 and 7');
  });
});

describe('bank', () => {
  const options = { accounts: ['a', 'b'], total: 10 };
  const judge = (value: unknown, more = {}): CheckResult =>
    checkBank(sequence(['read', value]), { ...options, ...more });

  test('every way to be wrong has its name', () => {
    expect(judge({ a: 3, b: 7 }).verdict).toBe('pass');
    expect(kinds(judge({ a: 3, b: 6 }))).toEqual(['wrong-total']);
    expect(kinds(judge({ a: 10 }))).toEqual(['account-missing']);
    expect(kinds(judge({ a: 3, c: 7 }))).toEqual(['account-from-nowhere']);
    expect(kinds(judge({ a: null, b: 10 }))).toEqual(['balance-missing']);
    expect(kinds(judge({ a: -1, b: 11 }))).toEqual(['negative-balance']);
    expect(judge({ a: -1, b: 11 }, { mayBeNegative: true }).verdict).toBe('pass');
  });
});

describe('long-fork', () => {
  const pairs = (x: unknown, y: unknown): unknown => [
    ['x', x],
    ['y', y],
  ];
  const writes = [
    ['write', ['x', 1]],
    ['write', ['y', 1]],
  ] as const;

  test('reads that include each other pass', () => {
    const reads = [pairs(null, null), pairs(1, null), pairs(1, 1)].map((value) => ['read', value]);
    expect(checkLongFork(sequence(...writes, ...reads))).toMatchObject({
      verdict: 'pass',
      looked: 3,
    });
  });

  test('two that do not are a fork', () => {
    const reads = [pairs(1, null), pairs(null, 1)].map((value) => ['read', value]);
    expect(kinds(checkLongFork(sequence(...writes, ...reads)))).toEqual(['long-fork']);
  });

  test('a key that is written twice leaves it open', () => {
    const again = sequence(...writes, ['write', ['x', 2]], ['read', pairs(1, 1)]);
    expect(checkLongFork(again).verdict).toBe('unknown');
  });
});

describe('causality', () => {
  const told = (value: unknown, position: number, link: unknown): unknown => ({
    value,
    position,
    link,
  });

  test('a register that follows its links', () => {
    const good = sequence(
      ['read-init', told(0, 1, 'init')],
      ['write', told(1, 2, 1)],
      ['read', told(1, 3, 2)],
      ['write', told(2, 4, 3)],
    );
    // Only the first has a key in this notation: one register for all.
    const onOneKey = good.map((operation) => ({ ...operation, key: 'x' }));
    expect(checkCausalRegister(onOneKey)).toMatchObject({ verdict: 'pass', looked: 4 });
    const broken = onOneKey.filter((_, index) => index !== 1);
    expect(kinds(checkCausalRegister(broken))).toContain('causality-broken');
  });

  test('whoever sees a write sees what had been acknowledged before it', () => {
    const writes = [
      ['write', 'a'],
      ['write', 'b'],
    ] as const;
    expect(checkCausalReverse(sequence(...writes, ['read', ['a', 'b']])).verdict).toBe('pass');
    expect(checkCausalReverse(sequence(...writes, ['read', ['a']])).verdict).toBe('pass');
    const bad = checkCausalReverse(sequence(...writes, ['read', ['b']]));
    expect(kinds(bad)).toEqual(['causal-reverse']);
    expect(bad.anomalies[0]?.message).toContain('but not write "a"');
  });
});

describe('stats and errors', () => {
  const history: HistoryEntry[] = [
    ...entries([0, 'invoke', 'read'], [0, 'ok', 'read'], [1, 'invoke', 'write']),
    { index: 3, time: 3e6, process: 1, type: 'fail', f: 'write', error: 'Strange' },
  ];

  test('a kind that never succeeded was not exercised', () => {
    expect(checkStats(history)).toMatchObject({ verdict: 'not-exercised', checker: 'stats' });
    expect(checkStats(history.slice(0, 2)).verdict).toBe('pass');
  });

  test('an error that nobody knows leaves the run open', () => {
    const result = checkUnhandledErrors(history, new Set());
    expect(result).toMatchObject({ verdict: 'unknown', looked: 2, findings: { Strange: 1 } });
    expect(checkUnhandledErrors(history, new Set(['Strange'])).verdict).toBe('pass');
  });
});

describe('composition', () => {
  const result = (verdict: CheckResult['verdict'], looked = 1): CheckResult => {
    return { checker: verdict, verdict, looked, items: 'items', summary: '', anomalies: [] };
  };

  test('the worst verdict wins, and nothing is no pass', () => {
    const of = (...verdicts: CheckResult['verdict'][]): string =>
      compose(Object.fromEntries(verdicts.map((verdict) => [verdict, () => result(verdict)])))(0)
        .verdict;
    expect(of()).toBe('not-exercised');
    expect(of('pass')).toBe('pass');
    expect(of('pass', 'not-exercised')).toBe('not-exercised');
    expect(of('pass', 'not-exercised', 'unknown')).toBe('unknown');
    expect(of('unknown', 'violation', 'pass')).toBe('violation');
  });

  test('a checker that breaks is unknown, one that looked at nothing has nothing to praise', () => {
    const composed = compose({
      broken: () => {
        throw new RangeError('too deep');
      },
      idle: () => result('pass', 0),
    })(0);
    expect(composed.verdict).toBe('unknown');
    expect(composed.results.map(({ verdict }) => verdict)).toEqual(['unknown', 'not-exercised']);
    expect(composed.results[0]?.summary).toBe('the checker broke: RangeError: too deep');
  });
});
