/**
 * Reading a data directory back: the newest snapshot that loads, then every later transaction of the log.
 * A tail that a crash tore is cut; anything else that does not fit stops the start, because a server must
 * not serve from a history with a hole. Upstream: FileTxnSnapLog.restore, FileTxnLog.FileTxnIterator.
 */
import { counterOf, epochOf, formatHex, parseHex, type Zxid, zxidFrom } from '../../../base/zxid.ts';
import { MalformedError } from '../../../wire/jute.ts';
import { type LogEnd, LogReader, SnapshotDecoder } from '../../../wire/storage.ts';
import { decodeTxn, type Txn } from '../../../wire/txn.ts';
import type { CoreContext } from '../context.ts';
import type { SnapshotLoader, SnapshotView } from '../snapshot-port.ts';
import type { Files } from './files.ts';

/** What storage needs of the database. */
export interface StorageTarget {
  readonly lastProcessedZxid: Zxid;
  clear(): void;
  beginLoad(): SnapshotLoader;
  openSnapshot(): SnapshotView;
  apply(txn: Txn): unknown;
}

export interface ReplayedTxn {
  readonly zxid: Zxid;
  readonly bytes: Uint8Array;
  readonly txn: Txn;
}

export interface NamedFile {
  readonly name: string;
  readonly path: string;
  readonly zxid: Zxid;
}

/** Files of one kind, ascending by zxid. */
export function namedFiles(
  directory: string,
  names: readonly string[],
  prefix: 'log' | 'snapshot',
): NamedFile[] {
  return names
    .flatMap((name) => {
      const suffix = new RegExp(`^${prefix}\\.([0-9a-f]{1,16})$`).exec(name)?.[1];
      const zxid = suffix === undefined ? undefined : parseHex(suffix);
      return zxid === undefined
        ? []
        : [{ name, path: `${directory}/${name}`, zxid: zxidFrom(zxid) }];
    })
    .sort((a, b) => (a.zxid < b.zxid ? -1 : a.zxid > b.zxid ? 1 : 0));
}

export type LoadResult =
  | { readonly ok: true; readonly snapshotZxid: Zxid | undefined }
  | { readonly ok: false; readonly reason: string };

/** Loads the newest snapshot that is whole; older ones stand in for damaged ones. */
export function loadSnapshot(
  context: CoreContext,
  files: Files,
  snapshots: readonly NamedFile[],
  target: StorageTarget,
  done: (result: LoadResult) => void,
): void {
  const tryNext = (index: number): void => {
    const file = snapshots[index];
    if (file === undefined) {
      if (snapshots.length === 0) done({ ok: true, snapshotZxid: undefined });
      else done({ ok: false, reason: 'there are snapshots, but none of them can be read' });
      return;
    }
    readSnapshot(files, file, target, (problem) => {
      if (problem === undefined) {
        done({ ok: true, snapshotZxid: file.zxid });
        return;
      }
      context.log('warn', 'passed over a damaged snapshot', { path: file.path, problem });
      tryNext(index - 1);
    });
  };
  tryNext(snapshots.length - 1);
}

function readSnapshot(
  files: Files,
  file: NamedFile,
  target: StorageTarget,
  done: (problem: string | undefined) => void,
): void {
  const loader = target.beginLoad();
  const decoder = new SnapshotDecoder('file', loader);
  let problem: string | undefined;
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof Error) || error.name === 'AssertionError') throw error;
      problem ??= error.message;
    }
  };
  files.read(
    file.path,
    (chunk) => {
      guarded(() => decoder.push(chunk));
      return problem === undefined ? 'more' : 'stop';
    },
    () => {
      guarded(() => {
        decoder.end();
        loader.finish(file.zxid);
      });
      done(problem);
    },
  );
}

