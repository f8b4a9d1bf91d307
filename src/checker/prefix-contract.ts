/**
 * What ZooKeeper promises of plain reads. A server answers from a prefix of the one sequence of
 * transactions: not before anything that the session has seen, and not beyond the zxid in the reply's
 * header. Staleness alone is allowed and only counted.
 *
 * The versions of a node are recovered from what clients were told: acknowledged writes and the mzxids
 * of reads. An mzxid names one value; versions grow with it; every value was written by somebody.
 */
import type { Operation } from './history.ts';
import { type ReadEntry, readOf, type WriteEntry, writeOf } from './register-entries.ts';
import { clientOf, Findings, formatHex, hexOf, whenAndWhere } from './report.ts';
import type { Anomaly, CheckResult } from './verdict.ts';

export function checkPrefixContract(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const reads = operations.map(readOf).filter((read) => read !== undefined);
  const writes = operations.map(writeOf).filter((write) => write !== undefined);
  const versions = recoverVersions(findings, reads, writes);
  const values = writtenValues(writes);
  for (const read of reads) {
    findings.looked++;
    judgeOrigin(findings, read, values);
    if (read.header !== undefined && read.mzxid > read.header) {
      findings.add({
        ...anomalyOf(read),
        kind: 'read-from-the-future',
        message: `${describe(read)} is newer than the header of its reply, ${hex(read.header)}`,
      });
    }
  }
  judgeSessions(findings, operations, versions);
  countStaleReads(findings, reads, writes);
  return findings.result(
    'prefix-contract',
    'reads',
    'Every read is a state between what its session had seen and its reply’s zxid',
  );
}

const hex = formatHex;

/** `plain-read of /r/3 by client 4 (answered by server 2 at 12.481 s) at mzxid 0x10` */
function describe({ operation, entry, path, mzxid }: ReadEntry): string {
  const answered = whenAndWhere(entry);
  return `${operation.f} of ${path} by ${clientOf(entry)} (answered ${answered}) at mzxid ${hex(mzxid)}`;
}

function anomalyOf({
  operation,
  entry,
  path,
  mzxid,
}: ReadEntry): Omit<Anomaly, 'kind' | 'message'> {
  return {
    entries: [operation.invoke.index, entry.index],
    time: entry.time,
    path,
    zxid: hex(mzxid),
    ...(entry.node === undefined ? {} : { nodes: [entry.node] }),
  };
}

interface Version {
  readonly mzxid: bigint;
  readonly value: string | null;
  readonly version: number | undefined;
  /** Entries that tell of it. */
  readonly told: readonly number[];
}

/** The known versions of each node, in the order of their zxids. */
function recoverVersions(
  findings: Findings,
  reads: readonly ReadEntry[],
  writes: readonly WriteEntry[],
): ReadonlyMap<string, readonly Version[]> {
  const byPath = new Map<string, Map<bigint, Version>>();
  const learn = (path: string, found: Version): void => {
    const known = byPath.get(path) ?? new Map<bigint, Version>();
    byPath.set(path, known);
    const before = known.get(found.mzxid);
    if (before !== undefined) judgeSame(findings, path, before, found);
    if (before === undefined || before.version === undefined) known.set(found.mzxid, found);
  };
  for (const { zxid, path, value, operation } of writes) {
    if (zxid === undefined) continue;
    const told = [operation.completion?.index ?? operation.invoke.index];
    learn(path, { mzxid: zxid, value, version: undefined, told });
  }
  for (const { path, mzxid, value, version, entry } of reads) {
    learn(path, { mzxid, value, version, told: [entry.index] });
  }
  const sorted = new Map<string, readonly Version[]>();
  for (const [path, known] of byPath) {
    const versions = [...known.values()].sort((a, b) => (a.mzxid < b.mzxid ? -1 : 1));
    judgeGrowth(findings, path, versions);
    sorted.set(path, versions);
  }
  return sorted;
}

function judgeSame(findings: Findings, path: string, one: Version, other: Version): void {
  const isSameVersion =
    one.version === undefined || other.version === undefined || one.version === other.version;
  if (one.value === other.value && isSameVersion) return;
  const show = ({ value, version }: Version): string =>
    `${JSON.stringify(value)}${version === undefined ? '' : ` (version ${version})`}`;
  findings.add({
    kind: 'two-values-for-one-zxid',
    message: `${path} at zxid ${hex(one.mzxid)} is both ${show(one)} and ${show(other)}`,
    entries: [...one.told, ...other.told],
    path,
    zxid: hex(one.mzxid),
  });
}

function judgeGrowth(findings: Findings, path: string, versions: readonly Version[]): void {
  let before: Version | undefined;
  for (const current of versions) {
    if (current.version === undefined) continue;
    if (before?.version !== undefined && current.version <= before.version) {
      findings.add({
        kind: 'version-not-growing',
        message:
          `${path} has version ${before.version} at zxid ${hex(before.mzxid)} but ` +
          `${current.version} at the later ${hex(current.mzxid)}`,
        entries: [...before.told, ...current.told],
        path,
        zxid: hex(current.mzxid),
      });
    }
    before = current;
  }
}

interface Written {
  readonly possible: Set<string | null>;
  readonly refused: Map<string | null, WriteEntry>;
}

