/**
 * The data directory: where files live, how they are named, and what is there. Names carry the zxid in
 * hex: of the first transaction of a log, of the state of a snapshot. Upstream: Util, FileTxnSnapLog.
 */
import { formatFileSuffix, parseHex, type Zxid, zxidFrom } from '../../../base/zxid.ts';
import type { ServerConfig } from '../config.ts';
import { flushDirectory, listNames, type Sequence } from './disk.ts';

export interface Directories {
  /** As configured: the parent, whose flush makes `version-2` itself durable. */
  readonly dataParent: string;
  readonly logParent: string;
  readonly data: string;
  readonly log: string;
}

export interface StoredFile {
  readonly directory: string;
  readonly name: string;
  readonly path: string;
  readonly zxid: Zxid;
}

/** Both lists are sorted by zxid, oldest first. */
export interface Catalog {
  readonly snapshots: readonly StoredFile[];
  readonly logs: readonly StoredFile[];
  /** Left behind by a crash before a rename. */
  readonly temporaries: readonly StoredFile[];
  /** Set where logs lie in the snapshot directory or the reverse. */
  readonly misplaced: string | undefined;
}

export function directoriesOf(config: ServerConfig): Directories {
  const dataParent = config.dataDir.replace(/\/+$/, '');
  const logParent = config.dataLogDir.replace(/\/+$/, '');
  return {
    dataParent,
    logParent,
    data: `${dataParent}/version-2`,
    log: `${logParent}/version-2`,
  };
}

export const logName = (zxid: Zxid): string => `log.${formatFileSuffix(zxid)}`;
export const snapshotName = (zxid: Zxid): string => `snapshot.${formatFileSuffix(zxid)}`;

/** Names that a compressing server gave; what they hold cannot be read here. */
export function isCompressed(file: StoredFile): boolean {
  return /\.(gz|snappy)$/.test(file.name);
}

/** Makes the directories if need be, for good. */
export function* prepareDirectories(directories: Directories): Sequence<void> {
  const { dataParent, logParent, data, log } = directories;
  yield* listNames(dataParent);
  yield* listNames(data);
  yield* flushDirectory(dataParent);
  if (log === data) return;
  yield* listNames(logParent);
  yield* listNames(log);
  yield* flushDirectory(logParent);
}

export function* readCatalog(directories: Directories): Sequence<Catalog> {
  const { data, log } = directories;
  const dataNames = yield* listNames(data);
  const logNames = log === data ? dataNames : yield* listNames(log);
  const strays =
    log === data
      ? []
      : [
          ...matches(data, dataNames, /^log\.([0-9a-f]+)$/),
          ...matches(log, logNames, /^snapshot\.([0-9a-f]+)$/),
        ];
  return {
    snapshots: matches(data, dataNames, /^snapshot\.([0-9a-f]+)(?:\.gz|\.snappy)?$/),
    logs: matches(log, logNames, /^log\.([0-9a-f]+)$/),
    temporaries: matches(
      data,
      dataNames,
      /^(?:snapshot\.([0-9a-f]+)|(?:accepted|current)Epoch)\.tmp$/,
    ),
    misplaced: strays[0]?.path,
  };
}

function matches(directory: string, names: readonly string[], pattern: RegExp): StoredFile[] {
  const files: StoredFile[] = [];
  for (const name of names) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const zxid = match[1] === undefined ? 0n : parseHex(match[1]);
    if (zxid === undefined) continue;
    files.push({ directory, name, path: `${directory}/${name}`, zxid: zxidFrom(zxid) });
  }
  return files.sort((a, b) => (a.zxid < b.zxid ? -1 : a.zxid > b.zxid ? 1 : 0));
}
