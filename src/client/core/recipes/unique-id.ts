/**
 * Unique ids: the sequence number that the ensemble gives a new child of one node. No two creations get the
 * same, and whoever asks after another was answered gets a larger one. The child itself is of no more
 * use: it is ephemeral, and deleted at once. An answer that got lost costs a number, never a second use.
 * Upstream: the sequence nodes of ZooKeeper's programmer's guide.
 */
import { type Zxid, zxidFrom } from '../../../base/zxid.ts';
import type { Program } from '../program.ts';
import type { Zk } from '../zk.ts';
import { hasCode, retried } from './retry.ts';

export interface UniqueId {
  /** At least ten digits with leading zeros: ids of one parent sort as texts. */
  readonly id: string;
  /** Of the creation. */
  readonly zxid: Zxid;
}

const PREFIX = 'id-';

/** `dir` must be there. Cancelling the program leaves a child until its session ends. */
export function* nextId(zk: Zk, dir: string): Program<UniqueId> {
  const { path, stat } = yield* retried(zk, () =>
    zk.create(`${dir}/${PREFIX}`, null, { mode: 'ephemeralSequential' }),
  );
  try {
    yield* zk.delete(path);
  } catch (error) {
    // The id is won already; what could not be deleted goes with the session.
    if (!hasCode(error, 'ConnectionLoss') && !hasCode(error, 'NoNode')) throw error;
  }
  return { id: path.slice(dir.length + 1 + PREFIX.length), zxid: zxidFrom(stat.czxid) };
}
