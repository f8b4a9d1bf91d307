import { describe, expect, test } from 'vitest';
import { atLeastHalf, faultPatternsWithLeader } from '../../../../spec/models/quorum.ts';
import type { HistoryEntry } from '../../../../src/checker/history.ts';
import { wordOf } from '../../../../src/cli/tolerance-patterns.ts';
import { parsePlan } from '../../../../src/harness/plan-file.ts';
import { planHash } from '../../../../src/harness/plan-hash.ts';
import type { FaultRecord, RunResult } from '../../../../src/harness/result.ts';
import type { Pattern } from '../../../../src/harness/tolerance/pattern.ts';
import { patternOf, patternPlan } from '../../../../src/harness/tolerance/pattern-plan.ts';
import { checkWhoServed, withCheck } from '../../../../src/harness/tolerance/who-served.ts';
import { register } from '../../../../workloads/register.ts';

const S = 1e9;
const cut: Pattern = {
  size: 5,
  crashed: [5],
  groups: [
    [1, 2],
    [3, 4],
  ],
};
const split: Pattern = {
  size: 5,
  crashed: [],
  groups: [
    [1, 2, 3],
    [4, 5],
  ],
};

function planOf(pattern: Pattern) {
  return patternPlan({ pattern, seed: '5eed', workload: register, world: 'simulation' });
}

function recordsOf(plan: ReturnType<typeof planOf>, verified: number | null = 2 * S) {
  return plan.faults.map(
    ({ id, kind }): FaultRecord => ({
      ...{ id, kind, nodes: [], requested: 1 * S, applied: 1.5 * S },
      ...(verified === null ? {} : { verified }),
      ...{ evidence: '', overlappedOperations: 1 },
    }),
  );
}

/** Writes by server, and the modes that the servers of `refusing` told until the heal. */
function history(
  writes: readonly (readonly [node: number, from: number, to: number])[],
  refusing: readonly number[],
): HistoryEntry[] {
  const entries: Omit<HistoryEntry, 'index'>[] = writes.flatMap(([node, from, to], process) => [
    { process, type: 'invoke', f: 'write', time: from * S },
    { process, type: 'ok', f: 'write', time: to * S, node },
  ]);
  for (let time = 3; time < 7; time++) {
    const modes = [1, 2, 3, 4, 5].map(
      (sid) => [sid, refusing.includes(sid) ? 'not-serving' : 'follower'] as const,
    );
    const value = Object.fromEntries(modes);
    entries.push({ process: 'nemesis', type: 'info', f: 'modes', value, time: time * S });
  }
  return entries.sort((a, b) => a.time - b.time).map((entry, index) => ({ ...entry, index }));
}

function check(pattern: Pattern, entries: readonly HistoryEntry[], word = wordOf()) {
  const plan = planOf(pattern);
  const run = { plan, faults: recordsOf(plan), history: entries, workloadNs: [0, 30 * S] as const };
  return checkWhoServed(run, word);
}

describe('plans from the patterns of the model', () => {
  test('each is a plan that can be stored, brings its pattern about, and has a name of its own', () => {
    const patterns = [...faultPatternsWithLeader(3)];
    const plans = patterns.map((pattern, index) =>
      patternPlan({ pattern, seed: `5eed-${index}`, workload: register, world: 'process' }),
    );
    expect(new Set(plans.map(planHash)).size).toBe(patterns.length);
    for (const [index, plan] of plans.entries()) {
      expect(planHash(parsePlan(JSON.stringify(plan), 'it'))).toBe(planHash(plan));
      const { crashed, groups } = patternOf(plan);
      expect(crashed).toHaveLength(patterns[index]?.crashed.length ?? -1);
      expect(groups.map(({ length }) => length)).toEqual(
        patterns[index]?.groups.map(({ length }) => length),
      );
      expect([...crashed, ...groups.flat()].sort()).toEqual([1, 2, 3]);
    }
  });
});

describe('who was served while the faults held', () => {
  const good = history([[1, 3, 4]], [4, 5]);

  test('a majority that served and a minority that refused are as the model says', () => {
    expect(check(split, good).verdict).toBe('pass');
    expect(check(cut, history([], [1, 2, 3, 4])).verdict).toBe('pass');
  });

  test('a mutant of the model is told from it', () => {
    expect(
      check(
        {
          size: 4,
          crashed: [],
          groups: [
            [1, 2],
            [3, 4],
          ],
        },
        history([], [1, 2, 3, 4]),
        wordOf(atLeastHalf),
      ).verdict,
    ).toBe('violation');
  });

  test('a write that a minority acknowledged is a violation, one from before or after is not', () => {
    const { verdict, anomalies } = check(
      split,
      history(
        [
          [1, 3, 4],
          [5, 3, 4],
        ],
        [4, 5],
      ),
    );
    expect(verdict).toBe('violation');
    expect(anomalies[0]).toMatchObject({ kind: 'served-without-quorum', nodes: [5] });
    expect(
      check(
        split,
        history(
          [
            [1, 3, 4],
            [5, 1, 4],
            [4, 3, 29],
          ],
          [4, 5],
        ),
      ).verdict,
    ).toBe('pass');
  });

  test('a majority that acknowledged nothing is a violation', () => {
    const { anomalies } = check(split, history([[1, 1, 4]], [4, 5]));
    expect(anomalies.map(({ kind }) => kind)).toEqual(['refused-with-quorum']);
  });

  test('a minority that only was silent has not refused', () => {
    expect(check(split, history([[1, 3, 4]], [4])).verdict).toBe('unknown');
  });

  test('a fault that was never verified proves nothing', () => {
    const plan = planOf(split);
    const faults = recordsOf(plan, null);
    const run = { plan, faults, history: good, workloadNs: [0, 30 * S] as const };
    expect(checkWhoServed(run, wordOf()).verdict).toBe('not-exercised');
  });

  test('its finding makes a result worse and never better', () => {
    const result = { verdict: 'pass', checks: [], reasons: [], sentence: 'fine' };
    const bad = check(split, history([[1, 1, 4]], [4, 5]));
    const worse = withCheck(result as unknown as RunResult, bad);
    expect(worse).toMatchObject({ verdict: 'violation', sentence: bad.anomalies[0]?.message });
    const same = withCheck({ ...worse, sentence: 'first' }, check(split, good));
    expect(same).toMatchObject({ verdict: 'violation', sentence: 'first' });
  });
});
