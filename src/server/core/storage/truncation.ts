/**
 * Taking back the end of the history: TRUNC, and what a snapshot from a leader makes void. Upstream's
 * truncate keeps one transaction too many when the zxid is not in its log, and leaves snapshots that are
 * newer, so that after a restart the truncated transactions are back (ZOOKEEPER-4837). Upstream:
 * FileTxnLog.truncate, Learner.syncWithLeader.
 */
import { formatHex, type Zxid } from '../../../base/zxid.ts';
import type { CoreContext } from '../context.ts';
import { type Catalog, type Directories, readCatalog, type StoredFile } from './directory.ts';
import { flushFile, must, remove, type Sequence } from './disk.ts';
import { replay, walkLog } from './replay.ts';
import type { StorageResult } from './target.ts';

/**
 * Makes `zxid` the end of the history, if it is in it exactly and can be recovered without what will be
 * removed; otherwise nothing is touched. Files go newest first and each for good before the next, so
 * that a crash finds a history without a hole that is only less far cut.
 */
export function* truncateHistory(
  directories: Directories,
  zxid: Zxid,
  context: CoreContext,
): Sequence<StorageResult> {
  const catalog = yield* readCatalog(directories);
  const outcome = yield* replay(catalog, { context, target: undefined, upTo: zxid });
  if (!outcome.ok) return outcome;
  if (outcome.snapshot === undefined && outcome.replayedCount === 0) {
    return {
      ok: false,
      reason: `no snapshot at or before ${formatHex(zxid)} can be recovered from`,
    };
  }
  if (outcome.lastZxid !== zxid) {
    const last = formatHex(outcome.lastZxid);
    return {
      ok: false,
      reason: `${formatHex(zxid)} is not in the log; the last before it is ${last}`,
    };
  }
  const isLog = new Set<StoredFile>(catalog.logs);
  const newestFirst = [...catalog.logs, ...catalog.snapshots]
    .filter((file) => file.zxid > zxid)
    .sort((a, b) => {
      if (a.zxid !== b.zxid) return a.zxid > b.zxid ? -1 : 1;
      return isLog.has(a) ? -1 : 1;
    });
  for (const file of newestFirst) yield* remove(file.directory, file.name);
  yield* cutLog(catalog, zxid);
  return { ok: true };
}

/** Removes everything after `zxid` from the logs, whether or not they hold it; snapshots stay. */
export function* cutLogsAfter(catalog: Catalog, zxid: Zxid): Sequence<void> {
  for (const file of [...catalog.logs].reverse()) {
    if (file.zxid > zxid) yield* remove(file.directory, file.name);
  }
  yield* cutLog(catalog, zxid);
}

/** Shortens the newest log that begins at or before `zxid` to end with it. */
function* cutLog(catalog: Catalog, zxid: Zxid): Sequence<void> {
  const file = catalog.logs.findLast((log) => log.zxid <= zxid);
  if (file === undefined) return;
  const { end, sizeBytes } = yield* walkLog(file, (entry) => entry.zxid <= zxid);
  if (end.position < sizeBytes) {
    yield* must({ kind: 'truncate', path: file.path, sizeBytes: end.position });
  }
  yield* flushFile(file.path);
}