function writtenValues(writes: readonly WriteEntry[]): ReadonlyMap<string, Written> {
  const byPath = new Map<string, Written>();
  for (const write of writes) {
    const written = byPath.get(write.path) ?? { possible: new Set(), refused: new Map() };
    byPath.set(write.path, written);
    if (write.outcome === 'fail') written.refused.set(write.value, write);
    else written.possible.add(write.value);
  }
  return byPath;
}

/** Null is what a node holds before its first write. */
function judgeOrigin(
  findings: Findings,
  read: ReadEntry,
  values: ReadonlyMap<string, Written>,
): void {
  const written = values.get(read.path);
  if (read.value === null || written?.possible.has(read.value) === true) return;
  const refused = written?.refused.get(read.value);
  findings.add({
    ...anomalyOf(read),
    kind: refused === undefined ? 'value-from-nowhere' : 'refused-write-visible',
    message:
      `${describe(read)} found ${JSON.stringify(read.value)}, ` +
      (refused === undefined ? 'which nobody wrote' : 'whose write had certainly not happened'),
  });
}

interface SessionState {
  /** Largest zxid of any reply. */
  seen: bigint;
  seenBy: number;
  /** By path: the newest version that was read or written. */
  readonly newest: Map<string, { readonly mzxid: bigint; readonly isOwn: boolean }>;
}

/** Walks the completions of each session in order; a session that is not named is its process. */
function judgeSessions(
  findings: Findings,
  operations: readonly Operation[],
  versions: ReadonlyMap<string, readonly Version[]>,
): void {
  const sessions = new Map<string, SessionState>();
  const ended = operations.filter(({ completion }) => {
    return completion?.type === 'ok' || completion?.type === 'fail';
  });
  ended.sort((a, b) => (a.completion?.index ?? 0) - (b.completion?.index ?? 0));
  for (const operation of ended) {
    const entry = operation.completion;
    if (entry === undefined) continue;
    const name = entry.session ?? `process ${operation.process}`;
    const session = sessions.get(name) ?? { seen: -1n, seenBy: -1, newest: new Map() };
    sessions.set(name, session);
    const read = readOf(operation);
    if (read !== undefined) judgeRead(findings, read, session, versions.get(read.path) ?? []);
    const write = writeOf(operation);
    if (write?.zxid !== undefined) {
      session.newest.set(write.path, { mzxid: write.zxid, isOwn: true });
    }
    const zxid = hexOf(entry.zxid);
    if (zxid === undefined) continue;
    if (zxid < session.seen) {
      findings.add({
        kind: 'session-went-back',
        message:
          `session ${name} of ${clientOf(entry)} was answered zxid ${hex(zxid)} ` +
          `${whenAndWhere(entry)} after it had seen ${hex(session.seen)}`,
        entries: [session.seenBy, entry.index],
        time: entry.time,
        zxid: hex(zxid),
        ...(entry.node === undefined ? {} : { nodes: [entry.node] }),
      });
    } else {
      session.seen = zxid;
      session.seenBy = entry.index;
    }
  }
}

function judgeRead(
  findings: Findings,
  read: ReadEntry,
  session: SessionState,
  versions: readonly Version[],
): void {
  const newest = session.newest.get(read.path);
  if (newest !== undefined && read.mzxid < newest.mzxid) {
    findings.add({
      ...anomalyOf(read),
      kind: newest.isOwn ? 'own-write-not-read' : 'read-went-back',
      message:
        `${describe(read)} is older than what its session had ` +
        `${newest.isOwn ? 'written' : 'read'} before, ${hex(newest.mzxid)}`,
    });
    return;
  }
  session.newest.set(read.path, { mzxid: read.mzxid, isOwn: false });
  const next = versions.find(({ mzxid }) => mzxid > read.mzxid);
  if (next !== undefined && next.mzxid <= session.seen) {
    findings.add({
      ...anomalyOf(read),
      entries: [...anomalyOf(read).entries, session.seenBy, ...next.told],
      kind: 'read-older-than-session',
      message:
        `${describe(read)} is older than its session, which had seen zxid ` +
        `${hex(session.seen)} while ${read.path} changed at ${hex(next.mzxid)}`,
    });
  }
}

/** Plain reads that were older than a write completed before they began: allowed, and counted. */
function countStaleReads(
  findings: Findings,
  reads: readonly ReadEntry[],
  writes: readonly WriteEntry[],
): void {
  const completed = new Map<string, { readonly end: number; readonly zxid: bigint }[]>();
  const known = writes.filter(({ zxid }) => zxid !== undefined);
  known.sort((a, b) => endOf(a) - endOf(b));
  for (const write of known) {
    const list = completed.get(write.path) ?? [];
    completed.set(write.path, list);
    const highest = list.at(-1)?.zxid ?? -1n;
    const zxid = write.zxid ?? -1n;
    if (zxid > highest) list.push({ end: endOf(write), zxid });
  }
  for (const read of reads) {
    if (read.operation.f !== 'plain-read') continue;
    const start = read.operation.invoke.index;
    const before = completed
      .get(read.path)
      ?.filter(({ end }) => end < start)
      .at(-1);
    if (before !== undefined && before.zxid > read.mzxid) findings.count('stale plain reads');
  }
}

const endOf = (write: WriteEntry): number => write.operation.completion?.index ?? Infinity;
