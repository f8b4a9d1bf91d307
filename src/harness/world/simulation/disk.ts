/**
 * The disk of one simulated server: the file primitives of `base/file.ts`, each carried out at the moment
 * of its completion. Completions come in order per path only; across paths the drawn latencies decide, so
 * that a core which does not wait for one file before it relies on another is found out.
 *
 * Names live in two layers as well: `names` is what the running system sees, `durableNames` what the
 * medium holds; creations, renames and removals wait in `changes` until their directory is flushed. They
 * are system calls and survive a kill. Directories themselves are durable once made.
 */
import type { FileError, FileOperationId, FileRequest, FileResult } from '../../../base/file.ts';
import type { Prng } from '../../../base/prng.ts';
import type { EventQueue, Scheduled } from './event-queue.ts';
import { type LossChances, SimulatedFile } from './simulated-file.ts';

type Complete = (operation: FileOperationId, result: FileResult) => void;

type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly file: SimulatedFile }
  | { readonly kind: 'unlink'; readonly path: string }
  | {
      readonly kind: 'rename';
      readonly path: string;
      readonly to: string;
      readonly file: SimulatedFile;
    };

export interface DiskOptions {
  readonly queue: EventQueue;
  readonly prng: Prng;
  /** Range of a flush, microseconds; everything else costs a fraction of it. */
  readonly flushLatencyUs: readonly [number, number];
  readonly chances: LossChances;
}

/** Range in microseconds of what only touches the page cache. */
const CACHED_LATENCY_US = [5, 60] as const;

const TOTAL_LOSS_PER_MILLE = 600;

export class SimulatedDisk {
  readonly #options: DiskOptions;
  readonly #directories = new Set<string>();
  #names = new Map<string, SimulatedFile>();
  #durableNames = new Map<string, SimulatedFile>();
  #changes: NameChange[] = [];
  readonly #queued = new Map<FileOperationId, { request: FileRequest; scheduled: Scheduled }>();
  /** When the newest operation on a path completes. */
  readonly #busyUntilUs = new Map<string, number>();

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  request(operation: FileOperationId, request: FileRequest, complete: Complete): void {
    const { queue } = this.#options;
    const paths = request.kind === 'rename' ? [request.path, request.to] : [request.path];
    let atUs = queue.nowUs + this.#latencyUs(request);
    for (const path of paths) atUs = Math.max(atUs, this.#busyUntilUs.get(path) ?? 0);
    for (const path of paths) this.#busyUntilUs.set(path, atUs);
    const scheduled = queue.at(atUs, () => {
      this.#queued.delete(operation);
      complete(operation, this.#carryOut(request));
    });
    this.#queued.set(operation, { request, scheduled });
  }

  /** The process ended: queued operations never happen, flushes under way may have half happened. */
  kill(): void {
    const { prng } = this.#options;
    for (const { request, scheduled } of this.#queued.values()) {
      scheduled.cancel();
      if (request.kind === 'flush') this.#names.get(request.path)?.interruptFlush(prng);
    }
    this.#queued.clear();
    for (const file of this.#allFiles()) file.kill();
  }

  losePower(): void {
    const { prng } = this.#options;
    // Mostly nothing of what was not flushed had left the caches; else each write has its own fate.
    const isTotal = prng.chance(TOTAL_LOSS_PER_MILLE);
    const chances = isTotal ? { lostPerMille: 1000, tornPerMille: 0 } : this.#options.chances;
    for (const { scheduled } of this.#queued.values()) scheduled.cancel();
    this.#queued.clear();
    for (const change of this.#changes) {
      if (!prng.chance(chances.lostPerMille)) applyChange(this.#durableNames, change);
    }
    this.#changes = [];
    this.#names = new Map(this.#durableNames);
    for (const file of this.#allFiles()) file.losePower(prng, chances);
  }

  /** What the running system sees below `root`, by relative name. */
  filesBelow(root: string): Map<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    for (const path of [...this.#names.keys()].sort(compare)) {
      if (!path.startsWith(`${root}/`)) continue;
      const file = this.#names.get(path) as SimulatedFile;
      files.set(path.slice(root.length + 1), file.read(0, file.sizeBytes));
    }
    return files;
  }

  #allFiles(): Set<SimulatedFile> {
    return new Set([...this.#names.values(), ...this.#durableNames.values()]);
  }

  #latencyUs(request: FileRequest): number {
    const { prng, flushLatencyUs } = this.#options;
    const isFlush = request.kind === 'flush' || request.kind === 'flush-directory';
    const [low, high] = isFlush ? flushLatencyUs : CACHED_LATENCY_US;
    return prng.int(low, high);
  }

  #carryOut(request: FileRequest): FileResult {
    if (request.kind === 'list') return this.#list(request.path);
    if (request.kind === 'create') return this.#create(request.path);
    if (request.kind === 'flush-directory') return this.#flushDirectory(request.path);
    const file = this.#names.get(request.path);
    if (file === undefined) return failure('not-found', request.path);
    switch (request.kind) {
      case 'open':
        return { ok: true, sizeBytes: file.sizeBytes };
      case 'read':
        return { ok: true, bytes: file.read(request.offset, request.sizeBytes) };
      case 'append':
        file.append(request.bytes);
        return done;
      case 'write-at':
        file.writeAt(request.offset, request.bytes);
        return done;
      case 'flush':
        file.flush();
        return done;
      case 'truncate':
        file.truncate(request.sizeBytes);
        return done;
      case 'rename':
        if (!this.#directories.has(directoryOf(request.to))) {
          return failure('not-found', request.to);
        }
        return this.#change({ kind: 'rename', path: request.path, to: request.to, file });
      case 'unlink':
        return this.#change({ kind: 'unlink', path: request.path });
    }
  }

  #list(path: string): FileResult {
    for (let at = path; at.length > 1; at = directoryOf(at)) this.#directories.add(at);
    const names: string[] = [];
    for (const other of [...this.#names.keys(), ...this.#directories]) {
      if (other !== path && directoryOf(other) === path) names.push(other.slice(path.length + 1));
    }
    return { ok: true, names: names.sort(compare) };
  }

  #create(path: string): FileResult {
    if (!this.#directories.has(directoryOf(path))) return failure('not-found', path);
    const existing = this.#names.get(path);
    if (existing === undefined) {
      return this.#change({ kind: 'link', path, file: new SimulatedFile() });
    }
    existing.truncate(0);
    return done;
  }

  #change(change: NameChange): FileResult {
    applyChange(this.#names, change);
    this.#changes.push(change);
    return done;
  }

  #flushDirectory(path: string): FileResult {
    if (!this.#directories.has(path)) return failure('not-found', path);
    const touches = (change: NameChange): boolean =>
      directoryOf(change.kind === 'rename' ? change.to : change.path) === path;
    for (const change of this.#changes) {
      if (touches(change)) applyChange(this.#durableNames, change);
    }
    this.#changes = this.#changes.filter((change) => !touches(change));
    return done;
  }
}

const done: FileResult = { ok: true };

function failure(error: FileError, path: string): FileResult {
  return { ok: false, error, message: `${error}: ${path}` };
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function applyChange(names: Map<string, SimulatedFile>, change: NameChange): void {
  switch (change.kind) {
    case 'link':
      names.set(change.path, change.file);
      return;
    case 'unlink':
      names.delete(change.path);
      return;
    case 'rename':
      names.delete(change.path);
      names.set(change.to, change.file);
  }
}
