/** Counters: `add` amount, `increment` → the new value, `read` → the value. */
import { unitCounter } from '../fast/unit-counter.ts';
import type { Op } from '../history/columns.ts';
import type { Model } from '../linearizability/model.ts';

const show = (value: unknown): string => (value === undefined ? '?' : JSON.stringify(value));

export interface CounterOptions {
  readonly init?: number;
}

export function counterModel({ init = 0 }: CounterOptions = {}): Model<number> {
  const after = (state: number, op: Op): number => {
    if (op.f === 'read') return state;
    return state + (op.f === 'add' ? (op.input as number) : 1);
  };
  return {
    name: 'counter',
    init,
    step: (state, op) => {
      if (op.f !== 'read' && op.f !== 'add' && op.f !== 'increment') return undefined;
      const result = after(state, op);
      // An `add` is told that it happened, not what came of it.
      return op.outcome === 'info' || op.f === 'add' || op.output === result ? result : undefined;
    },
    pure: (op) => op.f === 'read' || (op.f === 'add' && op.input === 0),
    fastPaths: [unitCounter(init)],
    describe: (op) => {
      const ending = op.outcome === 'ok' ? '' : ` (${op.outcome})`;
      if (op.f === 'add') return `add ${show(op.input)}${ending}`;
      return op.outcome === 'ok' ? `${op.f} → ${show(op.output)}` : `${op.f}${ending}`;
    },
    reason: (state, op) =>
      `the counter stands at ${state}, so that ${op.f} answers ${after(state, op)}, ` +
      `not ${show(op.output)}`,
  };
}

/** `generate` → 1, 2, 3 …: fetch-and-increment, as sequential znodes give it. */
export function sequenceModel({ init = 0 }: CounterOptions = {}): Model<number> {
  const { step, fastPaths: _, ...counter } = counterModel({ init });
  const asIncrement = (op: Op): Op => (op.f === 'generate' ? { ...op, f: 'increment' } : op);
  return {
    ...counter,
    name: 'sequence',
    step: (state, op) => step(state, asIncrement(op)),
    fastPaths: [unitCounter(init)],
    reason: (state, op) => `the next number is ${state + 1}, not ${show(op.output)}`,
  };
}
