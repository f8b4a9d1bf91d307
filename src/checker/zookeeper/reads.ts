/**
 * Reads. A server answers from a prefix of the one order of transactions: not before anything that the
 * session has seen, and not beyond the zxid of the reply's header. Being behind is allowed and counted.
 * Whatever is wrong is sorted by its cause: an own write that was not read, a multi seen in part, an
 * ephemeral that is there without its session or gone with its session still there, or any other state.
 */
import type { Findings } from '../report.ts';
import { LooseReads } from './loose-reads.ts';
import { namesOf } from './name-lists.ts';
import type { Paths } from './paths.ts';
import { type Call, hex, type Session, type Sessions } from './sessions.ts';
import type { Stamps } from './stamps.ts';
import { nodeDifference, statDifference } from './stat-difference.ts';
import { NO_STAT, type StatRows } from './stat-rows.ts';
import type { NodeState, StateList, Timeline } from './timeline.ts';
import type { Doubts, TransactionOrder, Txn } from './transactions.ts';
import { callText, factsOf } from './words.ts';

export interface ReadFindings {
  readonly reads: Findings;
  readonly ownWrites: Findings;
  readonly multi: Findings;
  readonly ephemerals: Findings;
}

/** What is known of a path. */
interface Known {
  /** The ensemble itself writes below /zookeeper, without telling anybody. */
  readonly isItsOwn: boolean;
  readonly states: StateList | undefined;
}

export class ReadJudge {
  /** By session. */
  readonly #haveWritten: boolean[] = [];
  readonly #paths: Paths;
  /** By number of the path. */
  readonly #known: Known[] = [];
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #stats: StatRows;
  readonly #doubts: Doubts;
  readonly #timeline: Timeline;
  readonly #stamps: Stamps;
  readonly #findings: ReadFindings;
  readonly #loose: LooseReads;

  constructor(
    journal: Sessions,
    order: TransactionOrder,
    timeline: Timeline,
    stamps: Stamps,
    findings: ReadFindings,
  ) {
    this.#sessions = journal.sessions;
    this.#paths = journal.calls.requests.paths;
    this.#stats = journal.calls.stats;
    this.#doubts = order.doubts;
    this.#timeline = timeline;
    this.#stamps = stamps;
    this.#findings = findings;
    this.#loose = new LooseReads(journal, order, findings.reads);
  }

  /** `seen`: largest zxid that its session knew its servers had applied. */
  reply(call: Call, seen: number): void {
    switch (call.op) {
      case 'exists':
      case 'getData':
      case 'getChildren':
        this.#read(call, seen);
        return;
      case 'create':
      case 'delete':
      case 'setData':
      case 'multi':
        this.#haveWritten[call.connection.session.index] = true;
        return;
      default:
    }
  }

