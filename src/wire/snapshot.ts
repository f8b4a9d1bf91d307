/**
 * Snapshots, in the two forms that ZooKeeper has.
 *
 *   file    := "ZKSN" int 2 long -1 · body · seal · [digest · seal] · [long lastProcessedZxid · seal]
 *   stream  := body                                  (follows the SNAP packet of the learner protocol)
 *   body    := int sessions { long id · int timeoutMs } · int acls { long key · vector<ACL> }
 *              · { ustring path · buffer data · long aclKey · StatPersisted } · ustring "/"
 *   seal    := long Adler-32 of everything before it, earlier seals included · ustring "/"
 *   digest  := long zxid · int version · long treeDigest
 *
 * Both directions work in pieces: the encoder is pulled for chunks, the decoder is pushed chunks and
 * hands on what is complete, so that neither ever holds a whole tree. Upstream: FileSnap, SnapStream,
 * SerializeUtils, DataTree.serialize, ReferenceCountedACLCache.
 */
import { ByteQueue } from '../base/byte-queue.ts';
import { ADLER32_EMPTY, adler32 } from './checksum.ts';
import { Acl } from './client.ts';
import {
  buffer,
  type Codec,
  type Infer,
  int,
  JUTE_MAX_BUFFER,
  JuteReader,
  JuteWriter,
  long,
  MalformedError,
  record,
  type Shape,
  ustring,
  vector,
} from './jute.ts';

export const SNAPSHOT_MAGIC = 0x5a4b534e;
export const SNAPSHOT_VERSION = 2;
export const SNAPSHOT_DATABASE_ID = -1n;
/** No chunk of the encoder is larger. */
export const SNAPSHOT_CHUNK_SIZE_BYTES = 64 * 1024;
/** What every snapshot that was written to its end ends with: `ustring "/"`. */
export const SNAPSHOT_END = Uint8Array.of(0, 0, 0, 1, 0x2f);

export const StatPersisted = record('StatPersisted', {
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  pzxid: long,
});
const SessionEntry = record('SessionEntry', { sessionId: long, timeoutMs: int });
const AclEntry = record('AclEntry', { key: long, acl: vector(Acl) });
const NodeEntry = record('SnapshotNode', {
  path: ustring,
  data: buffer,
  aclKey: long,
  stat: StatPersisted,
});
export type NodeEntry = Infer<typeof NodeEntry>;

/** What is encoded; a view of the database has this shape. */
export interface SnapshotSource {
  readonly zxid: bigint;
  readonly sessionCount: number;
  readonly sessions: Iterable<readonly [sessionId: bigint, timeoutMs: number]>;
  readonly aclCount: number;
  readonly acls: Iterable<readonly [key: bigint, acl: readonly Acl[]]>;
  readonly nodes: Iterator<NodeEntry>;
  readonly treeDigest: bigint;
}

/** Where decoded parts go; a loader of the database has this shape. */
export interface SnapshotSink {
  session(sessionId: bigint, timeoutMs: number): void;
  acl(key: bigint, acl: readonly Acl[]): void;
  node(node: NodeEntry): void;
  finish(zxid: bigint): void;
}

/** The optional parts after the first seal of a file. */
export interface SnapshotTrailer {
  /** The zxid is 0 where the writer had not processed a transaction since its start. */
  readonly digest?: {
    readonly zxid: bigint;
    readonly version: number;
    readonly treeDigest: bigint;
  };
  /** Since 3.9: how far the writer had come when it finished; upstream's snapshots are fuzzy up to here. */
  readonly lastProcessedZxid?: bigint;
}

const DIGEST_VERSION = 2;

/** The form that follows a SNAP packet. */
export function* encodeSnapshotStream(source: SnapshotSource): Generator<Uint8Array, void> {
  const out = new Chunker();
  yield* writeBody(out, source);
  yield* out.drain(0);
}

