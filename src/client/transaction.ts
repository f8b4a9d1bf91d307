/** A multi, put together step by step: `client.transaction().check(…).setData(…).commit()`. */
import {
  CreateMode,
  type MultiOperation,
  type MultiResult,
  OPEN_ACL,
  OpCode,
} from '../wire/client.ts';
import { type Bytes, type CreateOptions, toBytes } from './core/zk.ts';

export class Transaction {
  readonly #operations: MultiOperation[] = [];
  readonly #commit: (operations: readonly MultiOperation[]) => Promise<readonly MultiResult[]>;

  constructor(commit: (operations: readonly MultiOperation[]) => Promise<readonly MultiResult[]>) {
    this.#commit = commit;
  }

  create(path: string, data: Bytes = null, options: CreateOptions = {}): this {
    const { mode = 'persistent', acl = OPEN_ACL } = options;
    const request = { path, data: toBytes(data), acl, flags: CreateMode[mode] };
    this.#operations.push({ type: OpCode.create2, request });
    return this;
  }
  delete(path: string, version = -1): this {
    this.#operations.push({ type: OpCode.delete, request: { path, version } });
    return this;
  }
  setData(path: string, data: Bytes, version = -1): this {
    const request = { path, data: toBytes(data), version };
    this.#operations.push({ type: OpCode.setData, request });
    return this;
  }
  /** Fails the whole with BadVersion where the node has another version. */
  check(path: string, version: number): this {
    this.#operations.push({ type: OpCode.check, request: { path, version } });
    return this;
  }

  /** All or nothing; rejects with the error of the first operation that failed. */
  commit(): Promise<readonly MultiResult[]> {
    return this.#commit([...this.#operations]);
  }
}
