/**
 * Answers requests that need no transaction, from the tree as this server has applied it. The
 * answer and the watch that it leaves are one step, so that no change between them can be missed.
 * Upstream: FinalRequestProcessor.
 */
import type { ConnectionId } from '../../../base/core.ts';
import {
  type Acl,
  AddWatchRequest,
  GetAclRequest,
  GetAclResponse,
  GetChildren2Response,
  GetChildrenResponse,
  GetDataResponse,
  OpCode,
  PathRequest,
  PathWatchRequest,
  Permission,
  SetWatches2Request,
  SetWatchesRequest,
  StatResponse,
  WatchTypeRequest,
} from '../../../wire/client.ts';
import { ErrorCode } from '../../../wire/error-code.ts';
import type { JuteWriter } from '../../../wire/jute.ts';
import type { Database } from '../database.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { wireStat, type Znode } from '../tree/znode.ts';
import { restoreWatches, type WatchEvent } from '../watch/catch-up.ts';
import {
  AddWatchMode,
  WatcherType,
  type WatchManager,
  type WatchTable,
} from '../watch/watch-manager.ts';
import { isPermitted } from './acl.ts';
import { authScheme } from './auth.ts';
import { answerMultiRead } from './multi-read.ts';
import { tryDecode } from './operation.ts';
import type { Request } from './request.ts';

export interface Answer {
  readonly err: number;
  /** The body; there is none where `err` isn't 0. */
  readonly write?: (writer: JuteWriter) => void;
  /** To be sent before the reply, with zxid -1. */
  readonly events?: readonly WatchEvent[];
}

const MALFORMED: Answer = { err: ErrorCode.MarshallingError };

export function answerRead(
  database: Database,
  watches: WatchManager,
  request: Request,
  connection: ConnectionId,
): Answer {
  const { tree } = database;
  switch (request.type) {
    case OpCode.exists:
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
      return answerNode(tree, watches, request, connection);
    case OpCode.getACL:
      return answerAcl(tree, request);
    case OpCode.getAllChildrenNumber:
      return answerDescendants(tree, request);
    case OpCode.getEphemerals:
      return answerEphemerals(tree, request);
    case OpCode.multiRead:
      return answerMultiRead(tree, request);
    case OpCode.sync:
      return answerSync(request);
    case OpCode.whoAmI:
      return answerWhoAmI(request);
    case OpCode.setWatches:
    case OpCode.setWatches2: {
      const isSecond = request.type === OpCode.setWatches2;
      const restored = tryDecode(isSecond ? SetWatches2Request : SetWatchesRequest, request.body);
      if (restored === undefined) return MALFORMED;
      return { err: 0, events: restoreWatches(tree, watches, connection, restored) };
    }
    case OpCode.addWatch:
      return addWatch(watches, request, connection);
    case OpCode.checkWatches:
    case OpCode.removeWatches:
      return checkWatches(watches, request, connection);
    default:
      return { err: ErrorCode.Unimplemented };
  }
}

function answerNode(
  tree: DataTree,
  watches: WatchManager,
  request: Request,
  connection: ConnectionId,
): Answer {
  const body = tryDecode(PathWatchRequest, request.body);
  if (body === undefined || body.path === null) return MALFORMED;
  const { path, watch } = body;
  const isExists = request.type === OpCode.exists;
  // The one read that looks at the path; all others take any string as a key.
  if (isExists && path.includes('\0')) return { err: ErrorCode.BadArguments };
  const node = tree.get(path);
  if (node !== undefined && !isPermitted(tree.acl(node), Permission.read, request.authinfo)) {
    return { err: ErrorCode.NoAuth };
  }
  // Waiting for a node that doesn't exist is what `exists` is for.
  if (watch && (node !== undefined || isExists)) {
    watches.add(connection, tableOf(request.type), path);
  }
  if (node === undefined) return { err: ErrorCode.NoNode };
  return { err: 0, write: (writer) => writeNode(writer, request.type, node) };
}

function tableOf(type: number): WatchTable {
  return type === OpCode.exists || type === OpCode.getData ? 'data' : 'child';
}

function writeNode(writer: JuteWriter, type: number, node: Znode): void {
  const stat = wireStat(node);
  const children = [...(node.children ?? [])];
  switch (type) {
    case OpCode.exists:
      StatResponse.write(writer, { stat });
      break;
    case OpCode.getData:
      GetDataResponse.write(writer, { data: node.data, stat });
      break;
    case OpCode.getChildren:
      GetChildrenResponse.write(writer, { children });
      break;
    default:
      GetChildren2Response.write(writer, { children, stat });
  }
}

