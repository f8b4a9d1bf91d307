/**
 * ZooKeeper's tree in the plainest way: what each write does, what it answers, and why it is refused. It is
 * the one model of the tree outside the server, and shares nothing with it: the contract replays histories
 * on it, the servers' disks are read back into it, and the server's property tests compare with it.
 *
 * Requests are decided and take effect at once, one after another; a multi takes effect whole or not at
 * all. Child changes are counted directly, where a server derives them from two other numbers. Zxids and
 * times are plain numbers, sessions are opaque names, data is text with one character per byte. Sources:
 * the programmer's guide, DataTree.processTxn and PrepRequestProcessor (order of the checks).
 */

/** Name of a refusal in the protocol's error table. */
export type PlainError =
  | 'Unimplemented'
  | 'BadArguments'
  | 'NoNode'
  | 'NoAuth'
  | 'BadVersion'
  | 'NoChildrenForEphemerals'
  | 'NodeExists'
  | 'NotEmpty'
  | 'RuntimeInconsistency';

/** Permission bits. */
const WRITE = 2;
const CREATE = 4;
const DELETE = 8;
const ADMIN = 16;
const ALL = 31;
const READ = 1;

export interface PlainNode {
  data: string | null;
  /** What the world may do. */
  perms: number;
  /** The session of an ephemeral; empty for every other node. */
  owner: string;
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctime: number;
  mtime: number;
  version: number;
  aversion: number;
  /** Children ever created: the next sequence number. */
  childrenCreated: number;
  /** Children created and deleted: what Stat calls cversion. */
  childChanges: number;
  /** Names; absent while there are none. */
  children: Set<string> | undefined;
}

/** Stat as clients see it. */
export interface NodeStat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** Session name; empty for none. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: number;
}

export type PlainWrite =
  | {
      readonly op: 'create';
      readonly path: string;
      readonly data: string | null;
      /** The protocol's number: 0 and 4 persistent, 1 ephemeral, 2 and 3 the same with a sequence. */
      readonly flags: number;
      readonly perms?: number;
    }
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'check'; readonly path: string; readonly version: number }
  | {
      readonly op: 'setData';
      readonly path: string;
      readonly data: string | null;
      readonly version: number;
    }
  | {
      readonly op: 'setAcl';
      readonly path: string;
      readonly perms: number;
      readonly version: number;
    };

/** Who writes, and the stamps of the transaction. */
export interface WriteContext {
  readonly session: string;
  readonly zxid: number;
  readonly timeMs: number;
}

export type ChangeKind = 'created' | 'deleted' | 'changed' | 'aclChanged';

export interface PlainChange {
  readonly kind: ChangeKind;
  readonly path: string;
  /** As it goes on; undefined once deleted. */
  readonly node: Readonly<PlainNode> | undefined;
  /** Whose child came or went. */
  readonly parent?: Readonly<PlainNode>;
}

export interface PlainReply {
  readonly error?: PlainError;
  /** The final path of a create, else the one asked for. */
  readonly path?: string;
  readonly stat?: NodeStat;
}

/** The same with the node itself in the place of its Stat. */
export interface PlainOutcome {
  readonly error?: PlainError;
  readonly path?: string;
  readonly node?: Readonly<PlainNode>;
}

const RESERVED: ReadonlySet<string> = new Set([
  '',
  '/',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
]);

export class PlainTree {
  readonly #nodes = new Map<string, PlainNode>();
  readonly #ephemerals = new Map<string, Set<string>>();
  /** While a multi runs: how to take back what it did. */
  #undo: (() => void)[] | undefined;
  #changes: PlainChange[] = [];

  /** The tree of a new ensemble. */
  constructor() {
    this.load('/', { childChanges: -1 });
    this.load('/zookeeper', { childChanges: -2 });
    this.load('/zookeeper/config', { perms: READ, aversion: -1 });
    this.load('/zookeeper/quota', {});
  }

  /** A tree without any node, to be loaded. */
  static empty(): PlainTree {
    const tree = new PlainTree();
    tree.#nodes.clear();
    return tree;
  }

  get nodes(): ReadonlyMap<string, Readonly<PlainNode>> {
    return this.#nodes;
  }

  get(path: string): Readonly<PlainNode> | undefined {
    return this.#nodes.get(path === '' ? '/' : path);
  }

  stat(path: string): NodeStat | undefined {
    const node = this.get(path);
    return node === undefined ? undefined : statOf(node);
  }

  // ------------------------------------------------------- plain changes

  /** Puts a node as it is known from elsewhere; its parent only learns the name. */
  load(path: string, fields: Partial<Omit<PlainNode, 'children'>>): void {
    const before = this.#nodes.get(path);
    if (before !== undefined && before.owner !== '') this.#disown(before.owner, path);
    const node: PlainNode = { ...newNode(), ...fields, children: before?.children };
    this.#nodes.set(path, node);
    if (node.owner !== '') this.#own(node.owner, path);
    if (path === '/') return;
    const parent = this.#nodes.get(parentOf(path));
    if (parent !== undefined) childrenOf(parent).add(nameOf(path));
  }

