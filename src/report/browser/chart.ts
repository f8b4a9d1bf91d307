/** The canvas: sizes it, draws all panels in one pass per frame, and tells what is under the pointer. */
import type { Payload } from '../payload.ts';
import { decodeOperations, lanesOf } from './columns.ts';
import {
  drawClients,
  drawFaults,
  drawFaultTints,
  drawServers,
  serverNodes,
  visibleRange,
} from './draw-lanes.ts';
import {
  drawAvailability,
  drawLatency,
  drawRate,
  type LatencyScale,
  latencyScale,
} from './draw-plots.ts';
import {
  FAULT_HEIGHT,
  faultEnd,
  GUTTER,
  makeLayout,
  packFaults,
  type Scene,
  SERVER_HEIGHT,
  TITLE_HEIGHT,
} from './scene.ts';
import { readTheme } from './theme.ts';
import { tickStep, tickText, View } from './view.ts';

export type Hit =
  | { readonly kind: 'operation'; readonly row: number }
  | { readonly kind: 'fault'; readonly fault: number }
  | { readonly kind: 'server'; readonly node: number; readonly time: number }
  | { readonly kind: 'anomaly'; readonly anomaly: number };

const RIGHT_MARGIN = 14;
const POINTER_REACH = 6;

export class Chart {
  readonly scene: Scene;
  /** A rubber band while the pointer drags; x of both ends. */
  band: readonly [number, number] | null = null;
  readonly #canvas: HTMLCanvasElement;
  readonly #afterDraw: () => void;
  #scale: LatencyScale;
  #isQueued = false;

