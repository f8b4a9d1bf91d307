/**
 * Runs file sequences. A sequence (temporary file, flush, rename, flush of the directory) is a generator
 * that yields one file request at a time and is resumed with its result, so that it reads from top to
 * bottom and a crash is possible at every `yield`. Sequences can be abandoned: they are never resumed, and
 * what they had under way is awaited before anything new begins.
 */
import { assert } from '../../../base/assert.ts';
import type { FileError, FileRequest, FileResult } from '../../../base/file.ts';
import type { CoreContext } from '../context.ts';

export type Sequence<T> = Generator<FileRequest, T, FileResult>;
export type FileSuccess = Extract<FileResult, { readonly ok: true }>;

/** Largest read; also what one event of recovery has to digest. */
export const READ_SIZE_BYTES = 64 * 1024;

/** Upstream's ExitCode. */
const ExitCode = { unexpectedError: 1, snapshotError: 10 } as const;

/** A file operation failed. Thrown inside sequences and caught by the runner only. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly request: FileRequest;
  readonly error: FileError;
  constructor(request: FileRequest, result: Extract<FileResult, { readonly ok: false }>) {
    super(`${request.kind} of ${request.path} failed: ${result.error} (${result.message})`);
    this.request = request;
    this.error = result.error;
  }

  /** Reading changes nothing, so its failure can be answered; after any other one the disk is unknown. */
  get isReadFault(): boolean {
    const { kind } = this.request;
    return kind === 'list' || kind === 'open' || kind === 'read';
  }
}

export class Disk {
  readonly #context: CoreContext;
  readonly #running = new Set<Sequence<unknown>>();
  #generation = 0;
  #outstandingCount = 0;
  #onIdle: (() => void) | undefined;
  #isHalted = false;

  constructor(context: CoreContext) {
    this.#context = context;
  }

  /** A failed operation goes to `failed` if it was a read and `failed` is given; otherwise it is fatal. */
  run<T>(
    sequence: Sequence<T>,
    done: (value: T) => void,
    failed?: (error: DiskError) => void,
  ): void {
    this.#running.add(sequence);
    const resume = (result?: FileResult): void => {
      let turn: IteratorResult<FileRequest, T>;
      try {
        turn = result === undefined ? sequence.next() : sequence.next(result);
      } catch (error) {
        this.#running.delete(sequence);
        if (!(error instanceof DiskError)) throw error;
        if (failed !== undefined && error.isReadFault) failed(error);
        else this.halt(error);
        return;
      }
      if (turn.done === true) {
        this.#running.delete(sequence);
        done(turn.value);
        return;
      }
      this.issue(turn.value, resume);
    };
    resume();
  }

  /** One operation outside of a sequence; the result may be a failure. */
  issue(request: FileRequest, done: (result: FileResult) => void): void {
    if (this.#isHalted) return;
    const generation = this.#generation;
    this.#outstandingCount++;
    this.#context.file(request, (result) => {
      this.#outstandingCount--;
      if (this.#isHalted) return;
      if (generation === this.#generation) done(result);
      else if (!result.ok) this.#abandonedFailed(new DiskError(request, result));
      if (this.#outstandingCount > 0 || this.#onIdle === undefined) return;
      const onIdle = this.#onIdle;
      this.#onIdle = undefined;
      onIdle();
    });
  }

  /** Nobody waits for it any more, but a write that failed leaves a disk that we do not understand. */
  #abandonedFailed(error: DiskError): void {
    if (!error.isReadFault) this.halt(error);
  }

  /** Ends all sequences where they stand; their callbacks never run. */
  abandon(): void {
    this.#generation++;
    this.#onIdle = undefined;
    for (const sequence of [...this.#running]) sequence.return(undefined);
    this.#running.clear();
  }

  /** Runs `then` when nothing is under way: order holds per file only, and a new sequence needs it all. */
  whenIdle(then: () => void): void {
    assert(this.#onIdle === undefined, 'one sequence at a time waits for the disk');
    if (this.#outstandingCount === 0) then();
    else this.#onIdle = then;
  }

  /** A failed write or flush is never retried: the kernel may have dropped the pages already. */
  halt(error: DiskError): void {
    this.#isHalted = true;
    const isSnapshot = error.request.path.includes('/snapshot.');
    const code = isSnapshot ? ExitCode.snapshotError : ExitCode.unexpectedError;
    this.#context.halt(code, error.message);
  }
}

/** Performs one request; failure ends the sequence. */
export function* must(request: FileRequest): Sequence<FileSuccess> {
  const result = yield request;
  if (!result.ok) throw new DiskError(request, result);
  return result;
}

export function* listNames(path: string): Sequence<readonly string[]> {
  const { names } = yield* must({ kind: 'list', path });
  return names ?? [];
}

/** Size in bytes, or undefined where there is no such file. */
export function* sizeOf(path: string): Sequence<number | undefined> {
  const request: FileRequest = { kind: 'open', path };
  const result = yield request;
  if (result.ok) return result.sizeBytes ?? 0;
  if (result.error === 'not-found') return undefined;
  throw new DiskError(request, result);
}

/** Empty at the end of the file. */
export function* readAt(path: string, offset: number, sizeBytes: number): Sequence<Uint8Array> {
  const { bytes } = yield* must({ kind: 'read', path, offset, sizeBytes });
  return bytes ?? new Uint8Array(0);
}

export function* flushFile(path: string): Sequence<void> {
  yield* must({ kind: 'flush', path });
}

export function* flushDirectory(path: string): Sequence<void> {
  yield* must({ kind: 'flush-directory', path });
}

/** Removes a name for good: nothing that follows may happen while it can still come back. */
export function* remove(directory: string, name: string): Sequence<void> {
  yield* must({ kind: 'unlink', path: `${directory}/${name}` });
  yield* flushDirectory(directory);
}

/** Puts a small file in place so that a crash leaves the old one or the new one. */
export function* replaceFile(directory: string, name: string, bytes: Uint8Array): Sequence<void> {
  const path = `${directory}/${name}.tmp`;
  yield* must({ kind: 'create', path });
  yield* must({ kind: 'append', path, bytes });
  yield* flushFile(path);
  yield* must({ kind: 'rename', path, to: `${directory}/${name}` });
  yield* flushDirectory(directory);
}
