/**
 * A lock, exclusive or shared, and the store that it guards. The store never accepts what is stale: to store
 * under a token below one that it has seen, to load under one below one that has stored; nor what comes
 * after the lock was granted to somebody else, as the holder's own later release proves:
 * `stale-token-accepted`. Grants and beliefs are judged by holds.ts.
 */
import { checkFinalReads } from '../final-reads.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { pairOperations } from '../pairing.ts';
import { clientOf, Findings, field, formatHex, hexOf, whenAndWhere } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkHolds, excludeEachOther, type Grant, grantsOf, type HoldWords } from './holds.ts';
import { checkSessionExpiry } from './session-expiry.ts';
import { withOperations } from './with-operations.ts';

const words: HoldWords = {
  name: 'lock',
  grants: new Map([
    ['acquire', 'exclusive'],
    ['acquire-exclusive', 'exclusive'],
    ['acquire-shared', 'shared'],
  ]),
  uses: new Set(['store', 'load']),
  release: 'release',
};

export function checkLockWorkload(evidence: ServerEvidence): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    ...checkLock(evidence.history, operations),
    checkSessionExpiry(evidence),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

/** How many proven holds of readers overlapped another one's. */
export function sharedHolds(history: readonly HistoryEntry[]): number {
  const shared = grantsOf(pairOperations(history), words).filter(
    ({ isShared, isProven }) => isShared && isProven,
  );
  const lasts = ({ letGo }: Grant): number => letGo?.index ?? -1;
  return shared.filter((grant) => {
    return shared.some((other) => {
      const isOther = other.token !== grant.token;
      return isOther && other.entry.index < grant.entry.index && lasts(other) > grant.entry.index;
    });
  }).length;
}

/** A use of the store. */
interface Store {
  readonly isLoad: boolean;
  readonly token: bigint;
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  readonly isAccepted: boolean;
  readonly highest: bigint | undefined;
}

export function checkLock(
  history: readonly HistoryEntry[],
  operations: readonly Operation[],
): readonly CheckResult[] {
  const grants = grantsOf(operations, words);
  return [checkFencedStore(grants, storesOf(operations)), ...checkHolds(history, grants, words)];
}

function storesOf(operations: readonly Operation[]): readonly Store[] {
  const stores: Store[] = [];
  for (const operation of operations) {
    const entry = operation.completion;
    const token = hexOf(field(entry?.value, 'token'));
    if (!words.uses.has(operation.f) || entry?.type !== 'ok' || token === undefined) continue;
    const isAccepted = field(entry.value, 'accepted') === true;
    const highest = hexOf(field(entry.value, 'highest'));
    stores.push({ isLoad: operation.f === 'load', token, operation, entry, isAccepted, highest });
  }
  return stores.sort((a, b) => a.entry.index - b.entry.index);
}

function checkFencedStore(grants: readonly Grant[], stores: readonly Store[]): CheckResult {
  const findings = new Findings();
  for (const [place, store] of stores.entries()) {
    findings.looked++;
    if (!store.isAccepted) {
      findings.count('stale tokens refused');
      continue;
    }
    const reason = staleness(store, stores.slice(0, place), grants);
    if (reason === undefined) continue;
    const { token, entry } = store;
    findings.add({
      kind: 'stale-token-accepted',
      message:
        `the fenced store accepted the stale token ${formatHex(token)} of ${clientOf(entry)} ` +
        `${whenAndWhere(entry)}: ${reason.why}`,
      entries: [...reason.entries, store.operation.invoke.index, entry.index],
      time: entry.time,
      zxid: formatHex(token),
    });
  }
  return findings.result('fenced-store', 'uses of the store', 'No stale token was accepted');
}

interface Reason {
  readonly why: string;
  readonly entries: readonly number[];
}

function staleness(
  store: Store,
  before: readonly Store[],
  grants: readonly Grant[],
): Reason | undefined {
  const { token, highest, operation, isLoad } = store;
  if (highest !== undefined && highest > token) {
    return { why: `it had seen ${formatHex(highest)}`, entries: [] };
  }
  const start = operation.invoke.index;
  const larger = before.find((earlier) => {
    const isAgainst = earlier.isAccepted && (!isLoad || !earlier.isLoad);
    return isAgainst && earlier.token > token && earlier.entry.index < start;
  });
  if (larger !== undefined) {
    const whose = `${formatHex(larger.token)} of ${clientOf(larger.entry)}`;
    return { why: `it had accepted ${whose} before`, entries: [larger.entry.index] };
  }
  const own = grants.find((grant) => grant.token === token);
  const letGo = own?.letGo;
  if (own === undefined || !own.isProven || letGo === undefined || letGo.index < start) {
    return undefined;
  }
  const second = grants.find((grant) => {
    return grant.token > token && grant.entry.index < start && excludeEachOther(own, grant);
  });
  if (second === undefined) return undefined;
  const whose = `${formatHex(second.token)} to ${clientOf(second.entry)}`;
  return { why: `the lock had granted ${whose} by then`, entries: [second.entry.index] };
}