  constructor(canvas: HTMLCanvasElement, payload: Payload, afterDraw: () => void) {
    this.#canvas = canvas;
    this.#afterDraw = afterDraw;
    const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
    const operations = decodeOperations(payload.operations, payload.end);
    const lanes = lanesOf(operations);
    const faultRows = packFaults(payload.faults, payload.end);
    this.scene = {
      payload,
      operations,
      lanes,
      faultRows,
      view: new View(payload.end, () => this.redraw()),
      pen,
      theme: readTheme(pen),
      layout: makeLayout(payload, lanes, faultRows),
      matches: null,
      selected: -1,
      anomaly: -1,
      cursorX: null,
    };
    this.#scale = latencyScale(this.scene);
    this.resize();
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement as HTMLElement);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.scene.theme = readTheme(pen);
      this.redraw();
    });
  }

  resize(): void {
    const { scene } = this;
    const width = (this.#canvas.parentElement as HTMLElement).clientWidth;
    const scale = devicePixelRatio || 1;
    this.#canvas.style.height = `${scene.layout.height}px`;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(scene.layout.height * scale);
    scene.view.left = GUTTER;
    scene.view.width = Math.max(100, width - GUTTER - RIGHT_MARGIN);
    scene.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.redraw();
  }

  /** At most once per frame. */
  redraw(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    requestAnimationFrame(() => {
      this.#isQueued = false;
      this.draw();
    });
  }

  draw(): void {
    const { scene } = this;
    const { pen, view, layout } = scene;
    const width = view.left + view.width + RIGHT_MARGIN;
    pen.globalAlpha = 1;
    pen.fillStyle = scene.theme.panel;
    pen.fillRect(0, 0, width, layout.height);
    drawAxis(scene);
    drawFaultTints(scene);
    drawFaults(scene);
    drawServers(scene);
    drawClients(scene);
    drawAvailability(scene);
    drawLatency(scene, this.#scale);
    drawRate(scene);
    drawAnomalies(scene);
    drawSelection(scene, this.#scale);
    this.#drawPointer();
    this.#afterDraw();
  }

  #drawPointer(): void {
    const { pen, view, layout, theme, cursorX } = this.scene;
    if (this.band !== null) {
      const [from, to] = this.band;
      pen.fillStyle = theme.accent;
      pen.globalAlpha = 0.15;
      pen.fillRect(Math.min(from, to), 0, Math.abs(to - from), layout.height);
      pen.globalAlpha = 1;
      return;
    }
    if (cursorX === null || cursorX < view.left || cursorX > view.left + view.width) return;
    pen.fillStyle = theme.quiet;
    pen.globalAlpha = 0.6;
    pen.fillRect(Math.round(cursorX), layout.axis.height, 1, layout.height - 44);
    pen.globalAlpha = 1;
  }

  hit(x: number, y: number): Hit | undefined {
    const { scene } = this;
    const { layout, view, payload } = scene;
    if (x < view.left || x > view.left + view.width) return undefined;
    const inside = (panel: { top: number; height: number }) =>
      y >= panel.top && y < panel.top + panel.height;
    if (inside(layout.flags)) {
      const anomaly = payload.anomalies.findIndex(
        ({ time }) => time !== null && Math.abs(view.x(time) - x) < 10,
      );
      return anomaly < 0 ? undefined : { kind: 'anomaly', anomaly };
    }
    if (inside(layout.faults)) {
      const row = Math.floor((y - layout.faults.top - TITLE_HEIGHT) / FAULT_HEIGHT);
      const fault = payload.faults.findIndex(
        (candidate, index) =>
          scene.faultRows[index] === row &&
          x >= view.x(candidate.requested) - 2 &&
          x <= view.x(faultEnd(candidate, payload.end)) + 2,
      );
      return fault < 0 ? undefined : { kind: 'fault', fault };
    }
    if (inside(layout.servers)) {
      const row = Math.floor((y - layout.servers.top - TITLE_HEIGHT) / SERVER_HEIGHT);
      const node = serverNodes(scene)[row];
      return node === undefined ? undefined : { kind: 'server', node, time: view.time(x) };
    }
    if (inside(layout.clients)) return this.#hitClient(x, y);
    if (inside(layout.latency)) return this.#hitLatency(x, y);
    return undefined;
  }

  #hitClient(x: number, y: number): Hit | undefined {
    const { scene } = this;
    const { layout, view, operations } = scene;
    const offset = y - layout.clients.top - TITLE_HEIGHT;
    const lane = scene.lanes[Math.floor(offset / layout.laneHeight)];
    if (lane === undefined || offset < 0) return undefined;
    const track = Math.min(
      lane.tracks - 1,
      Math.floor((offset % layout.laneHeight) / (layout.laneHeight / lane.tracks)),
    );
    const [first, last] = visibleRange(scene, lane);
    let best = -1;
    let nearest = POINTER_REACH;
    for (let position = first; position < last; position++) {
      if (lane.track[position] !== track) continue;
      const row = lane.rows[position] as number;
      const x0 = view.x(operations.start[row] as number);
      const x1 = view.x(operations.end[row] as number);
      const distance = x < x0 ? x0 - x : x > x1 ? x - x1 : 0;
      if (distance < nearest) {
        nearest = distance;
        best = row;
      }
    }
    return best < 0 ? undefined : { kind: 'operation', row: best };
  }

  #hitLatency(x: number, y: number): Hit | undefined {
    const { operations, view } = this.scene;
    const low = view.time(x - POINTER_REACH);
    const high = view.time(x + POINTER_REACH);
    let best = -1;
    let nearest = POINTER_REACH * POINTER_REACH;
    for (let row = 0; row < operations.count; row++) {
      const end = operations.end[row] as number;
      if (end < low || end > high || operations.type[row] === 3) continue;
      const dx = view.x(end) - x;
      const dy = this.#scale.y(end - (operations.start[row] as number)) - y;
      const distance = dx * dx + dy * dy;
      if (distance < nearest) {
        nearest = distance;
        best = row;
      }
    }
    return best < 0 ? undefined : { kind: 'operation', row: best };
  }
}

