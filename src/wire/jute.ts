/**
 * Jute, ZooKeeper's serialization: big-endian, fields in declared order, no tags and no padding.
 *
 *   byte · bool (one byte) · int (4) · long (8) · ustring and buffer (int length, -1 = null, bytes)
 *   vector<T> (int count, -1 = null, elements) · record (its fields)
 *
 * Records are data: `record('Id', { scheme: ustring, id: ustring })` is a codec, and `Infer` gives
 * its type, so that one table feeds the server, the client, the wire tap, the fuzzers and the
 * arbitraries.
 *
 * Upstream: BinaryInputArchive, BinaryOutputArchive, zookeeper.jute.
 */

/** Bytes that do not parse: which record, which field, where. Never caused by our own state. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
  readonly record: string;
  readonly field: string;
  readonly offset: number;
  constructor(problem: string, place: { record?: string; field?: string; offset: number }) {
    const record = place.record ?? '?';
    const field = place.field ?? '?';
    super(`${record}.${field} at byte ${place.offset}: ${problem}`);
    this.record = record;
    this.field = field;
    this.offset = place.offset;
  }
}

/** `jute.maxbuffer`: not 1 MiB but one less. */
export const JUTE_MAX_BUFFER = 0xfffff;

/** A leading byte order mark is part of the string, as in Java. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export class JuteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #maxSizeBytes: number;
  offset: number;
  /** Set by `record` so that an error names its place. */
  place: { record: string; field: string } = { record: '?', field: '?' };

  /** `maxSizeBytes` bounds one ustring or buffer (upstream: jute.maxbuffer + extrasize). */
  constructor(bytes: Uint8Array, offset = 0, maxSizeBytes = 2 * JUTE_MAX_BUFFER) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.#maxSizeBytes = maxSizeBytes;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  fail(problem: string): never {
    throw new MalformedError(problem, { ...this.place, offset: this.offset });
  }

  #take(sizeBytes: number): number {
    if (this.remaining < sizeBytes) {
      this.fail(`needs ${sizeBytes} bytes, ${this.remaining} are left`);
    }
    const at = this.offset;
    this.offset += sizeBytes;
    return at;
  }

  byte(): number {
    return this.#view.getInt8(this.#take(1));
  }
  bool(): boolean {
    return this.#view.getInt8(this.#take(1)) !== 0;
  }
  int(): number {
    return this.#view.getInt32(this.#take(4));
  }
  long(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  /** The next int, without reading past it. */
  peekInt(): number {
    const value = this.int();
    this.offset -= 4;
    return value;
  }

  #length(): number {
    const length = this.int();
    if (length < -1 || length > this.#maxSizeBytes) {
      this.offset -= 4;
      this.fail(`length ${length} is outside 0..${this.#maxSizeBytes}`);
    }
    return length;
  }

  /** A copy: what is kept must not alias the input chunk. */
  buffer(): Uint8Array | null {
    const length = this.#length();
    if (length === -1) return null;
    const at = this.#take(length);
    return this.bytes.slice(at, at + length);
  }

  ustring(): string | null {
    const length = this.#length();
    if (length === -1) return null;
    const at = this.#take(length);
    return decoder.decode(this.bytes.subarray(at, at + length));
  }

  /** Element count of a vector, -1 for null; other negative counts read as empty, as upstream. */
  count(): number {
    const count = this.int();
    return count < -1 ? 0 : count;
  }
}

export class JuteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #size = 0;

  constructor(capacityBytes = 128) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get sizeBytes(): number {
    return this.#size;
  }

  #grow(sizeBytes: number): number {
    const at = this.#size;
    const needed = at + sizeBytes;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#size = needed;
    return at;
  }

  // Grow first, in a statement of its own: growing replaces the view that is then written to.
  byte(value: number): void {
    const at = this.#grow(1);
    this.#view.setInt8(at, value);
  }
  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }
  int(value: number): void {
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
  }
  long(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value);
  }
  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    this.int(value.length);
    this.raw(value);
  }
  ustring(value: string | null): void {
    this.buffer(value === null ? null : encoder.encode(value));
  }
  raw(bytes: Uint8Array): void {
    // Grow first: the write target may move.
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }
  /** Overwrites an int that was written before, for lengths known only afterwards. */
  patchInt(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }
  /** The bytes written so far, as an own copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }
}

export interface Codec<T> {
  read(reader: JuteReader): T;
  write(writer: JuteWriter, value: T): void;
  /** What the codec is made of, for tools that walk records (arbitraries, the wire tap, docs). */
  readonly shape: Shape;
}

