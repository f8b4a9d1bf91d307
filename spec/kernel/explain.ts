/**
 * A behaviour in the model's own words: numbered steps with their parameters, the fields that each one
 * changed, and a chart of who sent what to whom.
 */
import type { Arrow, Spec } from './model.ts';
import { actionNamed } from './step.ts';
import type { Trace } from './trace.ts';
import { equal } from './value.ts';

/** `promise(ballot=1, by=a2)` for a record with a `type`; plain data otherwise. */
export function show(value: unknown): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  const { type, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof type === 'string') return `${type}(${showFields(rest)})`;
  return `{${showFields(value)}}`;
}

function showFields(record: object): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}=${show(value)}`)
    .join(', ');
}

/** One line per changed field: `acceptors.a1.promised: -1 → 0`, `sent: + prepare(ballot=0)`. */
export function changes(before: unknown, after: unknown, path = ''): string[] {
  if (before === after || equal(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return arrayChanges(before, after, path);
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    // A record of another kind is better shown whole.
    if (before.type === after.type && keys.every((key) => key in before && key in after)) {
      return keys.flatMap((key) =>
        changes(before[key], after[key], path === '' ? key : `${path}.${key}`),
      );
    }
  }
  return [`${path}: ${show(before)} → ${show(after)}`];
}

/** What was added or removed; element by element where the length stayed. */
function arrayChanges(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): string[] {
  if (before.length === after.length) {
    return after.flatMap((value, index) => changes(before[index], value, `${path}[${index}]`));
  }
  const added = without(after, before);
  const removed = without(before, after);
  if (added.length + removed.length !== Math.abs(after.length - before.length)) {
    return [`${path}: ${show(before)} → ${show(after)}`];
  }
  return [
    ...removed.map((value) => `${path}: − ${show(value)}`),
    ...added.map((value) => `${path}: + ${show(value)}`),
  ];
}

function without(values: readonly unknown[], others: readonly unknown[]): unknown[] {
  const rest = [...others];
  return values.filter((value) => {
    const found = rest.findIndex((other) => equal(other, value));
    if (found >= 0) rest.splice(found, 1);
    return found < 0;
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `promise(a=a1, m=prepare(ballot=0))`. */
export function showStep(action: string, params: object): string {
  return `${action}(${showFields(params)})`;
}

export interface ExplainedStep {
  readonly step: string;
  readonly action: string;
  readonly params: object;
  readonly changes: readonly string[];
  readonly arrows: readonly Arrow[];
  readonly state: object;
}

/** A trace as data, for JSON and for pages. */
export interface ExplainedTrace {
  readonly start: object;
  readonly steps: readonly ExplainedStep[];
  readonly loopsTo?: number;
}

export function explainTrace<S extends object>(spec: Spec<S>, trace: Trace<S>): ExplainedTrace {
  let before: S = trace.start;
  const steps = trace.steps.map(({ action, params, state }) => {
    const drawn = actionNamed(spec, action).chart?.(before, params) ?? [];
    const explained: ExplainedStep = {
      step: showStep(action, params),
      action,
      params,
      changes: changes(before, state),
      arrows: Array.isArray(drawn) ? (drawn as readonly Arrow[]) : [drawn as Arrow],
      state,
    };
    before = state;
    return explained;
  });
  const loop = trace.loopsTo === undefined ? {} : { loopsTo: trace.loopsTo };
  return { start: trace.start, steps, ...loop };
}

export function renderTrace<S extends object>(spec: Spec<S>, trace: Trace<S>): string {
  const { start, steps, loopsTo } = explainTrace(spec, trace);
  const lines = [`  0  start: ${showFields(start)}`];
  steps.forEach((step, index) => {
    if (loopsTo === index) lines.push('     ── from here for ever ──');
    lines.push(`${String(index + 1).padStart(3)}  ${step.step}`);
    const changed = step.changes.length === 0 ? ['changes nothing'] : step.changes;
    lines.push(...changed.map((change) => `       ${change}`));
  });
  if (loopsTo === steps.length) lines.push('     ── and nothing more happens ──');
  else if (loopsTo !== undefined) lines.push(`     ── again after step ${loopsTo} ──`);
  const chart = renderChart(steps.map(({ arrows }) => arrows));
  return [...lines, ...(chart === '' ? [] : ['', chart])].join('\n');
}

const MARGIN = 5;

/** Lanes from left to right in order of appearance, time downwards, one line per arrow or note. */
export function renderChart(steps: readonly (readonly Arrow[])[]): string {
  const arrows = steps.flatMap((drawn, index) =>
    drawn.map((arrow) => ({ ...arrow, step: index + 1 })),
  );
  if (arrows.length === 0) return '';
  const lanes = [
    ...new Set(arrows.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]))),
  ];
  lanes.sort((a, b) => (a < b ? -1 : 1));
  const widest = Math.max(...arrows.map(({ text }) => text.length), ...lanes.map((l) => l.length));
  const width = Math.min(40, widest + 6);
  const columnOf = (lane: string) => MARGIN + 2 + lanes.indexOf(lane) * width;
  const blank = (): string[] => {
    const line = new Array<string>(MARGIN + 2 + lanes.length * width).fill(' ');
    for (const lane of lanes) line[columnOf(lane)] = '│';
    return line;
  };
  const head = new Array<string>(MARGIN + 2 + lanes.length * width).fill(' ');
  for (const lane of lanes) write(head, columnOf(lane), lane);
  const lines = arrows.map(({ from, to, text, step }, index) => {
    const line = blank();
    if (arrows[index - 1]?.step !== step) write(line, 0, String(step).padStart(3));
    if (to === undefined || to === from) write(line, columnOf(from), `● ${text}`);
    else drawArrow(line, columnOf(from), columnOf(to), text);
    return line.join('').trimEnd();
  });
  return [head.join('').trimEnd(), ...lines].join('\n');
}

function drawArrow(line: string[], from: number, to: number, text: string): void {
  const [left, right] = from < to ? [from, to] : [to, from];
  for (let column = left + 1; column < right; column++) line[column] = '─';
  line[from < to ? right - 1 : left + 1] = from < to ? '▶' : '◀';
  const room = right - left - 5;
  const label = ` ${text.slice(0, room)} `;
  write(line, left + 2 + ((room - label.length + 2) >> 1), label);
}

function write(line: string[], column: number, text: string): void {
  for (let index = 0; index < text.length; index++) line[column + index] = text[index] as string;
}
