import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../../src/base/prng.ts';
import { zxidOf } from '../../../../src/base/zxid.ts';
import type {
  TapEvent,
  TapLink,
  TapMessage,
} from '../../../../src/harness/world/wire-tap/tap-event.ts';
import { WireTap } from '../../../../src/harness/world/wire-tap/wire-tap.ts';
import {
  ConnectRequest,
  ConnectResponse,
  encodeReply,
  encodeRequest,
  MultiRequest,
  OpCode,
  SetDataRequest,
  WatcherEvent,
} from '../../../../src/wire/client.ts';
import { encodeInitialMessage, encodeNotification } from '../../../../src/wire/election.ts';
import { encode, int, long } from '../../../../src/wire/jute.ts';
import {
  encodeForwarded,
  encodePacket,
  LearnerInfo,
  PacketType,
} from '../../../../src/wire/quorum.ts';
import { encodeTxn } from '../../../../src/wire/txn.ts';
import { hex } from './exchange.ts';

type Direction = 'forward' | 'backward';

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** What a tap tells of one direction, fed in pieces of random sizes (or whole). */
function read(
  link: TapLink,
  direction: Direction,
  bytes: Uint8Array,
  seed?: string,
): readonly TapMessage[] {
  const tap = new WireTap([link], () => 0);
  const connection = tap.connection(link, 1, 2);
  const prng = prngStream(seed ?? '', 'pieces');
  for (let at = 0; at < bytes.length; ) {
    const size = seed === undefined ? bytes.length : prng.int(1, 9);
    connection.bytes(direction, bytes.subarray(at, at + size));
    at += size;
  }
  return tap.recording().events.slice(1).map(messageIn);
}

/** Without its place. */
function messageIn(event: TapEvent): TapMessage {
  const place = new Set(['n', 'time', 'link', 'connection', 'from', 'to']);
  const fields = Object.entries(event).filter(([name]) => !place.has(name));
  return Object.fromEntries(fields) as unknown as TapMessage;
}

function framed(payload: Uint8Array): Uint8Array {
  return join(encode(int, payload.length), payload);
}

const txn = encodeTxn({
  header: { clientId: 0x77n, cxid: 5, zxid: zxidOf(2, 1), time: 0n, type: OpCode.setData },
  txn: {
    type: OpCode.setData,
    body: { path: '/a', data: new Uint8Array(5000).fill(7), version: 1 },
  },
});

const signature = join(encode(int, 10), new TextEncoder().encode('BenWasHere'));
/** With the signature in it, as a node's data may have it, followed by what is no packet. */
const snapshot = join(new Uint8Array(700).fill(3), signature, new Uint8Array(50), signature);

const fromLeader = join(
  encodePacket({ type: PacketType.leaderInfo, zxid: zxidOf(2, 0), data: encode(int, 0x10000) }),
  encodePacket({ type: PacketType.snap, zxid: zxidOf(1, 9) }),
  snapshot,
  encodePacket({ type: PacketType.newLeader, zxid: zxidOf(2, 0) }),
  encodePacket({ type: PacketType.upToDate, zxid: -1n }),
  encodePacket({ type: PacketType.ping, zxid: zxidOf(2, 0) }),
  encodePacket({
    type: PacketType.proposal,
    zxid: zxidOf(2, 1),
    data: txn,
    authinfo: [{ scheme: 'ip', id: '127.0.0.1' }],
  }),
  encodePacket({ type: PacketType.commit, zxid: zxidOf(2, 1) }),
);
const proposed = { message: 'PROPOSAL', zxid: hex(2, 1), session: '0x77', cxid: 5, op: 'setData' };
const committed = { message: 'COMMIT', zxid: hex(2, 1) };
const leaderSays = [
  { message: 'LEADERINFO', epoch: 2 },
  { message: 'SNAP', zxid: hex(1, 9) },
  { message: 'NEWLEADER', epoch: 2 },
  { message: 'UPTODATE' },
  proposed,
  committed,
];

const fromLearner = join(
  encodePacket({
    type: PacketType.followerInfo,
    zxid: zxidOf(1, 0),
    data: encode(LearnerInfo, { sid: 1n, protocolVersion: 0x10000, configVersion: 0n }),
  }),
  encodePacket({ type: PacketType.ackEpoch, zxid: zxidOf(1, 9), data: encode(int, 1) }),
  encodePacket({ type: PacketType.ack, zxid: zxidOf(2, 0) }),
  encodePacket({
    type: PacketType.request,
    zxid: -1n,
    data: encodeForwarded({ sessionId: 0x77n, cxid: 5, type: OpCode.create, body: txn }),
  }),
  encodePacket({ type: PacketType.ping, zxid: zxidOf(2, 0), data: new Uint8Array(24) }),
  encodePacket({ type: PacketType.ack, zxid: zxidOf(2, 1) }),
);
const learnerSays = [
  { message: 'FOLLOWERINFO', acceptedEpoch: 1, sid: 1 },
  { message: 'ACKEPOCH', zxid: hex(1, 9), currentEpoch: 1 },
  { message: 'ACK', zxid: hex(2, 0) },
  { message: 'REQUEST', session: '0x77', cxid: 5, op: 'create' },
  { message: 'ACK', zxid: hex(2, 1) },
];

const notification = encodeNotification({
  state: 'looking',
  leader: 3n,
  zxid: zxidOf(1, 9),
  electionEpoch: 4n,
  peerEpoch: 1n,
  config: 'server.1=…\nversion=0',
});
const vote = {
  message: 'notification',
  state: 'looking',
  leader: 3,
  zxid: hex(1, 9),
  round: 4,
  peerEpoch: 1,
};
const elections = join(
  encodeInitialMessage({ sid: 1n, address: '127.0.0.1:3888' }),
  framed(notification),
  framed(notification),
);

