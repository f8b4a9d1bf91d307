/**
 * Leader election: candidates queue as for an exclusive lock, below a node whose data names the leader.
 * Who is first records itself there, in one multi with a check of its own queue node, which goes with
 * its session: so nobody is recorded who does not lead at that very zxid. The leader's writes to ZooKeeper
 * are fenced the same way (`asLeader`); `fence` fences stores outside.
 * Upstream: LeaderElectionSupport of ZooKeeper's recipes, Curator's LeaderLatch.
 */
import { formatHex, parseHex, type Zxid, zxidFrom } from '../../../base/zxid.ts';
import type { MultiOperation } from '../../../wire/client.ts';
import type { Program } from '../program.ts';
import { type MultiAnswer, part, toText, type Zk } from '../zk.ts';
import { acquireLock, type HeldLock, type ReleaseOutcome, releaseLock } from './lock.ts';
import { retried } from './retry.ts';

export interface CampaignOptions {
  /** Unique to this candidacy; letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  /** How long to stand; without it, for ever. */
  readonly timeoutMs?: number;
}

export interface Leadership extends HeldLock {
  /** Zxid at which it was recorded. */
  readonly recorded: Zxid;
}

export interface RecordedLeader {
  readonly id: string;
  readonly fence: Zxid;
}

/** Undefined after `timeoutMs`, the candidacy then being withdrawn. `dir` must be there. */
export function* campaign(
  zk: Zk,
  dir: string,
  options: CampaignOptions,
): Program<Leadership | undefined> {
  const lock = yield* acquireLock(zk, dir, options);
  if (lock === undefined) return undefined;
  let recorded: Zxid | undefined;
  try {
    // Twice does no harm: the check holds, or the session is over.
    const { zxid } = yield* retried(zk, () =>
      asLeader(zk, lock, [part.setData(dir, writeLeader(lock))]),
    );
    recorded = zxid;
  } finally {
    if (recorded === undefined) yield* releaseLock(zk, lock);
  }
  return { ...lock, recorded };
}

/** All of it, or nothing and NoNode where this leader leads no more. */
export function asLeader(
  zk: Zk,
  { path }: HeldLock,
  operations: readonly MultiOperation[],
): Program<MultiAnswer> {
  return zk.multi([part.check(path), ...operations]);
}

/** `gone`: somebody else may lead since. The record stays until the next leader writes its own. */
export function resign(zk: Zk, leadership: Leadership): Program<ReleaseOutcome> {
  return releaseLock(zk, leadership);
}

function writeLeader({ id, fence }: RecordedLeader): string {
  return `${id} ${formatHex(fence)}`;
}

/** Of the data of the election's node; undefined before the first leader. */
export function readLeader(data: Uint8Array | null): RecordedLeader | undefined {
  const [id, hex] = (toText(data) ?? '').split(' ');
  if (id === undefined || hex === undefined) return undefined;
  const fence = parseHex(hex);
  return fence === undefined ? undefined : { id, fence: zxidFrom(fence) };
}