function drawAxis(scene: Scene): void {
  const { pen, view, theme, layout } = scene;
  const step = tickStep(view.span, view.width, 90);
  pen.font = '11px ui-monospace, Menlo, Consolas, monospace';
  pen.textBaseline = 'middle';
  pen.textAlign = 'center';
  for (let time = Math.ceil(view.from / step) * step; time <= view.to; time += step) {
    const x = Math.round(view.x(time));
    pen.fillStyle = theme.line;
    pen.fillRect(x, layout.axis.height, 1, layout.height - layout.axis.height - 18);
    pen.fillStyle = theme.quiet;
    const edge = Math.max(view.left + 12, Math.min(view.left + view.width - 16, x));
    pen.fillText(tickText(time, step), edge, 12);
    pen.fillText(tickText(time, step), edge, layout.height - 9);
  }
}

function drawAnomalies(scene: Scene): void {
  const { pen, payload, view, theme, layout } = scene;
  if (layout.flags.height === 0) return;
  pen.font = '700 11px system-ui, sans-serif';
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  // By time, the current one last, so that it lies on top and always has its flag.
  const order = payload.anomalies
    .map(({ time }, index) => ({ time: time ?? -1, index }))
    .filter(({ time }) => time >= view.from && time <= view.to)
    .sort(
      (a, b) =>
        Number(a.index === scene.anomaly) - Number(b.index === scene.anomaly) || a.time - b.time,
    );
  let lineX = -100;
  let flagEnd = -100;
  for (const { time, index } of order) {
    const isCurrent = index === scene.anomaly;
    const x = Math.round(view.x(time));
    if (!isCurrent && x - lineX < 2) continue;
    lineX = x;
    pen.fillStyle = theme.violation;
    pen.globalAlpha = isCurrent ? 1 : 0.6;
    pen.fillRect(x, layout.flags.top, isCurrent ? 2 : 1, layout.height - layout.flags.top - 20);
    pen.globalAlpha = 1;
    const text = String(index + 1);
    const width = pen.measureText(text).width + 10;
    const left = Math.min(x, view.left + view.width - width + RIGHT_MARGIN);
    if (!isCurrent && left < flagEnd) continue;
    flagEnd = left + width + 2;
    pen.fillRect(left, layout.flags.top, width, 16);
    pen.fillStyle = theme.page;
    pen.fillText(text, left + 5, layout.flags.top + 8.5);
  }
}

/** A frame around the selected operation and those of the current anomaly, in lane and scatter. */
function drawSelection(scene: Scene, scale: LatencyScale): void {
  const { pen, payload, theme, operations, view } = scene;
  const involved = payload.anomalies[scene.anomaly]?.rows ?? [];
  pen.lineWidth = 2;
  for (const row of new Set([...involved, scene.selected])) {
    if (row < 0) continue;
    pen.strokeStyle = row === scene.selected ? theme.ink : theme.violation;
    const box = operationBox(scene, row);
    if (box !== undefined) pen.strokeRect(box.x - 2, box.y - 1, box.width + 4, box.height + 2);
    const end = operations.end[row] as number;
    if (operations.type[row] === 3 || end < view.from || end > view.to) continue;
    pen.beginPath();
    pen.arc(view.x(end), scale.y(end - (operations.start[row] as number)), 6, 0, Math.PI * 2);
    pen.stroke();
  }
}

function operationBox(
  scene: Scene,
  row: number,
): { x: number; y: number; width: number; height: number } | undefined {
  const { view, operations, lanes, layout } = scene;
  const start = operations.start[row] as number;
  const end = operations.end[row] as number;
  if (end < view.from || start > view.to) return undefined;
  const lane = lanes.findIndex(({ client }) => client === operations.client[row]);
  const x = Math.max(view.left, view.x(start));
  return {
    x,
    y: layout.clients.top + TITLE_HEIGHT + lane * layout.laneHeight,
    width: Math.max(2, Math.min(view.left + view.width, view.x(end)) - x),
    height: layout.laneHeight - 1,
  };
}
