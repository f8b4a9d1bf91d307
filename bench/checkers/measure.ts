/**
 * Processor time of all threads of this process, so that collecting garbage and compiling count too. A run
 * shorter than the clock can tell is repeated in batches; the least of them counts, of at least three and of as
 * many as fit into 400 ms: others on the same processor come and go.
 */

const MIN_BATCHES = 3;
const ENOUGH_MS = 400;
const BATCH_MS = 40;
/** Longer ones are run once: their noise is small against them. */
const LONG_MS = 2_000;

export function cpuMs(since: NodeJS.CpuUsage = { user: 0, system: 0 }): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** Least processor time of one run, in milliseconds. */
export function leastCpuMs(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  let size = 1;
  let total = 0;
  for (let batch = 0; batch < MIN_BATCHES || total < ENOUGH_MS; ) {
    const begun = process.cpuUsage();
    for (let turn = 0; turn < size; turn++) run();
    const spent = cpuMs(begun);
    if (spent > LONG_MS && size === 1) return Math.min(least, spent);
    if (spent < BATCH_MS) {
      size = Math.ceil(size * Math.min(16, 1 + BATCH_MS / Math.max(spent, 1)));
      continue;
    }
    least = Math.min(least, spent / size);
    total += spent;
    batch++;
  }
  return least;
}

/** A figure that was promised. */
export interface Goal {
  readonly what: string;
  readonly value: number;
  readonly bound: number;
  /** `least`: the value must reach the bound; `most`: it must not pass it. */
  readonly is: 'least' | 'most';
  readonly unit: string;
}

export const isMet = ({ value, bound, is }: Goal): boolean =>
  is === 'least' ? value >= bound : value <= bound;

export function tellGoal(goal: Goal): string {
  const { what, value, bound, is, unit } = goal;
  const shown = value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
  const mark = isMet(goal) ? 'met   ' : 'MISSED';
  return `${mark} ${what}: ${shown}${unit} (at ${is} ${bound}${unit})`;
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
