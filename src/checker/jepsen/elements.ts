/** What Jepsen's checkers have in common: values as names, and the words for one operation. */
import type { Operation } from '../history.ts';
import { clientOf, formatTime } from '../report.ts';
import type { Anomaly } from '../verdict.ts';

/** Values are compared as Clojure and JSON do: by content. */
export function nameOf(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'null');
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export const isOk = ({ completion }: Operation): boolean => completion?.type === 'ok';
/** Certainly without effect. */
export const isRefused = ({ completion }: Operation): boolean => completion?.type === 'fail';

/** Place in the history at which it was over; infinite where nobody knows. */
export function endOf({ completion }: Operation): number {
  const isOver = completion !== undefined && completion.type !== 'info';
  return isOver ? completion.index : Number.POSITIVE_INFINITY;
}

/** `add 17 by client 4 at 12.481 s` */
export function operationText({ f, invoke, completion }: Operation): string {
  const value = invoke.value === undefined ? '' : ` ${nameOf(invoke.value)}`;
  const entry = completion ?? invoke;
  return `${f}${value} by ${clientOf(entry)} at ${formatTime(entry.time)}`;
}

export function factsOf({ invoke, completion }: Operation): Omit<Anomaly, 'kind' | 'message'> {
  const entries = completion === undefined ? [invoke.index] : [invoke.index, completion.index];
  return { entries, time: (completion ?? invoke).time };
}
