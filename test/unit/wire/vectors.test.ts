/**
 * Bytes that Apache ZooKeeper 3.9.5 wrote or accepted. They were recorded from running servers, so
 * that encoder and decoder cannot merely agree with each other.
 */
import { describe, expect, test } from 'vitest';
import { adler32 } from '../../../src/wire/checksum.ts';
import { ConnectRequest, ConnectResponse, encodeFrame, OpCode } from '../../../src/wire/client.ts';
import {
  decodeNotification,
  encodeInitialMessage,
  encodeNotification,
  tryReadInitialMessage,
} from '../../../src/wire/election.ts';
import { errorName, errorRow, errorTable, isDefinite } from '../../../src/wire/error-code.ts';
import { decode, encode, MalformedError } from '../../../src/wire/jute.ts';
import { encodePacket, LearnerInfo, PacketType, packetName } from '../../../src/wire/quorum.ts';
import { decodeTxn, encodeTxn, type TxnBody } from '../../../src/wire/txn.ts';

const bytes = (text: string): Uint8Array =>
  Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (all: Uint8Array): string =>
  [...all].map((value) => value.toString(16).padStart(2, '0')).join('');
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('connecting', () => {
  const request = {
    protocolVersion: 0,
    lastZxidSeen: 0n,
    timeoutMs: 4000,
    sessionId: 0n,
    password: new Uint8Array(16),
  };

  test('a request for a new session', () => {
    const expected = bytes(`0000002d
      00000000 0000000000000000 00000fa0 0000000000000000 00000010 ${'00'.repeat(16)} 00`);
    const value = { ...request, readOnly: false };
    expect(hex(encodeFrame((writer) => ConnectRequest.write(writer, value)))).toBe(hex(expected));
    expect(decode(ConnectRequest, expected.slice(4))).toEqual(value);
  });

  test('the form without the read-only flag, both ways', () => {
    const old = encode(ConnectRequest, request);
    expect(old).toHaveLength(44);
    expect('readOnly' in decode(ConnectRequest, old)).toBe(false);
    const response = {
      protocolVersion: 0,
      timeoutMs: 4000,
      sessionId: 1n,
      password: new Uint8Array(16),
    };
    expect(encode(ConnectResponse, response)).toHaveLength(36);
    expect(encode(ConnectResponse, { ...response, readOnly: false })).toHaveLength(37);
  });

  test('an expired session', () => {
    const expected = bytes(`00000000 00000000 0000000000000000 00000010 ${'00'.repeat(16)} 00`);
    const value = {
      protocolVersion: 0,
      timeoutMs: 0,
      sessionId: 0n,
      password: new Uint8Array(16),
      readOnly: false,
    };
    expect(hex(encode(ConnectResponse, value))).toBe(hex(expected));
    expect(decode(ConnectResponse, expected)).toEqual(value);
  });
});

