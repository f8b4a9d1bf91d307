/**
 * The sessions that a learner's clients have used since its last PING. Only the leader knows
 * whether a session lives; the learner tells it who was heard from, about twice a tick.
 * Upstream: LearnerSessionTracker.
 */
export interface SessionTouch {
  readonly sessionId: bigint;
  readonly timeoutMs: number;
}

export class TouchTable {
  #touches = new Map<bigint, number>();

  touch(sessionId: bigint, timeoutMs: number): void {
    this.#touches.set(sessionId, timeoutMs);
  }

  /** Empties the table. */
  take(): SessionTouch[] {
    const touches = this.#touches;
    this.#touches = new Map();
    return Array.from(touches, ([sessionId, timeoutMs]) => ({ sessionId, timeoutMs }));
  }
}
