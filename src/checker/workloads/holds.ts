/**
 * Grants of a lock or of a leadership, and how long their holders believed in them.
 *
 *  - Tokens are unique, and a grant that was asked for after another one had been given gets a larger
 *    token: `token-reused`, `token-order`.
 *  - A successful release deletes the holder's own node, so it proves that the lock was held from the
 *    grant to the invocation of the release. A larger token granted before that is a second holder:
 *    `granted-twice`.
 *  - Two beliefs that overlap without such a proof are a violation unless a fault explains them. A client
 *    can only count from what it sent; a server that is cut off, paused or in a wrong time answers pings
 *    that the leader never hears of. Overlaps under such faults are counted.
 *
 * Shared grants exclude exclusive ones only, not each other.
 */
import { type FaultWindow, faultWindows } from '../fault-windows.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { clientOf, Findings, field, formatHex, hexOf, whenAndWhere } from '../report.ts';
import type { CheckResult } from '../verdict.ts';

/** What the operations of a workload are called. */
export interface HoldWords {
  /** Of the checkers, and in their sentences. */
  readonly name: 'lock' | 'leader';
  readonly grants: ReadonlyMap<string, 'exclusive' | 'shared'>;
  /** What a holder does meanwhile. */
  readonly uses: ReadonlySet<string>;
  readonly release: string;
}

interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Grant {
  readonly token: bigint;
  readonly isShared: boolean;
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  beliefs: Interval[];
  /** Servers that answered its holder meanwhile. */
  readonly nodes: Set<number>;
  /** Index and time from which on the holder acted as if it had lost the lock. */
  letGo: { readonly index: number; readonly ms: number } | undefined;
  isProven: boolean;
}

export function excludeEachOther(one: Grant, other: Grant): boolean {
  return !one.isShared || !other.isShared;
}

const okEntry = ({ completion }: Operation): HistoryEntry | undefined =>
  completion?.type === 'ok' ? completion : undefined;

export function grantsOf(operations: readonly Operation[], words: HoldWords): readonly Grant[] {
  const grants: Grant[] = [];
  const byToken = new Map<bigint, Grant>();
  for (const operation of operations) {
    const entry = okEntry(operation);
    const token = hexOf(field(entry?.value, 'token'));
    const mode = words.grants.get(operation.f);
    if (mode === undefined || entry === undefined || token === undefined) continue;
    const grant: Grant = {
      token,
      isShared: mode === 'shared',
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
    const isRelease = operation.f === words.release;
    if (!isRelease && !words.uses.has(operation.f)) continue;
    const { invoke, completion } = operation;
    const token = hexOf(field(completion?.value, 'token'));
    const named = token === undefined ? undefined : byToken.get(token);
    // A release without an answer does not name its token: it is about the client's newest grant.
    const grant =
      named ?? (isRelease && token === undefined ? newestOf(grants, operation) : undefined);
    if (grant === undefined) continue;
    if (completion !== undefined) noteBelief(grant, completion);
    if (!isRelease || completion?.error === 'NotHeld') continue;
    // What was proven released stays so: a later release without a token is about nothing.
    if (token === undefined && grant.isProven) continue;
    grant.letGo = { index: invoke.index, ms: Math.floor(invoke.time / 1e6) };
    grant.isProven = completion?.type === 'ok';
  }
  return grants;
}

function newestOf(grants: readonly Grant[], { process, invoke }: Operation): Grant | undefined {
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

/** `<name>-grants` and `<name>-beliefs`. */
export function checkHolds(
  history: readonly HistoryEntry[],
  grants: readonly Grant[],
  { name }: HoldWords,
): readonly CheckResult[] {
  return [checkTokens(grants, name), checkBeliefs(grants, faultWindows(history), name)];
}

function checkTokens(grants: readonly Grant[], name: string): CheckResult {
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
      return isStillHeld && held.token < grant.token && excludeEachOther(held, grant);
    });
    if (holder !== undefined) {
      const why = 'the second was granted before the first was released';
      addPair(findings, holder, grant, 'granted-twice', why);
    }
  }
  return findings.result(
    `${name}-grants`,
    'grants',
    'Each grant waited for those before that exclude it',
  );
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
  `token ${formatHex(token)} granted to ${clientOf(entry)} (answered ${whenAndWhere(entry)})`;

function checkBeliefs(
  grants: readonly Grant[],
  faults: readonly FaultWindow[],
  name: string,
): CheckResult {
  const findings = new Findings();
  const holds = grants.flatMap((grant) => beliefsOf(grant).map((belief) => ({ grant, belief })));
  holds.sort((a, b) => a.belief.fromMs - b.belief.fromMs);
  const slackMs = longestTailMs(grants);
  const seen = new Set<string>();
  for (const [place, one] of holds.entries()) {
    findings.looked++;
    for (const other of holds.slice(place + 1)) {
      if (other.belief.fromMs >= one.belief.untilMs) break;
      if (other.grant === one.grant || !excludeEachOther(one.grant, other.grant)) continue;
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
  return findings.result(
    `${name}-beliefs`,
    'beliefs',
    `No two clients believed to be its only holder`,
  );
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
