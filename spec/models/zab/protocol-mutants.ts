/**
 * Mistakes that an implementer of ZAB could make: a wrong rule, or an action that does something
 * else. Each must violate the promises that it is said to break.
 */
import { alter, impossible, type Mutant, type Spec } from '../../kernel/model.ts';
import { isAfter, positionOf, ZERO } from './history.ts';
import type { Link, ProtocolActions, Rules } from './protocol.ts';
import { oneDelivered, oneSkipped } from './protocol-starts.ts';
import {
  change,
  commit,
  head,
  initialState,
  type LoggedTxn,
  lastZxidOf,
  type MessageOf,
  type ProtocolScope,
  receive,
  reply,
  type State,
} from './protocol-state.ts';

type Mutants = Readonly<Record<string, Mutant<State>>>;

const none: ProtocolScope = { servers: 2, timeouts: 0, txns: 0, epochs: 1, restarts: 0 };
const oneEpoch = { ...none, txns: 2 };
const twoEpochs = { ...none, timeouts: 1, txns: 2, epochs: 2 };
/** With a third server, somebody may be left behind. */
const leftBehind = { ...none, servers: 3, timeouts: 1, txns: 1, epochs: 2 };
/** An epoch must be left in the budget for anybody to join. */
const lateJoiner = { ...none, servers: 3, txns: 1, epochs: 2 };

/** `under` gives the spec with some rules changed. */
export function protocolMutants(
  budget: ProtocolScope,
  right: ProtocolActions,
  under: (change: Partial<Rules>) => Spec<State>,
): Mutants {
  return { ...wrongRules(budget, right, under), ...wrongSteps(right, under) };
}

function wrongRules(
  { servers }: ProtocolScope,
  right: ProtocolActions,
  under: (change: Partial<Rules>) => Spec<State>,
): Mutants {
  return {
    halfIsAQuorum: {
      about: 'half of the servers count as a quorum',
      killedBy: ['oneLeaderPerEpochEver', 'oneLeaderPerEpoch'],
      scope: { ...none, servers: 4, epochs: 2 },
      spec: () => under({ isQuorum: (sids) => 2 * sids.length >= servers }),
    },
    epochNotAboveTheOthers: {
      about: 'the new epoch is the highest that was accepted, not one more',
      killedBy: 'oneLeaderPerEpochEver',
      scope: twoEpochs,
      spec: () => under({ newEpoch: (accepted) => Math.max(1, ...accepted) }),
    },
    ownHistoryKept: {
      about: 'a leader keeps its own history, whatever a quorum has',
      killedBy: ['leaderLogCompleteness', 'durability', 'committedLogDurability'],
      scope: leftBehind,
      spec: () => ({
        ...under({
          initialHistory: (heard, i) => heard.find(({ sid }) => sid === i)?.history ?? [],
        }),
        init: oneDelivered(right, initialState(servers)),
      }),
    },
    longestHistoryWins: {
      about: 'histories are compared by zxid alone, not first by the epoch that adopted them',
      killedBy: 'noResurrection',
      scope: { ...leftBehind, timeouts: 2, epochs: 3 },
      spec: () => ({
        ...under({
          initialHistory: (heard) =>
            heard.reduce((a, b) => (isAfter(lastOf(b), lastOf(a)) ? b : a)).history,
        }),
        init: oneSkipped(right, initialState(servers)),
      }),
    },
    proposalsOnlyToTheSynchronized: {
      about:
        'PROPOSE goes to who has acknowledged NEWLEADER only; who joins misses it (paper issue 1)',
      killedBy: 'possible',
      scope: lateJoiner,
      spec: () => under({ recipients: ({ ackLeaders }) => ackLeaders }),
    },
    lateCommitNamesTheLastLogged: {
      about: 'COMMITLD to a late follower names the last logged transaction (paper issue 3)',
      killedBy: 'possible',
      scope: lateJoiner,
      spec: () => under({ deliveredSoFar: (leader) => lastZxidOf(leader) }),
    },
  };
}

const lastOf = ({ history }: { readonly history: readonly LoggedTxn[] }) =>
  history.at(-1)?.zxid ?? ZERO;

