/**
 * A write that a client was told of is on the disks of a quorum, and stays there. Two twins: the files
 * after the run, which nobody can embellish, and the servers' own protocol events.
 */
import type { ProtocolEvent } from '../../base/protocol-event.ts';
import {
  clientOf,
  Findings,
  formatHex,
  hexOf,
  quorumOf,
  serversOf,
  whenAndWhere,
} from '../report.ts';
import type { Anomaly, CheckResult } from '../verdict.ts';
import { type AcknowledgedWrite, acknowledgedWrites } from './acknowledged.ts';
import { standingApplications } from './applied.ts';
import { type DiskIndex, indexDisks } from './disk-index.ts';
import { type ServerEvidence, serverCount } from './evidence.ts';

export function checkDurability(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const disks = indexDisks(evidence.disks);
  const quorum = quorumOf(disks.length);
  const readable = disks.filter((disk) => !disk.isUnreadable);
  if (disks.length > 0) {
    for (const write of acknowledgedWrites(evidence.history)) {
      findings.looked++;
      judgeWrite(findings, write, readable, disks.length, quorum);
    }
  }
  return findings.result(
    'durability',
    'acknowledged writes',
    'Every acknowledged write is on the disks of a quorum',
  );
}

function judgeWrite(
  findings: Findings,
  write: AcknowledgedWrite,
  readable: readonly DiskIndex[],
  servers: number,
  quorum: number,
): void {
  const { zxid, path } = write;
  const holders = readable.filter((disk) => disk.holds(zxid, path));
  const other = holders.find((disk) => isAboutSomethingElse(disk, write));
  if (other !== undefined) {
    const there = other.logged(zxid);
    const what = `${there?.op} ${there?.paths.join(', ')}`.trim();
    findings.add({
      ...anomalyOf(write, [other.node]),
      kind: 'acknowledged-write-replaced',
      message: `${acknowledgement(write)} stands as ${what} on the disk of server ${other.node}`,
    });
    return;
  }
  if (holders.length >= quorum) return;
  const unreadable = servers - readable.length;
  if (holders.length + unreadable >= quorum) {
    findings.leaveOpen(`${unreadable} of ${servers} disks could not be read`);
    return;
  }
  const problems = readable.flatMap(({ node, disk }) => {
    return disk.problems.map((problem) => `server ${node}: ${problem}`);
  });
  const where =
    holders.length === 0
      ? "is on no server's disk after the run"
      : `is only on the disk of ${serversOf(holders.map(({ node }) => node))} after the run, ` +
        `not on a quorum of ${servers} servers`;
  const remark = problems.length === 0 ? '' : ` (${problems.join('; ')})`;
  findings.add({
    ...anomalyOf(
      write,
      readable.filter((disk) => !holders.includes(disk)).map((disk) => disk.node),
    ),
    kind: 'acknowledged-write-lost',
    message: `${acknowledgement(write)} ${where}${remark}`,
  });
}

function isAboutSomethingElse(disk: DiskIndex, { zxid, path }: AcknowledgedWrite): boolean {
  const txn = disk.logged(zxid);
  return txn !== undefined && path !== undefined && !txn.paths.includes(path);
}

/** `setData /r/3 zxid 0x200000011 acknowledged to client 4 by server 2 at 12.481 s` */
function acknowledgement({ op, path, zxid, entry }: AcknowledgedWrite): string {
  const what = path === undefined ? op : `${op} ${path}`;
  const whom = clientOf(entry);
  return `${what} zxid ${formatHex(zxid)} acknowledged to ${whom} ${whenAndWhere(entry)}`;
}

function anomalyOf(
  { zxid, path, entry }: AcknowledgedWrite,
  nodes: readonly number[],
): Omit<Anomaly, 'kind' | 'message'> {
  const base = { entries: [entry.index], time: entry.time, nodes, zxid: formatHex(zxid) };
  return path === undefined ? base : { ...base, path };
}

