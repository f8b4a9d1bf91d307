/** How many operations were under way or invoked while a fault held. */
import type { HistoryEntry } from '../checker/history.ts';
import type { FaultRecord } from './result.ts';

export function withOverlaps(
  faults: readonly FaultRecord[],
  history: readonly HistoryEntry[],
): readonly FaultRecord[] {
  const spans = operationSpans(history);
  return faults.map((fault) => {
    const { applied, healed = Number.MAX_SAFE_INTEGER } = fault;
    if (applied === undefined) return fault;
    const count = spans.filter(([from, to]) => from <= healed && to >= applied).length;
    return { ...fault, overlappedOperations: count };
  });
}

function operationSpans(history: readonly HistoryEntry[]): Array<readonly [number, number]> {
  const open = new Map<number, number>();
  const spans: Array<readonly [number, number]> = [];
  for (const entry of history) {
    if (entry.process === 'nemesis') continue;
    if (entry.type === 'invoke') {
      open.set(entry.process, entry.time);
      continue;
    }
    const from = open.get(entry.process);
    open.delete(entry.process);
    if (from !== undefined) spans.push([from, entry.time]);
  }
  for (const from of open.values()) spans.push([from, Number.MAX_SAFE_INTEGER]);
  return spans;
}
