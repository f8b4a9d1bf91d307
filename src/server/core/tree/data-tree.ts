/**
 * The tree of znodes: a map from path to node, with what has to be found without a search
 * (children, ephemerals of a session, containers) and what must be known at every moment (digest,
 * sizes). Its methods are the effects of transactions, total and idempotent: replaying a log over
 * a snapshot that is newer than its first transaction gives the same tree. Upstream: DataTree,
 * NodeHashMapImpl.
 */
import { assert } from '../../../base/assert.ts';
import { type Acl, Permission } from '../../../wire/client.ts';
import { ErrorCode } from '../../../wire/error-code.ts';
import { MalformedError } from '../../../wire/jute.ts';
import type { SnapshotNode } from '../snapshot-port.ts';
import { AclCache, OPEN_ACL_KEY } from './acl-cache.ts';
import { nodeDigest, shiftDigest } from './node-digest.ts';
import { NodeTable } from './node-table.ts';
import {
  CONFIG_PATH,
  childName,
  nodeKey,
  parentPath,
  QUOTA_PATH,
  ROOT,
  ZOOKEEPER_PATH,
} from './path.ts';
import { TreeView } from './tree-view.ts';
import {
  createdStat,
  type MutableStat,
  ownerKind,
  raisedCversion,
  type Znode,
  zeroStat,
} from './znode.ts';

const CONFIG_ACL: readonly Acl[] = [
  { perms: Permission.read, id: { scheme: 'world', id: 'anyone' } },
];
const noPaths: ReadonlySet<string> = new Set();

export interface Creation {
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly owner: bigint;
  readonly parentCversion: number;
  readonly zxid: bigint;
  readonly timeMs: bigint;
}

export type TreeError = 0 | typeof ErrorCode.NoNode | typeof ErrorCode.NodeExists;

export class DataTree {
  readonly #nodes = new NodeTable();
  readonly #acls = new AclCache();
  readonly #ephemerals = new Map<bigint, Set<string>>();
  readonly #containers = new Set<string>();
  readonly #ttls = new Set<string>();
  #nextOrdinal = 0;
  #digest = 0n;
  #dataSizeBytes = 0;
  #ephemeralCount = 0;
  #view: TreeView | undefined;

  /** A tree with the nodes that exist from the start. */
  static fresh(): DataTree {
    const tree = new DataTree();
    const empty = new Uint8Array(0);
    for (const path of [ROOT, ZOOKEEPER_PATH, CONFIG_PATH, QUOTA_PATH]) {
      tree.#insert(path, empty, OPEN_ACL_KEY, zeroStat());
    }
    tree.#restrictConfig();
    return tree;
  }

