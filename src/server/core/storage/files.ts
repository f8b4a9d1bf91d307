/**
 * File sequences in terms of the primitives of the disk interface: each step waits for the completion of
 * the one before. What is written and cannot be is fatal: a server must not go on from a disk that it no
 * longer understands, and a failed flush is never tried again.
 */
import type { FileRequest, FileResult } from '../../../base/file.ts';
import type { CoreContext } from '../context.ts';

const EXIT_DISK = 3;
export const READ_CHUNK_SIZE_BYTES = 64 * 1024;

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export class Files {
  readonly #context: CoreContext;

  constructor(context: CoreContext) {
    this.#context = context;
  }

  /** One write-side request; a failure stops the server. */
  must(request: FileRequest, done: () => void): void {
    this.#context.file(request, (result) => {
      if (result.ok) done();
      else this.fatal(request, result);
    });
  }

  fatal(request: FileRequest, result: Extract<FileResult, { ok: false }>): void {
    const { message } = result;
    this.#context.log('error', 'the disk failed', {
      kind: request.kind,
      path: request.path,
      message,
    });
    this.#context.halt(EXIT_DISK, `${request.kind} of ${request.path} failed: ${message}`);
  }

  /** Requests one after the other; the first failure stops the server. */
  sequence(requests: readonly FileRequest[], done: () => void): void {
    const [first, ...rest] = requests;
    if (first === undefined) done();
    else this.must(first, () => this.sequence(rest, done));
  }

  /** Removes files one after the other; one that is gone already is no failure. */
  remove(paths: readonly string[], done: () => void): void {
    const [first, ...rest] = paths;
    if (first === undefined) {
      done();
      return;
    }
    const request: FileRequest = { kind: 'unlink', path: first };
    this.#context.file(request, (result) => {
      if (result.ok || result.error === 'not-found') this.remove(rest, done);
      else this.fatal(request, result);
    });
  }

  list(path: string, done: (names: readonly string[]) => void): void {
    const request: FileRequest = { kind: 'list', path };
    this.#context.file(request, (result) => {
      if (result.ok) done(result.names ?? []);
      else this.fatal(request, result);
    });
  }

  /**
   * Feeds a file to `take` in chunks; `take` may end it early by `stop`. `end` gets the size, or undefined
   * where there is no such file.
   */
  read(
    path: string,
    take: (chunk: Uint8Array) => 'more' | 'stop',
    end: (sizeBytes: number | undefined) => void,
  ): void {
    this.#context.file({ kind: 'open', path }, (opened) => {
      if (!opened.ok) {
        if (opened.error === 'not-found') end(undefined);
        else this.fatal({ kind: 'open', path }, opened);
        return;
      }
      this.#readFrom(path, 0, opened.sizeBytes ?? 0, take, end);
    });
  }

  #readFrom(
    path: string,
    offset: number,
    sizeBytes: number,
    take: (chunk: Uint8Array) => 'more' | 'stop',
    end: (sizeBytes: number) => void,
  ): void {
    if (offset >= sizeBytes) {
      end(sizeBytes);
      return;
    }
    const wanted = Math.min(READ_CHUNK_SIZE_BYTES, sizeBytes - offset);
    const request: FileRequest = { kind: 'read', path, offset, sizeBytes: wanted };
    this.#context.file(request, (result) => {
      if (!result.ok) {
        this.fatal(request, result);
        return;
      }
      const bytes = result.bytes ?? new Uint8Array(0);
      if (bytes.length === 0 || take(bytes) === 'stop') end(sizeBytes);
      else this.#readFrom(path, offset + bytes.length, sizeBytes, take, end);
    });
  }

  /** A small file whole. */
  readAll(path: string, done: (bytes: Uint8Array | undefined) => void): void {
    const chunks: Uint8Array[] = [];
    this.read(
      path,
      (chunk) => {
        chunks.push(chunk);
        return 'more';
      },
      (sizeBytes) => done(sizeBytes === undefined ? undefined : concat(chunks)),
    );
  }
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
