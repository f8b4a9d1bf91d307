import { describe, expect, test } from 'vitest';
import { AssertionError, assert, unreachable } from '../../../src/base/assert.ts';
import { hash32, prngStream } from '../../../src/base/prng.ts';
import {
  counterOf,
  epochOf,
  formatFileSuffix,
  formatHex,
  maxZxid,
  parseHex,
  sessionIdFrom,
  ZXID_NONE,
  zxidFrom,
  zxidOf,
} from '../../../src/base/zxid.ts';

describe('zxids and session ids', () => {
  test('split into epoch and counter', () => {
    const zxid = zxidOf(3, 0xffffffff);
    expect(zxid).toBe(0x3ffffffffn);
    expect(epochOf(zxid)).toBe(3);
    expect(counterOf(zxid)).toBe(0xffffffff);
    expect(epochOf(ZXID_NONE)).toBe(-1);
  });

  test('are 64-bit signed values, printed as their bit pattern', () => {
    expect(zxidFrom(0xffffffffffffffffn)).toBe(-1n);
    expect(sessionIdFrom(0x8000000000000001n)).toBe(-0x7fffffffffffffffn);
    expect(formatHex(-1n)).toBe('0xffffffffffffffff');
    expect(formatHex(0x100000001n)).toBe('0x100000001');
    expect(formatFileSuffix(zxidOf(1, 1))).toBe('100000001');
    expect(maxZxid(ZXID_NONE, zxidOf(0, 0))).toBe(0n);
  });

  test('are read from hex with and without prefix, and from nothing else', () => {
    expect(parseHex('0x100000001')).toBe(0x100000001n);
    expect(parseHex('ffffffffffffffff')).toBe(-1n);
    for (const text of ['', '0x', 'g', '-1', '1 ', '11112222333344445']) {
      expect(parseHex(text)).toBeUndefined();
    }
  });
});

describe('random streams', () => {
  test('depend on seed and label only, and differ between labels', () => {
    const draw = (seed: string, label: string) => {
      const prng = prngStream(seed, label);
      return Array.from({ length: 8 }, () => prng.int(0, 1_000_000));
    };
    expect(draw('5eed', 'disk/3')).toEqual(draw('5eed', 'disk/3'));
    expect(draw('5eed', 'disk/3')).not.toEqual(draw('5eed', 'disk/4'));
    expect(draw('5eed', 'disk/3')).not.toEqual(draw('5eee', 'disk/3'));
  });

  test('are pinned: these numbers are what every recorded seed means', () => {
    const prng = prngStream('5eed', 'link/1→2');
    expect([prng.int(0, 999), prng.int(0, 999), prng.int(0, 999)]).toMatchInlineSnapshot(`
      [
        212,
        688,
        375,
      ]
    `);
    expect(hash32('5eed/link/1→2')).toMatchInlineSnapshot(`285995435`);
  });

  test('shuffle keeps the members, and int keeps its bounds', () => {
    const prng = prngStream('1', 'x');
    for (let run = 0; run < 100; run++) {
      expect(new Set(prng.shuffle([1, 2, 3, 4]))).toEqual(new Set([1, 2, 3, 4]));
      expect(prng.int(5, 5)).toBe(5);
      expect([3, 4]).toContain(prng.int(3, 4));
    }
    expect(prng.bytes(16)).toHaveLength(16);
    expect(prng.chance(0)).toBe(false);
    expect(prng.chance(1000)).toBe(true);
  });
});

describe('assertions', () => {
  test('carry the values they were about', () => {
    expect(() => assert(true, 'fine')).not.toThrow();
    const values = { zxid: 0x100000001n, sids: [1, 2], nested: { session: -1n } };
    expect(() => assert(false, 'zxids grow', values)).toThrow(
      'zxids grow (zxid=0x100000001, sids=[1,2], nested={"session":"0xffffffffffffffff"})',
    );
    expect(() => unreachable('odd' as never)).toThrow(AssertionError);
  });
});
