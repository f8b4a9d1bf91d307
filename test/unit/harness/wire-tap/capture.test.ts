/** Captured packets: out of order, sent twice, with a hole, cut short. */
import { describe, expect, test } from 'vitest';
import { PcapReader, type Segment } from '../../../../src/harness/world/wire-tap/pcap.ts';
import { Reassembly } from '../../../../src/harness/world/wire-tap/reassembly.ts';
import type { TapEvent } from '../../../../src/harness/world/wire-tap/tap-event.ts';
import {
  mergeRecordings,
  type TapRecording,
} from '../../../../src/harness/world/wire-tap/wire-tap.ts';
import { goodExchange } from './exchange.ts';

const LEARNER = '172.18.0.2:40000';
const LEADER = '172.18.0.3:2888';

interface Packet {
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  /** FIN 1, SYN 2, RST 4, ACK 16. */
  readonly flags: number;
  readonly text?: string;
}

function frameOf({ from, to, sequence, flags, text = '' }: Packet): Uint8Array {
  const frame = new Uint8Array(14 + 20 + 32 + text.length);
  const view = new DataView(frame.buffer);
  view.setUint16(12, 0x0800);
  frame[14] = 0x45;
  view.setUint16(16, frame.length - 14);
  frame[14 + 9] = 6;
  for (const [at, end] of [from, to].entries()) {
    const [address = '', port] = end.split(':');
    frame.set(address.split('.').map(Number), 14 + 12 + 4 * at);
    view.setUint16(34 + 2 * at, Number(port));
  }
  view.setUint32(38, sequence);
  // Eight words: options follow.
  frame[46] = 0x80;
  frame[47] = flags;
  frame.set(new TextEncoder().encode(text), 66);
  return frame;
}

/** As tcpdump writes it on a little-endian host, with nanoseconds. */
function captureOf(packets: readonly Packet[], cutBytes = 0): Uint8Array {
  const words: number[] = [0xa1b23c4d, 2 + (4 << 16), 0, 0, 262_144, 1];
  const chunks: Uint8Array[] = [new Uint8Array(new Uint32Array(words).buffer)];
  for (const [index, packet] of packets.entries()) {
    const frame = frameOf(packet);
    const kept = frame.length - cutBytes;
    chunks.push(new Uint8Array(new Uint32Array([5, index, kept, frame.length]).buffer));
    chunks.push(frame.subarray(0, kept));
  }
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

function segmentsOf(bytes: Uint8Array, chunkBytes: number): Segment[] {
  const segments: Segment[] = [];
  const reader = new PcapReader((segment) => segments.push(segment));
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.push(bytes.subarray(at, at + chunkBytes));
  }
  return segments;
}

/** What a tap of these packets is told. */
function told(packets: readonly Packet[]): string[] {
  const lines: string[] = [];
  const reassembly = new Reassembly((from, to) => {
    lines.push(`opened ${from} ${to}`);
    return {
      bytes: (direction, chunk) => lines.push(`${direction} ${new TextDecoder().decode(chunk)}`),
      gap: (direction) => lines.push(`${direction} gap`),
      closed: () => lines.push('closed'),
    };
  });
  for (const segment of segmentsOf(captureOf(packets), 1000)) reassembly.push(segment);
  reassembly.end();
  return lines;
}

const up = (sequence: number, flags: number, text?: string): Packet => ({
  ...{ from: LEARNER, to: LEADER, sequence: sequence >>> 0, flags },
  ...(text === undefined ? {} : { text }),
});
const down = (sequence: number, flags: number, text?: string): Packet => ({
  ...up(sequence, flags, text),
  ...{ from: LEADER, to: LEARNER },
});
const opened = `opened ${LEARNER} ${LEADER}`;
/** Sequence numbers that pass 2^32. */
const BEGIN = -3;
const handshake = [up(BEGIN, 2), down(900, 18)];

describe('a capture', () => {
  test('is read in chunks of any size', () => {
    const bytes = captureOf([...handshake, up(BEGIN + 1, 16, 'hello')]);
    const whole = segmentsOf(bytes, bytes.length);
    expect(whole.map(({ payload }) => payload.length)).toEqual([0, 0, 5]);
    expect(whole[2]).toMatchObject({ from: LEARNER, to: LEADER, timeNs: 5_000_000_002n });
    for (const size of [1, 7, 64]) expect(segmentsOf(bytes, size)).toEqual(whole);
  });

  test('that is none, or that lacks bytes, is refused', () => {
    expect(() => segmentsOf(new Uint8Array(64), 64)).toThrow('does not begin with');
    expect(() => segmentsOf(captureOf([up(1, 16, 'hello')], 2), 512)).toThrow('cut short');
  });
});

describe('connections', () => {
  test('begin with a SYN and end when both ends have', () => {
    const packets = [
      ...handshake,
      up(BEGIN + 1, 16, 'ab'),
      down(901, 16, 'xy'),
      up(BEGIN + 3, 17, 'cd'),
      down(903, 17),
    ];
    const lines = [opened, 'forward ab', 'backward xy', 'forward cd', 'closed'];
    expect(told(packets)).toEqual(lines);
    expect(told(packets.slice(2))).toEqual([]);
  });

  test('are told each byte once, in order', () => {
    const packets = [
      ...[up(BEGIN, 2), ...handshake, up(BEGIN + 3, 16, 'cd'), up(BEGIN + 1, 16, 'ab')],
      ...[up(BEGIN + 1, 16, 'abcd'), up(BEGIN + 3, 16, 'cdef'), up(BEGIN + 7, 20)],
    ];
    expect(told(packets)).toEqual([opened, 'forward ab', 'forward cd', 'forward ef', 'closed']);
  });

  test('of the same ports are told apart', () => {
    const again = [up(5000, 2), down(77, 18), up(5001, 16, 'new')];
    const packets = [...handshake, up(BEGIN + 1, 16, 'old'), ...again];
    expect(told(packets)).toEqual([opened, 'forward old', 'closed', opened, 'forward new']);
  });

  test('begin with a SYN that is sent again when the refusal of the first was lost', () => {
    const packets = [up(BEGIN, 2), down(0, 20), ...handshake, up(BEGIN + 1, 16, 'ab')];
    expect(told(packets)).toEqual([opened, 'closed', opened, 'forward ab']);
  });

  test('with a hole that nobody fills have a gap', () => {
    const packets = [...handshake, up(BEGIN + 1, 16, 'ab'), up(BEGIN + 9, 16, 'no')];
    expect(told(packets)).toEqual([opened, 'forward ab', 'forward gap', 'closed']);
    expect(told([up(BEGIN, 2), down(901, 16, 'xy')])).toEqual([opened, 'backward gap', 'closed']);
  });
});

test('two recordings become one, by time', () => {
  const events = goodExchange(1);
  const [clients, peers] = [true, false].map(
    (isClient): TapRecording => ({
      links: isClient ? ['client'] : ['quorum'],
      events: events.filter(({ link }) => (link === 'client') === isClient),
      dropped: 1,
    }),
  ) as [TapRecording, TapRecording];
  const merged = mergeRecordings(clients, peers);
  expect(merged).toMatchObject({ links: ['client', 'quorum'], dropped: 2 });
  const bare = (all: readonly TapEvent[]) => all.map((event) => ({ ...event, connection: 0 }));
  expect(bare(merged.events)).toEqual(bare(events));
  expect(new Set(merged.events.map(({ connection }) => connection)).size).toBe(3);
});
