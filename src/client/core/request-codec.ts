/**
 * Requests of programs ⇄ bytes. `create` always travels as create2, because only the Stat of its answer
 * has the exact czxid (a reply header may carry a later zxid), and `getChildren` as getChildren2.
 */
import { zxidFrom } from '../../base/zxid.ts';
import {
  AuthPacket,
  Create2Response,
  CreateMode,
  CreateRequest,
  DeleteRequest,
  encodeRequest,
  GetAclRequest,
  GetAclResponse,
  GetChildren2Response,
  GetDataResponse,
  MultiRequest,
  MultiResponse,
  OPEN_ACL,
  OpCode,
  PathRequest,
  PathWatchRequest,
  type ReplyHeader,
  SetAclRequest,
  SetDataRequest,
  StatResponse,
  Xid,
} from '../../wire/client.ts';
import { ErrorCode, errorName, errorRow, isDefinite } from '../../wire/error-code.ts';
import type { JuteReader } from '../../wire/jute.ts';
import { ZkError, type ZkReply, type ZkRequest } from './program.ts';

export function encodeZkRequest(xid: number, request: ZkRequest): Uint8Array {
  switch (request.op) {
    case 'create':
      return encodeRequest({ xid, type: OpCode.create2 }, CreateRequest, {
        path: request.path,
        data: request.data,
        acl: request.acl ?? OPEN_ACL,
        flags: CreateMode[request.mode],
      });
    case 'delete':
      return encodeRequest({ xid, type: OpCode.delete }, DeleteRequest, request);
    case 'exists':
      return encodePathWatch(xid, OpCode.exists, request);
    case 'getData':
      return encodePathWatch(xid, OpCode.getData, request);
    case 'getChildren':
      return encodePathWatch(xid, OpCode.getChildren2, request);
    case 'setData':
      return encodeRequest({ xid, type: OpCode.setData }, SetDataRequest, request);
    case 'sync':
      return encodeRequest({ xid, type: OpCode.sync }, PathRequest, request);
    case 'multi':
      return encodeRequest({ xid, type: OpCode.multi }, MultiRequest, request.operations);
    case 'getAcl':
      return encodeRequest({ xid, type: OpCode.getACL }, GetAclRequest, request);
    case 'setAcl':
      return encodeRequest({ xid, type: OpCode.setACL }, SetAclRequest, request);
    case 'addAuth': {
      const { scheme, auth } = request;
      return encodeRequest({ xid: Xid.auth, type: OpCode.auth }, AuthPacket, {
        type: 0,
        scheme,
        auth,
      });
    }
    case 'close':
      return encodeRequest({ xid, type: OpCode.closeSession });
  }
}

function encodePathWatch(
  xid: number,
  type: number,
  request: { readonly path: string; readonly watch?: boolean },
): Uint8Array {
  const body = { path: request.path, watch: request.watch === true };
  return encodeRequest({ xid, type }, PathWatchRequest, body);
}

export function pathOf(request: ZkRequest): string | undefined {
  return 'path' in request ? request.path : undefined;
}

/** The answer, or the ZkError that it carries. Throws MalformedError where the body does not parse. */
export function decodeZkReply(
  request: ZkRequest,
  header: ReplyHeader,
  body: JuteReader,
): ZkReply | ZkError {
  const zxid = zxidFrom(header.zxid);
  // A missing node is an answer of `exists`, not an error.
  if (request.op === 'exists' && header.err === ErrorCode.NoNode) return { zxid, stat: null };
  if (header.err !== 0) return zkErrorOf(header.err, request, zxid);
  switch (request.op) {
    case 'create':
      return { zxid, ...Create2Response.read(body) };
    case 'exists':
    case 'setData':
    case 'setAcl':
      return { zxid, ...StatResponse.read(body) };
    case 'getAcl':
      return { zxid, ...GetAclResponse.read(body) };
    case 'getData':
      return { zxid, ...GetDataResponse.read(body) };
    case 'getChildren':
      return { zxid, ...GetChildren2Response.read(body) };
    case 'sync':
      return { zxid, path: request.path };
    case 'multi':
      return { zxid, results: MultiResponse.read(body) };
    case 'delete':
    case 'addAuth':
    case 'close':
      return { zxid };
  }
}

function zkErrorOf(code: number, request: ZkRequest, zxid: ZkReply['zxid']): ZkError {
  const path = pathOf(request);
  const details = { zxid, ...(path === undefined ? {} : { path }) };
  const row = errorRow(code);
  if (row !== undefined) return new ZkError(row.name, row.definite, details);
  // A code from a future version: nothing is known, so nothing is definite.
  const message = `${errorName(code)}${path === undefined ? '' : ` for ${path}`}`;
  return new ZkError('SystemError', false, { ...details, message });
}

/** An error that this side finds. */
export function localError(
  name: 'ConnectionLoss' | 'SessionExpired' | 'ThrottledOp' | 'NoWatcher',
  message: string,
  path?: string,
): ZkError {
  const definite = isDefinite(ErrorCode[name]);
  return new ZkError(name, definite, { message, ...(path === undefined ? {} : { path }) });
}
