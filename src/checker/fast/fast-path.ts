/**
 * A fast path decides, in polynomial time, the histories that meet its precondition, and says why not
 * where one does not. Its verdicts are held to the same standard as the search's: a valid one carries an
 * order that the validator replays, an invalid one a small sub-history that an exact engine refutes.
 */
import type { History } from '../history/columns.ts';

export interface FastPath {
  /** As in `zones`: what the report names as the engine. */
  readonly name: string;
  check(history: History): FastResult;
}

export type FastResult =
  | { readonly verdict: 'linearizable'; readonly order: Int32Array }
  | { readonly verdict: 'non-linearizable'; readonly witness: Witness }
  | { readonly verdict: 'not-applicable'; readonly why: string };

/**
 * Part of a history that is not linearizable by itself, chosen so that the whole cannot be either: the
 * object stays what it is when other values are left out of it.
 */
export interface Witness {
  /** Shares the dictionaries of the whole. */
  readonly history: History;
  /** Row of the whole that each row of the part comes from. */
  readonly rows: Int32Array;
  /** What is wrong, in one sentence. */
  readonly why: string;
}

export const notApplicable = (why: string): FastResult => ({ verdict: 'not-applicable', why });

/** A violation shown by some of the rows. */
export function violation(history: History, rows: Iterable<number>, why: string): FastResult {
  const chosen = Int32Array.from(new Set(rows)).sort();
  const witness = { history: history.select(chosen), rows: chosen, why };
  return { verdict: 'non-linearizable', witness };
}
