/** The lower panels: availability, latency on a logarithmic scale, and rate; same axis as above. */
import { lowerBound } from './columns.ts';
import { gutterText, panelTitle, type Scene, TITLE_HEIGHT } from './scene.ts';
import { tickStep } from './view.ts';

const AVAILABILITY_BIN_NS = 100_000_000;

/** Rows whose completion falls into the window, found by their start and the longest duration. */
function rowsAround(scene: Scene): [number, number] {
  const { operations, view } = scene;
  return [
    lowerBound(operations.start, view.from - longestDuration(scene)),
    lowerBound(operations.start, view.to + 1),
  ];
}

const longest = new WeakMap<object, number>();
function longestDuration({ operations }: Scene): number {
  let found = longest.get(operations);
  if (found !== undefined) return found;
  found = 0;
  for (let row = 0; row < operations.count; row++) {
    if (operations.type[row] === 3) continue;
    found = Math.max(found, (operations.end[row] as number) - (operations.start[row] as number));
  }
  longest.set(operations, found);
  return found;
}

export function drawAvailability(scene: Scene): void {
  const { layout, pen, theme, view, operations } = scene;
  const panel = layout.availability;
  const perBin = Math.max(1, Math.ceil(((view.span / view.width) * 2.5) / AVAILABILITY_BIN_NS));
  const bin = perBin * AVAILABILITY_BIN_NS;
  panelTitle(
    scene,
    panel,
    'Availability',
    `share of completed operations that were answered, per ${bin / 1e6} ms · red hatch: most were not`,
  );
  const top = panel.top + TITLE_HEIGHT;
  const height = panel.height - TITLE_HEIGHT;
  const firstBin = Math.floor(view.from / bin);
  const bins = Math.ceil(view.to / bin) - firstBin;
  const completed = new Uint32Array(bins);
  const answered = new Uint32Array(bins);
  const [first, last] = rowsAround(scene);
  for (let row = first; row < last; row++) {
    if (operations.type[row] === 3) continue;
    const position = Math.floor((operations.end[row] as number) / bin) - firstBin;
    if (position < 0 || position >= bins) continue;
    completed[position] = (completed[position] as number) + 1;
    answered[position] = (answered[position] as number) + (operations.answered[row] as number);
  }
  gutterText(scene, '100 %', top + 5);
  gutterText(scene, '0', top + height - 4);
  baseline(scene, top + height);
  for (let position = 0; position < bins; position++) {
    const total = completed[position] as number;
    if (total === 0) continue;
    const x0 = Math.max(view.left, view.x((firstBin + position) * bin));
    const x1 = Math.min(view.left + view.width, view.x((firstBin + position + 1) * bin));
    const share = (answered[position] as number) / total;
    if (share < 0.5) {
      pen.fillStyle = theme.absent;
      pen.fillRect(x0, top, Math.max(1, x1 - x0), height * (1 - share));
    }
    pen.fillStyle = share === 1 ? (theme.outcome[0] as string) : (theme.outcome[2] as string);
    pen.globalAlpha = share === 1 ? 0.55 : 0.9;
    pen.fillRect(x0, top + height * (1 - share), Math.max(1, x1 - x0 - 0.5), height * share);
    pen.globalAlpha = 1;
  }
}

function baseline({ pen, theme, view }: Scene, y: number): void {
  pen.fillStyle = theme.line;
  pen.fillRect(view.left, Math.round(y), view.width, 1);
}

export interface LatencyScale {
  readonly low: number;
  readonly high: number;
  y(duration: number): number;
}

/** Whole decades around what was measured in the run, so that the scale stays when one zooms. */
export function latencyScale(scene: Scene): LatencyScale {
  const { operations, layout } = scene;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let row = 0; row < operations.count; row++) {
    if (operations.type[row] === 3) continue;
    const duration = (operations.end[row] as number) - (operations.start[row] as number);
    if (duration > 0) least = Math.min(least, duration);
    most = Math.max(most, duration);
  }
  if (most === 0) [least, most] = [1e6, 1e7];
  const low = Math.floor(Math.log10(Math.max(1_000, least)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)));
  const top = layout.latency.top + TITLE_HEIGHT;
  const height = layout.latency.height - TITLE_HEIGHT;
  return {
    low,
    high,
    y: (duration) => {
      const share = (Math.log10(Math.max(1, duration)) - low) / (high - low);
      return top + height * (1 - Math.max(0, Math.min(1, share)));
    },
  };
}

export function drawLatency(scene: Scene, scale: LatencyScale): void {
  const { layout, pen, theme, view, operations, matches } = scene;
  const panel = layout.latency;
  panelTitle(scene, panel, 'Latency', '■ ok  ✕ fail  ▲ info · line: median of ok · dashed: 99 %');
  for (let power = scale.low; power <= scale.high; power++) {
    const y = scale.y(10 ** power);
    baseline(scene, y);
    gutterText(
      scene,
      decadeText(power),
      Math.max(panel.top + TITLE_HEIGHT + 5, Math.min(y, panel.top + panel.height - 5)),
    );
  }
  const [first, last] = rowsAround(scene);
  const columns = Math.ceil(view.width);
  const lines = panel.height;
  const taken = new Uint8Array(columns * lines);
  const size = last - first < 400 ? 5 : last - first < 4_000 ? 3 : 2;
  for (const dim of matches === null ? [false] : [true, false]) {
    pen.globalAlpha = dim ? 0.12 : 0.75;
    for (let row = first; row < last; row++) {
      if (matches !== null && (matches[row] === 0) !== dim) continue;
      const type = operations.type[row] as number;
      const end = operations.end[row] as number;
      if (type === 3 || end < view.from || end > view.to) continue;
      const x = view.x(end);
      const y = scale.y(end - (operations.start[row] as number));
      // A point per pixel and outcome; more of them would only repaint the same dot.
      const cell = Math.floor(x - view.left) + Math.floor(y - panel.top) * columns;
      const bit = 1 << (type + (dim ? 4 : 0));
      if (((taken[cell] ?? 0) & bit) !== 0) continue;
      taken[cell] = (taken[cell] ?? 0) | bit;
      drawPoint(pen, theme.outcome[type] as string, type, x, y, size);
    }
  }
  pen.globalAlpha = 1;
  drawQuantiles(scene, scale, first, last);
}

