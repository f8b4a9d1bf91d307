/** A few operations as lanes over time, for a terminal: `├ write 1 ┤`. */
import { type History, NEVER } from '../history/columns.ts';
import type { Model } from './model.ts';

/** One line per process; only the order of events is drawn to scale. */
export function drawOperations(
  model: Model,
  history: History,
  rows: readonly number[],
): readonly string[] {
  const { start, end, process } = history;
  const events = rows.flatMap((row) => {
    const begun = { row, rank: start[row] as number, isEnd: false };
    const isOpen = end[row] === NEVER;
    return isOpen ? [begun] : [begun, { row, rank: end[row] as number, isEnd: true }];
  });
  events.sort((a, b) => a.rank - b.rank);
  const label = new Map(rows.map((row) => [row, model.describe(history.op(row))]));
  const from = new Map<number, number>();
  const to = new Map<number, number>();
  let column = 0;
  for (const { row, isEnd } of events) {
    if (!isEnd) {
      from.set(row, column);
    } else {
      const width = (label.get(row) as string).length + 3;
      column = Math.max(column, (from.get(row) as number) + width);
      to.set(row, column);
    }
    column += 2;
  }
  const lanes = [...new Set(rows.map((row) => process[row] as number))].sort((a, b) => a - b);
  const names = lanes.map((lane) => `process ${lane}`);
  const margin = Math.max(0, ...names.map((name) => name.length));
  return lanes.map((lane, at) => {
    let line = '';
    const own = rows
      .filter((row) => process[row] === lane)
      .sort((a, b) => (start[a] as number) - (start[b] as number));
    for (const row of own) {
      const text = ` ${label.get(row)} `;
      const last = to.get(row);
      line = line.padEnd(from.get(row) as number);
      line += `├${text}`;
      line = last === undefined ? `${line}···` : `${line.padEnd(last, '─')}┤`;
    }
    return `${(names[at] as string).padEnd(margin)}  ${line}`;
  });
}
