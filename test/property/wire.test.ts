import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteQueue } from '../../src/base/byte-queue.ts';
import { parseQuorumVerifier, QuorumVerifier } from '../../src/server/core/quorum-verifier.ts';
import * as client from '../../src/wire/client.ts';
import {
  decodeNotification,
  encodeInitialMessage,
  encodeNotification,
  tryReadInitialMessage,
} from '../../src/wire/election.ts';
import { FrameReader } from '../../src/wire/frame-reader.ts';
import { type Codec, decode, encode, JuteReader, MalformedError } from '../../src/wire/jute.ts';
import * as quorum from '../../src/wire/quorum.ts';
import * as txn from '../../src/wire/txn.ts';
import {
  anyBytes,
  anyDamage,
  anyInt,
  anyLong,
  chunksOf,
  damage,
  valueOf,
} from '../arbitraries/shape.ts';
import {
  anyConnectRequest,
  anyConnectResponse,
  anyForwarded,
  anyMultiRequest,
  anyMultiResponse,
  anyNotification,
  anyPacket,
  anyTxn,
} from '../arbitraries/wire.ts';

const special = new Map<unknown, fc.Arbitrary<unknown>>([
  [client.ConnectRequest, anyConnectRequest],
  [client.ConnectResponse, anyConnectResponse],
  [client.MultiRequest, anyMultiRequest],
  [client.MultiResponse, anyMultiResponse],
]);
/** Every record that the wire modules export, with values for it. */
const records = [client, quorum, txn].flatMap((module) =>
  Object.entries(module)
    .filter(([, value]) => typeof value === 'object' && value !== null && 'shape' in value)
    .map(([name, value]) => {
      const codec = value as unknown as Codec<unknown>;
      return { name, codec, values: special.get(value) ?? valueOf(codec) };
    }),
);

