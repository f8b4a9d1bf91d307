/**
 * Requests of this server's own clients, kept in the order in which each session sent them. A request
 * that must be committed waits for its transaction; reads behind it wait too, reads with nothing before
 * them are answered at once. Entries of a connection that is gone stay until their commit comes, so that
 * a session that reconnects is never answered with an older request's result.
 * Upstream: CommitProcessor.
 */
import type { ConnectionId } from '../../base/core.ts';
import type { Request } from './pipeline/request.ts';

export interface LocalRequest {
  readonly request: Request;
  readonly connection: ConnectionId;
}

interface Entry extends LocalRequest {
  /** Waits for a commit (or, for a learner's sync, for the leader's answer). */
  readonly needsCommit: boolean;
  /** Error known before any commit; it is still answered in order. */
  readonly err: number | undefined;
}

export interface LocalRequestHandlers {
  /** Answers a request that needs no commit. */
  answer(local: LocalRequest): void;
  refuse(local: LocalRequest, err: number): void;
}

export class LocalRequests {
  readonly #handlers: LocalRequestHandlers;
  readonly #sessions = new Map<bigint, Entry[]>();
  #count = 0;

  constructor(handlers: LocalRequestHandlers) {
    this.#handlers = handlers;
  }

  /** Requests that wait. */
  get waitingCount(): number {
    return this.#count;
  }

  add(local: LocalRequest, options: { needsCommit: boolean; err?: number }): void {
    const entry: Entry = { ...local, needsCommit: options.needsCommit, err: options.err };
    const queue = this.#sessions.get(local.request.sessionId);
    if (queue === undefined && !options.needsCommit) {
      this.#finish(entry);
      return;
    }
    this.#count++;
    if (queue === undefined) this.#sessions.set(local.request.sessionId, [entry]);
    else queue.push(entry);
  }

  /**
   * Takes the request that a committed transaction belongs to: the first waiting one of the session, if it
   * carries that cxid. The caller answers it, then calls `release`.
   */
  takeCommitted(sessionId: bigint, cxid: number): LocalRequest | undefined {
    const queue = this.#sessions.get(sessionId);
    const head = queue?.[0];
    if (queue === undefined || head === undefined) return undefined;
    if (!head.needsCommit || head.request.cxid !== cxid) return undefined;
    queue.shift();
    this.#count--;
    return head;
  }

  /** Answers what waited behind a request that has just been answered. */
  release(sessionId: bigint): void {
    const queue = this.#sessions.get(sessionId);
    if (queue === undefined) return;
    for (;;) {
      const head = queue[0];
      if (head === undefined) {
        this.#sessions.delete(sessionId);
        return;
      }
      if (head.needsCommit) return;
      queue.shift();
      this.#count--;
      this.#finish(head);
    }
  }

  #finish(entry: Entry): void {
    if (entry.err === undefined) this.#handlers.answer(entry);
    else this.#handlers.refuse(entry, entry.err);
  }

  clear(): void {
    this.#sessions.clear();
    this.#count = 0;
  }
}
