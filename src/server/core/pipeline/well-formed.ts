/**
 * Whether the body of a write parses: a learner refuses what does not before it bothers the leader.
 * Upstream forwards it, and the leader spends a zxid on the error.
 */
import { OpCode } from '../../../wire/client.ts';
import { readMulti, readOperation } from './operation.ts';
import type { Request } from './request.ts';

export function isWellFormed({ type, body }: Request): boolean {
  switch (type) {
    case OpCode.createSession:
    case OpCode.closeSession:
    case OpCode.reconfig:
      return true;
    case OpCode.multi:
      return readMulti(body) !== undefined;
    default:
      return readOperation(type, body) !== undefined;
  }
}
