/**
 * A smaller view of which the promises say the same. They speak of transactions by whether they are in a list
 * and in which order; so of transactions in a row that every list has or has not, two are enough to stand
 * for all: one, and one that follows. The model gives every proposal a value of its own.
 */
import type { Ensemble, Replica } from '../models/zab/broadcast.ts';
import type { Txn } from '../models/zab/history.ts';

type Lists = readonly (readonly Txn[])[];

/** The same transactions are left out of all of them. */
export function thin(views: readonly Ensemble[]): readonly Ensemble[] {
  const kept = representatives(views.flatMap(listsOf));
  const few = <T extends Txn>(txns: readonly T[]): readonly T[] =>
    txns.filter(({ value }) => kept.has(value));
  return views.map((view) => ({
    ...view,
    replicas: view.replicas.map((replica) => thinned(replica, few)),
    broadcasts: few(view.broadcasts),
    delivered: few(view.delivered),
    skipped: few(view.skipped),
  }));
}

function thinned(replica: Replica, few: (txns: readonly Txn[]) => readonly Txn[]): Replica {
  const { coming, delivered, follows, history, stable } = replica;
  return {
    ...replica,
    history: few(history),
    stable: few(stable),
    coming: few(coming),
    delivered: few(delivered),
    follows: follows === null ? null : few(follows),
  };
}

function listsOf({ replicas, broadcasts, delivered, skipped }: Ensemble): Lists {
  const ofReplicas = replicas.flatMap((replica) => [
    replica.history,
    replica.stable,
    replica.coming,
    replica.delivered,
    replica.follows ?? [],
  ]);
  return [...ofReplicas, broadcasts, delivered, skipped];
}

interface Place {
  readonly epoch: number;
  /** In how many lists it is. */
  count: number;
  /** What came next in the first of them, and in how many lists that came next. */
  next: number | undefined;
  nextCount: number;
}

/**
 * The first two of each row. A row goes on as long as every list that has the one transaction has the next
 * one right after it, and no other list has that.
 */
function representatives(lists: Lists): ReadonlySet<number> {
  const places = new Map<number, Place>();
  for (const txns of lists) countIn(txns, places);
  const inRow = new Set<number>();
  for (const { count, epoch, next, nextCount } of places.values()) {
    if (next === undefined || nextCount !== count) continue;
    const other = places.get(next);
    if (other?.count === count && other.epoch === epoch) inRow.add(next);
  }
  const kept = new Set<number>();
  for (const [value, { next }] of places) {
    if (inRow.has(value)) continue;
    kept.add(value);
    if (next !== undefined) kept.add(next);
  }
  return kept;
}

function countIn(txns: readonly Txn[], places: Map<number, Place>): void {
  let last: Place | undefined;
  for (const { value, zxid } of txns) {
    if (last !== undefined && last.count === 1) last.next = value;
    if (last?.next === value) last.nextCount++;
    let place = places.get(value);
    if (place === undefined) {
      place = { epoch: zxid[0], count: 0, next: undefined, nextCount: 0 };
      places.set(value, place);
    }
    place.count++;
    last = place;
  }
}
