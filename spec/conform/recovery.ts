/**
 * Recovered: memory was read back. It ends what was before: a life (the first event of a new incarnation: the
 * server crashed), a role, or TRUNC. What the disk did unseen shortly before is found out now: an epoch, a
 * snapshot, a cut or an installed snapshot may be on disk although nobody was told any more.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { compareZxids } from '../models/zab/history.ts';
import type { Attempt } from './attempt.ts';
import type { ActionName } from './ensemble-model.ts';
import { showZxid } from './told.ts';

type Recovered = Extract<ProtocolEvent, { readonly act: 'Recovered' }>;

/** Each is enabled once at most, and not again by another. */
const unseen: readonly ActionName[] = [
  'EpochProposed',
  'AcceptedEpochSaved',
  'CurrentEpochSaved',
  'Truncated',
  'SnapshotInstalled',
];

/** Every way in which it can have come about; empty if there is none. */
export function recovered(a: Attempt, event: Recovered): readonly Attempt[] {
  const { told } = a;
  a.tells.isUp = true;
  a.tells.isEnding = false;
  a.tells.vote = undefined;
  a.tells.elected = undefined;
  a.tells.snapshot = undefined;
  a.tells.flushed = a.zxid(event.args.lastZxid);
  a.tells.next = { act: 'ElectionStarted', because: 'an election follows' };
  if (told.isUp && !told.isEnding) {
    const isCut = a.server.phase === 'truncated';
    a.tells.next = undefined;
    a.tells.elected = told.elected;
    const reason = 'memory is read back when a life or a role has ended, or the log was cut';
    return a.must(isCut, reason) && readBack(a, event) ? [a] : [];
  }
  const end: ActionName = told.isUp ? 'RoleEnded' : 'Crash';
  if (!flushUnseen(a, event)) return [];
  const ways = withUnseen(a, 0).filter((way) => {
    return snapshotUnseen(way, event) && logUnseen(way, event) && way.silently(end);
  });
  const explained = ways.filter((way) => readBack(way, event));
  if (explained.length === 0) a.refusal ??= ways[0]?.refusal ?? a.refusal;
  return explained;
}

/** What is found in the log was flushed, and an epoch or a snapshot may have come to the disk after it. */
function flushUnseen(a: Attempt, { args }: Recovered): boolean {
  const kept = a.place(args.lastZxid);
  while (isRunning(a) && a.server.flushed < kept) {
    if (!a.silently('TxnFlushed')) return false;
  }
  return true;
}

const isRunning = ({ server }: Attempt): boolean =>
  server.role === 'leading' || server.role === 'following';

/** This attempt, and those in which the disk went on by some more steps. */
function withUnseen(a: Attempt, from: number): readonly Attempt[] {
  const further = unseen.flatMap((action, index) => {
    if (index < from) return [];
    const other = a.fork();
    return other.silently(action) ? withUnseen(other, index + 1) : [];
  });
  return [a, ...further];
}

/** The snapshot that was being written got its name, and nobody was told. */
function snapshotUnseen(a: Attempt, { args }: Recovered): boolean {
  const at = a.place(args.snapshotZxid);
  const isNew = args.snapshotZxid === a.told.snapshot && at > (a.server.snapshots.at(-1) ?? 0);
  return !isNew || a.silently('SnapshotTaken', { i: a.i, at });
}

/** It begins with the newest snapshot that it is known to have, perhaps from before the model's log. */
function beginsRightly(a: Attempt, { args }: Recovered): boolean {
  const { log, snapshots } = a.server;
  const newest = snapshots.at(-1) ?? 0;
  const zxid = a.zxid(args.snapshotZxid);
  const isEarlier = log[0] === undefined || compareZxids(zxid, log[0].zxid) < 0;
  const isRight = isEarlier ? newest <= 0 : a.place(args.snapshotZxid) === newest;
  return isRight || a.refuse('fields', `its newest snapshot is not the one at ${showZxid(zxid)}`);
}

/** What was received last may have come to the log. */
function logUnseen(a: Attempt, { args }: Recovered): boolean {
  while (a.place(args.lastZxid) < 0 && a.server.phase === 'broadcast') {
    if (a.server.pending.length <= a.server.log.length - a.server.applied) return true;
    if (!a.silently('ProposalLogged')) return false;
  }
  return true;
}

/** An epoch of which nobody was told may be one that its leader is yet to propose. */
function hasAccepted(a: Attempt, epoch: number): boolean {
  const { acceptedEpoch } = a.server;
  const isRight = acceptedEpoch === epoch;
  return isRight || a.refuse('guard', `acceptedEpoch is ${epoch}, not ${acceptedEpoch}`);
}

function readBack(a: Attempt, { args, post }: Recovered): boolean {
  const kept = a.place(args.lastZxid);
  return (
    beginsRightly(a, { args, post } as Recovered) &&
    a.must(kept >= 0, `${args.lastZxid} is nothing that it ever had`) &&
    a.take('Recovered', { i: a.i, kept }) &&
    hasAccepted(a, args.acceptedEpoch) &&
    a.same('currentEpoch', args.currentEpoch, a.server.currentEpoch) &&
    a.same('lastLogged', post.lastLogged, args.lastZxid)
  );
}
