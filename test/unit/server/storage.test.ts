/** What storage does with its files, story by story: the order of operations, repairs and refusals. */
import { describe, expect, it } from 'vitest';
import type { FileRequest } from '../../../src/base/file.ts';
import { Prng } from '../../../src/base/prng.ts';
import { type Zxid, zxidOf } from '../../../src/base/zxid.ts';
import type { StorageResult } from '../../../src/server/core/storage/storage.ts';
import { adler32 } from '../../../src/wire/checksum.ts';
import {
  encodeEpoch,
  encodeLogEntry,
  encodeLogHeader,
  encodeSnapshotFile,
  LOG_HEADER_SIZE_BYTES,
} from '../../../src/wire/storage.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import {
  DATA,
  type HistoryEntry,
  ModelTarget,
  payloadOf,
  StorageLife,
} from '../../support/storage-rig.ts';

const MIB = 1024 * 1024;
const entry = (zxid: Zxid, sizeBytes = 10): HistoryEntry => ({
  zxid,
  data: new Uint8Array(sizeBytes).fill(Number(zxid & 0xffn)),
});
/** Transactions (epoch, from) … (epoch, to). */
const range = (epoch: number, from: number, to: number, sizeBytes = 10): HistoryEntry[] =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    entry(zxidOf(epoch, from + index), sizeBytes),
  );

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
const logFile = (entries: readonly HistoryEntry[]): Uint8Array =>
  concat([encodeLogHeader(), ...entries.map((one) => encodeLogEntry(payloadOf(one)))]);

function snapshotFile(history: readonly HistoryEntry[]): Uint8Array {
  const target = new ModelTarget();
  target.load(history);
  return concat([...encodeSnapshotFile(target.openSnapshot())]);
}

function diskOf(files: Readonly<Record<string, Uint8Array>>): CrashDisk {
  const disk = new CrashDisk();
  for (const [name, bytes] of Object.entries(files)) disk.put(`${DATA}/${name}`, bytes);
  return disk;
}

/** A life that has recovered, with its model database. */
function recovered(disk: CrashDisk, options: ConstructorParameters<typeof StorageLife>[1] = {}) {
  const target = new ModelTarget();
  const life = new StorageLife(disk, { target, ...options });
  const result = life.recover();
  disk.journal.length = 0;
  return { life, target, storage: life.storage, result };
}

/** Without the mark of the session ids, which is no part of the history. */
const historyFiles = (disk: CrashDisk): string[] =>
  disk.names(DATA).filter((name) => name !== 'sessionIds');

function refusal(files: Readonly<Record<string, Uint8Array>>): string {
  const disk = diskOf(files);
  const look = () =>
    disk.names(DATA).map((name) => [name, adler32(disk.content(`${DATA}/${name}`) as Uint8Array)]);
  const before = look();
  const result = new StorageLife(disk).tryRecover();
  if (result === undefined || result.ok) return 'not refused';
  // A refusal leaves the evidence alone.
  expect(look()).toEqual(before);
  return result.reason;
}

const describeRequest = (request: FileRequest): string => {
  const name = request.path.slice(request.path.lastIndexOf('/') + 1);
  return `${request.kind} ${name}`;
};

function append(life: StorageLife, entries: readonly HistoryEntry[]): void {
  for (const one of entries) life.storage.append(one.zxid, payloadOf(one));
}

const snapshot0 = snapshotFile([]);
const base = {
  'snapshot.0': snapshot0,
  acceptedEpoch: encodeEpoch(9),
  currentEpoch: encodeEpoch(0),
};