describe('the log entries of one short session', () => {
  const aclHex = '00000001 0000001f 00000005776f726c64 00000006616e796f6e65';
  const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
  const create = (
    path: string,
    data: string | null,
    parentCversion: number,
    isEphemeral = false,
  ) => ({
    path,
    data: data === null ? new Uint8Array(0) : utf8(data),
    acl,
    isEphemeral,
    parentCversion,
  });
  const digestOf = (treeDigest: bigint) => ({ version: 2, treeDigest });
  /** Name, Adler-32, header (cxid, zxid, low half of the time, type), record · digest, value. */
  const entries: ReadonlyArray<
    readonly [string, string, number, number, string, string, TxnBody, bigint?]
  > = [
    [
      'createSession 4000',
      'dfb50bae',
      0,
      1,
      'c4',
      '00000fa0 00000002 0000000051c6d660',
      { type: -10, body: { timeoutMs: 4000 } },
      0x51c6d660n,
    ],
    [
      'create /a',
      'f9690d6a',
      1,
      2,
      'd4',
      `000000022f61 0000000178 ${aclHex} 00 00000001 00000002 00000000b0f69475`,
      { type: 1, body: create('/a', 'x', 1) },
      0xb0f69475n,
    ],
    [
      'setData /a',
      'ed3c0970',
      2,
      3,
      'e7',
      '000000022f61 000000027979 00000001 00000002 00000000fafba366',
      { type: 5, body: { path: '/a', data: utf8('yy'), version: 1 } },
      0xfafba366n,
    ],
    ['setData, bad version', '74600c7b', 3, 4, 'ea', 'ffffff99', { type: -1, body: { err: -103 } }],
    [
      'create an ephemeral sequential',
      'c1d60ff6',
      4,
      5,
      'ec',
      `0000000f2f612f652d30303030303030303030 00000000 ${aclHex} 01 00000001
       00000002 00000000a28ccfea`,
      { type: 1, body: create('/a/e-0000000000', null, 1, true) },
      0xa28ccfean,
    ],
    [
      'createContainer',
      '312e0e49',
      5,
      6,
      'f0',
      `000000052f636f6e74 00000000 ${aclHex} 00000002 00000002 0000000214bdfaad`,
      {
        type: 19,
        body: { path: '/cont', data: new Uint8Array(0), acl, parentCversion: 2 },
      },
      0x214bdfaadn,
    ],
    [
      'createTTL',
      '79f50db3',
      6,
      7,
      'f4',
      `000000042f74746c 00000000 ${aclHex} 00000003 0000000000002710 00000002 00000002baab5846`,
      {
        type: 21,
        body: { path: '/ttl', data: new Uint8Array(0), acl, parentCversion: 3, ttlMs: 10_000n },
      },
      0x2baab5846n,
    ],
    [
      'a multi that fails',
      '453c145a',
      7,
      8,
      'fc',
      `00000002
       00000001 0000002a 000000022f6d 00000000 ${aclHex} 00 00000004
       ffffffff 00000004 ffffff99
       00000002 00000002baab5846`,
      {
        type: 14,
        body: [
          { type: 1, body: create('/m', null, 4) },
          { type: -1, body: { err: -103 } },
        ],
      },
      0x2baab5846n,
    ],
    [
      'a multi',
      'e6af0cb4',
      8,
      9,
      '100',
      `00000002
       00000001 0000002a 000000022f6d 00000000 ${aclHex} 00 00000004
       00000005 0000000f 000000022f6d 0000000171 00000001
       00000002 00000003252bde98`,
      {
        type: 14,
        body: [
          { type: 1, body: create('/m', null, 4) },
          { type: 5, body: { path: '/m', data: utf8('q'), version: 1 } },
        ],
      },
      0x3252bde98n,
    ],
    [
      'setACL',
      '98620ba7',
      9,
      0xa,
      '105',
      `000000022f6d ${aclHex} 00000001 00000002 000000030dd4d25b`,
      { type: 7, body: { path: '/m', acl, version: 1 } },
      0x30dd4d25bn,
    ],
    [
      'delete',
      '8f580641',
      0xa,
      0xb,
      '109',
      '000000022f6d 00000002 000000026f2d3dad',
      { type: 2, body: { path: '/m' } },
      0x26f2d3dadn,
    ],
    [
      'closeSession',
      'a1d40bf6',
      5,
      0xc,
      '10b',
      '00000001 0000000f2f612f652d30303030303030303030 00000002 000000023d2e0b34',
      { type: -11, body: { paths: ['/a/e-0000000000'] } },
      0x23d2e0b34n,
    ],
  ];

  const cases = entries.map(([name, checksum, cxid, zxid, time, body, txn, treeDigest]) => ({
    name,
    checksum,
    cxid,
    zxid,
    time,
    body,
    txn,
    treeDigest,
  }));
  test.each(cases)('$name', ({ checksum, cxid, zxid, time, body, txn, treeDigest }) => {
    const header = {
      clientId: 0x0100003bf70b0000n,
      cxid,
      zxid: BigInt(zxid),
      time: 0x1a1fbf22a00n + BigInt(`0x${time}`),
      type: txn.type,
    };
    const value = {
      header,
      txn,
      ...(treeDigest === undefined ? {} : { digest: digestOf(treeDigest) }),
    };
    const encoded = encodeTxn(value);
    expect(hex(encoded.subarray(32))).toBe(hex(bytes(body)));
    expect(decodeTxn(encoded)).toEqual(value);
    // The checksum of the log entry covers the header too.
    expect(adler32(encoded).toString(16)).toBe(checksum);
  });

  test('a closeSession without digest is told from a digest without body', () => {
    const header = { clientId: 1n, cxid: 1, zxid: 2n, time: 3n, type: OpCode.closeSession };
    const short = { header, txn: { type: -11 as const, body: { paths: ['/abc'] } } };
    expect(encodeTxn(short)).toHaveLength(32 + 12);
    expect(decodeTxn(encodeTxn(short))).toEqual(short);
    const bare = {
      header,
      txn: { type: -11 as const, body: null },
      digest: { version: 2, treeDigest: 7n },
    };
    expect(decodeTxn(encodeTxn(bare))).toEqual(bare);
  });

  test('an unknown type is malformed, at the top and inside a multi', () => {
    const header = { clientId: 1n, cxid: 1, zxid: 2n, time: 3n, type: 14 };
    const multi = encodeTxn({
      header,
      txn: { type: 14, body: [{ type: 2, body: { path: '/' } }] },
    });
    const nested = multi.slice();
    new DataView(nested.buffer).setInt32(36, 14);
    expect(() => decodeTxn(nested)).toThrow(MalformedError);
    const unknown = multi.slice();
    new DataView(unknown.buffer).setInt32(28, 99);
    expect(() => decodeTxn(unknown)).toThrow('transaction type 99 is unknown');
  });
});