/** Runs a decoder on bytes that may be anything: it answers or says that they are malformed. */
function survives(decoder: () => unknown): boolean {
  try {
    decoder();
    return true;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

const decoders: ReadonlyArray<readonly [string, (bytes: Uint8Array) => unknown]> = [
  ...records.map(({ name, codec }) => [name, (bytes: Uint8Array) => decode(codec, bytes)] as const),
  ['transaction', txn.decodeTxn],
  ['notification', decodeNotification],
  ['initial message', (bytes) => tryReadInitialMessage(bytes, 0)],
  ['packet', (bytes) => quorum.tryReadPacket(bytes, 0)],
  ['touches', quorum.decodeTouches],
  ['forwarded request', quorum.decodeForwarded],
  ['reply', (bytes) => client.readReply(bytes)],
  ['configuration text', (bytes) => parseQuorumVerifier(new TextDecoder().decode(bytes))],
];

describe('round trips', () => {
  test('there are records to test', () => {
    expect(records.length).toBeGreaterThanOrEqual(45);
  });

  test.each(records)('$name', ({ codec, values }) => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encode(codec, value);
        const reader = new JuteReader(bytes);
        expect(codec.read(reader)).toEqual(value);
        expect(reader.remaining).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('transactions, with and without digest', () => {
    fc.assert(
      fc.property(anyTxn, (value) => {
        expect(txn.decodeTxn(txn.encodeTxn(value))).toEqual(value);
      }),
      { numRuns: 400 },
    );
  });

  test('notifications and initial messages', () => {
    fc.assert(
      fc.property(anyNotification, (value) => {
        expect(decodeNotification(encodeNotification(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(anyLong, fc.string({ minLength: 1 }), anyBytes, (sid, address, behind) => {
        const bytes = encodeInitialMessage({ sid, address });
        const stream = Uint8Array.from([...bytes, ...behind]);
        const read = tryReadInitialMessage(stream, 0);
        expect(read).toEqual({ message: { sid, address }, next: bytes.length });
        for (let end = 0; end < bytes.length; end++) {
          expect(tryReadInitialMessage(bytes.subarray(0, end), 0)).toBeUndefined();
        }
      }),
    );
  });

  test('forwarded requests and touches', () => {
    fc.assert(
      fc.property(anyForwarded, (value) => {
        expect(quorum.decodeForwarded(quorum.encodeForwarded(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(anyLong, anyInt)), (touches) => {
        expect(quorum.decodeTouches(quorum.encodeTouches(touches))).toEqual(touches);
      }),
    );
  });

  test('configuration texts', () => {
    const port = fc.integer({ min: 1, max: 65535 });
    const host = fc.constantFrom('127.0.0.1', 'zk-1.example', '::1', 'fe80::1');
    const server = fc.record({
      sid: fc.integer({ min: 0, max: 255 }),
      host,
      quorumPort: port,
      electionPort: port,
      role: fc.constantFrom('participant' as const, 'observer' as const),
      client: fc.option(fc.tuple(host, port), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(server, { selector: ({ sid }) => sid, maxLength: 7 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (servers, version) => {
          const verifier = new QuorumVerifier(
            servers.map(({ client: address, ...rest }) =>
              address === undefined
                ? rest
                : { ...rest, clientHost: address[0], clientPort: address[1] },
            ),
            version,
          );
          const parsed = parseQuorumVerifier(verifier.toText());
          expect([...parsed.members]).toEqual([...verifier.members]);
          expect(parsed.version).toBe(version);
        },
      ),
    );
  });
});

describe('streams', () => {
  test('frames come out as they went in, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 8 }), fc.array(fc.nat()), (payloads, cuts) => {
        const stream = Uint8Array.from(
          payloads.flatMap((payload) => [...client.encodeFrame((writer) => writer.raw(payload))]),
        );
        const reader = new FrameReader(64);
        const frames: Uint8Array[] = [];
        for (const chunk of chunksOf(stream, cuts)) {
          reader.push(chunk);
          chunk.fill(0xee);
          for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
            frames.push(frame);
          }
        }
        expect(frames).toEqual(payloads);
        expect(reader.sizeBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('packets come out as they went in, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(anyPacket, { maxLength: 6 }), fc.array(fc.nat()), (packets, cuts) => {
        const stream = Uint8Array.from(
          packets.flatMap((packet) => [...quorum.encodePacket(packet)]),
        );
        const queue = new ByteQueue();
        const received: unknown[] = [];
        for (const chunk of chunksOf(stream, cuts)) {
          queue.push(chunk);
          for (;;) {
            const read = quorum.tryReadPacket(queue.bytes, queue.offset);
            if (read === undefined) break;
            received.push(read.packet);
            queue.consume(read.next - queue.offset);
          }
        }
        expect(received).toEqual(packets);
        expect(queue.sizeBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('a byte queue is a string of bytes with a front and an end', () => {
    const step = fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: 3000 }) }),
      fc.record({ consume: fc.nat({ max: 4000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue(20_000);
        let model: number[] = [];
        for (const action of steps) {
          if ('push' in action) {
            if (model.length + action.push.length > 20_000) {
              expect(() => queue.push(action.push)).toThrow('exceed the bound');
            } else {
              queue.push(action.push);
              model = [...model, ...action.push];
            }
          } else {
            queue.consume(action.consume);
            model = model.slice(action.consume);
          }
          expect(queue.sizeBytes).toBe(model.length);
          expect([...queue.bytes.subarray(queue.offset)]).toEqual(model);
        }
      }),
    );
  });

  test('arbitrary bytes in chunks end in frames or one MalformedError, and stay bounded', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Likely lengths, so that frames do come out.
      fc.integer({ min: 0, max: 40 }).map((length) => Uint8Array.from([0, 0, 0, length])),
    );
    let frameCount = 0;
    let malformedCount = 0;
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
        const reader = new FrameReader(100);
        for (const bytes of chunks) {
          const isWhole = survives(() => {
            reader.push(bytes);
            for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
              frameCount++;
              expect(frame.length).toBeLessThanOrEqual(100);
              for (const [, decoder] of decoders) survives(() => decoder(frame as Uint8Array));
            }
          });
          if (!isWhole) {
            malformedCount++;
            return;
          }
          expect(reader.sizeBytes).toBeLessThan(104);
        }
      }),
      { numRuns: 300 },
    );
    expect(frameCount).toBeGreaterThan(0);
    expect(malformedCount).toBeGreaterThan(0);
  });

  test('arbitrary bytes on the learner port end in packets or one MalformedError', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (chunks) => {
        const queue = new ByteQueue();
        survives(() => {
          for (const bytes of chunks) {
            queue.push(bytes);
            for (;;) {
              const read = quorum.tryReadPacket(queue.bytes, queue.offset);
              if (read === undefined) break;
              queue.consume(read.next - queue.offset);
            }
          }
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('hostile bytes', () => {
  test.each(decoders)('arbitrary ones: %s', (_, decoder) => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      // Small numbers make plausible lengths and counts.
      fc
        .array(fc.constantFrom(0, 0, 0, 1, 2, 4, 255), { maxLength: 120 })
        .map((all) => Uint8Array.from(all)),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        survives(() => decoder(input));
      }),
      { numRuns: 150 },
    );
  });

  test.each(records)('damaged valid ones: $name', ({ codec, values }) => {
    fc.assert(
      fc.property(values, anyDamage, (value, how) => {
        survives(() => decode(codec, damage(encode(codec, value), how)));
      }),
      { numRuns: 80 },
    );
  });

  test('damaged transactions, packets and notifications', () => {
    let malformedCount = 0;
    fc.assert(
      fc.property(anyTxn, anyPacket, anyNotification, anyDamage, (value, packet, note, how) => {
        const inputs = [
          [txn.decodeTxn, txn.encodeTxn(value)],
          [(bytes: Uint8Array) => quorum.tryReadPacket(bytes, 0), quorum.encodePacket(packet)],
          [decodeNotification, encodeNotification(note)],
        ] as const;
        for (const [decoder, bytes] of inputs) {
          if (!survives(() => decoder(damage(bytes, how)))) malformedCount++;
        }
      }),
      { numRuns: 500 },
    );
    expect(malformedCount).toBeGreaterThan(50);
  });

  test('a count or length of 2^31-1 is refused before anything is kept for it', () => {
    const huge = Uint8Array.from([0x7f, 0xff, 0xff, 0xff]);
    expect(() => decode(client.GetChildrenResponse, huge)).toThrow(MalformedError);
    expect(() => decode(client.PathRequest, huge)).toThrow(MalformedError);
    expect(() => {
      const reader = new FrameReader(1000);
      reader.push(huge);
      reader.next();
    }).toThrow(MalformedError);
    const packet = Uint8Array.from([...new Uint8Array(12), ...huge]);
    expect(() => quorum.tryReadPacket(packet, 0)).toThrow(MalformedError);
  });
});
