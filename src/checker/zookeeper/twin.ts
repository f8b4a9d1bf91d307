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
import { Findings } from '../report.ts';
import { Call, type Sessions } from './sessions.ts';
import { isDone, isWrite } from './transactions.ts';
import { callText, factsOf } from './words.ts';

/** What one node's values and versions tell. */
interface Register {
  /** Rows of what is known of each version, by its number; NONE where nobody told of it. */
  readonly versions: number[];
  /** Two writes that were both told to have made one version. */
  readonly doubles: (readonly [version: number, one: Call, other: Call])[];
  isUsable: boolean;
}

const NONE = -1;

const edgeKinds = ['session', 'time', 'overwrites', 'is read by', 'is read before'] as const;
type EdgeKind = (typeof edgeKinds)[number];
/** Edges hold the place of their kind in that list. */
const kindNumbers = Object.fromEntries(edgeKinds.map((kind, place) => [kind, place])) as Readonly<
  Record<EdgeKind, number>
>;

export function judgeTwin(sessions: Sessions): Findings {
  const findings = new Findings();
  const { calls } = sessions;
  const versions = new Versions(calls);
  const graph = new Graph(calls.length);
  for (const [path, register] of registersOf(calls, versions)) {
    if (register.isUsable) addRegister(findings, graph, versions, path, register);
  }
  if (findings.looked === 0) return findings;
  addSessions(graph, sessions);
  addRealTime(graph, calls);
  const cycle = graph.findCycle();
  if (cycle !== undefined) reportCycle(findings, cycle);
  return findings;
}

/** Versions of all nodes, as rows of columns; calls by their index. */
class Versions {
  readonly #calls: readonly Call[];
  /** Its value, and who told it first. */
  readonly #values: (string | null)[] = [];
  readonly #by: number[] = [];
  readonly #writer: number[] = [];
  /** Its readers as a list, the newest first. */
  readonly #reader: number[] = [];
  readonly #readerBefore: Int32Array;

  constructor(calls: readonly Call[]) {
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
    return this.#calls[this.#by[row] as number] as Call;
  }

  writer(row: number): Call | undefined {
    return this.#calls[this.#writer[row] as number];
  }

  setWriter(row: number, call: Call): void {
    this.#writer[row] = call.index;
  }

  addReader(row: number, { index }: Call): void {
    this.#readerBefore[index] = this.#reader[row] as number;
    this.#reader[row] = index;
  }

