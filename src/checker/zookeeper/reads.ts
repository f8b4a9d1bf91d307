/**
 * Reads. A server answers from a prefix of the one order of transactions: not before anything that the
 * session has seen, and not beyond the zxid of the reply's header. Being behind is allowed and counted.
 * Whatever is wrong is sorted by its cause: an own write that was not read, a multi seen in part, an
 * ephemeral that is there without its session or gone with its session still there, or any other state.
 */
import type { Findings } from '../report.ts';
import type { JournalReply, WatchedRead } from './journal.ts';
import { LooseReads } from './loose-reads.ts';
import { NameSum } from './name-hash.ts';
import { Call, hex, type Session, type Sessions } from './sessions.ts';
import type { Stamps } from './stamps.ts';
import {
  indexAt,
  type NodeState,
  nodeDifference,
  type StateList,
  statDifference,
  type Timeline,
} from './timeline.ts';
import type { Doubts, TransactionOrder, Txn } from './transactions.ts';
import { callText, factsOf } from './words.ts';

export interface ReadFindings {
  readonly reads: Findings;
  readonly ownWrites: Findings;
  readonly multi: Findings;
  readonly ephemerals: Findings;
}

interface SeenBySession {
  /** Largest zxid that the session knows its servers had applied. */
  zxid: number;
  hasWritten: boolean;
}

export function judgeReads(
  journal: Sessions,
  order: TransactionOrder,
  timeline: Timeline,
  stamps: Stamps,
  findings: ReadFindings,
): void {
  const judge = new ReadJudge(journal, order, timeline, stamps, findings);
  for (const session of journal.sessions.values()) {
    const seen: SeenBySession = { zxid: 0, hasWritten: false };
    for (const connection of session.connections) {
      seen.zxid = Math.max(seen.zxid, connection.lastZxidSeen);
      for (const item of connection.stream) {
        if (item instanceof Call) judge.call(item, seen);
        if (item.zxid > seen.zxid) seen.zxid = item.zxid;
      }
    }
  }
}

class ReadJudge {
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #doubts: Doubts;
  readonly #timeline: Timeline;
  readonly #stamps: Stamps;
  readonly #findings: ReadFindings;
  readonly #loose: LooseReads;

  constructor(
    { sessions, calls }: Sessions,
    order: TransactionOrder,
    timeline: Timeline,
    stamps: Stamps,
    findings: ReadFindings,
  ) {
    this.#sessions = sessions;
    this.#doubts = order.doubts;
    this.#timeline = timeline;
    this.#stamps = stamps;
    this.#findings = findings;
    this.#loose = new LooseReads(calls, order, findings.reads);
  }

  call(call: Call, seen: SeenBySession): void {
    const { request, reply } = call;
    switch (request.op) {
      case 'exists':
      case 'getData':
      case 'getChildren':
        if (reply !== undefined) this.#read(call, request, reply, seen);
        return;
      case 'create':
      case 'delete':
      case 'setData':
      case 'multi':
        seen.hasWritten = true;
        return;
      default:
    }
  }

