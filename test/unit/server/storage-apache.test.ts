/** A data directory that Apache ZooKeeper 3.8.0 wrote: recovered from each of its (fuzzy) snapshots. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/base/zxid.ts';
import { Database } from '../../../src/server/core/database.ts';
import { wireStat } from '../../../src/server/core/tree/znode.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { DATA, StorageLife } from '../../support/storage-rig.ts';

const fixture = new URL('../../fixtures/storage/apache-3.8.0/', import.meta.url);
const files = readdirSync(new URL('version-2/', fixture)).sort();
const snapshots = files.filter((name) => name.startsWith('snapshot.'));

type ExpectedStat = [string, string, number, number, number, number, number, string, string];
type Expected = Record<string, { readonly data: string; readonly stat: ExpectedStat }>;
const expected = JSON.parse(readFileSync(new URL('expected.json', fixture), 'utf8')) as Expected;

function diskWithout(omitted: readonly string[]): CrashDisk {
  const disk = new CrashDisk();
  for (const name of files) {
    if (omitted.includes(name)) continue;
    disk.put(
      `${DATA}/${name}`,
      new Uint8Array(readFileSync(new URL(`version-2/${name}`, fixture))),
    );
  }
  return disk;
}

function recover(disk: CrashDisk) {
  const database = new Database();
  const life = new StorageLife(disk, { target: database, config: { servers: [] } });
  return { database, life, result: life.recover() };
}

describe('a data directory of Apache ZooKeeper 3.8.0', () => {
  it('has several snapshots and logs', () => {
    expect(snapshots.length).toBeGreaterThanOrEqual(3);
    expect(files.length - snapshots.length).toBeGreaterThanOrEqual(3);
  });

  it('gives the tree that a client read from it', () => {
    const { database } = recover(diskWithout([]));
    const paths = Object.keys(expected);
    expect(paths.length).toBeGreaterThan(25);
    for (const path of paths) {
      const node = database.tree.get(path);
      if (node === undefined) throw new Error(`${path} is missing`);
      const stat = wireStat(node);
      const found = [
        formatHex(stat.czxid),
        formatHex(stat.mzxid),
        Number(stat.ctime),
        Number(stat.mtime),
        stat.version,
        stat.cversion,
        stat.aversion,
        formatHex(stat.ephemeralOwner),
        formatHex(stat.pzxid),
      ];
      expect([path, found]).toEqual([path, expected[path]?.stat]);
      const data = Buffer.from(node.data ?? []).toString('base64');
      expect([path, data]).toEqual([path, expected[path]?.data]);
    }
    expect(database.nodeCount).toBe(paths.length + 1);
  });

  it('gives the same tree from every snapshot, and each digest agrees', () => {
    const whole = recover(diskWithout([]));
    for (let kept = snapshots.length - 1; kept >= 1; kept--) {
      const newestFirst = [...snapshots].sort(
        (a, b) => Number.parseInt(b.slice(9), 16) - Number.parseInt(a.slice(9), 16),
      );
      const omitted = newestFirst.slice(0, snapshots.length - kept);
      const { database, life, result } = recover(diskWithout(omitted));
      expect(result.snapshotZxid).toBe(BigInt(`0x${newestFirst[omitted.length]?.slice(9)}`));
      expect(result.lastZxid).toBe(whole.result.lastZxid);
      expect(database.treeDigest).toBe(whole.database.treeDigest);
      expect(life.logged.filter(({ level }) => level === 'error')).toEqual([]);
    }
  });

  it('is refused when a log in the middle is missing', () => {
    const disk = diskWithout(['log.29', 'snapshot.27', 'snapshot.34']);
    const life = new StorageLife(disk, { target: new Database(), config: { servers: [] } });
    expect(life.tryRecover()).toMatchObject({ ok: false, reason: /transactions are missing/ });
  });

  it('is refused when the digest cannot be true, by a line in the log', () => {
    // A database that forgets transactions ends up with another digest than the log tells.
    class Forgetful extends Database {
      override apply(txn: Parameters<Database['apply']>[0]) {
        return super.apply(
          txn.header.type === 5 ? { ...txn, txn: { type: -1, body: { err: 0 } } } : txn,
        );
      }
    }
    const life = new StorageLife(diskWithout([]), {
      target: new Forgetful(),
      config: { servers: [] },
    });
    life.recover();
    expect(life.logged.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});
