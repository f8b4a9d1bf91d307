/** When the system answered: for the report's plots, and for how long after a heal nothing worked. */
import type { HistoryEntry } from './history.ts';
import { field, textField } from './report.ts';

export interface AvailabilityBucket {
  /** Start of the bucket in nanoseconds. */
  readonly time: number;
  readonly ok: number;
  readonly fail: number;
  readonly info: number;
}

export interface Recovery {
  readonly fault: string;
  readonly kind: string;
  /** Nanoseconds of the heal. */
  readonly healed: number;
  /** From the heal to the next success; absent where none followed. */
  readonly recoveryNs?: number;
}

export interface Availability {
  readonly bucketNs: number;
  readonly buckets: readonly AvailabilityBucket[];
  /** Share of completions that were ok, in thousandths; null without any. */
  readonly okPerMille: number | null;
  /** Longest stretch without a success, from the first invocation to the last completion. */
  readonly longestGap: { readonly from: number; readonly until: number } | null;
  readonly recoveries: readonly Recovery[];
}

const BUCKET_NS = 100_000_000;

export function availabilityOf(history: readonly HistoryEntry[]): Availability {
  const work = history.filter(({ process, f }) => process !== 'nemesis' && !f.startsWith('final-'));
  const completions = work.filter(({ type }) => type !== 'invoke');
  const successes = completions.filter(({ type }) => type === 'ok').map(({ time }) => time);
  const share = completions.length === 0 ? null : successes.length / completions.length;
  return {
    bucketNs: BUCKET_NS,
    buckets: bucketsOf(completions),
    okPerMille: share === null ? null : Math.floor(share * 1000),
    longestGap: longestGap(work, successes),
    recoveries: recoveriesOf(history, successes),
  };
}

function bucketsOf(completions: readonly HistoryEntry[]): readonly AvailabilityBucket[] {
  const first = Math.floor((completions[0]?.time ?? 0) / BUCKET_NS);
  const buckets: { time: number; ok: number; fail: number; info: number }[] = [];
  for (const { time, type } of completions) {
    if (type === 'invoke') continue;
    const place = Math.floor(time / BUCKET_NS) - first;
    while (buckets.length <= place) {
      buckets.push({ time: (first + buckets.length) * BUCKET_NS, ok: 0, fail: 0, info: 0 });
    }
    const bucket = buckets[place];
    if (bucket !== undefined) bucket[type]++;
  }
  return buckets;
}

function longestGap(
  work: readonly HistoryEntry[],
  successes: readonly number[],
): Availability['longestGap'] {
  const [first] = work;
  const last = work.at(-1);
  if (first === undefined || last === undefined) return null;
  let longest = { from: first.time, until: first.time };
  let before = first.time;
  for (const time of [...successes, last.time]) {
    if (time - before > longest.until - longest.from) longest = { from: before, until: time };
    before = time;
  }
  return longest;
}

function recoveriesOf(
  history: readonly HistoryEntry[],
  successes: readonly number[],
): readonly Recovery[] {
  const recoveries: Recovery[] = [];
  for (const { process, f, value, time } of history) {
    if (process !== 'nemesis' || field(value, 'step') !== 'healed') continue;
    const next = successes.find((success) => success > time);
    const recovery = { fault: textField(value, 'fault') ?? '', kind: f, healed: time };
    recoveries.push(next === undefined ? recovery : { ...recovery, recoveryNs: next - time });
  }
  return recoveries;
}
