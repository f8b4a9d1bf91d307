/**
 * A disk in memory that tells apart what was written and what would survive a power loss. Writes become
 * durable by the flush of their file, names by the flush of their directory; a crash keeps the rest, any
 * part of it, torn or as garbage, as its generator draws. Meaner than any real disk, on purpose.
 */
import type { FileRequest, FileResult } from '../../src/base/file.ts';
import type { Prng } from '../../src/base/prng.ts';

type Write =
  | { readonly kind: 'bytes'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly sizeBytes: number };

interface Inode {
  content: Uint8Array;
  durable: Uint8Array;
  pending: Write[];
}

type NameChange =
  | { readonly kind: 'set'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode };

interface Directory {
  current: Map<string, Inode>;
  durable: Map<string, Inode>;
  pending: NameChange[];
}

const SECTOR_SIZE_BYTES = 64;
/** `all` is `kill -9` of a process whose writes had reached the kernel; `random` draws for each write. */
export type CrashMode = 'all' | 'flushed-only' | 'random';

function applyWrite(content: Uint8Array, write: Write): Uint8Array {
  const sizeBytes =
    write.kind === 'size'
      ? write.sizeBytes
      : Math.max(content.length, write.offset + write.bytes.length);
  const result = new Uint8Array(sizeBytes);
  result.set(content.subarray(0, sizeBytes));
  if (write.kind === 'bytes') result.set(write.bytes, write.offset);
  return result;
}

function applyNameChange(names: Map<string, Inode>, change: NameChange): void {
  if (change.kind === 'set') names.set(change.name, change.inode);
  else if (change.kind === 'delete') names.delete(change.name);
  else {
    names.delete(change.from);
    names.set(change.to, change.inode);
  }
}

