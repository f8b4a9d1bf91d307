/**
 * All transactions replayed on the plain tree, in the order of their zxids: what each write should have been
 * answered, and for every node the states that it went through.
 */
import {
  type NodeStat,
  type PlainChange,
  type PlainReply,
  type PlainTree,
  type PlainWrite,
  parentOf,
  statOf,
  type WriteContext,
} from '../models/plain-tree.ts';
import type { Findings } from '../report.ts';
import type { MultiPart } from './journal.ts';
import { NameSum } from './name-hash.ts';
import { type Call, hex } from './sessions.ts';
import type { Stamps } from './stamps.ts';
import type { TransactionOrder, Txn } from './transactions.ts';
import { callText, factsOf } from './words.ts';

/** A state of one node, from the transaction on that made it so. */
export interface NodeState {
  /** Undefined for what was there from the start. */
  readonly by: Txn | undefined;
  /** Undefined while the node does not exist. */
  readonly stat: NodeStat | undefined;
  readonly data: string | null;
  /** Sum of the hashes of its children's names, as two numbers of 32 bits. */
  readonly childrenA: number;
  readonly childrenB: number;
}

/** States of one node, and beside them the zxids from which on they hold. */
export interface StateList {
  readonly states: NodeState[];
  readonly since: number[];
}

export type NodeChange = 'created' | 'deleted' | 'changed' | 'children';

/** What a watch of a node could see, in order. */
export interface ChangeList {
  readonly zxids: number[];
  readonly kinds: NodeChange[];
}

interface NodeHistory extends StateList {
  readonly changes: ChangeList;
  /** Children by name, added and removed: to tell a difference in words. */
  readonly names: { readonly zxid: number; readonly name: string; readonly isThere: boolean }[];
  readonly children: NameSum;
}

const noChanges: ChangeList = { zxids: [], kinds: [] };
const noStates: StateList = { states: [], since: [] };

export class Timeline {
  readonly #histories = new Map<string, NodeHistory>();

  /** The newest state at or before that zxid; undefined where nothing was known of the node yet. */
  at(path: string, zxid: number): NodeState | undefined {
    const list = this.states(path);
    return list.states[indexAt(list, zxid)];
  }

  states(path: string): StateList {
    return this.#histories.get(path === '' ? '/' : path) ?? noStates;
  }

  /** Of every node that ever was. */
  paths(): Iterable<string> {
    return this.#histories.keys();
  }

  changes(path: string): ChangeList {
    return this.#histories.get(path === '' ? '/' : path)?.changes ?? noChanges;
  }

  /** Names of the children at that zxid. */
  children(path: string, zxid: number): ReadonlySet<string> {
    const names = new Set<string>();
    for (const entry of this.#histories.get(path)?.names ?? []) {
      if (entry.zxid > zxid) break;
      if (entry.isThere) names.add(entry.name);
      else names.delete(entry.name);
    }
    return names;
  }

  historyOf(path: string): NodeHistory {
    let history = this.#histories.get(path);
    if (history === undefined) {
      const changes = { zxids: [], kinds: [] };
      history = { states: [], since: [], changes, names: [], children: new NameSum() };
      this.#histories.set(path, history);
    }
    return history;
  }
}

