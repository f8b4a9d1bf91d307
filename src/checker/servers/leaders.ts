/**
 * At most one leader is established per epoch. By the servers' events; by what clients were told (no two
 * writes under one zxid); and by the epochs on the disks.
 */
import {
  clientOf,
  Findings,
  formatHex,
  formatTime,
  hexOf,
  quorumOf,
  serversOf,
  whenAndWhere,
} from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { type AcknowledgedWrite, acknowledgedWrites } from './acknowledged.ts';
import { type ServerEvidence, serverCount } from './evidence.ts';

export function checkLeaders(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const quorum = quorumOf(serverCount(evidence));
  const all = establishments(evidence);
  findings.looked = all.length;
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1)) {
      const problem = conflict(one, other);
      if (problem !== undefined) {
        findings.add({ ...problem, entries: [], nodes: [one.node, other.node] });
      }
    }
  }
  for (const one of all) {
    if (one.voters.size < quorum) findings.add(withoutQuorum(one, evidence));
  }
  return findings.result(
    'one-leader-per-epoch',
    'established leaders',
    'Each epoch had at most one established leader, made by a quorum',
  );
}

interface Establishment {
  readonly node: number;
  readonly epoch: number;
  /** Milliseconds of the server's own clock. */
  readonly now: number;
  readonly voters: ReadonlySet<number>;
  readonly lastLogged: bigint;
}

function establishments(evidence: ServerEvidence): Establishment[] {
  const found: Establishment[] = [];
  for (const [node, sequence] of evidence.events) {
    for (const event of sequence) {
      if (event.act !== 'LeaderEstablished') continue;
      const { epoch, quorum } = event.args;
      const lastLogged = hexOf(event.post.lastLogged) ?? 0n;
      found.push({ node, epoch, now: event.now, voters: new Set(quorum), lastLogged });
    }
  }
  return found;
}

/** A leader of too few is a split brain as soon as another one goes on without it. */
function withoutQuorum(one: Establishment, evidence: ServerEvidence) {
  const { node, epoch, voters, lastLogged } = one;
  const established =
    `server ${node} was established as leader of epoch ${epoch} by ${serversOf(voters)} only, which ` +
    `is no quorum of ${serverCount(evidence)} servers`;
  const unknown = commitUnknownTo(one, evidence);
  if (unknown === undefined) {
    const kind = 'leader-without-quorum';
    return { kind, message: established, entries: [], nodes: [node] };
  }
  return {
    kind: 'split-brain',
    message:
      `split brain: ${established}, while server ${unknown.node} as leader of epoch ` +
      `${unknown.zxid >> 32n} committed up to zxid ${formatHex(unknown.zxid)}, of which server ` +
      `${node} had nothing after ${formatHex(lastLogged)}`,
    entries: [],
    nodes: [node, unknown.node],
    zxid: formatHex(unknown.zxid),
  };
}

/** The last commit of an earlier epoch that another server made and this leader did not begin with. */
function commitUnknownTo(
  leader: Establishment,
  { events }: ServerEvidence,
): { readonly node: number; readonly zxid: bigint } | undefined {
  let unknown: { readonly node: number; readonly zxid: bigint } | undefined;
  for (const [node, sequence] of events) {
    if (node === leader.node) continue;
    for (const event of sequence) {
      if (event.act !== 'ProposalCommitted') continue;
      const zxid = hexOf(event.args.zxid) ?? 0n;
      if (zxid >> 32n >= BigInt(leader.epoch) || zxid <= leader.lastLogged) continue;
      if (unknown === undefined || zxid > unknown.zxid) unknown = { node, zxid };
    }
  }
  return unknown;
}

/** Two leaders of one epoch, or two that no server has in common: the second knew nothing of the first. */
function conflict(
  one: Establishment,
  other: Establishment,
): { readonly kind: string; readonly message: string } | undefined {
  if (one.epoch === other.epoch) {
    return { kind: 'two-leaders', message: twoLeaders(one, other) };
  }
  if ([...one.voters].some((sid) => other.voters.has(sid))) return undefined;
  const led = ({ node, epoch, voters }: Establishment): string =>
    `server ${node} led epoch ${epoch} by ${serversOf(voters)}`;
  return {
    kind: 'split-brain',
    message: `split brain: ${led(one)}, ${led(other)}, and the two have no server in common`,
  };
}

function twoLeaders(one: Establishment, other: Establishment): string {
  const { epoch } = one;
  const at = ({ node, now }: Establishment): string =>
    `server ${node} (at ${formatTime(now * 1e6)} of its own clock)`;
  if (one.node === other.node) {
    return `epoch ${epoch} was led twice: by ${at(one)} and again by ${at(other)}`;
  }
  return `split brain: ${at(one)} and ${at(other)} were both established as leader of epoch ${epoch}`;
}

/** The outside twin: zxids that clients were given, and epochs that stand on disks. */
export function checkEpochs(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const first = new Map<bigint, AcknowledgedWrite>();
  for (const write of acknowledgedWrites(evidence.history)) {
    findings.looked++;
    const known = first.get(write.zxid);
    first.set(write.zxid, known ?? write);
    if (known !== undefined) findings.add(sharedZxid(known, write));
  }
  for (const [node, disk] of evidence.disks) {
    const { acceptedEpoch, currentEpoch, lastZxid } = disk;
    if (currentEpoch === undefined) continue;
    findings.looked++;
    if (acceptedEpoch !== undefined && currentEpoch > acceptedEpoch) {
      findings.add({
        kind: 'epoch-order',
        message: `server ${node} is in epoch ${currentEpoch} but accepted only ${acceptedEpoch}`,
        entries: [],
        nodes: [node],
      });
    }
    // Legal for the moment between a snapshot of the leader and the epoch that it belongs to.
    if (Number(lastZxid >> 32n) > currentEpoch) findings.count('disks ahead of their epoch');
  }
  return findings.result(
    'one-transaction-per-zxid',
    'acknowledged zxids and epochs',
    'No two writes were acknowledged under one zxid, and epochs on disk are in order',
  );
}

function sharedZxid(one: AcknowledgedWrite, other: AcknowledgedWrite) {
  const told = ({ op, path, entry }: AcknowledgedWrite): string =>
    `${[op, path].filter(Boolean).join(' ')} (${clientOf(entry)}, ${whenAndWhere(entry)})`;
  const nodes = [one.entry.node, other.entry.node].filter((node) => node !== undefined);
  return {
    kind: 'zxid-acknowledged-twice',
    message:
      `split brain: zxid ${formatHex(one.zxid)} was acknowledged for ${told(one)} and for ` +
      `${told(other)}`,
    entries: [one.entry.index, other.entry.index],
    time: other.entry.time,
    nodes,
    zxid: formatHex(one.zxid),
  };
}
