/**
 * Decides single writes: each operation's checks in upstream's order (the first that fails gives
 * the error), then its effect on the future tree and its transaction. Clients see that order, so
 * it is part of the protocol. Upstream: PrepRequestProcessor.pRequest2Txn.
 */
import { type Acl, CreateMode, type Id, OpCode, Permission } from '../../../wire/client.ts';
import { ErrorCode } from '../../../wire/error-code.ts';
import type { SubTxn } from '../../../wire/txn.ts';
import { isReservedPath, isValidPath, parentPath, sequenceSuffix } from '../tree/path.ts';
import {
  CONTAINER_OWNER,
  createdStat,
  nextVersion,
  ownerKind,
  raisedCversion,
} from '../tree/znode.ts';
import { fixupAcl, isPermitted } from './acl.ts';
import { type CreateOperation, isCreateFlag, type Operation } from './operation.ts';
import type { FutureNode, OutstandingChanges } from './outstanding-changes.ts';

/** What all operations of one request share. */
export interface Turn {
  readonly changes: OutstandingChanges;
  readonly zxid: bigint;
  readonly timeMs: bigint;
  readonly sessionId: bigint;
  readonly authinfo: readonly Id[];
  /** 0, or why the session may not write here: expired or moved. */
  readonly checkSession: () => number;
}

/** A transaction, or the code of the check that failed. */
export type Decision = SubTxn | number;

export function decide(turn: Turn, operation: Operation): Decision {
  switch (operation.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return decideCreate(turn, operation);
    case OpCode.delete:
      return decideDelete(turn, operation);
    case OpCode.setData:
      return decideSetData(turn, operation);
    case OpCode.setACL:
      return decideSetAcl(turn, operation);
    case OpCode.check:
      return decideCheck(turn, operation);
    case OpCode.deleteContainer:
      return decideDeleteContainer(turn, operation.path);
  }
}

function isSequential(flags: number): boolean {
  return flags === CreateMode.persistentSequential || flags === CreateMode.ephemeralSequential;
}

function isEphemeral({ type, flags }: CreateOperation): boolean {
  if (type === OpCode.createContainer) return false;
  return flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential;
}

function decideCreate(turn: Turn, operation: CreateOperation): Decision {
  const { changes, authinfo } = turn;
  const { type, flags } = operation;
  if (!isCreateFlag(flags)) return ErrorCode.BadArguments;
  // TTL nodes are an extension that is off, as it is upstream without `extendedTypesEnabled`.
  if (type === OpCode.createTTL || flags >= CreateMode.persistentTtl) {
    return ErrorCode.Unimplemented;
  }
  const refusal = turn.checkSession();
  if (refusal !== 0) return refusal;
  const parentKey = parentPath(operation.path);
  if (parentKey === undefined || operation.path.includes('\0')) return ErrorCode.BadArguments;
  const acl = fixupAcl(operation.acl, authinfo);
  if (acl === undefined) return ErrorCode.InvalidAcl;
  const parent = changes.get(parentKey);
  if (parent === undefined) return ErrorCode.NoNode;
  if (!isPermitted(parent.acl, Permission.create, authinfo)) return ErrorCode.NoAuth;
  const { cversion } = parent.stat;
  const path = operation.path + (isSequential(flags) ? sequenceSuffix(cversion) : '');
  if (!isValidPath(path)) return ErrorCode.BadArguments;
  if (changes.get(path) !== undefined) return ErrorCode.NodeExists;
  if (ownerKind(parent.stat.ephemeralOwner) === 'session') return ErrorCode.NoChildrenForEphemerals;
  return recordCreation(turn, operation, { path, acl, parentKey, parent });
}

function recordCreation(
  { changes, zxid, timeMs, sessionId }: Turn,
  operation: CreateOperation,
  place: {
    readonly path: string;
    readonly acl: readonly Acl[];
    readonly parentKey: string;
    readonly parent: FutureNode;
  },
): SubTxn {
  const { path, acl, parentKey, parent } = place;
  const { data } = operation;
  const parentCversion = (parent.stat.cversion + 1) | 0;
  // The same rule as on apply: a counter that would wrap stays.
  const raised = raisedCversion(parent.stat.cversion, parentCversion);
  const raisedStat = raised === undefined ? {} : { cversion: raised, pzxid: zxid };
  changes.set(zxid, parentKey, {
    ...parent,
    stat: { ...parent.stat, ...raisedStat },
    childCount: parent.childCount + 1,
  });
  const ephemeral = isEphemeral(operation);
  const owner = operation.type === OpCode.createContainer ? CONTAINER_OWNER : 0n;
  const stat = createdStat(zxid, timeMs, ephemeral ? sessionId : owner);
  changes.set(zxid, path, { stat, data, acl, childCount: 0 });
  if (operation.type === OpCode.createContainer) {
    return { type: operation.type, body: { path, data, acl, parentCversion } };
  }
  return {
    type: operation.type === OpCode.create2 ? OpCode.create2 : OpCode.create,
    body: { path, data, acl, isEphemeral: ephemeral, parentCversion },
  };
}

