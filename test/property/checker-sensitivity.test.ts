/** The checkers are tested by mutation: every anomaly of the catalogue is found wherever it is injected. */
import { describe, expect, test } from 'vitest';
import {
  checkCounterWorkload,
  checkLockWorkload,
  checkRegisterWorkload,
} from '../../src/checker/index.ts';
import { checkServers } from '../../src/checker/servers.ts';
import type { InjectedAnomaly } from '../unit/checker/anomaly-tools.ts';
import { goodRun } from '../unit/checker/good-run.ts';
import { serverAnomalies } from '../unit/checker/server-anomalies.ts';
import { workloadAnomalies } from '../unit/checker/workload-anomalies.ts';

const checks = {
  register: checkRegisterWorkload,
  counter: checkCounterWorkload,
  lock: checkLockWorkload,
};

const RUNS_PER_ANOMALY = 10;
const MAX_SEEDS = 300;

/** Fixed seeds, until enough runs had a place for the anomaly. */
function judge(anomaly: InjectedAnomaly): void {
  let injected = 0;
  for (let seed = 0; seed < MAX_SEEDS && injected < RUNS_PER_ANOMALY; seed++) {
    const servers = 3 + (seed % 3);
    const run = goodRun(anomaly.workload, seed.toString(16), { servers, operations: 50 });
    if (!anomaly.inject(run)) continue;
    injected++;
    const results = [...checks[anomaly.workload](run), ...checkServers(run)];
    const kinds = results.flatMap(({ anomalies }) => anomalies.map(({ kind }) => kind));
    const found = kinds.filter((kind) => anomaly.found.includes(kind));
    expect(found, `seed ${seed}`).not.toEqual([]);
    const judged = results.filter(({ anomalies }) => anomalies.length > 0);
    expect(judged.every(({ verdict }) => verdict === 'violation')).toBe(true);
  }
  expect(injected).toBe(RUNS_PER_ANOMALY);
}

describe('what servers kept and said', () => {
  test.each(serverAnomalies)('$name', judge);
});

describe('what clients were told', () => {
  test.each(workloadAnomalies)('$name', judge);
});