describe('the election port', () => {
  test('an initial message', () => {
    const expected = Uint8Array.from([
      ...bytes('ffffffffffff0000 0000000000000003 0000000e'),
      ...utf8('127.0.0.1:3888'),
    ]);
    const message = { sid: 3n, address: '127.0.0.1:3888' };
    const encoded = encodeInitialMessage(message);
    expect(hex(encoded)).toBe(hex(expected));
    expect(tryReadInitialMessage(encoded, 0)).toEqual({ message, next: 34 });
    const second = encoded.slice();
    second[7] = 1;
    expect(tryReadInitialMessage(second, 0)?.message).toEqual(message);
  });

  test('the ancient form is a bare sid', () => {
    expect(tryReadInitialMessage(bytes('0000000000000002 00'), 0)).toEqual({
      message: { sid: 2n },
      next: 8,
    });
  });

  test.each([
    'ffffffffffff0002',
    `ffffffffffff0000 ${'00'.repeat(8)} 00000000`,
    `ffffffffffff0000 ${'00'.repeat(8)} 00000801`,
  ])('is closed to %s', (text) => {
    expect(() => tryReadInitialMessage(bytes(text), 0)).toThrow(MalformedError);
  });

  const config = [
    'server.1=127.0.0.1:42881:43881:participant',
    'server.2=127.0.0.1:42882:43882:participant',
    'server.3=127.0.0.1:42883:43883:participant',
    'version=0',
  ].join('\n');
  const fields = `00000002 0000000000000003 0000000100000005 0000000000000004 0000000000000001`;

  test('a notification', () => {
    const expected = Uint8Array.from([...bytes(`${fields} 00000002 0000008a`), ...utf8(config)]);
    const value = {
      state: 'leading' as const,
      leader: 3n,
      zxid: 0x100000005n,
      electionEpoch: 4n,
      peerEpoch: 1n,
      config,
    };
    expect(hex(encodeNotification(value))).toBe(hex(expected));
    expect(expected).toHaveLength(182);
    expect(decodeNotification(expected)).toEqual({ ...value, version: 2 });
  });

  test('older forms: 28 bytes without the epoch, 40 bytes without the configuration', () => {
    const common = { state: 'leading', leader: 3n, zxid: 0x100000005n, electionEpoch: 4n };
    const short = { ...common, peerEpoch: 1n, version: 0 };
    expect(decodeNotification(bytes(fields).slice(0, 28))).toEqual(short);
    expect(decodeNotification(bytes(`${fields} 00000001`))).toEqual(short);
  });

  test.each([
    ['too short', fields.slice(0, -30)],
    ['an unknown state', fields.replace('00000002', '00000004')],
    ['a negative state', fields.replace('00000002', 'ffffffff')],
    ['a configuration longer than the message', `${fields} 00000002 00000005 41`],
    ['a negative configuration length', `${fields} 00000002 ffffffff 41`],
    ['no configuration length', `${fields} 00000002 00`],
  ])('a notification with %s is ignored', (_, text) => {
    expect(decodeNotification(bytes(text))).toBeUndefined();
  });
});

describe('the learner port', () => {
  test('FOLLOWERINFO of a fresh server', () => {
    const info = encode(LearnerInfo, { sid: 1n, protocolVersion: 0x10000, configVersion: 0n });
    const packet = encodePacket({ type: PacketType.followerInfo, zxid: 0n, data: info });
    expect(hex(packet)).toBe(
      hex(
        bytes(`0000000b 0000000000000000 00000014
          0000000000000001 00010000 0000000000000000 ffffffff`),
      ),
    );
  });

  test('names its packets as the field does', () => {
    expect(packetName(PacketType.newLeader)).toBe('NEWLEADER');
    expect(packetName(99)).toBe('PACKET99');
  });
});

describe('error codes', () => {
  test('are unique, and an unknown one is never definite', () => {
    expect(new Set(errorTable.map(({ code }) => code)).size).toBe(errorTable.length);
    expect(errorRow(-101)).toEqual({ name: 'NoNode', code: -101, definite: true });
    expect(errorName(-4242)).toBe('Unknown(-4242)');
    expect(isDefinite(-4242)).toBe(false);
    expect(isDefinite(-4)).toBe(false);
    expect(isDefinite(-112)).toBe(false);
  });
});