describe('a fresh directory', () => {
  it('gets its first snapshot and then its epoch files, each for good', () => {
    const disk = new CrashDisk();
    const life = new StorageLife(disk);
    expect(life.recover()).toMatchObject({
      lastZxid: 0n,
      snapshotZxid: 0n,
      acceptedEpoch: 0,
      currentEpoch: 0,
      replayed: [],
    });
    expect(historyFiles(disk)).toEqual(['acceptedEpoch', 'currentEpoch', 'snapshot.0']);
    const writes = disk.journal.map(describeRequest).filter((line) => /rename|flush/.test(line));
    expect(writes).toEqual([
      'flush-directory data',
      'flush-directory version-2',
      'flush snapshot.0.tmp',
      'rename snapshot.0.tmp',
      'flush-directory version-2',
      'flush acceptedEpoch.tmp',
      'rename acceptedEpoch.tmp',
      'flush-directory version-2',
      'flush currentEpoch.tmp',
      'rename currentEpoch.tmp',
      'flush-directory version-2',
      'flush sessionIds.tmp',
      'rename sessionIds.tmp',
      'flush-directory version-2',
    ]);
  });

  it('gets no epoch files for a standalone server', () => {
    const disk = new CrashDisk();
    new StorageLife(disk, { config: { servers: [] } }).recover();
    expect(historyFiles(disk)).toEqual(['snapshot.0']);
  });

  it('keeps log and snapshots apart where they are configured apart', () => {
    const disk = new CrashDisk();
    const { life } = recovered(disk, { config: { dataLogDir: '/log/' } });
    append(life, range(1, 1, 1));
    life.storage.flush();
    life.run();
    expect(disk.names('/log/version-2')).toEqual(['log.100000001']);
    expect(historyFiles(disk)).toEqual(['acceptedEpoch', 'currentEpoch', 'snapshot.0']);
    disk.put(`${DATA}/log.1`, logFile([]));
    const swapped = new StorageLife(disk, { config: { dataLogDir: '/log/' } }).tryRecover();
    expect(swapped).toMatchObject({ ok: false, reason: /wrong directory/ });
  });
});

describe('group commit', () => {
  it('makes header and name durable, then the group, and collects meanwhile', () => {
    const disk = new CrashDisk();
    const { life, storage } = recovered(disk);
    const flushed: Zxid[] = [];
    storage.onFlushed((zxid) => flushed.push(zxid));
    append(life, range(1, 1, 2));
    expect(storage.lastLogged).toBe(zxidOf(1, 2));
    storage.flush();
    append(life, range(1, 3, 3));
    while (!disk.journal.some(({ kind }) => kind === 'flush-directory')) life.step();
    while (disk.journal.filter(({ kind }) => kind === 'flush').length < 2) life.step();
    expect(storage.lastFlushed).toBe(0n);
    append(life, range(1, 4, 5));
    life.run();
    expect(flushed).toEqual([zxidOf(1, 3), zxidOf(1, 5)]);
    expect(disk.journal.map(describeRequest)).toEqual([
      'create log.100000001',
      'append log.100000001',
      'flush log.100000001',
      'flush-directory version-2',
      'append log.100000001',
      'flush log.100000001',
      'append log.100000001',
      'flush log.100000001',
    ]);
    expect(disk.content(`${DATA}/log.100000001`)).toEqual(logFile(range(1, 1, 5)));
  });

  it('stops the server when a write or a flush fails, and never tries again', () => {
    for (const kind of ['create', 'append', 'flush', 'flush-directory'] as const) {
      const { life, storage } = recovered(new CrashDisk());
      life.fault = (request) =>
        request.kind === kind ? { ok: false, error: 'io-error', message: 'broken' } : undefined;
      const flushed: Zxid[] = [];
      storage.onFlushed((zxid) => flushed.push(zxid));
      append(life, range(1, 1, 1));
      storage.flush();
      life.run();
      expect(life.halted).toMatch(/^1 .*broken/);
      life.fault = undefined;
      const count = life.disk.journal.length;
      storage.flush();
      expect(life.disk.journal.length).toBe(count);
      expect(flushed).toEqual([]);
    }
  });

  it('writes an entry larger than a group in several, and reads it back', () => {
    const disk = diskOf(base);
    const { life, storage } = recovered(disk);
    const entries = [entry(zxidOf(1, 1)), entry(zxidOf(1, 2), 3 * MIB + 5), entry(zxidOf(1, 3))];
    const flushed: Zxid[] = [];
    storage.onFlushed((zxid) => flushed.push(zxid));
    append(life, entries);
    storage.flush();
    life.run();
    expect(flushed).toEqual([zxidOf(1, 1), zxidOf(1, 3)]);
    const sizes = disk.journal.map((request) =>
      request.kind === 'append' ? request.bytes.length : 0,
    );
    expect(Math.max(...sizes)).toBe(MIB);
    expect(recovered(disk).result.lastZxid).toBe(zxidOf(1, 3));
    // Torn in its last piece: everything before it is kept.
    const path = `${DATA}/log.100000001`;
    const content = disk.content(path)?.slice(0, 3 * MIB) ?? new Uint8Array(0);
    disk.put(path, content.fill(9, 3 * MIB - 1000));
    expect(recovered(disk).result.lastZxid).toBe(zxidOf(1, 1));
  });

  it('preallocates in steps, and recovery takes the zeros back', () => {
    const disk = diskOf(base);
    const config = { preallocationSizeBytes: 16_384 };
    const { life, storage } = recovered(disk, { config });
    append(life, range(1, 1, 2));
    storage.flush();
    life.run();
    const path = `${DATA}/log.100000001`;
    expect(disk.content(path)?.length).toBe(16_384);
    append(life, range(1, 3, 3, 13_000));
    storage.flush();
    life.run();
    expect(disk.content(path)?.length).toBe(32_768);
    const { result } = recovered(disk, { config });
    expect(result.lastZxid).toBe(zxidOf(1, 3));
    const expected = logFile([...range(1, 1, 2), ...range(1, 3, 3, 13_000)]);
    expect(disk.content(path)).toEqual(expected);
  });

  it('refuses zxids that do not grow', () => {
    const { life } = recovered(new CrashDisk());
    append(life, range(1, 1, 2));
    expect(() => append(life, range(1, 2, 2))).toThrow(/only grow/);
  });

  it('drops what an abandoned life still had under way', () => {
    const disk = new CrashDisk();
    const { life, storage, target } = recovered(disk);
    const flushed: Zxid[] = [];
    storage.onFlushed((zxid) => flushed.push(zxid));
    append(life, range(1, 1, 2));
    storage.flush();
    life.run(3);
    life.recover();
    expect(flushed).toEqual([]);
    expect(storage.lastFlushed).toBe(storage.lastLogged);
    expect(target.lastProcessedZxid).toBe(storage.lastLogged);
  });
});