/** Index of the last state at or before that zxid; -1 without one. */
export function indexAt({ since }: StateList, zxid: number): number {
  let low = 0;
  let high = since.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((since[middle] as number) <= zxid) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

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

class Replay {
  readonly #order: TransactionOrder;
  readonly #tree: PlainTree;
  readonly #stamps: Stamps;
  readonly #findings: ReplayFindings;
  readonly #timeline = new Timeline();
  #changes: readonly PlainChange[] = [];
  /** The node that a write was answered the Stat of: it need not be made twice. */
  #answered: { readonly path: string; readonly stat: NodeStat } | undefined;
  /** Nodes whose new state has to be kept. */
  readonly #touched = new Set<string>();
  /** Newest sequence number by parent and its incarnation. */
  readonly #numbers = new Map<string, { readonly zxid: number; readonly number: number }>();

  constructor(order: TransactionOrder, tree: PlainTree, stamps: Stamps, findings: ReplayFindings) {
    this.#order = order;
    this.#tree = tree;
    this.#stamps = stamps;
    this.#findings = findings;
    for (const path of tree.nodes.keys()) {
      for (const name of tree.nodes.get(path)?.children ?? []) this.#name(path, name, 0, true);
    }
    for (const path of tree.nodes.keys()) this.#keep(path, undefined, -1);
  }

  run(): Timeline {
    for (const txn of this.#order.txns) {
      this.#changes = [];
      this.#answered = undefined;
      if (txn.op === 'close') {
        this.#tree.closeSession(txn.session, txn.zxid);
        this.#changes = this.#tree.changes;
      } else if (txn.call !== undefined) this.#request(txn, txn.call);
      this.#keepChanges(txn);
    }
    return this.#timeline;
  }

  #request(txn: Txn, call: Call): void {
    const { zxid, session } = txn;
    const parts = call.parts;
    // Times are judged apart, by what the replies say of one zxid.
    const context: WriteContext = { session, zxid, timeMs: 0 };
    const told = toldOf(call);
    if (told === undefined) this.#takeNumbers(parts, txn.paths);
    const expected = this.#carryOut(call, told, context);
    this.#changes = this.#tree.changes;
    if (told === undefined) {
      if (isFailed(expected)) this.#forceUnanswered(txn, call, expected, context);
      return;
    }
    this.#judge(call, zxid, told, expected, this.#isInDoubt(parts, zxid));
    // Go on from what the client was told, so that one breach is told once.
    if (!isFailed(told) && !isAsTold(told, expected)) this.#force(call, told, context);
  }

  /** What the model answers; the tree changes only where the client was told so, or was not told. */
  #carryOut(
    call: Call,
    told: readonly MultiPart[] | undefined,
    context: WriteContext,
  ): readonly PlainReply[] {
    const parts = call.parts;
    const [only] = parts;
    const isMulti = call.request.op === 'multi';
    if (told !== undefined && isFailed(told)) return this.#tree.probe(parts, context);
    if (told !== undefined && (isMulti || parts.some(isSequential))) {
      const expected = this.#tree.probe(parts, context);
      if (!isAsTold(told, expected)) return expected;
    }
    if (isMulti || only === undefined) return this.#tree.multi(parts, context);
    const reply = this.#tree.write(only, context);
    const { path, stat } = reply;
    if (path !== undefined && stat !== undefined) {
      // Of two that are equal the one is kept that is kept anyway.
      const isTold = told?.[0]?.stat !== undefined && isSameStat(told[0].stat, stat);
      this.#answered = { path, stat: isTold ? (told[0]?.stat as NodeStat) : stat };
    }
    return [reply];
  }

  /** A name that the log tells for certain comes before what the model counted. */
  #takeNumbers(parts: readonly PlainWrite[], paths: readonly string[] | undefined): void {
    const [only] = parts;
    const path = paths?.[0];
    if (parts.length !== 1 || path === undefined || only === undefined) return;
    if (!isSequential(only)) return;
    this.#tree.adjust(parentOf(path), { childrenCreated: numberOf(only.path, path) });
  }

  #isInDoubt(parts: readonly PlainWrite[], zxid: number): boolean {
    const { doubts } = this.#order;
    if (doubts.isEmpty) return false;
    return parts.some((part) => {
      const { path, op } = part;
      if (op === 'setData' || op === 'check' || op === 'setAcl') return doubts.node(path, zxid);
      const parent = parentOf(path);
      if (doubts.node(path, zxid) || doubts.node(parent, zxid)) return true;
      if (op === 'delete') return doubts.children(path, zxid);
      return isSequential(part) && doubts.children(parent, zxid);
    });
  }

  #judge(
    call: Call,
    zxid: number,
    told: readonly MultiPart[],
    expected: readonly PlainReply[],
    doubt: boolean,
  ): void {
    const isMulti = call.request.op === 'multi';
    const findings = isMulti ? this.#findings.multi : this.#findings.replay;
    findings.looked++;
    this.#judgeNumbers(call, zxid, told);
    const { parts } = call;
    if (told.length !== parts.length) {
      const message = `${callText(call)} got ${told.length} results`;
      findings.add({ ...factsOf(call), kind: 'multi-results-missing', message });
      return;
    }
    const isRefused = isFailed(expected);
    if (doubt) findings.count('replies judged loosely, for what was never answered');
    for (let index = 0; index < told.length; index++) {
      const part = told[index] as MultiPart;
      const model = expected[index] as PlainReply;
      const path = part.path ?? parts[index]?.path ?? '';
      const problem = differenceOf(part, model, {
        zxid,
        stamps: this.#stamps,
        isInDoubt: doubt,
        hasChildrenInDoubt: this.#order.doubts.children(path, zxid),
        isRefused,
      });
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

  /** Under one parent later sequential nodes have larger numbers, whatever else is in doubt. */
  #judgeNumbers(call: Call, zxid: number, told: readonly MultiPart[]): void {
    const { parts } = call;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as PlainWrite;
      if (!isSequential(part)) continue;
      const path = told[index]?.path;
      if (path === undefined) continue;
      const { sequences } = this.#findings;
      sequences.looked++;
      const parent = parentOf(part.path);
      const text = path.slice(part.path.length);
      const number = Number(text);
      if (!path.startsWith(part.path) || !/^(\d{10,}|-\d{9,})$/.test(text)) {
        const message = `${callText(call)} was named ${path}, which is not ten digits after it`;
        sequences.add({ ...factsOf(call), kind: 'sequence-malformed', message });
        continue;
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
  }

  /** Carries out what the client was told, after making the tree such that it can be. */
  #force(call: Call, told: readonly MultiPart[], context: WriteContext): void {
    this.#answered = undefined;
    const changes: PlainChange[] = [];
    for (const [index, part] of call.parts.entries()) {
      this.#prepare(part, told[index], context.zxid);
      const isVersioned = part.op === 'delete' || part.op === 'setData';
      this.#tree.write(isVersioned ? { ...part, version: -1 } : part, context);
      changes.push(...this.#tree.changes);
      const stat = told[index]?.stat;
      if (part.op !== 'setData' || stat === undefined) continue;
      const { version, czxid, pzxid } = stat;
      this.#tree.adjust(part.path, { version, czxid, pzxid });
    }
    this.#changes = changes;
  }

  /** A write without an answer that did happen, since somebody read it, and that the model refuses. */
  #forceUnanswered(
    { zxid, paths }: Txn,
    call: Call,
    expected: readonly PlainReply[],
    context: WriteContext,
  ): void {
    const { parts } = call;
    if (!this.#isInDoubt(parts, zxid)) {
      const isMulti = call.request.op === 'multi';
      const error = expected.find((reply) => reply.error !== undefined)?.error;
      (isMulti ? this.#findings.multi : this.#findings.replay).add({
        ...factsOf(call),
        kind: isMulti ? 'multi-not-atomic' : 'reply-differs',
        message: `${callText(call)}: it was done at zxid ${hex(zxid)}, should be ${toldText(error)}`,
      });
    }
    const names = paths?.length === parts.length ? paths : undefined;
    const told = parts.map((part, index) => ({ path: names?.[index] ?? part.path }));
    this.#force(call, told, context);
  }

  #prepare(part: PlainWrite, told: MultiPart | undefined, zxid: number): void {
    const path = told?.path ?? part.path;
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
    this.#touched.add(path);
    this.#name(parentOf(path), path.slice(path.lastIndexOf('/') + 1), zxid, false);
  }

  #keepChanges(txn: Txn): void {
    const touched = this.#touched;
    const { zxid } = txn;
    for (const { kind, path } of this.#changes) {
      touched.add(path);
      if (kind === 'aclChanged') continue;
      const isCertain = this.#isCertain(txn, path);
      if (isCertain) this.#change(path, zxid, kind);
      if (kind === 'changed') continue;
      const parent = parentOf(path);
      touched.add(parent);
      if (isCertain) this.#change(parent, zxid, 'children');
      this.#name(parent, path.slice(path.lastIndexOf('/') + 1), zxid, kind === 'created');
    }
    for (const path of touched) this.#keep(path, txn, zxid);
    touched.clear();
  }

  /** What nobody was told, of a node that is in doubt, may have come to nothing. */
  #isCertain({ call, zxid }: Txn, path: string): boolean {
    const wasTold = call?.reply !== undefined && call.request.op !== 'close';
    return wasTold || !this.#order.doubts.node(path, zxid);
  }

  #change(path: string, zxid: number, kind: NodeChange): void {
    const { changes } = this.#timeline.historyOf(path);
    changes.zxids.push(zxid);
    changes.kinds.push(kind);
  }

  #name(parent: string, name: string, zxid: number, isThere: boolean): void {
    const history = this.#timeline.historyOf(parent);
    history.names.push({ zxid, name, isThere });
    history.children.add(name, isThere ? 1 : -1);
  }

  #keep(path: string, by: Txn | undefined, since: number): void {
    const node = this.#tree.get(path);
    const history = this.#timeline.historyOf(path);
    const { a: childrenA, b: childrenB } = history.children;
    history.since.push(since);
    if (node === undefined) {
      history.states.push({ by, stat: undefined, data: null, childrenA: 0, childrenB: 0 });
      return;
    }
    const stat = this.#answered?.path === path ? this.#answered.stat : statOf(node);
    history.states.push({ by, stat, data: node.data, childrenA, childrenB });
  }
}

