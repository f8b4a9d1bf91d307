/**
 * Reading a data directory back: the newest snapshot that loads, then every logged transaction after it.
 * Nothing is written here; recovery and truncation decide from the outcome what to repair.
 *
 * Zxids leave no holes: within an epoch the counter grows by one, and an epoch begins with counter 1. A
 * chain that jumps means that a file was lost, and serving from it would be worse than not starting.
 * Upstream: FileTxnSnapLog.restore, FileSnap.deserialize, FileTxnLog.FileTxnIterator.
 */
import {
  counterOf,
  epochOf,
  formatHex,
  nextZxid,
  ZXID_ZERO,
  type Zxid,
  zxidFrom,
} from '../../../base/zxid.ts';
import { JUTE_MAX_BUFFER, MalformedError } from '../../../wire/jute.ts';
import {
  LOG_HEADER_SIZE_BYTES,
  type LogEnd,
  type LogEntry,
  LogReader,
  SNAPSHOT_END,
  SnapshotDecoder,
  type SnapshotSink,
  type SnapshotTrailer,
} from '../../../wire/storage.ts';
import { DIGEST_VERSION, decodeTxn, type Txn } from '../../../wire/txn.ts';
import type { CoreContext } from '../context.ts';
import { type Catalog, isCompressed, type StoredFile } from './directory.ts';
import { READ_SIZE_BYTES, readAt, type Sequence, sizeOf } from './disk.ts';
import type { ReplayedTxn, StorageTarget } from './target.ts';

/** Whether `next` can come directly after `previous` in a log. */
export function isSuccessor(previous: Zxid, next: Zxid): boolean {
  if (epochOf(next) === epochOf(previous)) return next === nextZxid(previous);
  return next > previous && counterOf(next) === 1;
}

/** A log file as far as it could be read. */
export interface WalkedLog {
  readonly file: StoredFile;
  readonly sizeBytes: number;
  readonly end: LogEnd;
  readonly entryCount: number;
}

export interface Replayed {
  readonly ok: true;
  /** Undefined where no snapshot was needed: the directory is fresh, or its logs begin at the beginning. */
  readonly snapshot: StoredFile | undefined;
  readonly snapshotZxid: Zxid;
  readonly lastZxid: Zxid;
  readonly replayedCount: number;
  readonly window: readonly ReplayedTxn[];
  /** The log files that were read, oldest first. */
  readonly logs: readonly WalkedLog[];
}

export type ReplayOutcome = Replayed | { readonly ok: false; readonly reason: string };

export interface ReplayOptions {
  readonly context: CoreContext;
  /** Undefined: everything is verified and nothing is loaded. */
  readonly target: StorageTarget | undefined;
  /** Reads the history up to here only, and never from a snapshot that may hold more. */
  readonly upTo: Zxid | undefined;
}