export type Shape =
  | { readonly kind: 'byte' | 'bool' | 'int' | 'long' | 'ustring' | 'nullable-ustring' | 'buffer' }
  | { readonly kind: 'vector' | 'nullable-vector'; readonly of: Shape }
  | {
      readonly kind: 'record';
      readonly name: string;
      readonly fields: ReadonlyArray<readonly [string, Shape]>;
    };

export type Infer<C> = C extends Codec<infer T> ? T : never;

export const bool: Codec<boolean> = {
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
  shape: { kind: 'bool' },
};
export const int: Codec<number> = {
  read: (reader) => reader.int(),
  write: (writer, value) => writer.int(value),
  shape: { kind: 'int' },
};
export const long: Codec<bigint> = {
  read: (reader) => reader.long(),
  write: (writer, value) => writer.long(value),
  shape: { kind: 'long' },
};
/** A string that the protocol never leaves null; a null one is malformed. */
export const ustring: Codec<string> = {
  read: (reader) => reader.ustring() ?? reader.fail('a null string is not allowed here'),
  write: (writer, value) => writer.ustring(value),
  shape: { kind: 'ustring' },
};
export const nullableUstring: Codec<string | null> = {
  read: (reader) => reader.ustring(),
  write: (writer, value) => writer.ustring(value),
  shape: { kind: 'nullable-ustring' },
};
export const buffer: Codec<Uint8Array | null> = {
  read: (reader) => reader.buffer(),
  write: (writer, value) => writer.buffer(value),
  shape: { kind: 'buffer' },
};

/** Null reads as empty: upstream treats both alike wherever this form is used. */
export function vector<T>(of: Codec<T>): Codec<readonly T[]> {
  const nullable = nullableVector(of);
  return {
    read: (reader) => nullable.read(reader) ?? [],
    write: (writer, value) => nullable.write(writer, value),
    shape: { kind: 'vector', of: of.shape },
  };
}

export function nullableVector<T>(of: Codec<T>): Codec<readonly T[] | null> {
  return {
    read: (reader) => {
      const count = reader.count();
      if (count === -1) return null;
      // Every element takes at least one byte, so a count beyond the input is a lie.
      if (count > reader.remaining)
        reader.fail(`count ${count} exceeds the ${reader.remaining} bytes left`);
      const values: T[] = [];
      for (let index = 0; index < count; index++) values.push(of.read(reader));
      return values;
    },
    write: (writer, values) => {
      if (values === null) {
        writer.int(-1);
        return;
      }
      writer.int(values.length);
      for (const value of values) of.write(writer, value);
    },
    shape: { kind: 'nullable-vector', of: of.shape },
  };
}

type Fields = Readonly<Record<string, Codec<never>>>;
type AnyCodec = Codec<unknown>;
export type RecordOf<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

export function record<F extends Readonly<Record<string, { readonly shape: Shape }>>>(
  name: string,
  fields: F,
): Codec<RecordOf<F>> {
  const entries = Object.entries(fields as unknown as Fields) as unknown as ReadonlyArray<
    [string, AnyCodec]
  >;
  return {
    read: (reader) => {
      const value: Record<string, unknown> = {};
      const outer = reader.place;
      const place = { record: name, field: '' };
      reader.place = place;
      for (const [field, codec] of entries) {
        place.field = field;
        reader.place = place;
        value[field] = codec.read(reader);
      }
      reader.place = outer;
      return value as RecordOf<F>;
    },
    write: (writer, value) => {
      for (const [field, codec] of entries)
        codec.write(writer, (value as Record<string, unknown>)[field]);
    },
    shape: {
      kind: 'record',
      name,
      fields: entries.map(([field, codec]) => [field, codec.shape] as const),
    },
  };
}

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new JuteWriter();
  codec.write(writer, value);
  return writer.finish();
}

/** Decodes one value; bytes after it are ignored, as upstream does. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  return codec.read(new JuteReader(bytes));
}
