/**
 * The outside twin of the white-box checks: what a server left on its disk, decoded from its files after the
 * run. It shares the codecs with the server, because the bytes are the contract, but none of the server's
 * decisions: reading order, replay and tree are written here once more, in the plainest way.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { parseHex } from '../base/zxid.ts';
import type { DiskNode, LoggedTxn, ServerDisk } from '../checker/server-evidence.ts';
import { opName } from '../wire/client.ts';
import { decodeEpoch, LogReader, SnapshotDecoder } from '../wire/storage.ts';
import { decodeTxn, type Txn, type TxnBody } from '../wire/txn.ts';
import type { ServerFiles } from './world/world.ts';

type MutableNode = { -readonly [K in keyof DiskNode]: DiskNode[K] };

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
  const tree = new DiskTree();
  const snapshotZxid = loadNewestSnapshot(files, tree, problems);
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
        tree.apply(txn);
        lastZxid = txn.header.zxid;
      }
    }
  }
  return {
    acceptedEpoch: readEpoch(files, 'acceptedEpoch', problems),
    currentEpoch: readEpoch(files, 'currentEpoch', problems),
    log,
    snapshotZxid,
    tree: tree.nodes,
    lastZxid,
    problems,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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

/** Its zxid; -1 without one. An unreadable one is passed over for the next older. */
function loadNewestSnapshot(files: ServerFiles, tree: DiskTree, problems: string[]): bigint {
  const names = namesByZxid(files, 'snapshot.').reverse();
  for (const name of names) {
    tree.clear();
    try {
      const decoder = new SnapshotDecoder('file', {
        session: () => undefined,
        acl: () => undefined,
        node: ({ path, data, stat }) => tree.put({ ...stat, path: path === '' ? '/' : path, data }),
        finish: () => undefined,
      });
      decoder.push(files.get(name) as Uint8Array);
      decoder.end();
      return parseHex(name.slice(`${DIRECTORY}snapshot.`.length)) as bigint;
    } catch {
      // A crash may leave a partial newest file; only having none that loads is a problem.
    }
  }
  if (names.length > 0) problems.push(`none of ${names.length} snapshots can be read`);
  tree.reset();
  return -1n;
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
  };
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

/** Nodes by path. Applying is total: what a replay meets twice, or no longer finds, changes nothing. */
class DiskTree {
  readonly nodes = new Map<string, MutableNode>();

  clear(): void {
    this.nodes.clear();
  }

  /** The tree of a server without any file. */
  reset(): void {
    this.clear();
    for (const path of ['/', '/zookeeper', '/zookeeper/quota']) {
      this.put({ ...emptyStat, path, data: new Uint8Array(0) });
    }
  }

  put(node: MutableNode): void {
    // Every server writes this one from its own configuration, without a transaction.
    if (node.path === '/zookeeper/config') return;
    const { path, data, czxid, mzxid, pzxid, version, cversion, ephemeralOwner } = node;
    this.nodes.set(path, { path, data, czxid, mzxid, pzxid, version, cversion, ephemeralOwner });
  }

  apply(txn: Txn): void {
    this.#apply(txn.txn, txn.header.zxid, txn.header.clientId);
  }

  #apply(txn: TxnBody, zxid: bigint, session: bigint): void {
    switch (txn.type) {
      case 1:
      case 15:
      case 19:
      case 21: {
        const isEphemeral = 'isEphemeral' in txn.body && txn.body.isEphemeral;
        this.#create(txn.body, zxid, isEphemeral ? session : 0n);
        return;
      }
      case 2:
      case 20:
        this.#delete(txn.body.path, zxid);
        return;
      case 5:
      case 16: {
        const node = this.nodes.get(txn.body.path);
        if (node === undefined) return;
        node.data = txn.body.data;
        node.version = txn.body.version;
        node.mzxid = zxid;
        return;
      }
      case 14:
        // A multi that failed is logged as errors only.
        for (const sub of txn.body) this.#apply(sub, zxid, session);
        return;
      case -11:
        this.#closeSession(txn.body?.paths, session, zxid);
        return;
      default:
    }
  }

  #create(
    body: {
      readonly path: string;
      readonly data: Uint8Array | null;
      readonly parentCversion: number;
    },
    zxid: bigint,
    ephemeralOwner: bigint,
  ): void {
    const { path, data, parentCversion } = body;
    const parent = this.nodes.get(parentOf(path));
    if (parent === undefined) return;
    if (parentCversion > parent.cversion) parent.cversion = parentCversion;
    if (zxid > parent.pzxid) parent.pzxid = zxid;
    if (this.nodes.has(path)) return;
    this.put({ ...emptyStat, path, data, czxid: zxid, mzxid: zxid, pzxid: zxid, ephemeralOwner });
  }

  #delete(path: string, zxid: bigint): void {
    const parent = this.nodes.get(parentOf(path));
    if (parent !== undefined && zxid > parent.pzxid) parent.pzxid = zxid;
    this.nodes.delete(path);
  }

  #closeSession(paths: readonly string[] | undefined, session: bigint, zxid: bigint): void {
    const gone =
      paths ??
      [...this.nodes.values()]
        .filter((node) => node.ephemeralOwner === session)
        .map((node) => node.path);
    for (const path of gone) this.#delete(path, zxid);
  }
}

const emptyStat = {
  czxid: 0n,
  mzxid: 0n,
  pzxid: 0n,
  version: 0,
  cversion: 0,
  ephemeralOwner: 0n,
};

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