/** The form on disk, as 3.9 writes it. */
export function* encodeSnapshotFile(source: SnapshotSource): Generator<Uint8Array, void> {
  const out = new Chunker();
  out.writer.int(SNAPSHOT_MAGIC);
  out.writer.int(SNAPSHOT_VERSION);
  out.writer.long(SNAPSHOT_DATABASE_ID);
  yield* writeBody(out, source);
  yield* writeSeal(out);
  out.writer.long(source.zxid);
  out.writer.int(DIGEST_VERSION);
  out.writer.long(source.treeDigest);
  yield* writeSeal(out);
  out.writer.long(source.zxid);
  yield* writeSeal(out);
}

function* writeBody(out: Chunker, source: SnapshotSource): Generator<Uint8Array, void> {
  out.writer.int(source.sessionCount);
  for (const [sessionId, timeoutMs] of source.sessions) {
    SessionEntry.write(out.writer, { sessionId, timeoutMs });
    yield* out.drain(SNAPSHOT_CHUNK_SIZE_BYTES);
  }
  out.writer.int(source.aclCount);
  for (const [key, acl] of source.acls) {
    AclEntry.write(out.writer, { key, acl });
    yield* out.drain(SNAPSHOT_CHUNK_SIZE_BYTES);
  }
  for (let node = source.nodes.next(); node.done !== true; node = source.nodes.next()) {
    NodeEntry.write(out.writer, node.value);
    yield* out.drain(SNAPSHOT_CHUNK_SIZE_BYTES);
  }
  out.writer.ustring('/');
}

function* writeSeal(out: Chunker): Generator<Uint8Array, void> {
  yield* out.drain(0);
  out.writer.long(BigInt(out.checksum));
  out.writer.ustring('/');
  yield* out.drain(0);
}

/** Cuts what is written into chunks and sums them. */
class Chunker {
  writer = new JuteWriter(SNAPSHOT_CHUNK_SIZE_BYTES + 1024);
  checksum = ADLER32_EMPTY;

  /** Gives out everything once more than `keptSizeBytes` is waiting. */
  *drain(keptSizeBytes: number): Generator<Uint8Array, void> {
    if (this.writer.sizeBytes <= keptSizeBytes) return;
    const bytes = this.writer.finish();
    this.writer = new JuteWriter(SNAPSHOT_CHUNK_SIZE_BYTES + 1024);
    for (let at = 0; at < bytes.length; at += SNAPSHOT_CHUNK_SIZE_BYTES) {
      const chunk = bytes.subarray(at, at + SNAPSHOT_CHUNK_SIZE_BYTES);
      this.checksum = adler32(chunk, this.checksum);
      yield chunk;
    }
  }
}

type Part =
  | 'header'
  | 'session-count'
  | 'session'
  | 'acl-count'
  | 'acl'
  | 'node'
  | 'trailer'
  | 'done';

const HEADER_SIZE_BYTES = 16;
const SEAL_SIZE_BYTES = 13;
const DIGEST_SIZE_BYTES = 20;
const LAST_PROCESSED_SIZE_BYTES = 8;
const TRAILER_MAX_SIZE_BYTES = 3 * SEAL_SIZE_BYTES + DIGEST_SIZE_BYTES + LAST_PROCESSED_SIZE_BYTES;

/**
 * Decodes either form from chunks of any size. `push` throws MalformedError for bytes that are no
 * snapshot; the sink may throw it too, for a node without a parent.
 */
export class SnapshotDecoder {
  readonly #form: 'file' | 'stream';
  readonly #sink: SnapshotSink;
  readonly #maxFieldSizeBytes: number;
  readonly #queue: ByteQueue;
  #part: Part;
  #left = 0;
  #checksum = ADLER32_EMPTY;

  /** `maxFieldSizeBytes` bounds a path and the data of a node (upstream: jute.maxbuffer + extrasize). */
  constructor(
    form: 'file' | 'stream',
    sink: SnapshotSink,
    maxFieldSizeBytes = 2 * JUTE_MAX_BUFFER,
  ) {
    this.#form = form;
    this.#sink = sink;
    this.#maxFieldSizeBytes = maxFieldSizeBytes;
    this.#queue = new ByteQueue(Number.MAX_SAFE_INTEGER);
    this.#part = form === 'file' ? 'header' : 'session-count';
  }

