/**
 * Operations as bars, one lane per process. Only the order of events is drawn, not their distance: each
 * event has its column, and columns are as wide as words need. Points mark where an order puts operations. A
 * dashed bar has no end: nobody saw an answer, and the operation may take effect at any later time.
 */
import { type Html, html } from '../html.ts';
import type { PageOperation } from './input.ts';

const LANE = 40;
const BAR = 26;
const TOP = 10;
const GAP = 15;
const CHARACTER = 7.3;
const PADDING = 9;
const MAX_LABEL = 44;
const MAX_TITLE = 600;

export interface Lanes {
  readonly bars: readonly Bar[];
  /** In the order of the linearization. */
  readonly points?: readonly PageOperation[];
  readonly label: string;
}

interface Bar {
  readonly operation: PageOperation;
  readonly kind: 'core' | 'blocked' | 'around' | 'plain';
}

/** Beyond so many processes, those that follow one another share a lane. */
const MAX_OWN_LANES = 10;
const MAX_NAMED = 3;

export function drawLanes({ bars, points = [], label }: Lanes): Html {
  const operations = bars.map(({ operation }) => operation);
  const columns = new Columns(operations);
  const momentOf = moments(points, columns);
  const rightOf = (operation: PageOperation): number =>
    operation.end === null
      ? Math.max(columns.at(operation.start) + widthOf(operation), momentOf.get(operation) ?? 0) +
        GAP
      : columns.at(operation.end);
  const lanes = lanesOf(operations, columns, rightOf);
  const names = lanes.map(nameOf);
  const margin = Math.ceil(16 + Math.max(...names.map(({ length }) => length), 0) * CHARACTER);
  const topOf = ({ process }: PageOperation): number =>
    TOP + lanes.findIndex((lane) => lane.includes(process)) * LANE;
  const width = Math.ceil(Math.max(...operations.map(rightOf)) + GAP);
  const height = TOP + lanes.length * LANE;
  const middle = (lane: number): number => TOP + lane * LANE + BAR / 2;
  return html`<div class="lanes"><svg width="${margin + width}" height="${height}" role="img" aria-label="${label}">
${names.map((name, lane) => html`<text class="name" x="4" y="${middle(lane) + 4}">${name}</text>`)}
<g transform="translate(${margin} 0)">
${names.map((_, lane) => html`<path class="lane" d="M-6 ${middle(lane)}H${width}"/>`)}
${bars.map(({ operation, kind }) => {
  const from = columns.at(operation.start);
  return drawBar(operation, kind, { from, to: rightOf(operation), y: topOf(operation) });
})}
${trail(points, momentOf, topOf)}
</g></svg></div>`;
}

/** Processes by lane. */
function lanesOf(
  operations: readonly PageOperation[],
  columns: Columns,
  rightOf: (operation: PageOperation) => number,
): readonly (readonly number[])[] {
  const extents = new Map<number, { from: number; to: number }>();
  for (const operation of operations) {
    const from = columns.at(operation.start);
    const known = extents.get(operation.process) ?? { from, to: 0 };
    known.from = Math.min(known.from, from);
    known.to = Math.max(known.to, rightOf(operation));
    extents.set(operation.process, known);
  }
  const processes = [...extents.keys()].sort((a, b) => a - b);
  if (processes.length <= MAX_OWN_LANES) return processes.map((process) => [process]);
  const lanes: { readonly processes: number[]; to: number }[] = [];
  for (const [process, { from, to }] of [...extents].sort(([, a], [, b]) => a.from - b.from)) {
    const free = lanes.find((lane) => lane.to < from);
    if (free === undefined) {
      lanes.push({ processes: [process], to });
      continue;
    }
    free.processes.push(process);
    free.to = to;
  }
  return lanes.map((lane) => lane.processes);
}

function nameOf(processes: readonly number[]): string {
  if (processes.length === 1) return `process ${processes[0]}`;
  return `${processes.slice(0, MAX_NAMED).join(', ')}${processes.length > MAX_NAMED ? ' …' : ''}`;
}

const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;

const labelOf = ({ text }: PageOperation): string => shortened(text, MAX_LABEL);
const widthOf = (operation: PageOperation): number =>
  labelOf(operation).length * CHARACTER + 2 * PADDING;

/** Where each event stands. */
class Columns {
  readonly #x = new Map<number, number>();
  /** Behind the last event. */
  readonly #edge: number;

  constructor(operations: readonly PageOperation[]) {
    const events = operations.flatMap((operation) => {
      const begun = { rank: operation.start, ends: undefined };
      return operation.end === null ? [begun] : [begun, { rank: operation.end, ends: operation }];
    });
    events.sort((a, b) => a.rank - b.rank);
    let x = 0;
    for (const { rank, ends } of events) {
      if (ends !== undefined) x = Math.max(x, this.at(ends.start) + widthOf(ends));
      this.#x.set(rank, x);
      x += GAP;
    }
    this.#edge = x;
  }

  at(rank: number): number {
    return this.#x.get(rank) ?? 0;
  }

  /** The next event behind one. */
  after(rank: number): number {
    const here = this.at(rank);
    let next = this.#edge;
    for (const x of this.#x.values()) if (x > here && x < next) next = x;
    return next;
  }
}

interface Place {
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

function drawBar(operation: PageOperation, kind: Bar['kind'], { from, to, y }: Place): Html {
  const isOpen = operation.end === null;
  const title = shortened(operation.text, MAX_TITLE);
  return html`<g class="bar ${kind}${isOpen ? ' open' : ''}"><title>process ${operation.process}: ${title}</title>
<rect x="${from}" y="${y}" width="${round(to - from)}" height="${BAR}" rx="5"/>
<text x="${from + PADDING}" y="${y + BAR / 2 + 4}">${labelOf(operation)}</text></g>`;
}

/**
 * An operation takes effect after everything before it in the order has begun: in the gap behind the latest
 * of these invocations, which lies before its own end wherever the order is right.
 */
function moments(
  points: readonly PageOperation[],
  columns: Columns,
): ReadonlyMap<PageOperation, number> {
  const gaps: { readonly start: number; readonly inside: PageOperation[] }[] = [];
  let latest = -1;
  for (const operation of points) {
    if (operation.start > latest) {
      latest = operation.start;
      gaps.push({ start: latest, inside: [] });
    }
    gaps.at(-1)?.inside.push(operation);
  }
  const placed = gaps.flatMap(({ start, inside }) => {
    const from = columns.at(start);
    const step = (columns.after(start) - from) / (inside.length + 1);
    return inside.map((operation, at) => [operation, round(from + step * (at + 1))] as const);
  });
  return new Map(placed);
}

function trail(
  points: readonly PageOperation[],
  momentOf: ReadonlyMap<PageOperation, number>,
  topOf: (operation: PageOperation) => number,
): Html {
  if (points.length === 0) return html``;
  const placed = points.map((operation) => {
    return { x: momentOf.get(operation) as number, y: topOf(operation) + BAR + 3, operation };
  });
  const path = placed.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  return html`<path class="trail" d="${path}"/>${placed.map(
    ({ x, y, operation }, at) =>
      html`<circle class="point" cx="${x}" cy="${y}" r="4"><title>${at + 1}: ${operation.text}</title></circle>`,
  )}`;
}

const round = (x: number): number => Math.round(x * 10) / 10;
