/** Snapshots: the recorded file of a fresh server, both forms, and what does not pass. */
import { describe, expect, it } from 'vitest';
import type { Acl } from '../../../src/wire/client.ts';
import { MalformedError } from '../../../src/wire/jute.ts';
import {
  encodeSnapshotFile,
  encodeSnapshotStream,
  SNAPSHOT_CHUNK_SIZE_BYTES,
  SnapshotDecoder,
  type SnapshotSink,
  type SnapshotSource,
} from '../../../src/wire/storage.ts';

type Node = Parameters<SnapshotSink['node']>[0];

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const ZEROS = '00'.repeat(60);
/** What a fresh standalone Apache ZooKeeper 3.9.5 writes as snapshot.0. */
const fresh = hex(`
  5a4b534e 00000002 ffffffffffffffff 00000000
  00000001 0000000000000001 00000001 00000001 00000005 776f726c64 00000006 616e796f6e65
  00000000 00000000 ffffffffffffffff ${ZEROS}
  0000000a 2f7a6f6f6b6565706572 00000000 ffffffffffffffff ${ZEROS}
  00000011 2f7a6f6f6b65657065722f636f6e666967 00000000 0000000000000001
    ${'00'.repeat(32)} 00000000 00000000 ffffffff ${'00'.repeat(16)}
  00000010 2f7a6f6f6b65657065722f71756f7461 00000000 ffffffffffffffff ${ZEROS}
  00000001 2f
  00000000b8a23b49 00000001 2f
  0000000000000000 00000002 0000000000000000
  0000000095b93d59 00000001 2f
  0000000000000000
  00000000bde83f6d 00000001 2f`);
/** Where the file may lawfully end: after each of its seals. */
const SEAL_1_END = 0x19b + 13;
const SEAL_2_END = SEAL_1_END + 33;

const zeroStat = {
  czxid: 0n,
  mzxid: 0n,
  ctime: 0n,
  mtime: 0n,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  pzxid: 0n,
};
const node = (path: string, data = new Uint8Array(0)): Node => ({
  path,
  data,
  aclKey: -1n,
  stat: zeroStat,
});
const world: readonly Acl[] = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }];

function source(nodes: readonly Node[], sessions: ReadonlyArray<readonly [bigint, number]> = []) {
  const view: SnapshotSource = {
    zxid: 0n,
    sessionCount: sessions.length,
    sessions,
    aclCount: 1,
    acls: [[1n, world]],
    nodes: nodes[Symbol.iterator](),
    treeDigest: 0n,
  };
  return view;
}
const freshNodes = [
  node(''),
  node('/zookeeper'),
  { ...node('/zookeeper/config'), aclKey: 1n, stat: { ...zeroStat, aversion: -1 } },
  node('/zookeeper/quota'),
];

function join(chunks: Iterable<Uint8Array>): Uint8Array {
  const all = [...chunks];
  for (const chunk of all) expect(chunk.length).toBeLessThanOrEqual(SNAPSHOT_CHUNK_SIZE_BYTES);
  return Uint8Array.from(all.flatMap((chunk) => [...chunk]));
}

function collector() {
  const found = {
    sessions: [] as unknown[],
    acls: [] as unknown[],
    nodes: [] as Node[],
    zxid: -1n,
  };
  const sink: SnapshotSink = {
    session: (sessionId, timeoutMs) => found.sessions.push([sessionId, timeoutMs]),
    acl: (key, acl) => found.acls.push([key, acl]),
    node: (value) => found.nodes.push(value),
    finish: (zxid) => {
      found.zxid = zxid;
    },
  };
  return { found, sink };
}

function decodeFile(bytes: Uint8Array, chunkSizeBytes = 64) {
  const { found, sink } = collector();
  const decoder = new SnapshotDecoder('file', sink);
  for (let at = 0; at < bytes.length; at += chunkSizeBytes) {
    decoder.push(bytes.subarray(at, at + chunkSizeBytes));
  }
  return { found, trailer: decoder.end() };
}

