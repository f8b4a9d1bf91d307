/** The upper panels: fault bands, what each server was, and the operations of each client. */
import type { PayloadFault, ServerSpan } from '../payload.ts';
import { type Lane, lowerBound, textOf } from './columns.ts';
import {
  FAULT_HEIGHT,
  faultEnd,
  fitText,
  gutterText,
  panelTitle,
  type Scene,
  SERVER_HEIGHT,
  TITLE_HEIGHT,
} from './scene.ts';

/** A tint over every panel while a fault was verified to hold. */
export function drawFaultTints(scene: Scene): void {
  const { pen, view, theme, layout } = scene;
  pen.fillStyle = theme.fault;
  for (const fault of scene.payload.faults) {
    if (fault.verified === null) continue;
    const from = clampX(scene, view.x(fault.verified));
    const to = clampX(scene, view.x(fault.healed ?? scene.payload.end));
    if (to <= from) continue;
    pen.globalAlpha = 0.07;
    pen.fillRect(from, layout.faults.top, to - from, layout.height - layout.faults.top - 20);
  }
  pen.globalAlpha = 1;
}

function clampX({ view }: Scene, x: number): number {
  return Math.max(view.left, Math.min(view.left + view.width, x));
}

export function drawFaults(scene: Scene): void {
  const { payload, layout, faultRows } = scene;
  if (layout.faults.height === 0) return;
  panelTitle(
    scene,
    layout.faults,
    'Faults',
    'dashed: requested · hatched: verified on the victim’s side · outline: healed, being verified',
  );
  for (const [index, fault] of payload.faults.entries()) {
    const y = layout.faults.top + TITLE_HEIGHT + (faultRows[index] as number) * FAULT_HEIGHT;
    drawFault(scene, fault, y);
  }
}

