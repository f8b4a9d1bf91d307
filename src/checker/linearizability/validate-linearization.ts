/**
 * Checks a claimed linearization without any of the engines' machinery: every completed operation stands
 * in the order exactly once, real time is respected, and the model replays it.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { type Model, reasonFor } from './model.ts';

/** What is wrong with the order (rows of the history), or undefined. */
export function validateLinearization(
  model: Model,
  history: History,
  order: ArrayLike<number>,
): string | undefined {
  const { count, start, end, outcome } = history;
  const isPlaced = new Uint8Array(count);
  let state: unknown = model.init;
  let latestStart = -1;
  for (let at = 0; at < order.length; at++) {
    const row = order[at] as number;
    if (!(row >= 0 && row < count)) return `${row} is not one of the operations`;
    const op = history.op(row);
    if (isPlaced[row] === 1) return `${model.describe(op)} stands in the order twice`;
    isPlaced[row] = 1;
    if ((end[row] as number) < latestStart) {
      return `${model.describe(op)} ended before something began that stands before it`;
    }
    latestStart = Math.max(latestStart, start[row] as number);
    const next = model.step(state, op);
    if (next === undefined) {
      return `${model.describe(op)} is not legal: ${reasonFor(model, state, op)}`;
    }
    state = next;
  }
  for (let row = 0; row < count; row++) {
    if (isPlaced[row] === 1 || end[row] === NEVER) continue;
    const op = history.op(row);
    const isSilent = outcome[row] === Outcome.fail && model.observesFailure?.(op) !== true;
    if (!isSilent) return `${model.describe(op)} is missing`;
  }
  return undefined;
}