  /** Stream form: the body is complete. The end of a file is told by `end`. */
  get isDone(): boolean {
    return this.#part === 'done';
  }

  /** How many bytes of the chunk belong to the snapshot: fewer than all only at the end of a stream. */
  push(chunk: Uint8Array): number {
    if (this.isDone) return 0;
    this.#queue.push(chunk);
    const { bytes, offset } = this.#queue;
    const reader = new JuteReader(bytes, offset, this.#maxFieldSizeBytes);
    while (this.#readPart(reader));
    if (this.#form === 'file' && reader.offset > offset) {
      this.#checksum = adler32(bytes.subarray(offset, reader.offset), this.#checksum);
    }
    this.#queue.consume(reader.offset - offset);
    return this.#part === 'done' ? chunk.length - this.#queue.sizeBytes : chunk.length;
  }

  /** File form: no more bytes follow. Throws unless the file is complete and its seals match. */
  end(): SnapshotTrailer {
    const { bytes, offset, sizeBytes } = this.#queue;
    if (this.#part !== 'trailer') {
      throw new MalformedError(`the file ends within its ${this.#part}`, { offset });
    }
    const reader = new JuteReader(bytes, offset);
    this.#checkSeal(reader);
    // The parts are optional one by one, and only the size tells which of them are there.
    const rest = sizeBytes - SEAL_SIZE_BYTES;
    const withDigest = DIGEST_SIZE_BYTES + SEAL_SIZE_BYTES;
    const withLast = LAST_PROCESSED_SIZE_BYTES + SEAL_SIZE_BYTES;
    const hasDigest = rest === withDigest || rest === withDigest + withLast;
    const hasLast = rest === withLast || rest === withDigest + withLast;
    if (rest !== 0 && !hasDigest && !hasLast) {
      reader.fail(`${rest} bytes after the first seal are no trailer`);
    }
    const trailer = { ...(hasDigest ? { digest: this.#readDigest(reader) } : {}) };
    if (!hasLast) return trailer;
    return { ...trailer, lastProcessedZxid: this.#readLastProcessed(reader) };
  }

  /** Makes what was loaded current. */
  finish(zxid: bigint): void {
    this.#sink.finish(zxid);
  }

  #readDigest(reader: JuteReader): NonNullable<SnapshotTrailer['digest']> {
    const at = reader.offset;
    const digest = { zxid: reader.long(), version: reader.int(), treeDigest: reader.long() };
    this.#checksum = adler32(reader.bytes.subarray(at, reader.offset), this.#checksum);
    this.#checkSeal(reader);
    return digest;
  }

  #readLastProcessed(reader: JuteReader): bigint {
    const at = reader.offset;
    const zxid = reader.long();
    this.#checksum = adler32(reader.bytes.subarray(at, reader.offset), this.#checksum);
    this.#checkSeal(reader);
    return zxid;
  }

  #checkSeal(reader: JuteReader): void {
    reader.place = { record: 'Seal', field: 'checksum' };
    const at = reader.offset;
    const stored = reader.long();
    if (stored !== BigInt(this.#checksum)) {
      reader.fail(`checksum ${stored} is stored, the bytes have ${this.#checksum}`);
    }
    if (reader.ustring() !== '/') reader.fail('the seal does not end with "/"');
    this.#checksum = adler32(reader.bytes.subarray(at, reader.offset), this.#checksum);
  }

  /** True while a part was read and another may follow. */
  #readPart(reader: JuteReader): boolean {
    switch (this.#part) {
      case 'header':
        return this.#readHeader(reader);
      case 'session-count':
        return this.#readCount(reader, 'session');
      case 'acl-count':
        return this.#readCount(reader, 'acl');
      case 'session':
        return this.#readSession(reader);
      case 'acl':
        return this.#readAcl(reader);
      case 'node':
        return this.#readNode(reader);
      case 'trailer':
        if (reader.remaining > TRAILER_MAX_SIZE_BYTES) reader.fail('bytes follow the last seal');
        return false;
      case 'done':
        return false;
    }
  }

  #readHeader(reader: JuteReader): boolean {
    if (reader.remaining < HEADER_SIZE_BYTES) return false;
    reader.place = { record: 'FileHeader', field: 'magic' };
    if (reader.int() !== SNAPSHOT_MAGIC) reader.fail('this is no snapshot of ZooKeeper');
    reader.place.field = 'version';
    const version = reader.int();
    if (version !== SNAPSHOT_VERSION) reader.fail(`version ${version} is unknown`);
    reader.long();
    this.#part = 'session-count';
    return true;
  }

  #readCount(reader: JuteReader, next: 'session' | 'acl'): boolean {
    if (reader.remaining < 4) return false;
    reader.place = { record: 'Snapshot', field: next };
    this.#left = reader.int();
    if (this.#left < 0) reader.fail(`count ${this.#left} is negative`);
    this.#part = next;
    return true;
  }

  #readSession(reader: JuteReader): boolean {
    if (this.#left === 0) {
      this.#part = 'acl-count';
      return true;
    }
    const entry = this.#read(reader, SessionEntry);
    if (entry === undefined) return false;
    this.#left--;
    this.#sink.session(entry.sessionId, entry.timeoutMs);
    return true;
  }

  #readAcl(reader: JuteReader): boolean {
    if (this.#left === 0) {
      this.#part = 'node';
      return true;
    }
    const entry = this.#read(reader, AclEntry);
    if (entry === undefined) return false;
    this.#left--;
    this.#sink.acl(entry.key, entry.acl);
    return true;
  }

