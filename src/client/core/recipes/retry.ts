/** What the recipes share: errors by their code, and requests that may be done twice. */
import { ZXID_NONE, type Zxid } from '../../../base/zxid.ts';
import { type Program, ZkError } from '../program.ts';
import type { Zk } from '../zk.ts';

export function hasCode(error: unknown, code: ZkError['code']): error is ZkError {
  return error instanceof ZkError && error.code === code;
}

/** Again after every lost connection: only for what may be done twice. */
export function* retried<T>(zk: Zk, attempt: () => Program<T>): Program<T> {
  for (;;) {
    try {
      return yield* attempt();
    } catch (error) {
      if (!hasCode(error, 'ConnectionLoss')) throw error;
      yield* zk.connected();
    }
  }
}

export interface Removal {
  /** `gone`: the node was not there any more, so that what it stood for had been lost before. */
  readonly outcome: 'removed' | 'gone';
  /** The node was gone at this zxid; its deletion's own one where `isExact`. */
  readonly zxid: Zxid;
  readonly isExact: boolean;
}

/** Deletes an own node, however often the connection is lost meanwhile. */
export function* removeOwn(zk: Zk, path: string): Program<Removal> {
  let wasSentBefore = false;
  for (;;) {
    try {
      const { zxid } = yield* zk.delete(path);
      return { outcome: 'removed', zxid, isExact: true };
    } catch (error) {
      if (hasCode(error, 'NoNode')) {
        // After an unanswered delete the node is gone by our own hand, as far as anybody can tell.
        const outcome = wasSentBefore ? 'removed' : 'gone';
        return { outcome, zxid: error.zxid ?? ZXID_NONE, isExact: false };
      }
      if (!hasCode(error, 'ConnectionLoss')) throw error;
      wasSentBefore = true;
      yield* zk.connected();
    }
  }
}
