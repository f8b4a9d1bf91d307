/** Log and snapshot decoders against arbitrary bytes, in arbitrary chunks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Zxid } from '../../src/base/zxid.ts';
import type { Acl } from '../../src/wire/client.ts';
import { MalformedError } from '../../src/wire/jute.ts';
import {
  encodeLogEntry,
  encodeLogHeader,
  encodeSnapshotFile,
  encodeSnapshotStream,
  type LogEntry,
  LogReader,
  SnapshotDecoder,
  type SnapshotSink,
} from '../../src/wire/storage.ts';

type Node = Parameters<SnapshotSink['node']>[0];

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ maxLength: 12 });
const acl: fc.Arbitrary<Acl> = fc.record({
  perms: int,
  id: fc.record({ scheme: text, id: text }),
});
const node: fc.Arbitrary<Node> = fc.record({
  path: text.map((name) => `/x${name}`),
  data: fc.option(fc.uint8Array({ maxLength: 40 })),
  aclKey: long,
  stat: fc.record({
    czxid: long,
    mzxid: long,
    ctime: long,
    mtime: long,
    version: int,
    cversion: int,
    aversion: int,
    ephemeralOwner: long,
    pzxid: long,
  }),
});
const content = fc.record({
  zxid: long,
  treeDigest: long,
  sessions: fc.array(fc.tuple(long, int), { maxLength: 4 }),
  acls: fc.array(fc.tuple(long, fc.array(acl, { maxLength: 3 })), { maxLength: 3 }),
  nodes: fc.array(node, { maxLength: 8 }),
});
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

const sourceOf = ({ zxid, treeDigest, sessions, acls, nodes }: Content) => ({
  zxid,
  treeDigest,
  sessionCount: sessions.length,
  sessions,
  aclCount: acls.length,
  acls,
  nodes: nodes.values(),
});

function collector() {
  const found = {
    sessions: [] as unknown[],
    acls: [] as unknown[],
    nodes: [] as Node[],
  };
  const sink: SnapshotSink = {
    session: (sessionId, timeoutMs) => found.sessions.push([sessionId, timeoutMs]),
    acl: (key, value) => found.acls.push([key, value]),
    node: (value) => found.nodes.push(value),
    finish: () => {},
  };
  return { found, sink };
}

const join = (chunks: Iterable<Uint8Array>): Uint8Array =>
  Uint8Array.from([...chunks].flatMap((chunk) => [...chunk]));

/** Pieces of random sizes, also empty ones. */
function* pieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size =
      sizes.length === 0 || turn > 500 ? bytes.length : (sizes[turn % sizes.length] ?? 0);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
const sizes = fc.array(fc.nat({ max: 40 }), { maxLength: 6 });
/** Flips at random places of otherwise good bytes: the damage that reaches furthest. */
const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 3 });
function damage(bytes: Uint8Array, changes: ReadonlyArray<readonly [number, number]>): Uint8Array {
  const damaged = bytes.slice();
  for (const [at, mask] of changes) {
    const index = at % damaged.length;
    damaged[index] = (damaged[index] as number) ^ mask;
  }
  return damaged;
}

