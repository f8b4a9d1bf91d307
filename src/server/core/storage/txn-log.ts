/**
 * Appending to the transaction log, with group commit: what is appended while a flush is under way
 * collects and is flushed together. A transaction is durable when the flush of its group has completed;
 * `lastFlushed` moves then and at no other time.
 *
 * A file begins with the first transaction after a start, a roll, a truncation or an installed snapshot. Its
 * header and its name are durable before its first group is written, and a group only begins when the
 * one before it is durable. So a crash can tear nothing but one group at the end of the newest file,
 * which is what recovery relies on. Upstream: FileTxnLog, FilePadding, SyncRequestProcessor.
 */
import { assert } from '../../../base/assert.ts';
import type { FileRequest } from '../../../base/file.ts';
import { formatHex, ZXID_ZERO, type Zxid } from '../../../base/zxid.ts';
import {
  encodeLogEntry,
  encodeLogHeader,
  LOG_HEADER_SIZE_BYTES,
  LOG_PAYLOAD_MAX_SIZE_BYTES,
} from '../../../wire/storage.ts';
import { logName } from './directory.ts';
import { type Disk, DiskError, flushDirectory, flushFile, must, type Sequence } from './disk.ts';

/** No flush covers more; a larger entry takes several. Recovery knows it as the reach of a torn write. */
export const GROUP_MAX_SIZE_BYTES = 1024 * 1024;

/** Space is preallocated when less than this is left, as upstream does. */
const PREALLOCATION_MARGIN_BYTES = 4096;

interface Waiting {
  readonly zxid: Zxid;
  readonly bytes: Uint8Array;
  /** How much of an entry that exceeds a group is durable. */
  writtenBytes: number;
}

interface Group {
  readonly bytes: Uint8Array;
  /** The last transaction that is complete with this group. */
  readonly upTo: Zxid | undefined;
}

interface OpenFile {
  readonly path: string;
  /** Where the next entry goes. */
  position: number;
  /** Including preallocated space. */
  sizeBytes: number;
}

export class TxnLog {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #preallocationSizeBytes: number;
  readonly #listeners = new Set<(zxid: Zxid) => void>();
  #waiting: Waiting[] = [];
  #file: OpenFile | undefined;
  #isBusy = false;
  #isRollWanted = false;
  #lastLogged = ZXID_ZERO;
  #lastFlushed = ZXID_ZERO;

  constructor(disk: Disk, directory: string, preallocationSizeBytes: number) {
    this.#disk = disk;
    this.#directory = directory;
    this.#preallocationSizeBytes = preallocationSizeBytes;
  }

  get lastLogged(): Zxid {
    return this.#lastLogged;
  }
  get lastFlushed(): Zxid {
    return this.#lastFlushed;
  }

