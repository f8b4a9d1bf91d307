/**
 * A behaviour as a sequence chart: one lane per participant, time downwards, an arrow for each message, a
 * dot for what one does alone; beside each step its name and what it changed. Static SVG.
 */
import { type Html, html } from '../html.ts';
import type { PageArrow, PageStep, PageTrace } from './input.ts';

const LANE_MIN_WIDTH = 112;
const CHARACTER_WIDTH = 7.3;
const ARROW_HEIGHT = 28;
const LINE_HEIGHT = 16;
const HEAD_HEIGHT = 34;
const NUMBER_WIDTH = 34;
const WORDS_MAX = 92;
const STEP_PADDING = 12;

interface Frame {
  readonly lanes: readonly string[];
  readonly laneWidth: number;
  /** Where the words beside the chart begin. */
  readonly wordsLeft: number;
}

export function traceChart(trace: PageTrace): Html {
  const frame = frameOf(trace.steps);
  const heights = trace.steps.map(stepHeight);
  const tops = heights.map((_, index) =>
    heights.slice(0, index).reduce((sum, height) => sum + height, HEAD_HEIGHT),
  );
  const loopHeight = trace.loopsTo === undefined ? 0 : LINE_HEIGHT + STEP_PADDING;
  const height = heights.reduce((sum, one) => sum + one, HEAD_HEIGHT) + loopHeight;
  const width = frame.wordsLeft + wordsWidth(trace.steps);
  const label = `${trace.title}, ${trace.steps.length} steps`;
  return html`<div class="chart"><svg viewBox="0 0 ${width} ${height}" width="${width}"
 height="${height}" role="img" aria-label="${label}">
${frame.lanes.map((lane) => laneLine(frame, lane, height))}
${trace.steps.map((step, index) => drawStep(frame, step, index + 1, tops[index] ?? 0))}
${trace.loopsTo === undefined ? '' : drawLoop(frame, trace.loopsTo, height - STEP_PADDING)}
</svg></div>`;
}

function frameOf(steps: readonly PageStep[]): Frame {
  const arrows = steps.flatMap((step) => step.arrows);
  const lanes = [
    ...new Set(arrows.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]))),
  ].sort();
  const longest = Math.max(0, ...arrows.map(({ text }) => text.length));
  const laneWidth = Math.max(LANE_MIN_WIDTH, Math.ceil(longest * CHARACTER_WIDTH) + 36);
  const frame = { lanes, laneWidth, wordsLeft: NUMBER_WIDTH + lanes.length * laneWidth };
  // A note stands to the right of its lane, which may be the last one.
  const noteEnds = arrows
    .filter(({ from, to }) => to === undefined || to === from)
    .map(({ from, text }) => laneX(frame, from) + 10 + text.length * CHARACTER_WIDTH);
  return { ...frame, wordsLeft: Math.max(frame.wordsLeft, ...noteEnds) + 16 };
}

function wordsWidth(steps: readonly PageStep[]): number {
  const longest = Math.max(...steps.flatMap((step) => [step.step, ...step.changes]).map(lengthOf));
  return Math.min(WORDS_MAX, Math.max(LOOP_WORDS, longest)) * CHARACTER_WIDTH;
}

const lengthOf = (text: string): number => text.length;
const LOOP_WORDS = 48;

const laneX = ({ lanes, laneWidth }: Frame, lane: string): number =>
  NUMBER_WIDTH + lanes.indexOf(lane) * laneWidth + Math.min(60, laneWidth / 2);

function stepHeight({ arrows, changes }: PageStep): number {
  const words = (1 + Math.max(1, changes.length)) * LINE_HEIGHT;
  return Math.max(arrows.length * ARROW_HEIGHT, words) + STEP_PADDING;
}

function laneLine(frame: Frame, lane: string, height: number): Html {
  const x = laneX(frame, lane);
  return html`<line class="lane" x1="${x}" x2="${x}" y1="${HEAD_HEIGHT - 8}" y2="${height}"/>
<text class="lane-name" x="${x}" y="18" text-anchor="middle">${lane}</text>`;
}

function drawStep(frame: Frame, step: PageStep, number: number, top: number): Html {
  const words = [step.step, ...(step.changes.length === 0 ? ['changes nothing'] : step.changes)];
  return html`<line class="rule" x1="0" x2="100%" y1="${top}" y2="${top}"/>
<text class="number" x="22" y="${top + 20}" text-anchor="end">${number}</text>
${step.arrows.map((arrow, index) => drawArrow(frame, arrow, top + 20 + index * ARROW_HEIGHT))}
${words.map((text, index) => {
  const y = top + 18 + index * LINE_HEIGHT;
  const kind = index === 0 ? 'action' : 'change';
  return html`<text class="${kind}" x="${frame.wordsLeft}" y="${y}">${clipped(text)}</text>`;
})}`;
}

function clipped(text: string): Html {
  if (text.length <= WORDS_MAX) return html`${text}`;
  return html`<title>${text}</title>${text.slice(0, WORDS_MAX - 1)}…`;
}

function drawArrow(frame: Frame, { from, to, text }: PageArrow, y: number): Html {
  const x1 = laneX(frame, from);
  if (to === undefined || to === from) {
    return html`<circle class="dot" cx="${x1}" cy="${y}" r="4"/>
<text class="note" x="${x1 + 10}" y="${y + 4}">${text}</text>`;
  }
  const x2 = laneX(frame, to);
  const back = x2 > x1 ? -1 : 1;
  const head = `${x2},${y} ${x2 + 8 * back},${y - 4} ${x2 + 8 * back},${y + 4}`;
  return html`<line class="arrow" x1="${x1}" x2="${x2 + 7 * back}" y1="${y}" y2="${y}"/>
<polygon class="head" points="${head}"/>
<text class="message" x="${(x1 + x2) / 2}" y="${y - 5}" text-anchor="middle">${text}</text>`;
}

function drawLoop(frame: Frame, loopsTo: number, y: number): Html {
  const text =
    loopsTo === 0
      ? 'and all of it again, for ever'
      : `and from here on as after step ${loopsTo}, for ever`;
  return html`<text class="action" x="${frame.wordsLeft}" y="${y}">↻ ${text}</text>`;
}