  #read(call: Call, request: WatchedRead, reply: JournalReply, seen: SeenBySession): void {
    const { path } = request;
    // The ensemble itself writes below /zookeeper, without telling anybody.
    if (path.startsWith('/zookeeper')) return;
    if (reply.error !== undefined && reply.error !== 'NoNode') return;
    const { reads, ownWrites, ephemerals } = this.#findings;
    reads.looked++;
    if (seen.hasWritten) ownWrites.looked++;
    if (call.zxid < call.floor) reads.count('stale reads');
    const { stat } = reply;
    if (stat !== undefined) {
      const conflict = this.#stamps.conflict(stat);
      if (conflict !== undefined) this.#add(reads, call, 'time-of-zxid', conflict);
      if (stat.ephemeralOwner !== '') ephemerals.looked++;
    }
    const list = this.#timeline.states(path);
    const { states, since } = list;
    const index = indexAt(list, call.zxid);
    const state = states[index];
    if (differenceOf(call, reply, state) === undefined) return;
    for (let at = index - 1; at >= 0; at--) {
      // A state that ended when the session had already seen its end is out of reach.
      if ((since[at + 1] as number) <= seen.zxid) break;
      if (differenceOf(call, reply, states[at]) === undefined) {
        reads.count('reads behind their own header');
        return;
      }
    }
    if (this.#isInDoubt(call, path, state)) {
      reads.count('replies judged loosely, for what was never answered');
      this.#loose.judge(call, path, reply);
      return;
    }
    this.#breach(call, path, reply, list, index, seen);
  }

  /** Only what differs has to be in doubt. */
  #isInDoubt(call: Call, path: string, state: NodeState | undefined): boolean {
    if (this.#doubts.node(path, call.zxid)) return true;
    if (!this.#doubts.children(path, call.zxid)) return false;
    const told = call.reply?.stat;
    const should = state?.stat;
    if (told === undefined || should === undefined) return false;
    return nodeDifference(told, should) === undefined;
  }

  #breach(
    call: Call,
    path: string,
    reply: JournalReply,
    list: StateList,
    index: number,
    seen: SeenBySession,
  ): void {
    const { states, since } = list;
    const should = states[index];
    const isEphemeral = (should?.stat?.ephemeralOwner ?? '') !== '';
    if (isEphemeral && reply.stat === undefined && (since[index] ?? 0) <= seen.zxid) {
      this.#noState(call, path, reply, should);
      return;
    }
    const other = states.findLastIndex(
      (state, at) => at !== index && differenceOf(call, reply, state) === undefined,
    );
    const found = states[other];
    if (found !== undefined && other > index) {
      const what = `it is the state of zxid ${hex(since[other] as number)}, beyond its header`;
      this.#add(this.#findings.reads, call, 'read-beyond-its-header', what);
      return;
    }
    const missed = worstMissed(list, other + 1, index, call, seen);
    if (found !== undefined && missed !== undefined) {
      this.#missed(call, path, missed, seen);
      return;
    }
    this.#noState(call, path, reply, should);
  }

  /** The state is an old one: a change is not in it that the session knows of, or that its header covers. */
  #missed(call: Call, path: string, txn: Txn, seen: SeenBySession): void {
    const { reads, ownWrites, multi, ephemerals } = this.#findings;
    const by = txn.call === undefined ? `the end of session ${txn.session}` : callText(txn.call);
    const what =
      `it is the state before zxid ${hex(txn.zxid)} (${by}), when its session had seen ` +
      `${hex(seen.zxid)} and its header says ${hex(call.zxid)}`;
    if (txn.op === 'close') {
      this.#add(ephemerals, call, 'ephemeral-outlives-session', `${path}: ${what}`);
    } else if (txn.session === call.connection.session.id) {
      this.#add(ownWrites, call, 'own-write-not-read', what);
    } else if (txn.op === 'multi') {
      this.#add(multi, call, 'multi-seen-in-part', what);
    } else {
      this.#add(reads, call, 'read-went-back', what);
    }
  }

  /** No transaction ever left the node like that. */
  #noState(call: Call, path: string, reply: JournalReply, should: NodeState | undefined): void {
    const { reads, ephemerals } = this.#findings;
    const owner = reply.stat?.ephemeralOwner ?? should?.stat?.ephemeralOwner ?? '';
    const what = differenceOf(call, reply, should) ?? '';
    if (owner !== '' && (reply.stat === undefined) !== (should?.stat === undefined)) {
      const isThere = reply.stat !== undefined;
      const kind = isThere ? 'ephemeral-outlives-session' : 'ephemeral-gone-too-early';
      const whose = `it belongs to session ${owner} of ${this.#sessions.get(owner)?.client ?? 'nobody'}`;
      this.#add(ephemerals, call, kind, `${what}; ${whose}`);
      return;
    }
    const names = this.#namesDifference(call, path, reply);
    this.#add(reads, call, 'state-that-never-was', names ?? what);
  }

  #namesDifference(call: Call, path: string, { children }: JournalReply): string | undefined {
    if (children === undefined) return undefined;
    const should = this.#timeline.children(path, call.zxid);
    const told = new Set(children);
    const extra = children.find((name) => !should.has(name));
    const missing = [...should].find((name) => !told.has(name));
    if (extra !== undefined) return `it lists ${extra}, which is not there`;
    return missing === undefined ? undefined : `it does not list ${missing}, which is there`;
  }

  #add(findings: Findings, call: Call, kind: string, what: string): void {
    findings.add({ ...factsOf(call), kind, message: `${callText(call)}: ${what}` });
  }
}

/** Of the changes that are not in the state and ought to be: an own one, part of a multi, the first. */
function worstMissed(
  { states }: StateList,
  from: number,
  until: number,
  { connection: { session } }: Call,
  seen: SeenBySession,
): Txn | undefined {
  let worst: Txn | undefined;
  for (let at = from; at <= until; at++) {
    const { by } = states[at] as NodeState;
    if (by === undefined || by.zxid > seen.zxid) continue;
    if (by.session === session.id && by.op !== 'close') return by;
    if (worst === undefined || (by.op === 'multi' && worst.op !== 'multi')) worst = by;
  }
  return worst ?? states[from]?.by;
}

function differenceOf(
  { request, zxid }: Call,
  reply: JournalReply,
  state: NodeState | undefined,
): string | undefined {
  const stat = state?.stat;
  if (stat === undefined) {
    return reply.error === 'NoNode' ? undefined : `the node does not exist at zxid ${hex(zxid)}`;
  }
  if (reply.error !== undefined) {
    return `there is no node, it says, but there is one at zxid ${hex(zxid)}`;
  }
  if (reply.stat !== undefined) {
    const difference = statDifference(reply.stat, stat);
    if (difference !== undefined) return difference;
  }
  if (request.op === 'getData' && reply.data !== state?.data) {
    return `its data is ${JSON.stringify(reply.data)}, should be ${JSON.stringify(state?.data)}`;
  }
  return reply.children === undefined || state === undefined
    ? undefined
    : childrenDifference(reply.children, state);
}

function childrenDifference(names: readonly string[], state: NodeState): string | undefined {
  if (names.length !== state.stat?.numChildren) {
    return `it lists ${names.length} children of ${state.stat?.numChildren}`;
  }
  const sum = new NameSum();
  for (const name of names) sum.add(name);
  const isSame = sum.a === state.childrenA && sum.b === state.childrenB;
  return isSame ? undefined : 'it lists other children than there are';
}
