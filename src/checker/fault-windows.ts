/** The times in which a fault was in force, as the nemesis wrote them into the history. */
import type { HistoryEntry } from './history.ts';
import { field, textField } from './report.ts';

export interface FaultWindow {
  readonly fault: string;
  readonly kind: string;
  readonly nodes: readonly number[];
  /** Nanoseconds; from the request on, since a fault may act before its injector says so. */
  readonly from: number;
  /** Infinity where it was never healed. */
  readonly until: number;
}

export function faultWindows(history: readonly HistoryEntry[]): readonly FaultWindow[] {
  const windows = new Map<string, { -readonly [K in keyof FaultWindow]: FaultWindow[K] }>();
  for (const { process, f, value, time, op } of history) {
    if (process !== 'nemesis') continue;
    // The nemesis also notes the phases of a run; only faults have steps.
    const step = field(value, 'step');
    if (step === undefined) continue;
    const fault = textField(value, 'fault') ?? op ?? f;
    const known = windows.get(fault);
    const nodes = field(value, 'nodes');
    const numbers = Array.isArray(nodes) ? nodes.filter((node) => typeof node === 'number') : [];
    if (known === undefined) {
      windows.set(fault, { fault, kind: f, nodes: numbers, from: time, until: Infinity });
      continue;
    }
    if (numbers.length > 0) known.nodes = numbers;
    if (step === 'healed' || step === 'heal verified') known.until = time;
  }
  return [...windows.values()];
}
