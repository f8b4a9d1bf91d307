/**
 * Holds what a read tells, and keeps it up to date: reads and leaves a watch, waits until it fires, reads
 * again. A watch tells that something changed, not what; states that came and went between two reads are
 * never seen, the last one always is.
 *
 * What is held may be old: a server that is cut off sends no events. So the observer is *confirmed* from
 * time to time: a request is answered at some zxid, and since a server tells a change before it answers
 * from beyond it, whatever is held then was still true there. Confirmed by a write, it is true of the
 * whole ensemble at that moment; by a read, of this server.
 * Upstream: Curator's NodeCache and PathChildrenCache, kazoo's DataWatch and ChildrenWatch.
 */
import type { Zxid } from '../../../base/zxid.ts';
import { type Program, ZkError } from '../program.ts';
import type { Answer, Watched, Zk } from '../zk.ts';
import { hasCode, retried } from './retry.ts';

export interface Observer<T> {
  /** The first state, and every newer one that was seen. */
  readonly changed: (state: T) => void;
  /** What was told last still held at this zxid. */
  readonly confirmed?: (zxid: Zxid) => void;
}

export interface ObserveOptions {
  /** For ever without it. */
  readonly durationMs?: number;
  /** How often to confirm what is held; never without it. */
  readonly confirmEveryMs?: number;
  /** Asks for a confirmation; an `exists` of the root by default. */
  readonly confirm?: () => Program<Answer>;
}

/** Ends after `durationMs`. Throws SessionExpired with the session, and whatever the read throws. */
export function* observe<T extends Watched<Answer>>(
  zk: Zk,
  read: () => Program<T>,
  observer: Observer<T>,
  options: ObserveOptions = {},
): Program<void> {
  const { durationMs } = options;
  const endMs = durationMs === undefined ? Infinity : (yield* zk.now()) + durationMs;
  while ((yield* zk.now()) < endMs) {
    const state = yield* retried(zk, read);
    observer.changed(state);
    yield* hold(zk, state, observer, options, endMs);
  }
}

/** Until the watch has fired, or the time is over. */
function* hold(
  zk: Zk,
  { watch }: Watched<Answer>,
  observer: { readonly confirmed?: (zxid: Zxid) => void },
  { confirmEveryMs = Infinity, confirm = () => zk.exists('/') }: ObserveOptions,
  endMs: number,
): Program<void> {
  for (;;) {
    const leftMs = endMs - (yield* zk.now());
    if (leftMs <= 0) return;
    const waitMs = Math.min(leftMs, confirmEveryMs);
    const fired = yield* waitMs === Infinity ? zk.awaitWatch(watch) : zk.awaitWatch(watch, waitMs);
    if (fired?.type === 'session') throw sessionEnded();
    if (fired !== undefined) return;
    if (confirmEveryMs === Infinity) continue;
    const answer = yield* answerOf(zk, confirm);
    // The event comes before the answer, or not because of it.
    const told = yield* zk.awaitWatch(watch, 0);
    if (told?.type === 'session') throw sessionEnded();
    if (told !== undefined) return;
    if (answer !== undefined) observer.confirmed?.(answer.zxid);
  }
}

/** Undefined where the connection was lost: the watch goes on, and nothing is confirmed. */
function* answerOf(zk: Zk, ask: () => Program<Answer>): Program<Answer | undefined> {
  try {
    return yield* ask();
  } catch (error) {
    if (!hasCode(error, 'ConnectionLoss')) throw error;
    yield* zk.connected();
    return undefined;
  }
}

function sessionEnded(): ZkError {
  return new ZkError('SessionExpired', false, { message: 'the session of a watch has ended' });
}
