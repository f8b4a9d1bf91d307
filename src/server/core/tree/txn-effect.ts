/**
 * What each kind of transaction does to the tree, and what it tells its client and its watchers.
 * Upstream: DataTree.processTxn.
 */
import { type MultiResult, OpCode, type Stat } from '../../../wire/client.ts';
import { ErrorCode } from '../../../wire/error-code.ts';
import type { SubTxn, TxnBody, TxnHeader } from '../../../wire/txn.ts';
import type { WatchTrigger } from '../watch/watch-trigger.ts';
import type { DataTree } from './data-tree.ts';
import { clientPath, parentPath } from './path.ts';
import { CONTAINER_OWNER, ttlOwner, wireStat } from './znode.ts';

export interface Effect {
  readonly err: number;
  readonly path?: string;
  readonly stat?: Stat;
  readonly results?: readonly MultiResult[];
  readonly events: readonly WatchTrigger[];
}

const NO_EFFECT: Effect = { err: 0, events: [] };

export function applyBody(tree: DataTree, header: TxnHeader, txn: TxnBody): Effect {
  switch (txn.type) {
    case OpCode.multi:
      return applyMulti(tree, header, txn.body);
    case OpCode.closeSession:
      return closeSession(tree, header, txn.body?.paths ?? []);
    case OpCode.createSession:
      return NO_EFFECT;
    default:
      return applySingle(tree, header, txn);
  }
}

type Create = Extract<SubTxn, { readonly type: 1 | 15 | 19 | 21 }>;

function applySingle(tree: DataTree, header: TxnHeader, txn: SubTxn): Effect {
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return create(tree, header, txn);
    case OpCode.delete:
    case OpCode.deleteContainer:
      return remove(tree, txn.body.path, header.zxid);
    case OpCode.setData:
    case OpCode.reconfig: {
      const { path, data, version } = txn.body;
      const change = { version, zxid: header.zxid, timeMs: header.time };
      const err = tree.setData(path, data, change);
      return err === 0 ? changed(tree, path, 'changed') : { err, path, events: [] };
    }
    case OpCode.setACL: {
      const { path, acl, version } = txn.body;
      const err = tree.setAcl(path, acl, version);
      return err === 0
        ? { ...changed(tree, path, 'changed'), events: [] }
        : { err, path, events: [] };
    }
    case OpCode.check:
      return { err: 0, path: txn.body.path, events: [] };
    case OpCode.error:
      return { err: txn.body.err, events: [] };
  }
}

function create(tree: DataTree, header: TxnHeader, txn: Create): Effect {
  const { path, data, acl, parentCversion } = txn.body;
  const { zxid, time: timeMs } = header;
  const owner = ownerOf(header, txn);
  const err = tree.create(path, { data, acl, owner, parentCversion, zxid, timeMs });
  return err === 0 ? changed(tree, path, 'created') : { err, path, events: [] };
}

function ownerOf(header: TxnHeader, txn: Create): bigint {
  switch (txn.type) {
    case OpCode.createContainer:
      return CONTAINER_OWNER;
    case OpCode.createTTL:
      return ttlOwner(txn.body.ttlMs);
    default:
      return txn.body.isEphemeral ? header.clientId : 0n;
  }
}

function remove(tree: DataTree, path: string, zxid: bigint): Effect {
  const event = triggerOf(tree, path, 'deleted');
  const err = tree.delete(path, zxid);
  return { err, path, events: err === 0 && event !== undefined ? [event] : [] };
}

function changed(tree: DataTree, path: string, change: WatchTrigger['change']): Effect {
  const node = tree.get(path);
  const event = triggerOf(tree, path, change);
  if (node === undefined || event === undefined) return { err: 0, path, events: [] };
  return { err: 0, path, stat: wireStat(node), events: [event] };
}

function triggerOf(
  tree: DataTree,
  path: string,
  change: WatchTrigger['change'],
): WatchTrigger | undefined {
  const node = tree.get(path);
  if (node === undefined) return undefined;
  const above = parentPath(path);
  const parent = above === undefined ? undefined : tree.get(above);
  const acl = tree.acl(node);
  const parentAcl = parent === undefined ? [] : tree.acl(parent);
  return { change, path: clientPath(node.path), acl, parentAcl };
}

/**
 * Deletes what the transaction lists, then whatever else the session still owns: the list is what
 * makes a replay repeatable, the rest is a guard (a list may be missing or cut, see
 * `prep-session.ts`).
 */
function closeSession(tree: DataTree, header: TxnHeader, listed: readonly string[]): Effect {
  const events: WatchTrigger[] = [];
  for (const path of listed) events.push(...remove(tree, path, header.zxid).events);
  for (const path of [...tree.ephemeralsOf(header.clientId)]) {
    events.push(...remove(tree, path, header.zxid).events);
  }
  return { err: 0, events };
}

/**
 * One error part means that the multi failed when it was decided: nothing is applied. Its client
 * then sees 0 for the parts before the failing one and "runtime inconsistency" for those after it.
 */
function applyMulti(tree: DataTree, header: TxnHeader, subs: readonly SubTxn[]): Effect {
  const failedAt = subs.findIndex((sub) => sub.type === OpCode.error);
  const results: MultiResult[] = [];
  const events: WatchTrigger[] = [];
  let err = 0;
  subs.forEach((sub, index) => {
    if (failedAt !== -1) {
      const other = index < failedAt ? ErrorCode.Ok : ErrorCode.RuntimeInconsistency;
      const subErr = sub.type === OpCode.error ? sub.body.err : other;
      results.push({ type: OpCode.error, err: subErr });
      if (err === 0) err = subErr;
      return;
    }
    const effect = applySingle(tree, header, sub);
    results.push(resultOf(sub, effect));
    events.push(...effect.events);
    if (err === 0) err = effect.err;
  });
  return { err, results, events };
}

function resultOf(sub: SubTxn, { err, path, stat }: Effect): MultiResult {
  if (err !== 0) return { type: OpCode.error, err };
  switch (sub.type) {
    case OpCode.create:
      return { type: OpCode.create, path: path ?? '' };
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return { type: OpCode.create2, path: path ?? '', stat: stat as Stat };
    case OpCode.setData:
    case OpCode.reconfig:
      return { type: OpCode.setData, stat: stat as Stat };
    case OpCode.delete:
    case OpCode.deleteContainer:
      return { type: OpCode.delete };
    default:
      // A check; setACL can stand in a decodable multi, but no client's multi can ask for it.
      return { type: OpCode.check };
  }
}
