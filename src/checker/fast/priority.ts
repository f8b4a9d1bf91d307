/**
 * Priority queues of distinct values: a removal gives the least value inside, or finds nothing. Values are
 * dealt with from the least on. A value's insertion as late and its removal as early as possible is best
 * for all greater ones; its removal has to wait for a gap in which no lesser value is certainly inside.
 * So one pass over a union of gaps decides, and its choices are an order.
 */
import { type History, NEVER } from '../history/columns.ts';
import { type FastPath, type FastResult, notApplicable, violation } from './fast-path.ts';
import {
  CoveredGaps,
  covering,
  type Interval,
  intervalsOf,
  isContainer,
  rowsOf,
  shown,
} from './intervals.ts';

export function priority(): FastPath {
  return { name: 'priority', check: checkPriority };
}

function checkPriority(history: History): FastResult {
  const found = intervalsOf(history, { insert: 'enqueue', remove: 'dequeue' });
  if (!isContainer(found)) return found;
  if (found.crashedRemovals.length > 0) return notApplicable('a dequeue crashed');
  const rank = (interval: Interval): number =>
    history.dictionaries.values.at(interval.value) as number;
  if (found.intervals.some((interval) => typeof rank(interval) !== 'number')) {
    return notApplicable('a value is no number');
  }
  const { start, end } = history;
  const intervals = found.intervals.sort((a, b) => rank(a) - rank(b));
  const covered = new CoveredGaps(found.lastGap);
  const events: Event[] = [];
  const lesser: Interval[] = [];
  for (const interval of intervals) {
    const { insert, remove, insertTo } = interval;
    let out = NEVER;
    if (remove !== undefined) {
      out = covered.firstFree(interval.removeFrom);
      if (out > interval.removeTo) {
        return refute(history, remove, interval, lesser);
      }
      events.push({ op: remove, gap: out, phase: Phase.inside, rank: rank(interval), turn: 1 });
      interval.removeFrom = out;
    }
    const isMomentary = insertTo >= out;
    events.push({
      op: insert,
      gap: isMomentary ? out : insertTo,
      phase: isMomentary ? Phase.inside : Phase.last,
      rank: rank(interval),
      turn: 0,
    });
    covered.cover(insertTo + 1, Math.min(out, found.lastGap) - 1);
    lesser.push(interval);
  }
  for (const op of found.empties) {
    const gap = covered.firstFree(start[op] as number);
    if (gap >= (end[op] as number)) return refute(history, op, undefined, lesser);
    events.push({ op, gap, phase: Phase.inside, rank: Infinity, turn: 0 });
  }
  events.sort((a, b) => a.gap - b.gap || a.phase - b.phase || byRank(a, b) || a.turn - b.turn);
  return { verdict: 'linearizable', order: Int32Array.from(events, ({ op }) => op) };
}

const byRank = (a: Event, b: Event): number => (a.rank === b.rank ? 0 : a.rank < b.rank ? -1 : 1);

/** Within a gap: removals (least value first), then insertions of what stays. */
const Phase = { inside: 0, last: 1 } as const;

interface Event {
  readonly op: number;
  readonly gap: number;
  readonly phase: number;
  readonly rank: number;
  readonly turn: number;
}

function refute(
  history: History,
  op: number,
  interval: Interval | undefined,
  lesser: readonly Interval[],
): FastResult {
  const from = interval?.removeFrom ?? (history.start[op] as number);
  const to = interval?.removeTo ?? (history.end[op] as number) - 1;
  const chain = covering(lesser, from, to);
  const names = chain.map(({ value }) => shown(history, value)).join(', ');
  const what =
    interval === undefined ? 'nothing was found' : `${shown(history, interval.value)} came out`;
  const own = interval === undefined ? [] : rowsOf([interval]);
  const why = `${what} although one of ${names} was always inside`;
  return violation(history, [op, ...own, ...closure(chain, lesser)], why);

  /** What keeps a value inside may itself be less than it: those belong to the proof. */
  function closure(values: readonly Interval[], known: readonly Interval[]): number[] {
    const rows = rowsOf(values);
    for (const value of values) {
      if (value.remove === undefined) continue;
      const begun = history.start[value.remove] as number;
      const first = Math.max(begun, value.insertFrom);
      if (value.removeFrom <= first) continue;
      const less = known.slice(0, known.indexOf(value));
      rows.push(...closure(covering(less, first, value.removeFrom - 1), less));
    }
    return rows;
  }
}