/** The same by the servers' own account: flushed by a quorum, and committed, before it was answered. */
export function checkDurabilityEvents(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const quorum = quorumOf(serverCount(evidence));
  const account = accountOf(evidence.events);
  if (account.eventCount > 0) {
    for (const write of acknowledgedWrites(evidence.history)) {
      if (!write.isAnswered) continue;
      findings.looked++;
      judgeAccount(findings, write, account, quorum);
    }
    findings.looked += account.committed.size;
    for (const { node, zxid, acks } of account.commits) {
      const voters = new Set(acks);
      if (voters.size >= quorum) continue;
      findings.add({
        kind: 'commit-without-quorum',
        message:
          `server ${node} committed zxid ${zxid} after ACKs of ${serversOf(voters)} only, ` +
          `which is no quorum of ${serverCount(evidence)} servers`,
        entries: [],
        nodes: [node],
        zxid,
      });
    }
  }
  return findings.result(
    'durability-events',
    'acknowledged writes and commits',
    'Every acknowledged write was flushed by a quorum and committed, by the servers’ own account',
  );
}

interface Account {
  eventCount: number;
  /** By zxid: who said that it was flushed. */
  readonly flushed: Map<bigint, Set<number>>;
  /** By node and epoch: the durable watermark of the log. */
  readonly watermark: Map<number, Map<bigint, bigint>>;
  readonly committed: Set<bigint>;
  readonly commits: { readonly node: number; readonly zxid: string; readonly acks: number[] }[];
}

function accountOf(events: ReadonlyMap<number, readonly ProtocolEvent[]>): Account {
  const account: Account = {
    eventCount: 0,
    flushed: new Map(),
    watermark: new Map(),
    committed: new Set(),
    commits: [],
  };
  for (const [node, sequence] of events) {
    const marks = new Map<bigint, bigint>();
    account.watermark.set(node, marks);
    for (const event of sequence) {
      account.eventCount++;
      const durable = hexOf(event.post.lastFlushed);
      if (durable !== undefined) raise(marks, durable);
      noteEvent(account, node, event);
    }
    for (const { args } of standingApplications(sequence)) {
      account.committed.add(hexOf(args.zxid) ?? -1n);
    }
  }
  return account;
}

function raise(marks: Map<bigint, bigint>, zxid: bigint): void {
  const epoch = zxid >> 32n;
  if (zxid > (marks.get(epoch) ?? -1n)) marks.set(epoch, zxid);
}

function noteEvent(account: Account, node: number, event: ProtocolEvent): void {
  switch (event.act) {
    case 'TxnFlushed': {
      const zxid = hexOf(event.args.zxid);
      if (zxid === undefined) return;
      const nodes = account.flushed.get(zxid) ?? new Set();
      account.flushed.set(zxid, nodes.add(node));
      return;
    }
    case 'ProposalCommitted':
      account.commits.push({ node, zxid: event.args.zxid, acks: event.args.acks });
      account.committed.add(hexOf(event.args.zxid) ?? -1n);
      return;
    default:
  }
}

function judgeAccount(
  findings: Findings,
  write: AcknowledgedWrite,
  account: Account,
  quorum: number,
): void {
  const { zxid } = write;
  const nodes = new Set(account.flushed.get(zxid));
  for (const [node, marks] of account.watermark) {
    if ((marks.get(zxid >> 32n) ?? -1n) >= zxid) nodes.add(node);
  }
  const text = acknowledgement(write);
  if (!account.committed.has(zxid)) {
    findings.add({
      ...anomalyOf(write, []),
      kind: 'acknowledged-without-commit',
      message: `${text} was committed by no server`,
    });
  }
  if (nodes.size >= quorum) return;
  const by = nodes.size === 0 ? 'no server' : `${serversOf(nodes)} only`;
  findings.add({
    ...anomalyOf(write, [...nodes]),
    kind: 'acknowledged-before-flush',
    message: `${text} was flushed by ${by}, never by a quorum`,
  });
}
