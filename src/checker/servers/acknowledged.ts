/** The writes that clients were told had happened, with their places in the order of transactions. */
import type { HistoryEntry } from '../history.ts';
import { field, hexOf, pathOfKey } from '../report.ts';

export interface AcknowledgedWrite {
  readonly zxid: bigint;
  /** Undefined where the history does not name the node, as for a lock's queue node. */
  readonly path: string | undefined;
  /** The ZooKeeper operation. */
  readonly op: string;
  readonly entry: HistoryEntry;
  /** False where the answer was found later by a read, so that no leader need have answered the write. */
  readonly isAnswered: boolean;
}

const writeOps: ReadonlyMap<string, string> = new Map([
  ['write', 'setData'],
  ['cas', 'setData'],
  ['increment', 'setData'],
  ['setData', 'setData'],
  ['create', 'create'],
  ['delete', 'delete'],
]);

/** In the order of their completions. */
export function acknowledgedWrites(history: readonly HistoryEntry[]): readonly AcknowledgedWrite[] {
  const writes: AcknowledgedWrite[] = [];
  for (const entry of history) {
    if (entry.type !== 'ok' || entry.process === 'nemesis') continue;
    const op = writeOps.get(entry.f);
    if (op !== undefined) {
      const zxid = hexOf(entry.zxid);
      const path = pathOfKey(entry.key);
      if (zxid !== undefined) writes.push({ zxid, path, op, entry, isAnswered: true });
    } else if (entry.f === 'acquire') {
      const zxid = hexOf(field(entry.value, 'token'));
      const path = undefined;
      if (zxid !== undefined) writes.push({ zxid, path, op: 'create', entry, isAnswered: false });
    }
  }
  return writes;
}