function drawFault(scene: Scene, fault: PayloadFault, y: number): void {
  const { pen, view, theme } = scene;
  const height = FAULT_HEIGHT - 5;
  const end = faultEnd(fault, scene.payload.end);
  const whole = segment(scene, fault.requested, end);
  if (whole === undefined) return;
  const color = fault.verified === null ? theme.violation : theme.fault;
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.setLineDash([3, 3]);
  pen.strokeRect(whole.x + 0.5, y + 0.5, Math.max(2, whole.width - 1), height - 1);
  pen.setLineDash([]);
  if (fault.verified !== null) {
    const held = segment(scene, fault.verified, fault.healed ?? scene.payload.end);
    if (held !== undefined) {
      pen.fillStyle = theme.hatch.fault;
      pen.fillRect(held.x, y, Math.max(2, held.width), height);
      pen.strokeRect(held.x + 0.5, y + 0.5, Math.max(2, held.width - 1), height - 1);
    }
  }
  if (fault.healed !== null) {
    const healing = segment(scene, fault.healed, fault.healVerified ?? scene.payload.end);
    if (healing !== undefined) {
      pen.strokeRect(healing.x + 0.5, y + 0.5, Math.max(2, healing.width - 1), height - 1);
    }
  }
  const state =
    fault.verified === null ? ' — not verified' : fault.healed === null ? ' — not healed' : '';
  const text = `${fault.kind}  ${fault.nodes.join(' ')}${state}`;
  pen.font = '600 11px system-ui, sans-serif';
  // In a long band the name stands inside; beside a short one, to its right or left.
  const width = pen.measureText(text).width;
  const isInside = whole.width > width + 70;
  const fitsRight = whole.x + whole.width + 8 + width < view.left + view.width;
  const x = isInside ? whole.x + 8 : fitsRight ? whole.x + whole.width + 8 : whole.x - width - 8;
  if (x < view.left) return;
  if (isInside) {
    pen.fillStyle = theme.panel;
    pen.globalAlpha = 0.92;
    pen.fillRect(x - 4, y + 2, width + 8, height - 4);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = theme.ink;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  pen.fillText(text, x, y + height / 2 + 0.5);
}

function segment(scene: Scene, from: number, to: number): { x: number; width: number } | undefined {
  const { view } = scene;
  if (to < view.from || from > view.to) return undefined;
  const x = clampX(scene, view.x(from));
  return { x, width: clampX(scene, view.x(to)) - x };
}

export function serverNodes(scene: Scene): number[] {
  return [...new Set(scene.payload.spans.map(({ node }) => node))].sort((a, b) => a - b);
}

export function drawServers(scene: Scene): void {
  const { payload, layout, pen, theme, view } = scene;
  if (layout.servers.height === 0) return;
  panelTitle(
    scene,
    layout.servers,
    'Servers',
    'block: leading (★ epoch) · line: following · dots: looking · ✕: down',
  );
  const nodes = serverNodes(scene);
  for (const [row, node] of nodes.entries()) {
    const y = layout.servers.top + TITLE_HEIGHT + row * SERVER_HEIGHT;
    gutterText(scene, `server ${node}`, y + SERVER_HEIGHT / 2);
    for (const span of payload.spans) {
      if (span.node === node) drawServerSpan(scene, span, y);
    }
  }
  pen.fillStyle = theme.ink;
  let lastX = -10;
  for (const mark of payload.marks) {
    if (mark.time < view.from || mark.time > view.to) continue;
    const x = Math.round(view.x(mark.time));
    if (x === lastX) continue;
    lastX = x;
    const row = nodes.indexOf(mark.node);
    const y = layout.servers.top + TITLE_HEIGHT + (row + 1) * SERVER_HEIGHT - 4;
    pen.fillRect(x, y - 4, 1, 4);
  }
}

function drawServerSpan(scene: Scene, span: ServerSpan, y: number): void {
  const { pen, theme } = scene;
  const box = segment(scene, span.from, span.to);
  if (box === undefined) return;
  const width = Math.max(1, box.width);
  const middle = y + SERVER_HEIGHT / 2;
  const color = theme.epochs[(span.epoch - 1 + 600) % theme.epochs.length] as string;
  if (span.role === 'leading' || span.role === 'standalone') {
    pen.fillStyle = color;
    pen.fillRect(box.x, y + 2, width, SERVER_HEIGHT - 6);
    pen.font = '600 11px system-ui, sans-serif';
    pen.fillStyle = theme.page;
    pen.textAlign = 'left';
    pen.textBaseline = 'middle';
    const name = span.role === 'leading' ? `★ leader, epoch ${span.epoch}` : 'standalone';
    const short = `★ ${span.epoch}`;
    const text = [name, short].find((word) => pen.measureText(word).width < width - 10);
    if (text !== undefined) pen.fillText(text, box.x + 5, middle - 0.5);
    return;
  }
  if (span.role === 'following') {
    pen.fillStyle = color;
    pen.fillRect(box.x, middle - 3, width, 4);
    return;
  }
  pen.strokeStyle = theme.quiet;
  if (span.role === 'looking') {
    pen.lineWidth = 2;
    pen.setLineDash([2, 4]);
    line(pen, box.x, middle - 1, box.x + width, middle - 1);
    pen.setLineDash([]);
    return;
  }
  if (width < 4) return;
  pen.lineWidth = 1.2;
  for (let x = box.x + 6; x < box.x + width - 3; x += 22) {
    line(pen, x - 3, middle - 4, x + 3, middle + 2);
    line(pen, x - 3, middle + 2, x + 3, middle - 4);
  }
}

function line(pen: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

export function drawClients(scene: Scene): void {
  const { layout, lanes, pen, theme, view } = scene;
  if (lanes.length === 0) return;
  panelTitle(
    scene,
    layout.clients,
    'Clients',
    'full bar: ok · half bar: fail (did not happen) · hatched: info (may have happened)',
  );
  const every = Math.max(1, Math.ceil(12 / layout.laneHeight));
  for (const [row, lane] of lanes.entries()) {
    const y = layout.clients.top + TITLE_HEIGHT + row * layout.laneHeight;
    if (row % every === 0) gutterText(scene, `client ${lane.client}`, y + layout.laneHeight / 2);
    pen.fillStyle = theme.line;
    pen.globalAlpha = 0.6;
    pen.fillRect(view.left, y + layout.laneHeight - 1, view.width, 1);
    pen.globalAlpha = 1;
    drawLane(scene, lane, y);
  }
}

/** Positions of the lane's rows that the window shows. */
export function visibleRange(scene: Scene, lane: Lane): [number, number] {
  const { view, operations } = scene;
  const first = lowerBound(lane.reach, view.from);
  let last = first;
  let high = lane.rows.length;
  while (last < high) {
    const middle = (last + high) >> 1;
    if ((operations.start[lane.rows[middle] as number] as number) <= view.to) last = middle + 1;
    else high = middle;
  }
  return [first, last];
}

function drawLane(scene: Scene, lane: Lane, y: number): void {
  const { pen, view, operations, layout, matches } = scene;
  const [first, last] = visibleRange(scene, lane);
  const height = Math.max(2, (layout.laneHeight - 3) / lane.tracks);
  // One bar per pixel column, outcome and dimness is enough: a fully zoomed-out run stays quick.
  const drawnTo = new Float64Array(8).fill(-1);
  for (let position = first; position < last; position++) {
    const row = lane.rows[position] as number;
    const type = operations.type[row] as number;
    const isDim = matches !== null && matches[row] === 0;
    const x0 = Math.max(view.left, view.x(operations.start[row] as number));
    const x1 = Math.min(view.left + view.width, view.x(operations.end[row] as number));
    const slot = type * 2 + (isDim ? 1 : 0);
    if (x1 < (drawnTo[slot] as number)) continue;
    const width = Math.max(1, x1 - x0 - (x1 - x0 > 3 ? 1 : 0));
    drawnTo[slot] = x0 + width;
    pen.globalAlpha = isDim ? 0.13 : 1;
    const top = y + 1 + (lane.track[position] as number) * height;
    drawBar(scene, type, x0, top, width, height);
    if (width > 34 && height > 10 && !isDim) drawBarText(scene, row, x0, top + height / 2, width);
  }
  pen.globalAlpha = 1;
}

function drawBar(
  scene: Scene,
  type: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const { pen, theme } = scene;
  if (type === 0) {
    pen.fillStyle = theme.outcome[0] as string;
    pen.fillRect(x, y, width, height);
  } else if (type === 1) {
    pen.fillStyle = theme.outcome[1] as string;
    pen.fillRect(x, y + height / 2, width, height / 2);
  } else {
    pen.fillStyle = width < 4 ? (theme.outcome[2] as string) : theme.hatch.info;
    pen.fillRect(x, y, width, height);
    if (width < 4) return;
    pen.fillStyle = theme.outcome[2] as string;
    pen.fillRect(x, y, 1.5, height);
    // Open at the end: nobody knows when, or whether, it took effect.
    pen.fillRect(x, y, width, 1);
    pen.fillRect(x, y + height - 1, width, 1);
  }
}

function drawBarText(scene: Scene, row: number, x: number, middle: number, width: number): void {
  const { pen, theme, payload, operations } = scene;
  const read = (column: 'f' | 'key' | 'value' | 'result') =>
    textOf(payload, operations, row, column);
  const type = operations.type[row] as number;
  pen.font = '10.5px ui-monospace, Menlo, Consolas, monospace';
  const text = fitText(
    pen,
    [read('f'), read('key'), read('value'), read('result') && `→ ${read('result')}`]
      .filter(Boolean)
      .join(' '),
    width - 8,
  );
  if (text === '') return;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  if (type !== 0) {
    pen.fillStyle = theme.panel;
    pen.globalAlpha = 0.85;
    pen.fillRect(x + 3, middle - 6, pen.measureText(text).width + 4, 12);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = type === 0 ? theme.page : theme.ink;
  pen.fillText(text, x + 5, middle + 0.5);
}
