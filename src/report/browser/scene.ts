/** What the panels draw from, and where each one stands. */
import type { Payload, PayloadFault } from '../payload.ts';
import type { Lane, Operations } from './columns.ts';
import type { Theme } from './theme.ts';
import type { View } from './view.ts';

export interface Panel {
  readonly top: number;
  readonly height: number;
}

export interface Layout {
  readonly height: number;
  readonly axis: Panel;
  readonly flags: Panel;
  readonly faults: Panel;
  readonly servers: Panel;
  readonly clients: Panel;
  readonly availability: Panel;
  readonly latency: Panel;
  readonly rate: Panel;
  readonly laneHeight: number;
}

export interface Scene {
  readonly payload: Payload;
  readonly operations: Operations;
  readonly lanes: readonly Lane[];
  /** Row of each fault in its panel: those that overlap stand below each other. */
  readonly faultRows: readonly number[];
  readonly view: View;
  readonly pen: CanvasRenderingContext2D;
  theme: Theme;
  layout: Layout;
  matches: Uint8Array | null;
  selected: number;
  anomaly: number;
  cursorX: number | null;
}

export const GUTTER = 108;
export const TITLE_HEIGHT = 22;
export const FAULT_HEIGHT = 24;
export const SERVER_HEIGHT = 22;
const LANES_HEIGHT_MAX = 420;
const GAP = 10;

export function packFaults(faults: readonly PayloadFault[], axisEnd: number): number[] {
  const ends: number[] = [];
  return faults.map((fault) => {
    let row = ends.findIndex((end) => end <= fault.requested);
    if (row < 0) row = ends.length;
    // Room for the name of a short band, which stands to its right.
    ends[row] = Math.max(faultEnd(fault, axisEnd), fault.requested + axisEnd / 6);
    return row;
  });
}

/** A fault that was never healed lasts until the axis ends; one never applied is a moment. */
export function faultEnd(fault: PayloadFault, axisEnd: number): number {
  if (fault.applied === null) return fault.requested + axisEnd / 100;
  return fault.healVerified ?? fault.healed ?? axisEnd;
}

export function makeLayout(
  payload: Payload,
  lanes: readonly Lane[],
  faultRows: readonly number[],
): Layout {
  let top = 0;
  const place = (height: number, gap = GAP): Panel => {
    const panel = { top, height };
    top += height + (height > 0 ? gap : 0);
    return panel;
  };
  const titled = (height: number) => (height === 0 ? 0 : height + TITLE_HEIGHT);
  const servers = new Set(payload.spans.map(({ node }) => node)).size;
  const tracks = Math.max(1, lanes.length);
  const laneHeight = Math.max(4, Math.min(20, Math.floor(LANES_HEIGHT_MAX / tracks)));
  const axis = place(24, 0);
  const flags = place(payload.anomalies.length > 0 ? 20 : 0, 2);
  const faults = place(
    titled(faultRows.length === 0 ? 0 : (Math.max(...faultRows) + 1) * FAULT_HEIGHT),
  );
  return {
    axis,
    flags,
    faults,
    servers: place(titled(servers * SERVER_HEIGHT)),
    clients: place(titled(lanes.length * laneHeight)),
    availability: place(titled(40)),
    latency: place(titled(150)),
    rate: place(titled(70)),
    laneHeight,
    height: top + 20,
  };
}

export function panelTitle(scene: Scene, panel: Panel, title: string, note = ''): void {
  const { pen, theme, view } = scene;
  const y = panel.top + 14;
  pen.textAlign = 'left';
  pen.textBaseline = 'alphabetic';
  pen.fillStyle = theme.ink;
  pen.font = '600 12px system-ui, sans-serif';
  pen.fillText(title, 8, y);
  if (note !== '') {
    pen.font = '11px system-ui, sans-serif';
    pen.fillStyle = theme.quiet;
    pen.fillText(note, view.left, y);
  }
}

export function gutterText(scene: Scene, text: string, y: number): void {
  const { pen, theme } = scene;
  pen.font = '11px ui-monospace, Menlo, Consolas, monospace';
  pen.fillStyle = theme.quiet;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  pen.fillText(text, GUTTER - 10, y);
}

/** Cuts a text to a width, with an ellipsis; empty where not even three letters fit. */
export function fitText(pen: CanvasRenderingContext2D, text: string, width: number): string {
  if (pen.measureText(text).width <= width) return text;
  const perLetter = pen.measureText('0').width;
  const letters = Math.floor(width / perLetter) - 1;
  return letters < 3 ? '' : `${text.slice(0, letters)}…`;
}
