/**
 * The outside twin of the white-box checks: what a server left on its disk, decoded from its files after the
 * run. It shares the codecs with the server, because the bytes are the contract, but none of the server's
 * decisions: reading order and replay are written here once more, and the tree is the plain one.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { bytesOfText, textOfBytes } from '../base/latin1.ts';
import { messageOf } from '../base/thrown.ts';
import { formatHex, parseHex } from '../base/zxid.ts';
import { PlainTree, parentOf } from '../checker/models/plain-tree.ts';
import type { DiskNode, LoggedTxn, ServerDisk } from '../checker/server-evidence.ts';
import { opName } from '../wire/client.ts';
import type { NodeEntry } from '../wire/snapshot.ts';
import { decodeEpoch, LogReader, SnapshotDecoder } from '../wire/storage.ts';
import { decodeTxn, type Txn, type TxnBody } from '../wire/txn.ts';
import type { ServerFiles } from './world/world.ts';

const DIRECTORY = 'version-2/';
/** How a log file may end without anything being wrong: a crash cut its last write short. */
const ordinaryEnds: ReadonlySet<string> = new Set([
  'end-of-file',
  'zeros',
  'truncated',
  'bad-length',
  'bad-marker',
  'bad-checksum',
  'no-header',
]);

export function readServerDisk(files: ServerFiles): ServerDisk {
  const problems: string[] = [];
  const { tree, snapshotZxid } = loadNewestSnapshot(files, problems);
  const log: LoggedTxn[] = [];
  let lastZxid = snapshotZxid;
  for (const name of namesByZxid(files, 'log.')) {
    const reader = new LogReader();
    reader.push(files.get(name) as Uint8Array);
    reader.finish();
    for (;;) {
      const entry = reader.next();
      if (entry === undefined) break;
      if (entry.kind === 'end') {
        if (!ordinaryEnds.has(entry.reason)) problems.push(`${name}: ${entry.reason}`);
        break;
      }
      let txn: Txn;
      try {
        txn = decodeTxn(entry.payload);
      } catch (error) {
        problems.push(`${name} at ${entry.position}: ${messageOf(error)}`);
        break;
      }
      log.push(loggedTxn(txn, entry.payload, name));
      if (txn.header.zxid > lastZxid) {
        applyTxn(tree, txn.txn, Number(txn.header.zxid), formatHex(txn.header.clientId));
        lastZxid = txn.header.zxid;
      }
    }
  }
  return {
    acceptedEpoch: readEpoch(files, 'acceptedEpoch', problems),
    currentEpoch: readEpoch(files, 'currentEpoch', problems),
    log,
    snapshotZxid,
    tree: diskNodes(tree),
    lastZxid,
    problems,
  };
}

function readEpoch(files: ServerFiles, name: string, problems: string[]): number | undefined {
  const bytes = files.get(DIRECTORY + name);
  if (bytes === undefined) return undefined;
  const epoch = decodeEpoch(bytes);
  if (epoch === undefined) problems.push(`${DIRECTORY}${name} holds no epoch`);
  return epoch;
}

/** Names of log or snapshot files, oldest first. */
function namesByZxid(files: ServerFiles, prefix: string): string[] {
  const named: Array<readonly [string, bigint]> = [];
  for (const name of files.keys()) {
    if (!name.startsWith(DIRECTORY + prefix)) continue;
    const zxid = parseHex(name.slice(DIRECTORY.length + prefix.length));
    if (zxid !== undefined) named.push([name, zxid]);
  }
  return named.sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([name]) => name);
}

/** Zxid -1 and the tree of a new server without one. An unreadable one is passed over for the next older. */
function loadNewestSnapshot(
  files: ServerFiles,
  problems: string[],
): { readonly tree: PlainTree; readonly snapshotZxid: bigint } {
  const names = namesByZxid(files, 'snapshot.').reverse();
  for (const name of names) {
    const tree = PlainTree.empty();
    try {
      const decoder = new SnapshotDecoder('file', {
        session: () => undefined,
        acl: () => undefined,
        node: (node) => loadNode(tree, node),
        finish: () => undefined,
      });
      decoder.push(files.get(name) as Uint8Array);
      decoder.end();
      return { tree, snapshotZxid: parseHex(name.slice(`${DIRECTORY}snapshot.`.length)) as bigint };
    } catch {
      // A crash may leave a partial newest file; only having none that loads is a problem.
    }
  }
  if (names.length > 0) problems.push(`none of ${names.length} snapshots can be read`);
  return { tree: new PlainTree(), snapshotZxid: -1n };
}