  /** Removes a node as `load` puts it, and everything below it. */
  unload(path: string): void {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    for (const name of [...(node.children ?? [])]) this.unload(below(path, name));
    this.#nodes.delete(path);
    if (node.owner !== '') this.#disown(node.owner, path);
    this.#nodes.get(parentOf(path))?.children?.delete(nameOf(path));
  }

  /** Changes fields of a node that is there. */
  adjust(path: string, fields: Partial<Omit<PlainNode, 'children' | 'owner'>>): void {
    const node = this.#nodes.get(path);
    if (node !== undefined) Object.assign(node, fields);
  }

  // ------------------------------------------------------------ requests

  /** Changes of the last `write`, `multi` or `closeSession`, in order; none where it was refused. */
  get changes(): readonly PlainChange[] {
    return this.#changes;
  }

  /** Carries out one request, or leaves everything as it was. */
  write(request: PlainWrite, context: WriteContext): PlainReply {
    return replyOf(this.carryOut(request, context));
  }

  /** The same without a copy of the Stat: its node goes on with the tree. */
  carryOut(request: PlainWrite, context: WriteContext): PlainOutcome {
    this.#changes = [];
    return this.#write(request, context);
  }

  /**
   * All or nothing. What came before the one that fails is answered as done although it was not, without
   * an error; the later ones are answered RuntimeInconsistency. `isKept` may take more back than failures.
   */
  multi(
    requests: readonly PlainWrite[],
    context: WriteContext,
    isKept: (replies: readonly PlainReply[]) => boolean = areDone,
  ): readonly PlainReply[] {
    this.#changes = [];
    this.#undo = [];
    const replies: PlainReply[] = [];
    let hasFailed = false;
    for (const request of requests) {
      const reply: PlainReply = hasFailed
        ? refuse('RuntimeInconsistency')
        : replyOf(this.#write(request, context));
      hasFailed ||= reply.error !== undefined;
      replies.push(reply);
    }
    if (!isKept(replies)) this.#takeBack();
    this.#undo = undefined;
    return replies;
  }

  #takeBack(): void {
    for (const back of (this.#undo ?? []).reverse()) back();
    this.#changes = [];
  }

  /** Ephemerals of the session, which go with it. */
  ephemeralsOf(session: string): ReadonlySet<string> {
    return this.#ephemerals.get(session) ?? new Set();
  }

  closeSession(session: string, zxid: number): void {
    this.#changes = [];
    for (const path of [...this.ephemeralsOf(session)]) this.#remove(path, zxid);
  }

  #write(request: PlainWrite, context: WriteContext): PlainOutcome {
    switch (request.op) {
      case 'create':
        return this.#create(request, context);
      case 'delete':
        return this.#delete(request.path, request.version, context.zxid);
      default:
        return this.#change(request, context);
    }
  }

  #create(
    request: Extract<PlainWrite, { op: 'create' }>,
    { session, zxid, timeMs }: WriteContext,
  ): PlainOutcome {
    const { flags, perms = ALL } = request;
    if (flags > 6 || flags < 0) return { error: 'BadArguments' };
    if (flags > 4) return { error: 'Unimplemented' };
    if (!request.path.includes('/') || request.path.includes('\0')) return refuse('BadArguments');
    const parent = this.#nodes.get(parentOf(request.path));
    if (parent === undefined) return refuse('NoNode');
    if ((parent.perms & CREATE) === 0) return refuse('NoAuth');
    const isSequential = flags === 2 || flags === 3;
    const path = request.path + (isSequential ? sequenceText(parent.childrenCreated) : '');
    if (this.#nodes.has(path)) return refuse('NodeExists');
    if (!isValidPath(path)) return refuse('BadArguments');
    if (parent.owner !== '') return refuse('NoChildrenForEphemerals');
    const node = newNode();
    node.data = request.data;
    node.perms = perms;
    node.owner = flags === 1 || flags === 3 ? session : '';
    node.czxid = zxid;
    node.mzxid = zxid;
    node.pzxid = zxid;
    node.ctime = timeMs;
    node.mtime = timeMs;
    this.#add(path, node, parent, zxid);
    return { path, node };
  }

  #delete(path: string, version: number, zxid: number): PlainOutcome {
    if (!path.includes('/') || RESERVED.has(path)) return refuse('BadArguments');
    const parent = this.#nodes.get(parentOf(path));
    if (parent === undefined) return refuse('NoNode');
    if ((parent.perms & DELETE) === 0) return refuse('NoAuth');
    const node = this.#nodes.get(path);
    if (node === undefined) return refuse('NoNode');
    if (version !== -1 && version !== node.version) return refuse('BadVersion');
    if ((node.children?.size ?? 0) > 0) return refuse('NotEmpty');
    this.#remove(path, zxid);
    return { path };
  }

