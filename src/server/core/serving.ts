/** What the client port asks of the role that the server plays at the moment. */
import type { Request } from './pipeline/request.ts';

export interface ServingRole {
  readonly mode: 'leader' | 'follower' | 'standalone';
  /**
   * Takes a request that changes the database. Undefined: its commit will come. A number: it is refused
   * with that error, took no zxid and disturbs nobody.
   */
  submitWrite(request: Request): number | undefined;
  /** True when the role answers a sync later by `ClientPort.syncAnswered`; false when it is answered like a read. */
  submitSync(request: Request): boolean;
  /** Owner check of reads; only the leader (and a standalone server) knows owners. */
  checkSession(request: Request): 'ok' | 'expired' | 'moved';
  /** False: the session is unknown or closing; the request is dropped, as upstream does. */
  touch(sessionId: bigint, timeoutMs: number): boolean;
  /** Reconnection to an existing session. `done` may be called in this step or a later one. */
  reopen(sessionId: bigint, timeoutMs: number, done: (isValid: boolean) => void): void;
}
