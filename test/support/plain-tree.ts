/**
 * A second, naive implementation of the tree and of the checks of writes, to compare with. It
 * keeps whole copies, counts a node's child changes directly (where the server derives them from
 * two other numbers), and adds up the digest from nothing, with Node's own CRC-32.
 */
import { crc32 } from 'node:zlib';
import type { Stat } from '../../src/wire/client.ts';

export interface PlainNode {
  data: string;
  /** What the world may do. */
  perms: number;
  owner: bigint;
  czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  ctime: bigint;
  mtime: bigint;
  version: number;
  aversion: number;
  childrenCreated: number;
  childChanges: number;
}

export type PlainOperation =
  | { readonly op: 'create'; readonly path: string; readonly flags: number; readonly perms: number }
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'check'; readonly path: string; readonly version: number }
  | {
      readonly op: 'setData';
      readonly path: string;
      readonly data: string;
      readonly version: number;
    }
  | {
      readonly op: 'setAcl';
      readonly path: string;
      readonly perms: number;
      readonly version: number;
    };

export interface PlainReply {
  readonly err: number;
  readonly path?: string;
  readonly stat?: Stat;
}

const CONTAINER = -(1n << 63n);
const RESERVED = ['', '/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];

function newNode(zxid: bigint, time: bigint, fields: Partial<PlainNode> = {}): PlainNode {
  const stamps = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time };
  const counters = { version: 0, aversion: 0, childrenCreated: 0, childChanges: 0 };
  return { data: '', perms: 31, owner: 0n, ...stamps, ...counters, ...fields };
}

export class PlainTree {
  /** The root is "/". */
  nodes = new Map<string, PlainNode>([
    ['/', newNode(0n, 0n, { childChanges: -1 })],
    ['/zookeeper', newNode(0n, 0n, { childChanges: -2 })],
    ['/zookeeper/config', newNode(0n, 0n, { perms: 1, aversion: -1 })],
    ['/zookeeper/quota', newNode(0n, 0n)],
  ]);

  copy(): PlainTree {
    const copy = new PlainTree();
    copy.nodes = new Map([...this.nodes].map(([path, node]) => [path, { ...node }]));
    return copy;
  }

  #children(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.nodes.keys()].filter(
      (other) =>
        other !== '/' && other.startsWith(prefix) && !other.slice(prefix.length).includes('/'),
    );
  }

  #parent(path: string): PlainNode | undefined {
    const above = path.slice(0, path.lastIndexOf('/'));
    return this.nodes.get(above === '' ? '/' : above);
  }

  stat(path: string): Stat {
    const node = this.nodes.get(path === '' ? '/' : path) as PlainNode;
    const { czxid, mzxid, pzxid, ctime, mtime, version, aversion } = node;
    return {
      ...{ czxid, mzxid, pzxid, ctime, mtime, version, aversion },
      cversion: node.childChanges,
      ephemeralOwner: node.owner === CONTAINER ? 0n : node.owner,
      dataLength: node.data.length,
      numChildren: this.#children(path === '' ? '/' : path).length,
    };
  }

  /** Applies one operation or leaves everything as it was. */
  write(operation: PlainOperation, session: bigint, zxid: bigint, time: bigint): PlainReply {
    switch (operation.op) {
      case 'create':
        return this.#create(operation, session, zxid, time);
      case 'delete':
        return this.#delete(operation.path, operation.version, zxid);
      default:
        return this.#change(operation, zxid, time);
    }
  }

  #create(
    operation: Extract<PlainOperation, { op: 'create' }>,
    session: bigint,
    zxid: bigint,
    time: bigint,
  ): PlainReply {
    const { flags, perms } = operation;
    if (flags > 6) return { err: -8 };
    if (flags > 4) return { err: -6 };
    if (!operation.path.includes('/')) return { err: -8 };
    const parent = this.#parent(operation.path);
    if (parent === undefined) return { err: -101 };
    if ((parent.perms & 4) === 0) return { err: -102 };
    const number = String(parent.childrenCreated).padStart(10, '0');
    const path = operation.path + (flags === 2 || flags === 3 ? number : '');
    if (path !== '/' && !/^(\/[a-z0-9-]+)+$/.test(path)) return { err: -8 };
    if (this.nodes.has(path)) return { err: -110 };
    if (parent.owner !== 0n && parent.owner !== CONTAINER) return { err: -108 };
    const owner = flags === 1 || flags === 3 ? session : 0n;
    this.nodes.set(path, newNode(zxid, time, { perms, owner }));
    parent.childrenCreated++;
    parent.childChanges++;
    parent.pzxid = zxid;
    return { err: 0, path, stat: this.stat(path) };
  }

  #delete(path: string, version: number, zxid: bigint): PlainReply {
    if (!path.includes('/') || RESERVED.includes(path)) return { err: -8 };
    const parent = this.#parent(path);
    if (parent === undefined) return { err: -101 };
    if ((parent.perms & 8) === 0) return { err: -102 };
    const node = this.nodes.get(path);
    if (node === undefined) return { err: -101 };
    if (version !== -1 && version !== node.version) return { err: -103 };
    if (this.#children(path).length > 0) return { err: -111 };
    this.#remove(path, zxid);
    return { err: 0, path };
  }

  #remove(path: string, zxid: bigint): void {
    this.nodes.delete(path);
    const parent = this.#parent(path) as PlainNode;
    parent.childChanges++;
    parent.pzxid = zxid;
  }

  #change(
    operation: Extract<PlainOperation, { op: 'setData' | 'setAcl' | 'check' }>,
    zxid: bigint,
    time: bigint,
  ): PlainReply {
    const { op, path, version } = operation;
    if (path !== '/' && !/^(\/[a-z0-9-]+)+$/.test(path)) return { err: -8 };
    const node = this.nodes.get(path);
    if (node === undefined) return { err: -101 };
    if ((node.perms & { setData: 2, setAcl: 16, check: 1 }[op]) === 0) return { err: -102 };
    if (version !== -1 && version !== (op === 'setAcl' ? node.aversion : node.version)) {
      return { err: -103 };
    }
    if (op === 'check') return { err: 0, path };
    if (op === 'setData') {
      Object.assign(node, { data: operation.data, mzxid: zxid, mtime: time });
      node.version++;
    } else {
      node.perms = operation.perms;
      node.aversion++;
    }
    return { err: 0, path, stat: this.stat(path) };
  }

  closeSession(session: bigint, zxid: bigint): void {
    for (const [path, { owner }] of [...this.nodes]) {
      if (owner === session) this.#remove(path, zxid);
    }
  }

  digest(): bigint {
    let sum = 0n;
    for (const [path, node] of this.nodes) {
      if (path.startsWith('/zookeeper/')) continue;
      sum += BigInt(plainDigest(path, node));
    }
    return BigInt.asIntN(64, sum);
  }
}

function plainDigest(path: string, node: PlainNode): number {
  const stat = Buffer.alloc(60);
  [node.czxid, node.mzxid, node.pzxid, node.ctime, node.mtime].forEach((value, index) => {
    stat.writeBigInt64BE(value, index * 8);
  });
  [node.version, node.childrenCreated, node.aversion].forEach((value, index) => {
    stat.writeInt32BE(value, 40 + index * 4);
  });
  stat.writeBigInt64BE(node.owner, 52);
  return crc32(
    Buffer.concat([Buffer.from(path === '/' ? '' : path), Buffer.from(node.data), stat]),
  );
}
