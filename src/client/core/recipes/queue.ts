/**
 * A first-in-first-out queue: items are sequential children of one node, and whoever deletes a child owns
 * its item. An item is delivered at most once. A put or a take whose decisive answer was lost
 * throws ConnectionLoss: the item may be in the queue, or taken by a taker that never learnt of it.
 *
 * A taker tries the lowest child first and goes on to the next only when somebody else was faster, so that
 * items leave the queue in the order in which they came. A list that is behind costs a try, not the order:
 * a follower that shows an item also shows every earlier one, or has seen it go.
 * Upstream: DistributedQueue of ZooKeeper's recipes, kazoo's Queue.
 */
import type { Zxid } from '../../../base/zxid.ts';
import type { Program } from '../program.ts';
import { type Bytes, toBytes, type Zk } from '../zk.ts';
import { hasCode, retried } from './retry.ts';

export interface QueueItem {
  /** Of its child: unique within the queue. */
  readonly name: string;
  readonly data: Uint8Array | null;
  /** Of the put or of the take. */
  readonly zxid: Zxid;
}

export interface TakeOptions {
  /** How long to wait for an item; 0 by default. */
  readonly timeoutMs?: number;
}

const PREFIX = 'item-';

export function* put(zk: Zk, dir: string, data: Bytes): Program<QueueItem> {
  const made = yield* zk.create(`${dir}/${PREFIX}`, data, { mode: 'persistentSequential' });
  return { name: made.path.slice(dir.length + 1), data: toBytes(data), zxid: made.zxid };
}

/** Undefined where nothing was there to take, as far as the server knew. */
export function* take(
  zk: Zk,
  dir: string,
  { timeoutMs = 0 }: TakeOptions = {},
): Program<QueueItem | undefined> {
  const deadlineMs = (yield* zk.now()) + timeoutMs;
  for (;;) {
    const { children, watch } = yield* retried(zk, () => zk.getChildren(dir, timeoutMs > 0));
    for (const name of itemsInOrder(children)) {
      const item = yield* takeItem(zk, dir, name);
      if (item !== undefined) return item;
    }
    const leftMs = deadlineMs - (yield* zk.now());
    if (watch === undefined || leftMs <= 0) return undefined;
    yield* zk.awaitWatch(watch, leftMs);
  }
}

/** The data is read before: who has deleted the child can't read it any more. */
function* takeItem(zk: Zk, dir: string, name: string): Program<QueueItem | undefined> {
  const path = `${dir}/${name}`;
  try {
    const { data } = yield* retried(zk, () => zk.getData(path));
    const { zxid } = yield* zk.delete(path);
    return { name, data, zxid };
  } catch (error) {
    if (!hasCode(error, 'NoNode')) throw error;
    return undefined;
  }
}

function itemsInOrder(children: readonly string[]): readonly string[] {
  const numbered = children.flatMap((name) => {
    const digits = /^item-(-?\d{9,})$/.exec(name)?.[1];
    return digits === undefined ? [] : [{ name, sequence: Number(digits) }];
  });
  return numbered.sort((a, b) => a.sequence - b.sequence).map(({ name }) => name);
}
