/**
 * The promises of `broadcast.ts` for the system model, and what it must reach for them to mean
 * something.
 */
import type { Predicate } from '../../kernel/model.ts';
import { type Ensemble, promises, type Replica } from './broadcast.ts';
import type { Txn } from './history.ts';
import { isConnected, type Server, type Sid, type State, sidsOf } from './system-state.ts';

/** How the promises see a state. */
export function ensembleOf(s: State): Ensemble {
  const { broadcasts, delivered, leaders, skipped } = s;
  return {
    replicas: sidsOf(s).map((i) => replicaOf(s, i)),
    leaders,
    broadcasts,
    delivered,
    skipped,
  };
}

function replicaOf(s: State, i: Sid): Replica {
  const server = s.servers[i];
  const { applied, epoch, flushed, log, phase, role } = server;
  const isPrimary = role === 'leading' && (phase === 'synchronization' || phase === 'broadcast');
  return {
    epoch,
    history: log,
    stable: log.slice(0, flushed),
    coming: comingTo(s, i),
    delivered: phase === 'broadcast' ? log.slice(0, applied) : [],
    isPrimary,
    isBroadcasting: isPrimary && phase === 'broadcast',
    follows: leaderHistory(s, i),
  };
}

function comingTo(s: State, i: Sid): readonly Txn[] {
  const { leader, pending } = s.servers[i];
  const sent = leader === null ? [] : s.messages[leader][i];
  const proposals = sent.flatMap((message) => (message.type === 'PROPOSAL' ? [message.txn] : []));
  return [...pending.map(({ txn }) => txn), ...proposals];
}

/** What the leader of a learner that has acknowledged NEWLEADER has proposed or had from before. */
function leaderHistory(s: State, i: Sid): Replica['follows'] {
  const { epoch, leader, phase } = s.servers[i];
  if (leader === null || (phase !== 'waiting' && phase !== 'broadcast')) return null;
  const primary = s.servers[leader];
  const isCurrent =
    primary.role === 'leading' && primary.epoch === epoch && primary.handlers[i] !== null;
  if (!isCurrent || !isConnected(s.servers[i], leader)) return null;
  const { applied, log, pending } = primary;
  return [...log.slice(0, applied), ...pending.map(({ txn }) => txn)];
}

export const systemProperties = promises(ensembleOf);

const some = (s: State, says: (server: Server) => boolean): boolean =>
  sidsOf(s).some((i) => says(s.servers[i]));

export const systemWitnesses: Readonly<Record<string, Predicate<State>>> = {
  aFollowerDelivers: (s) =>
    some(
      s,
      ({ applied, phase, role }) => role === 'following' && phase === 'broadcast' && applied > 0,
    ),
  aLaterEpochDelivers: (s) => s.delivered.some(({ zxid }) => zxid[0] > 1),
  aTransactionIsSkipped: (s) => s.skipped.length > 0,
  twoServersBelieveTheyLead: (s) =>
    sidsOf(s).filter((i) => s.servers[i].role === 'leading').length > 1,
  anUnflushedTailExists: (s) => some(s, ({ flushed, log }) => flushed < log.length),
  committedBeforeOurDiskHasIt: (s) => some(s, ({ applied, flushed }) => applied > flushed),
  proposalsReachALearnerThatSynchronizes: (s) =>
    some(s, ({ pending, phase }) => phase === 'waiting' && pending.length > 0),
};
