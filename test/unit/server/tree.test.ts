import { describe, expect, it } from 'vitest';
import { nodeDigest } from '../../../src/server/core/tree/node-digest.ts';
import {
  childName,
  isReservedPath,
  isValidPath,
  parentPath,
  sequenceSuffix,
} from '../../../src/server/core/tree/path.ts';
import {
  CONTAINER_OWNER,
  nextVersion,
  ownerKind,
  raisedCversion,
  ttlOwner,
  zeroStat,
} from '../../../src/server/core/tree/znode.ts';
import { adler32, crc32 } from '../../../src/wire/checksum.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('checksums', () => {
  it('equal known values, whole and in pieces', () => {
    expect(adler32(utf8('hello'))).toBe(103547413);
    expect(crc32(utf8('123456789'))).toBe(0xcbf43926);
    const bytes = new Uint8Array(20_000).fill(0xff);
    expect(adler32(bytes.subarray(7001), adler32(bytes.subarray(0, 7001)))).toBe(adler32(bytes));
    expect(crc32(bytes.subarray(7001), crc32(bytes.subarray(0, 7001)))).toBe(crc32(bytes));
    // 0xff bytes without reduction would leave 32 bits: (1 + 255·n) and its running sum.
    let low = 1n;
    let high = 0n;
    for (let index = 0; index < bytes.length; index++) {
      low = (low + 255n) % 65521n;
      high = (high + low) % 65521n;
    }
    expect(BigInt(adler32(bytes))).toBe((high << 16n) | low);
  });

  it('of nodes equal upstream', () => {
    const empty = new Uint8Array(0);
    expect(nodeDigest('', empty, zeroStat())).toBe(68323592);
    expect(nodeDigest('/zookeeper', null, zeroStat())).toBe(1303661912);
    expect(nodeDigest('/zookeeper/config', empty, zeroStat())).toBe(0);
    expect(nodeDigest('/zookeeperx/config', empty, zeroStat())).not.toBe(0);
  });
});

describe('paths', () => {
  it('are valid or not', () => {
    for (const path of [
      '/',
      '/a',
      '/a/b',
      '/...',
      '/.a',
      '/a b',
      '/ä/\u{ff}',
      '/\ufeff',
      '/\uffef',
    ]) {
      expect(isValidPath(path), JSON.stringify(path)).toBe(true);
    }
    const invalid = [
      '',
      'a',
      '/a/',
      '//',
      '/a//b',
      '/.',
      '/..',
      '/a/./b',
      '/a/..',
      '/\u0000',
      '/\u001f',
    ];
    invalid.push('/\u007f', '/\u009f', '/\ud800', '/\u{1f600}', '/\uf8ff', '/\ufff0', '/a/b/..');
    for (const path of invalid) expect(isValidPath(path), JSON.stringify(path)).toBe(false);
  });

  it('have parents', () => {
    expect([parentPath('/a'), parentPath('/a/b'), parentPath('a')]).toEqual(['', '/a', undefined]);
    expect(childName('/a/b')).toBe('b');
    const reserved = ['', '/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'];
    expect(reserved.every(isReservedPath)).toBe(true);
    expect(isReservedPath('/zookeeper/quota/a')).toBe(false);
  });

  it('get the suffix that Java would print', () => {
    expect([0, 42, 2147483647, -2147483648, -1].map(sequenceSuffix)).toEqual([
      '0000000000',
      '0000000042',
      '2147483647',
      '-2147483648',
      '-000000001',
    ]);
  });
});

describe('stats', () => {
  it('tell kinds of owners apart', () => {
    expect(ownerKind(0n)).toBe('none');
    expect(ownerKind(CONTAINER_OWNER)).toBe('container');
    expect(ownerKind(ttlOwner(10_000n))).toBe('ttl');
    expect(BigInt.asUintN(64, ttlOwner(10_000n))).toBe(0xff00000000002710n);
    expect(ownerKind(0x0100003bf70b0000n)).toBe('session');
    expect(ownerKind(BigInt.asIntN(64, 0xff12345678900000n))).toBe('session');
  });

  it('never count a version to -1', () => {
    expect(nextVersion(0)).toBe(1);
    expect(nextVersion(2147483647)).toBe(-2147483648);
    expect(nextVersion(-2)).toBe(0);
    expect(nextVersion(-1)).toBe(0);
  });

  it('raise a cversion, never lower it', () => {
    expect(raisedCversion(3, 4)).toBe(4);
    expect(raisedCversion(4, 4)).toBeUndefined();
    expect(raisedCversion(3, -1)).toBe(4);
    expect(raisedCversion(2147483647, -2147483648)).toBeUndefined();
  });
});
