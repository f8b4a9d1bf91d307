/**
 * All transactions replayed on the plain tree, in the order of their zxids: what each write should have been
 * answered, and for every node the states that it went through.
 */
import {
  type PlainChange,
  type PlainNode,
  type PlainOutcome,
  type PlainReply,
  type PlainTree,
  type PlainWrite,
  parentOf,
  sequenceText,
  statOf,
  type WriteContext,
} from '../models/plain-tree.ts';
import type { Findings } from '../report.ts';
import type { Told } from './call.ts';
import { type Call, hex } from './sessions.ts';
import type { Stamps } from './stamps.ts';
import { nodeDifference, statDifference } from './stat-difference.ts';
import { NO_STAT, type StatRows } from './stat-rows.ts';
import { FROM_START, type NodeHistory, Timeline } from './timeline.ts';
import { isFailed, type TransactionOrder } from './transactions.ts';
import { callText, factsOf } from './words.ts';

export interface ReplayFindings {
  readonly replay: Findings;
  readonly multi: Findings;
  readonly sequences: Findings;
}

export function replayTransactions(
  order: TransactionOrder,
  initial: PlainTree,
  stamps: Stamps,
  findings: ReplayFindings,
): Timeline {
  return new Replay(order, initial, stamps, findings).run();
}

const nothingChanged: readonly PlainChange[] = [];

class Replay {
  readonly #order: TransactionOrder;
  readonly #tree: PlainTree;
  readonly #stats: StatRows;
  readonly #stamps: Stamps;
  readonly #findings: ReplayFindings;
  readonly #timeline: Timeline;
  #changes = nothingChanged;
  /** The node that a write was rightly answered the Stat of: it need not be made twice. */
  #answeredPath: string | undefined;
  #answeredStat = NO_STAT;
  /** Nodes whose new state has to be kept, some of them twice. */
  #touched: NodeHistory[] = [];
  /** Newest sequence number by parent and its incarnation. */
  readonly #numbers = new Map<string, { readonly zxid: number; readonly number: number }>();

  constructor(order: TransactionOrder, tree: PlainTree, stamps: Stamps, findings: ReplayFindings) {
    this.#order = order;
    this.#tree = tree;
    this.#stats = stamps.stats;
    this.#stamps = stamps;
    this.#findings = findings;
    this.#timeline = new Timeline(order.txns);
    for (const [path, { children = [] }] of tree.nodes) {
      const history = this.#timeline.historyOf(path);
      for (const name of children) history.changeChild(name, 0, true);
      this.#keep(history, tree.get(path), FROM_START, -1);
    }
  }

  run(): Timeline {
    const { txns } = this.#order;
    for (let place = 0; place < txns.length; place++) {
      const zxid = txns.zxidAt(place);
      const call = txns.callAt(place);
      this.#changes = nothingChanged;
      this.#answeredPath = undefined;
      if (call === undefined) this.#close(txns.endedAt(place), zxid);
      else this.#request(call, zxid, place);
      this.#keepChanges(call, zxid, place);
    }
    return this.#timeline;
  }

