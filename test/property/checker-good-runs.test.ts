/** No checker cries wolf: whatever a correct ensemble does passes, and every checker looked at something. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkCounterWorkload,
  checkLockWorkload,
  checkRegisterWorkload,
} from '../../src/checker/index.ts';
import { checkServers } from '../../src/checker/servers.ts';
import type { CheckResult } from '../../src/checker/verdict.ts';
import { goodRun } from '../unit/checker/good-run.ts';

const options = fc.record({
  servers: fc.integer({ min: 2, max: 5 }),
  clients: fc.integer({ min: 1, max: 6 }),
  operations: fc.integer({ min: 20, max: 90 }),
  keys: fc.integer({ min: 1, max: 3 }),
});

function complaints(results: readonly CheckResult[]): string[] {
  return results.flatMap(({ checker, verdict, summary }) => {
    // A short run may hold no read, or no lock that was granted.
    return verdict === 'pass' || verdict === 'not-exercised' ? [] : [`${checker}: ${summary}`];
  });
}

const suites = [
  ['register', checkRegisterWorkload],
  ['counter', checkCounterWorkload],
  ['lock', checkLockWorkload],
] as const;

describe('runs of a correct ensemble pass', () => {
  test.each(suites)('%s', (workload, check) => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(fc.nat(), options, (seed, shape) => {
        const run = goodRun(workload, seed.toString(16), shape);
        const results = [...check(run), ...checkServers(run)];
        expect(complaints(results)).toEqual([]);
        for (const { checker, looked } of results) {
          seen.set(checker, (seen.get(checker) ?? 0) + looked);
        }
      }),
      { numRuns: 80 },
    );
    for (const [checker, looked] of seen) expect([checker, looked > 0]).toEqual([checker, true]);
  });
});
