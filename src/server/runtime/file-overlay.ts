/**
 * One open file: what the operating system has, and on top of it the changes that it was not given yet.
 * Changes wait until `flush`, so that `kill -9` loses exactly what was not flushed, although a kernel
 * would have kept it; a reader sees all of them. Without this, a server that acknowledges before
 * flushing would never be caught by killing processes.
 */
import type { FileHandle } from 'node:fs/promises';

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

export class FileOverlay {
  readonly handle: FileHandle;
  /** Size as readers see it. */
  #sizeBytes: number;
  #changes: Change[] = [];
  #changedBytes = 0;
  /** Set by the first failed flush; what the kernel then did with dirty pages is unknown. */
  failure: Error | undefined;

  constructor(handle: FileHandle, sizeBytes: number) {
    this.handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get changedBytes(): number {
    return this.#changedBytes;
  }

  get isClean(): boolean {
    return this.#changes.length === 0 && this.failure === undefined;
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    const last = this.#changes.at(-1);
    this.#sizeBytes = Math.max(this.#sizeBytes, offset + bytes.length);
    if (bytes.length === 0 && last?.kind === 'write') return;
    this.#changes.push({ kind: 'write', offset, bytes });
    this.#changedBytes += bytes.length;
  }

  append(bytes: Uint8Array): void {
    this.writeAt(this.#sizeBytes, bytes);
  }

  truncate(sizeBytes: number): void {
    this.#changes.push({ kind: 'truncate', sizeBytes });
    this.#sizeBytes = sizeBytes;
  }

  /** At most `sizeBytes` from `offset`, short only at the end of the file. */
  async read(offset: number, sizeBytes: number): Promise<Uint8Array> {
    const end = Math.min(offset + sizeBytes, this.#sizeBytes);
    if (end <= offset) return new Uint8Array(0);
    const bytes = new Uint8Array(end - offset);
    await readFully(this.handle, bytes, offset);
    for (const change of this.#changes) {
      if (change.kind === 'truncate') {
        bytes.fill(0, Math.max(0, change.sizeBytes - offset));
        continue;
      }
      const from = Math.max(change.offset, offset);
      const to = Math.min(change.offset + change.bytes.length, end);
      if (from >= to) continue;
      bytes.set(change.bytes.subarray(from - change.offset, to - change.offset), from - offset);
    }
    return bytes;
  }

  /** Hands all changes to the operating system, in order; neighbouring writes go as one. */
  async writeOut(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    this.#changedBytes = 0;
    for (let index = 0; index < changes.length; ) {
      const change = changes[index] as Change;
      if (change.kind === 'truncate') {
        await this.handle.truncate(change.sizeBytes);
        index++;
        continue;
      }
      const pieces: Uint8Array[] = [];
      let end = change.offset;
      for (let next = changes[index]; next?.kind === 'write'; next = changes[index]) {
        if (next.offset !== end || pieces.length === MAX_PIECES) break;
        pieces.push(next.bytes);
        end += next.bytes.length;
        index++;
      }
      await writeFully(this.handle, pieces, change.offset);
    }
  }
}

/** Below the kernel's IOV_MAX, and small enough that one write stays short. */
const MAX_PIECES = 512;

async function readFully(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) return;
    done += bytesRead;
  }
}

async function writeFully(
  handle: FileHandle,
  pieces: readonly Uint8Array[],
  offset: number,
): Promise<void> {
  const bytes = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}