describe('an abandoned sequence', () => {
  it('comes to rest on the disk before the next one looks at it', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = diskOf({ ...base, 'log.100000001': logFile(range(1, 1, 1)) });
      const { life, storage } = recovered(disk, { seed });
      append(life, range(1, 2, 2));
      storage.flush();
      const isWritten = () => disk.journal.some(({ kind }) => kind === 'flush-directory');
      while (!isWritten()) life.step();
      // The answer brings the group on its way, which nobody will wait for.
      life.step();
      storage.recover(life.target, () => {});
      life.run();
      const journal = disk.journal.map(describeRequest);
      expect(journal.indexOf('list data')).toBeGreaterThan(
        journal.indexOf('append log.100000002', 2),
      );
      expect(storage.lastLogged).toBe(zxidOf(1, 2));
    }
  });
});

describe('recovery', () => {
  it('replays what follows the newest snapshot and keeps a window of it', () => {
    const history = range(1, 1, 8);
    const disk = diskOf({
      ...base,
      'snapshot.100000003': snapshotFile(history.slice(0, 3)),
      'log.100000001': logFile(history.slice(0, 5)),
      'log.100000006': logFile(history.slice(5)),
    });
    const { target, result } = recovered(disk, { config: { commitLogCount: 4 } });
    expect(result).toMatchObject({ lastZxid: zxidOf(1, 8), snapshotZxid: zxidOf(1, 3) });
    expect(result.replayed.map(({ zxid }) => zxid)).toEqual(
      history.slice(4).map(({ zxid }) => zxid),
    );
    expect(target.history).toEqual(history);
  });

  it('falls back to an older snapshot when the logs reach as far as the damaged one', () => {
    const history = range(1, 1, 4);
    const damaged = snapshotFile(history.slice(0, 2));
    damaged[20] = 0xff;
    const files = { ...base, 'snapshot.100000002': damaged, 'log.100000001': logFile(history) };
    expect(recovered(diskOf(files)).result).toMatchObject({
      snapshotZxid: 0n,
      lastZxid: zxidOf(1, 4),
    });
    expect(refusal({ ...files, 'log.100000001': logFile(history.slice(0, 1)) })).toMatch(
      /snapshot.100000002 cannot be loaded and the logs end at 0x100000001/,
    );
  });

  it('cuts the torn end of the newest log, for good, whatever it looks like', () => {
    const whole = logFile(range(1, 1, 3));
    const good = logFile(range(1, 1, 2));
    const garbage = new Prng(5).bytes(300);
    const torn: Uint8Array[] = [
      whole.subarray(0, whole.length - 1),
      whole.subarray(0, good.length + 3),
      concat([whole.subarray(0, whole.length - 1), new Uint8Array(900)]),
      concat([whole.subarray(0, whole.length - 9), new Uint8Array(9)]),
      concat([good, garbage]),
      concat([good, new Uint8Array(500), garbage]),
      concat([good, new Uint8Array(500)]),
    ];
    for (const bytes of torn) {
      const disk = diskOf({ ...base, 'log.100000001': bytes });
      expect(recovered(disk).result.lastZxid).toBe(zxidOf(1, 2));
      disk.crash('flushed-only', new Prng(1));
      expect(disk.content(`${DATA}/log.100000001`)).toEqual(good);
    }
  });

  it('removes a newest log that has no entry yet', () => {
    for (const bytes of [
      new Uint8Array(0),
      encodeLogHeader(),
      new Uint8Array(LOG_HEADER_SIZE_BYTES),
    ]) {
      const disk = diskOf({
        ...base,
        'log.100000001': logFile(range(1, 1, 2)),
        'log.100000003': bytes,
      });
      expect(recovered(disk).result.lastZxid).toBe(zxidOf(1, 2));
      disk.crash('flushed-only', new Prng(1));
      expect(disk.names(DATA)).not.toContain('log.100000003');
    }
  });

  it('refuses what no crash of ours can explain', () => {
    const history = range(1, 1, 6);
    const whole = logFile(history);
    const flipped = whole.slice();
    flipped[LOG_HEADER_SIZE_BYTES + 30] = 0xff;
    // Behind the damage there is more than one flush can have written.
    const long = logFile(range(1, 1, 60, 40_000));
    long[LOG_HEADER_SIZE_BYTES + 30] = 0xff;
    const unknownType = payloadOf(entry(zxidOf(1, 1)));
    unknownType.set([0, 0, 0, 99], 28);
    const noSnapshot = { acceptedEpoch: encodeEpoch(9), currentEpoch: encodeEpoch(0) };
    const cases: ReadonlyArray<readonly [Record<string, Uint8Array>, RegExp]> = [
      [
        { ...base, 'log.100000001': flipped, 'log.100000007': logFile(range(1, 7, 7)) },
        /damaged at 16: bad-checksum/,
      ],
      [{ ...base, 'log.100000001': long }, /further than a torn write reaches/],
      [{ ...base, 'log.100000001': whole.slice().fill(0, 0, 4) }, /damaged at 0: bad-header/],
      [{ ...base, 'log.100000002': logFile(range(1, 2, 3)) }, /has 0x100000002 after 0x0/],
      [
        {
          ...base,
          'log.100000001': logFile(range(1, 1, 2)),
          'log.100000004': logFile(range(1, 4, 4)),
        },
        /transactions are missing/,
      ],
      [
        { ...base, 'log.100000001': logFile([...range(1, 1, 1), ...range(2, 2, 2)]) },
        /transactions are missing/,
      ],
      [
        { ...base, 'log.100000001': concat([encodeLogHeader(), encodeLogEntry(unknownType)]) },
        /no transaction/,
      ],
      [
        { ...noSnapshot, 'log.500000001': logFile(range(5, 1, 2)) },
        /there is no snapshot before it/,
      ],
      [{ 'snapshot.5': new Uint8Array(20) }, /none of them loads/],
      [{ 'snapshot.5.gz': new Uint8Array(20) }, /none of them loads/],
      [{ ...base, acceptedEpoch: new Uint8Array(0) }, /acceptedEpoch does not hold an epoch/],
      [
        { ...base, acceptedEpoch: encodeEpoch(1), currentEpoch: encodeEpoch(2) },
        /a promise of this server was lost/,
      ],
      [{ acceptedEpoch: encodeEpoch(3), currentEpoch: encodeEpoch(3) }, /they were lost/],
    ];
    for (const [files, reason] of cases) expect(refusal(files)).toMatch(reason);
  });

  it('takes logs that begin at the beginning without a snapshot, and writes one', () => {
    const disk = diskOf({ 'log.1': logFile(range(0, 1, 3)) });
    expect(recovered(disk).result.lastZxid).toBe(3n);
    expect(disk.names(DATA)).toContain('snapshot.3');
  });

  it('goes on behind a file that upstream left with a torn end', () => {
    const first = logFile(range(1, 1, 2));
    const disk = diskOf({
      ...base,
      'log.100000001': concat([
        first,
        encodeLogEntry(payloadOf(entry(zxidOf(1, 3)))).subarray(0, 20),
      ]),
      'log.100000003': logFile(range(1, 3, 4)),
    });
    expect(recovered(disk).result.lastZxid).toBe(zxidOf(1, 4));
  });

  it('raises the current epoch to that of the log, which a learner logs before it saves it', () => {
    const disk = diskOf({ ...base, 'log.300000001': logFile(range(3, 1, 1)) });
    const { result, storage } = recovered(disk);
    expect(result).toMatchObject({ acceptedEpoch: 9, currentEpoch: 3 });
    expect(storage.currentEpoch).toBe(3);
    expect(disk.content(`${DATA}/currentEpoch`)).toEqual(encodeEpoch(3));
  });

  it('answers a read that fails with a reason, and halts on a write that fails', () => {
    const life = new StorageLife(diskOf({ ...base, 'log.100000001': logFile(range(1, 1, 1)) }));
    life.fault = ({ kind }) =>
      kind === 'read' ? { ok: false, error: 'io-error', message: 'bad sector' } : undefined;
    expect(life.tryRecover()).toMatchObject({ ok: false, reason: /bad sector/ });
    life.fault = ({ kind }) =>
      kind === 'flush' ? { ok: false, error: 'io-error', message: 'no flush' } : undefined;
    expect(life.tryRecover()).toBeUndefined();
    expect(life.halted).toMatch(/no flush/);
  });

  it('reads in pieces of at most 64 KiB', () => {
    const disk = diskOf({ ...base, 'log.100000001': logFile(range(1, 1, 20, 30_000)) });
    new StorageLife(disk).recover();
    const reads = disk.journal.flatMap((request) =>
      request.kind === 'read' ? [request.sizeBytes] : [],
    );
    expect(reads.length).toBeGreaterThan(8);
    expect(Math.max(...reads)).toBe(65_536);
  });
});

