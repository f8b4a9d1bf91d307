/**
 * What the contract's checks may know of the servers: their log, to give unanswered writes their place, and
 * how sessions ended. A transaction counts as committed where a server applied it for good, or where a quorum
 * has it in its logs (a new leader commits what it recovers without telling); else it stays open.
 */
import { formatHex, parseHex } from '../base/zxid.ts';
import { standingApplications } from '../checker/servers/applied.ts';
import type { ContractOptions } from '../checker/zookeeper/contract.ts';
import type { Expiry } from '../checker/zookeeper/expiry.ts';
import type { LoggedWrite, SuspectLog } from '../checker/zookeeper/journal.ts';
import type { Evidence, LoggedTxn, TimedEvent } from './evidence.ts';
import type { FaultRecord } from './result.ts';

export function contractOptions(
  evidence: Evidence,
  faults: readonly FaultRecord[],
): ContractOptions {
  const expiries = expiriesOf(evidence);
  return {
    log: suspectLog(evidence),
    ...(expiries.length === 0
      ? {}
      : { expiry: { expiries, isUndisturbed: undisturbed(evidence, faults) } }),
  };
}

function suspectLog({ events, disks }: Evidence): SuspectLog {
  const copies = new Map<bigint, { readonly txn: LoggedTxn; count: number }>();
  for (const { log } of disks.values()) {
    for (const txn of log) {
      const known = copies.get(txn.zxid);
      if (known === undefined) copies.set(txn.zxid, { txn, count: 1 });
      else if (known.txn.fingerprint === txn.fingerprint) known.count++;
    }
  }
  const applied = appliedZxids(events);
  const quorum = Math.floor(disks.size / 2) + 1;
  const txns: LoggedWrite[] = [];
  for (const [zxid, { txn, count }] of copies) {
    const isCertain = applied.has(zxid) || count >= quorum;
    const { session, cxid, paths } = txn;
    const op = txn.isRefused === true ? 'error' : txn.op;
    const facts = { session: formatHex(session), xid: cxid, op, paths };
    txns.push({ zxid: Number(zxid), ...facts, isCertain });
  }
  const isWhole = [...disks].some(([node, disk]) => {
    const sequence = events.get(node) ?? [];
    // A server that never got a snapshot has had every transaction in its log.
    const hasSnapshot = sequence.some(
      ({ act, args }) => act === 'SyncReceived' && args.mode === 'SNAP',
    );
    return sequence.length > 0 && !hasSnapshot && disk.problems.length === 0;
  });
  return { txns: txns.sort((a, b) => a.zxid - b.zxid), isWhole };
}

function appliedZxids(events: Evidence['events']): ReadonlySet<bigint> {
  const applied = new Set<bigint>();
  for (const sequence of events.values()) {
    for (const { args } of standingApplications(sequence)) {
      const zxid = parseHex(args.zxid);
      if (zxid !== undefined) applied.add(zxid);
    }
  }
  return applied;
}

function expiriesOf({ events }: Evidence): Expiry[] {
  const expiries: Expiry[] = [];
  for (const [node, sequence] of events) {
    for (const { act, args, time } of sequence) {
      if (act !== 'SessionExpired' || time === undefined) continue;
      expiries.push({ session: args.session, time, node });
    }
  }
  return expiries;
}

/** No role ended anywhere, and no fault was under way, nor within some ticks of either. */
function undisturbed(
  { plan, events }: Evidence,
  faults: readonly FaultRecord[],
): (node: number, fromNs: number, toNs: number) => boolean {
  const { syncLimit, tickTimeMs } = plan.cluster;
  const marginNs = (syncLimit + 2) * tickTimeMs * 1e6;
  const troubles: (readonly [number, number])[] = faults.map(({ requested, healVerified }) => {
    return [requested, healVerified ?? Number.POSITIVE_INFINITY];
  });
  for (const sequence of events.values()) {
    for (const { act, time } of sequence as readonly TimedEvent[]) {
      if (act === 'RoleEnded' && time !== undefined) troubles.push([time, time]);
    }
  }
  return (_node, fromNs, toNs) =>
    !troubles.some(([start, end]) => start - marginNs <= toNs && end + marginNs >= fromNs);
}
