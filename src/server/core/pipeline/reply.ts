/**
 * Replies to writes, made from what applying the transaction told. Upstream: FinalRequestProcessor.
 */
import {
  Create2Response,
  MultiResponse,
  OpCode,
  PathResponse,
  StatResponse,
} from '../../../wire/client.ts';
import type { JuteWriter } from '../../../wire/jute.ts';
import type { Applied } from '../database.ts';

/** `write` gives the body; there is none where `err` isn't 0. */
export interface Reply {
  readonly err: number;
  readonly write?: (writer: JuteWriter) => void;
}

export function writeReply(requestType: number, applied: Applied): Reply {
  const { err, path, stat, results } = applied;
  // A failed multi is a successful request: its failure is in its results.
  if (requestType === OpCode.multi && results !== undefined) {
    return { err: 0, write: (writer) => MultiResponse.write(writer, results) };
  }
  if (err !== 0) return { err };
  switch (requestType) {
    case OpCode.create:
      if (path === undefined) break;
      return { err, write: (writer) => PathResponse.write(writer, { path }) };
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      if (path === undefined || stat === undefined) break;
      return { err, write: (writer) => Create2Response.write(writer, { path, stat }) };
    case OpCode.setData:
    case OpCode.setACL:
      if (stat === undefined) break;
      return { err, write: (writer) => StatResponse.write(writer, { stat }) };
    default:
  }
  return { err };
}