  #close(session: string, zxid: number): void {
    this.#tree.closeSession(session, zxid);
    this.#changes = this.#tree.changes;
  }

  #request(call: Call, zxid: number, place: number): void {
    const session = call.connection.session.id;
    // Times are judged apart, by what the replies say of one zxid.
    const context: WriteContext = { session, zxid, timeMs: 0 };
    if (call.op === 'close') this.#close(session, zxid);
    else if (!call.isAnswered) this.#unanswered(call, this.#order.txns.pathsAt(place), context);
    else if (call.op === 'multi') this.#several(call, context);
    else {
      const part = call.request as PlainWrite;
      if (this.#isDone(call, part)) this.#single(call, part, context);
      else this.#several(call, context);
    }
  }

  #unanswered(call: Call, paths: readonly string[] | undefined, context: WriteContext): void {
    const { parts } = call;
    this.#takeNumbers(parts, paths);
    const expected = this.#tree.multi(parts, context);
    this.#changes = this.#tree.changes;
    if (isFailed(expected)) this.#forceUnanswered(call, paths, expected, context);
  }

  /** A sequential node counts only where the model gives it the name that was told. */
  #isDone({ error, path, results }: Call, part: PlainWrite): boolean {
    if (error !== undefined || results !== undefined) return false;
    if (!isSequential(part)) return true;
    const parent = this.#tree.get(parentOf(part.path));
    return path === part.path + sequenceText(parent?.childrenCreated ?? 0);
  }

  /** Most writes: the shortest way through where they were answered as they should be. */
  #single(call: Call, part: PlainWrite, context: WriteContext): void {
    const outcome = this.#tree.carryOut(part, context);
    this.#changes = this.#tree.changes;
    this.#judgeNumber(call, part, call.path, context.zxid);
    if (this.#isAnsweredWell(call, part, outcome, context.zxid)) {
      this.#findings.replay.looked++;
      return;
    }
    const { path, node } = outcome;
    const isStat = path !== undefined && node !== undefined;
    const reply: PlainReply = isStat ? { path, stat: statOf(node) } : outcome;
    this.#judgeAnswer(call, [part], [call], [reply], context);
  }

  #isAnsweredWell(
    { stat: row, path: name }: Call,
    part: PlainWrite,
    { error, path, node }: PlainOutcome,
    zxid: number,
  ): boolean {
    if (error !== undefined || (name !== undefined && name !== path)) return false;
    if (row !== NO_STAT) {
      if (node === undefined || !this.#stats.isNode(row, node)) return false;
      this.#answeredPath = path;
      this.#answeredStat = row;
      if (this.#stats.mzxid(row) !== zxid || this.#stamps.conflict(row) !== undefined) return false;
    }
    return !this.#isInDoubt(part, zxid);
  }

  #several(call: Call, context: WriteContext): void {
    const { parts, told } = call;
    // The tree changes only where the client was told so.
    const expected = this.#tree.multi(parts, context, (replies) => isAsTold(told, replies));
    this.#changes = this.#tree.changes;
    for (const [index, part] of parts.entries()) {
      this.#judgeNumber(call, part, told[index]?.path, context.zxid);
    }
    this.#judgeAnswer(call, parts, told, expected, context);
  }

  #judgeAnswer(
    call: Call,
    parts: readonly PlainWrite[],
    told: readonly Told[],
    expected: readonly PlainReply[],
    context: WriteContext,
  ): void {
    this.#judge(call, parts, told, expected, context.zxid);
    // Go on from what the client was told, so that one breach is told once.
    if (!isFailed(told) && !isAsTold(told, expected)) this.#force(call, told, context);
  }

  /** A name that the log tells for certain comes before what the model counted. */
  #takeNumbers(parts: readonly PlainWrite[], paths: readonly string[] | undefined): void {
    const [only] = parts;
    const path = paths?.[0];
    if (parts.length !== 1 || path === undefined || only === undefined) return;
    if (!isSequential(only)) return;
    this.#tree.adjust(parentOf(path), { childrenCreated: numberOf(only.path, path) });
  }

  #isInDoubt(part: PlainWrite, zxid: number): boolean {
    const { doubts } = this.#order;
    if (doubts.isEmpty) return false;
    const { path, op } = part;
    if (op === 'setData' || op === 'check' || op === 'setAcl') return doubts.node(path, zxid);
    const parent = parentOf(path);
    if (doubts.node(path, zxid) || doubts.node(parent, zxid)) return true;
    if (op === 'delete') return doubts.children(path, zxid);
    return isSequential(part) && doubts.children(parent, zxid);
  }

  #judge(
    call: Call,
    parts: readonly PlainWrite[],
    told: readonly Told[],
    expected: readonly PlainReply[],
    zxid: number,
  ): void {
    const isMulti = call.op === 'multi';
    const findings = isMulti ? this.#findings.multi : this.#findings.replay;
    findings.looked++;
    if (told.length !== parts.length) {
      const message = `${callText(call)} got ${told.length} results`;
      findings.add({ ...factsOf(call), kind: 'multi-results-missing', message });
      return;
    }
    const isRefused = isFailed(expected);
    const isInDoubt = parts.some((part) => this.#isInDoubt(part, zxid));
    if (isInDoubt) findings.count('replies judged loosely, for what was never answered');
    for (let index = 0; index < told.length; index++) {
      const part = told[index] as Told;
      const model = expected[index] as PlainReply;
      const problem =
        this.#toldDifference(part, model, isInDoubt, isRefused) ??
        this.#statDifference(part, model, parts[index] as PlainWrite, isInDoubt, zxid);
      if (problem === undefined) continue;
      const which = isMulti ? ` (part ${index + 1})` : '';
      findings.add({
        ...factsOf(call),
        kind: isMulti ? 'multi-not-atomic' : 'reply-differs',
        message: `${callText(call)}${which}: ${problem}`,
      });
      return;
    }
  }

  /** What is wrong with the outcome of one part; undefined where nothing is. */
  #toldDifference(
    told: Told,
    model: PlainReply,
    isInDoubt: boolean,
    isRefused: boolean,
  ): string | undefined {
    if (isInDoubt) return undefined;
    // Of a multi that fails, what came before the failing part is answered Ok.
    const expected = model.error ?? (isRefused ? 'Ok' : undefined);
    if (told.error !== expected) {
      return `it was ${toldText(told.error)}, should be ${toldText(expected)}`;
    }
    const isNamed = told.path !== undefined && model.path !== undefined;
    if (!isNamed || told.path === model.path) return undefined;
    return `it was named ${told.path}, should be ${model.path}`;
  }

  #statDifference(
    { stat: row, path: name }: Told,
    model: PlainReply,
    part: PlainWrite,
    isInDoubt: boolean,
    zxid: number,
  ): string | undefined {
    if (row === NO_STAT) return undefined;
    const time = this.#stamps.conflict(row);
    if (time !== undefined) return time;
    const mzxid = this.#stats.mzxid(row);
    if (mzxid !== zxid) return `its Stat has mzxid ${hex(mzxid)}`;
    if (isInDoubt || model.stat === undefined) return undefined;
    if (this.#stats.isStat(row, model.stat)) return undefined;
    const stat = this.#stats.at(row);
    return this.#order.doubts.children(name ?? part.path, zxid)
      ? nodeDifference(stat, model.stat)
      : statDifference(stat, model.stat);
  }

  /** Under one parent later sequential nodes have larger numbers, whatever else is in doubt. */
  #judgeNumber(call: Call, part: PlainWrite, path: string | undefined, zxid: number): void {
    if (!isSequential(part) || path === undefined) return;
    const { sequences } = this.#findings;
    sequences.looked++;
    const parent = parentOf(part.path);
    const text = path.slice(part.path.length);
    const number = Number(text);
    if (!path.startsWith(part.path) || !/^(\d{10,}|-\d{9,})$/.test(text)) {
      const message = `${callText(call)} was named ${path}, which is not ten digits after it`;
      sequences.add({ ...factsOf(call), kind: 'sequence-malformed', message });
      return;
    }
    const name = `${parent}\n${this.#tree.get(parent)?.czxid ?? 0}`;
    const before = this.#numbers.get(name);
    // The counter has 32 bits: after the largest number comes the smallest.
    if (before !== undefined && number <= before.number && before.number - number < 2 ** 31) {
      sequences.add({
        ...factsOf(call),
        kind: number === before.number ? 'sequence-twice' : 'sequence-went-back',
        message:
          `${callText(call)} got number ${number} under ${parent}, after number ` +
          `${before.number} had been given at zxid ${hex(before.zxid)}`,
      });
    }
    this.#numbers.set(name, { zxid, number });
  }

  /** Carries out what the client was told, after making the tree such that it can be. */
  #force(call: Call, told: readonly Told[], context: WriteContext): void {
    this.#answeredPath = undefined;
    const changes: PlainChange[] = [];
    for (const [index, part] of call.parts.entries()) {
      this.#prepare(part, told[index]?.path, context.zxid);
      const isVersioned = part.op === 'delete' || part.op === 'setData';
      this.#tree.write(isVersioned ? { ...part, version: -1 } : part, context);
      changes.push(...this.#tree.changes);
      const stat = told[index]?.stat ?? NO_STAT;
      if (part.op !== 'setData' || stat === NO_STAT) continue;
      const { version, czxid, pzxid } = this.#stats.at(stat);
      this.#tree.adjust(part.path, { version, czxid, pzxid });
    }
    this.#changes = changes;
  }

  /** A write without an answer that did happen, since somebody read it, and that the model refuses. */
  #forceUnanswered(
    call: Call,
    paths: readonly string[] | undefined,
    expected: readonly PlainReply[],
    context: WriteContext,
  ): void {
    const { parts } = call;
    const { zxid } = context;
    if (!parts.some((part) => this.#isInDoubt(part, zxid))) {
      const isMulti = call.op === 'multi';
      const error = expected.find((reply) => reply.error !== undefined)?.error;
      (isMulti ? this.#findings.multi : this.#findings.replay).add({
        ...factsOf(call),
        kind: isMulti ? 'multi-not-atomic' : 'reply-differs',
        message: `${callText(call)}: it was done at zxid ${hex(zxid)}, should be ${toldText(error)}`,
      });
    }
    const names = paths?.length === parts.length ? paths : undefined;
    const told = parts.map((part, index) => ({
      error: undefined,
      path: names?.[index] ?? part.path,
      stat: NO_STAT,
    }));
    this.#force(call, told, context);
  }

  #prepare(part: PlainWrite, told: string | undefined, zxid: number): void {
    const path = told ?? part.path;
    const parent = parentOf(path);
    if (this.#tree.get(parent) === undefined) this.#tree.load(parent, {});
    const node = this.#tree.get(path);
    switch (part.op) {
      case 'create':
        if (node !== undefined) this.#remove(path, zxid);
        if (isSequential(part) && path !== part.path) {
          this.#tree.adjust(parent, { childrenCreated: numberOf(part.path, path) });
        }
        return;
      case 'delete':
        for (const name of [...(node?.children ?? [])]) this.#remove(`${path}/${name}`, zxid);
        break;
      default:
    }
    if (node === undefined) this.#tree.load(path, {});
  }

  /** A node that is gone without anybody having been told. */
  #remove(path: string, zxid: number): void {
    for (const name of [...(this.#tree.get(path)?.children ?? [])]) {
      this.#remove(`${path}/${name}`, zxid);
    }
    this.#tree.unload(path);
    const history = this.#touch(this.#timeline.historyOf(path));
    this.#timeline.parentOf(history).changeChild(history.name, zxid, false);
  }

  #keepChanges(call: Call | undefined, zxid: number, place: number): void {
    const changes = this.#changes;
    const [first] = changes;
    if (first !== undefined && changes.length === 1 && this.#touched.length === 0) {
      const history = this.#noteChange(first, call, zxid);
      const { node, parent } = first;
      this.#keep(history, node, place, zxid);
      if (parent !== undefined) this.#keep(this.#timeline.parentOf(history), parent, place, zxid);
      return;
    }
    for (const change of changes) {
      const history = this.#touch(this.#noteChange(change, call, zxid));
      if (change.parent !== undefined) this.#touch(this.#timeline.parentOf(history));
    }
    for (const history of this.#touched) {
      const isKept = history.states.newestBy === place;
      if (!isKept) this.#keep(history, this.#tree.get(history.path), place, zxid);
    }
    this.#touched = [];
  }

  #noteChange({ kind, path }: PlainChange, call: Call | undefined, zxid: number): NodeHistory {
    const history = this.#timeline.historyOf(path);
    if (kind === 'aclChanged') return history;
    const isCertain = this.#isCertain(call, path, zxid);
    if (isCertain) history.change(zxid, kind);
    if (kind === 'changed') return history;
    const parent = this.#timeline.parentOf(history);
    if (isCertain) parent.change(zxid, 'children');
    parent.changeChild(history.name, zxid, kind === 'created');
    return history;
  }

  #touch(history: NodeHistory): NodeHistory {
    this.#touched.push(history);
    return history;
  }

  /** What nobody was told, of a node that is in doubt, may have come to nothing. */
  #isCertain(call: Call | undefined, path: string, zxid: number): boolean {
    if (this.#order.doubts.isEmpty) return true;
    const wasTold = call?.isAnswered === true && call.op !== 'close';
    return wasTold || !this.#order.doubts.node(path, zxid);
  }

  #keep(
    history: NodeHistory,
    node: Readonly<PlainNode> | undefined,
    by: number,
    since: number,
  ): void {
    if (node === undefined) {
      history.keep(since, by, NO_STAT, null);
      return;
    }
    const isTold = this.#answeredPath === history.path;
    const stat = isTold ? this.#answeredStat : this.#stats.addNode(node);
    history.keep(since, by, stat, node.data);
  }
}

/** Done, and under the same names. */
function isAsTold(told: readonly Told[], expected: readonly PlainReply[]): boolean {
  if (isFailed(told) || isFailed(expected) || told.length !== expected.length) return false;
  for (let index = 0; index < told.length; index++) {
    const { path } = told[index] as Told;
    if (path !== undefined && path !== expected[index]?.path) return false;
  }
  return true;
}

/** Of a sequential node: what follows the path that was asked for. */
const numberOf = (asked: string, path: string): number => Number(path.slice(asked.length));

const isSequential = (part: PlainWrite): boolean =>
  part.op === 'create' && (part.flags === 2 || part.flags === 3);

function toldText(error: string | undefined): string {
  if (error === undefined) return 'done';
  return error === 'Ok' ? 'undone' : `refused as ${error}`;
}