export type ReplayResult =
  | { readonly ok: true; readonly lastZxid: Zxid; readonly replayed: readonly ReplayedTxn[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Replays what follows `from`. The last file may end in a torn tail or have no header at all, as a crash
 * leaves it; `cut` is told where it is good up to.
 */
export class LogReplay {
  readonly #files: Files;
  readonly #logs: readonly NamedFile[];
  readonly #apply: (txn: ReplayedTxn) => void;
  readonly #keep: number;
  #replayed: ReplayedTxn[] = [];
  #last: Zxid;
  /** Set for the last file when it must be shortened; 0 = removed. */
  cut: { readonly path: string; readonly sizeBytes: number } | undefined;

  constructor(options: {
    readonly files: Files;
    readonly logs: readonly NamedFile[];
    readonly from: Zxid;
    readonly keep: number;
    readonly apply: (txn: ReplayedTxn) => void;
  }) {
    this.#files = options.files;
    this.#last = options.from;
    this.#keep = options.keep;
    this.#apply = options.apply;
    // The file that begins at or before `from` may reach beyond it.
    const first = options.logs.findLastIndex(({ zxid }) => zxid <= options.from + 1n);
    this.#logs = options.logs.slice(Math.max(first, 0));
  }

  run(done: (result: ReplayResult) => void): void {
    this.#file(0, done);
  }

  #file(index: number, done: (result: ReplayResult) => void): void {
    const file = this.#logs[index];
    if (file === undefined) {
      done({ ok: true, lastZxid: this.#last, replayed: this.#replayed });
      return;
    }
    const isLast = index === this.#logs.length - 1;
    const reader = new LogReader();
    let problem: string | undefined;
    this.#files.read(
      file.path,
      (chunk) => {
        reader.push(chunk);
        problem = this.#drain(reader, file, isLast);
        return problem === undefined ? 'more' : 'stop';
      },
      () => {
        reader.finish();
        problem ??= this.#drain(reader, file, isLast);
        if (problem === undefined) this.#file(index + 1, done);
        else done({ ok: false, reason: problem });
      },
    );
  }

  #drain(reader: LogReader, file: NamedFile, isLast: boolean): string | undefined {
    for (;;) {
      const item = reader.next();
      if (item === undefined) return undefined;
      if (item.kind === 'end') return this.#ended(item, file, isLast);
      const problem = this.#entry(item.payload, file);
      if (problem !== undefined) return problem;
    }
  }

  #ended({ reason, position }: LogEnd, file: NamedFile, isLast: boolean): string | undefined {
    if (reason === 'end-of-file' || reason === 'zeros') return undefined;
    const place = `${file.path}: ${reason} at byte ${position}`;
    // A crash leaves a short header or a torn entry, and only in the newest file.
    if (!isLast) return `${place}, but newer logs exist`;
    if (reason === 'bad-header' || reason === 'bad-record') return place;
    this.cut = { path: file.path, sizeBytes: reason === 'no-header' ? 0 : position };
    return undefined;
  }

  #entry(bytes: Uint8Array, file: NamedFile): string | undefined {
    let txn: Txn;
    try {
      txn = decodeTxn(bytes);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return `${file.path}: a transaction does not decode: ${error.message}`;
    }
    const zxid = zxidFrom(txn.header.zxid);
    if (zxid <= this.#last) return undefined;
    const isNext =
      epochOf(zxid) > epochOf(this.#last) || counterOf(zxid) === counterOf(this.#last) + 1;
    if (!isNext) {
      return `${file.path}: ${formatHex(zxid)} follows ${formatHex(this.#last)}, transactions are missing`;
    }
    this.#last = zxid;
    const replayed = { zxid, bytes, txn };
    this.#apply(replayed);
    this.#replayed.push(replayed);
    if (this.#replayed.length > 2 * this.#keep) this.#replayed = this.#replayed.slice(-this.#keep);
    return undefined;
  }
}

/** Where a log file is good up to, counting only transactions up to `through`. */
export function findPosition(
  files: Files,
  path: string,
  through: Zxid,
  done: (found: { readonly sizeBytes: number; readonly lastZxid: Zxid | undefined }) => void,
): void {
  const reader = new LogReader();
  let sizeBytes = 16;
  let lastZxid: Zxid | undefined;
  const drain = (): 'more' | 'stop' => {
    for (;;) {
      const item = reader.next();
      if (item === undefined) return 'more';
      if (item.kind === 'end' || item.zxid > through) return 'stop';
      lastZxid = item.zxid;
      sizeBytes = item.end;
    }
  };
  files.read(
    path,
    (chunk) => {
      reader.push(chunk);
      return drain();
    },
    () => {
      reader.finish();
      drain();
      done({ sizeBytes, lastZxid });
    },
  );
}