  eachReader(row: number, use: (reader: Call) => void): void {
    let reader = this.#reader[row] as number;
    for (; reader !== NONE; reader = this.#readerBefore[reader] as number) {
      use(this.#calls[reader] as Call);
    }
  }
}

/** Nodes that were created once and never deleted, as far as anybody can tell. */
function registersOf(calls: readonly Call[], versions: Versions): ReadonlyMap<string, Register> {
  const registers = new Map<string, Register>();
  const of = (path: string): Register => {
    let register = registers.get(path);
    if (register === undefined) {
      register = { versions: [], doubles: [], isUsable: true };
      registers.set(path, register);
    }
    return register;
  };
  const created = new Set<string>();
  for (const call of calls) {
    let index = -1;
    for (const part of call.parts) {
      index++;
      if (part.op === 'check' || part.op === 'setAcl') continue;
      const told = call.reply?.results?.[index] ?? call.reply;
      const register = of(told?.path ?? part.path);
      if (part.op === 'delete') register.isUsable = false;
      else if (part.op === 'create') {
        const isAgain = created.has(told?.path ?? part.path);
        const isFleeting = part.flags !== 0;
        if (isFleeting || (isAgain && call.reply?.error === undefined)) register.isUsable = false;
        if (isDone(call)) created.add(told?.path ?? part.path);
        if (isDone(call) && !isFleeting) learnWrite(versions, register, 0, part.data, call);
      } else if (isDone(call) && told?.stat !== undefined) {
        learnWrite(versions, register, told.stat.version, part.data, call);
      }
    }
    const { request, reply } = call;
    if (request.op !== 'getData' || reply?.stat === undefined) continue;
    const row = rowOf(versions, of(request.path), reply.stat.version, reply.data ?? null, call);
    if (row !== NONE) versions.addReader(row, call);
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
  const writer = versions.writer(row);
  if (writer === undefined) versions.setWriter(row, call);
  else register.doubles.push([version, writer, call]);
}

function addRegister(
  findings: Findings,
  graph: Graph,
  versions: Versions,
  path: string,
  register: Register,
): void {
  for (const [version, one, other] of register.doubles) {
    findings.add({
      ...factsOf(other),
      kind: 'version-written-twice',
      message: `version ${version} of ${path} was made by ${callText(one)} and by ${callText(other)}`,
    });
  }
  let before: Call | undefined;
  /** Versions since the last write that is known: their readers come before the next. */
  let since: number[] = [];
  register.versions.forEach((row, version) => {
    if (row === NONE) return;
    const writer = versions.writer(row);
    if (writer !== undefined) {
      findings.looked++;
      if (before !== undefined) graph.add(before, writer, 'overwrites');
      for (const earlier of since) {
        versions.eachReader(earlier, (reader) => graph.add(reader, writer, 'is read before'));
      }
      before = writer;
      since = [];
    }
    since.push(row);
    versions.eachReader(row, (reader) => {
      findings.looked++;
      if (!isValue(versions, row, reader)) {
        reportValue(findings, versions, row, reader, `version ${version} of ${path}`);
      }
      if (before !== undefined) graph.add(before, reader, 'is read by');
    });
  });
}

const valueRead = ({ reply }: Call): string | null => reply?.data ?? null;

const isValue = (versions: Versions, row: number, reader: Call): boolean =>
  versions.value(row) === valueRead(reader);

function reportValue(
  findings: Findings,
  versions: Versions,
  row: number,
  reader: Call,
  what: string,
): void {
  const [told, known] = [valueRead(reader), versions.value(row)].map((value) =>
    JSON.stringify(value),
  );
  findings.add({
    ...factsOf(reader),
    kind: 'two-values-of-one-version',
    message:
      `${what} is ${told} for ${callText(reader)} and ` +
      `${known} for ${callText(versions.toldBy(row))}`,
  });
}

function addSessions(graph: Graph, { sessions }: Sessions): void {
  for (const session of sessions.values()) {
    let before: Call | undefined;
    for (const { stream } of session.connections) {
      for (const item of stream) {
        if (!(item instanceof Call) || !graph.has(item)) continue;
        if (before !== undefined) graph.add(before, item, 'session');
        before = item;
      }
    }
  }
}

/** Only writes are ordered by real time: reads may be behind. */
function addRealTime(graph: Graph, calls: readonly Call[]): void {
  const writes = calls.filter((call) => isWrite(call) && graph.has(call) && isDone(call));
  const ended = byEnd(writes);
  let next = 0;
  let latest: number | undefined;
  for (const write of writes) {
    // One point for all that was answered since the write before: later than these and the point before.
    const { start } = write;
    let done = ended[next];
    if (done !== undefined && done.end < start) {
      const point = graph.addPoint();
      if (latest !== undefined) graph.link(latest, point);
      latest = point;
      for (; done !== undefined && done.end < start; done = ended[++next]) {
        graph.linkFrom(done, point);
      }
    }
    if (latest !== undefined) graph.linkTo(latest, write);
  }
}

/** In the order of their answers, each of which has a place of its own in the journal. */
function byEnd(calls: readonly Call[]): readonly Call[] {
  const ends = Float64Array.from(calls, ({ end }) => end).sort();
  const places = new Int32Array((ends.at(-1) ?? -1) + 1);
  for (let index = 0; index < ends.length; index++) places[ends[index] as number] = index;
  const sorted: Call[] = [...calls];
  for (const call of calls) sorted[places[call.end] as number] = call;
  return sorted;
}

interface Step {
  readonly from: Call;
  readonly to: Call;
  readonly kind: EdgeKind;
}

/** Operations and points in time as numbers, edges as lists in typed arrays. */
class Graph {
  /** By index of the call, one too large; 0 for none. */
  readonly #places: Int32Array;
  readonly #calls: (Call | undefined)[] = [];
  /** By node: its newest edge; by edge: target, kind, and the edge of the same node before it. */
  #first = new Int32Array(1024);
  #targets = new Int32Array(1024);
  #kinds = new Uint8Array(1024);
  #before = new Int32Array(1024);
  #edgeCount = 0;

  constructor(callCount: number) {
    this.#places = new Int32Array(callCount);
  }

  has({ index }: Call): boolean {
    return this.#places[index] !== 0;
  }

  add(from: Call, to: Call, kind: EdgeKind): void {
    // A multi may write and check the same node.
    if (from === to) return;
    this.#edge(this.#place(from), this.#place(to), kind);
  }

  addPoint(): number {
    return this.#node(undefined);
  }
  link(from: number, to: number): void {
    this.#edge(from, to, 'time');
  }
  linkFrom(from: Call, to: number): void {
    this.#edge(this.#place(from), to, 'time');
  }
  linkTo(from: number, to: Call): void {
    this.#edge(from, this.#place(to), 'time');
  }

  #place(call: Call): number {
    const known = this.#places[call.index] as number;
    if (known !== 0) return known - 1;
    const place = this.#node(call);
    this.#places[call.index] = place + 1;
    return place;
  }

  #node(call: Call | undefined): number {
    const node = this.#calls.length;
    this.#calls.push(call);
    if (node === this.#first.length) this.#first = grown(this.#first);
    this.#first[node] = -1;
    return node;
  }

  #edge(from: number, to: number, kind: EdgeKind): void {
    const edge = this.#edgeCount++;
    if (edge === this.#targets.length) {
      this.#targets = grown(this.#targets);
      this.#before = grown(this.#before);
      const kinds = new Uint8Array(2 * edge);
      kinds.set(this.#kinds);
      this.#kinds = kinds;
    }
    this.#targets[edge] = to;
    this.#kinds[edge] = kindNumbers[kind];
    this.#before[edge] = this.#first[from] as number;
    this.#first[from] = edge;
  }

  /** A shortest cycle among what cannot be put into an order; undefined where everything can. */
  findCycle(): readonly Step[] | undefined {
    const rest = this.#unordered();
    let best: number[] | undefined;
    let tries = 0;
    for (const start of rest) {
      const cycle = this.#shortestFrom(start, rest);
      if (cycle !== undefined && (best === undefined || cycle.length < best.length)) best = cycle;
      if (++tries >= MAX_STARTS && best !== undefined) break;
    }
    return best === undefined ? undefined : this.#steps(best);
  }

  /** Whatever is on a cycle or behind one: Kahn's algorithm takes away all the rest. */
  #unordered(): ReadonlySet<number> {
    const count = this.#calls.length;
    const incoming = new Int32Array(count);
    for (let edge = 0; edge < this.#edgeCount; edge++) {
      const to = this.#targets[edge] as number;
      incoming[to] = (incoming[to] as number) + 1;
    }
    const ready = new Int32Array(count);
    let waiting = 0;
    for (let node = 0; node < count; node++) if (incoming[node] === 0) ready[waiting++] = node;
    let ordered = 0;
    while (waiting > 0) {
      const node = ready[--waiting] as number;
      ordered++;
      for (let edge = this.#first[node] as number; edge >= 0; edge = this.#before[edge] as number) {
        const to = this.#targets[edge] as number;
        const left = (incoming[to] as number) - 1;
        incoming[to] = left;
        if (left === 0) ready[waiting++] = to;
      }
    }
    const rest = new Set<number>();
    if (ordered === count) return rest;
    for (let node = 0; node < count; node++) if ((incoming[node] as number) > 0) rest.add(node);
    return rest;
  }

