/**
 * ZooKeeper's contract with its clients, judged from a journal of their sessions. Writes are witnessed by
 * their zxids: the transactions are replayed in that order on a plain tree, and every reply, Stat and watch
 * event must be what the replay gives. The replay is itself the certificate, so that a server which labels a
 * good run with wrong zxids is found as well. A twin that trusts no zxid runs beside it.
 *
 * Writes without an answer may have happened. With the suspect's own log they get their place in it, and
 * every check is done twice: once with what clients know alone (*raw*), once with the log (*resolved*).
 */
import { PlainTree } from '../models/plain-tree.ts';
import { Findings } from '../report.ts';
import { type CheckResult, mergeVerdicts } from '../verdict.ts';
import { type ExpiryEvidence, judgeExpiry } from './expiry.ts';
import { JournalError, type JournalRecord, type SuspectLog } from './journal.ts';
import { ReadJudge } from './reads.ts';
import { replayTransactions } from './replay.ts';
import { OrderJudge, SessionJudge, SyncJudge } from './session-order.ts';
import { SessionCollector, type Sessions } from './sessions.ts';
import { Stamps } from './stamps.ts';
import { orderTransactions } from './transactions.ts';
import { TwinJudge } from './twin.ts';
import { WatchJudge } from './watches.ts';

export interface ContractOptions {
  /** The tree at the beginning, made anew for each call; by default that of a new ensemble. */
  readonly initial?: () => PlainTree;
  readonly log?: SuspectLog;
  /** What servers tell of sessions that they ended. */
  readonly expiry?: ExpiryEvidence;
}

/** Names of the checks, in the order of the results. */
export const contractChecks = [
  'zookeeper-writes',
  'zookeeper-replies',
  'zookeeper-multi',
  'zookeeper-sequences',
  'zookeeper-order',
  'zookeeper-own-writes',
  'zookeeper-reads',
  'zookeeper-sync',
  'zookeeper-ephemerals',
  'zookeeper-expiry',
  'zookeeper-watches',
  'zookeeper-sessions',
  'zookeeper-twin',
] as const;
type ContractCheck = (typeof contractChecks)[number];

export function checkZooKeeper(
  journal: Iterable<JournalRecord>,
  options: ContractOptions = {},
): readonly CheckResult[] {
  const collector = new SessionCollector();
  try {
    for (const record of journal) collector.push(record);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return [brokenJournal(error)];
  }
  return judgeZooKeeper(collector.finish(), options);
}

/** What a `SessionCollector` put together, which may be judged more than once. */
export function judgeZooKeeper(
  sessions: Sessions,
  options: ContractOptions = {},
): readonly CheckResult[] {
  const raw = judgeOnce(sessions, options, undefined);
  if (options.log === undefined) return raw;
  const resolved = judgeOnce(sessions, options, withTold(options.log, sessions));
  return resolved.map((result, index) => withRaw(result, raw[index] as CheckResult));
}

/** A zxid that a client was told makes all of its epoch before it certain: they were one leader's proposals. */
function withTold(log: SuspectLog, { calls }: Sessions): SuspectLog {
  const told = new Map<number, number>();
  const epochOf = (zxid: number): number => Math.floor(zxid / 2 ** 32);
  for (const { zxid } of calls) {
    if (zxid > (told.get(epochOf(zxid)) ?? 0)) told.set(epochOf(zxid), zxid);
  }
  const txns = log.txns.map((txn) => {
    const isCertain = txn.isCertain || txn.zxid <= (told.get(epochOf(txn.zxid)) ?? 0);
    return isCertain === txn.isCertain ? txn : { ...txn, isCertain };
  });
  return { ...log, txns };
}

function brokenJournal(error: JournalError): CheckResult {
  return {
    checker: 'zookeeper-journal',
    verdict: 'unknown',
    looked: error.record,
    items: 'journal records',
    summary: error.message,
    anomalies: [],
  };
}

