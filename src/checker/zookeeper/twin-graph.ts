/**
 * The twin's search for a cycle. Edges: an operation before the next of its session; a write before every
 * write that is sent after its answer (through a chain of points in time, to keep them few); version before
 * version; a write before who reads it; who reads a version before who overwrites it.
 */
import { OrderGraph } from './order-graph.ts';
import { NONE, type Register, type Registers } from './registers.ts';
import type { Call, Calls, Sessions } from './sessions.ts';
import { isDone, isWrite } from './transactions.ts';

/** Kinds of edges, and how a story tells them. */
const Kind = { session: 0, time: 1, overwrites: 2, isReadBy: 3, isReadBefore: 4 } as const;
const words: readonly string[] = [
  'comes before, in its session,',
  'was answered before anybody sent',
  'is overwritten by',
  'is read by',
  'does not see',
];

export interface Step {
  readonly from: Call;
  readonly to: Call;
  /** `is overwritten by` */
  readonly how: string;
}

/** Empty where everything fits into one order. */
export function findCycle({ calls, stream }: Sessions, registers: Registers): readonly Step[] {
  const graph = new OrderGraph(calls.length);
  const readers = new Readers(calls.length, registers);
  for (const register of registers) addRegister(graph, registers, readers, register);
  /** Newest call by session. */
  const newest: number[] = [];
  /** Writes that were done, in the order of their answers. */
  const done: number[] = [];
  const reply = (call: Call): void => {
    const { index } = call;
    if (!graph.uses(index)) return;
    const { session } = call.connection;
    const before = newest[session.index];
    if (before !== undefined) graph.add(before, index, Kind.session);
    newest[session.index] = index;
    if (isWrite(call) && isDone(call)) done.push(index);
  };
  stream.tell({ reply, event: () => {} });
  addRealTime(graph, calls, done);
  const cycle = graph.findCycle();
  return cycle === undefined ? [] : stepsOf(cycle, graph, calls);
}

/** Readers of each version as a list, the newest first. */
class Readers {
  readonly #newest: Int32Array;
  readonly #before: Int32Array;

  constructor(calls: number, registers: Registers) {
    this.#newest = new Int32Array(registers.length).fill(NONE);
    this.#before = new Int32Array(calls).fill(NONE);
    for (let call = 0; call < calls; call++) {
      const row = registers.readBy(call);
      if (row === NONE) continue;
      this.#before[call] = this.#newest[row] as number;
      this.#newest[row] = call;
    }
  }

  newestOf(row: number): number {
    return row === NONE ? NONE : (this.#newest[row] as number);
  }

  before(reader: number): number {
    return this.#before[reader] as number;
  }
}

function addRegister(
  graph: OrderGraph,
  registers: Registers,
  readers: Readers,
  { versions }: Register,
): void {
  let before = NONE;
  /** Place of the last version whose write is known: readers from there on come before the next. */
  let from = 0;
  for (let at = 0; at < versions.length; at++) {
    const row = versions[at] as number;
    if (row === NONE) continue;
    const writer = registers.writer(row);
    if (writer !== NONE) {
      if (before !== NONE) graph.add(before, writer, Kind.overwrites);
      for (let earlier = from; earlier < at; earlier++) {
        let reader = readers.newestOf(versions[earlier] as number);
        for (; reader !== NONE; reader = readers.before(reader)) {
          graph.add(reader, writer, Kind.isReadBefore);
        }
      }
      before = writer;
      from = at;
    }
    if (before === NONE) continue;
    let reader = readers.newestOf(row);
    for (; reader !== NONE; reader = readers.before(reader)) {
      graph.add(before, reader, Kind.isReadBy);
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
    const kind = isThroughTime ? Kind.time : graph.kindOf(before, node);
    steps.push({ from, to, how: words[kind] as string });
    from = to;
    isThroughTime = false;
  }
  return steps;
}