const isFailed = (replies: ReadonlyArray<PlainReply | MultiPart>): boolean =>
  replies.some(({ error }) => error !== undefined);

/** The answer to each part of a write. */
function toldOf(call: Call): readonly MultiPart[] | undefined {
  const { reply } = call;
  if (reply === undefined) return undefined;
  return reply.results ?? [reply];
}

/** Done, and under the same names. */
function isAsTold(told: readonly MultiPart[], expected: readonly PlainReply[]): boolean {
  if (isFailed(expected) || told.length !== expected.length) return false;
  return told.every(({ path }, index) => path === undefined || path === expected[index]?.path);
}

/** Of a sequential node: what follows the path that was asked for. */
const numberOf = (asked: string, path: string): number => Number(path.slice(asked.length));

const isSequential = (part: PlainWrite): boolean =>
  part.op === 'create' && (part.flags === 2 || part.flags === 3);

/** What is wrong with the answer to one part; undefined where nothing is. */
function differenceOf(
  told: MultiPart,
  model: PlainReply,
  { zxid, stamps, isInDoubt, hasChildrenInDoubt, isRefused }: Judged,
): string | undefined {
  // Of a multi that fails, what came before the failing part is answered Ok.
  const expected = model.error ?? (isRefused ? 'Ok' : undefined);
  if (!isInDoubt && told.error !== expected) {
    return `it was ${toldText(told.error)}, should be ${toldText(expected)}`;
  }
  const isNamed = told.path !== undefined && model.path !== undefined;
  if (!isInDoubt && isNamed && told.path !== model.path) {
    return `it was named ${told.path}, should be ${model.path}`;
  }
  if (told.stat === undefined) return undefined;
  const time = stamps.conflict(told.stat);
  if (time !== undefined) return time;
  if (told.stat.mzxid !== zxid) return `its Stat has mzxid ${hex(told.stat.mzxid)}`;
  if (isInDoubt || model.stat === undefined) return undefined;
  return hasChildrenInDoubt
    ? nodeDifference(told.stat, model.stat)
    : statDifference(told.stat, model.stat);
}

