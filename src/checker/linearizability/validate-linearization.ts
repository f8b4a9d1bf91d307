/**
 * Checks a claimed linearization without any of the search's machinery: every completed call stands in
 * the order exactly once, real time is respected, and the model replays it.
 */
import type { Call, Model, ModelState } from './model.ts';

/** What is wrong with the order, or undefined. */
export function validateLinearization(
  model: Model,
  calls: readonly Call[],
  order: readonly Call[],
): string | undefined {
  const given = new Set(calls);
  const placed = new Set(order);
  if (placed.size !== order.length) return 'a call stands in the order twice';
  for (const call of order) {
    if (!given.has(call)) return `${model.describe(call)} is not one of the calls`;
  }
  for (const call of calls) {
    if (call.end !== Infinity && !placed.has(call)) return `${model.describe(call)} is missing`;
  }
  let state: ModelState = model.init;
  let newestStart = -1;
  for (const call of order) {
    if (call.end < newestStart) {
      return `${model.describe(call)} ended before a call began that stands before it`;
    }
    newestStart = Math.max(newestStart, call.start);
    const next = model.step(state, call);
    if (next === undefined) {
      return `${model.describe(call)} is not legal: ${model.reason(state, call)}`;
    }
    state = next;
  }
  return undefined;
}
