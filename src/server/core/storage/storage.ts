/**
 * The durable half of a server: log, snapshots and epoch files as one thing with one life cycle.
 *
 *   recover → { append, flush, save epochs, takeSnapshot, purge }* → truncate → recover → …
 *                                                                 → installSnapshot → …
 *
 * `recover`, `truncate` and `installSnapshot` abandon whatever is under way: its callbacks never run, and
 * the new sequence begins when the disk has come to rest. Upstream: FileTxnSnapLog, ZKDatabase.
 */
import { assert } from '../../../base/assert.ts';
import type { Zxid } from '../../../base/zxid.ts';
import type { CoreContext } from '../context.ts';
import { type Directories, directoriesOf } from './directory.ts';
import { Disk, type Sequence } from './disk.ts';
import { EpochFile } from './epoch-files.ts';
import { type Recovered, recoverDirectory } from './recovery.ts';
import { reserveSessionIds } from './session-id-file.ts';
import { publishSnapshot, purge, replaceHistory, writeSnapshot } from './snapshots.ts';
import type { RecoveryResult, StorageResult, StorageTarget } from './target.ts';
import { truncateHistory } from './truncation.ts';
import { TxnLog } from './txn-log.ts';

export type { RecoveryResult, StorageResult, StorageTarget } from './target.ts';

/** A snapshot that is written waits until the log is durable up to it. */
interface UnpublishedSnapshot {
  readonly zxid: Zxid;
  readonly done: (result: StorageResult) => void;
}

export class Storage {
  readonly #context: CoreContext;
  readonly #directories: Directories;
  readonly #disk: Disk;
  readonly #log: TxnLog;
  readonly #acceptedEpoch: EpochFile;
  readonly #currentEpoch: EpochFile;
  #isReady = false;
  #isSnapshotting = false;
  #unpublished: UnpublishedSnapshot | undefined;
  #txnsSinceSnapshot = 0;
  #snapshotAfter: number;
  #sessionIdsFromMs: number | undefined;

  constructor(context: CoreContext) {
    this.#context = context;
    this.#directories = directoriesOf(context.config);
    this.#disk = new Disk(context);
    const { data, log } = this.#directories;
    this.#log = new TxnLog(this.#disk, log, context.config.preallocationSizeBytes);
    this.#acceptedEpoch = new EpochFile(this.#disk, data, 'acceptedEpoch');
    this.#currentEpoch = new EpochFile(this.#disk, data, 'currentEpoch');
    this.#snapshotAfter = this.#drawSnapshotAfter();
    this.#log.onFlushed(() => this.#publishWhenDurable());
  }