describe('epoch files', () => {
  it('move when the rename is durable, one save after the other', () => {
    const disk = new CrashDisk();
    const { life, storage } = recovered(disk);
    const order: string[] = [];
    storage.saveAcceptedEpoch(4, () => order.push(`accepted ${storage.acceptedEpoch}`));
    storage.saveAcceptedEpoch(5, () => order.push(`accepted ${storage.acceptedEpoch}`));
    storage.saveCurrentEpoch(4, () => order.push(`current ${storage.currentEpoch}`));
    expect(storage.acceptedEpoch).toBe(0);
    life.run();
    expect(order.filter((line) => line.startsWith('accepted'))).toEqual([
      'accepted 4',
      'accepted 5',
    ]);
    expect(order).toContain('current 4');
    disk.crash('flushed-only', new Prng(1));
    expect(recovered(disk).result).toMatchObject({ acceptedEpoch: 5, currentEpoch: 4 });
  });
});

describe('snapshots', () => {
  it('wait for the log, and the log goes on in a new file', () => {
    const disk = diskOf(base);
    const { life, storage, target } = recovered(disk);
    append(life, range(1, 1, 1));
    storage.flush();
    life.run();
    disk.journal.length = 0;
    append(life, range(1, 2, 2));
    target.load(range(1, 1, 2));
    let result: StorageResult | undefined;
    storage.takeSnapshot(target, (answer) => {
      result = answer;
    });
    expect(storage.isSnapshotting).toBe(true);
    append(life, range(1, 3, 3));
    life.run();
    expect(result).toEqual({ ok: true });
    const journal = disk.journal.map(describeRequest);
    const flushed = journal.lastIndexOf('flush log.100000002');
    expect(flushed).toBeGreaterThan(0);
    expect(journal.indexOf('rename snapshot.100000002.tmp')).toBeGreaterThan(flushed);
    append(life, range(1, 4, 4));
    storage.flush();
    life.run();
    const logs = disk.names(DATA).filter((name) => name.startsWith('log.'));
    expect(logs).toEqual(['log.100000001', 'log.100000002']);
    expect(recovered(disk).result).toMatchObject({
      snapshotZxid: zxidOf(1, 2),
      lastZxid: zxidOf(1, 4),
    });
  });

  it('are due after half of snapCount and a random part, and counted on over a restart', () => {
    const disk = diskOf(base);
    const config = { snapCount: 20 };
    const { life, storage } = recovered(disk, { config });
    append(life, range(1, 1, 10));
    expect(storage.shouldSnapshot()).toBe(false);
    append(life, range(1, 11, 21));
    expect(storage.shouldSnapshot()).toBe(true);
    storage.flush();
    life.run();
    const second = recovered(disk, { config });
    expect(second.storage.shouldSnapshot()).toBe(true);
    second.storage.takeSnapshot(second.target, () => {});
    expect(second.storage.shouldSnapshot()).toBe(false);
  });

  it('stop the server with code 10 when they cannot be written', () => {
    const { life, storage, target } = recovered(new CrashDisk());
    life.fault = ({ kind, path }) =>
      kind === 'append' && path.includes('snapshot')
        ? { ok: false, error: 'no-space', message: 'disk full' }
        : undefined;
    storage.takeSnapshot(target, () => {
      throw new Error('it cannot be done');
    });
    life.run();
    expect(life.halted).toMatch(/^10 .*no-space/);
    expect(target.openViewCount).toBe(0);
  });

  it('that are old are purged with the logs that none of the kept ones needs', () => {
    const history = range(1, 1, 12);
    const name = (counter: number): string => `snapshot.${zxidOf(1, counter).toString(16)}`;
    const disk = diskOf({
      ...base,
      [name(2)]: snapshotFile(history.slice(0, 2)),
      [name(4)]: snapshotFile(history.slice(0, 4)),
      [name(7)]: snapshotFile(history.slice(0, 7)),
      [name(9)]: snapshotFile(history.slice(0, 9)),
      'log.100000001': logFile(history.slice(0, 3)),
      'log.100000004': logFile(history.slice(3, 6)),
      'log.100000007': logFile(history.slice(6, 10)),
      'log.10000000b': logFile(history.slice(10)),
    });
    const { life, storage } = recovered(disk);
    let isDone = false;
    storage.purge(1, () => {
      isDone = true;
    });
    life.run();
    expect(isDone).toBe(true);
    const kept = [
      'acceptedEpoch',
      'currentEpoch',
      'log.100000004',
      'log.100000007',
      'log.10000000b',
    ];
    expect(historyFiles(disk)).toEqual([...kept, name(4), name(7), name(9)]);
    for (const snapshot of [name(9), name(7), name(4)]) {
      expect(recovered(disk).target.history).toEqual(history);
      disk.drop(`${DATA}/${snapshot}`);
    }
  });
});