function decadeText(power: number): string {
  const units = ['ns', 'µs', 'ms', 's'];
  const unit = Math.min(3, Math.floor(power / 3));
  return `${10 ** (power - unit * 3)} ${units[unit]}`;
}

function drawPoint(
  pen: CanvasRenderingContext2D,
  color: string,
  type: number,
  x: number,
  y: number,
  size: number,
): void {
  if (type === 0) {
    pen.fillStyle = color;
    pen.fillRect(x - size / 2, y - size / 2, size, size);
    return;
  }
  if (type === 1) {
    pen.strokeStyle = color;
    pen.lineWidth = 1.2;
    pen.beginPath();
    pen.moveTo(x - 2.5, y - 2.5);
    pen.lineTo(x + 2.5, y + 2.5);
    pen.moveTo(x - 2.5, y + 2.5);
    pen.lineTo(x + 2.5, y - 2.5);
    pen.stroke();
    return;
  }
  pen.fillStyle = color;
  pen.beginPath();
  pen.moveTo(x, y - 4);
  pen.lineTo(x + 3.5, y + 2.5);
  pen.lineTo(x - 3.5, y + 2.5);
  pen.fill();
}

const QUANTILE_BIN_PIXELS = 12;

function drawQuantiles(scene: Scene, scale: LatencyScale, first: number, last: number): void {
  const { pen, theme, view, operations } = scene;
  const bins: number[][] = [];
  for (let row = first; row < last; row++) {
    const end = operations.end[row] as number;
    if (operations.type[row] !== 0 || end < view.from || end > view.to) continue;
    const position = Math.floor((view.x(end) - view.left) / QUANTILE_BIN_PIXELS);
    bins[position] ??= [];
    (bins[position] as number[]).push(end - (operations.start[row] as number));
  }
  for (const bin of bins) bin?.sort((a, b) => a - b);
  for (const [quantile, dash, least] of [
    [0.5, [], 5],
    [0.99, [4, 3], 20],
  ] as const) {
    pen.beginPath();
    pen.setLineDash([...dash]);
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 1.4;
    let isDown = false;
    for (let position = 0; position < bins.length; position++) {
      const bin = bins[position];
      if (bin === undefined || bin.length < least) {
        isDown = false;
        continue;
      }
      const x = view.left + (position + 0.5) * QUANTILE_BIN_PIXELS;
      const y = scale.y(bin[Math.floor((bin.length - 1) * quantile)] as number);
      if (isDown) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      isDown = true;
    }
    pen.stroke();
  }
  pen.setLineDash([]);
}

export function drawRate(scene: Scene): void {
  const { layout, pen, theme, view, operations } = scene;
  const panel = layout.rate;
  const top = panel.top + TITLE_HEIGHT;
  const height = panel.height - TITLE_HEIGHT;
  const bin = tickStep(view.span, view.width, 6);
  const firstBin = Math.floor(view.from / bin);
  const bins = Math.ceil(view.to / bin) - firstBin;
  const counts = [0, 1, 2].map(() => new Uint32Array(bins));
  const [first, last] = rowsAround(scene);
  for (let row = first; row < last; row++) {
    const column = counts[operations.type[row] as number];
    const position = Math.floor((operations.end[row] as number) / bin) - firstBin;
    if (column === undefined || position < 0 || position >= bins) continue;
    column[position] = (column[position] as number) + 1;
  }
  let most = 1;
  for (let position = 0; position < bins; position++) {
    most = Math.max(
      most,
      counts.reduce((sum, column) => sum + (column[position] as number), 0),
    );
  }
  panelTitle(scene, panel, 'Rate', 'operations completed per second, stacked: ok, fail, info');
  gutterText(scene, `${shortCount((most / bin) * 1e9)}/s`, top + 5);
  gutterText(scene, '0', top + height - 4);
  baseline(scene, top + height);
  for (let position = 0; position < bins; position++) {
    const x0 = Math.max(view.left, view.x((firstBin + position) * bin));
    const x1 = Math.min(view.left + view.width, view.x((firstBin + position + 1) * bin));
    let y = top + height;
    for (const [type, column] of counts.entries()) {
      const size = ((column[position] as number) / most) * height;
      if (size === 0) continue;
      pen.fillStyle = type === 2 ? theme.hatch.info : (theme.outcome[type] as string);
      y -= size;
      pen.fillRect(x0, y, Math.max(1, x1 - x0 - 1), size);
    }
  }
}

function shortCount(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  if (count >= 1e4) return `${Math.round(count / 1e3)}k`;
  if (count >= 1e3) return `${(count / 1e3).toFixed(1)}k`;
  return String(Math.round(count));
}
