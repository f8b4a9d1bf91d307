/**
 * The final phase reads everything from every server, after all faults are healed. All must tell the
 * same, and the newest acknowledged write must still be there, unless a write of unknown outcome
 * overtook it.
 */
import type { Operation } from './history.ts';
import { readOf, type WriteEntry, writeOf } from './register-entries.ts';
import { Findings, field, formatHex, hexOf, pathOfKey, serversOf } from './report.ts';
import type { Anomaly, CheckResult } from './verdict.ts';

interface FinalRead {
  readonly operation: Operation;
  readonly f: string;
  readonly path: string;
  readonly node: number | undefined;
  /** Everything that it answered, as text. */
  readonly text: string;
  /** When the node, or its list of children, changed last. */
  readonly changed: bigint;
  /** How far the server was. */
  readonly header: bigint | undefined;
}

export interface FinalReadsOptions {
  /** Servers that owe an answer; those named by the history's entries by default. */
  readonly nodes?: Iterable<number>;
}

export function checkFinalReads(
  operations: readonly Operation[],
  options: FinalReadsOptions = {},
): CheckResult {
  const findings = new Findings();
  const groups = new Map<string, FinalRead[]>();
  for (const operation of operations) {
    const read = finalReadOf(operation);
    if (read === undefined) continue;
    findings.looked++;
    const group = groups.get(`${read.f} ${read.path}`) ?? [];
    groups.set(`${read.f} ${read.path}`, [...group, read]);
  }
  const nodes = [...(options.nodes ?? [])];
  const writes = operations.map(writeOf).filter((write) => write !== undefined);
  for (const group of groups.values()) {
    const answered = new Set(group.map(({ node }) => node));
    const missing = nodes.filter((node) => !answered.has(node));
    if (missing.length > 0) {
      findings.leaveOpen(`${group[0]?.f} of ${group[0]?.path}: no answer of ${serversOf(missing)}`);
    }
    judgeAgreement(findings, group);
    for (const read of group) judgeAgainstWrites(findings, read, writes);
  }
  return findings.result(
    'final-reads',
    'final reads',
    'All servers told the same in the end, and what had been acknowledged was there',
  );
}

function finalReadOf(operation: Operation): FinalRead | undefined {
  const { f, completion } = operation;
  if (!f.startsWith('final-') || completion?.type !== 'ok') return undefined;
  const path = pathOfKey(operation.key);
  const changed = hexOf(field(completion.value, 'mzxid') ?? field(completion.value, 'pzxid'));
  if (path === undefined || changed === undefined) return undefined;
  const text = JSON.stringify(completion.value);
  const { node } = completion;
  return { operation, f, path, node, text, changed, header: hexOf(completion.zxid) };
}

const nameOf = ({ node }: FinalRead): string =>
  node === undefined ? 'a server' : `server ${node}`;

function anomalyOf(reads: readonly FinalRead[]): Omit<Anomaly, 'kind' | 'message'> {
  const [first] = reads;
  return {
    entries: reads.map(({ operation }) => operation.completion?.index ?? operation.invoke.index),
    nodes: reads.map(({ node }) => node).filter((node) => node !== undefined),
    ...(first === undefined ? {} : { path: first.path }),
  };
}

/**
 * Two answers may differ only when the change came after the other server had answered: its header says
 * how far it was.
 */
function judgeAgreement(findings: Findings, group: readonly FinalRead[]): void {
  const newest = group.reduce<FinalRead | undefined>((best, read) => {
    return best === undefined || read.changed > best.changed ? read : best;
  }, undefined);
  for (const read of group) {
    if (newest === undefined || read.text === newest.text) continue;
    if (
      read.changed < newest.changed &&
      read.header !== undefined &&
      read.header < newest.changed
    ) {
      findings.count('final reads before a last change');
      continue;
    }
    findings.add({
      ...anomalyOf([newest, read]),
      kind: 'final-read-divergence',
      message:
        `in the end ${read.path} is ${newest.text} on ${nameOf(newest)} but ${read.text} on ` +
        `${nameOf(read)}`,
    });
  }
}

function judgeAgainstWrites(
  findings: Findings,
  final: FinalRead,
  writes: readonly WriteEntry[],
): void {
  const read = readOf(final.operation);
  if (read === undefined) return;
  const start = final.operation.invoke.index;
  const here = writes.filter(({ path, operation }) => {
    return path === read.path && operation.invoke.index < read.entry.index;
  });
  const done = here.filter(({ zxid, operation }) => {
    return zxid !== undefined && (operation.completion?.index ?? Infinity) < start;
  });
  const newest = done.reduce<WriteEntry | undefined>((best, write) => {
    return best === undefined || (write.zxid ?? 0n) > (best.zxid ?? 0n) ? write : best;
  }, undefined);
  if (newest?.zxid === undefined) return;
  const { zxid } = newest;
  const told = `${read.path} is ${JSON.stringify(read.value)} (mzxid ${formatHex(read.mzxid)}) on ${nameOf(final)}`;
  const owed = `the newest acknowledged write ${JSON.stringify(newest.value)} has zxid ${formatHex(zxid)}`;
  const anomaly = {
    ...anomalyOf([final]),
    entries: [
      newest.operation.completion?.index ?? newest.operation.invoke.index,
      read.entry.index,
    ],
    time: read.entry.time,
    zxid: formatHex(zxid),
  };
  if (read.mzxid < zxid) {
    const message = `in the end ${told}, though ${owed}`;
    findings.add({ ...anomaly, kind: 'acknowledged-write-lost', message });
  } else if (read.mzxid === zxid) {
    if (read.value === newest.value) return;
    const message = `in the end ${told}, though ${owed}`;
    findings.add({ ...anomaly, kind: 'acknowledged-write-replaced', message });
  } else if (!here.some((write) => couldOvertake(write, read.value, read.mzxid))) {
    const message = `in the end ${told}, by no write that can have come last; ${owed}`;
    findings.add({ ...anomaly, kind: 'final-value-from-nowhere', message });
  }
}

/** An unanswered write may have any zxid; an acknowledged one has its own. */
function couldOvertake(write: WriteEntry, value: string | null, mzxid: bigint): boolean {
  if (write.value !== value || write.outcome === 'fail') return false;
  return write.zxid === undefined || write.zxid === mzxid;
}