describe('session ids', () => {
  const life = (disk: CrashDisk, wallMs: number) => recovered(disk, { wallMs }).storage;

  it('begin at the clock, and never before the end of an earlier life', () => {
    const disk = new CrashDisk();
    expect(life(disk, 1_000_000).sessionIdsFromMs).toBe(1_000_000);
    disk.crash('flushed-only', new Prng(1));
    expect(life(disk, 400_000).sessionIdsFromMs).toBe(1_065_536);
    expect(life(disk, 400_000).sessionIdsFromMs).toBe(1_131_072);
    expect(life(disk, 2_000_000).sessionIdsFromMs).toBe(2_000_000);
  });

  it('are reserved once in a life', () => {
    const { life: one, storage } = recovered(new CrashDisk(), { wallMs: 7 });
    one.recover();
    expect(storage.sessionIdsFromMs).toBe(7);
  });

  it('are not guessed where the mark cannot be read', () => {
    expect(refusal({ ...base, sessionIds: new Uint8Array([120]) })).toMatch(/sessionIds does not/);
  });
});

describe('truncation', () => {
  const history = [...range(1, 1, 4), ...range(2, 1, 4)];
  const files = {
    ...base,
    'log.100000001': logFile(history.slice(0, 5)),
    'snapshot.200000001': snapshotFile(history.slice(0, 5)),
    'log.200000002': logFile(history.slice(5, 7)),
    'log.200000004': logFile(history.slice(7)),
    'snapshot.200000004': snapshotFile(history),
  };

  function truncate(disk: CrashDisk, zxid: Zxid): StorageResult | undefined {
    const { life, storage } = recovered(disk);
    let result: StorageResult | undefined;
    storage.truncate(zxid, (answer) => {
      result = answer;
    });
    life.run();
    return result;
  }

  it('removes later logs and the snapshots that are newer, for good', () => {
    const disk = diskOf(files);
    expect(truncate(disk, zxidOf(1, 3))).toEqual({ ok: true });
    disk.crash('flushed-only', new Prng(1));
    expect(historyFiles(disk)).toEqual([
      'acceptedEpoch',
      'currentEpoch',
      'log.100000001',
      'snapshot.0',
    ]);
    expect(recovered(disk).target.history).toEqual(history.slice(0, 3));
  });

  it('ends exactly at a snapshot too', () => {
    const disk = diskOf(files);
    expect(truncate(disk, zxidOf(2, 1))).toEqual({ ok: true });
    expect(recovered(disk).target.history).toEqual(history.slice(0, 5));
  });

  it('changes nothing when the zxid is not in the log, or cannot be recovered to', () => {
    const { 'snapshot.0': _, ...withoutFirst } = files;
    const cases: ReadonlyArray<readonly [Record<string, Uint8Array>, Zxid, RegExp]> = [
      [files, zxidOf(1, 9), /not in the log; the last before it is 0x100000004/],
      [files, zxidOf(2, 9), /not in the log/],
      [withoutFirst, zxidOf(0, 0), /no snapshot at or before/],
      [
        { ...withoutFirst, 'log.100000001': logFile(history.slice(1, 5)) },
        zxidOf(1, 3),
        /transactions are missing/,
      ],
    ];
    for (const [given, zxid, reason] of cases) {
      const disk = diskOf(given);
      const names = historyFiles(disk);
      expect(truncate(disk, zxid)).toMatchObject({ ok: false, reason });
      expect(historyFiles(disk)).toEqual(names);
      expect(recovered(disk).target.history).toEqual(history);
    }
  });

  it('does not trust a snapshot that may hold later transactions', () => {
    // Upstream writes while transactions go on, and tells in the trailer how far it came.
    const target = new ModelTarget();
    target.load(history.slice(0, 3));
    const view = target.openSnapshot();
    const fuzzy = concat([...encodeSnapshotFile({ ...view, zxid: zxidOf(1, 4) })]);
    const disk = diskOf({
      acceptedEpoch: encodeEpoch(9),
      currentEpoch: encodeEpoch(0),
      'snapshot.100000003': fuzzy,
      'log.100000003': logFile(history.slice(2)),
    });
    expect(truncate(disk, zxidOf(1, 3))).toMatchObject({ ok: false });
    expect(truncate(disk, zxidOf(2, 2))).toEqual({ ok: true });
  });
});

describe('an installed snapshot', () => {
  it('is all that is left, and the log goes on behind it', () => {
    const old = [...range(1, 1, 4), ...range(3, 1, 2)];
    const disk = diskOf({
      ...base,
      'log.100000001': logFile(old.slice(0, 5)),
      'snapshot.300000001': snapshotFile(old.slice(0, 5)),
      'log.300000002': logFile(old.slice(5)),
    });
    const { life, storage, target } = recovered(disk);
    const installed = [...range(1, 1, 5)];
    target.load(installed);
    let result: StorageResult | undefined;
    storage.installSnapshot(target, (answer) => {
      result = answer;
    });
    life.run();
    expect(result).toEqual({ ok: true });
    expect(storage.lastLogged).toBe(zxidOf(1, 5));
    expect(storage.acceptedEpoch).toBe(9);
    append(life, range(4, 1, 1));
    storage.flush();
    life.run();
    disk.crash('flushed-only', new Prng(1));
    const logs = ['acceptedEpoch', 'currentEpoch', 'log.400000001', 'snapshot.100000005'];
    expect(historyFiles(disk)).toEqual(logs);
    expect(recovered(disk).target.history).toEqual([...installed, ...range(4, 1, 1)]);
  });
});