  #change(
    request: Extract<PlainWrite, { op: 'setData' | 'setAcl' | 'check' }>,
    { zxid, timeMs }: WriteContext,
  ): PlainOutcome {
    const { op, path, version } = request;
    const node = this.#nodes.get(path);
    // Whatever is in the tree has a valid path.
    if (node === undefined) return refuse(isValidPath(path) ? 'NoNode' : 'BadArguments');
    const wanted = op === 'setData' ? WRITE : op === 'setAcl' ? ADMIN : READ;
    if ((node.perms & wanted) === 0) return refuse('NoAuth');
    if (version !== -1 && version !== (op === 'setAcl' ? node.aversion : node.version)) {
      return refuse('BadVersion');
    }
    if (op === 'check') return { path };
    this.#remember(node);
    if (op === 'setData') {
      node.data = request.data;
      node.mzxid = zxid;
      node.mtime = timeMs;
      node.version = (node.version + 1) | 0;
    } else {
      node.perms = request.perms;
      node.aversion = (node.aversion + 1) | 0;
    }
    this.#changes.push({ kind: op === 'setData' ? 'changed' : 'aclChanged', path, node });
    return { path, node };
  }

  #add(path: string, node: PlainNode, parent: PlainNode, zxid: number): void {
    this.#remember(parent);
    this.#nodes.set(path, node);
    if (node.owner !== '') this.#own(node.owner, path);
    const children = childrenOf(parent);
    children.add(nameOf(path));
    parent.childrenCreated = (parent.childrenCreated + 1) | 0;
    parent.childChanges++;
    parent.pzxid = zxid;
    this.#changes.push({ kind: 'created', path, node, parent });
    this.#undo?.push(() => {
      this.#nodes.delete(path);
      if (node.owner !== '') this.#disown(node.owner, path);
      children.delete(nameOf(path));
    });
  }

  #remove(path: string, zxid: number): void {
    const node = this.#nodes.get(path) as PlainNode;
    const parent = this.#nodes.get(parentOf(path)) as PlainNode;
    this.#remember(parent);
    this.#nodes.delete(path);
    if (node.owner !== '') this.#disown(node.owner, path);
    parent.children?.delete(nameOf(path));
    parent.childChanges++;
    parent.pzxid = zxid;
    this.#changes.push({ kind: 'deleted', path, node: undefined, parent });
    this.#undo?.push(() => {
      this.#nodes.set(path, node);
      if (node.owner !== '') this.#own(node.owner, path);
      childrenOf(parent).add(nameOf(path));
    });
  }

  /** As it is; names of children are taken back one by one. */
  #remember(node: PlainNode): void {
    if (this.#undo === undefined) return;
    const before = { ...node };
    this.#undo.push(() => Object.assign(node, before));
  }

  #own(session: string, path: string): void {
    const paths = this.#ephemerals.get(session);
    if (paths === undefined) this.#ephemerals.set(session, new Set([path]));
    else paths.add(path);
  }

  #disown(session: string, path: string): void {
    const paths = this.#ephemerals.get(session);
    if (paths?.delete(path) === true && paths.size === 0) this.#ephemerals.delete(session);
  }
}

function newNode(): PlainNode {
  return {
    data: '',
    perms: ALL,
    owner: '',
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    ctime: 0,
    mtime: 0,
    version: 0,
    aversion: 0,
    childrenCreated: 0,
    childChanges: 0,
    children: undefined,
  };
}

export function statOf(node: Readonly<PlainNode>): NodeStat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: node.childChanges,
    aversion: node.aversion,
    ephemeralOwner: node.owner,
    dataLength: node.data?.length ?? 0,
    numChildren: node.children?.size ?? 0,
    pzxid: node.pzxid,
  };
}

function replyOf(outcome: PlainOutcome): PlainReply {
  const { path, node } = outcome;
  return path === undefined || node === undefined ? outcome : { path, stat: statOf(node) };
}

const areDone = (replies: readonly PlainReply[]): boolean =>
  replies.every(({ error }) => error === undefined);

function refuse(error: PlainError): { readonly error: PlainError } {
  return { error };
}

function childrenOf(node: PlainNode): Set<string> {
  node.children ??= new Set();
  return node.children;
}

/** `%010d` of a signed 32-bit number: the sign takes one of the ten places. */
export function sequenceText(number: number): string {
  return number < 0 ? `-${String(-number).padStart(9, '0')}` : String(number).padStart(10, '0');
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function below(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

const SLASH = 0x2f;
const DOT = 0x2e;

/** PathUtils.validatePath: absolute, no empty, `.` or `..` component, none of these characters. */
export function isValidPath(path: string): boolean {
  if (path === '/') return true;
  if (path.charCodeAt(0) !== SLASH) return false;
  let start = 1;
  for (let index = 1; index <= path.length; index++) {
    const code = index === path.length ? SLASH : path.charCodeAt(index);
    if (code === SLASH) {
      if (!isValidComponent(path, start, index)) return false;
      start = index + 1;
    } else if (!isValidCode(code)) return false;
  }
  return true;
}

function isValidComponent(path: string, start: number, end: number): boolean {
  const length = end - start;
  if (length > 2) return true;
  if (length === 0) return false;
  const areDots = path.charCodeAt(start) === DOT && path.charCodeAt(end - 1) === DOT;
  return !areDots;
}

function isValidCode(code: number): boolean {
  if (code > 0x1f && code < 0x7f) return true;
  if (code <= 0x9f) return false;
  return !((code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0);
}
