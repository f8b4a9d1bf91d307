/**
 * A request on its way through the pipeline, and which way its operation takes.
 * Upstream: Request, ZooKeeperServer.processPacket.
 */
import type { ConnectionId } from '../../../base/core.ts';
import { type Id, OpCode } from '../../../wire/client.ts';

/** Where a request entered this server. */
export type Origin =
  | { readonly kind: 'local'; readonly connection: ConnectionId }
  /** Forwarded by a learner to its leader. */
  | { readonly kind: 'learner'; readonly sid: number }
  /** Made by the server itself: expired sessions, empty containers. */
  | { readonly kind: 'internal' };

export interface Request {
  readonly origin: Origin;
  readonly sessionId: bigint;
  readonly cxid: number;
  readonly type: number;
  /** Without the header. */
  readonly body: Uint8Array;
  readonly authinfo: readonly Id[];
}

/** `refused`: answered "unimplemented" with zxid -1, then the connection is closed. */
export type RequestKind = 'write' | 'read' | 'sync' | 'ping' | 'session' | 'refused';

const kinds = new Map<number, RequestKind>([
  [OpCode.create, 'write'],
  [OpCode.create2, 'write'],
  [OpCode.createContainer, 'write'],
  [OpCode.createTTL, 'write'],
  [OpCode.delete, 'write'],
  [OpCode.setData, 'write'],
  [OpCode.setACL, 'write'],
  [OpCode.multi, 'write'],
  [OpCode.reconfig, 'write'],
  [OpCode.exists, 'read'],
  [OpCode.getData, 'read'],
  [OpCode.getACL, 'read'],
  [OpCode.getChildren, 'read'],
  [OpCode.getChildren2, 'read'],
  [OpCode.getEphemerals, 'read'],
  [OpCode.getAllChildrenNumber, 'read'],
  [OpCode.multiRead, 'read'],
  [OpCode.setWatches, 'read'],
  [OpCode.setWatches2, 'read'],
  [OpCode.addWatch, 'read'],
  [OpCode.checkWatches, 'read'],
  [OpCode.removeWatches, 'read'],
  [OpCode.whoAmI, 'read'],
  [OpCode.sync, 'sync'],
  [OpCode.ping, 'ping'],
  [OpCode.closeSession, 'session'],
]);

/**
 * `check` is legal only inside a multi: alone it would reach the log as a transaction that nobody
 * can read back. Sessions are created by servers, empty containers deleted by the leader alone: an
 * Apache follower forwards its client's deleteContainer, and that is refused too. Without an
 * origin the strict view is taken, that of a client.
 */
export function requestKind(type: number, origin: Origin['kind'] = 'local'): RequestKind {
  if (type === OpCode.createSession && origin !== 'local') return 'session';
  if (type === OpCode.deleteContainer && origin === 'internal') return 'write';
  return kinds.get(type) ?? 'refused';
}
