/**
 * The disk of one server: log, snapshots and the two epoch files, as sequences over file primitives. The
 * rules that make it safe:
 *
 *   - nothing is claimed before a flush completed: `lastFlushed`, `acceptedEpoch` and `currentEpoch` are
 *     durable watermarks, and what recovery read back is flushed before it is told
 *   - a name counts only when its directory was flushed; whole files arrive by rename
 *   - at every point between two file operations the directory holds a history that this server really had:
 *     transactions are removed newest first, and only those that a newer leader does not have
 *
 * Upstream: FileTxnSnapLog, ZKDatabase, QuorumPeer (epoch files), PurgeTxnLog.
 */
import { assert } from '../../../base/assert.ts';
import {
  epochOf,
  formatFileSuffix,
  formatHex,
  ZXID_ZERO,
  type Zxid,
  zxidFrom,
} from '../../../base/zxid.ts';
import { decodeEpoch, encodeEpoch, encodeSnapshotFile } from '../../../wire/storage.ts';
import type { CoreContext } from '../context.ts';
import { Files, type Outcome } from './files.ts';
import {
  findPosition,
  LogReplay,
  loadSnapshot,
  type NamedFile,
  namedFiles,
  type ReplayedTxn,
  type StorageTarget,
} from './recovery.ts';
import { TxnLog } from './txn-log.ts';

export type { StorageTarget };

export type Recovery =
  | {
      readonly ok: true;
      readonly lastZxid: Zxid;
      readonly snapshotZxid: Zxid;
      readonly acceptedEpoch: number;
      readonly currentEpoch: number;
      /** The newest transactions, for the window of committed proposals. */
      readonly replayed: readonly ReplayedTxn[];
    }
  | { readonly ok: false; readonly reason: string };

type EpochFile = 'acceptedEpoch' | 'currentEpoch';

interface Directories {
  readonly snapshots: readonly NamedFile[];
  readonly logs: readonly NamedFile[];
  readonly temporary: readonly string[];
}

export class Storage {
  readonly #context: CoreContext;
  readonly #files: Files;
  readonly #log: TxnLog;
  readonly #snapDir: string;
  readonly #logDir: string;
  #acceptedEpoch = 0;
  #currentEpoch = 0;
  #lastLogged = ZXID_ZERO;
  #lastFlushed = ZXID_ZERO;
  #listener: (zxid: Zxid) => void = () => undefined;
  #isSnapshotting = false;
  #isSnapshotAborted = false;
  #snapshotIdle: Array<() => void> = [];
  #savesInFlight = 0;
  #savesIdle: Array<() => void> = [];
  #txnsSinceSnapshot = 0;
  #snapshotThreshold = 0;