  /** Durable, like `currentEpoch`: what was asked for counts only when its callback has run. */
  get acceptedEpoch(): number {
    return this.#acceptedEpoch.durable;
  }
  get currentEpoch(): number {
    return this.#currentEpoch.durable;
  }
  get lastLogged(): Zxid {
    return this.#log.lastLogged;
  }
  get lastFlushed(): Zxid {
    return this.#log.lastFlushed;
  }
  /** The millisecond with which the session ids of this life of the server begin; durable. */
  get sessionIdsFromMs(): number {
    assert(this.#sessionIdsFromMs !== undefined, 'session ids are reserved by recovery');
    return this.#sessionIdsFromMs;
  }
  get isSnapshotting(): boolean {
    return this.#isSnapshotting;
  }

  /** Forgets what is not durable and drops all callbacks; only `recover` may follow. */
  reset(): void {
    this.#isReady = false;
    this.#isSnapshotting = false;
    this.#unpublished = undefined;
    this.#disk.abandon();
    this.#log.abandon();
    this.#acceptedEpoch.abandon();
    this.#currentEpoch.abandon();
  }

  /** Reads the directory into the target; what it then holds is durable. */
  recover(target: StorageTarget, done: (result: RecoveryResult) => void): void {
    this.reset();
    this.#disk.whenIdle(() => {
      this.#disk.run(
        this.#recovery(target),
        ({ result, replayedCount }) => {
          if (result.ok) this.#recovered(result, replayedCount);
          done(result);
        },
        (error) => done({ ok: false, reason: error.message }),
      );
    });
  }

  *#recovery(target: StorageTarget): Sequence<Recovered> {
    const recovered = yield* recoverDirectory(this.#directories, target, this.#context);
    if (!recovered.result.ok || this.#sessionIdsFromMs !== undefined) return recovered;
    const reserved = yield* reserveSessionIds(this.#directories.data, this.#context);
    if (!reserved.ok) return { result: reserved, replayedCount: 0 };
    this.#sessionIdsFromMs = reserved.fromMs;
    return recovered;
  }

  #recovered(result: Extract<RecoveryResult, { ok: true }>, replayedCount: number): void {
    this.#log.restart(result.lastZxid);
    this.#acceptedEpoch.restart(result.acceptedEpoch);
    this.#currentEpoch.restart(result.currentEpoch);
    // Counted on, so that a server that restarts often does not replay an ever longer log.
    this.#txnsSinceSnapshot = replayedCount;
    this.#isReady = true;
  }

  saveAcceptedEpoch(epoch: number, done: () => void): void {
    assert(this.#isReady, 'epochs are saved after recovery', { epoch });
    this.#acceptedEpoch.save(epoch, done);
  }
  saveCurrentEpoch(epoch: number, done: () => void): void {
    assert(this.#isReady, 'epochs are saved after recovery', { epoch });
    this.#currentEpoch.save(epoch, done);
  }

  /** Durable after the next `flush`, when a listener hears of this zxid or a later one. */
  append(zxid: Zxid, payload: Uint8Array): void {
    assert(this.#isReady, 'the log is written after recovery', { zxid });
    this.#log.append(zxid, payload);
    this.#txnsSinceSnapshot++;
  }

  /** What is appended while a flush is under way is flushed next, without being asked again. */
  flush(): void {
    this.#log.flush();
  }

  /** The returned function ends it. */
  onFlushed(listener: (zxid: Zxid) => void): () => void {
    return this.#log.onFlushed(listener);
  }

  #drawSnapshotAfter(): number {
    // Random, so that the servers of an ensemble do not all write a snapshot at once.
    const half = Math.max(1, Math.floor(this.#context.config.snapCount / 2));
    return half + this.#context.prng.int(0, half);
  }

  shouldSnapshot(): boolean {
    return this.#isReady && !this.#isSnapshotting && this.#txnsSinceSnapshot > this.#snapshotAfter;
  }

  /** The database as it is now; the log goes on in a new file. One at a time. */
  takeSnapshot(target: StorageTarget, done: (result: StorageResult) => void): void {
    assert(this.#isReady, 'a snapshot is taken after recovery');
    if (this.#isSnapshotting) {
      done({ ok: false, reason: 'a snapshot is being written already' });
      return;
    }
    this.#isSnapshotting = true;
    this.#txnsSinceSnapshot = 0;
    this.#snapshotAfter = this.#drawSnapshotAfter();
    this.#log.roll();
    this.#disk.run(writeSnapshot(target, this.#directories.data), (zxid) => {
      assert(zxid <= this.lastLogged, 'what is applied was logged', {
        zxid,
        lastLogged: this.lastLogged,
      });
      this.#unpublished = { zxid, done };
      this.#publishWhenDurable();
    });
  }

  /**
   * A transaction may be applied when a quorum has it, before our own flush. A snapshot ahead of the
   * durable log would leave a hole behind it after a power loss, so it waits for the log.
   */
  #publishWhenDurable(): void {
    const waiting = this.#unpublished;
    if (waiting === undefined) return;
    if (this.lastFlushed < waiting.zxid) {
      this.#log.flush();
      return;
    }
    this.#unpublished = undefined;
    this.#disk.run(publishSnapshot(this.#directories.data, waiting.zxid), () => {
      this.#isSnapshotting = false;
      waiting.done({ ok: true });
    });
  }

  /**
   * Ends the history with `zxid`, which must be in it. Memory is stale afterwards: call `recover`. A
   * failure has changed nothing.
   */
  truncate(zxid: Zxid, done: (result: StorageResult) => void): void {
    this.reset();
    this.#disk.whenIdle(() => {
      this.#disk.run(truncateHistory(this.#directories, zxid, this.#context), done, (error) =>
        done({ ok: false, reason: error.message }),
      );
    });
  }

  /** The database, as a leader's snapshot filled it, becomes the whole history. */
  installSnapshot(target: StorageTarget, done: (result: StorageResult) => void): void {
    const epochs = { accepted: this.acceptedEpoch, current: this.currentEpoch };
    this.reset();
    this.#disk.whenIdle(() => {
      this.#disk.run(
        replaceHistory(target, this.#directories),
        (zxid) => {
          this.#log.restart(zxid);
          this.#acceptedEpoch.restart(epochs.accepted);
          this.#currentEpoch.restart(epochs.current);
          this.#txnsSinceSnapshot = 0;
          this.#isReady = true;
          done({ ok: true });
        },
        (error) => done({ ok: false, reason: error.message }),
      );
    });
  }

  /** Removes old snapshots and logs; at least three snapshots stay. */
  purge(retainCount: number, done: () => void): void {
    assert(this.#isReady, 'old files are removed after recovery');
    this.#disk.run(purge(this.#directories, retainCount, this.#context), done);
  }
}
