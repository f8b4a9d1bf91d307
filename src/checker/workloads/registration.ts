/**
 * Providers and the lists that consumers hold of them. All is judged in the order of zxids, by what
 * providers were told and by the ends of their sessions, as the servers' events say them:
 *
 *  - A list that was read at a zxid has no provider that was gone by then (`dead-provider-listed`) and
 *    every one that provably lived (`live-provider-missing`).
 *  - The same holds for a list that is still held when the consumer is answered from a later zxid, since
 *    the watch's event comes first: `dead-provider-kept`, `new-provider-not-told`.
 *  - What one list no longer has, no later one has again (names are used once); lists of one pzxid are
 *    equal; a provider of a living session does not go by itself (`provider-vanished`).
 *
 * A provider lives at least as long as its session is answered, or until it withdraws.
 */
import { checkFinalReads } from '../final-reads.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { pairOperations } from '../pairing.ts';
import { clientOf, Findings, field, formatHex, hexOf, textField, whenAndWhere } from '../report.ts';
import { standingApplications } from '../servers/applied.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkSessionExpiry } from './session-expiry.ts';
import { momentsOf, type View, viewsOf } from './views.ts';
import { withOperations } from './with-operations.ts';

export function checkRegistrationWorkload(evidence: ServerEvidence): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    checkRegistration(operations, evidence.events),
    checkSessionExpiry(evidence),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

interface Provider {
  readonly name: string;
  readonly register: Operation;
  /** Undefined where the registration was never answered. */
  readonly created: bigint | undefined;
  /** It certainly lived before this zxid, if it had been created. */
  livedBefore: bigint;
  /** It was certainly gone at this zxid. */
  goneAt: bigint | undefined;
  goneBecause: string;
}

interface ListView extends View {
  readonly children: readonly string[];
  readonly pzxid: string | undefined;
}

export function checkRegistration(
  operations: readonly Operation[],
  events: ServerEvidence['events'],
): CheckResult {
  const findings = new Findings();
  const lists = listViews(operations);
  const providers = providersOf(findings, operations, events);
  for (const list of lists) noteAbsences(list, providers);
  const byPzxid = new Map<string, ListView>();
  for (const list of lists) {
    findings.looked++;
    const known = list.pzxid === undefined ? undefined : byPzxid.get(list.pzxid);
    if (list.pzxid !== undefined) byPzxid.set(list.pzxid, known ?? list);
    if (known !== undefined && known.children.join() !== list.children.join()) {
      const what =
        `lists of pzxid ${list.pzxid} differ: ${known.children.join(', ')} for ` +
        `${clientOf(known.entry)}, ${list.children.join(', ')} for ${clientOf(list.entry)}`;
      add(findings, 'lists-differ', list, what, [known.entry.index]);
    }
    for (const moment of momentsOf(list)) judgeList(findings, list, moment, providers);
  }
  return findings.result('registration', 'lists', 'Every list held those who lived, and no other');
}

function listViews(operations: readonly Operation[]): readonly ListView[] {
  return viewsOf(operations).flatMap((view) => {
    const children = field(view.state, 'children');
    if (!Array.isArray(children)) return [];
    return [{ ...view, children: children.map(String), pzxid: textField(view.state, 'pzxid') }];
  });
}

function providersOf(
  findings: Findings,
  operations: readonly Operation[],
  events: ServerEvidence['events'],
): ReadonlyMap<string, Provider> {
  const answered = answersOf(operations);
  const ends = sessionEnds(events);
  const providers = new Map<string, Provider>();
  for (const register of operations) {
    const { completion, invoke } = register;
    // The name is the operation's id: known even where there is no answer.
    const name = invoke.op;
    if (register.f !== 'register' || name === undefined || completion?.type === 'fail') continue;
    const session = completion?.session;
    const end = session === undefined ? undefined : ends.get(session);
    providers.set(name, {
      name,
      register,
      created: completion?.type === 'ok' ? hexOf(completion.zxid) : undefined,
      livedBefore: end ?? (answered.get(session) ?? -1n) + 1n,
      goneAt: end,
      goneBecause: `its session ${session} was closed at ${formatHex(end ?? 0n)}`,
    });
  }
  for (const operation of operations) noteWithdrawal(findings, operation, providers);
  return providers;
}

function noteWithdrawal(
  findings: Findings,
  { f, invoke, completion, process }: Operation,
  providers: ReadonlyMap<string, Provider>,
): void {
  if (f !== 'withdraw' || completion?.error === 'NotRegistered') return;
  const provider = providers.get(textField(completion?.value, 'name') ?? '');
  const zxid = hexOf(completion?.zxid);
  if (provider === undefined || zxid === undefined) {
    // It does not say which: none of this client's is certain to live from here on.
    for (const other of providers.values()) {
      const { register } = other;
      const client = register.invoke.client ?? register.process;
      const isOwn = client === (invoke.client ?? process) && register.invoke.index < invoke.index;
      if (isOwn && completion?.type !== 'fail') other.livedBefore = -1n;
    }
    return;
  }
  const isExact = completion?.type === 'ok' && field(completion.value, 'isExact') === true;
  provider.livedBefore = isExact ? zxid : -1n;
  if (provider.goneAt === undefined || zxid < provider.goneAt) {
    provider.goneAt = zxid;
    provider.goneBecause = `it had withdrawn by ${formatHex(zxid)}`;
  }
  if (completion?.error !== 'NoNode') return;
  findings.add({
    kind: 'provider-vanished',
    message:
      `provider ${provider.name} of ${clientOf(invoke)} was gone at ${formatHex(zxid)}, though its ` +
      `session ${completion.session} lived and nobody had withdrawn it`,
    entries: [provider.register.invoke.index, completion.index],
    time: completion.time,
    zxid: formatHex(zxid),
  });
}