function split(path: string): readonly [directory: string, name: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

const notFound = (path: string): FileResult => ({ ok: false, error: 'not-found', message: path });

export class CrashDisk {
  readonly #directories = new Map<string, Directory>();
  /** Every request that was carried out, for tests that look at the order. */
  readonly journal: FileRequest[] = [];

  #directory(path: string): Directory {
    let directory = this.#directories.get(path);
    if (directory === undefined) {
      directory = { current: new Map(), durable: new Map(), pending: [] };
      this.#directories.set(path, directory);
    }
    return directory;
  }

  #inode(path: string): Inode | undefined {
    const [directory, name] = split(path);
    return this.#directory(directory).current.get(name);
  }

  #change(directory: Directory, change: NameChange): void {
    applyNameChange(directory.current, change);
    directory.pending.push(change);
  }

  /** A look from outside; undefined where there is no such file. */
  content(path: string): Uint8Array | undefined {
    return this.#inode(path)?.content;
  }
  names(path: string): string[] {
    return [...this.#directory(path).current.keys()].sort();
  }

  /** Puts a file there, durably: what a test begins with, or damage. */
  put(path: string, content: Uint8Array): void {
    const inode: Inode = { content, durable: content, pending: [] };
    const [directory, name] = split(path);
    this.#directory(directory).current.set(name, inode);
    this.#directory(directory).durable.set(name, inode);
  }
  drop(path: string): void {
    const [directory, name] = split(path);
    this.#directory(directory).current.delete(name);
    this.#directory(directory).durable.delete(name);
  }

  execute(request: FileRequest): FileResult {
    this.journal.push(request);
    switch (request.kind) {
      case 'list':
        return { ok: true, names: this.names(request.path) };
      case 'create':
        return this.#create(request.path);
      case 'flush-directory': {
        const directory = this.#directory(request.path);
        directory.durable = new Map(directory.current);
        directory.pending = [];
        return { ok: true };
      }
      default: {
        const inode = this.#inode(request.path);
        return inode === undefined ? notFound(request.path) : this.#onFile(request, inode);
      }
    }
  }

  #create(path: string): FileResult {
    const [parent, name] = split(path);
    const existing = this.#inode(path);
    if (existing !== undefined) {
      this.#write(existing, { kind: 'size', sizeBytes: 0 });
      return { ok: true };
    }
    const empty = new Uint8Array(0);
    const inode: Inode = { content: empty, durable: empty, pending: [] };
    this.#change(this.#directory(parent), { kind: 'set', name, inode });
    return { ok: true };
  }

  #write(inode: Inode, write: Write): void {
    inode.content = applyWrite(inode.content, write);
    inode.pending.push(write);
  }

  #onFile(request: FileRequest, inode: Inode): FileResult {
    const [parent, name] = split(request.path);
    const directory = this.#directory(parent);
    switch (request.kind) {
      case 'open':
        return { ok: true, sizeBytes: inode.content.length };
      case 'read': {
        const { offset, sizeBytes } = request;
        return { ok: true, bytes: inode.content.slice(offset, offset + sizeBytes) };
      }
      case 'append':
        this.#write(inode, {
          kind: 'bytes',
          offset: inode.content.length,
          bytes: request.bytes.slice(),
        });
        return { ok: true };
      case 'write-at':
        this.#write(inode, { kind: 'bytes', offset: request.offset, bytes: request.bytes.slice() });
        return { ok: true };
      case 'truncate':
        this.#write(inode, { kind: 'size', sizeBytes: request.sizeBytes });
        return { ok: true };
      case 'flush':
        inode.durable = inode.content;
        inode.pending = [];
        return { ok: true };
      case 'rename': {
        const [, to] = split(request.to);
        this.#change(directory, { kind: 'rename', from: name, to, inode });
        return { ok: true };
      }
      case 'unlink':
        this.#change(directory, { kind: 'delete', name });
        return { ok: true };
      default:
        throw new Error(`${request.kind} is no operation on a file`);
    }
  }

  /** Power loss, or with `all` the end of the process alone. */
  crash(mode: CrashMode, prng: Prng): void {
    // A killed process loses what was not flushed to the kernel; what the kernel has stays pending there.
    if (mode === 'all') return;
    const inodes = new Set<Inode>();
    for (const directory of this.#directories.values()) {
      for (const names of [directory.current, directory.durable]) {
        for (const inode of names.values()) inodes.add(inode);
      }
      for (const change of directory.pending) {
        if (change.kind !== 'delete') inodes.add(change.inode);
      }
    }
    for (const inode of inodes) {
      if (mode === 'random') inode.durable = tear(inode, prng);
      inode.content = inode.durable;
      inode.pending = [];
    }
    for (const directory of this.#directories.values()) {
      const names = new Map(directory.durable);
      const isOrdered = prng.chance(500);
      let isCut = false;
      for (const change of directory.pending) {
        if (mode === 'flushed-only') break;
        if (prng.chance(300)) isCut = true;
        if (isOrdered ? !isCut : prng.chance(500)) applyNameChange(names, change);
      }
      directory.current = names;
      directory.durable = new Map(names);
      directory.pending = [];
    }
  }
}

/** What a power loss leaves of a file: any of its writes, whole, in part, or as garbage. */
function tear(inode: Inode, prng: Prng): Uint8Array {
  let content = inode.durable;
  const style = prng.int(0, 3);
  for (const write of inode.pending) {
    const isKept = style === 0 || (style !== 1 && prng.chance(600));
    if (!isKept && !prng.chance(300)) continue;
    if (isKept || write.kind === 'size') {
      content = applyWrite(content, write);
      continue;
    }
    // The size grew and only some sectors arrived.
    const before = content;
    const lengthBytes = prng.int(0, write.bytes.length);
    const bytes = write.bytes.slice(0, lengthBytes);
    for (let at = 0; at < bytes.length; at += SECTOR_SIZE_BYTES) {
      const end = Math.min(at + SECTOR_SIZE_BYTES, bytes.length);
      const fate = prng.int(0, 3);
      if (fate === 0) {
        const old = before.subarray(write.offset + at, write.offset + end);
        bytes.fill(0, at, end);
        bytes.set(old, at);
      } else if (fate === 1 && style === 3) bytes.set(prng.bytes(end - at), at);
    }
    content = applyWrite(content, { kind: 'bytes', offset: write.offset, bytes });
  }
  return content;
}
