/** What the catalogues of anomalies share: editing one entry, one disk, one event of a good run. */
import { parseHex } from '../../../src/base/zxid.ts';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import type { LoggedTxn, ServerDisk } from '../../../src/checker/server-evidence.ts';
import type { Run } from './good-run.ts';

export interface InjectedAnomaly {
  readonly name: string;
  readonly workload: 'register' | 'counter' | 'lock';
  /** Kinds of which at least one has to be found. */
  readonly found: readonly string[];
  readonly inject: (run: Run) => boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export const editEntry = (
  run: Run,
  index: number,
  change: Partial<Mutable<HistoryEntry>>,
): void => {
  run.history[index] = { ...(run.history[index] as HistoryEntry), ...change };
};

export const editDisk = (
  run: Run,
  node: number,
  change: (disk: ServerDisk) => Partial<ServerDisk>,
): void => {
  const disk = run.disks.get(node) as ServerDisk;
  run.disks.set(node, { ...disk, ...change(disk) });
};

/** Completions of a kind, with their places. */
export const okOf = (run: Run, ...kinds: readonly string[]): HistoryEntry[] =>
  run.history.filter(({ type, f }) => type === 'ok' && kinds.includes(f));

export const zxidOf = (entry: HistoryEntry): bigint => parseHex(entry.zxid ?? '') ?? -1n;

export const valueOf = (entry: HistoryEntry): Record<string, unknown> =>
  entry.value as Record<string, unknown>;

/** Forgets a transaction on some servers, as if it had never reached their disks. */
export const forget = (run: Run, zxid: bigint, nodes: readonly number[]): void => {
  for (const node of nodes) {
    editDisk(run, node, (disk) => {
      const log = disk.log.filter((txn) => txn.zxid !== zxid);
      const tree = new Map(disk.tree);
      for (const [path, found] of tree) if (found.mzxid === zxid) tree.delete(path);
      const isInSnapshot = disk.snapshotZxid >= zxid;
      return { log, tree, ...(isInSnapshot ? { snapshotZxid: zxid - 1n } : {}) };
    });
  }
};

export const all = (run: Run): number[] => [...run.disks.keys()];

export const editTxn = (
  run: Run,
  node: number,
  place: number,
  change: (txn: LoggedTxn) => Partial<LoggedTxn>,
): void => {
  editDisk(run, node, ({ log }) => ({
    log: log.map((txn, index) => (index === place ? { ...txn, ...change(txn) } : txn)),
  }));
};

/** Places of a transaction that two servers have in their logs, above their snapshots. */
export const shared = (run: Run): { one: number; other: number; zxid: bigint } | undefined => {
  const [one, other] = all(run);
  if (one === undefined || other === undefined) return undefined;
  const zxids = new Set(run.disks.get(other)?.log.map((txn) => txn.zxid));
  const log = run.disks.get(one)?.log ?? [];
  const found = log.filter((txn) => zxids.has(txn.zxid));
  const middle = found[found.length >> 1];
  return middle === undefined ? undefined : { one, other, zxid: middle.zxid };
};

export const withoutSnapshots = (run: Run): void => {
  for (const node of all(run)) editDisk(run, node, () => ({ snapshotZxid: -1n }));
};

export const findPlace = (run: Run, node: number, zxid: bigint): number =>
  run.disks.get(node)?.log.findIndex((txn) => txn.zxid === zxid) ?? -1;

export const eventsOf = (run: Run, act: string): { node: number; place: number }[] =>
  [...run.events].flatMap(([node, sequence]) =>
    sequence.flatMap((event, place) => (event.act === act ? [{ node, place }] : [])),
  );

export const editArgs = (run: Run, node: number, place: number, args: object): void => {
  const sequence = run.events.get(node) ?? [];
  const event = sequence[place];
  if (event === undefined) return;
  sequence[place] = { ...event, args: { ...event.args, ...args } } as typeof event;
};

export const largest = (one: bigint, other: bigint): bigint => (one > other ? one : other);
