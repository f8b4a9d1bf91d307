/**
 * A lock, exclusive or shared: contenders queue as ephemeral sequential children of one node. Who stands
 * behind nobody that excludes it holds the lock; everybody else watches exactly the nearest one that
 * does, so that a release wakes one contender and not the herd. Exclusive contenders and shared ones
 * exclude each other; shared ones hold it together. `fence` is the czxid of the holder's node: it grows
 * from grant to grant, and a store that refuses a smaller one than it has seen cannot be harmed by a
 * holder that does not know that it lost its session.
 *
 * A create whose answer was lost may have happened. The contender's id is part of the node's name, so it
 * looks for itself among the children instead of queueing twice. `sync` comes before that look, since
 * the server it is connected to now may not have applied its own create yet; should a second node of its
 * own turn up all the same, the lower one counts, or it would wait for those who wait for it.
 * Upstream: Curator's LockInternals (whose names for exclusive contenders these are), the shared locks of
 * ZooKeeper's recipes page.
 */
import { type Zxid, zxidFrom } from '../../../base/zxid.ts';
import { type Program, ZkError } from '../program.ts';
import type { Zk } from '../zk.ts';
import { hasCode, removeOwn, retried } from './retry.ts';

export type LockMode = 'exclusive' | 'shared';

export interface LockOptions {
  /** Unique to this acquisition, such as a GUID; letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  /** Default: exclusive. */
  readonly mode?: LockMode;
  /** How long to queue; without it, for ever. A call that waits for a connection is not cut short. */
  readonly timeoutMs?: number;
}

export interface HeldLock {
  readonly path: string;
  readonly fence: Zxid;
  readonly dir: string;
  readonly id: string;
}

interface Contender {
  readonly name: string;
  readonly sequence: number;
  readonly mode: LockMode;
}

/**
 * Undefined after `timeoutMs`, the own node then being gone again. Cancelling the program leaves no node
 * behind either. Throws where ZooKeeper refuses (NoNode without `dir`, SessionExpired).
 */
export function* acquireLock(
  zk: Zk,
  dir: string,
  options: LockOptions,
): Program<HeldLock | undefined> {
  const { id, mode = 'exclusive', timeoutMs } = options;
  const deadlineMs = timeoutMs === undefined ? undefined : (yield* zk.now()) + timeoutMs;
  let isHeld = false;
  try {
    let own = yield* enterQueue(zk, dir, id, mode);
    for (;;) {
      const contenders = yield* readQueue(zk, dir);
      const mine = contenders.find(({ name }) => isOwn(name, id));
      // Only the end of the session, or somebody's hand, removes it.
      if (mine === undefined) throw nodeGone(`${dir}/${own.name}`);
      if (mine.name !== own.name) own = yield* statOf(zk, dir, mine);
      const before = predecessor(contenders, mine);
      if (before === undefined) {
        isHeld = true;
        return { path: `${dir}/${own.name}`, fence: own.czxid, dir, id };
      }
      const leftMs = deadlineMs === undefined ? undefined : deadlineMs - (yield* zk.now());
      if (leftMs !== undefined && leftMs <= 0) return undefined;
      yield* awaitChange(zk, `${dir}/${before.name}`, leftMs);
    }
  } finally {
    if (!isHeld) yield* leaveQueue(zk, dir, id);
  }
}

export type ReleaseOutcome = 'released' | 'gone';

/**
 * Deletes the holder's node, however often the connection is lost meanwhile, even where the program is
 * cancelled: a node left behind by a living session would block everybody.
 */
export function* releaseLock(zk: Zk, lock: HeldLock): Program<ReleaseOutcome> {
  let isDone = false;
  try {
    const { outcome } = yield* removeOwn(zk, lock.path);
    isDone = true;
    return outcome === 'removed' ? 'released' : 'gone';
  } finally {
    if (!isDone) yield* leaveQueue(zk, lock.dir, lock.id);
  }
}

interface QueuedNode {
  readonly name: string;
  readonly czxid: Zxid;
}

