/** Ids of one source: none is given twice; they grow with the zxids of their creation and with real time. */
import { checkFinalReads } from '../final-reads.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { clientOf, Findings, formatHex, hexOf, whenAndWhere } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkWriteOrder } from '../write-order.ts';
import { checkSessionExpiry } from './session-expiry.ts';
import { withOperations } from './with-operations.ts';

export function checkUniqueIdsWorkload(evidence: ServerEvidence): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    checkUniqueIds(operations),
    checkWriteOrder(evidence.history, operations),
    checkSessionExpiry(evidence),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

interface Given {
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  readonly id: number;
  readonly zxid: bigint;
}

export function checkUniqueIds(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const byKey = new Map<string | undefined, Given[]>();
  for (const operation of operations) {
    const entry = operation.completion;
    const zxid = hexOf(entry?.zxid);
    if (operation.f !== 'next-id' || entry?.type !== 'ok' || zxid === undefined) continue;
    const given = byKey.get(operation.key) ?? [];
    given.push({ operation, entry, id: Number(entry.value), zxid });
    byKey.set(operation.key, given);
    findings.looked++;
  }
  for (const given of byKey.values()) {
    judgeDuplicates(findings, given);
    judgeZxids(findings, given);
    judgeTime(findings, given);
  }
  return findings.result('unique-ids', 'ids', 'No id was given twice, and later ones are larger');
}

function judgeDuplicates(findings: Findings, given: readonly Given[]): void {
  const first = new Map<number, Given>();
  for (const one of given) {
    const known = first.get(one.id);
    first.set(one.id, known ?? one);
    if (known !== undefined) add(findings, 'duplicate-id', known, one, 'the same id');
  }
}

function judgeZxids(findings: Findings, given: readonly Given[]): void {
  const inOrder = [...given].sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
  for (const [place, one] of inOrder.entries()) {
    const before = inOrder[place - 1];
    if (before === undefined || before.id <= one.id) continue;
    add(findings, 'ids-against-zxids', before, one, 'the later zxid got the smaller id');
  }
}

/** Whoever asks after another was answered gets the larger id. */
function judgeTime(findings: Findings, given: readonly Given[]): void {
  const byEnd = [...given].sort((a, b) => a.entry.index - b.entry.index);
  const byStart = [...given].sort((a, b) => a.operation.invoke.index - b.operation.invoke.index);
  let largest: Given | undefined;
  let next = 0;
  for (const one of byStart) {
    for (let before = byEnd[next]; before !== undefined; before = byEnd[++next]) {
      if (before.entry.index > one.operation.invoke.index) break;
      if (largest === undefined || before.id > largest.id) largest = before;
    }
    if (largest === undefined || largest.id <= one.id) continue;
    add(findings, 'ids-against-time', largest, one, 'who asked later got the smaller id');
  }
}

function add(findings: Findings, kind: string, one: Given, other: Given, why: string): void {
  const tell = ({ id, entry, zxid }: Given): string =>
    `${id} (zxid ${formatHex(zxid)}) for ${clientOf(entry)} ${whenAndWhere(entry)}`;
  findings.add({
    kind,
    message: `${one.operation.key} gave ${tell(one)} and ${tell(other)}: ${why}`,
    entries: [one.entry.index, other.entry.index],
    time: other.entry.time,
    zxid: formatHex(other.zxid),
  });
}