function wrongSteps(
  right: ProtocolActions,
  under: (change: Partial<Rules>) => Spec<State>,
): Mutants {
  const received = (s: State, { i, j }: Link) => head(s, j, i) as MessageOf<'PROPOSE'>;
  const log = (
    s: State,
    link: Link,
    place: (old: readonly LoggedTxn[], txn: LoggedTxn) => readonly LoggedTxn[],
  ): State => {
    const { zxid, value } = received(s, link);
    const { currentEpoch: epoch, history } = s.servers[link.i];
    const logged = change(s, link.i, { history: place(history, { zxid, value, acks: [], epoch }) });
    return reply(logged, link.i, link.j, { type: 'ACK', zxid });
  };

  return {
    messagesOutliveTheirConnection: {
      about: 'what was on the way when a connection broke is delivered on the next one',
      killedBy: 'noStrayMessage',
      scope: twoEpochs,
      actions: {
        Timeout: alter(right.Timeout, {
          next: (s, link) => ({ ...right.Timeout.next(s, link), messages: s.messages }),
        }),
      },
    },
    acceptedEpochForgotten: {
      about: 'the accepted epoch is in memory only',
      killedBy: 'oneLeaderPerEpochEver',
      scope: { ...leftBehind, txns: 0, restarts: 1 },
      actions: {
        Restart: alter(right.Restart, {
          next: (s, { i }) =>
            change(right.Restart.next(s, { i }), i, { acceptedEpoch: s.servers[i].currentEpoch }),
        }),
      },
    },
    epochAdoptedBeforeItsHistory: {
      about: 'the current epoch is set with the accepted one, before the history is there',
      killedBy: 'leaderLogCompleteness',
      scope: { ...leftBehind, timeouts: 2, epochs: 3 },
      spec: () => ({ ...under({}), init: oneDelivered(right, initialState(3)) }),
      actions: {
        FollowerProcessNEWEPOCH: alter(right.FollowerProcessNEWEPOCH, {
          next: (s, link) => {
            const after = right.FollowerProcessNEWEPOCH.next(s, link);
            const { acceptedEpoch } = after.servers[link.i];
            return change(after, link.i, { currentEpoch: acceptedEpoch });
          },
        }),
      },
    },
    ownTailKept: {
      about: 'a follower that has more than its leader keeps it (ZOOKEEPER-2845)',
      killedBy: 'processConsistency',
      scope: { ...leftBehind, epochs: 3 },
      spec: () => ({ ...under({}), init: oneSkipped(right, initialState(3)) }),
      actions: {
        FollowerProcessNEWLEADER: alter(right.FollowerProcessNEWLEADER, {
          next: (s, link) => {
            const { history } = s.servers[link.i];
            const after = right.FollowerProcessNEWLEADER.next(s, link);
            const isLonger = history.length > after.servers[link.i].history.length;
            return isLonger ? change(after, link.i, { history }) : after;
          },
        }),
      },
    },
    servesBeforeDelivering: {
      about: 'a leader broadcasts before it has delivered its initial history',
      killedBy: 'primaryIntegrity',
      scope: twoEpochs,
      actions: {
        LeaderProcessACKLD: alter(right.LeaderProcessACKLD, {
          next: (s, link) => {
            const after = right.LeaderProcessACKLD.next(s, link);
            return change(after, link.i, { lastCommitted: s.servers[link.i].lastCommitted });
          },
        }),
      },
    },
    deliversWhatItProposes: {
      about: 'a leader delivers a transaction when it proposes it, without a quorum',
      killedBy: 'durability',
      scope: oneEpoch,
      actions: {
        LeaderBroadcastPROPOSE: alter(right.LeaderBroadcastPROPOSE, {
          next: (s, { i }) => {
            const after = right.LeaderBroadcastPROPOSE.next(s, { i });
            const { history } = after.servers[i];
            return commit(after, i, history.length, lastZxidOf(after.servers[i]));
          },
        }),
      },
    },
    ackBeforeLogging: {
      about: 'a follower acknowledges a proposal that it has not logged',
      killedBy: 'durability',
      scope: oneEpoch,
      actions: {
        FollowerProcessPROPOSE: alter(right.FollowerProcessPROPOSE, {
          next: (s, { i, j }) => reply(s, i, j, { type: 'ACK', zxid: received(s, { i, j }).zxid }),
        }),
      },
    },
    anotherValueLogged: {
      about: 'a follower logs something else than was proposed',
      killedBy: ['integrity', 'processConsistency', 'prefixConsistency'],
      scope: oneEpoch,
      actions: {
        FollowerProcessPROPOSE: alter(right.FollowerProcessPROPOSE, {
          next: (s, link) =>
            log(s, link, (history, txn) => [...history, { ...txn, value: txn.value + 100 }]),
        }),
      },
    },
    logIsAStack: {
      about: 'a follower logs in front and delivers whatever comes first',
      killedBy: [
        'agreement',
        'totalOrder',
        'localPrimaryOrder',
        'globalPrimaryOrder',
        'prefixConsistency',
        'monotonicRead',
      ],
      scope: twoEpochs,
      actions: {
        FollowerProcessPROPOSE: alter(right.FollowerProcessPROPOSE, {
          next: (s, link) => log(s, link, (history, txn) => [txn, ...history]),
        }),
        FollowerProcessCOMMIT: alter(right.FollowerProcessCOMMIT, {
          next: (s, { i, j }) => {
            const { history, lastCommitted } = s.servers[i];
            const index = Math.min(history.length, lastCommitted.index + 1);
            return commit(receive(s, j, i), i, index, lastCommitted.zxid);
          },
        }),
      },
    },
    knownProposalsRefused: {
      about: 'a follower takes a proposal that came with NEWLEADER for an error (paper issue 2)',
      killedBy: 'possible',
      scope: lateJoiner,
      actions: {
        FollowerProcessPROPOSE: alter(right.FollowerProcessPROPOSE, {
          next: (s, link) => {
            const { zxid } = received(s, link);
            const isKnown = positionOf(s.servers[link.i].history, zxid) !== undefined;
            if (isKnown) impossible('PROPOSE is known already');
            return right.FollowerProcessPROPOSE.next(s, link);
          },
        }),
      },
    },
  };
}
