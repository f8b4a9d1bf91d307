/**
 * What goes in must come out; order is not asked for. `dequeue` gives one value, `drain` a list of all that
 * is left. Every acknowledged value has to come out, and nothing that nobody put in. Values that come out
 * more often than they went in are counted, as Jepsen does, or a violation where `isOnce`. Jepsen:
 * checker/total-queue.
 */
import type { Operation } from '../history.ts';
import { Findings } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { factsOf, isOk, isRefused, listOf, nameOf, operationText } from './elements.ts';

export interface TotalQueueOptions {
  /** A value comes out at most once. */
  readonly isOnce?: boolean;
}

interface Flow {
  attempts: number;
  acknowledged: number;
  out: number;
  put: Operation | undefined;
  taken: Operation | undefined;
}

export function checkTotalQueue(
  operations: readonly Operation[],
  { isOnce = false }: TotalQueueOptions = {},
): CheckResult {
  const findings = new Findings();
  const flows = new Map<string, Flow>();
  const flowOf = (value: unknown): Flow => {
    const name = nameOf(value);
    let flow = flows.get(name);
    if (flow === undefined) {
      flow = { attempts: 0, acknowledged: 0, out: 0, put: undefined, taken: undefined };
      flows.set(name, flow);
    }
    return flow;
  };
  for (const operation of operations) {
    if (operation.f === 'enqueue' && !isRefused(operation)) {
      const flow = flowOf(operation.invoke.value);
      flow.attempts++;
      if (isOk(operation)) flow.acknowledged++;
      flow.put = operation;
    }
    if (!isOk(operation)) continue;
    const value = operation.completion?.value;
    const taken =
      operation.f === 'dequeue' ? [value] : operation.f === 'drain' ? listOf(value) : [];
    for (const out of taken) {
      const flow = flowOf(out);
      flow.out++;
      flow.taken = operation;
    }
  }
  for (const [name, flow] of flows) judgeFlow(findings, name, flow, isOnce);
  return findings.result('total-queue', 'values', 'Every acknowledged value came out');
}

function judgeFlow(findings: Findings, name: string, flow: Flow, isOnce: boolean): void {
  const { attempts, acknowledged, out, put, taken } = flow;
  findings.looked++;
  if (put === undefined && taken !== undefined) {
    const message = `${operationText(taken)} took ${name}, which nobody put in`;
    findings.add({ ...factsOf(taken), kind: 'value-from-nowhere', message });
    return;
  }
  if (put !== undefined && out < acknowledged) {
    const message = `${operationText(put)} was acknowledged and never came out`;
    findings.add({ ...factsOf(put), kind: 'value-lost', message });
  }
  if (out > acknowledged && out <= attempts) findings.count('values recovered', out - acknowledged);
  if (out <= attempts || taken === undefined) return;
  if (isOnce) {
    const message = `${name} came out ${out} times, last by ${operationText(taken)}`;
    findings.add({ ...factsOf(taken), kind: 'value-twice', message });
  } else {
    findings.count('values duplicated', out - attempts);
  }
}
