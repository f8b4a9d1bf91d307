/** Ids are given once. Jepsen: checker/unique-ids. */
import type { Operation } from '../history.ts';
import { Findings } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { factsOf, isOk, nameOf, operationText } from './elements.ts';

export function checkUniqueIds(operations: readonly Operation[], f = 'generate'): CheckResult {
  const findings = new Findings();
  const first = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.f !== f || !isOk(operation)) continue;
    findings.looked++;
    const id = nameOf(operation.completion?.value);
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, operation);
      continue;
    }
    findings.add({
      ...factsOf(operation),
      entries: [...factsOf(before).entries, ...factsOf(operation).entries],
      kind: 'id-twice',
      message: `${id} was given to ${operationText(before)} and to ${operationText(operation)}`,
    });
  }
  return findings.result('unique-ids', 'ids', 'Every id was given once');
}
