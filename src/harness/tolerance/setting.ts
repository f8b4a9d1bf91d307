/** The ensemble and the clocks that a pattern is observed with; the same in all worlds. */
import { PLAN_VERSION, type Plan } from '../plan.ts';

/** Short ticks: a group without a quorum is watched for many of them. */
const TICK_MS = 200;

/** A plan without operations and faults: the observer brings its own. */
export function tolerancePlan(nodes: number, seed: string): Plan {
  return {
    v: PLAN_VERSION,
    seed,
    workload: 'tolerance',
    workloadParams: {},
    cluster: {
      nodes,
      tickTimeMs: TICK_MS,
      initLimit: 10,
      syncLimit: 5,
      snapCount: 1000,
      commitLogCount: 500,
    },
    knobs: {
      // The longest that the servers grant.
      sessionTimeoutMs: 20 * TICK_MS,
      operationTimeoutMs: 5000,
      timeLimitMs: 0,
      simulation: {
        networkLatencyMs: [0.2, 3],
        diskLatencyMs: [0.5, 8],
        splitPerMille: 20,
        tornPerMille: 300,
        lostPerMille: 300,
      },
    },
    clients: [],
    faults: [],
    final: { settleMs: 2 * TICK_MS, timeoutMs: 60_000 },
  };
}
