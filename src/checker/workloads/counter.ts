/**
 * A counter of unit increments: linearizable, no two increments with the same result, and in the end
 * between the number of acknowledged increments and that plus those of unknown outcome.
 */
import { checkFinalReads } from '../final-reads.ts';
import type { Operation } from '../history.ts';
import { callOf, type Model } from '../linearizability/model.ts';
import { counterModel } from '../linearizability/models.ts';
import { Findings, field } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkWriteOrder } from '../write-order.ts';
import { hinted, linearizability, type WorkloadCheckOptions } from './linearizability.ts';
import { withOperations } from './with-operations.ts';

export function checkCounterWorkload(
  evidence: ServerEvidence,
  options: WorkloadCheckOptions = {},
): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    linearizability(
      operations.filter(({ f }) => f === 'increment' || f === 'read'),
      counterModel() as unknown as Model,
      hinted(callOf),
      options,
    ),
    checkCounterBounds(operations),
    checkWriteOrder(evidence.history, operations),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

export function checkCounterBounds(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const increments = operations.filter(({ f }) => f === 'increment');
  const acknowledged = increments.filter(({ completion }) => completion?.type === 'ok');
  const unknown = increments.filter(({ completion }) => {
    return completion?.type !== 'ok' && completion?.type !== 'fail';
  });
  judgeResults(findings, acknowledged);
  const least = acknowledged.length;
  const most = least + unknown.length;
  for (const operation of operations) {
    const value = finalValue(operation);
    if (value === undefined) continue;
    findings.looked++;
    const entry = operation.completion ?? operation.invoke;
    const where = entry.node === undefined ? '' : ` on server ${entry.node}`;
    const anomaly = {
      entries: [entry.index],
      time: entry.time,
      ...(entry.node === undefined ? {} : { nodes: [entry.node] }),
    };
    const told = `the counter ends at ${value}${where}`;
    if (value < least) {
      findings.add({
        ...anomaly,
        kind: 'lost-increment',
        message: `${told}, though ${least} increments were acknowledged`,
      });
    } else if (value > most) {
      findings.add({
        ...anomaly,
        kind: 'duplicated-increment',
        message: `${told}, though only ${most} increments can have happened`,
      });
    }
  }
  return findings.result(
    'counter-bounds',
    'final values',
    `The counter ends between ${least} and ${most}`,
  );
}

function judgeResults(findings: Findings, acknowledged: readonly Operation[]): void {
  const first = new Map<unknown, number>();
  for (const { completion } of acknowledged) {
    if (completion === undefined) continue;
    const known = first.get(completion.value);
    if (known === undefined) {
      first.set(completion.value, completion.index);
      continue;
    }
    findings.add({
      kind: 'lost-increment',
      message: `two increments were both told ${String(completion.value)}: one of them is lost`,
      entries: [known, completion.index],
      time: completion.time,
    });
  }
}

function finalValue({ f, completion }: Operation): number | undefined {
  if (f !== 'final-read' || completion?.type !== 'ok') return undefined;
  const value = field(completion.value, 'value');
  return value === null || value === '' ? 0 : typeof value === 'string' ? Number(value) : undefined;
}