/** Found something that must not be passed over. Ends the replay with its reason. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

export function* replay(catalog: Catalog, options: ReplayOptions): Sequence<ReplayOutcome> {
  try {
    return yield* new Replay(catalog, options).run();
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    throw error;
  }
}

const ignoringSink: SnapshotSink = { session() {}, acl() {}, node() {}, finish() {} };

class Replay {
  readonly #catalog: Catalog;
  readonly #context: CoreContext;
  readonly #target: StorageTarget | undefined;
  readonly #upTo: Zxid | undefined;
  readonly #windowSize: number;
  readonly #maxFieldSizeBytes: number;
  readonly #walked: WalkedLog[] = [];
  #window: ReplayedTxn[] = [];
  #replayedCount = 0;
  #last = ZXID_ZERO;
  /** Digests say nothing about a tree that may already hold later transactions. */
  #fuzzyUpTo: Zxid | undefined = ZXID_ZERO;
  #isMismatchReported = false;

  constructor(catalog: Catalog, options: ReplayOptions) {
    this.#catalog = catalog;
    this.#context = options.context;
    this.#target = options.target;
    this.#upTo = options.upTo;
    const { commitLogCount, maxFrameSizeBytes } = options.context.config;
    this.#windowSize = commitLogCount;
    // Twice, as upstream: what was accepted within the limit must be readable with its headers.
    this.#maxFieldSizeBytes = 2 * Math.max(maxFrameSizeBytes, JUTE_MAX_BUFFER);
  }

  *run(): Sequence<ReplayOutcome> {
    this.#target?.clear();
    const snapshot = yield* this.#loadNewestSnapshot();
    this.#last = snapshot?.zxid ?? ZXID_ZERO;
    const snapshotZxid = this.#last;
    yield* this.#walkLogs(snapshot);
    for (const { zxid, name } of this.#catalog.snapshots) {
      if (this.#upTo !== undefined && zxid > this.#upTo) continue;
      if (zxid > this.#last) {
        throw new Refusal(
          `${name} cannot be loaded and the logs end at ${formatHex(this.#last)}, before it`,
        );
      }
    }
    return {
      ok: true,
      snapshot,
      snapshotZxid,
      lastZxid: this.#last,
      replayedCount: this.#replayedCount,
      window: this.#window.slice(Math.max(0, this.#window.length - this.#windowSize)),
      logs: this.#walked,
    };
  }

  *#loadNewestSnapshot(): Sequence<StoredFile | undefined> {
    const candidates = this.#catalog.snapshots.filter(
      ({ zxid }) => this.#upTo === undefined || zxid <= this.#upTo,
    );
    for (const file of candidates.reverse()) {
      const problem = yield* this.#loadSnapshot(file);
      if (problem === undefined) return file;
      this.#context.log('warn', 'snapshot skipped', { file: file.path, problem });
    }
    if (candidates.length > 0) throw new Refusal('there are snapshots, and none of them loads');
    return undefined;
  }

  /** What is wrong with the file, if anything. */
  *#loadSnapshot(file: StoredFile): Sequence<string | undefined> {
    if (isCompressed(file)) return 'it is compressed; unpack it first';
    const sizeBytes = (yield* sizeOf(file.path)) ?? 0;
    if (!(yield* endsLikeSnapshot(file.path, sizeBytes))) return 'it was not written to its end';
    const sink = this.#target?.beginLoad() ?? ignoringSink;
    const decoder = new SnapshotDecoder('file', sink, this.#maxFieldSizeBytes);
    try {
      for (let offset = 0; offset < sizeBytes; offset += READ_SIZE_BYTES) {
        decoder.push(yield* readAt(file.path, offset, READ_SIZE_BYTES));
      }
      const trailer = decoder.end();
      const fuzzyUpTo = fuzzyEnd(file.zxid, trailer);
      if (this.#upTo !== undefined && !isWithin(file.zxid, fuzzyUpTo, this.#upTo)) {
        return `it may hold transactions after ${formatHex(this.#upTo)}`;
      }
      decoder.finish(file.zxid);
      this.#fuzzyUpTo = fuzzyUpTo;
      this.#compareDigest(file.zxid, trailer.digest);
      return undefined;
    } catch (error) {
      if (error instanceof MalformedError) return error.message;
      throw error;
    }
  }

  /** A difference is reported and no more, as upstream does: the checksums have vouched for the bytes. */
  #compareDigest(zxid: Zxid, digest: SnapshotTrailer['digest'] | Txn['digest']): void {
    if (digest === undefined || digest.version !== DIGEST_VERSION || zxid === ZXID_ZERO) return;
    if ('zxid' in digest && digest.zxid !== zxid) return;
    const target = this.#target;
    if (target === undefined || this.#fuzzyUpTo === undefined || zxid < this.#fuzzyUpTo) return;
    if (target.treeDigest === digest.treeDigest || this.#isMismatchReported) return;
    this.#isMismatchReported = true;
    this.#context.log('error', 'the tree differs from its digest', {
      zxid: formatHex(zxid),
      stored: formatHex(digest.treeDigest),
      computed: formatHex(target.treeDigest),
    });
  }

  *#walkLogs(snapshot: StoredFile | undefined): Sequence<void> {
    const { logs } = this.#catalog;
    // The file whose name comes last before or at the next zxid: nothing older can be needed.
    const first =
      snapshot === undefined ? 0 : logs.findLastIndex(({ zxid }) => zxid <= this.#last + 1n);
    for (const [index, file] of logs.entries()) {
      if (index < first) continue;
      if (this.#upTo !== undefined && file.zxid > this.#upTo) return;
      const walked = yield* walkLog(file, (entry) => this.#visit(file, entry, snapshot));
      this.#walked.push(walked);
      this.#judgeEnd(walked, index === logs.length - 1);
    }
  }

  /** False where the walk has seen enough. */
  #visit(file: StoredFile, entry: LogEntry, snapshot: StoredFile | undefined): boolean {
    const { zxid } = entry;
    if (this.#upTo !== undefined && zxid > this.#upTo) return false;
    if (zxid <= this.#last) {
      if (this.#replayedCount > 0) {
        this.#context.log('warn', 'a logged transaction repeats', {
          file: file.path,
          zxid: formatHex(zxid),
        });
      }
      return true;
    }
    const isBeginning = this.#last === ZXID_ZERO && snapshot === undefined;
    if (isBeginning && epochOf(zxid) > 1) {
      throw new Refusal(`the logs begin at ${formatHex(zxid)} and there is no snapshot before it`);
    }
    if (!isSuccessor(this.#last, zxid)) {
      throw new Refusal(
        `${file.path} has ${formatHex(zxid)} after ${formatHex(this.#last)}: transactions are missing`,
      );
    }
    this.#apply(file, entry);
    return true;
  }

  #apply(file: StoredFile, { zxid, payload, position }: LogEntry): void {
    let txn: Txn;
    try {
      txn = decodeTxn(payload);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new Refusal(`${file.path} at ${position} is no transaction: ${error.message}`);
    }
    this.#target?.apply(txn);
    this.#last = zxid;
    this.#replayedCount++;
    this.#compareDigest(zxid, txn.digest);
    this.#window.push({ zxid, bytes: payload, txn });
    // Trimmed now and then: the window only has to be exact at the end.
    if (this.#window.length >= 2 * this.#windowSize + 64) {
      this.#window = this.#window.slice(this.#window.length - this.#windowSize);
    }
  }

  /**
   * A torn write can only be at the end of the newest file. Older files may end early, for upstream goes on
   * in a new file behind a torn tail, and then the chain tells whether anything is missing; but a wrong
   * checksum there is damage.
   */
  #judgeEnd({ file, sizeBytes, end }: WalkedLog, isNewest: boolean): void {
    const isDamage =
      end.reason === 'bad-record' ||
      (end.reason === 'bad-checksum' && !isNewest) ||
      (end.reason === 'bad-header' && sizeBytes > LOG_HEADER_SIZE_BYTES);
    if (isDamage) throw new Refusal(`${file.path} is damaged at ${end.position}: ${end.reason}`);
    if (end.reason === 'end-of-file' || end.reason === 'zeros') return;
    this.#context.log('warn', 'a log file ends early', {
      file: file.path,
      position: end.position,
      reason: end.reason,
    });
  }
}