  /** Called with each new `lastFlushed`; the returned function ends it. */
  onFlushed(listener: (zxid: Zxid) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins anew after `zxid`, which is durable with everything before it. */
  restart(zxid: Zxid): void {
    this.abandon();
    this.#lastLogged = zxid;
    this.#lastFlushed = zxid;
  }

  /** Forgets what is not durable; `restart` must follow before anything is appended. */
  abandon(): void {
    this.#waiting = [];
    this.#file = undefined;
    this.#isBusy = false;
    this.#isRollWanted = false;
  }

  append(zxid: Zxid, payload: Uint8Array): void {
    const { lastLogged } = this;
    assert(zxid > lastLogged, 'zxids in the log only grow', { zxid, lastLogged });
    assert(payload.length <= LOG_PAYLOAD_MAX_SIZE_BYTES, 'an entry can be read back', {
      zxid,
      sizeBytes: payload.length,
    });
    this.#waiting.push({ zxid, bytes: encodeLogEntry(payload), writtenBytes: 0 });
    this.#lastLogged = zxid;
  }

  /** Makes everything that was appended durable, with what is appended meanwhile. */
  flush(): void {
    const first = this.#waiting[0];
    if (this.#isBusy || first === undefined) return;
    this.#isBusy = true;
    if (this.#file === undefined || (this.#isRollWanted && first.writtenBytes === 0)) {
      this.#disk.run(this.#begin(first.zxid), () => this.#writeGroup());
    } else {
      this.#writeGroup();
    }
  }

  /** The next group begins a new file. */
  roll(): void {
    this.#isRollWanted = this.#file !== undefined;
  }

  *#begin(zxid: Zxid): Sequence<void> {
    const path = `${this.#directory}/${logName(zxid)}`;
    yield* must({ kind: 'create', path });
    yield* must({ kind: 'append', path, bytes: encodeLogHeader() });
    yield* flushFile(path);
    yield* flushDirectory(this.#directory);
    this.#isRollWanted = false;
    this.#file = { path, position: LOG_HEADER_SIZE_BYTES, sizeBytes: LOG_HEADER_SIZE_BYTES };
  }

  /** Order holds within a file, so that the flush can follow its writes without waiting for them. */
  #writeGroup(): void {
    const file = this.#file;
    assert(file !== undefined, 'a group is written to an open log file');
    const group = this.#takeGroup();
    const requests = [
      ...this.#preallocate(file, group.bytes.length),
      this.#write(file, group.bytes),
    ];
    file.position += group.bytes.length;
    file.sizeBytes = Math.max(file.sizeBytes, file.position);
    requests.push({ kind: 'flush', path: file.path });
    let remaining = requests.length;
    for (const request of requests) {
      this.#disk.issue(request, (result) => {
        if (!result.ok) {
          this.#disk.halt(new DiskError(request, result));
          return;
        }
        remaining--;
        if (remaining === 0) this.#flushed(group);
      });
    }
  }

  #flushed(group: Group): void {
    this.#isBusy = false;
    if (group.upTo !== undefined) this.#lastFlushed = group.upTo;
    this.flush();
    if (group.upTo === undefined) return;
    for (const listener of [...this.#listeners]) listener(group.upTo);
  }

  #takeGroup(): Group {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    let upTo: Zxid | undefined;
    let taken = 0;
    for (const entry of this.#waiting) {
      const rest = entry.bytes.subarray(entry.writtenBytes);
      if (sizeBytes + rest.length <= GROUP_MAX_SIZE_BYTES) {
        parts.push(rest);
        sizeBytes += rest.length;
        upTo = entry.zxid;
        taken++;
        continue;
      }
      if (sizeBytes === 0) {
        parts.push(rest.subarray(0, GROUP_MAX_SIZE_BYTES));
        sizeBytes = GROUP_MAX_SIZE_BYTES;
        entry.writtenBytes += GROUP_MAX_SIZE_BYTES;
      }
      break;
    }
    this.#waiting.splice(0, taken);
    assert(sizeBytes > 0, 'a group has bytes', { upTo: upTo ?? formatHex(this.#lastLogged) });
    const only = parts[0];
    if (parts.length === 1 && only !== undefined) return { bytes: only, upTo };
    const bytes = new Uint8Array(sizeBytes);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return { bytes, upTo };
  }

  #preallocate(file: OpenFile, sizeBytes: number): FileRequest[] {
    const step = this.#preallocationSizeBytes;
    const needed = file.position + sizeBytes + PREALLOCATION_MARGIN_BYTES;
    if (step === 0 || needed <= file.sizeBytes) return [];
    file.sizeBytes = Math.ceil(needed / step) * step;
    return [
      { kind: 'write-at', path: file.path, offset: file.sizeBytes - 1, bytes: Uint8Array.of(0) },
    ];
  }

  #write(file: OpenFile, bytes: Uint8Array): FileRequest {
    if (this.#preallocationSizeBytes === 0) return { kind: 'append', path: file.path, bytes };
    return { kind: 'write-at', path: file.path, offset: file.position, bytes };
  }
}
