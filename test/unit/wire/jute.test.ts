import { describe, expect, test } from 'vitest';
import {
  bool,
  buffer,
  decode,
  encode,
  int,
  JuteReader,
  JuteWriter,
  MalformedError,
  nullableVector,
  record,
  ustring,
  vector,
} from '../../../src/wire/jute.ts';

const Inner = record('Inner', { name: ustring, flag: bool });
const Outer = record('Outer', { inner: Inner, numbers: vector(int), data: buffer });

describe('jute', () => {
  test('a record is its fields in order, without anything between', () => {
    const value = { inner: { name: 'ab', flag: true }, numbers: [1, -1], data: null };
    const bytes = encode(Outer, value);
    expect([...bytes]).toEqual([
      0, 0, 0, 2, 0x61, 0x62, 1, 0, 0, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255,
    ]);
    expect(decode(Outer, bytes)).toEqual(value);
  });

  test('null and empty are different, except where a vector may not be null', () => {
    expect(decode(buffer, Uint8Array.of(255, 255, 255, 255))).toBeNull();
    expect(decode(buffer, new Uint8Array(4))).toEqual(new Uint8Array(0));
    expect(decode(nullableVector(int), Uint8Array.of(255, 255, 255, 255))).toBeNull();
    expect(decode(nullableVector(int), Uint8Array.of(255, 255, 255, 254))).toEqual([]);
    expect(decode(vector(int), Uint8Array.of(255, 255, 255, 255))).toEqual([]);
  });

  test('any non-zero byte is true, and a byte order mark is text', () => {
    expect(decode(bool, Uint8Array.of(2))).toBe(true);
    expect(decode(ustring, encode(ustring, '\ufeffa'))).toBe('\ufeffa');
  });

  test('what was read does not alias the input', () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 7);
    const data = decode(buffer, bytes);
    bytes.fill(9);
    expect(data).toEqual(Uint8Array.of(7));
  });

  test('errors name record, field and offset, also behind a nested record', () => {
    expect(() => decode(Outer, Uint8Array.of(0, 0, 0, 0, 1, 0, 0))).toThrow(
      'Outer.numbers at byte 5: needs 4 bytes, 2 are left',
    );
    expect(() => decode(Outer, Uint8Array.of(255, 255, 255, 255))).toThrow(
      'Inner.name at byte 4: a null string is not allowed here',
    );
    expect(() => decode(vector(int), Uint8Array.of(0x7f, 255, 255, 255))).toThrow(
      'count 2147483647 exceeds the 0 bytes left',
    );
    expect(() => new JuteReader(Uint8Array.of(0, 0, 0, 9), 0, 8).buffer()).toThrow(
      'at byte 0: length 9 is outside 0..8',
    );
    expect(() => decode(int, new Uint8Array(3))).toThrow(MalformedError);
  });

  test('a reader on a view into a larger buffer stays inside it', () => {
    const whole = Uint8Array.of(9, 9, 0, 0, 0, 5, 9, 9);
    expect(decode(int, whole.subarray(2, 6))).toBe(5);
    expect(() => decode(int, whole.subarray(3, 6))).toThrow(MalformedError);
  });

  test('a writer grows under every kind of write and keeps what it has', () => {
    for (let capacity = 0; capacity < 20; capacity++) {
      const writer = new JuteWriter(capacity);
      writer.byte(-1);
      writer.bool(true);
      writer.int(0);
      writer.long(-2n);
      writer.ustring('é');
      writer.raw(Uint8Array.of(1, 2, 3));
      writer.patchInt(2, 7);
      const reader = new JuteReader(writer.finish());
      expect(reader.byte()).toBe(-1);
      expect(reader.bool()).toBe(true);
      expect(reader.peekInt()).toBe(7);
      expect(reader.int()).toBe(7);
      expect(reader.long()).toBe(-2n);
      expect(reader.ustring()).toBe('é');
      expect(reader.remaining).toBe(3);
    }
  });
});
