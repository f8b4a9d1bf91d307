/**
 * An exclusive lock and the store that it guards.
 *
 *  - The store never accepts a token below one that it has accepted before: `stale-token-accepted`.
 *  - Tokens are unique, and a grant that was asked for after another one had been given gets a larger
 *    token: `token-reused`, `token-order`.
 *  - A successful release deletes the holder's own node, so it proves that the lock was held from the
 *    grant to the invocation of the release. A larger token granted before that is a second holder:
 *    `granted-twice`, and whatever the store accepted of the first one then is stale too.
 *  - Two beliefs that overlap without such a proof are a violation unless a fault explains them. A client
 *    can only count from what it sent; a server that is cut off, paused or in a wrong time answers pings
 *    that the leader never hears of. Overlaps under such faults are counted.
 */
import { type FaultWindow, faultWindows } from './fault-windows.ts';
import type { HistoryEntry, Operation } from './history.ts';
import { clientOf, Findings, field, formatHex, hexOf, whenAndWhere } from './report.ts';
import type { CheckResult } from './verdict.ts';

interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Grant {
  readonly token: bigint;
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  beliefs: Interval[];
  /** Servers that answered its holder meanwhile. */
  readonly nodes: Set<number>;
  /** Index and time from which on the holder acted as if it had lost the lock. */
  letGo: { readonly index: number; readonly ms: number } | undefined;
  isProven: boolean;
}

interface Store {
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
  const grants = grantsOf(operations);
  const stores = storesOf(operations);
  return [
    checkFencedStore(grants, stores),
    checkTokens(grants),
    checkBeliefs(grants, faultWindows(history)),
  ];
}

const okEntry = ({ completion }: Operation): HistoryEntry | undefined =>
  completion?.type === 'ok' ? completion : undefined;

function grantsOf(operations: readonly Operation[]): readonly Grant[] {
  const grants: Grant[] = [];
  const byToken = new Map<bigint, Grant>();
  for (const operation of operations) {
    const entry = okEntry(operation);
    const token = hexOf(field(entry?.value, 'token'));
    if (operation.f !== 'acquire' || entry === undefined || token === undefined) continue;
    const grant: Grant = {
      token,
      operation,
      entry,
      beliefs: [],
      nodes: new Set(),
      letGo: undefined,
      isProven: false,
    };
    grants.push(grant);
    if (!byToken.has(token)) byToken.set(token, grant);
    noteBelief(grant, entry);
  }
  for (const operation of operations) {
    if (operation.f !== 'store' && operation.f !== 'release') continue;
    const { invoke, completion } = operation;
    const token = hexOf(field(completion?.value, 'token'));
    const grant = token === undefined ? holdingOf(grants, operation) : byToken.get(token);
    if (grant === undefined) continue;
    if (completion !== undefined) noteBelief(grant, completion);
    if (operation.f !== 'release' || completion?.error === 'NotHeld') continue;
    // What was proven released stays so: a later release without a token is about nothing.
    if (token === undefined && grant.isProven) continue;
    grant.letGo = { index: invoke.index, ms: Math.floor(invoke.time / 1e6) };
    grant.isProven = completion?.type === 'ok';
  }
  return grants;
}

/** A release without an answer does not name its token: it is about the client's newest grant. */
function holdingOf(grants: readonly Grant[], { process, invoke, f }: Operation): Grant | undefined {
  if (f !== 'release') return undefined;
  return grants.findLast(({ entry, operation }) => {
    const isSameClient =
      invoke.client === undefined ? operation.process === process : entry.client === invoke.client;
    return isSameClient && entry.index < invoke.index;
  });
}

function noteBelief(grant: Grant, entry: HistoryEntry): void {
  if (entry.node !== undefined) grant.nodes.add(entry.node);
  const belief = field(entry.value, 'belief');
  const fromMs = field(belief, 'fromMs');
  const untilMs = field(belief, 'untilMs');
  if (typeof fromMs !== 'number' || typeof untilMs !== 'number') return;
  grant.beliefs.push({ fromMs, untilMs });
}

