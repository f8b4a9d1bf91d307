/**
 * Which sessions live, and through which server each last came. Runs where writes are ordered:
 * only the leader (or a standalone server) expires sessions. Deadlines are rounded up to whole
 * ticks, so that many sessions share a bucket and a touch is cheap; a session lives between its
 * timeout and one tick more.
 *
 * An expired session is *closing* until its closeSession transaction is applied: it can be neither
 * touched nor used, but its ephemerals are still there. Upstream: SessionTrackerImpl, ExpiryQueue.
 */
interface Session {
  deadlineMs: number;
  owner: string | undefined;
  isClosing: boolean;
}

export class SessionTracker {
  readonly #tickTimeMs: number;
  readonly #sessions = new Map<bigint, Session>();
  /** Sessions by deadline; their number is bounded by the longest timeout over the tick. */
  readonly #buckets = new Map<number, Set<bigint>>();

  constructor(tickTimeMs: number) {
    this.#tickTimeMs = tickTimeMs;
  }

  /** Sessions that are known, closing ones included. */
  get count(): number {
    return this.#sessions.size;
  }

  /** Starts a session, or gives a known one that is not closing a fresh timeout. */
  add(sessionId: bigint, timeoutMs: number, now: number): void {
    if (this.#sessions.has(sessionId)) {
      this.touch(sessionId, timeoutMs, now);
      return;
    }
    const deadlineMs = this.#deadline(timeoutMs, now);
    this.#sessions.set(sessionId, { deadlineMs, owner: undefined, isClosing: false });
    this.#enter(deadlineMs, sessionId);
  }

  /** False: unknown or closing; the request that touches is dropped. */
  touch(sessionId: bigint, timeoutMs: number, now: number): boolean {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.isClosing) return false;
    const deadlineMs = this.#deadline(timeoutMs, now);
    if (deadlineMs === session.deadlineMs) return true;
    this.#leave(session.deadlineMs, sessionId);
    session.deadlineMs = deadlineMs;
    this.#enter(deadlineMs, sessionId);
    return true;
  }

  #deadline(timeoutMs: number, now: number): number {
    return (Math.floor((now + timeoutMs) / this.#tickTimeMs) + 1) * this.#tickTimeMs;
  }

  #enter(deadlineMs: number, sessionId: bigint): void {
    const bucket = this.#buckets.get(deadlineMs);
    if (bucket === undefined) this.#buckets.set(deadlineMs, new Set([sessionId]));
    else bucket.add(sessionId);
  }

  #leave(deadlineMs: number, sessionId: bigint): void {
    const bucket = this.#buckets.get(deadlineMs);
    if (bucket?.delete(sessionId) === true && bucket.size === 0) this.#buckets.delete(deadlineMs);
  }

  /** When `expired` may next have something to say. */
  nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const deadlineMs of this.#buckets.keys()) {
      if (next === undefined || deadlineMs < next) next = deadlineMs;
    }
    return next;
  }

  /**
   * Sessions whose time is over, at most `limit`, earliest deadline first; they are closing from
   * now on. The deadline of those that are left stays due.
   */
  expired(now: number, limit: number): bigint[] {
    const expired: bigint[] = [];
    while (expired.length < limit) {
      const deadlineMs = this.nextDeadline();
      if (deadlineMs === undefined || deadlineMs > now) break;
      for (const sessionId of this.#buckets.get(deadlineMs) ?? []) {
        if (expired.length === limit) break;
        expired.push(sessionId);
        this.setClosing(sessionId);
      }
    }
    return expired;
  }

  setClosing(sessionId: bigint): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    session.isClosing = true;
    this.#leave(session.deadlineMs, sessionId);
  }

  /** The session's closing has been applied. */
  remove(sessionId: bigint): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#leave(session.deadlineMs, sessionId);
    this.#sessions.delete(sessionId);
  }

  /** The session comes through `owner` now: it was created or revalidated there. */
  setOwner(sessionId: bigint, owner: string): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) session.owner = owner;
  }

  /**
   * Whether a request may take effect. Writes that are still in flight from a server that the
   * client has left must not: they are *moved*. The first to come owns a session that nobody owns
   * yet.
   */
  checkSession(sessionId: bigint, owner: string): 'ok' | 'expired' | 'moved' {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.isClosing) return 'expired';
    session.owner ??= owner;
    return session.owner === owner ? 'ok' : 'moved';
  }
}
