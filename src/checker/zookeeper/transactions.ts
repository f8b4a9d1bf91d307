/**
 * The one order of transactions, as far as it is known: answered writes by the zxid of their reply; writes
 * without an answer where somebody saw what they wrote, or where the suspect's own log has them; ends of
 * sessions. What may have happened besides stays a *doubt* about the nodes that it could have touched:
 * nothing exact is asked of those from then on.
 */
import { type PlainWrite, parentOf } from '../models/plain-tree.ts';
import type { Findings } from '../report.ts';
import type { LoggedWrite, SuspectLog } from './journal.ts';
import { type Call, type Calls, hex, type Session, type Sessions } from './sessions.ts';
import { NO_STAT, type StatRows } from './stat-rows.ts';
import { callText, factsOf, requestText } from './words.ts';

export interface Txn {
  readonly zxid: number;
  /** Absent where a server ended a session, or where nobody whose journal we have asked for it. */
  readonly call: Call | undefined;
  readonly session: string;
  readonly op: string;
}

const NO_CALL = -1;

/** In columns, as calls are. */
export class Txns {
  readonly #calls: Calls;
  readonly #zxids: number[] = [];
  readonly #callIndices: number[] = [];
  readonly #paths = new Map<number, readonly string[]>();
  /** Sessions that servers ended. */
  readonly #ended = new Map<number, string>();
  /** Once sorted: which one stands at each place. */
  #order: Int32Array | undefined;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  get length(): number {
    return this.#zxids.length;
  }

  /** A request; `paths` where only the log tells them. */
  add(zxid: number, call: Call, paths?: readonly string[]): void {
    if (paths !== undefined) this.#paths.set(this.length, paths);
    this.#zxids.push(zxid);
    this.#callIndices.push(call.index);
  }

  /** A server ended this session. */
  addEnd(zxid: number, session: string): void {
    this.#ended.set(this.length, session);
    this.#zxids.push(zxid);
    this.#callIndices.push(NO_CALL);
  }

  /** By zxid, equal ones as they were added. */
  sort(): void {
    const zxids = this.#zxids;
    // Of an array, not a typed one: only that is quick where most are in order already.
    const order = Array.from(zxids.keys());
    order.sort((a, b) => (zxids[a] as number) - (zxids[b] as number));
    this.#order = Int32Array.from(order);
  }

  zxidAt(place: number): number {
    return this.#zxids[this.#indexOf(place)] as number;
  }

  /** Undefined where a server ended a session. */
  callAt(place: number): Call | undefined {
    const index = this.#callIndices[this.#indexOf(place)] as number;
    return index === NO_CALL ? undefined : this.#calls.at(index);
  }

  /** The session that a server ended there. */
  endedAt(place: number): string {
    return this.#ended.get(this.#indexOf(place)) as string;
  }

  /** Final names of what it wrote, where only the log tells them. */
  pathsAt(place: number): readonly string[] | undefined {
    return this.#paths.size === 0 ? undefined : this.#paths.get(this.#indexOf(place));
  }

  at(place: number): Txn {
    const zxid = this.zxidAt(place);
    const call = this.callAt(place);
    if (call === undefined) return { zxid, call, session: this.endedAt(place), op: 'close' };
    return { zxid, call, session: call.connection.session.id, op: call.op };
  }

  *[Symbol.iterator](): Generator<Txn, void> {
    for (let place = 0; place < this.length; place++) yield this.at(place);
  }

  #indexOf(place: number): number {
    return this.#order === undefined ? place : (this.#order[place] as number);
  }
}

export interface TransactionOrder {
  /** By zxid. */
  readonly txns: Txns;
  readonly doubts: Doubts;
  /** Writes that got no answer: found in the log, found by their value, and still open. */
  readonly resolvedByLog: number;
  readonly resolvedByValue: number;
  readonly open: number;
}

/** Refusals that take a zxid, as every request does that reaches the decision. */
const decidedErrors: ReadonlySet<string> = new Set([
  'NoNode',
  'NodeExists',
  'BadVersion',
  'NotEmpty',
  'NoChildrenForEphemerals',
  'BadArguments',
  'NoAuth',
  'InvalidAcl',
  'QuotaExceeded',
]);

/** Whether one of its parts was refused, and so none was done. */
export function isFailed(replies: ReadonlyArray<{ readonly error?: string | undefined }>): boolean {
  for (let index = 0; index < replies.length; index++) {
    if (replies[index]?.error !== undefined) return true;
  }
  return false;
}

export function isWrite(call: Call): boolean {
  return isWriteOp(call.op);
}

function isWriteOp(op: Call['op']): boolean {
  switch (op) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setAcl':
    case 'multi':
    case 'close':
      return true;
    default:
      return false;
  }
}

/** A good answer, for a multi one without a failed part. */
export function isDone(call: Call): boolean {
  if (!call.isAnswered || call.error !== undefined) return false;
  const { results } = call;
  return results === undefined || !isFailed(results);
}

