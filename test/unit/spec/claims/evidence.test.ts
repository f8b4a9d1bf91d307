import { describe, expect, test } from 'vitest';
import { claims } from '../../../../spec/claims/index.ts';
import { worldsOf } from '../../../../spec/claims/recorded.ts';
import type { CheckResult } from '../../../../src/checker/verdict.ts';
import {
  type EvidenceRule,
  evidenceRules,
  judgeRule,
  toleranceClaims,
} from '../../../../src/cli/evidence-rules.ts';
import type { RunResult } from '../../../../src/harness/index.ts';
import { readZoo } from '../../../../src/systems/zoo.ts';
import { workloads } from '../../../../workloads/index.ts';

const passed = (checker: string, more: Partial<CheckResult> = {}): CheckResult => ({
  checker,
  verdict: 'pass',
  looked: 10,
  items: 'operations',
  summary: '',
  anomalies: [],
  ...more,
});

const run = (checks: readonly CheckResult[], verdict: RunResult['verdict'] = 'pass'): RunResult =>
  ({ verdict, checks, planHash: 'f' }) as unknown as RunResult;

const rule: EvidenceRule = {
  claim: 'R1',
  worlds: ['simulation'],
  workload: 'lock',
  checkers: ['fenced-store'],
  without: { zoo: 'lock-ignores-predecessor', verdict: 'qualified' },
};

describe('rules of evidence', () => {
  test('name claims, workloads, worlds and bugs that exist', () => {
    const zoo = readZoo();
    for (const { claim: id, workload, worlds, without } of evidenceRules) {
      const claim = claims.find((one) => one.id === id);
      expect(claim, id).toBeDefined();
      expect(workloads.has(workload), workload).toBe(true);
      if (without !== undefined) expect(zoo.has(without.zoo), without.zoo).toBe(true);
      const asked: readonly string[] = (claim?.recorded ?? []).flatMap((kind) => worldsOf[kind]);
      for (const world of worlds) expect(asked, `${id} in ${world}`).toContain(world);
    }
    for (const id of toleranceClaims) expect(claims.some((one) => one.id === id)).toBe(true);
  });

  test('no violation, with the bug caught', () => {
    const outcome = judgeRule(rule, [run([passed('fenced-store')])], true);
    expect(outcome.verdict).toBe('qualified');
    expect(outcome.counts).toMatchObject({ runs: 1, 'fenced-store: looked': 10 });
  });

  test('a violation refutes', () => {
    const bad = passed('fenced-store', { verdict: 'violation' });
    expect(judgeRule(rule, [run([bad])], true).verdict).toBe('refuted');
  });

  test.each([
    ['no run came to its end', [run([], 'harness-error')], true],
    ['a checker saw nothing', [run([passed('fenced-store', { looked: 0 })])], true],
    ['the bug was not caught', [run([passed('fenced-store')])], false],
  ])('no evidence when %s', (_, results, isCaught) => {
    expect(judgeRule(rule, results, isCaught).verdict).toBeUndefined();
  });
});
