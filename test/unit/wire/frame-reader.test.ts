import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../src/wire/frame-reader.ts';
import { MalformedError } from '../../../src/wire/jute.ts';

describe('frames', () => {
  test('come out whole, from chunks that cut through length and payload', () => {
    const reader = new FrameReader(10);
    reader.push(Uint8Array.of(0, 0));
    expect(reader.next()).toBeUndefined();
    reader.push(Uint8Array.of(0, 2, 7));
    expect(reader.next()).toBeUndefined();
    reader.push(Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0));
    expect(reader.next()).toEqual(Uint8Array.of(7, 8));
    expect(reader.next()).toEqual(Uint8Array.of());
    expect(reader.next()).toEqual(Uint8Array.of(9));
    expect(reader.next()).toBeUndefined();
    expect(reader.sizeBytes).toBe(1);
  });

  test('belong to the caller', () => {
    const reader = new FrameReader(10);
    reader.push(Uint8Array.of(0, 0, 0, 1, 7));
    const frame = reader.next();
    reader.push(Uint8Array.of(0, 0, 0, 1, 8));
    reader.next();
    expect(frame).toEqual(Uint8Array.of(7));
  });

  test.each([
    ['negative', [0xff, 0xff, 0xff, 0xff]],
    ['too long', [0, 0, 0, 11]],
    ['enormous', [0x7f, 0xff, 0xff, 0xff]],
  ])('a %s length is refused as soon as it is there', (_, length) => {
    const reader = new FrameReader(10);
    reader.push(Uint8Array.from([0, 0, 0, 10, ...new Uint8Array(10)]));
    expect(reader.next()).toHaveLength(10);
    reader.push(Uint8Array.from(length));
    expect(() => reader.next()).toThrow(MalformedError);
    expect(() => reader.next()).toThrow('Frame.length at byte 14: length');
  });

  test('a minimum is kept where the port has one', () => {
    const reader = new FrameReader(10, 1);
    reader.push(new Uint8Array(4));
    expect(() => reader.next()).toThrow('outside 1..10');
  });

  test('input that nobody takes out is bounded', () => {
    const reader = new FrameReader(10);
    expect(() => {
      for (let chunk = 0; chunk < 100; chunk++) reader.push(new Uint8Array(64 * 1024));
    }).toThrow(MalformedError);
    expect(reader.sizeBytes).toBeLessThanOrEqual(1024 * 1024 + 14);
  });
});
