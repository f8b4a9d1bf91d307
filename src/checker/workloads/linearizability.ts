/** The linearizability of a workload's operations as one check of its run. */
import type { Operation } from '../history.ts';
import {
  checkLinearizable,
  type LinearizabilityBudget,
  type PartitionResult,
} from '../linearizability/check.ts';
import type { Call, Model } from '../linearizability/model.ts';
import { clientOf, hexOf, whenAndWhere } from '../report.ts';
import type { Anomaly, CheckResult } from '../verdict.ts';

export interface WorkloadCheckOptions {
  readonly budget?: Partial<LinearizabilityBudget>;
}

/** Writes in the order of their zxids are the first guess of the search. */
export function hinted(toCall: (operation: Operation) => Call): (operation: Operation) => Call {
  return (operation) => {
    const call = toCall(operation);
    const hint = call.f === 'read' ? undefined : hexOf(operation.completion?.zxid);
    return hint === undefined ? call : { ...call, hint };
  };
}

export function linearizability(
  operations: readonly Operation[],
  model: Model,
  toCall: (operation: Operation) => Call,
  { budget }: WorkloadCheckOptions,
): CheckResult {
  const options = budget === undefined ? { callOf: toCall } : { callOf: toCall, budget };
  const result = checkLinearizable(operations, model, options);
  const anomalies = result.partitions.flatMap((part) => anomalyOf(part, model) ?? []);
  const looked = operations.filter(({ completion }) => completion?.type === 'ok').length;
  const details = {
    steps: result.steps,
    partitions: result.partitions.map(({ key, verdict, operations: count, crashed, steps }) => {
      return { key, verdict, operations: count, crashed, steps };
    }),
  };
  const base = { checker: 'linearizability', looked, items: 'operations', anomalies, details };
  switch (result.verdict) {
    case 'non-linearizable':
      return { ...base, verdict: 'violation', summary: anomalies[0]?.message ?? '' };
    case 'unknown':
      return { ...base, verdict: 'unknown', summary: unknownSummary(result.partitions) };
    default: {
      if (looked === 0) {
        const summary = 'there were no operations to look at';
        return { ...base, verdict: 'not-exercised', summary };
      }
      const keys = result.partitions.length;
      const summary = `All ${looked} operations are linearizable, in ${keys} keys`;
      return { ...base, verdict: 'pass', summary };
    }
  }
}

function unknownSummary(partitions: readonly PartitionResult[]): string {
  for (const part of partitions) {
    if (part.verdict !== 'unknown') continue;
    const { key, cause, progress } = part;
    const { passed, total } = progress;
    return `the budget (${cause}) ran out at key ${key}, after ${passed} of ${total} operations`;
  }
  return 'the budget ran out';
}

function anomalyOf(part: PartitionResult, model: Model): Anomaly | undefined {
  if (part.verdict !== 'non-linearizable') return undefined;
  const { blocked: found, explanation, reasons, key } = part;
  const blocked = explanation?.blocked ?? found;
  const core = explanation?.core ?? [blocked];
  const entry = blocked.operation.completion ?? blocked.operation.invoke;
  const together = core
    .filter((call) => call !== blocked)
    .map((call) => `${model.describe(call)} (${clientOf(call.operation.invoke)})`);
  const why = reasons[0] === undefined ? '' : `: ${reasons[0]}`;
  const against = together.length === 0 ? '' : `; it contradicts ${together.join(', ')}`;
  return {
    kind: 'non-linearizable',
    message:
      `${model.describe(blocked)} of ${clientOf(entry)} on ${key}, answered ` +
      `${whenAndWhere(entry)}, fits no order of the operations${why}${against}`,
    entries: core.flatMap(({ operation }) => {
      const { invoke, completion } = operation;
      return completion === undefined ? [invoke.index] : [invoke.index, completion.index];
    }),
    time: entry.time,
    path: key,
    ...(entry.node === undefined ? {} : { nodes: [entry.node] }),
  };
}