/** The last bytes of every complete snapshot; saves loading one that a crash cut short. */
export function* endsLikeSnapshot(path: string, sizeBytes: number): Sequence<boolean> {
  const at = sizeBytes - SNAPSHOT_END.length;
  if (at < SNAPSHOT_END.length) return false;
  const tail = yield* readAt(path, at, SNAPSHOT_END.length);
  return SNAPSHOT_END.every((byte, index) => tail[index] === byte);
}

/**
 * How far the content of a snapshot may reach. Ours end where their name says; upstream's are written while
 * transactions go on. Undefined where the file does not tell.
 */
function fuzzyEnd(zxid: Zxid, trailer: SnapshotTrailer): Zxid | undefined {
  if (trailer.lastProcessedZxid !== undefined) return zxidFrom(trailer.lastProcessedZxid);
  const { digest } = trailer;
  // A digest at 0 says that nothing was processed since the start, which bounds only the first snapshot.
  if (digest === undefined || (digest.zxid === 0n && zxid !== ZXID_ZERO)) return undefined;
  return zxidFrom(digest.zxid);
}

/** An upstream writer may be in the middle of the transaction after the last that it counted. */
function isWithin(zxid: Zxid, fuzzyUpTo: Zxid | undefined, upTo: Zxid): boolean {
  if (fuzzyUpTo === undefined) return false;
  return fuzzyUpTo < upTo || (fuzzyUpTo === upTo && zxid === upTo);
}

/** Reads entries until the file ends or `visit` says no; then the end is `end-of-file` at that entry. */
export function* walkLog(
  file: StoredFile,
  visit: (entry: LogEntry) => boolean,
): Sequence<WalkedLog> {
  const sizeBytes = (yield* sizeOf(file.path)) ?? 0;
  const reader = new LogReader();
  let offset = 0;
  let entryCount = 0;
  for (;;) {
    const item = reader.next();
    if (item === undefined) {
      const bytes = yield* readAt(file.path, offset, READ_SIZE_BYTES);
      offset += bytes.length;
      if (bytes.length === 0) reader.finish();
      else reader.push(bytes);
    } else if (item.kind === 'end') {
      return { file, sizeBytes, end: item, entryCount };
    } else if (!visit(item)) {
      const { position } = item;
      const end: LogEnd = { kind: 'end', reason: 'end-of-file', position, claimedEnd: position };
      return { file, sizeBytes, end, entryCount };
    } else {
      entryCount++;
    }
  }
}

/** Just behind the last byte from `from` on that is not zero; `from` where all are. */
export function* contentEnd(path: string, from: number, sizeBytes: number): Sequence<number> {
  let end = from;
  for (let offset = from; offset < sizeBytes; offset += READ_SIZE_BYTES) {
    const bytes = yield* readAt(path, offset, READ_SIZE_BYTES);
    let last = bytes.length;
    while (last > 0 && bytes[last - 1] === 0) last--;
    if (last > 0) end = offset + last;
  }
  return end;
}
