/** Arbitrary values of a codec, from what it says that it is made of. */
import fc from 'fast-check';
import type { Codec, Shape } from '../../src/wire/jute.ts';

/** Any text that UTF-8 can carry; lone surrogates have no encoding. */
export const anyText = fc.string({ unit: 'binary', maxLength: 12 });
export const anyBytes = fc.uint8Array({ maxLength: 40 });
export const anyInt = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)),
);
export const anyLong = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)),
);

export function valueOf<T>(codec: Codec<T>): fc.Arbitrary<T> {
  return arbitraryOf(codec.shape) as fc.Arbitrary<T>;
}

export function arbitraryOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'byte':
      return fc.integer({ min: -128, max: 127 });
    case 'bool':
      return fc.boolean();
    case 'int':
      return anyInt;
    case 'long':
      return anyLong;
    case 'ustring':
      return anyText;
    case 'nullable-ustring':
      return fc.option(anyText, { nil: null });
    case 'buffer':
      return fc.option(anyBytes, { nil: null });
    case 'vector':
      return fc.array(arbitraryOf(shape.of), { maxLength: 4 });
    case 'nullable-vector':
      return fc.option(fc.array(arbitraryOf(shape.of), { maxLength: 4 }), { nil: null });
    case 'record':
      return fc.record(
        Object.fromEntries(shape.fields.map(([name, field]) => [name, arbitraryOf(field)])),
        { noNullPrototype: true },
      );
  }
}

/** One value cut into pieces at arbitrary places, in order, as a connection may deliver it. */
export function chunksOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.slice(at[index - 1] ?? 0, end));
}

/** Damage as a broken or hostile sender does it: cut off, flipped, lengths made extreme. */
export const anyDamage = fc.record({
  kind: fc.constantFrom('flip', 'cut', 'length', 'insert', 'remove'),
  at: fc.nat(),
  value: fc.integer({ min: 1, max: 255 }),
  length: fc.constantFrom(-1, -2, 0x7fffffff, -0x80000000, 0x00ffffff, 3),
});

export function damage(
  bytes: Uint8Array,
  how: typeof anyDamage extends fc.Arbitrary<infer T> ? T : never,
): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  const at = how.at % bytes.length;
  switch (how.kind) {
    case 'flip':
      copy[at] = (copy[at] as number) ^ how.value;
      return copy;
    case 'cut':
      return copy.slice(0, at);
    case 'length':
      if (at + 4 <= copy.length) new DataView(copy.buffer).setInt32(at, how.length);
      return copy;
    case 'insert':
      return Uint8Array.from([...copy.slice(0, at), how.value, ...copy.slice(at)]);
    default:
      return Uint8Array.from([...copy.slice(0, at), ...copy.slice(at + 1)]);
  }
}
