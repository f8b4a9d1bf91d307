/**
 * The last committed transactions in memory: the window from which a learner can be brought up to date by
 * DIFF. A hole in it would lose transactions (ZOOKEEPER-4925), so within an epoch zxids are consecutive.
 * Upstream: ZKDatabase.committedLog.
 */
import { assert } from '../../base/assert.ts';
import { counterOf, epochOf, type Zxid } from '../../base/zxid.ts';

export interface CommittedTxn {
  readonly zxid: Zxid;
  /** Header, record and digest, as logged. */
  readonly bytes: Uint8Array;
}

export class CommittedLog {
  readonly #limit: number;
  #entries: CommittedTxn[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  reset(entries: readonly CommittedTxn[]): void {
    this.#entries = [];
    for (const entry of entries) this.add(entry);
  }

  add(entry: CommittedTxn): void {
    const last = this.#entries.at(-1);
    if (last !== undefined) {
      const isNext =
        epochOf(entry.zxid) > epochOf(last.zxid) ||
        (epochOf(entry.zxid) === epochOf(last.zxid) &&
          counterOf(entry.zxid) === counterOf(last.zxid) + 1);
      assert(isNext, 'the committed log has no hole', { last: last.zxid, next: entry.zxid });
    }
    this.#entries.push(entry);
    // Trimmed in blocks, so that a removal costs nothing on average.
    if (this.#entries.length > 2 * this.#limit) {
      this.#entries = this.#entries.slice(-this.#limit);
    }
  }

  get entries(): readonly CommittedTxn[] {
    return this.#entries;
  }
  get min(): Zxid | undefined {
    return this.#entries[0]?.zxid;
  }
  get max(): Zxid | undefined {
    return this.#entries.at(-1)?.zxid;
  }
}