  constructor(context: CoreContext) {
    this.#context = context;
    this.#files = new Files(context);
    this.#snapDir = `${context.config.dataDir}/version-2`;
    this.#logDir = `${context.config.dataLogDir}/version-2`;
    this.#log = new TxnLog(context, this.#files, this.#logDir, (zxid) => {
      this.#lastFlushed = zxid;
      this.#listener(zxid);
    });
    this.#drawThreshold();
  }

  get acceptedEpoch(): number {
    return this.#acceptedEpoch;
  }
  get currentEpoch(): number {
    return this.#currentEpoch;
  }
  get lastLogged(): Zxid {
    return this.#lastLogged;
  }
  get lastFlushed(): Zxid {
    return this.#lastFlushed;
  }

  /** The one listener of the durable watermark; a later role replaces that of an earlier one. */
  onFlushed(listener: (zxid: Zxid) => void): void {
    this.#listener = listener;
  }

  // --- log -------------------------------------------------------------------------------------

  append(zxid: Zxid, payload: Uint8Array): void {
    assert(zxid > this.#lastLogged, 'the log grows in zxid order', {
      zxid,
      last: this.#lastLogged,
    });
    this.#lastLogged = zxid;
    this.#txnsSinceSnapshot++;
    this.#log.append(zxid, payload);
  }

  flush(): void {
    this.#log.flush();
  }

  // --- epochs ----------------------------------------------------------------------------------

  saveAcceptedEpoch(epoch: number, done: () => void): void {
    this.#saveEpoch('acceptedEpoch', epoch, () => {
      this.#acceptedEpoch = epoch;
      done();
    });
  }

  saveCurrentEpoch(epoch: number, done: () => void): void {
    this.#saveEpoch('currentEpoch', epoch, () => {
      this.#currentEpoch = epoch;
      done();
    });
  }

  #saveEpoch(file: EpochFile, epoch: number, done: () => void): void {
    const path = `${this.#snapDir}/${file}`;
    const temporary = `${path}.tmp`;
    this.#savesInFlight++;
    this.#files.sequence(
      [
        { kind: 'create', path: temporary },
        { kind: 'append', path: temporary, bytes: encodeEpoch(epoch) },
        { kind: 'flush', path: temporary },
        { kind: 'rename', path: temporary, to: path },
        { kind: 'flush-directory', path: this.#snapDir },
      ],
      () => {
        this.#savesInFlight--;
        done();
        if (this.#savesInFlight > 0) return;
        for (const ready of this.#savesIdle.splice(0)) ready();
      },
    );
  }

  // --- recovery --------------------------------------------------------------------------------

  /** Runs when no sequence is under way; a snapshot that is being written is given up. */
  #whenIdle(ready: () => void): void {
    this.#log.whenIdle(() => {
      const savesDone = (): void => {
        if (!this.#isSnapshotting) {
          ready();
          return;
        }
        this.#isSnapshotAborted = true;
        this.#snapshotIdle.push(ready);
      };
      if (this.#savesInFlight === 0) savesDone();
      else this.#savesIdle.push(savesDone);
    });
  }

  #directories(done: (found: Directories) => void): void {
    this.#files.list(this.#snapDir, (names) => {
      const snapshots = namedFiles(this.#snapDir, names, 'snapshot');
      const temporary = names
        .filter((name) => name.endsWith('.tmp'))
        .map((name) => `${this.#snapDir}/${name}`);
      if (this.#logDir === this.#snapDir) {
        done({ snapshots, logs: namedFiles(this.#logDir, names, 'log'), temporary });
        return;
      }
      this.#files.list(this.#logDir, (logNames) =>
        done({ snapshots, logs: namedFiles(this.#logDir, logNames, 'log'), temporary }),
      );
    });
  }

  recover(target: StorageTarget, done: (result: Recovery) => void): void {
    this.#whenIdle(() => {
      this.#log.roll();
      this.#directories((found) => {
        this.#files.remove(found.temporary, () => this.#load(target, found, done));
      });
    });
  }

  #load(target: StorageTarget, found: Directories, done: (result: Recovery) => void): void {
    const { snapshots, logs } = found;
    loadSnapshot(this.#context, this.#files, snapshots, target, (loaded) => {
      if (!loaded.ok) {
        done(loaded);
        return;
      }
      if (loaded.snapshotZxid === undefined && logs.length > 0) {
        const reason = 'there are logs but no snapshot: the history before them is lost';
        done({ ok: false, reason });
        return;
      }
      if (loaded.snapshotZxid === undefined) this.#initialize(target, done);
      else this.#replay(target, loaded.snapshotZxid, logs, done);
    });
  }

  /** A fresh directory gets a snapshot of nothing, so that a later loss of all snapshots is noticed. */
  #initialize(target: StorageTarget, done: (result: Recovery) => void): void {
    target.clear();
    this.#lastLogged = ZXID_ZERO;
    this.#lastFlushed = ZXID_ZERO;
    this.takeSnapshot(target, (outcome) => {
      if (outcome.ok) this.#recoverEpochs(ZXID_ZERO, ZXID_ZERO, [], done);
      else done(outcome);
    });
  }

  #replay(
    target: StorageTarget,
    snapshotZxid: Zxid,
    logs: readonly NamedFile[],
    done: (result: Recovery) => void,
  ): void {
    const replay = new LogReplay({
      files: this.#files,
      logs,
      from: snapshotZxid,
      keep: this.#context.config.commitLogCount,
      apply: ({ txn }) => target.apply(txn),
    });
    replay.run((result) => {
      if (!result.ok) {
        done(result);
        return;
      }
      this.#settleTail(replay.cut, logs.at(-1), () => {
        this.#lastLogged = result.lastZxid;
        this.#lastFlushed = result.lastZxid;
        this.#txnsSinceSnapshot = result.replayed.length;
        this.#recoverEpochs(result.lastZxid, snapshotZxid, result.replayed, done);
      });
    });
  }

  /** Cuts what a crash tore, and flushes what was read: it may have come from a cache that a power loss takes. */
  #settleTail(
    cut: { readonly path: string; readonly sizeBytes: number } | undefined,
    last: NamedFile | undefined,
    done: () => void,
  ): void {
    const flushNames = (): void =>
      this.#files.sequence(
        [
          { kind: 'flush-directory', path: this.#logDir },
          { kind: 'flush-directory', path: this.#snapDir },
        ],
        done,
      );
    if (cut !== undefined) {
      this.#context.log('warn', 'cut the torn tail of the log', { ...cut });
      if (cut.sizeBytes === 0) this.#files.remove([cut.path], flushNames);
      else {
        this.#files.sequence(
          [
            { kind: 'truncate', path: cut.path, sizeBytes: cut.sizeBytes },
            { kind: 'flush', path: cut.path },
          ],
          flushNames,
        );
      }
    } else if (last === undefined) flushNames();
    else this.#files.must({ kind: 'flush', path: last.path }, flushNames);
  }

  #recoverEpochs(
    lastZxid: Zxid,
    snapshotZxid: Zxid,
    replayed: readonly ReplayedTxn[],
    done: (result: Recovery) => void,
  ): void {
    this.#readEpoch('currentEpoch', (currentOnDisk) => {
      this.#readEpoch('acceptedEpoch', (acceptedOnDisk) => {
        const lastEpoch = epochOf(lastZxid);
        const current = currentOnDisk ?? lastEpoch;
        const accepted = acceptedOnDisk ?? Math.max(current, lastEpoch);
        if (accepted < current) {
          const reason = `acceptedEpoch ${accepted} is below currentEpoch ${current}`;
          done({ ok: false, reason });
          return;
        }
        this.#acceptedEpoch = accepted;
        this.#currentEpoch = current;
        const finish = (): void =>
          done({
            ok: true,
            lastZxid,
            snapshotZxid,
            acceptedEpoch: this.#acceptedEpoch,
            currentEpoch: this.#currentEpoch,
            replayed: replayed.slice(-this.#context.config.commitLogCount),
          });
        // A crash between logging a leader's history and saving its epoch: what was logged is a history
        // that a leader of at least that epoch had, so the epoch may be claimed. Upstream refuses to start.
        if (lastEpoch <= current) finish();
        else if (lastEpoch <= accepted) this.saveCurrentEpoch(lastEpoch, finish);
        else this.saveAcceptedEpoch(lastEpoch, () => this.saveCurrentEpoch(lastEpoch, finish));
      });
    });
  }

  #readEpoch(file: EpochFile, done: (epoch: number | undefined) => void): void {
    this.#files.readAll(`${this.#snapDir}/${file}`, (bytes) =>
      done(bytes === undefined ? undefined : decodeEpoch(bytes)),
    );
  }

  // --- truncation ------------------------------------------------------------------------------

  /**
   * Removes every transaction behind `zxid`, which must be one that this server has. The caller recovers
   * afterwards. Snapshots that hold removed transactions go first (ZOOKEEPER-4837), then logs, newest
   * first. A failure leaves everything as it was.
   */
  truncate(zxid: Zxid, done: (outcome: Outcome) => void): void {
    this.#whenIdle(() => {
      this.#directories(({ snapshots, logs }) => {
        const base = snapshots.findLast((snapshot) => snapshot.zxid <= zxid);
        if (base === undefined) {
          done({ ok: false, reason: `no snapshot is old enough for ${formatHex(zxid)}` });
          return;
        }
        const holder = logs.findLast((log) => log.zxid <= zxid);
        const cut = (sizeBytes: number): void =>
          this.#cut({ snapshots, logs, holder, sizeBytes, zxid }, () => done({ ok: true }));
        if (holder === undefined) {
          if (base.zxid === zxid) cut(0);
          else done({ ok: false, reason: `${formatHex(zxid)} is not in the log` });
          return;
        }
        findPosition(this.#files, holder.path, zxid, (found) => {
          if (found.lastZxid === zxid || base.zxid === zxid) cut(found.sizeBytes);
          else done({ ok: false, reason: `${formatHex(zxid)} is not in ${holder.path}` });
        });
      });
    });
  }

  #cut(
    parts: {
      readonly snapshots: readonly NamedFile[];
      readonly logs: readonly NamedFile[];
      readonly holder: NamedFile | undefined;
      readonly sizeBytes: number;
      readonly zxid: Zxid;
    },
    done: () => void,
  ): void {
    const { holder, zxid } = parts;
    const newer = (files: readonly NamedFile[]): string[] =>
      files
        .filter((file) => file.zxid > zxid)
        .map(({ path }) => path)
        .reverse();
    this.#files.remove(newer(parts.snapshots), () => {
      this.#files.must({ kind: 'flush-directory', path: this.#snapDir }, () => {
        this.#files.remove(newer(parts.logs), () => {
          const shorten =
            holder === undefined
              ? []
              : ([
                  { kind: 'truncate', path: holder.path, sizeBytes: parts.sizeBytes },
                  { kind: 'flush', path: holder.path },
                ] as const);
          const flushNames = { kind: 'flush-directory', path: this.#logDir } as const;
          // Names first: a shortened file in front of one that comes back would leave a hole.
          this.#files.sequence([flushNames, ...shorten, flushNames], done);
        });
      });
    });
  }

  // --- snapshots -------------------------------------------------------------------------------

  #drawThreshold(): void {
    const half = Math.max(1, Math.floor(this.#context.config.snapCount / 2));
    // Drawn anew each time, so that servers do not all write at once.
    this.#snapshotThreshold = half + this.#context.prng.int(0, half);
  }

  shouldSnapshot(): boolean {
    return !this.#isSnapshotting && this.#txnsSinceSnapshot > this.#snapshotThreshold;
  }

  /** Writes the database as it is now, in chunks, while it goes on changing; rolls the log. */
  takeSnapshot(target: StorageTarget, done: (outcome: Outcome) => void): void {
    this.#writeSnapshot(target, (temporary, path) => {
      // Upstream's order: no snapshot is newer than the log that leads to it.
      this.#log.whenIdle(() => {
        if (this.#isSnapshotAborted) {
          this.#snapshotEnded([temporary], () => done({ ok: true }));
          return;
        }
        this.#publish(temporary, path, () => this.#snapshotEnded([], () => done({ ok: true })));
      });
    });
    this.#txnsSinceSnapshot = 0;
    this.#drawThreshold();
    this.#log.roll();
  }

  #publish(temporary: string, path: string, done: () => void): void {
    this.#files.sequence(
      [
        { kind: 'rename', path: temporary, to: path },
        { kind: 'flush-directory', path: this.#snapDir },
      ],
      done,
    );
  }

  #snapshotEnded(leftovers: readonly string[], done: () => void): void {
    this.#files.remove(leftovers, () => {
      this.#isSnapshotting = false;
      this.#isSnapshotAborted = false;
      done();
      for (const ready of this.#snapshotIdle.splice(0)) ready();
    });
  }

  #writeSnapshot(target: StorageTarget, done: (temporary: string, path: string) => void): void {
    assert(!this.#isSnapshotting, 'one snapshot is written at a time');
    this.#isSnapshotting = true;
    const view = target.openSnapshot();
    const path = `${this.#snapDir}/snapshot.${formatFileSuffix(zxidFrom(view.zxid))}`;
    const temporary = `${path}.tmp`;
    const chunks = encodeSnapshotFile(view);
    const next = (): void => {
      const chunk = this.#isSnapshotAborted ? undefined : chunks.next();
      if (chunk === undefined || chunk.done === true) {
        view.close();
        this.#files.must({ kind: 'flush', path: temporary }, () => done(temporary, path));
        return;
      }
      this.#files.must({ kind: 'append', path: temporary, bytes: chunk.value }, next);
    };
    this.#files.must({ kind: 'create', path: temporary }, next);
  }

  /**
   * Makes a leader's snapshot, just loaded into `target`, the whole history of this disk. What the old
   * history holds behind the snapshot's zxid goes before the snapshot gets its name: those transactions are
   * ones that the elected leader does not have, hence uncommitted. What it holds before goes afterwards. A
   * crash at any point leaves the old history, a prefix of it, or the new one, never a mixture.
   */
  installSnapshot(target: StorageTarget, done: (outcome: Outcome) => void): void {
    const zxid = target.lastProcessedZxid;
    this.#whenIdle(() => {
      this.#writeSnapshot(target, (temporary, path) => {
        this.#directories(({ snapshots, logs }) => {
          const holder = logs.findLast((log) => log.zxid <= zxid);
          const publish = (): void =>
            this.#publish(temporary, path, () => this.#removeOld(snapshots, logs, zxid, done));
          const cut = (sizeBytes: number): void =>
            this.#cut({ snapshots, logs, holder, sizeBytes, zxid }, publish);
          if (holder === undefined) cut(0);
          else findPosition(this.#files, holder.path, zxid, ({ sizeBytes }) => cut(sizeBytes));
        });
      });
    });
  }

  #removeOld(
    snapshots: readonly NamedFile[],
    logs: readonly NamedFile[],
    zxid: Zxid,
    done: (outcome: Outcome) => void,
  ): void {
    const older = [...logs, ...snapshots].filter((file) => file.zxid <= zxid);
    const kept = `snapshot.${formatFileSuffix(zxid)}`;
    const paths = older.filter(({ name }) => name !== kept).map(({ path }) => path);
    this.#files.remove(paths, () => {
      this.#files.sequence(
        [
          { kind: 'flush-directory', path: this.#logDir },
          { kind: 'flush-directory', path: this.#snapDir },
        ],
        () => {
          this.#log.roll();
          this.#lastLogged = zxid;
          this.#lastFlushed = zxid;
          this.#txnsSinceSnapshot = 0;
          this.#snapshotEnded([], () => done({ ok: true }));
        },
      );
    });
  }
}