const password = new Uint8Array(16);
const ping = encodeRequest({ xid: -2, type: OpCode.ping });
const pong = encodeReply({ xid: -2, zxid: zxidOf(2, 3), err: 0 });
const set = encodeRequest({ xid: 1, type: OpCode.setData }, SetDataRequest, {
  path: '/a',
  data: new Uint8Array(3000),
  version: -1,
});
const many = encodeRequest({ xid: 2, type: OpCode.multi }, MultiRequest, []);
const requests = join(
  framed(
    encode(ConnectRequest, {
      protocolVersion: 0,
      lastZxidSeen: zxidOf(1, 2),
      timeoutMs: 4000,
      sessionId: 0x77n,
      password,
    }),
  ),
  ping,
  set,
  many,
);
const asked = [
  { message: 'connect', session: '0x77', lastZxid: hex(1, 2) },
  { message: 'request', xid: 1, op: 'setData', path: '/a' },
  { message: 'request', xid: 2, op: 'multi' },
];
const replies = join(
  framed(
    encode(ConnectResponse, { protocolVersion: 0, timeoutMs: 4000, sessionId: 0x77n, password }),
  ),
  pong,
  encodeReply({ xid: 1, zxid: zxidOf(2, 1), err: -101 }),
  encodeReply({ xid: -1, zxid: -1n, err: 0 }, WatcherEvent, { type: 1, state: 3, path: '/a' }),
  encodeReply({ xid: 2, zxid: zxidOf(2, 2), err: 0 }),
);
const answered = [
  { message: 'connected', session: '0x77', timeoutMs: 4000 },
  { message: 'reply', xid: 1, zxid: hex(2, 1), err: -101 },
  { message: 'reply', xid: 2, zxid: hex(2, 2), err: 0 },
];

const cases: readonly (readonly [string, TapLink, Direction, Uint8Array, readonly unknown[]])[] = [
  ['what a leader says', 'quorum', 'backward', fromLeader, leaderSays],
  ['what a learner says', 'quorum', 'forward', fromLearner, learnerSays],
  ['an election', 'election', 'forward', elections, [{ message: 'initial', sid: 1 }, vote, vote]],
  ['requests of a client', 'client', 'forward', requests, asked],
  ['replies to a client', 'client', 'backward', replies, answered],
];

describe('streams are read as they come', () => {
  for (const [name, link, direction, bytes, said] of cases) {
    test(`${name}, whatever the pieces`, () => {
      expect(read(link, direction, bytes)).toEqual(said);
      for (let seed = 0; seed < 20; seed++) {
        expect(read(link, direction, bytes, `${seed}`)).toEqual(said);
      }
    });
  }

  test('the older greeting of an election, and a four-letter word, are no gap', () => {
    const bare = join(encode(long, 7n), framed(notification));
    expect(read('election', 'forward', bare)).toEqual([{ message: 'initial', sid: 7 }, vote]);
    expect(read('client', 'forward', new TextEncoder().encode('srvr'))).toEqual([]);
  });
});

describe('streams that were lost are found again', () => {
  /** What is still told, and that the gap was noted once. */
  function rest(link: TapLink, direction: Direction, bytes: Uint8Array): readonly TapMessage[] {
    const [gap, ...others] = read(link, direction, bytes, 'lost');
    expect(gap?.message).toBe('gap');
    return others;
  }

  test('a quorum stream at the next packet without data', () => {
    const tail = join(fromLeader.subarray(20), encodePacket({ type: 4, zxid: zxidOf(2, 2) }));
    // The proposal and its commit come behind the PING in which the stream is found again.
    const late = tail.subarray(tail.length - 5200);
    expect(rest('quorum', 'backward', late).at(-1)).toEqual({ message: 'COMMIT', zxid: hex(2, 2) });
    const garbage = join(
      new Uint8Array(40).fill(0xaa),
      fromLeader.subarray(fromLeader.length - 20),
    );
    expect(rest('quorum', 'backward', garbage)).toEqual([committed]);
  });

  test('an election at the next notification, a client at the next ping', () => {
    const torn = join(elections.subarray(3), framed(notification));
    expect(rest('election', 'forward', torn)).toEqual([vote, vote, vote]);
    const odd = join(new Uint8Array(9).fill(0xff), ping, set);
    expect(rest('client', 'forward', odd)).toEqual([asked[1]]);
    const back = join(new Uint8Array(9).fill(0xff), pong, replies.subarray(replies.length - 20));
    expect(rest('client', 'backward', back)).toEqual([answered[2]]);
  });

  test('garbage never throws, and what follows it is read', () => {
    for (const [, link, direction] of cases) {
      const tap = new WireTap([link], () => 0);
      const connection = tap.connection(link, 1, 2);
      const prng = prngStream('garbage', `${link} ${direction}`);
      for (let count = 0; count < 200; count++) {
        const size = prng.int(1, 300);
        connection.bytes(
          direction,
          Uint8Array.from({ length: size }, () => prng.int(0, 255)),
        );
      }
      connection.closed();
      expect(tap.recording().events.at(-1)?.message).toBe('closed');
    }
  });

  test('lengths that claim much hold nothing: their bytes are passed over', () => {
    const huge = new Uint8Array(16);
    new DataView(huge.buffer).setInt32(0, PacketType.proposal);
    new DataView(huge.buffer).setInt32(12, 1_000_000);
    const bytes = join(huge, txn, new Uint8Array(1_000_000 - txn.length), encode(int, -1));
    expect(read('quorum', 'backward', bytes)).toEqual([{ ...proposed, zxid: '0x0' }]);
  });
});
