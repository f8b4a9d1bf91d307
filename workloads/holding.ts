/** What a client keeps of a lock or of a leadership, and how long it may believe in it. */
import { formatHex, type HeldLock, type Program, zk } from '../src/client/index.ts';

export interface Holding<L extends HeldLock = HeldLock> {
  readonly lock: L;
  readonly fromMs: number;
}

/** From the grant until when the client may believe that its session lives, on its monotonic clock. */
interface Belief {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Part of the session timeout by which a belief ends early. */
const MARGIN_SHARE = 4;

export function* holdingOf<L extends HeldLock>(lock: L): Program<Holding<L>> {
  return { lock, fromMs: yield* zk.now() };
}

export function tokenOf({ lock }: Holding): string {
  return formatHex(lock.fence);
}

export function* beliefOf({ fromMs }: Holding): Program<Belief> {
  const { lastAnsweredSendMs, negotiatedTimeoutMs } = yield* zk.session();
  const marginMs = Math.floor(negotiatedTimeoutMs / MARGIN_SHARE);
  return { fromMs, untilMs: lastAnsweredSendMs + negotiatedTimeoutMs - marginMs };
}

/** Whoever lets go believes until now and no longer, whatever becomes of it. */
export function* lastBeliefOf({ fromMs }: Holding): Program<Belief> {
  return { fromMs, untilMs: yield* zk.now() };
}
