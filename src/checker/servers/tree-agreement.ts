/**
 * Equal transactions give equal trees. Servers whose disks end at the same zxid must hold the same tree,
 * node by node. Where one ends later (it was stopped a moment later), its tree may differ only in nodes
 * that the transactions of its lead touch.
 */
import { Findings, formatHex } from '../report.ts';
import type { DiskNode, LoggedTxn } from '../server-evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { type DiskIndex, indexDisks } from './disk-index.ts';
import type { ServerEvidence } from './evidence.ts';

export function checkTreeAgreement(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const disks = indexDisks(evidence.disks).filter((disk) => !disk.isUnreadable);
  // Neighbours in the order of their ends are enough: equality is transitive.
  const byZxid = [...disks].sort((a, b) => Number(a.disk.lastZxid - b.disk.lastZxid));
  for (const [index, behind] of byZxid.entries()) {
    const ahead = byZxid[index + 1];
    if (ahead !== undefined) compareTrees(findings, behind, ahead);
  }
  return findings.result(
    'tree-agreement',
    'znodes',
    'Trees at the same last transaction are equal',
  );
}

function compareTrees(findings: Findings, behind: DiskIndex, ahead: DiskIndex): void {
  const isExcused = lead(ahead, behind.disk.lastZxid);
  const paths = new Set([...behind.disk.tree.keys(), ...ahead.disk.tree.keys()]);
  for (const path of paths) {
    findings.looked++;
    const one = behind.disk.tree.get(path);
    const other = ahead.disk.tree.get(path);
    const difference = differenceOf(one, other);
    if (difference === undefined || isExcused?.(path, one, other) === true) continue;
    if (isExcused === undefined) {
      findings.count('znodes not comparable, for want of the log between two trees');
      continue;
    }
    findings.add({
      kind: 'tree-mismatch',
      message:
        `${path} differs between server ${behind.node} (tree at ${formatHex(behind.disk.lastZxid)}) ` +
        `and server ${ahead.node} (at ${formatHex(ahead.disk.lastZxid)}): ${difference}`,
      entries: [],
      nodes: [behind.node, ahead.node],
      path,
    });
  }
}

type Excuse = (path: string, one: DiskNode | undefined, other: DiskNode | undefined) => boolean;

/** What the transactions after `zxid` may change; undefined where the log does not reach back to it. */
function lead({ disk }: DiskIndex, zxid: bigint): Excuse | undefined {
  const txns = disk.log.filter((txn) => txn.zxid > zxid);
  if (disk.lastZxid > zxid && disk.snapshotZxid > zxid && !startsAfter(txns, zxid))
    return undefined;
  const touched = new Set<string>();
  const closed = new Set<bigint>();
  for (const { op, paths, session } of txns) {
    if (op === 'closeSession') closed.add(session);
    for (const path of paths) touched.add(path).add(parentOf(path));
  }
  return (path, one, other) => {
    if (touched.has(path)) return true;
    return closed.size > 0 && isOfClosed(path, one ?? other);
  };

  /** Ephemerals of a session that closes go away, which their parents note too. */
  function isOfClosed(path: string, node: DiskNode | undefined): boolean {
    if (node !== undefined && closed.has(node.ephemeralOwner)) return true;
    const after = disk.tree.get(path);
    return after !== undefined && after.pzxid > zxid;
  }
}

/** Whether the log holds everything after `zxid`, so far as counters tell. */
function startsAfter(txns: readonly LoggedTxn[], zxid: bigint): boolean {
  const first = txns[0]?.zxid;
  if (first === undefined) return false;
  return first === zxid + 1n || (first >> 32n > zxid >> 32n && (first & 0xffffffffn) === 1n);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

const compared = ['czxid', 'mzxid', 'pzxid', 'version', 'cversion', 'ephemeralOwner'] as const;

function differenceOf(one: DiskNode | undefined, other: DiskNode | undefined): string | undefined {
  if (one === undefined) return other === undefined ? undefined : 'only the second has it';
  if (other === undefined) return 'only the first has it';
  for (const name of compared) {
    if (one[name] !== other[name]) return `${name} ${show(one[name])} and ${show(other[name])}`;
  }
  return areEqual(one.data, other.data) ? undefined : 'its data';
}

const show = (value: bigint | number): string =>
  typeof value === 'bigint' ? formatHex(value) : String(value);

function areEqual(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