/** The zxid of an answered write: its Stat names it exactly, the header may run ahead. */
export function zxidOf(call: Call, stats: StatRows): number {
  const { stat, op, results } = call;
  if (stat !== NO_STAT) return op === 'create' ? stats.czxid(stat) : stats.mzxid(stat);
  if (results === undefined) return call.zxid;
  const part = results.find((told) => told.stat !== NO_STAT);
  return part === undefined ? call.zxid : stats.mzxid(part.stat);
}

/** Which nodes may differ from what is known, from which zxid on. */
export class Doubts {
  /** Existence, data, version. */
  readonly #nodes = new Map<string, number>();
  /** The list of children, and what counts its changes. */
  readonly #children = new Map<string, number>();
  /** Names of sequential nodes up to their number. */
  readonly #prefixes = new Map<string, number>();

  /** Nothing is in doubt anywhere. */
  get isEmpty(): boolean {
    return this.#nodes.size + this.#children.size + this.#prefixes.size === 0;
  }

  node(path: string, zxid: number): boolean {
    if (this.#nodes.size > 0 && zxid > (this.#nodes.get(path) ?? Infinity)) return true;
    if (this.#prefixes.size === 0) return false;
    return zxid > (this.#prefixes.get(path.slice(0, -10)) ?? Infinity);
  }

  children(path: string, zxid: number): boolean {
    return this.#children.size > 0 && zxid > (this.#children.get(path) ?? Infinity);
  }

  addNode(path: string, after: number): void {
    lower(this.#nodes, path, after);
  }

  addChildren(path: string, after: number): void {
    lower(this.#children, path, after);
  }

  addWrite(write: PlainWrite, after: number): void {
    if (write.op === 'check') return;
    const { path } = write;
    const isSequential = write.op === 'create' && (write.flags === 2 || write.flags === 3);
    if (isSequential) lower(this.#prefixes, path, after);
    else this.addNode(path, after);
    if (write.op === 'create' || write.op === 'delete') this.addChildren(parentOf(path), after);
  }
}

function lower(map: Map<string, number>, path: string, after: number): void {
  const before = map.get(path);
  if (before === undefined || after < before) map.set(path, after);
}

export interface OrderOptions {
  /** The suspect's own log, where it is to resolve what got no answer. */
  readonly log?: SuspectLog;
}

/** What each write promises by its zxid alone goes into `findings`. */
export function orderTransactions(
  { sessions, calls }: Sessions,
  findings: Findings,
  { log }: OrderOptions,
): TransactionOrder {
  const doubts = new Doubts();
  const txns = new Txns(calls);
  const unanswered: Call[] = [];
  for (let index = 0; index < calls.length; index++) {
    if (!isWriteOp(calls.opAt(index))) continue;
    const call = calls.at(index);
    if (!call.isAnswered) {
      unanswered.push(call);
      continue;
    }
    const { error } = call;
    if (error !== undefined && !decidedErrors.has(error)) continue;
    const zxid = zxidOf(call, calls.stats);
    txns.add(zxid, call);
    judgeRealTime(findings, zxid, call);
  }
  const answered = txns.length;
  const open =
    log === undefined ? unanswered : resolveByLog(findings, txns, calls, unanswered, log);
  const resolvedByLog = unanswered.length - open.length;
  const left = log === undefined ? resolveByValue(txns, calls, open) : open;
  const resolvedByValue = log === undefined ? open.length - left.length : 0;
  for (const call of left) {
    for (const part of call.parts) doubts.addWrite(part, call.floor);
  }
  doubtEnds(doubts, sessions.values(), calls, log);
  for (let place = answered; place < txns.length; place++) {
    const call = txns.callAt(place);
    if (call !== undefined) judgeRealTime(findings, txns.zxidAt(place), call);
  }
  txns.sort();
  let before = Number.NaN;
  for (let place = 0; place < txns.length; place++) {
    const zxid = txns.zxidAt(place);
    if (zxid === before) tellUsedTwice(findings, txns.at(place - 1), txns.at(place));
    before = zxid;
  }
  findings.looked += answered;
  return { txns, doubts, resolvedByLog, resolvedByValue, open: left.length };
}

const nameOf = (session: string, xid: number): string => `${session}/${xid}`;

/** What a whole log does not have did not happen. Returns what stays open. */
function resolveByLog(
  findings: Findings,
  txns: Txns,
  calls: Calls,
  unanswered: readonly Call[],
  log: SuspectLog,
): Call[] {
  const byName = new Map<string, LoggedWrite>();
  for (const txn of log.txns) if (txn.xid > 0) byName.set(nameOf(txn.session, txn.xid), txn);
  const known = new Set(Array.from(calls, ({ connection }) => connection.session.id));
  const told = new Set(Array.from(txns, ({ zxid }) => zxid));
  for (const { call, zxid } of txns) {
    const logged = call && byName.get(nameOf(call.connection.session.id, call.xid));
    if (call === undefined || logged === undefined || logged.zxid === zxid) continue;
    findings.add({
      ...factsOf(call),
      kind: 'log-tells-other-zxid',
      message: `${callText(call)} stands in the servers' log at zxid ${hex(logged.zxid)}`,
    });
  }
  const open: Call[] = [];
  for (const call of unanswered) {
    const logged = byName.get(nameOf(call.connection.session.id, call.xid));
    if (logged === undefined ? !log.isWhole : !logged.isCertain) {
      open.push(call);
      continue;
    }
    if (logged === undefined || logged.op === 'error' || told.has(logged.zxid)) continue;
    txns.add(logged.zxid, call, logged.paths);
    told.add(logged.zxid);
  }
  for (const { zxid, session, op, xid, isCertain } of log.txns) {
    if (told.has(zxid) || !isCertain) continue;
    if (op === 'closeSession') txns.addEnd(zxid, session);
    else if (op !== 'createSession' && op !== 'error' && !(known.has(session) && xid > 0)) {
      findings.count('transactions of clients without a journal');
    }
  }
  return open;
}

/** A value that only one write of this node wrote, and that somebody read, tells the write's zxid. */
function resolveByValue(txns: Txns, calls: Calls, open: readonly Call[]): readonly Call[] {
  const candidates = new Map<string, Call | 'ambiguous'>();
  for (const call of open) {
    for (const part of call.parts) {
      if (part.op !== 'setData' && part.op !== 'create') continue;
      if (part.data === null || part.data === '') continue;
      const name = `${part.path}\n${part.data}`;
      candidates.set(name, candidates.has(name) ? 'ambiguous' : call);
    }
  }
  if (candidates.size === 0) return open;
  const told = new Set(Array.from(txns, ({ zxid }) => zxid));
  const isAnswered = new Set<string>();
  for (const call of calls) {
    if (!call.isAnswered) continue;
    for (const part of call.parts) {
      if ('data' in part) isAnswered.add(`${part.path}\n${part.data}`);
    }
  }
  const found = new Set<Call>();
  for (const { request, data, stat } of calls) {
    if (request.op !== 'getData' || typeof data !== 'string') continue;
    const name = `${request.path}\n${data}`;
    const call = candidates.get(name);
    if (call === undefined || call === 'ambiguous' || isAnswered.has(name)) continue;
    const zxid = stat === NO_STAT ? -1 : calls.stats.mzxid(stat);
    if (found.has(call) || told.has(zxid) || zxid <= call.floor) continue;
    found.add(call);
    told.add(zxid);
    txns.add(zxid, call);
  }
  return open.filter((call) => !found.has(call));
}

/** A session that did not see its own end may end whenever its last reply is behind it. */
function doubtEnds(
  doubts: Doubts,
  sessions: Iterable<Session>,
  calls: Calls,
  log: SuspectLog | undefined,
): void {
  const open = new Set<Session>();
  const isDoubtful = doubtfulEnds(log);
  for (const session of sessions) {
    if (session.closed === undefined && isDoubtful(session.id)) open.add(session);
  }
  if (open.size === 0) return;
  for (const call of calls) {
    const { session } = call.connection;
    if (!open.has(session) || !isDone(call)) continue;
    call.parts.forEach((part, index) => {
      if (part.op !== 'create' || (part.flags !== 1 && part.flags !== 3)) return;
      const path = call.told[index]?.path ?? part.path;
      doubts.addNode(path, session.lastZxid);
      doubts.addChildren(parentOf(path), session.lastZxid);
    });
  }
}

/** Without a log every end is in doubt, with one only those that it does not tell for certain. */
function doubtfulEnds(log: SuspectLog | undefined): (session: string) => boolean {
  if (log === undefined || !log.isWhole) return () => true;
  const uncertain = log.txns.filter(({ op, isCertain }) => op === 'closeSession' && !isCertain);
  const sessions = new Set(uncertain.map(({ session }) => session));
  return (session) => sessions.has(session);
}

/** One zxid is one transaction. */
function tellUsedTwice(findings: Findings, before: Txn, txn: Txn): void {
  const text = ({ op, call }: Txn): string => (call === undefined ? op : callText(call));
  findings.add({
    ...(txn.call === undefined ? { entries: [] } : factsOf(txn.call)),
    kind: 'zxid-used-twice',
    message: `zxid ${hex(txn.zxid)} is two transactions: ${text(before)} and ${text(txn)}`,
  });
}

/** A write comes after everything that anybody had been told of when it was sent. */
function judgeRealTime(findings: Findings, zxid: number, call: Call): void {
  if (zxid <= call.floor) {
    findings.add({
      ...factsOf(call),
      kind: 'write-before-its-time',
      message:
        `${callText(call)} has zxid ${hex(zxid)}, but zxid ${hex(call.floor)} had been ` +
        'told to a client before it was sent',
    });
  }
  if (call.isAnswered && call.zxid < zxid) {
    findings.add({
      ...factsOf(call),
      kind: 'header-before-own-zxid',
      message: `the header of ${requestText(call)} says ${hex(call.zxid)}, its Stat ${hex(zxid)}`,
    });
  }
  if (call.isAnswered && call.zxid > zxid) findings.count('headers beyond the own zxid');
}
