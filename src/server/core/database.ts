/**
 * The replicated state: tree and sessions, and the zxid up to which transactions have been
 * applied. `apply` is a total function of decodable transactions: what a log, a leader or a
 * damaged file may hold can fail as a result, never as an exception, because one poison
 * transaction would stop every replica.
 * Upstream: ZKDatabase, DataTree.processTxn.
 */
import { assert } from '../../base/assert.ts';
import { type SessionId, sessionIdFrom, ZXID_ZERO, type Zxid, zxidFrom } from '../../base/zxid.ts';
import type { MultiResult, Stat } from '../../wire/client.ts';
import { DIGEST_VERSION, type Txn } from '../../wire/txn.ts';
import type { SnapshotLoader, SnapshotView } from './snapshot-port.ts';
import { DataTree } from './tree/data-tree.ts';
import { CONFIG_PATH } from './tree/path.ts';
import { applyBody } from './tree/txn-effect.ts';
import { ownerKind } from './tree/znode.ts';
import type { WatchTrigger } from './watch/watch-trigger.ts';

/** What a transaction did: enough for its reply, its watch events and the session tables. */
export interface Applied {
  readonly zxid: Zxid;
  /** Type of the transaction; -1 where it records a failure. */
  readonly type: number;
  readonly err: number;
  readonly path?: string;
  readonly stat?: Stat;
  /** Of a multi. */
  readonly results?: readonly MultiResult[];
  /** In the order in which they happened. */
  readonly events: readonly WatchTrigger[];
  readonly createdSession?: SessionId;
  readonly closedSession?: SessionId;
  /** Where the transaction carries a digest: whether the tree now has it. */
  readonly isDigestEqual?: boolean;
}

const encoder = new TextEncoder();

export class Database {
  #tree = DataTree.fresh();
  readonly #sessions = new Map<bigint, number>();
  /**
   * By server id (the top byte): the highest session id that any transaction or snapshot has shown.
   */
  readonly #highestSessions = new Map<bigint, bigint>();
  lastProcessedZxid: Zxid = ZXID_ZERO;

  /** Replaced by `clear` and by a finished load: never keep it. */
  get tree(): DataTree {
    return this.#tree;
  }
  /** Session id → timeout in milliseconds. */
  get sessions(): ReadonlyMap<bigint, number> {
    return this.#sessions;
  }
  get treeDigest(): bigint {
    return this.#tree.digest;
  }
  /** As `srvr` counts: upstream's map holds the root under "" and under "/". */
  get nodeCount(): number {
    return this.#tree.size + 1;
  }

  apply(txn: Txn): Applied {
    const { header } = txn;
    const zxid = zxidFrom(header.zxid);
    this.#see(header.clientId);
    const effect = applyBody(this.#tree, header, txn.txn);
    const created = this.#createSession(txn);
    const closed = this.#closeSession(txn);
    // Once, after the last part of a multi: a snapshot between parts must not claim the whole.
    if (zxid > this.lastProcessedZxid) this.lastProcessedZxid = zxid;
    return {
      zxid,
      type: header.type,
      ...effect,
      ...(created === undefined ? {} : { createdSession: created }),
      ...(closed === undefined ? {} : { closedSession: closed }),
      ...this.#compareDigest(txn),
    };
  }

  #createSession({ header, txn }: Txn): SessionId | undefined {
    if (txn.type !== -10) return undefined;
    this.#sessions.set(header.clientId, txn.body.timeoutMs);
    return sessionIdFrom(header.clientId);
  }

  #closeSession({ header, txn }: Txn): SessionId | undefined {
    if (txn.type !== -11) return undefined;
    this.#sessions.delete(header.clientId);
    return sessionIdFrom(header.clientId);
  }

  #compareDigest({ digest }: Txn): { isDigestEqual?: boolean } {
    if (digest === undefined || digest.version !== DIGEST_VERSION) return {};
    return { isDigestEqual: digest.treeDigest === this.#tree.digest };
  }

  #see(sessionId: bigint): void {
    const server = BigInt.asUintN(64, sessionId) >> 56n;
    const highest = this.#highestSessions.get(server);
    if (highest === undefined || BigInt.asUintN(64, sessionId) > BigInt.asUintN(64, highest)) {
      this.#highestSessions.set(server, sessionId);
    }
  }

  /** Session ids that must not be given out again, nor any lower one of the same server. */
  sessionIdsSeen(): Iterable<bigint> {
    return this.#highestSessions.values();
  }

  /**
   * Fills /zookeeper/config as each server of an ensemble does at its start, without a
   * transaction: the node lies outside the digest and its stamps may differ between servers.
   */
  setConfigData(text: string, configVersion: bigint, wallMs: number): void {
    this.#tree.ensureConfig();
    const change = { version: -1, zxid: configVersion, timeMs: BigInt(wallMs) };
    this.#tree.setData(CONFIG_PATH, encoder.encode(text), change);
  }

  openSnapshot(): SnapshotView {
    const tree = this.#tree;
    const nodes = tree.openView();
    const sessions = [...this.#sessions];
    const acls = tree.aclEntries();
    const zxid = this.lastProcessedZxid;
    return {
      zxid,
      sessionCount: sessions.length,
      sessions,
      aclCount: acls.length,
      acls,
      nodes,
      // Upstream's digest belongs to a transaction, and before the first one there is none.
      treeDigest: zxid === ZXID_ZERO ? 0n : tree.digest,
      close: () => tree.closeView(),
    };
  }

  get isSnapshotOpen(): boolean {
    return this.#tree.isViewOpen;
  }

  /** Loads aside, so that a snapshot that turns out to be broken leaves everything as it was. */
  beginLoad(): SnapshotLoader {
    const tree = new DataTree();
    const sessions = new Map<bigint, number>();
    let isOpen = true;
    return {
      session: (sessionId, timeoutMs) => {
        sessions.set(sessionId, timeoutMs);
      },
      acl: (key, acl) => tree.loadAcl(key, acl),
      node: (node) => tree.loadNode(node),
      finish: (zxid) => {
        assert(isOpen, 'a load finishes once');
        isOpen = false;
        tree.finishLoad();
        this.#replace(tree, sessions, zxidFrom(zxid));
      },
    };
  }

  /** Back to the fresh tree. A view that is open goes on showing the old one. */
  clear(): void {
    this.#replace(DataTree.fresh(), new Map(), ZXID_ZERO);
  }

  #replace(tree: DataTree, sessions: ReadonlyMap<bigint, number>, zxid: Zxid): void {
    this.#tree = tree;
    this.#sessions.clear();
    for (const [sessionId, timeoutMs] of sessions) {
      this.#sessions.set(sessionId, timeoutMs);
      this.#see(sessionId);
    }
    for (const owner of tree.ephemeralOwners()) {
      if (ownerKind(owner) === 'session') this.#see(owner);
    }
    this.lastProcessedZxid = zxid;
  }
}
