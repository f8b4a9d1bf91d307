/**
 * File primitives for the core, in order per path, each answered by one completion.
 *
 * Appended and written bytes wait in memory (see file-overlay.ts) and reach the operating system only at
 * `flush`: write, then fdatasync. Flushes that queue up behind a running one are answered together by the
 * next (group commit). A flush that failed is never tried again: the kernel drops dirty pages after an
 * error and would report success for a retry, so from then on the file only answers `io-error`.
 *
 * Names (create, rename, unlink) are changed at once; `flush-directory` makes them durable.
 */

import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import type { FileError, FileOperationId, FileRequest, FileResult } from '../../base/file.ts';
import type { Deliver } from './driver.ts';
import { FileOverlay } from './file-overlay.ts';

interface Operation {
  readonly operation: FileOperationId;
  readonly request: FileRequest;
  /** Of a rename: its place in the queue of the new name. */
  readonly target?: Barrier;
}

/** Holds the queue of a rename's target while the rename happens. */
class Barrier {
  readonly reached: Promise<void>;
  readonly lifted: Promise<void>;
  #reach: () => void = () => {};
  #lift: () => void = () => {};

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.lifted = new Promise((resolve) => {
      this.#lift = resolve;
    });
  }

  reach(): void {
    this.#reach();
  }

  lift(): void {
    this.#lift();
  }
}

/**
 * Beyond this, the changes of one file are written out without a flush, to bound memory: a snapshot
 * may be larger than RAM should hold twice. Losing less than everything is allowed at any time.
 */
const MAX_CHANGED_BYTES = 64 * 1024 * 1024;
/** Files kept open without changes; the log being read back, the log being written, an epoch file. */
const MAX_IDLE_FILES = 16;

export class Files {
  readonly #deliver: Deliver;
  readonly #queues = new Map<string, (Operation | Barrier)[]>();
  readonly #open = new Map<string, FileOverlay>();
  #stopped = false;

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  request(operation: FileOperationId, request: FileRequest): void {
    if (request.kind !== 'rename' || request.to === request.path) {
      this.#push(request.path, { operation, request });
      return;
    }
    const target = new Barrier();
    this.#push(request.to, target);
    this.#push(request.path, { operation, request, target });
  }

