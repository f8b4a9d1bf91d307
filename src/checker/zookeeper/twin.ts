/**
 * The twin that trusts no zxid. Where every value of a node was written once, and each of its writes says or
 * is read with its version, the node's versions and values alone give its order of writes. With the order of
 * each session and the real time of writes this must fit into one order of everything: ordered sequential
 * consistency (Lev-Ari et al., "Composing ordered sequential consistency"). A cycle is a breach.
 *
 * Edges: an operation before the next of its session; a write before every write that is sent after its
 * answer (through a chain of points in time, to keep them few); version before version; a write before who
 * reads it; who reads a version before who overwrites it.
 */
import type { PlainWrite } from '../models/plain-tree.ts';
import { Findings } from '../report.ts';
import type { Told } from './call.ts';
import { OrderGraph } from './order-graph.ts';
import type { Call, Calls, Sessions } from './sessions.ts';
import { NO_STAT } from './stat-rows.ts';
import { isDone, isWrite } from './transactions.ts';
import { callText, factsOf } from './words.ts';

/** What one node's values and versions tell. */
interface Register {
  /** Rows of what is known of each version, by its number; NONE where nobody told of it. */
  readonly versions: number[];
  /** Two writes that were both told to have made one version. */
  readonly doubles: (readonly [version: number, one: Call, other: Call])[];
  /** Reads of another value than the one that was told of the version first. */
  readonly others: (readonly [version: number, row: number, reader: Call])[];
  isUsable: boolean;
}

const NONE = -1;

/** Kinds of edges, and how a story tells them. */
const Kind = { session: 0, time: 1, overwrites: 2, isReadBy: 3, isReadBefore: 4 } as const;
const words: readonly string[] = [
  'comes before, in its session,',
  'was answered before anybody sent',
  'is overwritten by',
  'is read by',
  'does not see',
];

export class TwinJudge {
  readonly findings = new Findings();
  readonly #calls: Calls;
  readonly #graph: OrderGraph;
  /** Writes that were done, in the order of their answers. */
  readonly #done: number[] = [];
  /** Newest call by session. */
  readonly #newest: number[] = [];

