/**
 * What every role shares: the database, the window of committed transactions and the log. A transaction
 * becomes visible here and nowhere else: `apply` is the one place where the tree changes.
 * Upstream: ZKDatabase, FinalRequestProcessor (its applying half).
 */
import { formatHex, type Zxid, zxidFrom } from '../../base/zxid.ts';
import { opName } from '../../wire/client.ts';
import type { Txn } from '../../wire/txn.ts';
import { CommittedLog } from './committed-log.ts';
import type { CoreContext } from './context.ts';
import { type Applied, Database } from './database.ts';
import type { Storage } from './storage/storage.ts';

/** A decided transaction together with its bytes as logged and sent. */
export interface DecidedTxn {
  readonly zxid: Zxid;
  readonly txn: Txn;
  readonly bytes: Uint8Array;
}

export class Replica {
  readonly database = new Database();
  readonly committedLog: CommittedLog;
  readonly storage: Storage;
  readonly #context: CoreContext;
  /** Fires watches and answers the client that waits; set while the server serves. */
  onApplied: ((decided: DecidedTxn, applied: Applied) => void) | undefined;

  /**
   * The disk could not be cut back as a leader asked (its snapshot is newer): the next leader is told that
   * this server has nothing, and sends everything.
   */
  needsSnapshot = false;
  /** What belongs to the tree without being in any log; runs after every loading. */
  onRecovered: (() => void) | undefined;

  constructor(context: CoreContext, storage: Storage) {
    this.#context = context;
    this.storage = storage;
    this.committedLog = new CommittedLog(context.config.commitLogCount);
  }

  get lastProcessed(): Zxid {
    return this.database.lastProcessedZxid;
  }

  /** Brings memory to what the disk holds; logged but uncommitted transactions are part of it, as ZAB asks. */
  recover(
    done: (
      recovered: { readonly ok: true } | { readonly ok: false; readonly reason: string },
    ) => void,
  ): void {
    this.onApplied = undefined;
    this.storage.recover(this.database, (result) => {
      if (!result.ok) {
        done(result);
        return;
      }
      const window = result.replayed.map(({ zxid, bytes }) => ({ zxid: zxidFrom(zxid), bytes }));
      this.committedLog.reset(window);
      this.#context.trace('Recovered', {
        lastZxid: formatHex(result.lastZxid),
        acceptedEpoch: result.acceptedEpoch,
        currentEpoch: result.currentEpoch,
        snapshotZxid: formatHex(result.snapshotZxid),
      });
      this.onRecovered?.();
      done({ ok: true });
    });
  }

  /** Hands a transaction to the log; durable when storage says so. */
  log(decided: DecidedTxn): void {
    this.storage.append(decided.zxid, decided.bytes);
    this.storage.flush();
  }

  /** Applies a committed transaction, answers and notifies, and takes a snapshot when one is due. */
  apply(decided: DecidedTxn): Applied {
    const applied = this.database.apply(decided.txn);
    this.committedLog.add({ zxid: decided.zxid, bytes: decided.bytes });
    this.#context.trace('TxnApplied', {
      zxid: formatHex(decided.zxid),
      op: opName(decided.txn.header.type),
      digest: formatHex(this.database.treeDigest),
    });
    this.#traceSession(applied);
    this.onApplied?.(decided, applied);
    if (this.storage.shouldSnapshot()) this.takeSnapshot();
    return applied;
  }

  #traceSession(applied: Applied): void {
    if (applied.createdSession !== undefined) {
      const timeoutMs = this.database.sessions.get(applied.createdSession) ?? 0;
      this.#context.trace('SessionCreated', {
        session: formatHex(applied.createdSession),
        timeoutMs,
      });
    }
    if (applied.closedSession !== undefined) {
      this.#context.trace('SessionClosed', { session: formatHex(applied.closedSession) });
    }
  }

  /** Skipped while a view is open for a learner; the next transaction asks again. */
  takeSnapshot(): void {
    if (this.database.isSnapshotOpen) return;
    const zxid = this.lastProcessed;
    this.#context.trace('SnapshotStarted', { zxid: formatHex(zxid) });
    this.storage.takeSnapshot(this.database, (result) => {
      if (result.ok) this.#context.trace('SnapshotTaken', { zxid: formatHex(zxid) });
      else this.#context.halt(10, `the snapshot at ${formatHex(zxid)} failed: ${result.reason}`);
    });
  }
}
