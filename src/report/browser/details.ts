/** Words about what the pointer is on or what was chosen. Built from text nodes only. */
import { formatCount, formatDuration, formatTime } from '../format.ts';
import type { Payload } from '../payload.ts';
import type { Hit } from './chart.ts';
import { type Operations, outcomeOf, type TextColumn, textOf } from './columns.ts';
import type { Scene } from './scene.ts';

type Fact = readonly [string, string];

export function operationFacts(payload: Payload, operations: Operations, row: number): Fact[] {
  const read = (column: TextColumn) => textOf(payload, operations, row, column);
  const start = operations.start[row] as number;
  const end = operations.end[row] as number;
  const isPending = outcomeOf(operations, row) === 'pending';
  const node = operations.node[row] as number;
  const facts: Fact[] = [
    ['operation', [read('f'), read('key'), read('value')].filter(Boolean).join(' ')],
    ['outcome', [outcomeOf(operations, row), read('error')].filter(Boolean).join(' ')],
    ['answer', read('result')],
    ['invoked', formatTime(start)],
    ['took', isPending ? 'never completed' : formatDuration(end - start)],
    ['client', String(operations.client[row])],
    ['server', node === 0 ? '' : String(node)],
    ['zxid', read('zxid')],
    ['session', read('session')],
    ['plan', read('op')],
    [
      'history',
      isPending
        ? String(operations.index[row])
        : `${operations.index[row]} → ${(operations.index[row] as number) + (operations.span[row] as number)}`,
    ],
  ];
  return facts.filter(([, value]) => value !== '');
}

export function hitFacts(scene: Scene, hit: Hit): { title: string; facts: Fact[] } {
  const { payload, operations } = scene;
  if (hit.kind === 'operation') {
    return {
      title: textOf(payload, operations, hit.row, 'f'),
      facts: operationFacts(payload, operations, hit.row),
    };
  }
  if (hit.kind === 'anomaly') {
    const anomaly = payload.anomalies[hit.anomaly];
    return {
      title: `${hit.anomaly + 1}. ${anomaly?.kind ?? ''}`,
      facts: [
        ['checker', anomaly?.checker ?? ''],
        ['what', anomaly?.message ?? ''],
      ],
    };
  }
  if (hit.kind === 'fault') return faultFacts(scene, hit.fault);
  return serverFacts(scene, hit.node, hit.time);
}

function faultFacts(scene: Scene, index: number): { title: string; facts: Fact[] } {
  const fault = scene.payload.faults[index];
  if (fault === undefined) return { title: '', facts: [] };
  const moment = (time: number | null) => (time === null ? 'not' : formatTime(time));
  return {
    title: `${fault.kind} (${fault.id})`,
    facts: [
      ['servers', fault.nodes.join(', ')],
      ['requested', formatTime(fault.requested)],
      ['applied', moment(fault.applied)],
      ['verified', moment(fault.verified)],
      ['healed', moment(fault.healed)],
      ['heal verified', moment(fault.healVerified)],
      ['evidence', fault.evidence],
    ],
  };
}

const MARKS_SHOWN_MAX = 6;

function serverFacts(scene: Scene, node: number, time: number): { title: string; facts: Fact[] } {
  const { payload, view } = scene;
  const span = payload.spans.find(
    (candidate) => candidate.node === node && candidate.from <= time && candidate.to >= time,
  );
  const reach = (view.span / view.width) * 5;
  const near = payload.marks.filter(
    (mark) => mark.node === node && Math.abs(mark.time - time) <= reach,
  );
  const facts: Fact[] = [['at', formatTime(time)]];
  if (span !== undefined) {
    facts.push(['role', `${span.role}, epoch ${span.epoch}`]);
    facts.push(['since', formatTime(span.from)]);
  }
  for (const mark of near.slice(0, MARKS_SHOWN_MAX)) facts.push([formatTime(mark.time), mark.text]);
  if (near.length > MARKS_SHOWN_MAX) {
    facts.push(['…', `${formatCount(near.length - MARKS_SHOWN_MAX)} more`]);
  }
  return { title: `server ${node}`, facts };
}

export function fillFacts(target: HTMLElement, title: string, facts: readonly Fact[]): void {
  const heading = document.createElement('strong');
  heading.textContent = title;
  const list = document.createElement('dl');
  for (const [name, value] of facts) {
    const term = document.createElement('dt');
    term.textContent = name;
    const text = document.createElement('dd');
    text.textContent = value;
    list.append(term, text);
  }
  target.replaceChildren(heading, list);
}

const LISTED_MAX = 100;

/** A table of the first operations that match the search, or that the window shows. */
export function fillList(
  scene: Scene,
  found: readonly number[] | null,
  body: HTMLElement,
  caption: HTMLElement,
): void {
  const { operations, payload, view } = scene;
  const rows: number[] = [];
  let total = 0;
  const count = found?.length ?? operations.count;
  for (let position = 0; position < count; position++) {
    const row = found === null ? position : (found[position] as number);
    const isVisible =
      (operations.end[row] as number) >= view.from && (operations.start[row] as number) <= view.to;
    if (!isVisible) continue;
    if (total++ < LISTED_MAX) rows.push(row);
  }
  const what = found === null ? 'operations' : 'matching operations';
  caption.textContent =
    total > rows.length
      ? `First ${rows.length} of ${formatCount(total)} ${what} in the window`
      : `${formatCount(total)} ${what} in the window`;
  body.replaceChildren(...rows.map((row) => listRow(payload, operations, row)));
}

function listRow(payload: Payload, operations: Operations, row: number): HTMLElement {
  const line = document.createElement('tr');
  line.dataset.row = String(row);
  const read = (column: TextColumn) => textOf(payload, operations, row, column);
  const outcome = outcomeOf(operations, row);
  const node = operations.node[row] as number;
  const duration = (operations.end[row] as number) - (operations.start[row] as number);
  const cells: [string, string][] = [
    [formatTime(operations.start[row] as number), 'number'],
    [outcome === 'pending' ? '—' : formatDuration(duration), 'number'],
    [String(operations.client[row]), 'number'],
    [[read('f'), read('key'), read('value')].filter(Boolean).join(' '), 'mono'],
    [[outcome, read('error')].filter(Boolean).join(' '), `outcome-cell ${outcome}`],
    [read('result'), 'mono'],
    [node === 0 ? '—' : String(node), 'number'],
    [read('zxid') || '—', 'mono'],
  ];
  for (const [text, style] of cells) {
    const cell = document.createElement('td');
    cell.className = style;
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}
