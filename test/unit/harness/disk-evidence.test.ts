import { describe, expect, test } from 'vitest';
import { readServerDisk } from '../../../src/harness/disk-evidence.ts';
import {
  encodeEpoch,
  encodeLogEntry,
  encodeLogHeader,
  encodeSnapshotFile,
} from '../../../src/wire/storage.ts';
import { encodeTxn, type TxnBody } from '../../../src/wire/txn.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const SESSION = 0x1_0000_0000_0001n;

function join(chunks: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from([...chunks].flatMap((chunk) => [...chunk]));
}

function entry(zxid: bigint, txn: TxnBody): Uint8Array {
  const header = { clientId: SESSION, cxid: 7, zxid, time: 1n, type: txn.type };
  return encodeLogEntry(encodeTxn({ header, txn }));
}

const create = (path: string, isEphemeral = false, parentCversion = 1): TxnBody => ({
  type: 1,
  body: { path, data: text(path), acl: [], isEphemeral, parentCversion },
});

function snapshot(zxid: bigint, paths: readonly string[]): Uint8Array {
  const stat = {
    czxid: 1n,
    mzxid: 1n,
    ctime: 0n,
    mtime: 0n,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
    pzxid: 1n,
  };
  return join(
    encodeSnapshotFile({
      zxid,
      sessionCount: 0,
      sessions: [],
      aclCount: 0,
      acls: [],
      nodes: ['', ...paths]
        .map((path) => ({ path, data: text(`old ${path}`), aclKey: -1n, stat }))
        [Symbol.iterator](),
      treeDigest: 0n,
    }),
  );
}

describe('what a server left on its disk', () => {
  test('is the newest snapshot and every later transaction of its logs, in order', () => {
    const disk = readServerDisk(
      new Map([
        [
          'version-2/log.100000003',
          join([
            encodeLogHeader(),
            entry(0x100000003n, create('/a/y', true)),
            entry(0x100000004n, { type: 5, body: { path: '/a', data: text('new'), version: 1 } }),
            entry(0x100000005n, { type: -11, body: { paths: ['/a/y'] } }),
          ]),
        ],
        [
          'version-2/log.100000001',
          join([
            encodeLogHeader(),
            entry(0x100000001n, create('/a')),
            entry(0x100000002n, create('/a/x', false, 4)),
          ]),
        ],
        ['version-2/snapshot.100000001', snapshot(0x100000001n, ['/a'])],
        ['version-2/snapshot.0', snapshot(0n, [])],
        ['version-2/currentEpoch', encodeEpoch(1)],
        ['version-2/acceptedEpoch', text('2\n')],
      ]),
    );
    expect(disk.problems).toEqual([]);
    expect([disk.acceptedEpoch, disk.currentEpoch]).toEqual([2, 1]);
    expect([disk.snapshotZxid, disk.lastZxid]).toEqual([0x100000001n, 0x100000005n]);
    expect(disk.log.map(({ zxid, op, paths }) => [zxid, op, ...paths])).toEqual([
      [0x100000001n, 'create', '/a'],
      [0x100000002n, 'create', '/a/x'],
      [0x100000003n, 'create', '/a/y'],
      [0x100000004n, 'setData', '/a'],
      [0x100000005n, 'closeSession', '/a/y'],
    ]);
    expect([...disk.tree.keys()]).toEqual(['/', '/a', '/a/x']);
    expect(disk.tree.get('/a')).toMatchObject({
      data: text('new'),
      version: 1,
      cversion: 4,
      mzxid: 0x100000004n,
      pzxid: 0x100000005n,
    });
  });

  test('a torn tail ends its file and nothing else; foreign bytes are a problem', () => {
    const torn = entry(0x100000002n, create('/b')).slice(0, 20);
    const disk = readServerDisk(
      new Map([
        [
          'version-2/log.100000001',
          join([encodeLogHeader(), entry(0x100000001n, create('/a')), torn]),
        ],
        ['version-2/log.100000003', join([encodeLogHeader(), entry(0x100000003n, create('/c'))])],
        ['version-2/log.100000009', text('this is no log file at all')],
        ['version-2/snapshot.5', text('nor is this a snapshot')],
        ['version-2/currentEpoch', text('one')],
      ]),
    );
    expect(disk.log.map(({ zxid }) => zxid)).toEqual([0x100000001n, 0x100000003n]);
    expect(disk.snapshotZxid).toBe(-1n);
    expect(disk.tree.has('/c')).toBe(true);
    expect(disk.problems).toEqual([
      'none of 1 snapshots can be read',
      'version-2/log.100000009: bad-header',
      'version-2/currentEpoch holds no epoch',
    ]);
  });

  test('equal transactions have equal fingerprints, others do not', () => {
    const log = (path: string) =>
      readServerDisk(
        new Map([['version-2/log.1', join([encodeLogHeader(), entry(1n, create(path))])]]),
      ).log[0]?.fingerprint;
    expect(log('/a')).toBe(log('/a'));
    expect(log('/a')).not.toBe(log('/b'));
  });
});