function storesOf(operations: readonly Operation[]): readonly Store[] {
  const stores: Store[] = [];
  for (const operation of operations) {
    const entry = okEntry(operation);
    const token = hexOf(field(entry?.value, 'token'));
    if (operation.f !== 'store' || entry === undefined || token === undefined) continue;
    const isAccepted = field(entry.value, 'accepted') === true;
    const highest = hexOf(field(entry.value, 'highest'));
    stores.push({ token, operation, entry, isAccepted, highest });
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
  return findings.result('fenced-store', 'stores', 'No stale token was accepted');
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
  const { token, highest, operation } = store;
  if (highest !== undefined && highest > token) {
    return { why: `it had seen ${formatHex(highest)}`, entries: [] };
  }
  const start = operation.invoke.index;
  const larger = before.find((earlier) => {
    return earlier.isAccepted && earlier.token > token && earlier.entry.index < start;
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
  const second = grants.find((grant) => grant.token > token && grant.entry.index < start);
  if (second === undefined) return undefined;
  const whose = `${formatHex(second.token)} to ${clientOf(second.entry)}`;
  return { why: `the lock had granted ${whose} by then`, entries: [second.entry.index] };
}

function checkTokens(grants: readonly Grant[]): CheckResult {
  const findings = new Findings();
  const first = new Map<bigint, Grant>();
  const inOrder = [...grants].sort((a, b) => a.entry.index - b.entry.index);
  for (const [place, grant] of inOrder.entries()) {
    findings.looked++;
    const known = first.get(grant.token);
    first.set(grant.token, known ?? grant);
    if (known !== undefined) {
      addPair(findings, known, grant, 'token-reused', 'the same token was granted twice');
    }
    const start = grant.operation.invoke.index;
    const larger = inOrder.slice(0, place).find(({ token, entry }) => {
      return token > grant.token && entry.index < start;
    });
    if (larger !== undefined) {
      const why = 'the later acquisition got the smaller token';
      addPair(findings, larger, grant, 'token-order', why);
    }
    const holder = inOrder.find((held) => {
      const isStillHeld = held.isProven && (held.letGo?.index ?? -1) > grant.entry.index;
      return isStillHeld && held.token < grant.token;
    });
    if (holder !== undefined) {
      const why = 'the second was granted before the first was released';
      addPair(findings, holder, grant, 'granted-twice', why);
    }
  }
  return findings.result('lock-grants', 'grants', 'Each grant waited for the one before');
}

function addPair(findings: Findings, one: Grant, other: Grant, kind: string, why: string): void {
  findings.add({
    kind,
    message: `${describe(one)} and ${describe(other)}: ${why}`,
    entries: [one.entry.index, other.entry.index],
    time: other.entry.time,
    zxid: formatHex(other.token),
    nodes: [...new Set([...one.nodes, ...other.nodes])],
  });
}

const describe = ({ token, entry }: Grant): string =>
  `lock token ${formatHex(token)} granted to ${clientOf(entry)} (answered ${whenAndWhere(entry)})`;

function checkBeliefs(grants: readonly Grant[], faults: readonly FaultWindow[]): CheckResult {
  const findings = new Findings();
  const holds = grants.flatMap((grant) => beliefsOf(grant).map((belief) => ({ grant, belief })));
  holds.sort((a, b) => a.belief.fromMs - b.belief.fromMs);
  const slackMs = longestTailMs(grants);
  const seen = new Set<string>();
  for (const [place, one] of holds.entries()) {
    findings.looked++;
    for (const other of holds.slice(place + 1)) {
      if (other.belief.fromMs >= one.belief.untilMs) break;
      if (other.grant === one.grant) continue;
      const pair = [one.grant.entry.index, other.grant.entry.index].sort((a, b) => a - b).join();
      if (seen.has(pair)) continue;
      seen.add(pair);
      const overlap = {
        fromMs: other.belief.fromMs,
        untilMs: Math.min(one.belief.untilMs, other.belief.untilMs),
      };
      judgeOverlap(findings, one.grant, other.grant, overlap, faults, slackMs);
    }
  }
  return findings.result('lock-beliefs', 'beliefs', 'No two clients believed to hold the lock');
}

function judgeOverlap(
  findings: Findings,
  one: Grant,
  other: Grant,
  overlap: Interval,
  faults: readonly FaultWindow[],
  slackMs: number,
): void {
  const excuse = faults.find(({ from, until }) => {
    return from <= overlap.untilMs * 1e6 && until >= (overlap.fromMs - slackMs) * 1e6;
  });
  const areProven = one.isProven && other.isProven;
  if (excuse !== undefined && !areProven) {
    findings.count(`belief overlaps under ${excuse.kind}`);
    return;
  }
  const lengthMs = overlap.untilMs - overlap.fromMs;
  const why = areProven
    ? `both held it for ${lengthMs} ms, as their releases prove`
    : `both believed to hold it for ${lengthMs} ms, and no fault explains it`;
  addPair(findings, one, other, 'belief-overlap', why);
}

/** What a holder believed, told at different times, as disjoint intervals that end when it let go. */
function beliefsOf({ beliefs, letGo }: Grant): readonly Interval[] {
  const merged: { fromMs: number; untilMs: number }[] = [];
  for (const { fromMs, untilMs } of [...beliefs].sort((a, b) => a.fromMs - b.fromMs)) {
    const end = letGo === undefined ? untilMs : Math.min(untilMs, letGo.ms);
    const last = merged.at(-1);
    if (last !== undefined && fromMs <= last.untilMs) last.untilMs = Math.max(last.untilMs, end);
    else if (end > fromMs) merged.push({ fromMs, untilMs: end });
  }
  return merged;
}

/** A fault acts on beliefs for as long as a client goes on believing without an answer. */
function longestTailMs(grants: readonly Grant[]): number {
  let longest = 0;
  for (const { beliefs, entry } of grants) {
    const last = beliefs.at(0)?.untilMs ?? 0;
    longest = Math.max(longest, last - Math.floor(entry.time / 1e6));
  }
  return longest;
}
