/**
 * From a data directory to a state that may vote. Everything is read and judged first; only if the
 * directory can be trusted is anything repaired, so that a refusal leaves the evidence as it was.
 *
 * What was read back may have been in the page cache only: a process that was killed leaves writes that
 * it never flushed, and a later power loss would take back what this server has voted for. So all of it is
 * flushed before recovery is done. The log goes first: an epoch file that is ahead of its log would win
 * elections for transactions that are gone. Upstream: ZKDatabase.loadDataBase, QuorumPeer.loadDataBase.
 */
import { formatHex } from '../../../base/zxid.ts';
import { LOG_HEADER_SIZE_BYTES } from '../../../wire/storage.ts';
import type { CoreContext } from '../context.ts';
import { type Catalog, type Directories, prepareDirectories, readCatalog } from './directory.ts';
import { flushDirectory, flushFile, must, type Sequence } from './disk.ts';
import {
  decideEpochs,
  type EpochDecision,
  readEpochs,
  restoreEpochs,
  type StoredEpochs,
} from './epoch-files.ts';
import { contentEnd, type Replayed, replay, type WalkedLog } from './replay.ts';
import { publishSnapshot, writeSnapshot } from './snapshots.ts';
import type { RecoveryResult, StorageTarget } from './target.ts';
import { GROUP_MAX_SIZE_BYTES } from './txn-log.ts';

export interface Recovered {
  readonly result: RecoveryResult;
  readonly replayedCount: number;
}

/** What to do with the newest log file. */
type TailRepair =
  | { readonly action: 'keep' }
  | { readonly action: 'cut'; readonly position: number; readonly droppedBytes: number }
  | { readonly action: 'remove' };

export function* recoverDirectory(
  directories: Directories,
  target: StorageTarget,
  context: CoreContext,
): Sequence<Recovered> {
  yield* prepareDirectories(directories);
  const catalog = yield* readCatalog(directories);
  if (catalog.misplaced !== undefined) {
    return refuse(`${catalog.misplaced} lies in the wrong directory: check dataDir and dataLogDir`);
  }
  const outcome = yield* replay(catalog, { context, target, upTo: undefined });
  if (!outcome.ok) return refuse(outcome.reason);
  const stored = yield* readEpochs(directories.data);
  if (!stored.ok) return refuse(stored.reason);
  const epochs = judgeEpochs(outcome, stored, context);
  if (!epochs.ok) return refuse(epochs.reason);
  const tail = outcome.logs.at(-1);
  const repair = tail === undefined ? { action: 'keep' as const } : yield* judgeTail(tail);
  if (typeof repair === 'string') return refuse(repair);

  yield* settleLogs(outcome, repair, context);
  yield* settleSnapshots(catalog, outcome, directories, target);
  if (context.config.servers.length > 0) yield* restoreEpochs(directories.data, stored, epochs);
  return {
    replayedCount: outcome.replayedCount,
    result: {
      ok: true,
      lastZxid: outcome.lastZxid,
      snapshotZxid: outcome.snapshotZxid,
      acceptedEpoch: epochs.accepted,
      currentEpoch: epochs.current,
      replayed: outcome.window,
    },
  };
}

function refuse(reason: string): Recovered {
  return { result: { ok: false, reason }, replayedCount: 0 };
}

/** A standalone server has no use for the files, and leaves them to the ensemble that they are from. */
function judgeEpochs(outcome: Replayed, stored: StoredEpochs, context: CoreContext): EpochDecision {
  if (context.config.servers.length === 0) {
    const decided = decideEpochs(stored, outcome.lastZxid);
    return decided.ok ? decided : { ok: true, accepted: 0, current: 0 };
  }
  const isEmpty = outcome.snapshot === undefined && outcome.replayedCount === 0;
  const hadEpoch = (stored.accepted ?? 0) > 0 || (stored.current ?? 0) > 0;
  // The first snapshot is durable before the first epoch file is written.
  if (isEmpty && hadEpoch) {
    return {
      ok: false,
      reason:
        'there are epoch files of an ensemble, but neither snapshots nor logs: they were lost',
    };
  }
  const decided = decideEpochs(stored, outcome.lastZxid);
  if (decided.ok && stored.current !== undefined && stored.current < decided.current) {
    context.log('warn', 'the current epoch was behind the log', {
      stored: stored.current,
      current: decided.current,
      lastZxid: formatHex(outcome.lastZxid),
    });
  }
  return decided;
}

/**
 * The torn end of the newest file is cut, so that nothing ever stands behind it. But what a crash can
 * tear is one group: content further away was flushed behind the bad place, which is damage then, and
 * cutting it would lose what was acknowledged.
 */
function* judgeTail({
  file,
  sizeBytes,
  end,
  entryCount,
}: WalkedLog): Sequence<TailRepair | string> {
  if (end.reason === 'no-header' || end.reason === 'bad-header') return { action: 'remove' };
  const content = yield* contentEnd(file.path, end.position, sizeBytes);
  if (content > end.claimedEnd + GROUP_MAX_SIZE_BYTES) {
    return (
      `${file.path} is damaged at ${end.position} (${end.reason}): ` +
      `it goes on until ${content}, further than a torn write reaches`
    );
  }
  if (entryCount === 0 && end.position === LOG_HEADER_SIZE_BYTES) return { action: 'remove' };
  // Preallocated zeros go too: the next transaction begins a new file.
  if (end.position === sizeBytes) return { action: 'keep' };
  return { action: 'cut', position: end.position, droppedBytes: content - end.position };
}

function* settleLogs({ logs }: Replayed, repair: TailRepair, context: CoreContext): Sequence<void> {
  const tail = logs.at(-1);
  if (tail === undefined) return;
  const { path, directory } = tail.file;
  if (repair.action === 'cut') {
    if (repair.droppedBytes > 0) {
      context.log('warn', 'the torn end of the log is cut', {
        file: path,
        position: repair.position,
        droppedBytes: repair.droppedBytes,
        reason: tail.end.reason,
      });
    }
    yield* must({ kind: 'truncate', path, sizeBytes: repair.position });
  }
  const kept = repair.action === 'remove' ? logs.slice(0, -1) : logs;
  for (const { file } of kept) yield* flushFile(file.path);
  if (repair.action === 'remove') yield* must({ kind: 'unlink', path });
  yield* flushDirectory(directory);
}

function* settleSnapshots(
  { temporaries }: Catalog,
  { snapshot }: Replayed,
  { data }: Directories,
  target: StorageTarget,
): Sequence<void> {
  for (const { path } of temporaries) yield* must({ kind: 'unlink', path });
  if (snapshot !== undefined) yield* flushFile(snapshot.path);
  yield* flushDirectory(data);
  // Logs without a snapshot look like a loss to upstream, and a fresh server must not look like one.
  if (snapshot === undefined) yield* publishSnapshot(data, yield* writeSnapshot(target, data));
}
