/**
 * One transcript per way of bringing a learner up to date, after upstream's Zab1_0Test: every packet on
 * the learner port and every change of the learner's disk, in order. The order at NEWLEADER is the point:
 * history on disk, then currentEpoch, then the ACK.
 */
import { expect, test } from 'vitest';
import { type Zxid, zxidOf } from '../../src/base/zxid.ts';
import { Database } from '../../src/server/core/database.ts';
import { OPEN_ACL } from '../../src/wire/client.ts';
import {
  encodeEpoch,
  encodeLogEntry,
  encodeLogHeader,
  encodeSnapshotFile,
  LogReader,
} from '../../src/wire/storage.ts';
import { encodeTxn, type Txn } from '../../src/wire/txn.ts';
import { CrashDisk } from '../support/crash-disk.ts';
import { configOf, ScriptedEnsemble } from '../support/scripted-ensemble.ts';

const LEADER = 2;
const LEARNER = 1;

function createTxn(zxid: Zxid, path: string): Txn {
  return {
    header: { clientId: 1n, cxid: 1, zxid, time: 1_600_000_000_000n, type: 1 },
    txn: {
      type: 1,
      body: {
        path,
        data: new TextEncoder().encode(path),
        acl: OPEN_ACL,
        isEphemeral: false,
        parentCversion: Number(zxid & 0xffffn),
      },
    },
  };
}

interface History {
  /** Counters of the transactions of epoch 1 in the log. */
  readonly counters: readonly number[];
  readonly currentEpoch: number;
}

function diskWith(sid: number, { counters, currentEpoch }: History): CrashDisk {
  const disk = new CrashDisk();
  const directory = `/${sid}/version-2`;
  const chunks = (parts: Iterable<Uint8Array>): Uint8Array =>
    Uint8Array.from([...parts].flatMap((part) => [...part]));
  disk.put(`${directory}/snapshot.0`, chunks(encodeSnapshotFile(new Database().openSnapshot())));
  disk.put(`${directory}/currentEpoch`, encodeEpoch(currentEpoch));
  disk.put(`${directory}/acceptedEpoch`, encodeEpoch(currentEpoch));
  const entries = counters.map((counter) =>
    encodeLogEntry(encodeTxn(createTxn(zxidOf(1, counter), `/n${counter}`))),
  );
  disk.put(`${directory}/log.100000001`, chunks([encodeLogHeader(), ...entries]));
  return disk;
}

/** The files of a disk as a person wants to read them. */
function describeDisk(sid: number, disk: CrashDisk): string[] {
  const directory = `/${sid}/version-2`;
  return disk.names(directory).map((name) => {
    const content = disk.content(`${directory}/${name}`) ?? new Uint8Array(0);
    if (name.endsWith('Epoch')) return `  ${name}: ${new TextDecoder().decode(content)}`;
    if (!name.startsWith('log.')) return `  ${name}`;
    const reader = new LogReader();
    reader.push(content);
    reader.finish();
    const zxids: string[] = [];
    for (let item = reader.next(); item?.kind === 'entry'; item = reader.next()) {
      zxids.push(`0x${item.zxid.toString(16)}`);
    }
    return `  ${name}: ${zxids.join(' ')}`;
  });
}

function synchronize(options: {
  readonly learner: History;
  readonly leader: History;
  readonly commitLogCount: number;
}): string {
  const ensemble = new ScriptedEnsemble(LEARNER);
  const disk = diskWith(LEARNER, options.learner);
  ensemble.add(configOf(LEARNER, options.commitLogCount), disk);
  ensemble.add(configOf(LEADER, options.commitLogCount), diskWith(LEADER, options.leader));
  const before = describeDisk(LEARNER, disk);
  ensemble.start();
  const isServing = (sid: number): boolean => ensemble.core(sid).status().isServing;
  ensemble.run(20_000, () => isServing(LEARNER) && isServing(LEADER));
  expect(ensemble.core(LEARNER).roleName).toBe('following');
  expect(ensemble.core(LEADER).roleName).toBe('leading');
  expect(ensemble.core(LEARNER).status().lastProcessedZxid).toBe(
    ensemble.core(LEADER).status().lastProcessedZxid,
  );
  return [
    'learner 1 before:',
    ...before,
    '',
    ...ensemble.transcript,
    '',
    'learner 1 afterwards:',
    ...describeDisk(LEARNER, disk),
    '',
  ].join('\n');
}

test('DIFF: the learner misses the end of the history', async () => {
  const transcript = synchronize({
    learner: { counters: [1, 2, 3], currentEpoch: 1 },
    leader: { counters: [1, 2, 3, 4, 5], currentEpoch: 1 },
    commitLogCount: 500,
  });
  expect(transcript).toMatch(/DIFF 0x100000005/);
  await expect(transcript).toMatchFileSnapshot('transcripts/diff.txt');
});

test('TRUNC: the learner has transactions that no quorum ever had', async () => {
  const transcript = synchronize({
    learner: { counters: [1, 2, 3, 4, 5], currentEpoch: 1 },
    leader: { counters: [1, 2, 3], currentEpoch: 2 },
    commitLogCount: 500,
  });
  expect(transcript).toMatch(/TRUNC 0x100000003/);
  await expect(transcript).toMatchFileSnapshot('transcripts/trunc.txt');
});

test('SNAP: the learner is too far behind', async () => {
  const transcript = synchronize({
    learner: { counters: [1], currentEpoch: 1 },
    leader: { counters: [1, 2, 3, 4, 5, 6], currentEpoch: 1 },
    commitLogCount: 2,
  });
  expect(transcript).toMatch(/SNAP 0x100000006/);
  await expect(transcript).toMatchFileSnapshot('transcripts/snap.txt');
});