  #shortestFrom(start: number, within: ReadonlySet<number>): number[] | undefined {
    const cameFrom = new Map<number, number>();
    let frontier = [start];
    while (frontier.length > 0) {
      const further: number[] = [];
      for (const node of frontier) {
        for (
          let edge = this.#first[node] as number;
          edge >= 0;
          edge = this.#before[edge] as number
        ) {
          const to = this.#targets[edge] as number;
          if (to === start) return pathTo(cameFrom, start, node);
          if (!within.has(to) || cameFrom.has(to)) continue;
          cameFrom.set(to, node);
          further.push(to);
        }
      }
      frontier = further;
    }
    return undefined;
  }

  #steps(cycle: readonly number[]): Step[] {
    const steps: Step[] = [];
    const first = cycle.findIndex((node) => this.#calls[node] !== undefined);
    let from = this.#calls[cycle[first] as number] as Call;
    let isThroughTime = false;
    for (let offset = 1; offset <= cycle.length; offset++) {
      const node = cycle[(first + offset) % cycle.length] as number;
      const to = this.#calls[node];
      if (to === undefined) {
        isThroughTime = true;
        continue;
      }
      const before = cycle[(first + offset - 1) % cycle.length] as number;
      steps.push({ from, to, kind: isThroughTime ? 'time' : this.#kindOf(before, node) });
      from = to;
      isThroughTime = false;
    }
    return steps;
  }

  #kindOf(from: number, to: number): EdgeKind {
    let edge = this.#first[from] as number;
    while (this.#targets[edge] !== to) edge = this.#before[edge] as number;
    return edgeKinds[this.#kinds[edge] as number] as EdgeKind;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** Enough to find a short cycle; any one would be proof. */
const MAX_STARTS = 50;

function pathTo(cameFrom: ReadonlyMap<number, number>, start: number, last: number): number[] {
  const path = [last];
  for (let node = last; node !== start; ) {
    node = cameFrom.get(node) ?? start;
    path.unshift(node);
  }
  return path[0] === start ? path : [start, ...path];
}

const words: Readonly<Record<EdgeKind, string>> = {
  session: 'comes before, in its session,',
  time: 'was answered before anybody sent',
  overwrites: 'is overwritten by',
  'is read by': 'is read by',
  'is read before': 'does not see',
};

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