interface Judged {
  readonly zxid: number;
  readonly stamps: Stamps;
  readonly isInDoubt: boolean;
  readonly hasChildrenInDoubt: boolean;
  /** The write as a whole. */
  readonly isRefused: boolean;
}

function toldText(error: string | undefined): string {
  if (error === undefined) return 'done';
  return error === 'Ok' ? 'undone' : `refused as ${error}`;
}

const fields = [
  'czxid',
  'mzxid',
  'pzxid',
  'version',
  'cversion',
  'aversion',
  'ephemeralOwner',
  'dataLength',
  'numChildren',
] as const;
const zxidFields: ReadonlySet<string> = new Set(['czxid', 'mzxid', 'pzxid']);

/** In everything but the times, which are judged apart. */
function isSameStat(one: NodeStat, other: NodeStat): boolean {
  return (
    one.mzxid === other.mzxid &&
    one.version === other.version &&
    one.pzxid === other.pzxid &&
    one.cversion === other.cversion &&
    one.numChildren === other.numChildren &&
    one.dataLength === other.dataLength &&
    one.czxid === other.czxid &&
    one.aversion === other.aversion &&
    one.ephemeralOwner === other.ephemeralOwner
  );
}

/** `version is 3, should be 4`. */
export function statDifference(told: NodeStat, model: NodeStat): string | undefined {
  if (isSameStat(told, model)) return undefined;
  for (const field of fields) {
    const [is, should] = [told[field], model[field]];
    if (is === should) continue;
    const show = (value: number | string): string =>
      typeof value === 'number' && zxidFields.has(field) ? hex(value) : String(value || 'none');
    return `${field} is ${show(is)}, should be ${show(should)}`;
  }
  return undefined;
}

/** The same of the fields that children do not touch. */
export function nodeDifference(told: NodeStat, model: NodeStat): string | undefined {
  const { pzxid, cversion, numChildren } = model;
  return statDifference({ ...told, pzxid, cversion, numChildren }, model);
}