  #knownOf(path: number): Known {
    let known = this.#known[path];
    if (known === undefined) {
      const text = this.#paths.at(path);
      const states = this.#timeline.find(text)?.states;
      known = { isItsOwn: text.startsWith('/zookeeper'), states };
      this.#known[path] = known;
    }
    return known;
  }

  #read(call: Call, seen: number): void {
    const { isItsOwn, states } = this.#knownOf(call.pathNumber);
    if (isItsOwn) return;
    const { error } = call;
    if (error !== undefined && error !== 'NoNode') return;
    const { reads, ownWrites, ephemerals } = this.#findings;
    reads.looked++;
    if (this.#haveWritten[call.connection.session.index] === true) ownWrites.looked++;
    if (call.zxid < call.floor) reads.count('stale reads');
    const { stat } = call;
    if (stat !== NO_STAT) {
      const conflict = this.#stamps.conflict(stat);
      if (conflict !== undefined) this.#add(reads, call, 'time-of-zxid', conflict);
      if (this.#stats.owner(stat) !== '') ephemerals.looked++;
    }
    const index = states?.placeAt(call.zxid) ?? -1;
    const state = states?.at(index);
    if (this.#isState(call, state)) return;
    for (let at = index - 1; states !== undefined && at >= 0; at--) {
      // A state that ended when the session had already seen its end is out of reach.
      if (states.since(at + 1) <= seen) break;
      if (this.#isState(call, states.at(at))) {
        reads.count('reads behind their own header');
        return;
      }
    }
    const path = this.#paths.at(call.pathNumber);
    if (this.#isInDoubt(call, path, state)) {
      reads.count('replies judged loosely, for what was never answered');
      this.#loose.judge(call, path);
      return;
    }
    if (states === undefined) this.#noState(call, path, undefined);
    else this.#breach(call, path, states, index, seen);
  }

  /** Only what differs has to be in doubt. */
  #isInDoubt(call: Call, path: string, state: NodeState | undefined): boolean {
    if (this.#doubts.node(path, call.zxid)) return true;
    if (!this.#doubts.children(path, call.zxid)) return false;
    const told = call.stat;
    const should = state?.stat ?? NO_STAT;
    if (told === NO_STAT || should === NO_STAT) return false;
    return nodeDifference(this.#stats.at(told), this.#stats.at(should)) === undefined;
  }

  #breach(call: Call, path: string, states: StateList, index: number, seen: number): void {
    const should = states.at(index);
    const isEphemeral = this.#ownerOf(should?.stat) !== '';
    if (isEphemeral && call.stat === NO_STAT && states.since(index) <= seen) {
      this.#noState(call, path, should);
      return;
    }
    let other = states.length - 1;
    while (other >= 0 && (other === index || !this.#isState(call, states.at(other)))) other--;
    if (other > index) {
      const what = `it is the state of zxid ${hex(states.since(other))}, beyond its header`;
      this.#add(this.#findings.reads, call, 'read-beyond-its-header', what);
      return;
    }
    const missed = worstMissed(states, other + 1, index, call, seen);
    if (other >= 0 && missed !== undefined) {
      this.#missed(call, path, missed, seen);
      return;
    }
    this.#noState(call, path, should);
  }

  /** The state is an old one: a change is not in it that the session knows of, or that its header covers. */
  #missed(call: Call, path: string, txn: Txn, seen: number): void {
    const { reads, ownWrites, multi, ephemerals } = this.#findings;
    const by = txn.call === undefined ? `the end of session ${txn.session}` : callText(txn.call);
    const what =
      `it is the state before zxid ${hex(txn.zxid)} (${by}), when its session had seen ` +
      `${hex(seen)} and its header says ${hex(call.zxid)}`;
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
  #noState(call: Call, path: string, should: NodeState | undefined): void {
    const { reads, ephemerals } = this.#findings;
    const isThere = call.stat !== NO_STAT;
    const owner = this.#ownerOf(isThere ? call.stat : should?.stat);
    const what = this.#differenceOf(call, should) ?? '';
    if (owner !== '' && isThere === ((should?.stat ?? NO_STAT) === NO_STAT)) {
      const kind = isThere ? 'ephemeral-outlives-session' : 'ephemeral-gone-too-early';
      const whose = `it belongs to session ${owner} of ${this.#sessions.get(owner)?.client ?? 'nobody'}`;
      this.#add(ephemerals, call, kind, `${what}; ${whose}`);
      return;
    }
    const names = this.#namesDifference(call, path);
    this.#add(reads, call, 'state-that-never-was', names ?? what);
  }

  #isState(call: Call, state: NodeState | undefined): boolean {
    return this.#differenceOf(call, state) === undefined;
  }

  #differenceOf(call: Call, state: NodeState | undefined): string | undefined {
    const stats = this.#stats;
    const { error } = call;
    if (state === undefined || state.stat === NO_STAT) {
      if (error === 'NoNode') return undefined;
      return `the node does not exist at zxid ${hex(call.zxid)}`;
    }
    if (error !== undefined) {
      return `there is no node, it says, but there is one at zxid ${hex(call.zxid)}`;
    }
    const { stat, children } = call;
    if (stat !== NO_STAT && !stats.isSame(stat, state.stat)) {
      return statDifference(stats.at(stat), stats.at(state.stat));
    }
    if (call.op === 'getData' && call.data !== state.data) {
      return `its data is ${JSON.stringify(call.data)}, should be ${JSON.stringify(state.data)}`;
    }
    if (children === undefined) return undefined;
    const should = stats.numChildren(state.stat);
    if (children.length !== should) return `it lists ${children.length} children of ${should}`;
    return state.hasChildren(children.sum) ? undefined : 'it lists other children than there are';
  }

  #ownerOf(stat = NO_STAT): string {
    return stat === NO_STAT ? '' : this.#stats.owner(stat);
  }

  #namesDifference(call: Call, path: string): string | undefined {
    const { children } = call;
    if (children === undefined) return undefined;
    const should = this.#timeline.find(path)?.childrenAt(call.zxid) ?? new Set();
    const names = namesOf(children);
    const told = new Set(names);
    const extra = names.find((name) => !should.has(name));
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
  states: StateList,
  from: number,
  until: number,
  { connection: { session } }: Call,
  seen: number,
): Txn | undefined {
  let worst: Txn | undefined;
  for (let at = from; at <= until; at++) {
    const by = states.at(at)?.by;
    if (by === undefined || by.zxid > seen) continue;
    if (by.session === session.id && by.op !== 'close') return by;
    if (worst === undefined || (by.op === 'multi' && worst.op !== 'multi')) worst = by;
  }
  return worst ?? states.at(from)?.by;
}
