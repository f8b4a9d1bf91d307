/**
 * How a learner is brought up to date: the cases of LearnerHandler.syncFollower, on the in-memory
 * window. `p` is the learner's last logged zxid, [min, max] the window, `last` what the leader applied.
 *
 *   p = last                          DIFF, nothing to send
 *   p > max, p a transaction          TRUNC to max: a dead leader's uncommitted tail
 *   min ≤ p ≤ max, p in the window    DIFF, everything after p
 *   min ≤ p ≤ max, p unknown          TRUNC to the entry before p if it is of p's epoch, then everything
 *                                     after; else SNAP
 *   otherwise                         SNAP
 *
 * A learner that has p has every earlier transaction of p's epoch, so the entry before p is one that it can
 * be cut back to. Upstream asks instead that the entry *after* p be of p's epoch, and sends a snapshot to
 * every deposed leader that comes back after the first commit of its successor.
 */
import { counterOf, epochOf, type Zxid } from '../../base/zxid.ts';
import type { CommittedTxn } from './committed-log.ts';

export type SyncChoice =
  /** `zxid` is informational. */
  | { readonly mode: 'DIFF'; readonly zxid: Zxid; readonly send: readonly CommittedTxn[] }
  | { readonly mode: 'TRUNC'; readonly zxid: Zxid; readonly send: readonly CommittedTxn[] }
  | { readonly mode: 'SNAP' };

export function chooseSync(
  learnerZxid: Zxid,
  window: readonly CommittedTxn[],
  lastProcessed: Zxid,
): SyncChoice {
  const min = window[0]?.zxid ?? lastProcessed;
  const max = window.at(-1)?.zxid ?? lastProcessed;
  // (e,0) is never a transaction: the learner's log is empty above an earlier epoch.
  const isNewEpoch = counterOf(learnerZxid) === 0;
  if (learnerZxid === lastProcessed) return { mode: 'DIFF', zxid: learnerZxid, send: [] };
  if (learnerZxid > max && !isNewEpoch) {
    // Nothing below an empty log can be named as a transaction that the learner has.
    return window.length === 0 ? { mode: 'SNAP' } : { mode: 'TRUNC', zxid: max, send: [] };
  }
  if (learnerZxid >= min && learnerZxid <= max) return walk(learnerZxid, isNewEpoch, window, max);
  return { mode: 'SNAP' };
}

function walk(
  learnerZxid: Zxid,
  isNewEpoch: boolean,
  window: readonly CommittedTxn[],
  max: Zxid,
): SyncChoice {
  const index = window.findIndex(({ zxid }) => zxid >= learnerZxid);
  const entry = window[index];
  if (entry === undefined) return { mode: 'DIFF', zxid: max, send: [] };
  if (entry.zxid === learnerZxid) return { mode: 'DIFF', zxid: max, send: window.slice(index + 1) };
  if (isNewEpoch) return { mode: 'DIFF', zxid: max, send: window.slice(index) };
  const previous = window[index - 1];
  if (previous === undefined || epochOf(previous.zxid) !== epochOf(learnerZxid))
    return { mode: 'SNAP' };
  return { mode: 'TRUNC', zxid: previous.zxid, send: window.slice(index) };
}