describe('snapshot decoder', () => {
  it('gives back what was encoded, in both forms and any chunks', () => {
    fc.assert(
      fc.property(content, sizes, fc.uint8Array({ maxLength: 30 }), (value, chunkSizes, after) => {
        const expected = {
          sessions: value.sessions,
          acls: value.acls,
          nodes: value.nodes,
        };
        const file = collector();
        const decoder = new SnapshotDecoder('file', file.sink);
        const bytes = join(encodeSnapshotFile(sourceOf(value)));
        for (const chunk of pieces(bytes, chunkSizes))
          expect(decoder.push(chunk)).toBe(chunk.length);
        expect(decoder.end()).toEqual({
          digest: { zxid: value.zxid, version: 2, treeDigest: value.treeDigest },
          lastProcessedZxid: value.zxid,
        });
        expect(file.found).toEqual(expected);

        const stream = collector();
        const body = join(encodeSnapshotStream(sourceOf(value)));
        const streamDecoder = new SnapshotDecoder('stream', stream.sink);
        let used = 0;
        for (const chunk of pieces(Uint8Array.from([...body, ...after]), chunkSizes)) {
          used += streamDecoder.push(chunk);
        }
        expect(used).toBe(body.length);
        expect(stream.found).toEqual(expected);
      }),
    );
  });

  it('accepts no damaged file, and fails in no other way', () => {
    fc.assert(
      fc.property(content, sizes, flips, fc.nat(), (value, chunkSizes, changes, cut) => {
        const good = join(encodeSnapshotFile(sourceOf(value)));
        const bytes = damage(good, changes).subarray(
          0,
          good.length - (cut % 4 === 0 ? cut % 200 : 0),
        );
        const decoder = new SnapshotDecoder('file', collector().sink);
        let isAccepted = true;
        try {
          for (const chunk of pieces(bytes, chunkSizes)) decoder.push(chunk);
          decoder.end();
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
          isAccepted = false;
        }
        const seals = [0, 21, 54].map((size) => good.length - size);
        const isGood = bytes.every((byte, at) => byte === good[at]) && seals.includes(bytes.length);
        expect(isAccepted).toBe(isGood);
      }),
    );
  });

  it('survives arbitrary bytes', () => {
    const start = join(
      encodeSnapshotFile(sourceOf({ zxid: 0n, treeDigest: 0n, sessions: [], acls: [], nodes: [] })),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        sizes,
        fc.boolean(),
        (tail, chunkSizes, isStream) => {
          const decoder = new SnapshotDecoder(isStream ? 'stream' : 'file', collector().sink);
          const bytes = isStream ? tail : Uint8Array.from([...start.subarray(0, 24), ...tail]);
          try {
            for (const chunk of pieces(bytes, chunkSizes)) decoder.push(chunk);
            if (!isStream) decoder.end();
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
          }
        },
      ),
    );
  });
});

describe('log reader', () => {
  const payload = fc.uint8Array({ minLength: 32, maxLength: 120 });

  function read(bytes: Uint8Array, chunkSizes: readonly number[]) {
    const reader = new LogReader();
    const entries: LogEntry[] = [];
    const chunks = pieces(bytes, chunkSizes);
    for (;;) {
      const item = reader.next();
      if (item === undefined) {
        const chunk = chunks.next();
        if (chunk.done === true) reader.finish();
        else reader.push(chunk.value);
      } else if (item.kind === 'end') return { entries, end: item };
      else entries.push(item);
    }
  }
  const zxidIn = (bytes: Uint8Array): Zxid => new DataView(bytes.buffer).getBigInt64(12) as Zxid;

  it('gives back what was encoded, up to the first damage', () => {
    fc.assert(
      fc.property(
        fc.array(payload, { maxLength: 6 }),
        sizes,
        flips,
        fc.nat({ max: 300 }),
        (payloads, chunkSizes, changes, zeroCount) => {
          const good = join([encodeLogHeader(), ...payloads.map(encodeLogEntry)]);
          const bytes = Uint8Array.from([...damage(good, changes), ...new Uint8Array(zeroCount)]);
          const { entries, end } = read(bytes, chunkSizes);
          // The database id in the header, bytes 8 to 15, means nothing.
          const isWhole = good.every((byte, at) => byte === bytes[at] || (at >= 8 && at < 16));
          entries.forEach((entry, index) => {
            // What is given out was written: a checksum does not match by accident.
            expect(entry.payload).toEqual(payloads[index]);
            expect(entry.zxid).toBe(zxidIn(entry.payload));
          });
          expect(end.position).toBe(
            entries.at(-1)?.end ?? (end.reason.endsWith('header') ? 0 : 16),
          );
          if (isWhole) {
            expect(entries.length).toBe(payloads.length);
            expect(end.reason).toBe(zeroCount === 0 ? 'end-of-file' : 'zeros');
          } else if (end.reason !== 'bad-header') {
            expect(entries.length).toBeLessThan(payloads.length);
          }
        },
      ),
    );
  });

  it('answers arbitrary bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        sizes,
        fc.boolean(),
        (tail, chunkSizes, hasHeader) => {
          const bytes = hasHeader ? Uint8Array.from([...encodeLogHeader(), ...tail]) : tail;
          const { end } = read(bytes, chunkSizes);
          expect(end.position).toBeLessThanOrEqual(bytes.length);
          expect(end.claimedEnd).toBeGreaterThanOrEqual(end.position);
        },
      ),
    );
  });
});
