/**
 * Writing snapshots: aside under a temporary name, in chunks paced by their completions, flushed, and
 * only then renamed. So a snapshot that has its name is complete. Upstream: FileSnap.serialize,
 * AtomicFileOutputStream, PurgeTxnLog.
 */
import { formatHex, type Zxid, zxidFrom } from '../../../base/zxid.ts';
import { encodeSnapshotFile } from '../../../wire/storage.ts';
import type { CoreContext } from '../context.ts';
import { type Directories, readCatalog, type StoredFile, snapshotName } from './directory.ts';
import { flushDirectory, flushFile, must, type Sequence, sizeOf } from './disk.ts';
import { endsLikeSnapshot } from './replay.ts';
import type { StorageTarget } from './target.ts';
import { cutLogsAfter } from './truncation.ts';

/** Bytes wait in memory until they are flushed, so a large snapshot is flushed as it grows. */
const FLUSH_EVERY_BYTES = 4 * 1024 * 1024;

const temporaryPath = (directory: string, zxid: Zxid): string =>
  `${directory}/${snapshotName(zxid)}.tmp`;

/** The database at this moment, durable under its temporary name. */
export function* writeSnapshot(target: StorageTarget, directory: string): Sequence<Zxid> {
  const view = target.openSnapshot();
  try {
    const zxid = zxidFrom(view.zxid);
    const path = temporaryPath(directory, zxid);
    yield* must({ kind: 'create', path });
    let unflushedBytes = 0;
    for (const bytes of encodeSnapshotFile(view)) {
      yield* must({ kind: 'append', path, bytes });
      unflushedBytes += bytes.length;
      if (unflushedBytes < FLUSH_EVERY_BYTES) continue;
      yield* flushFile(path);
      unflushedBytes = 0;
    }
    yield* flushFile(path);
    return zxid;
  } finally {
    view.close();
  }
}

/** Gives the snapshot its name, for good. */
export function* publishSnapshot(directory: string, zxid: Zxid): Sequence<void> {
  const to = `${directory}/${snapshotName(zxid)}`;
  yield* must({ kind: 'rename', path: temporaryPath(directory, zxid), to });
  yield* flushDirectory(directory);
}

/**
 * Puts the state that a leader sent in the place of this server's own history, which may have diverged
 * from it. A crash at any point leaves the old history, the old history without some of its uncommitted
 * end, or the new state; never transactions of the one on top of the other:
 *
 * 1. the new snapshot is complete under its temporary name;
 * 2. what the logs hold after it goes: else it would be replayed on top of the new snapshot;
 * 3. the snapshot gets its name. Older snapshots of a later zxid still win, with the old history;
 * 4. everything else goes, in any order: whatever is left of it is a state of the old history, or is
 *    older than the new state and no longer looked at. It must not stay, for it could one day seem to
 *    continue into what follows.
 */
export function* replaceHistory(target: StorageTarget, directories: Directories): Sequence<Zxid> {
  const zxid = yield* writeSnapshot(target, directories.data);
  yield* cutLogsAfter(yield* readCatalog(directories), zxid);
  yield* publishSnapshot(directories.data, zxid);
  const { logs, snapshots } = yield* readCatalog(directories);
  for (const file of [...logs, ...snapshots]) {
    if (file.name !== snapshotName(zxid)) yield* must({ kind: 'unlink', path: file.path });
  }
  yield* flushDirectory(directories.log);
  yield* flushDirectory(directories.data);
  return zxid;
}

/** Upstream keeps no fewer either: the newest may turn out to be damaged. */
const RETAINED_MIN = 3;

/**
 * Removes snapshots older than the newest `retainCount` that look complete, and logs that none of the kept
 * ones needs: all before the one that the oldest kept snapshot starts in.
 */
export function* purge(
  directories: Directories,
  retainCount: number,
  context: CoreContext,
): Sequence<void> {
  const { snapshots, logs } = yield* readCatalog(directories);
  const kept: StoredFile[] = [];
  for (const file of [...snapshots].reverse()) {
    if (kept.length === Math.max(retainCount, RETAINED_MIN)) break;
    const sizeBytes = (yield* sizeOf(file.path)) ?? 0;
    if (yield* endsLikeSnapshot(file.path, sizeBytes)) kept.push(file);
  }
  const oldest = kept.at(-1);
  if (oldest === undefined || kept.length < RETAINED_MIN) return;
  const firstLog = logs.findLastIndex(({ zxid }) => zxid <= oldest.zxid);
  const removed = [
    ...snapshots.filter(({ zxid }) => zxid < oldest.zxid),
    ...logs.filter((_, index) => index < firstLog),
  ];
  for (const { path } of removed) yield* must({ kind: 'unlink', path });
  if (removed.length === 0) return;
  yield* flushDirectory(directories.data);
  yield* flushDirectory(directories.log);
  context.log('info', 'purged', { files: removed.length, before: formatHex(oldest.zxid) });
}
