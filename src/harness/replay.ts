/** Runs a plan again: in simulation to the same trace hash, elsewhere as often as asked. */
import type { Plan } from './plan.ts';
import type { Verdict } from './result.ts';
import { type RunOutcome, runSimulated, type SimulatedSettings, traceHashOf } from './run.ts';
import type { Workload } from './workload.ts';

export interface ReplayComparison {
  readonly outcome: RunOutcome;
  /** Undefined where there is nothing to compare with. */
  readonly isSameTrace: boolean | undefined;
  readonly isSameVerdict: boolean | undefined;
}

/** `earlier`: what the first run said. */
export function replaySimulated(
  plan: Plan,
  workload: Workload,
  settings: SimulatedSettings,
  earlier: { readonly traceHash?: string | null; readonly verdict?: Verdict } = {},
): ReplayComparison {
  const outcome = runSimulated(plan, workload, settings);
  const { traceHash, verdict } = outcome.result;
  const wasTraced = earlier.traceHash !== undefined && earlier.traceHash !== null;
  return {
    outcome,
    isSameTrace: wasTraced ? traceHash === earlier.traceHash : undefined,
    isSameVerdict: earlier.verdict === undefined ? undefined : verdict === earlier.verdict,
  };
}

/** Does one seed give one trace? Runs a plan twice. */
export function isDeterministic(
  plan: Plan,
  workload: Workload,
  settings: SimulatedSettings,
): { readonly isSame: boolean; readonly hashes: readonly (string | null)[] } {
  const hashes = [1, 2].map(() => traceHashOf(plan, workload, settings));
  return { isSame: hashes[0] !== null && hashes[0] === hashes[1], hashes };
}
