/**
 * The logs of all servers are beginnings of one sequence of transactions, but for tails that were never
 * committed.
 *
 *  - One zxid is one transaction, everywhere and for ever. Even tails cannot collide, because no two
 *    leaders share an epoch.
 *  - Zxids grow within a log, and within an epoch their counters have no holes, except where a
 *    snapshot of the leader replaced what the server had missed.
 *  - Log matching: a server that accepts (e,n) has followed the leader of e, hence has everything that
 *    leader had before. So two logs that both hold a transaction agree on all that comes before it.
 *  - A transaction that a client was told of, or that a server applied, is missing from no log that
 *    goes on beyond it.
 *
 * A log below its newest snapshot is not read at recovery; it may still hold a tail that the snapshot
 * replaced. There only transactions that are known to be committed count.
 */
import { Findings, formatHex, hexOf } from '../report.ts';
import type { LoggedTxn } from '../server-evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { acknowledgedWrites } from './acknowledged.ts';
import { standingApplications } from './applied.ts';
import { type DiskIndex, indexDisks } from './disk-index.ts';
import type { ServerEvidence } from './evidence.ts';

export function checkLogAgreement(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const disks = indexDisks(evidence.disks).filter((disk) => !disk.isUnreadable);
  for (const disk of disks) {
    findings.looked += disk.disk.log.length;
    const isTold = (evidence.events.get(disk.node)?.length ?? 0) > 0;
    judgeOrder(findings, disk, isTold ? 'ours' : 'foreign');
  }
  judgeFingerprints(findings, disks);
  const committed = committedZxids(evidence);
  for (const [index, one] of disks.entries()) {
    for (const other of disks.slice(index + 1)) judgePair(findings, one, other, committed);
  }
  for (const disk of disks) judgeCommitted(findings, disk, committed);
  return findings.result(
    'log-agreement',
    'log entries',
    'The logs of all servers agree entry by entry',
  );
}

const describeTxn = ({ op, paths, zxid }: LoggedTxn): string =>
  `${[op, ...paths.slice(0, 3)].join(' ')} zxid ${formatHex(zxid)}`;

const epochOf = (zxid: bigint): bigint => zxid >> 32n;

/**
 * Apache's followers keep their memory when they meet a leader again, and log once more what they had logged
 * and not applied. Recovery passes over it. Ours read back what they logged, and never do.
 */
function judgeOrder(findings: Findings, { node, disk }: DiskIndex, kind: 'ours' | 'foreign'): void {
  let before: LoggedTxn | undefined;
  const fingerprints = new Map<bigint, string>();
  for (const txn of disk.log) {
    const { zxid, fingerprint } = txn;
    if (kind === 'foreign' && fingerprints.get(zxid) === fingerprint) {
      findings.count('entries that stand in a log twice');
      continue;
    }
    fingerprints.set(zxid, fingerprint);
    const anomaly = { entries: [], nodes: [node], zxid: formatHex(zxid) };
    if (before !== undefined && zxid <= before.zxid) {
      findings.add({
        ...anomaly,
        kind: 'log-order',
        message: `in the log of server ${node}, ${describeTxn(txn)} stands after ${describeTxn(before)}`,
      });
    }
    // What recovery would start from: the entry before, or the snapshot where that is newer.
    const from =
      before === undefined || before.zxid < disk.snapshotZxid ? disk.snapshotZxid : before.zxid;
    const next = epochOf(from) === epochOf(zxid) ? from + 1n : (epochOf(zxid) << 32n) + 1n;
    // Below the snapshot nothing is read, so nothing can be missed there.
    if (zxid > from && zxid > next) {
      findings.add({
        ...anomaly,
        kind: 'log-hole',
        message:
          `in the log of server ${node}, ${describeTxn(txn)} follows zxid ${formatHex(from)}: ` +
          `${formatHex(next)} is missing`,
      });
    }
    before = txn;
  }
}

function judgeFingerprints(findings: Findings, disks: readonly DiskIndex[]): void {
  const first = new Map<bigint, { readonly node: number; readonly txn: LoggedTxn }>();
  for (const { node, disk } of disks) {
    for (const txn of disk.log) {
      const known = first.get(txn.zxid);
      if (known === undefined) {
        first.set(txn.zxid, { node, txn });
      } else if (known.txn.fingerprint !== txn.fingerprint) {
        findings.add({
          kind: 'divergent-log',
          message:
            `split brain: zxid ${formatHex(txn.zxid)} is ${describeTxn(known.txn)} in the log of ` +
            `server ${known.node} and another ${describeTxn(txn)} in the log of server ${node}`,
          entries: [],
          nodes: [known.node, node],
          zxid: formatHex(txn.zxid),
        });
      }
    }
  }
}

/** Known to be committed: told to a client, or applied by a server. */
function committedZxids({ history, events }: ServerEvidence): ReadonlySet<bigint> {
  const committed = new Set(acknowledgedWrites(history).map(({ zxid }) => zxid));
  for (const sequence of events.values()) {
    for (const { args } of standingApplications(sequence)) {
      const zxid = hexOf(args.zxid);
      if (zxid !== undefined) committed.add(zxid);
    }
  }
  return committed;
}

/** Log matching below the last transaction that both logs hold. */
function judgePair(
  findings: Findings,
  one: DiskIndex,
  other: DiskIndex,
  committed: ReadonlySet<bigint>,
): void {
  let common = -1n;
  for (const { zxid } of one.disk.log) {
    if (zxid > common && other.logged(zxid) !== undefined) common = zxid;
  }
  for (const [having, lacking] of [
    [one, other],
    [other, one],
  ] as const) {
    for (const txn of having.disk.log) {
      const { zxid } = txn;
      const isReal = zxid > having.disk.snapshotZxid || committed.has(zxid);
      if (!isReal || zxid >= common || zxid <= lacking.disk.snapshotZxid) continue;
      if (lacking.logged(zxid) !== undefined) continue;
      findings.add({
        kind: 'log-prefix-mismatch',
        message:
          `${describeTxn(txn)} is in the log of server ${having.node} but not in that of server ` +
          `${lacking.node}, though both go on together at ${formatHex(common)}`,
        entries: [],
        nodes: [having.node, lacking.node],
        zxid: formatHex(zxid),
      });
    }
  }
}

function judgeCommitted(
  findings: Findings,
  index: DiskIndex,
  committed: ReadonlySet<bigint>,
): void {
  const { node, disk } = index;
  for (const zxid of committed) {
    if (zxid <= disk.snapshotZxid || zxid > disk.lastZxid) continue;
    if (index.logged(zxid) !== undefined) continue;
    findings.add({
      kind: 'committed-transaction-missing',
      message:
        `the committed zxid ${formatHex(zxid)} is missing on server ${node}, ` +
        `whose log goes on to ${formatHex(disk.lastZxid)}`,
      entries: [],
      nodes: [node],
      zxid: formatHex(zxid),
    });
  }
}