/** The newest zxid from which each session was answered: it lived there. */
function answersOf(operations: readonly Operation[]): ReadonlyMap<string | undefined, bigint> {
  const newest = new Map<string | undefined, bigint>();
  const note = (session: string | undefined, zxid: bigint | undefined): void => {
    if (zxid !== undefined && zxid > (newest.get(session) ?? -1n)) newest.set(session, zxid);
  };
  for (const { completion } of operations) {
    if (completion?.type === 'ok') note(completion.session, hexOf(completion.zxid));
  }
  for (const { entry, zxid, confirmed } of viewsOf(operations)) {
    note(entry.session, confirmed ?? zxid);
  }
  return newest;
}

/** By session: the zxid of the transaction that closed it, and with it its ephemeral nodes. */
function sessionEnds(events: ServerEvidence['events']): ReadonlyMap<string, bigint> {
  const ends = new Map<string, bigint>();
  for (const sequence of events.values()) {
    const standing = new Set<string>();
    for (const { args } of standingApplications(sequence)) standing.add(args.zxid);
    for (const { act, args, post } of sequence) {
      const zxid = act === 'SessionClosed' && standing.has(post.lastApplied);
      const at = zxid ? hexOf(post.lastApplied) : undefined;
      if (at !== undefined && 'session' in args) ends.set(String(args.session), at);
    }
  }
  return ends;
}

/** Who is once missing from a list is gone for good. */
function noteAbsences(list: ListView, providers: ReadonlyMap<string, Provider>): void {
  const listed = new Set(list.children);
  for (const provider of providers.values()) {
    const { name, created, goneAt } = provider;
    if (created === undefined || created > list.zxid || listed.has(name)) continue;
    if (goneAt !== undefined && goneAt <= list.zxid) continue;
    provider.goneAt = list.zxid;
    provider.goneBecause = `it was missing at ${formatHex(list.zxid)} already`;
  }
}

function judgeList(
  findings: Findings,
  list: ListView,
  { zxid, isConfirmation }: { readonly zxid: bigint; readonly isConfirmation: boolean },
  providers: ReadonlyMap<string, Provider>,
): void {
  const listed = new Set(list.children);
  const when = isConfirmation
    ? `still held a list when it was answered from ${formatHex(zxid)}`
    : `got a list of ${formatHex(zxid)}`;
  const whose = `${clientOf(list.entry)} ${when} (${whenAndWhere(list.entry)})`;
  for (const name of listed) {
    const provider = providers.get(name);
    if (provider === undefined || provider.register.invoke.index > list.entry.index) {
      const what = `${whose} with ${name}, which nobody had registered`;
      add(findings, 'provider-from-nowhere', list, what, []);
    } else if (provider.goneAt !== undefined && provider.goneAt <= zxid) {
      const kind = isConfirmation ? 'dead-provider-kept' : 'dead-provider-listed';
      const what = `${whose} with provider ${name}, though ${provider.goneBecause}`;
      add(findings, kind, list, what, [provider.register.invoke.index]);
    }
  }
  for (const { name, created, livedBefore, register } of providers.values()) {
    if (created === undefined || created > zxid || zxid >= livedBefore || listed.has(name))
      continue;
    const kind = isConfirmation ? 'new-provider-not-told' : 'live-provider-missing';
    const what =
      `${whose} without provider ${name}, which was registered at ${formatHex(created)} and lived ` +
      `until ${formatHex(livedBefore)} at least`;
    add(findings, kind, list, what, [register.invoke.index]);
  }
}

function add(
  findings: Findings,
  kind: string,
  { entry, zxid }: ListView,
  message: string,
  entries: readonly number[],
): void {
  const anomaly = { entries: [...entries, entry.index], time: entry.time, zxid: formatHex(zxid) };
  findings.add({ kind, message, ...anomaly });
}

/** How many providers were listed once and gone later without having withdrawn: by their session. */
export function providersLost(history: readonly HistoryEntry[]): number {
  const operations = pairOperations(history);
  const lists = listViews(operations);
  const last = lists.at(-1);
  const withdrawn = new Set(
    operations.flatMap(({ f, completion }) =>
      f === 'withdraw' ? (textField(completion?.value, 'name') ?? []) : [],
    ),
  );
  const seen = new Set(lists.flatMap(({ children }) => children));
  return [...seen].filter((name) => {
    return !withdrawn.has(name) && last?.children.includes(name) === false;
  }).length;
}
