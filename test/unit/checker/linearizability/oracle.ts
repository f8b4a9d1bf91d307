/** The definition, without any cleverness: every order that real time allows; crashed calls may stay out. */
import { type History, NEVER, type Op, Outcome } from '../../../../src/checker/history/columns.ts';
import {
  identify,
  type Model,
  type Primitive,
} from '../../../../src/checker/linearizability/model.ts';

/** For histories of at most 30 operations of one part. */
export function isLinearizable(model: Model, history: History): boolean {
  const ops: Op[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (let row = 0; row < history.count; row++) {
    const op = history.op(row);
    if (history.outcome[row] === Outcome.fail && model.observesFailure?.(op) !== true) continue;
    ops.push(op);
    starts.push(history.start[row] as number);
    ends.push(history.end[row] as number);
  }
  const count = ops.length;
  let completed = 0;
  for (let at = 0; at < count; at++) if (ends[at] !== NEVER) completed |= 1 << at;
  // What was tried in vain: by state, the sets of operations that were done by then.
  const refused = new Map<Primitive, Set<number>>();
  const tryFrom = (state: unknown, done: number): boolean => {
    if ((done & completed) === completed) return true;
    const name = identify(model, state);
    const known = refused.get(name);
    if (known?.has(done) === true) return false;
    let firstEnd = NEVER;
    for (let at = 0; at < count; at++) {
      if ((done & (1 << at)) === 0) firstEnd = Math.min(firstEnd, ends[at] as number);
    }
    for (let at = 0; at < count; at++) {
      if ((done & (1 << at)) !== 0 || (starts[at] as number) > firstEnd) continue;
      const next = model.step(state, ops[at] as Op);
      if (next !== undefined && tryFrom(next, done | (1 << at))) return true;
    }
    if (known === undefined) refused.set(name, new Set([done]));
    else known.add(done);
    return false;
  };
  return tryFrom(model.init, 0);
}
