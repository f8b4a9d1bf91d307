/**
 * Writes are linearizable by their zxids: a write that begins after another has ended gets the larger
 * zxid. One sweep over the history.
 */

import type { HistoryEntry, Operation } from './history.ts';
import { clientOf, Findings, formatHex, whenAndWhere } from './report.ts';
import { acknowledgedWrites } from './servers/acknowledged.ts';
import type { CheckResult } from './verdict.ts';

export function checkWriteOrder(
  history: readonly HistoryEntry[],
  operations: readonly Operation[],
): CheckResult {
  const findings = new Findings();
  const writes = new Map(
    acknowledgedWrites(history).map((write) => [write.entry.index, write] as const),
  );
  const invocations = new Map<number, number>();
  for (const { invoke, completion } of operations) {
    if (completion !== undefined) invocations.set(completion.index, invoke.index);
  }
  const events = [...writes.keys()].flatMap((end) => [
    { at: invocations.get(end) ?? end, end, isEnd: false },
    { at: end, end, isEnd: true },
  ]);
  events.sort((a, b) => a.at - b.at);
  const newestBefore = new Map<number, number | undefined>();
  let newest: number | undefined;
  for (const { end, isEnd } of events) {
    const write = writes.get(end);
    if (write === undefined) continue;
    if (!isEnd) {
      newestBefore.set(end, newest);
      continue;
    }
    findings.looked++;
    const floor = writes.get(newestBefore.get(end) ?? -1);
    if (floor !== undefined && write.zxid <= floor.zxid) {
      findings.add({
        kind: 'write-order',
        message:
          `a write of ${clientOf(write.entry)} got zxid ${formatHex(write.zxid)} ` +
          `${whenAndWhere(write.entry)}, though it began after ${clientOf(floor.entry)} had been ` +
          `given the larger ${formatHex(floor.zxid)}`,
        entries: [floor.entry.index, write.entry.index],
        time: write.entry.time,
        zxid: formatHex(write.zxid),
      });
    }
    if (newest === undefined || write.zxid > (writes.get(newest)?.zxid ?? -1n)) newest = end;
  }
  return findings.result('write-order', 'acknowledged writes', 'Zxids follow real time');
}
