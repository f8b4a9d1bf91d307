/** What the peer runs after an election, until it ends. */
import type { ConnectionEvent, ConnectionId } from '../../base/core.ts';

export interface Role {
  start(): void;
  owns(connection: ConnectionId): boolean;
  /** A connection on the quorum port; only a leader listens there. */
  accepted(connection: ConnectionId): void;
  handle(event: ConnectionEvent): void;
  listenFailed(reason: string): void;
  /** Ends without telling anybody. */
  stop(): void;
}