describe('snapshot file', () => {
  it('of a fresh tree has the bytes that upstream writes', () => {
    expect(fresh.length).toBe(478);
    expect(join(encodeSnapshotFile(source(freshNodes)))).toEqual(fresh);
  });

  it('is read back, whatever the chunks', () => {
    for (const chunkSizeBytes of [1, 5, 64, 1000]) {
      const { found, trailer } = decodeFile(fresh, chunkSizeBytes);
      expect(found.nodes).toEqual(freshNodes);
      expect(found.acls).toEqual([[1n, world]]);
      expect(trailer).toEqual({
        digest: { zxid: 0n, version: 2, treeDigest: 0n },
        lastProcessedZxid: 0n,
      });
    }
  });

  it('may end after each seal, as older servers write it', () => {
    expect(decodeFile(fresh.subarray(0, SEAL_1_END)).trailer).toEqual({});
    expect(decodeFile(fresh.subarray(0, SEAL_2_END)).trailer).toEqual({
      digest: { zxid: 0n, version: 2, treeDigest: 0n },
    });
  });

  it('is refused when it ends anywhere else, or with bytes behind it', () => {
    const lawful = new Set([SEAL_1_END, SEAL_2_END, fresh.length]);
    for (let size = 0; size < fresh.length; size++) {
      if (lawful.has(size)) continue;
      expect(() => decodeFile(fresh.subarray(0, size)), `${size} bytes`).toThrow(MalformedError);
    }
    expect(() => decodeFile(Uint8Array.from([...fresh, 0]))).toThrow(MalformedError);
    expect(() => decodeFile(Uint8Array.from([...fresh, ...fresh]))).toThrow(MalformedError);
  });

  it('is refused for any byte that changed', () => {
    // The id in the header means nothing, but it is under the seal as well.
    for (let at = 0; at < fresh.length; at++) {
      const bytes = fresh.slice();
      bytes[at] = (bytes[at] as number) ^ 0x10;
      expect(() => decodeFile(bytes), `byte ${at}`).toThrow(MalformedError);
    }
  });

  it('cuts large nodes and long session tables into chunks', () => {
    const large = node('/large', new Uint8Array(300_000).fill(3));
    const sessions = Array.from({ length: 9000 }, (_, index) => [BigInt(index), 4000] as const);
    const bytes = join(encodeSnapshotFile(source([node(''), large], sessions)));
    const { found } = decodeFile(bytes, 4096);
    expect(found.nodes[1]?.data?.length).toBe(300_000);
    expect(found.sessions).toEqual(sessions);
  });

  it('names the field of a length that no value may have', () => {
    const bytes = join(encodeSnapshotStream(source([node(''), node('/a')])));
    const at = bytes.length - 5 - 60 - 8 - 4;
    bytes.set([0x7f, 0, 0, 0], at);
    const decoder = new SnapshotDecoder('stream', collector().sink);
    expect(() => decoder.push(bytes)).toThrow(/SnapshotNode\.data/);
  });
});

describe('snapshot stream', () => {
  it('takes exactly its own bytes out of the last chunk', () => {
    const body = join(encodeSnapshotStream(source(freshNodes, [[5n, 4000]])));
    const after = new TextEncoder().encode('____BenWasHere and packets');
    const all = Uint8Array.from([...body, ...after]);
    for (const chunkSizeBytes of [1, 3, 50, 10_000]) {
      const { found, sink } = collector();
      const decoder = new SnapshotDecoder('stream', sink);
      let at = 0;
      while (!decoder.isDone) at += decoder.push(all.subarray(at, at + chunkSizeBytes));
      expect(at).toBe(body.length);
      expect(decoder.push(after)).toBe(0);
      expect(found.nodes).toEqual(freshNodes);
      expect(found.sessions).toEqual([[5n, 4000]]);
      decoder.finish(9n);
      expect(found.zxid).toBe(9n);
    }
  });
});