function isWanted(expected: number, actual: number): boolean {
  return expected === -1 || expected === actual;
}

function decideDelete(
  turn: Turn,
  { path, version }: { readonly path: string; readonly version: number },
): Decision {
  const { changes, authinfo } = turn;
  const refusal = turn.checkSession();
  if (refusal !== 0) return refusal;
  const parentKey = parentPath(path);
  if (parentKey === undefined || path.includes('\0') || isReservedPath(path)) {
    return ErrorCode.BadArguments;
  }
  const parent = changes.get(parentKey);
  if (parent === undefined) return ErrorCode.NoNode;
  if (!isPermitted(parent.acl, Permission.delete, authinfo)) return ErrorCode.NoAuth;
  const node = changes.get(path);
  if (node === undefined) return ErrorCode.NoNode;
  if (!isWanted(version, node.stat.version)) return ErrorCode.BadVersion;
  if (node.childCount > 0) return ErrorCode.NotEmpty;
  recordDeletion(turn, path);
  return { type: OpCode.delete, body: { path } };
}

/** The node goes, and its parent's pzxid tells when a child last came or went. */
export function recordDeletion(
  { changes, zxid }: Pick<Turn, 'changes' | 'zxid'>,
  path: string,
): void {
  changes.set(zxid, path, undefined);
  const parentKey = parentPath(path);
  const parent = parentKey === undefined ? undefined : changes.get(parentKey);
  if (parentKey === undefined || parent === undefined) return;
  const { stat, childCount } = parent;
  const pzxid = zxid > stat.pzxid ? zxid : stat.pzxid;
  changes.set(zxid, parentKey, {
    ...parent,
    stat: { ...stat, pzxid },
    childCount: childCount - 1,
  });
}

/** The leader found a container empty; it may have got a child meanwhile. */
function decideDeleteContainer(turn: Turn, path: string): Decision {
  const { changes } = turn;
  const parentKey = parentPath(path);
  if (parentKey === undefined || path.includes('\0') || isReservedPath(path)) {
    return ErrorCode.BadArguments;
  }
  const node = changes.get(path);
  if (node === undefined) return ErrorCode.NoNode;
  if (node.childCount > 0) return ErrorCode.NotEmpty;
  if (ownerKind(node.stat.ephemeralOwner) === 'session') return ErrorCode.BadVersion;
  recordDeletion(turn, path);
  return { type: OpCode.deleteContainer, body: { path } };
}

/**
 * The checks that setData, setACL and check share: path, well-formed ACL, existence, permission.
 */
function findNode(turn: Turn, path: string, permission: number): FutureNode | number {
  const node = turn.changes.get(path);
  if (node === undefined) return ErrorCode.NoNode;
  return isPermitted(node.acl, permission, turn.authinfo) ? node : ErrorCode.NoAuth;
}

function decideSetData(turn: Turn, operation: Extract<Operation, { type: 5 }>): Decision {
  const { path, data } = operation;
  const refusal = turn.checkSession();
  if (refusal !== 0) return refusal;
  if (!isValidPath(path)) return ErrorCode.BadArguments;
  const node = findNode(turn, path, Permission.write);
  if (typeof node === 'number') return node;
  if (!isWanted(operation.version, node.stat.version)) return ErrorCode.BadVersion;
  const version = nextVersion(node.stat.version);
  const stat = { ...node.stat, version, mzxid: turn.zxid, mtime: turn.timeMs };
  turn.changes.set(turn.zxid, path, { ...node, data, stat });
  return { type: OpCode.setData, body: { path, data, version } };
}

function decideSetAcl(turn: Turn, operation: Extract<Operation, { type: 7 }>): Decision {
  const { path } = operation;
  const refusal = turn.checkSession();
  if (refusal !== 0) return refusal;
  if (!isValidPath(path)) return ErrorCode.BadArguments;
  const acl = fixupAcl(operation.acl, turn.authinfo);
  if (acl === undefined) return ErrorCode.InvalidAcl;
  const node = findNode(turn, path, Permission.admin);
  if (typeof node === 'number') return node;
  if (!isWanted(operation.version, node.stat.aversion)) return ErrorCode.BadVersion;
  const version = nextVersion(node.stat.aversion);
  const stat = { ...node.stat, aversion: version };
  turn.changes.set(turn.zxid, path, { ...node, acl, stat });
  return { type: OpCode.setACL, body: { path, acl, version } };
}

function decideCheck(
  turn: Turn,
  { path, version }: { readonly path: string; readonly version: number },
): Decision {
  const refusal = turn.checkSession();
  if (refusal !== 0) return refusal;
  if (!isValidPath(path)) return ErrorCode.BadArguments;
  const node = findNode(turn, path, Permission.read);
  if (typeof node === 'number') return node;
  if (!isWanted(version, node.stat.version)) return ErrorCode.BadVersion;
  return { type: OpCode.check, body: { path, version: (node.stat.version + 1) | 0 } };
}