  /** In upstream's eyes the ACL of the configuration was set once, with version -1. */
  #restrictConfig(): void {
    const config = this.#nodes.get(CONFIG_PATH) as Znode;
    this.#replaceAcl(config, CONFIG_ACL);
    config.stat.aversion = -1;
  }

  get(path: string): Znode | undefined {
    return this.#nodes.get(nodeKey(path));
  }
  acl(node: Znode): readonly Acl[] {
    return this.#acls.get(node.aclKey);
  }
  /** Paths of a session's ephemerals, in order of creation. */
  ephemeralsOf(session: bigint): ReadonlySet<string> {
    return this.#ephemerals.get(session) ?? noPaths;
  }
  /** Sessions that own ephemerals. */
  ephemeralOwners(): IterableIterator<bigint> {
    return this.#ephemerals.keys();
  }
  get containers(): ReadonlySet<string> {
    return this.#containers;
  }
  get ttls(): ReadonlySet<string> {
    return this.#ttls;
  }
  get size(): number {
    return this.#nodes.size;
  }
  get digest(): bigint {
    return this.#digest;
  }
  get ephemeralCount(): number {
    return this.#ephemeralCount;
  }
  /** Characters of paths and bytes of data, as `mntr` counts them. */
  get dataSizeBytes(): number {
    return this.#dataSizeBytes;
  }
  nodes(): IterableIterator<Znode> {
    return this.#nodes.values();
  }

  /**
   * An existing node means that a log is replayed over a newer snapshot: the node keeps its data,
   * takes the ACL (its own may be missing in a fuzzy snapshot), and the parent's counters are
   * raised all the same.
   */
  create(path: string, creation: Creation): TreeError {
    const parentKey = parentPath(path);
    const parent = parentKey === undefined ? undefined : this.#nodes.get(parentKey);
    const existing = this.#nodes.get(nodeKey(path));
    if (parent !== undefined && existing?.path !== ROOT) this.#raiseParent(parent, creation);
    if (existing !== undefined) {
      this.#beforeChange(existing);
      this.#replaceAcl(existing, creation.acl);
      return ErrorCode.NodeExists;
    }
    if (parent === undefined) return ErrorCode.NoNode;
    const { data, acl, owner, zxid, timeMs } = creation;
    this.#insert(path, data, this.#acls.intern(acl), createdStat(zxid, timeMs, owner));
    return 0;
  }

  #raiseParent(parent: Znode, { parentCversion, zxid }: Creation): void {
    const cversion = raisedCversion(parent.stat.cversion, parentCversion);
    if (cversion === undefined) return;
    this.#beforeChange(parent);
    parent.stat.cversion = cversion;
    parent.stat.pzxid = zxid;
    this.#redigest(parent);
  }

  /**
   * A missing node still raises the parent's pzxid. Children exist only when a log is replayed
   * over a newer snapshot; they go too, and later transactions make them again.
   */
  delete(path: string, zxid: bigint): TreeError {
    const parentKey = parentPath(path);
    const parent = parentKey === undefined ? undefined : this.#nodes.get(parentKey);
    if (parent === undefined || nodeKey(path) === ROOT) return ErrorCode.NoNode;
    if (zxid > parent.stat.pzxid) {
      this.#beforeChange(parent);
      parent.stat.pzxid = zxid;
      this.#redigest(parent);
    }
    const node = this.#nodes.get(path);
    if (node === undefined) return ErrorCode.NoNode;
    const doomed = [node];
    for (let index = 0; index < doomed.length; index++) {
      const { path: above, children } = doomed[index] as Znode;
      for (const name of children ?? noPaths) {
        doomed.push(this.#nodes.get(`${above}/${name}`) as Znode);
      }
    }
    for (const lower of doomed.reverse()) this.#remove(lower);
    return 0;
  }

  setData(
    path: string,
    data: Uint8Array | null,
    change: { readonly version: number; readonly zxid: bigint; readonly timeMs: bigint },
  ): TreeError {
    const node = this.get(path);
    if (node === undefined) return ErrorCode.NoNode;
    this.#beforeChange(node);
    this.#dataSizeBytes += (data?.length ?? 0) - (node.data?.length ?? 0);
    node.data = data;
    node.stat.version = change.version;
    node.stat.mzxid = change.zxid;
    node.stat.mtime = change.timeMs;
    this.#redigest(node);
    return 0;
  }

  setAcl(path: string, acl: readonly Acl[], aversion: number): TreeError {
    const node = this.get(path);
    if (node === undefined) return ErrorCode.NoNode;
    this.#beforeChange(node);
    this.#replaceAcl(node, acl);
    node.stat.aversion = aversion;
    this.#redigest(node);
    return 0;
  }

  /** The configuration node of an ensemble; trees that come from before 3.5 lack it. */
  ensureConfig(): void {
    if (this.#nodes.has(CONFIG_PATH)) return;
    for (const path of [ZOOKEEPER_PATH, CONFIG_PATH]) {
      if (!this.#nodes.has(path)) {
        this.#insert(path, new Uint8Array(0), OPEN_ACL_KEY, zeroStat());
      }
    }
    this.#restrictConfig();
  }

  get isViewOpen(): boolean {
    return this.#view !== undefined;
  }

  openView(): TreeView {
    assert(this.#view === undefined, 'one view of the tree at a time');
    this.#view = new TreeView(this.#nodes.values(), this.#nextOrdinal);
    return this.#view;
  }

  closeView(): void {
    this.#view = undefined;
  }

  aclEntries(): Array<readonly [key: bigint, acl: readonly Acl[]]> {
    return this.#acls.entries();
  }

  loadAcl(key: bigint, acl: readonly Acl[]): void {
    this.#acls.load(key, acl);
  }

  loadNode({ path, data, aclKey, stat }: SnapshotNode): void {
    const parentKey = parentPath(path);
    const isRoot = path === ROOT;
    if (isRoot !== (this.#nodes.size === 0)) {
      throw malformed(isRoot ? 'the root comes twice' : 'the root does not come first');
    }
    if (!isRoot && (parentKey === undefined || !this.#nodes.has(parentKey))) {
      throw malformed(`the parent of ${path} is missing`);
    }
    if (!isRoot && this.#nodes.has(nodeKey(path))) throw malformed(`${path} comes twice`);
    this.#acls.claim(aclKey);
    this.#insert(path, data, aclKey, { ...stat });
  }

  finishLoad(): void {
    if (this.#nodes.size === 0) throw malformed('the root is missing');
    this.#acls.purge();
  }

  #insert(path: string, data: Uint8Array | null, aclKey: bigint, stat: MutableStat): void {
    const ordinal = this.#nextOrdinal++;
    const node: Znode = {
      path,
      ordinal,
      data,
      aclKey,
      stat,
      children: undefined,
      digest: 0,
      older: undefined,
      younger: undefined,
      isRemoved: false,
    };
    this.#nodes.add(node);
    if (path !== ROOT) {
      const parent = this.#nodes.get(parentPath(path) as string) as Znode;
      parent.children ??= new Set();
      parent.children.add(childName(path));
    }
    this.#dataSizeBytes += path.length + (data?.length ?? 0);
    this.#index(path, stat.ephemeralOwner);
    this.#redigest(node);
  }

  #index(path: string, owner: bigint): void {
    switch (ownerKind(owner)) {
      case 'container':
        this.#containers.add(path);
        break;
      case 'ttl':
        this.#ttls.add(path);
        break;
      case 'session': {
        const paths = this.#ephemerals.get(owner);
        if (paths === undefined) this.#ephemerals.set(owner, new Set([path]));
        else paths.add(path);
        this.#ephemeralCount++;
        break;
      }
      default:
    }
  }

  #remove(node: Znode): void {
    const { path } = node;
    this.#view?.beforeRemoval(node);
    this.#nodes.remove(node);
    const parent = this.#nodes.get(parentPath(path) as string);
    parent?.children?.delete(childName(path));
    this.#acls.release(node.aclKey);
    this.#dataSizeBytes -= path.length + (node.data?.length ?? 0);
    this.#digest = shiftDigest(this.#digest, node.digest, 0);
    this.#containers.delete(path);
    this.#ttls.delete(path);
    const paths = this.#ephemerals.get(node.stat.ephemeralOwner);
    if (paths?.delete(path) !== true) return;
    this.#ephemeralCount--;
    if (paths.size === 0) this.#ephemerals.delete(node.stat.ephemeralOwner);
  }

  #beforeChange(node: Znode): void {
    this.#view?.beforeChange(node);
  }

  #redigest(node: Znode): void {
    const digest = nodeDigest(node.path, node.data, node.stat);
    this.#digest = shiftDigest(this.#digest, node.digest, digest);
    node.digest = digest;
  }

  /** Interns first: a list that replaces itself must keep its key. */
  #replaceAcl(node: Znode, acl: readonly Acl[]): void {
    const key = this.#acls.intern(acl);
    this.#acls.release(node.aclKey);
    node.aclKey = key;
  }
}

function malformed(problem: string): MalformedError {
  return new MalformedError(problem, { record: 'Snapshot', field: 'nodes', offset: 0 });
}
