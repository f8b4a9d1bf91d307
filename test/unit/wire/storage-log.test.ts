/** Log entries: recorded bytes, and every way in which a log file can end. */
import { describe, expect, it } from 'vitest';
import { zxidOf } from '../../../src/base/zxid.ts';
import { adler32, crc32 } from '../../../src/wire/checksum.ts';
import {
  decodeEpoch,
  encodeEpoch,
  encodeLogEntry,
  encodeLogHeader,
  type LogEnd,
  type LogEntry,
  LogReader,
} from '../../../src/wire/storage.ts';
import { decodeTxn, encodeTxn } from '../../../src/wire/txn.ts';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One session against Apache ZooKeeper 3.9.5: checksum, payload length, payload. */
const ACL = '00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65';
const recorded: ReadonlyArray<readonly [checksum: string, length: number, payload: string]> = [
  [
    'dfb50bae',
    48,
    '0100003bf70b0000 00000000 0000000000000001 000001a1fbf22ac4 fffffff6 00000fa0 00000002 0000000051c6d660',
  ],
  [
    'f9690d6a',
    87,
    `0100003bf70b0000 00000001 0000000000000002 000001a1fbf22ad4 00000001
     00000002 2f61 00000001 78 ${ACL} 00 00000001 00000002 00000000b0f69475`,
  ],
  [
    'ed3c0970',
    60,
    `0100003bf70b0000 00000002 0000000000000003 000001a1fbf22ae7 00000005
     00000002 2f61 00000002 7979 00000001 00000002 00000000fafba366`,
  ],
  ['74600c7b', 36, '0100003bf70b0000 00000003 0000000000000004 000001a1fbf22aea ffffffff ffffff99'],
  [
    'a1d40bf6',
    67,
    `0100003bf70b0000 00000005 000000000000000c 000001a1fbf22b0b fffffff5
     00000001 0000000f 2f612f652d30303030303030303030 00000002 000000023d2e0b34`,
  ],
];

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function readAll(bytes: Uint8Array, chunkSizeBytes = bytes.length + 1) {
  const reader = new LogReader();
  const entries: LogEntry[] = [];
  let offset = 0;
  for (;;) {
    const item = reader.next();
    if (item === undefined) {
      const chunk = bytes.subarray(offset, offset + chunkSizeBytes);
      offset += chunk.length;
      if (chunk.length === 0) reader.finish();
      else reader.push(chunk);
    } else if (item.kind === 'entry') entries.push(item);
    else return { entries, end: item as LogEnd };
  }
}

const payloadOf = (counter: number, sizeBytes = 40): Uint8Array => {
  const bytes = new Uint8Array(sizeBytes).fill(7);
  new DataView(bytes.buffer).setBigInt64(12, zxidOf(1, counter));
  return bytes;
};
const entries = [1, 2, 3].map((counter) => encodeLogEntry(payloadOf(counter)));
const file = concat([encodeLogHeader(), ...entries]);
const lastStart = file.length - (entries[2]?.length ?? 0);

describe('checksums', () => {
  it('match the known values', () => {
    expect(adler32(ascii('hello'))).toBe(103547413);
    expect(adler32(ascii('lo'), adler32(ascii('hel')))).toBe(103547413);
    expect(crc32(ascii('123456789'))).toBe(0xcbf43926);
    expect(crc32(ascii('56789'), crc32(ascii('1234')))).toBe(0xcbf43926);
  });

  it('do not overflow on long runs of the largest byte', () => {
    // Two sums in closed form: a = 1 + 255 n, b = n + 255 n (n + 1) / 2, both modulo 65521.
    const n = 1_000_003n;
    const a = (1n + 255n * n) % 65521n;
    const b = (n + (255n * n * (n + 1n)) / 2n) % 65521n;
    expect(adler32(new Uint8Array(Number(n)).fill(255))).toBe(Number((b << 16n) | a));
  });
});

describe('log entries', () => {
  it('have the bytes that upstream writes', () => {
    for (const [checksum, length, text] of recorded) {
      const payload = hex(text);
      expect(payload.length).toBe(length);
      const expected = concat([
        hex(`00000000${checksum}`),
        hex(`000000${length.toString(16)}`),
        payload,
        hex('42'),
      ]);
      expect(encodeLogEntry(payload)).toEqual(expected);
      expect(encodeTxn(decodeTxn(payload))).toEqual(payload);
    }
    expect(encodeLogHeader()).toEqual(hex('5a4b4c47 00000002 0000000000000000'));
  });

  it('are read back with their positions, whatever the chunks', () => {
    for (const chunkSizeBytes of [1, 7, 16, 1000]) {
      const { entries: read, end } = readAll(file, chunkSizeBytes);
      expect(read.map(({ zxid }) => zxid)).toEqual([1, 2, 3].map((counter) => zxidOf(1, counter)));
      expect(read.map(({ position }) => position)).toEqual([16, 69, 122]);
      expect(read.at(-1)?.end).toBe(file.length);
      expect(read[1]?.payload).toEqual(payloadOf(2));
      expect(end).toMatchObject({ reason: 'end-of-file', position: file.length });
    }
  });

  it('end distinctly for each kind of damage', () => {
    const damaged = (change: (bytes: Uint8Array) => void): Uint8Array => {
      const bytes = file.slice();
      change(bytes);
      return bytes;
    };
    const zeros = new Uint8Array(5000);
    const cases: ReadonlyArray<readonly [string, Uint8Array, number]> = [
      ['zeros', concat([file, zeros]), file.length],
      ['zeros', concat([file, zeros.subarray(0, 5)]), file.length],
      ['truncated', file.subarray(0, file.length - 1), lastStart],
      ['truncated', file.subarray(0, lastStart + 5), lastStart],
      ['bad-length', damaged((bytes) => bytes.set([0xff], lastStart + 8)), lastStart],
      ['bad-length', damaged((bytes) => bytes.set([0, 0, 0, 0], lastStart + 8)), lastStart],
      ['bad-marker', damaged((bytes) => bytes.set([0], bytes.length - 1)), lastStart],
      ['bad-checksum', damaged((bytes) => bytes.set([9], bytes.length - 2)), lastStart],
      ['bad-checksum', damaged((bytes) => bytes.set([1], lastStart)), lastStart],
      ['bad-record', concat([file, encodeLogEntry(new Uint8Array(31))]), file.length],
      ['no-header', file.subarray(0, 15), 0],
      ['no-header', file.subarray(0, 0), 0],
      ['bad-header', damaged((bytes) => bytes.set([0], 0)), 0],
    ];
    for (const [reason, bytes, position] of cases) {
      for (const chunkSizeBytes of [1, 64, 10_000]) {
        const { end } = readAll(bytes, chunkSizeBytes);
        expect([reason, end]).toMatchObject([reason, { reason, position }]);
      }
    }
  });
});

describe('epoch files', () => {
  it('hold a decimal number without a line end', () => {
    expect(encodeEpoch(17)).toEqual(ascii('17'));
    expect(decodeEpoch(ascii('17'))).toBe(17);
    expect(decodeEpoch(ascii('17\n'))).toBe(17);
    for (const text of ['', '-1', 'x', '1 2', '99999999999', '2147483648', '0x1']) {
      expect(decodeEpoch(ascii(text))).toBeUndefined();
    }
  });
});
