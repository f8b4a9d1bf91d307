/** One self-contained page about the verdict on a history: what contradicts what, drawn and in words. */
import { type History, type HistoryVerdict, type Model, tellVerdict } from '../checker/index.ts';

const LANE = 44;
const STEP = 28;
const MARGIN = 110;

export function checkPage(
  title: string,
  verdict: HistoryVerdict,
  history: History,
  model: Model,
): string {
  const drawings = verdict.parts.flatMap((part) => {
    if (part.verdict !== 'non-linearizable' || part.violation.explanation === undefined) return [];
    return [draw(history, model, part.violation.explanation.core)];
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}: ${verdict.verdict}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.3rem } .${verdict.verdict} { border-left: 6px solid ${color(verdict)}; padding-left: 1rem }
pre { overflow-x: auto; background: #8881; padding: 1rem; border-radius: 6px }
figure { overflow-x: auto; margin: 1rem 0 }
:root { color-scheme: light dark }
</style>
<h1 class="${verdict.verdict}">${escape(title)} against ${escape(verdict.model)}: ${verdict.verdict}</h1>
${drawings.join('\n')}
<pre>${escape(tellVerdict(verdict, history, model))}</pre>
</html>
`;
}

const color = ({ verdict }: HistoryVerdict): string =>
  ({ linearizable: '#2a7', 'non-linearizable': '#c33', unknown: '#c90' })[verdict];

/** Lanes of the core's processes; events are evenly spaced. */
function draw(history: History, model: Model, core: readonly number[]): string {
  const { start, end, process } = history;
  const ranks = core.flatMap((row) => [start[row] as number, end[row] as number]);
  const columns = new Map([...new Set(ranks)].sort((a, b) => a - b).map((rank, at) => [rank, at]));
  const lanes = [...new Set(core.map((row) => process[row] as number))].sort((a, b) => a - b);
  const labels = core.map((row) => model.describe(history.op(row)));
  const wide = Math.max(STEP, ...labels.map((label) => label.length * 8 + 8));
  const x = (rank: number): number => MARGIN + (columns.get(rank) as number) * wide;
  const bars = core.map((row, at) => {
    const lane = lanes.indexOf(process[row] as number);
    const from = x(start[row] as number);
    const width = x(end[row] as number) - from;
    const top = lane * LANE + 8;
    return (
      `<rect x="${from}" y="${top}" width="${width}" height="26" rx="4" fill="#5b8def66" ` +
      `stroke="currentColor"/><text x="${from + 6}" y="${top + 18}" fill="currentColor">` +
      `${escape(labels[at] as string)}</text>`
    );
  });
  const names = lanes.map(
    (lane, at) => `<text x="0" y="${at * LANE + 26}" fill="currentColor">process ${lane}</text>`,
  );
  const width = MARGIN + columns.size * wide;
  return (
    `<figure><svg width="${width}" height="${lanes.length * LANE + 8}" ` +
    `font-family="monospace" font-size="13">${[...names, ...bars].join('')}</svg></figure>`
  );
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
