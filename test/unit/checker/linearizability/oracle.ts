/** The definition, without any cleverness: every order that real time allows; crashed calls may stay out. */
import { type History, NEVER, Outcome } from '../../../../src/checker/history/columns.ts';
import { identify, type Model } from '../../../../src/checker/linearizability/model.ts';

/** For histories of at most 30 operations of one part. */
export function isLinearizable(model: Model, history: History): boolean {
  const rows: number[] = [];
  for (let row = 0; row < history.count; row++) {
    const isFailed = history.outcome[row] === Outcome.fail;
    if (isFailed && model.observesFailure?.(history.op(row)) !== true) continue;
    rows.push(row);
  }
  const { start, end } = history;
  const completed = rows.reduce(
    (mask, row, at) => (end[row] === NEVER ? mask : mask | (1 << at)),
    0,
  );
  const refused = new Set<string>();
  const tryFrom = (state: unknown, done: number): boolean => {
    if ((done & completed) === completed) return true;
    const name = `${done} ${String(identify(model, state))}`;
    if (refused.has(name)) return false;
    let firstEnd = Infinity;
    rows.forEach((row, at) => {
      if ((done & (1 << at)) === 0) firstEnd = Math.min(firstEnd, end[row] as number);
    });
    const isPossible = rows.some((row, at) => {
      if ((done & (1 << at)) !== 0 || (start[row] as number) > firstEnd) return false;
      const next = model.step(state, history.op(row));
      return next !== undefined && tryFrom(next, done | (1 << at));
    });
    if (!isPossible) refused.add(name);
    return isPossible;
  };
  return tryFrom(model.init, 0);
}
