/**
 * A standalone pipeline without disk or sockets: requests in, replies out, commits when asked for.
 */
import type { ConnectionId } from '../../src/base/core.ts';
import { type Zxid, zxidFrom } from '../../src/base/zxid.ts';
import { type Applied, Database } from '../../src/server/core/database.ts';
import { Prep, type Prepared } from '../../src/server/core/pipeline/prep.ts';
import type { Origin, Request } from '../../src/server/core/pipeline/request.ts';
import {
  type Acl,
  CreateRequest,
  DeleteRequest,
  type Id,
  type MultiOperation,
  MultiRequest,
  OPEN_ACL,
  OpCode,
  PathRequest,
  SetAclRequest,
  SetDataRequest,
} from '../../src/wire/client.ts';
import { type Codec, encode } from '../../src/wire/jute.ts';
import { decodeTxn, encodeTxn, type Txn } from '../../src/wire/txn.ts';

export const SESSION = 0x0100000000000001n;
export const CONNECTION = 1 as ConnectionId;
const LOCAL: Origin = { kind: 'local', connection: CONNECTION };

export interface RequestOptions {
  readonly session?: bigint;
  readonly authinfo?: readonly Id[];
  readonly origin?: Origin;
}

export function request(type: number, body: Uint8Array, options: RequestOptions = {}): Request {
  const { session = SESSION, authinfo = [], origin = LOCAL } = options;
  return { origin, sessionId: session, cxid: 1, type, body, authinfo };
}

export class Pipeline {
  readonly database = new Database();
  readonly prep: Prep;
  readonly log: Uint8Array[] = [];
  readonly #pending: Txn[] = [];
  lastZxid: Zxid = zxidFrom(0n);
  session: 'ok' | 'expired' | 'moved' = 'ok';
  /** Sessions whose closing has been decided, as a tracker would know them. */
  readonly #closed = new Set<bigint>();

  constructor() {
    this.prep = new Prep(this.database, (sessionId) =>
      this.#closed.has(sessionId) ? 'expired' : this.session,
    );
  }

  /** Decides a request; it stays pending until `commit`. */
  propose(type: number, body: Uint8Array, options?: RequestOptions): Prepared {
    const zxid = zxidFrom(this.lastZxid + 1n);
    const prepared = this.prep.prepare(request(type, body, options), zxid, 1000 + Number(zxid));
    if ('txn' in prepared) {
      this.lastZxid = zxid;
      const bytes = encodeTxn(prepared.txn);
      this.log.push(bytes);
      this.#pending.push(decodeTxn(bytes));
      if (type === OpCode.closeSession) this.#closed.add(prepared.txn.header.clientId);
    }
    return prepared;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Applies the oldest pending transaction. */
  commit(): Applied {
    const txn = this.#pending.shift();
    if (txn === undefined) throw new Error('nothing is pending');
    const applied = this.database.apply(txn);
    this.prep.applied(applied.zxid);
    return applied;
  }

  commitAll(): Applied[] {
    return [...this.#pending].map(() => this.commit());
  }

  /** Decides and commits; the reply's facts. */
  submit(type: number, body: Uint8Array, options?: RequestOptions): Applied {
    const prepared = this.propose(type, body, options);
    if (!('txn' in prepared)) throw new Error(`no transaction: ${Object.keys(prepared)[0]}`);
    const all = this.commitAll();
    return all[all.length - 1] as Applied;
  }

  write<T>(type: number, codec: Codec<T>, body: T, options?: RequestOptions): Applied {
    return this.submit(type, encode(codec, body), options);
  }

  create(path: string, flags = 0, acl: readonly Acl[] | null = OPEN_ACL, options?: RequestOptions) {
    return this.submit(OpCode.create, createBody(path, flags, acl), options);
  }
  delete(path: string, version = -1, options?: RequestOptions) {
    return this.write(OpCode.delete, DeleteRequest, { path, version }, options);
  }
  setData(path: string, data = '', version = -1, options?: RequestOptions) {
    const body = { path, data: new TextEncoder().encode(data), version };
    return this.write(OpCode.setData, SetDataRequest, body, options);
  }
  setAcl(path: string, acl: readonly Acl[] | null, version = -1, options?: RequestOptions) {
    return this.write(OpCode.setACL, SetAclRequest, { path, acl, version }, options);
  }
  multi(operations: readonly MultiOperation[], options?: RequestOptions) {
    return this.write(OpCode.multi, MultiRequest, operations, options);
  }
}

export function createBody(
  path: string | null,
  flags = 0,
  acl: readonly Acl[] | null = OPEN_ACL,
): Uint8Array {
  return encode(CreateRequest, { path, data: new Uint8Array(0), acl, flags });
}

export function deleteBody(path: string, version = -1): Uint8Array {
  return encode(DeleteRequest, { path, version });
}
export function pathBody(path: string): Uint8Array {
  return encode(PathRequest, { path });
}
export function multiBody(operations: readonly MultiOperation[]): Uint8Array {
  return encode(MultiRequest, operations);
}

export const multiCreate = (path: string, flags = 0): MultiOperation => ({
  type: 1,
  request: { path, data: null, acl: OPEN_ACL, flags },
});
export const multiDelete = (path: string, version = -1): MultiOperation => ({
  type: 2,
  request: { path, version },
});
export const multiSetData = (path: string, version = -1): MultiOperation => ({
  type: 5,
  request: { path, data: null, version },
});
export const multiCheck = (path: string, version: number): MultiOperation => ({
  type: 13,
  request: { path, version },
});