function* enterQueue(zk: Zk, dir: string, id: string, mode: LockMode): Program<QueuedNode> {
  for (;;) {
    try {
      const path = `${dir}/${prefixOf(id)}${suffixes[mode]}`;
      const made = yield* zk.create(path, id, { mode: 'ephemeralSequential' });
      return { name: made.path.slice(dir.length + 1), czxid: zxidFrom(made.stat.czxid) };
    } catch (error) {
      if (!hasCode(error, 'ConnectionLoss')) throw error;
    }
    const found = yield* retried(zk, () => findOwn(zk, dir, id));
    if (found !== undefined) return found;
  }
}

function* findOwn(zk: Zk, dir: string, id: string): Program<QueuedNode | undefined> {
  yield* zk.sync(dir);
  const { children } = yield* zk.getChildren(dir);
  const mine = inOrder(children).find(({ name }) => isOwn(name, id));
  return mine === undefined ? undefined : yield* statOf(zk, dir, mine);
}

function* statOf(zk: Zk, dir: string, { name }: Contender): Program<QueuedNode> {
  const path = `${dir}/${name}`;
  const { stat } = yield* retried(zk, () => zk.exists(path));
  if (stat === null) throw nodeGone(path);
  return { name, czxid: zxidFrom(stat.czxid) };
}

function* readQueue(zk: Zk, dir: string): Program<readonly Contender[]> {
  const { children } = yield* retried(zk, () => zk.getChildren(dir));
  return inOrder(children);
}

/**
 * Returns when the node has changed or is gone. getData and not exists: on a missing node exists would
 * leave a watch behind that nothing ever clears.
 */
function* awaitChange(zk: Zk, path: string, timeoutMs: number | undefined): Program<void> {
  try {
    const { watch } = yield* retried(zk, () => zk.getData(path, true));
    yield* zk.awaitWatch(watch, timeoutMs);
  } catch (error) {
    if (!hasCode(error, 'NoNode')) throw error;
  }
}

/** Deletes every node of this id; stops at the end of the session, which removes them too. */
function* leaveQueue(zk: Zk, dir: string, id: string): Program<void> {
  try {
    yield* retried(zk, function* () {
      yield* zk.sync(dir);
      const { children } = yield* zk.getChildren(dir);
      for (const { name } of inOrder(children).filter((child) => isOwn(child.name, id))) {
        try {
          yield* zk.delete(`${dir}/${name}`);
        } catch (error) {
          if (!hasCode(error, 'NoNode')) throw error;
        }
      }
    });
  } catch (error) {
    // Whatever ended the acquisition is what its caller has to hear.
    if (!(error instanceof ZkError)) throw error;
  }
}

/** Exclusive ones are called as Curator's lock calls them. */
const suffixes: Readonly<Record<LockMode, string>> = { exclusive: 'lock-', shared: 'read-' };

function prefixOf(id: string): string {
  return `_c_${id}-`;
}

function isOwn(name: string, id: string): boolean {
  const prefix = prefixOf(id);
  return Object.values(suffixes).some((suffix) => name.startsWith(prefix + suffix));
}

/** Contenders by sequence number; children that are none are left out. */
function inOrder(children: readonly string[]): readonly Contender[] {
  const contenders: Contender[] = [];
  for (const name of children) {
    const [, suffix, digits] = /-(lock-|read-)(-?\d{9,})$/.exec(name) ?? [];
    if (digits === undefined) continue;
    const mode = suffix === suffixes.shared ? 'shared' : 'exclusive';
    contenders.push({ name, sequence: Number(digits), mode });
  }
  return contenders.sort((a, b) => a.sequence - b.sequence);
}

/** The nearest contender before that excludes this one. */
function predecessor(contenders: readonly Contender[], own: Contender): Contender | undefined {
  const before = contenders.slice(0, contenders.indexOf(own));
  return before.findLast(({ mode }) => mode === 'exclusive' || own.mode === 'exclusive');
}

function nodeGone(path: string): ZkError {
  const message = `the queue node ${path} is gone while its session lives`;
  return new ZkError('NoNode', true, { path, message });
}