function judgeOnce(
  sessions: Sessions,
  options: ContractOptions,
  log: SuspectLog | undefined,
): readonly CheckResult[] {
  const [writes, replay, multi, sequences] = [
    newFindings(),
    newFindings(),
    newFindings(),
    newFindings(),
  ];
  const [reads, ownWrites, ephemerals] = [newFindings(), newFindings(), newFindings()];
  const stamps = new Stamps(sessions.calls.stats);
  const order = orderTransactions(sessions, writes, log === undefined ? {} : { log });
  const tree = options.initial?.() ?? new PlainTree();
  const timeline = replayTransactions(order, tree, stamps, { replay, multi, sequences });
  const readFindings = { reads, ownWrites, multi, ephemerals };
  const readJudge = new ReadJudge(sessions, order, timeline, stamps, readFindings);
  const orderJudge = new OrderJudge(sessions);
  const sessionJudge = new SessionJudge(sessions);
  const syncJudge = new SyncJudge();
  const watchJudge = new WatchJudge(sessions, order, timeline);
  const twinJudge = new TwinJudge(sessions);
  sessions.stream.tell({
    reply: (call, seen) => {
      orderJudge.reply(call, seen);
      sessionJudge.reply(call);
      syncJudge.reply(call);
      readJudge.reply(call, seen);
      watchJudge.reply(call);
      twinJudge.reply(call);
    },
    event: (event, seen) => {
      orderJudge.event(event, seen);
      watchJudge.event(event);
    },
  });
  syncJudge.finish();
  watchJudge.finish();
  twinJudge.finish();
  const { expiry } = options;
  const found: Readonly<Record<ContractCheck, readonly [Findings, string, string]>> = {
    'zookeeper-writes': [writes, 'answered writes', 'Writes have one order that fits real time'],
    'zookeeper-replies': [replay, 'answered writes', 'Replaying the order gives every reply'],
    'zookeeper-multi': [multi, 'answered multis', 'Multis are all or nothing'],
    'zookeeper-sequences': [sequences, 'sequential creates', 'Sequence numbers grow'],
    'zookeeper-order': [orderJudge.findings, 'replies and events', 'No session goes back'],
    'zookeeper-own-writes': [ownWrites, 'reads after own writes', 'Sessions read their writes'],
    'zookeeper-reads': [reads, 'reads', 'Every read is a state between its session and its header'],
    'zookeeper-sync': [syncJudge.findings, 'syncs', 'A sync brings its server up to its leader'],
    'zookeeper-ephemerals': [
      ephemerals,
      'looks at ephemerals',
      'They live as long as their session',
    ],
    'zookeeper-expiry': [
      expiry === undefined ? newFindings() : judgeExpiry(sessions, expiry),
      'expired sessions',
      'No session was expired before its time',
    ],
    'zookeeper-watches': [
      watchJudge.findings,
      'watches and events',
      'Every watch fires once, in time',
    ],
    'zookeeper-sessions': [sessionJudge.findings, 'sessions', 'Session ids are nobody else’s'],
    'zookeeper-twin': [twinJudge.findings, 'versions', 'One order fits values and versions alone'],
  };
  const details = {
    writesWithoutAnswer: {
      byLog: order.resolvedByLog,
      byValue: order.resolvedByValue,
      open: order.open,
    },
  };
  const results = contractChecks.map((name) => {
    const [findings, items, good] = found[name];
    return findings.result(name, items, good, details);
  });
  return withDisagreement(results);
}

const newFindings = (): Findings => new Findings();

/** What the witnessed checks and the twin both look at, and what one finds and the other does not. */
const witnessed: ReadonlySet<string> = new Set([
  'zookeeper-writes',
  'zookeeper-replies',
  'zookeeper-order',
  'zookeeper-own-writes',
  'zookeeper-reads',
  'zookeeper-multi',
]);

/**
 * Zxids that pass every check are an order that fits; a twin that finds none then accuses the checker. The
 * other way round the data are well and the zxids are wrong, or the twin cannot see that far.
 */
function withDisagreement(results: readonly CheckResult[]): readonly CheckResult[] {
  const isBad = ({ verdict }: CheckResult): boolean => verdict === 'violation';
  const isWitnessBad = results.some((result) => witnessed.has(result.checker) && isBad(result));
  return results.map((result) => {
    if (result.checker !== 'zookeeper-twin' || result.looked === 0) return result;
    if (isBad(result) === isWitnessBad) return result;
    const word = isBad(result)
      ? 'disagreement: values say no, zxids say yes'
      : 'disagreement: zxids say no, values say yes';
    return { ...result, findings: { ...result.findings, [word]: 1 } };
  });
}

/** Only what is good both times is good. */
function withRaw(resolved: CheckResult, raw: CheckResult): CheckResult {
  const verdict = mergeVerdicts([resolved.verdict, raw.verdict]);
  const details = { ...(resolved.details as object), raw: raw.verdict, resolved: resolved.verdict };
  const base = resolved.verdict === verdict ? resolved : raw;
  return { ...base, verdict, details };
}
