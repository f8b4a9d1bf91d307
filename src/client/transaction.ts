/** A multi, put together step by step: `client.transaction().check(…).setData(…).commit()`. */
import type { MultiOperation, MultiResult } from '../wire/client.ts';
import { type Bytes, type CreateOptions, part } from './core/zk.ts';

export class Transaction {
  readonly #operations: MultiOperation[] = [];
  readonly #commit: (operations: readonly MultiOperation[]) => Promise<readonly MultiResult[]>;

  constructor(commit: (operations: readonly MultiOperation[]) => Promise<readonly MultiResult[]>) {
    this.#commit = commit;
  }

  create(path: string, data: Bytes = null, options: CreateOptions = {}): this {
    this.#operations.push(part.create(path, data, options));
    return this;
  }
  delete(path: string, version = -1): this {
    this.#operations.push(part.delete(path, version));
    return this;
  }
  setData(path: string, data: Bytes, version = -1): this {
    this.#operations.push(part.setData(path, data, version));
    return this;
  }
  /** Fails the whole with BadVersion where the node has another version. */
  check(path: string, version: number): this {
    this.#operations.push(part.check(path, version));
    return this;
  }

  /** All or nothing; rejects with the error of the first operation that failed. */
  commit(): Promise<readonly MultiResult[]> {
    return this.#commit([...this.#operations]);
  }
}