  #push(path: string, item: Operation | Barrier): void {
    const queue = this.#queues.get(path);
    if (queue !== undefined) {
      queue.push(item);
      return;
    }
    this.#queues.set(path, [item]);
    this.#advance(path);
  }

  /** Nothing further reaches the disk; changes that were not flushed are gone. */
  stop(): void {
    this.#stopped = true;
    for (const queue of this.#queues.values()) queue.length = 0;
    for (const [path, file] of this.#open) {
      if (!this.#queues.has(path)) void file.handle.close().catch(() => {});
    }
  }

  #advance(path: string): void {
    const queue = this.#queues.get(path) as (Operation | Barrier)[];
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      if (this.#stopped) break;
      if (head instanceof Barrier) {
        head.reach();
        void head.lifted.then(() => {
          queue.shift();
          this.#advance(path);
        });
        return;
      }
      const file = this.#open.get(path);
      if (file === undefined || !this.#changeInMemory(file, head.request)) {
        const group = takeGroup(queue);
        void this.#execute(path, group).then(() => this.#advance(path));
        return;
      }
      queue.shift();
      this.#complete(head.operation, { ok: true });
    }
    this.#queues.delete(path);
    if (this.#stopped) {
      void this.#open
        .get(path)
        ?.handle.close()
        .catch(() => {});
      return;
    }
    this.#closeIdle();
  }

  /** True where the request was only a change in memory, done at once. */
  #changeInMemory(file: FileOverlay, request: FileRequest): boolean {
    if (file.failure !== undefined || file.changedBytes > MAX_CHANGED_BYTES) return false;
    if (request.kind === 'append') file.append(request.bytes);
    else if (request.kind === 'write-at') file.writeAt(request.offset, request.bytes);
    else if (request.kind === 'truncate') file.truncate(request.sizeBytes);
    else return false;
    return true;
  }

  async #execute(path: string, group: readonly Operation[]): Promise<void> {
    const target = group[0]?.target;
    await target?.reached;
    try {
      for (const { request } of group.slice(0, -1)) {
        const file = await this.#opened(path);
        if (request.kind !== 'flush') this.#changeInMemory(file, request);
      }
      const last = group.at(-1) as Operation;
      const result = await this.#perform(last.request);
      for (const { operation } of group.slice(0, -1)) this.#complete(operation, { ok: true });
      this.#complete(last.operation, result);
    } catch (error) {
      const failure = failureOf(error);
      for (const { operation } of group) this.#complete(operation, failure);
    } finally {
      target?.lift();
    }
  }

  async #perform(request: FileRequest): Promise<FileResult> {
    const { path } = request;
    switch (request.kind) {
      case 'list': {
        await mkdir(path, { recursive: true });
        return { ok: true, names: (await readdir(path)).sort() };
      }
      case 'open':
        return { ok: true, sizeBytes: (await this.#opened(path)).sizeBytes };
      case 'read': {
        const file = await this.#opened(path);
        return { ok: true, bytes: await file.read(request.offset, request.sizeBytes) };
      }
      case 'create': {
        await this.#forget(path);
        const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
        this.#open.set(path, new FileOverlay(await open(path, flags, 0o644), 0));
        return { ok: true };
      }
      case 'append':
      case 'write-at':
      case 'truncate': {
        const file = await this.#opened(path);
        if (file.changedBytes > MAX_CHANGED_BYTES) await this.#guard(file, () => file.writeOut());
        this.#changeInMemory(file, request);
        return { ok: true };
      }
      case 'flush': {
        const file = await this.#opened(path);
        await this.#guard(file, async () => {
          await file.writeOut();
          await file.handle.datasync();
        });
        return { ok: true };
      }
      case 'rename': {
        await rename(path, request.to);
        await this.#forget(request.to);
        const file = this.#open.get(path);
        this.#open.delete(path);
        if (file !== undefined) this.#open.set(request.to, file);
        return { ok: true };
      }
      case 'unlink': {
        await unlink(path);
        await this.#forget(path);
        return { ok: true };
      }
      case 'flush-directory':
        return flushDirectory(path);
    }
  }

  /** Throws the file's first failure again, if it had one. */
  async #opened(path: string): Promise<FileOverlay> {
    const known = this.#open.get(path);
    if (known !== undefined) {
      if (known.failure !== undefined) throw known.failure;
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const handle = await open(path, constants.O_RDWR);
    const file = new FileOverlay(handle, (await handle.stat()).size);
    this.#open.set(path, file);
    return file;
  }

  async #guard(file: FileOverlay, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      file.failure = error instanceof Error ? error : new Error(String(error));
      throw file.failure;
    }
  }

  async #forget(path: string): Promise<void> {
    const file = this.#open.get(path);
    if (file === undefined) return;
    this.#open.delete(path);
    await file.handle.close().catch(() => {});
  }

  /** Map order is order of last use. */
  #closeIdle(): void {
    if (this.#open.size <= MAX_IDLE_FILES) return;
    for (const [path, file] of this.#open) {
      if (!file.isClean || this.#queues.has(path)) continue;
      void this.#forget(path);
      if (this.#open.size <= MAX_IDLE_FILES) return;
    }
  }

  #complete(operation: FileOperationId, result: FileResult): void {
    if (this.#stopped) return;
    this.#deliver(() => ({ type: 'file-completed', operation, result }));
  }
}

/** The head of the queue; of a flush, with the run of changes and flushes that ends with a flush. */
function takeGroup(queue: (Operation | Barrier)[]): Operation[] {
  const group: Operation[] = [];
  let size = 0;
  for (const item of queue) {
    if (item instanceof Barrier) break;
    const { kind } = item.request;
    if (group.length > 0 && !mayJoinFlush.has(kind)) break;
    group.push(item);
    if (kind === 'flush') size = group.length;
    if (group[0]?.request.kind !== 'flush') {
      size = 1;
      break;
    }
  }
  queue.splice(0, size);
  return group.slice(0, size);
}

const mayJoinFlush: ReadonlySet<FileRequest['kind']> = new Set(['append', 'write-at', 'flush']);

async function flushDirectory(path: string): Promise<FileResult> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { ok: true };
}

function failureOf(error: unknown): FileResult {
  const { code, message } = error as NodeJS.ErrnoException;
  return { ok: false, error: fileErrors[code ?? ''] ?? 'io-error', message };
}

const fileErrors: Readonly<Record<string, FileError>> = {
  ENOENT: 'not-found',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
};
