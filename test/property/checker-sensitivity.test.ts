/** The checkers are tested by mutation: every anomaly of the catalogue is found wherever it is injected. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkServers } from '../../src/checker/servers.ts';
import {
  checkCounterWorkload,
  checkLockWorkload,
  checkRegisterWorkload,
} from '../../src/checker/workload-checks.ts';
import type { InjectedAnomaly } from '../unit/checker/anomaly-tools.ts';
import { goodRun } from '../unit/checker/good-run.ts';
import { serverAnomalies } from '../unit/checker/server-anomalies.ts';
import { workloadAnomalies } from '../unit/checker/workload-anomalies.ts';

const checks = {
  register: checkRegisterWorkload,
  counter: checkCounterWorkload,
  lock: checkLockWorkload,
};

function judge(anomaly: InjectedAnomaly): void {
  let injected = 0;
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 3, max: 5 }), (seed, servers) => {
      const run = goodRun(anomaly.workload, seed.toString(16), { servers, operations: 50 });
      if (!anomaly.inject(run)) return;
      injected++;
      const results = [...checks[anomaly.workload](run), ...checkServers(run)];
      const kinds = results.flatMap(({ anomalies }) => anomalies.map(({ kind }) => kind));
      expect(kinds.filter((kind) => anomaly.found.includes(kind))).not.toEqual([]);
      const judged = results.filter(({ anomalies }) => anomalies.length > 0);
      expect(judged.every(({ verdict }) => verdict === 'violation')).toBe(true);
    }),
    { numRuns: 30 },
  );
  expect(injected).toBeGreaterThan(3);
}

describe('what servers kept and said', () => {
  test.each(serverAnomalies)('$name', judge);
});

describe('what clients were told', () => {
  test.each(workloadAnomalies)('$name', judge);
});