function answerAcl(tree: DataTree, { body, authinfo }: Request): Answer {
  const request = tryDecode(GetAclRequest, body);
  if (request === undefined || request.path === null) return MALFORMED;
  const node = tree.get(request.path);
  if (node === undefined) return { err: ErrorCode.NoNode };
  const list = tree.acl(node);
  if (!isPermitted(list, Permission.read | Permission.admin, authinfo)) {
    return { err: ErrorCode.NoAuth };
  }
  const acl = isPermitted(list, Permission.admin, authinfo) ? list : list.map(withoutSecret);
  return {
    err: 0,
    write: (writer) => GetAclResponse.write(writer, { acl, stat: wireStat(node) }),
  };
}

/** A reader who isn't an administrator doesn't see the hash of a password. */
function withoutSecret(entry: Acl): Acl {
  const { scheme, id } = entry.id;
  if (scheme !== 'digest' || id === null) return entry;
  return { perms: entry.perms, id: { scheme, id: `${id.split(':')[0]}:x` } };
}

/** All nodes below; the root itself is not its own descendant. */
function answerDescendants(tree: DataTree, { body, authinfo }: Request): Answer {
  const request = tryDecode(PathRequest, body);
  if (request === undefined || request.path === null) return MALFORMED;
  const top = tree.get(request.path);
  if (top === undefined) return { err: ErrorCode.NoNode };
  if (!isPermitted(tree.acl(top), Permission.read, authinfo)) return { err: ErrorCode.NoAuth };
  let count = 0;
  const waiting = [top];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const name of node.children ?? []) {
      count++;
      const child = tree.get(`${node.path}/${name}`);
      if (child?.children !== undefined) waiting.push(child);
    }
  }
  return { err: 0, write: (writer) => writer.int(count) };
}

/** Of the asking session only; the prefix is text, not a path. */
function answerEphemerals(tree: DataTree, { body, sessionId }: Request): Answer {
  const request = tryDecode(PathRequest, body);
  if (request === undefined) return MALFORMED;
  const prefix = (request.path ?? '').trim() === '' ? '/' : (request.path ?? '/');
  const paths = [...tree.ephemeralsOf(sessionId)].filter((path) => path.startsWith(prefix));
  return {
    err: 0,
    write: (writer) => GetChildrenResponse.write(writer, { children: paths }),
  };
}

function answerSync({ body }: Request): Answer {
  const request = tryDecode(PathRequest, body);
  if (request === undefined) return MALFORMED;
  return { err: 0, write: (writer) => writer.ustring(request.path) };
}

function answerWhoAmI({ authinfo }: Request): Answer {
  const users = new Map<string, readonly [scheme: string, user: string]>();
  for (const { scheme, id } of authinfo) {
    const user = authScheme(scheme)?.userOf(id);
    if (user !== undefined) users.set(JSON.stringify([scheme, user]), [scheme, user]);
  }
  return {
    err: 0,
    write: (writer) => {
      writer.int(users.size);
      for (const [scheme, user] of users.values()) {
        writer.ustring(scheme);
        writer.ustring(user);
      }
    },
  };
}

/** Needs neither existence nor permission; delivery is filtered. */
function addWatch(watches: WatchManager, { body }: Request, connection: ConnectionId): Answer {
  const request = tryDecode(AddWatchRequest, body);
  if (request === undefined || request.path === null) return MALFORMED;
  switch (request.mode) {
    case AddWatchMode.persistent:
      watches.addPersistent(connection, request.path);
      break;
    case AddWatchMode.persistentRecursive:
      watches.addRecursive(connection, request.path);
      break;
    default:
      return MALFORMED;
  }
  return { err: 0, write: (writer) => writer.int(0) };
}

function checkWatches(
  watches: WatchManager,
  { type, body }: Request,
  connection: ConnectionId,
): Answer {
  const request = tryDecode(WatchTypeRequest, body);
  if (request === undefined || request.path === null) return MALFORMED;
  if (request.type < WatcherType.children || request.type > WatcherType.persistentRecursive) {
    return MALFORMED;
  }
  const { path, type: watcherType } = request;
  const isHeld =
    type === OpCode.removeWatches
      ? watches.remove(connection, path, watcherType)
      : watches.has(connection, path, watcherType);
  return { err: isHeld ? 0 : ErrorCode.NoWatcher };
}