  constructor({ calls }: Sessions) {
    this.#calls = calls;
    this.#graph = new OrderGraph(calls.length);
    const versions = new Versions(calls);
    for (const [path, register] of registersOf(calls, versions)) {
      if (!register.isUsable) continue;
      reportValues(this.findings, versions, path, register);
      addRegister(this.findings, this.#graph, versions, register);
    }
  }

  reply(call: Call): void {
    const { index } = call;
    if (!this.#graph.uses(index)) return;
    const { session } = call.connection;
    const before = this.#newest[session.index];
    if (before !== undefined) this.#graph.add(before, index, Kind.session);
    this.#newest[session.index] = index;
    if (isWrite(call) && isDone(call)) this.#done.push(index);
  }

  finish(): void {
    if (this.findings.looked === 0) return;
    addRealTime(this.#graph, this.#calls, this.#done);
    const cycle = this.#graph.findCycle();
    if (cycle === undefined) return;
    reportCycle(this.findings, stepsOf(cycle, this.#graph, this.#calls));
  }
}

/** Versions of all nodes, as rows of columns; calls by their index. */
class Versions {
  readonly #calls: Calls;
  /** Its value, and who told it first. */
  readonly #values: (string | null)[] = [];
  readonly #by: number[] = [];
  readonly #writer: number[] = [];
  /** Its readers as a list, the newest first. */
  readonly #reader: number[] = [];
  readonly #readerBefore: Int32Array;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#readerBefore = new Int32Array(calls.length);
  }

  add(value: string | null, by: Call): number {
    this.#values.push(value);
    this.#by.push(by.index);
    this.#writer.push(NONE);
    return this.#reader.push(NONE) - 1;
  }

  value(row: number): string | null {
    return this.#values[row] as string | null;
  }

  toldBy(row: number): Call {
    return this.#calls.at(this.#by[row] as number);
  }

  /** NONE where nobody is known to have written it. */
  writer(row: number): number {
    return this.#writer[row] as number;
  }

  writerCall(row: number): Call | undefined {
    const writer = this.writer(row);
    return writer === NONE ? undefined : this.#calls.at(writer);
  }

  setWriter(row: number, { index }: Call): void {
    this.#writer[row] = index;
  }

  addReader(row: number, { index }: Call): void {
    this.#readerBefore[index] = this.#reader[row] as number;
    this.#reader[row] = index;
  }

  newestReader(row: number): number {
    return row === NONE ? NONE : (this.#reader[row] as number);
  }

  readerBefore(reader: number): number {
    return this.#readerBefore[reader] as number;
  }
}

/** Nodes that were created once and never deleted, as far as anybody can tell. */
function registersOf(calls: Calls, versions: Versions): ReadonlyMap<string, Register> {
  const { stats } = calls;
  const registers = new Map<string, Register>();
  const of = (path: string): Register => {
    let register = registers.get(path);
    if (register === undefined) {
      register = { versions: [], doubles: [], others: [], isUsable: true };
      registers.set(path, register);
    }
    return register;
  };
  const created = new Set<string>();
  const learnPart = (call: Call, part: PlainWrite, told: Told, isGood: boolean): void => {
    if (part.op === 'check' || part.op === 'setAcl') return;
    const path = told.path ?? part.path;
    const register = of(path);
    if (part.op === 'delete') register.isUsable = false;
    else if (part.op === 'create') {
      const isFleeting = part.flags !== 0;
      const isAgain = created.has(path) && call.error === undefined;
      if (isFleeting || isAgain) register.isUsable = false;
      if (isGood) created.add(path);
      if (isGood && !isFleeting) learnWrite(versions, register, 0, part.data, call);
    } else if (isGood && told.stat !== NO_STAT) {
      learnWrite(versions, register, stats.version(told.stat), part.data, call);
    }
  };
  for (const call of calls) {
    const { request } = call;
    if (request.op === 'getData') {
      const { stat } = call;
      if (stat === NO_STAT) continue;
      learnRead(versions, of(request.path), stats.version(stat), call.data ?? null, call);
    } else if (isWrite(call)) {
      const isGood = isDone(call);
      const { parts, results } = call;
      let index = 0;
      for (const part of parts) learnPart(call, part, results?.[index++] ?? call, isGood);
    }
  }
  return registers;
}

/** Versions that leave more out than this are of no use as places in a list. */
const MAX_VERSION_GAP = 1_000_000;

function rowOf(
  versions: Versions,
  register: Register,
  version: number,
  value: string | null,
  by: Call,
): number {
  const rows = register.versions;
  if (version < 0 || version > rows.length + MAX_VERSION_GAP) {
    register.isUsable = false;
    return NONE;
  }
  while (rows.length <= version) rows.push(NONE);
  const known = rows[version] as number;
  if (known !== NONE) return known;
  const row = versions.add(value, by);
  rows[version] = row;
  return row;
}

function learnWrite(
  versions: Versions,
  register: Register,
  version: number,
  value: string | null,
  call: Call,
): void {
  const row = rowOf(versions, register, version, value, call);
  if (row === NONE) return;
  const writer = versions.writerCall(row);
  if (writer === undefined) versions.setWriter(row, call);
  else register.doubles.push([version, writer, call]);
}

function learnRead(
  versions: Versions,
  register: Register,
  version: number,
  value: string | null,
  call: Call,
): void {
  const row = rowOf(versions, register, version, value, call);
  if (row === NONE) return;
  versions.addReader(row, call);
  if (versions.value(row) !== value) register.others.push([version, row, call]);
}

function reportValues(
  findings: Findings,
  versions: Versions,
  path: string,
  { doubles, others }: Register,
): void {
  for (const [version, one, other] of doubles) {
    findings.add({
      ...factsOf(other),
      kind: 'version-written-twice',
      message: `version ${version} of ${path} was made by ${callText(one)} and by ${callText(other)}`,
    });
  }
  for (const [version, row, reader] of others) {
    const told = JSON.stringify(reader.data ?? null);
    findings.add({
      ...factsOf(reader),
      kind: 'two-values-of-one-version',
      message:
        `version ${version} of ${path} is ${told} for ${callText(reader)} and ` +
        `${JSON.stringify(versions.value(row))} for ${callText(versions.toldBy(row))}`,
    });
  }
}

function addRegister(
  findings: Findings,
  graph: OrderGraph,
  versions: Versions,
  register: Register,
): void {
  const rows = register.versions;
  let before = NONE;
  /** Place of the last version whose write is known: readers from there on come before the next. */
  let from = 0;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at] as number;
    if (row === NONE) continue;
    const writer = versions.writer(row);
    if (writer !== NONE) {
      findings.looked++;
      if (before !== NONE) graph.add(before, writer, Kind.overwrites);
      for (let earlier = from; earlier < at; earlier++) {
        let reader = versions.newestReader(rows[earlier] as number);
        for (; reader !== NONE; reader = versions.readerBefore(reader)) {
          graph.add(reader, writer, Kind.isReadBefore);
        }
      }
      before = writer;
      from = at;
    }
    let reader = versions.newestReader(row);
    for (; reader !== NONE; reader = versions.readerBefore(reader)) {
      findings.looked++;
      if (before !== NONE) graph.add(before, reader, Kind.isReadBy);
    }
  }
}

/** Only writes are ordered by real time: reads may be behind. */
function addRealTime(graph: OrderGraph, calls: Calls, done: readonly number[]): void {
  // Indices are in the order of the requests.
  const sent = Int32Array.from(done).sort();
  let next = 0;
  let latest = NONE;
  for (const index of sent) {
    const { start } = calls.at(index);
    // One point for all that was answered since the write before: later than these and the point before.
    let isNew = true;
    for (; next < done.length; next++) {
      const earlier = done[next] as number;
      if (calls.at(earlier).end >= start) break;
      if (isNew) {
        const point = graph.addPoint();
        if (latest !== NONE) graph.add(latest, point, Kind.time);
        latest = point;
        isNew = false;
      }
      graph.add(earlier, latest, Kind.time);
    }
    if (latest !== NONE) graph.add(latest, index, Kind.time);
  }
}

interface Step {
  readonly from: Call;
  readonly to: Call;
  readonly kind: number;
}

/** Points in time are left out: what leads through them is an order in time. */
function stepsOf(cycle: readonly number[], graph: OrderGraph, calls: Calls): Step[] {
  const steps: Step[] = [];
  const first = cycle.findIndex((node) => node < calls.length);
  let from = calls.at(cycle[first] as number);
  let isThroughTime = false;
  for (let offset = 1; offset <= cycle.length; offset++) {
    const node = cycle[(first + offset) % cycle.length] as number;
    if (node >= calls.length) {
      isThroughTime = true;
      continue;
    }
    const to = calls.at(node);
    const before = cycle[(first + offset - 1) % cycle.length] as number;
    steps.push({ from, to, kind: isThroughTime ? Kind.time : graph.kindOf(before, node) });
    from = to;
    isThroughTime = false;
  }
  return steps;
}

function reportCycle(findings: Findings, cycle: readonly Step[]): void {
  const [first] = cycle;
  if (first === undefined) return;
  const story = cycle.map(
    ({ from, to, kind }) => `${callText(from)} ${words[kind]} ${callText(to)}`,
  );
  findings.add({
    ...factsOf(first.from),
    kind: 'no-order-fits',
    message: `no order of operations explains this: ${story.join('; ')}`,
  });
}