  #readNode(reader: JuteReader): boolean {
    if (this.#isAtEnd(reader)) {
      reader.offset += SNAPSHOT_END.length;
      this.#part = this.#form === 'file' ? 'trailer' : 'done';
      return true;
    }
    const node = this.#read(reader, NodeEntry);
    if (node === undefined) return false;
    this.#sink.node(node);
    return true;
  }

  #isAtEnd(reader: JuteReader): boolean {
    if (reader.remaining < SNAPSHOT_END.length) return false;
    return SNAPSHOT_END.every((byte, index) => reader.bytes[reader.offset + index] === byte);
  }

  #read<T>(reader: JuteReader, codec: Codec<T>): T | undefined {
    const scan = { bytes: reader.bytes, offset: reader.offset, max: this.#maxFieldSizeBytes };
    if (!isComplete(codec.shape, scan)) {
      // An ACL of so many bytes was never accepted: its count is damaged.
      if (reader.remaining > 4 * this.#maxFieldSizeBytes) reader.fail('a record is too large');
      return undefined;
    }
    return codec.read(reader);
  }
}

interface Scan {
  readonly bytes: Uint8Array;
  offset: number;
  readonly max: number;
}

/**
 * Whether the whole value is there, found without decoding it. A length that no value may have counts as
 * complete, so that the reader finds it and names the field.
 */
function isComplete(shape: Shape, scan: Scan): boolean {
  switch (shape.kind) {
    case 'byte':
    case 'bool':
      return skip(scan, 1);
    case 'int':
      return skip(scan, 4);
    case 'long':
      return skip(scan, 8);
    case 'ustring':
    case 'nullable-ustring':
    case 'buffer': {
      const length = scanInt(scan);
      if (length === undefined) return false;
      return length < 0 || length > scan.max || skip(scan, length);
    }
    case 'vector':
    case 'nullable-vector': {
      const count = scanInt(scan);
      if (count === undefined) return false;
      for (let index = 0; index < count; index++) {
        if (!isComplete(shape.of, scan)) return false;
      }
      return true;
    }
    case 'record':
      return shape.fields.every(([, field]) => isComplete(field, scan));
  }
}

function skip(scan: Scan, sizeBytes: number): boolean {
  scan.offset += sizeBytes;
  return scan.offset <= scan.bytes.length;
}

function scanInt(scan: Scan): number | undefined {
  const { bytes, offset } = scan;
  if (!skip(scan, 4)) return undefined;
  return (
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  );
}
