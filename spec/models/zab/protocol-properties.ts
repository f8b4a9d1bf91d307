/**
 * The promises of `broadcast.ts` for the protocol model, and what it must reach for them to mean
 * something.
 */
import type { Predicate, Spec } from '../../kernel/model.ts';
import { type Ensemble, promises, type Replica } from './broadcast.ts';
import { committed, type Server, type Sid, type State, sidsOf } from './protocol-state.ts';

function ensembleOf(s: State): Ensemble {
  return {
    replicas: sidsOf(s).map((i) => replicaOf(s, i)),
    leaders: s.epochLeaders,
    broadcasts: s.broadcasts,
    delivered: s.delivered,
    skipped: s.skipped,
  };
}

function replicaOf(s: State, i: Sid): Replica {
  const server = s.servers[i];
  const { currentEpoch, history, leader, phase, role } = server;
  const primary = role === 'following' && leader !== null ? s.servers[leader] : undefined;
  const hasAdopted =
    primary !== undefined && isPrimary(primary) && primary.currentEpoch === currentEpoch;
  return {
    epoch: currentEpoch,
    history,
    stable: history,
    coming: [],
    delivered: committed(server),
    isPrimary: isPrimary(server),
    isBroadcasting: role === 'leading' && phase === 'broadcast',
    follows: hasAdopted ? primary.history : null,
  };
}

function isPrimary({ role, phase }: Server): boolean {
  return role === 'leading' && (phase === 'synchronization' || phase === 'broadcast');
}

/** Nothing is on the way to a server that would not know what to do with it. */
const noStrayMessage: Predicate<State> = (s) =>
  sidsOf(s).every((i) => {
    const { role, learners, leader } = s.servers[i];
    return sidsOf(s).every((j) => {
      const type = s.messages[j][i][0]?.type;
      if (type === undefined) return true;
      const isForLeader = ['CEPOCH', 'ACKEPOCH', 'ACKLD', 'ACK'].includes(type);
      if (role === 'leading') return isForLeader && learners.includes(j);
      return role === 'following' && !isForLeader && leader === j;
    });
  });

const promised = promises(ensembleOf);

export const protocolProperties: Pick<Spec<State>, 'always' | 'onStep'> = {
  ...promised,
  always: { noStrayMessage, ...promised.always },
};

// --- witnesses -----------------------------------------------------------------------------------

const some = (s: State, says: (server: Server) => boolean): boolean =>
  sidsOf(s).some((i) => says(s.servers[i]));

const count = (s: State, says: (server: Server) => boolean): number =>
  sidsOf(s).filter((i) => says(s.servers[i])).length;

export const protocolWitnesses: Readonly<Record<string, Predicate<State>>> = {
  aFollowerDelivers: (s) =>
    some(s, (server) => server.role === 'following' && committed(server).length > 0),
  twoServersBelieveTheyLead: (s) => count(s, ({ role }) => role === 'leading') > 1,
  aLaterEpochDelivers: (s) => s.delivered.some(({ zxid }) => zxid[0] > 1),
  aTransactionOutlivesItsLeader: (s) =>
    some(s, (server) => {
      const last = committed(server).at(-1);
      return (
        server.phase === 'broadcast' && last !== undefined && last.zxid[0] < server.currentEpoch
      );
    }),
  /** Only a quorum that is not everybody can leave something behind. */
  aTransactionIsSkipped: (s) => s.skipped.length > 0,
};
