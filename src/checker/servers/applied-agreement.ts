/**
 * What servers say they applied: the same transactions in the same order, each leaving the same tree.
 * Digests are compared by zxid across servers and across incarnations of one server.
 */
import { Findings, formatHex, hexOf } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { standingApplications } from './applied.ts';
import type { ServerEvidence } from './evidence.ts';

interface Applied {
  readonly node: number;
  readonly incarnation: number;
  readonly op: string;
  readonly digest: string;
}

export function checkAppliedAgreement({ events }: ServerEvidence): CheckResult {
  const findings = new Findings();
  const first = new Map<bigint, Applied>();
  for (const [node, sequence] of events) {
    for (const event of sequence) {
      if (event.act !== 'TxnApplied') continue;
      const zxid = hexOf(event.args.zxid);
      if (zxid === undefined) continue;
      findings.looked++;
      const applied = { ...event.args, node, incarnation: event.incarnation };
      const known = first.get(zxid);
      if (known === undefined) first.set(zxid, applied);
      else compare(findings, zxid, known, applied);
    }
  }
  const standing = new Set<bigint>();
  for (const sequence of events.values()) {
    for (const { args } of standingApplications(sequence)) {
      const zxid = hexOf(args.zxid);
      if (zxid !== undefined) standing.add(zxid);
    }
  }
  const all = [...standing].sort((a, b) => (a < b ? -1 : 1));
  judgeOrder(findings, events, all);
  return findings.result(
    'applied-agreement',
    'applied transactions',
    'All servers applied the same transactions in one order and got the same trees',
  );
}

function compare(findings: Findings, zxid: bigint, one: Applied, other: Applied): void {
  const anomaly = { entries: [], nodes: [one.node, other.node], zxid: formatHex(zxid) };
  const servers = `server ${one.node} and server ${other.node}`;
  if (one.op !== other.op) {
    findings.add({
      ...anomaly,
      kind: 'applied-divergence',
      message: `split brain: zxid ${formatHex(zxid)} is ${one.op} and ${other.op} on ${servers}`,
    });
  } else if (one.digest !== other.digest && one.digest !== '' && other.digest !== '') {
    findings.add({
      ...anomaly,
      kind: 'digest-mismatch',
      message:
        `after ${one.op} zxid ${formatHex(zxid)} the trees of ${servers} differ: ` +
        `digests ${one.digest} and ${other.digest}`,
    });
  }
}

/** Each incarnation goes forward and leaves nothing out that another server applied. */
function judgeOrder(
  findings: Findings,
  events: ServerEvidence['events'],
  all: readonly bigint[],
): void {
  const place = new Map(all.map((zxid, index) => [zxid, index]));
  for (const [node, sequence] of events) {
    let incarnation = -1;
    let base: bigint | undefined;
    for (const event of sequence) {
      if (event.incarnation !== incarnation) base = undefined;
      incarnation = event.incarnation;
      const zxid = event.act === 'TxnApplied' ? hexOf(event.args.zxid) : undefined;
      if (zxid !== undefined && base !== undefined) {
        const index = place.get(zxid);
        judgeStep(findings, node, base, zxid, index === undefined ? undefined : all[index - 1]);
      }
      base = zxid ?? hexOf(event.post.lastApplied) ?? base;
    }
  }
}

function judgeStep(
  findings: Findings,
  node: number,
  base: bigint,
  zxid: bigint,
  before: bigint | undefined,
): void {
  const anomaly = { entries: [], nodes: [node], zxid: formatHex(zxid) };
  if (zxid <= base) {
    findings.add({
      ...anomaly,
      kind: 'applied-out-of-order',
      message: `server ${node} applied zxid ${formatHex(zxid)} when it was at ${formatHex(base)}`,
    });
  } else if (before !== undefined && before > base) {
    findings.add({
      ...anomaly,
      kind: 'applied-with-gap',
      message:
        `server ${node} went from ${formatHex(base)} to zxid ${formatHex(zxid)} without ` +
        `${formatHex(before)}, which another server applied`,
    });
  }
}