function loggedTxn(txn: Txn, payload: Uint8Array, file: string): LoggedTxn {
  const { zxid, clientId, cxid, type } = txn.header;
  return {
    zxid,
    session: clientId,
    cxid,
    op: opName(type),
    paths: pathsOf(txn.txn),
    fingerprint: bytesToHex(sha1(payload)),
    file,
    ...(isRefused(txn.txn) ? { isRefused: true } : {}),
  };
}

function isRefused(txn: TxnBody): boolean {
  return txn.type === 14 && txn.body.some(({ type }) => type === -1);
}

function pathsOf(txn: TxnBody): readonly string[] {
  switch (txn.type) {
    case 14:
      return txn.body.flatMap(pathsOf);
    case -11:
      return txn.body?.paths ?? [];
    case -10:
    case -1:
      return [];
    default:
      return [txn.body.path];
  }
}

function loadNode(tree: PlainTree, { path, data, stat }: NodeEntry): void {
  tree.load(path === '' ? '/' : path, {
    data: textOf(data),
    owner: stat.ephemeralOwner === 0n ? '' : formatHex(stat.ephemeralOwner),
    czxid: Number(stat.czxid),
    mzxid: Number(stat.mzxid),
    pzxid: Number(stat.pzxid),
    version: stat.version,
    childrenCreated: stat.cversion,
  });
}

const textOf = (data: Uint8Array | null): string | null =>
  data === null ? null : textOfBytes(data);

/** A decided transaction. Total: what a replay meets twice, or no longer finds, changes nothing. */
function applyTxn(tree: PlainTree, txn: TxnBody, zxid: number, session: string): void {
  switch (txn.type) {
    case 1:
    case 15:
    case 19:
    case 21: {
      const isEphemeral = 'isEphemeral' in txn.body && txn.body.isEphemeral;
      applyCreate(tree, txn.body, zxid, isEphemeral ? session : '');
      return;
    }
    case 2:
    case 20:
      applyDelete(tree, txn.body.path, zxid);
      return;
    case 5:
    case 16: {
      const { path, data, version } = txn.body;
      tree.adjust(path, { data: textOf(data), version, mzxid: zxid });
      return;
    }
    case 14:
      // A multi that failed keeps the parts before the failing one in the log; none of them took effect.
      if (isRefused(txn)) return;
      for (const sub of txn.body) applyTxn(tree, sub, zxid, session);
      return;
    case -11: {
      const paths = txn.body?.paths ?? [...tree.ephemeralsOf(session)];
      for (const path of paths) applyDelete(tree, path, zxid);
      return;
    }
    default:
  }
}

function applyCreate(
  tree: PlainTree,
  body: {
    readonly path: string;
    readonly data: Uint8Array | null;
    readonly parentCversion: number;
  },
  zxid: number,
  owner: string,
): void {
  const { path, data, parentCversion } = body;
  const above = parentOf(path);
  const parent = tree.get(above);
  if (parent === undefined) return;
  const childrenCreated = Math.max(parent.childrenCreated, parentCversion);
  tree.adjust(above, { childrenCreated, pzxid: Math.max(parent.pzxid, zxid) });
  if (tree.get(path) !== undefined) return;
  tree.load(path, { data: textOf(data), owner, czxid: zxid, mzxid: zxid, pzxid: zxid });
}

function applyDelete(tree: PlainTree, path: string, zxid: number): void {
  const above = parentOf(path);
  tree.adjust(above, { pzxid: Math.max(tree.get(above)?.pzxid ?? 0, zxid) });
  tree.unload(path);
}

function diskNodes(tree: PlainTree): Map<string, DiskNode> {
  const nodes = new Map<string, DiskNode>();
  for (const [path, node] of tree.nodes) {
    // Every server writes this one from its own configuration, without a transaction.
    if (path === '/zookeeper/config') continue;
    nodes.set(path, {
      path,
      data: node.data === null ? null : bytesOfText(node.data),
      czxid: BigInt(node.czxid),
      mzxid: BigInt(node.mzxid),
      pzxid: BigInt(node.pzxid),
      version: node.version,
      cversion: node.childrenCreated,
      ephemeralOwner: node.owner === '' ? 0n : (parseHex(node.owner) as bigint),
    });
  }
  return nodes;
}
