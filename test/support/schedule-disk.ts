/** The disk of a server that has a history already, as the model says it. */

import type { Txn } from '../../spec/models/zab/history.ts';
import type { Disk } from '../../spec/models/zab/system-state.ts';
import { type Zxid, zxidOf } from '../../src/base/zxid.ts';
import type { ServerConfig } from '../../src/server/core/config.ts';
import { Database } from '../../src/server/core/database.ts';
import { OpCode } from '../../src/wire/client.ts';
import {
  encodeEpoch,
  encodeLogEntry,
  encodeLogHeader,
  encodeSnapshotFile,
  LogReader,
} from '../../src/wire/storage.ts';
import { decodeTxn, encodeTxn, type Txn as StoredTxn } from '../../src/wire/txn.ts';
import { CrashDisk } from './crash-disk.ts';

/** Every transaction creates a session; which one tells them apart. */
function stored({ zxid: [epoch, counter], value }: Txn): StoredTxn & { readonly zxid: Zxid } {
  const zxid = zxidOf(epoch, counter);
  return {
    zxid,
    header: {
      clientId: BigInt(value + 1),
      cxid: 0,
      zxid,
      time: 1_600_000_000_000n,
      type: OpCode.createSession,
    },
    txn: { type: OpCode.createSession, body: { timeoutMs: 10_000 } },
  };
}

export function diskOf(server: Disk, config: ServerConfig): CrashDisk {
  const disk = new CrashDisk();
  const { acceptedEpoch, currentEpoch, log, snapshots } = server;
  if (acceptedEpoch === 0) return disk;
  const data = `${config.dataDir}/version-2`;
  disk.put(`${data}/acceptedEpoch`, encodeEpoch(acceptedEpoch));
  disk.put(`${data}/currentEpoch`, encodeEpoch(currentEpoch));
  const txns = log.map(stored);
  const database = new Database();
  for (let position = 0; position <= txns.length; position++) {
    const last = txns[position - 1];
    if (last !== undefined) database.apply(last);
    if (!snapshots.includes(position)) continue;
    const suffix = (last?.zxid ?? 0n).toString(16);
    disk.put(`${data}/snapshot.${suffix}`, joined(encodeSnapshotFile(database.openSnapshot())));
  }
  // A leader's snapshot replaces what was logged before it.
  const logged = txns.slice(snapshots[0]);
  const [first] = logged;
  if (first === undefined) return disk;
  const entries = logged.map((txn) => encodeLogEntry(encodeTxn(txn)));
  const path = `${config.dataLogDir}/version-2/log.${first.zxid.toString(16)}`;
  disk.put(path, joined([encodeLogHeader(), ...entries]));
  return disk;
}

/** The sessions whose creation is in the logs; what was handed over and not written yet is not. */
export function loggedOn(disk: CrashDisk, config: ServerConfig): readonly bigint[] {
  const directory = `${config.dataLogDir}/version-2`;
  return disk.names(directory).flatMap((name) => {
    const reader = new LogReader();
    reader.push(disk.content(`${directory}/${name}`) ?? new Uint8Array(0));
    reader.finish();
    const sessions: bigint[] = [];
    for (let item = reader.next(); item?.kind === 'entry'; item = reader.next()) {
      sessions.push(decodeTxn(item.payload).header.clientId);
    }
    return sessions;
  });
}

function joined(parts: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from([...parts].flatMap((part) => [...part]));
}
