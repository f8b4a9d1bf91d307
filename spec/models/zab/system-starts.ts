/**
 * States of the system where something interesting can happen soon: starts for searches and walks.
 */
import { range } from '../../kernel/value.ts';
import { holds, type Txn } from './history.ts';
import { change, initialState, type Sid, type State, sidsOf } from './system-state.ts';

/**
 * All look for a leader after epoch 1, in which each had logged this many transactions. What a
 * majority has was delivered.
 */
function afterEpochOne(counts: readonly number[]): State {
  const s = initialState(counts.length);
  const txns = range(Math.max(...counts)).map((value): Txn => ({ zxid: [1, value + 1], value }));
  const isDelivered = (_: Txn, place: number): boolean =>
    2 * counts.filter((count) => count > place).length > counts.length;
  const after = sidsOf(s).reduce((before, i, index) => {
    const place = counts[index] ?? 0;
    return change(before, i, {
      acceptedEpoch: 1,
      currentEpoch: 1,
      log: txns.slice(0, place),
      flushed: place,
      applied: place,
    });
  }, s);
  return {
    ...after,
    used: { ...s.used, txns: txns.length },
    leaders: { 1: ['s1'] },
    broadcasts: txns.map((txn) => ({ ...txn, source: 's1', epoch: 1 })),
    delivered: txns.filter(isDelivered),
  };
}

/** The last server has missed the second transaction. */
export function oneBehind(servers: number): State {
  return afterEpochOne(range(servers).map((index) => (index === servers - 1 ? 1 : 2)));
}

/**
 * The first server led epoch 1 and has a transaction that epoch 2 was established without; it got
 * it in the snapshot of a leader that could not finish.
 */
export function deposedLeader(servers: number): State {
  const others = range(servers).slice(1);
  const led = afterEpochOne([2, ...others.map(() => 1)]);
  const later = others.reduce(
    (s, index) => change(s, `s${index + 1}` as Sid, { acceptedEpoch: 2, currentEpoch: 2 }),
    change(led, 's1', { snapshots: [2] }),
  );
  const { broadcasts, delivered } = later;
  const skipped = broadcasts
    .map(({ zxid, value }): Txn => ({ zxid, value }))
    .filter((txn) => !holds(delivered, txn));
  return { ...later, leaders: { 1: ['s1'], 2: ['s2'] }, skipped };
}
