/**
 * Zxids, transactions and histories: the vocabulary of every ZAB model.
 *
 * A zxid is (epoch, counter). A history is what a server has logged, in order; positions count from
 * 1, so that position 0 is "nothing yet" and the first `n` transactions are those up to position n.
 */

export type Zxid = readonly [epoch: number, counter: number];

/** Before the first transaction. */
export const ZERO: Zxid = [0, 0];

/**
 * What tells transactions apart: two with the same zxid but different values would be a disaster.
 */
export interface Txn {
  readonly zxid: Zxid;
  readonly value: number;
}

export function compareZxids(a: Zxid, b: Zxid): number {
  return a[0] - b[0] || a[1] - b[1];
}

export function isAfter(a: Zxid, b: Zxid): boolean {
  return compareZxids(a, b) > 0;
}

export function sameZxid(a: Zxid, b: Zxid): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

export function sameTxn(a: Txn, b: Txn): boolean {
  return a.value === b.value && sameZxid(a.zxid, b.zxid);
}

/** Whether `next` can come directly after `last`: one more, or the first of a later epoch. */
export function isSuccessor(last: Zxid, next: Zxid): boolean {
  if (next[0] === last[0]) return next[1] === last[1] + 1 && next[1] > 1;
  return next[0] > last[0] && next[1] === 1;
}

export function lastZxid(history: readonly Txn[]): Zxid {
  return history.at(-1)?.zxid ?? ZERO;
}

/**
 * Where the transaction with this zxid stands; 0 for ZERO, undefined if it is not there exactly
 * once.
 */
export function positionOf(history: readonly Txn[], zxid: Zxid): number | undefined {
  if (sameZxid(zxid, ZERO)) return 0;
  const first = history.findIndex((txn) => sameZxid(txn.zxid, zxid));
  const last = history.findLastIndex((txn) => sameZxid(txn.zxid, zxid));
  return first >= 0 && first === last ? first + 1 : undefined;
}

export function holds(history: readonly Txn[], txn: Txn): boolean {
  return history.some((other) => sameTxn(other, txn));
}

/** Whether every transaction of `prefix` stands at the same place in `history`. */
export function isPrefix(prefix: readonly Txn[], history: readonly Txn[]): boolean {
  return (
    prefix.length <= history.length &&
    prefix.every((txn, index) => sameTxn(txn, history[index] as Txn))
  );
}
