/**
 * Mistakes of real servers. Those with a number are issues of ZooKeeper that lost or resurrected
 * data, or hung an ensemble, each in the words of this model.
 */
import { alter, type Mutant, type Spec, type Walks } from '../../kernel/model.ts';
import { include } from '../../kernel/value.ts';
import type { SystemActions } from './system.ts';
import { deposedLeader, oneBehind } from './system-starts.ts';
import {
  acksOf,
  applyFirst,
  change,
  deliver,
  type Message,
  quorumOf,
  receive,
  type Server,
  type Sid,
  type State,
  send,
  setHandler,
} from './system-state.ts';

const two = { servers: 2, txns: 1, epochs: 2, crashes: 1, timeouts: 0, window: 1 } as const;
const three = { servers: 3, txns: 3, epochs: 4, crashes: 3, timeouts: 3 } as const;
/** The last server lacks one transaction, which the leader remembers. */
const noCrash = { ...two, txns: 2, crashes: 0, window: 2 } as const;
const anybody = { servers: 3, epochs: 3, timeouts: 2, election: 'any' } as const;
const many: Walks = { walks: 20_000, steps: 200, seed: 'mutants' };

const isFlushed = ({ flushed, log }: Server): boolean => flushed === log.length;
const nothingCommittedWaits = ({ pending }: Server): boolean => pending[0]?.isCommitted !== true;

/** `from` gives the spec with another beginning. */
export function systemMutants(
  right: SystemActions,
  from: (init: State) => Spec<State>,
): Readonly<Record<string, Mutant<State>>> {
  return {
    ...wrongDiscovery(right, from),
    ...wrongSynchronization(right, from),
    ...wrongBroadcast(right),
  };
}

function wrongDiscovery(
  right: SystemActions,
  from: (init: State) => Spec<State>,
): Readonly<Record<string, Mutant<State>>> {
  return {
    acceptedEpochForgotten: {
      about: 'the accepted epoch is in memory only',
      killedBy: 'oneLeaderPerEpochEver',
      scope: three,
      walks: many,
      actions: {
        Recovered: alter(right.Recovered, {
          next: (s, { i, kept }) => {
            const after = right.Recovered.next(s, { i, kept });
            return change(after, i, { acceptedEpoch: after.servers[i].currentEpoch });
          },
        }),
      },
    },
    knownEpochCounts: {
      about: 'who had accepted the epoch already, from whomever, counts as having accepted it now',
      killedBy: ['durability', 'leaderLogCompleteness'],
      scope: { ...noCrash, ...anybody },
      spec: () => from(oneBehind(3)),
      walks: many,
      actions: {
        EpochAckReceived: alter(right.EpochAckReceived, {
          next: (s, { i, j }) => {
            const after = right.EpochAckReceived.next(s, { i, j });
            if (after.servers[i].handlers[j] === null) return after;
            return change(after, i, { epochAcks: include(after.servers[i].epochAcks, j) });
          },
        }),
      },
    },
    aheadLearnerKept: {
      about: 'a leader synchronizes a learner that has more than itself',
      killedBy: ['durability', 'leaderLogCompleteness'],
      scope: { ...noCrash, ...anybody },
      spec: () => from(oneBehind(3)),
      walks: many,
      actions: {
        EpochAckReceived: alter(right.EpochAckReceived, {
          next: (s, { i, j }) => {
            const message = s.messages[j][i][0] as Extract<Message, { type: 'ACKEPOCH' }>;
            const after = right.EpochAckReceived.next(s, { i, j });
            if (after.servers[i].handlers[j] !== null) return after;
            const { epochAcks } = s.servers[i];
            const kept = setHandler(receive(s, j, i), i, j, {
              phase: 'syncing',
              zxid: message.zxid,
            });
            return change(kept, i, { epochAcks: include(epochAcks, j) });
          },
        }),
      },
    },
    zk2845MemoryKept: {
      about: 'memory is not read back from disk between roles; the log has more than is told',
      killedBy: 'processConsistency',
      scope: three,
      walks: many,
      actions: {
        RoleEnded: alter(right.RoleEnded, {
          next: (s, { i }) =>
            change(right.RoleEnded.next(s, { i }), i, { applied: s.servers[i].applied }),
        }),
        Recovered: alter(right.Recovered, {
          next: (s, { i, kept }) => {
            const after = right.Recovered.next(s, { i, kept });
            const { applied, log, role } = s.servers[i];
            return role === 'recovering'
              ? change(after, i, { applied, log, flushed: log.length })
              : after;
          },
        }),
        AcceptedEpochSaved: alter(right.AcceptedEpochSaved, {
          next: (s, { i }) => {
            const { applied, log } = s.servers[i];
            const shown = change(s, i, { log: log.slice(0, applied) });
            return change(right.AcceptedEpochSaved.next(shown, { i }), i, { log });
          },
        }),
      },
    },
  };
}

function wrongSynchronization(
  right: SystemActions,
  from: (init: State) => Spec<State>,
): Readonly<Record<string, Mutant<State>>> {
  const saveEarly = alter(right.CurrentEpochSaved, {
    drop: ['all that is committed is logged', 'all that is logged is flushed'],
  });
  return {
    zk3911LoggedAfterUpToDate: {
      about: 'synchronized transactions are logged after UPTODATE, while the leader serves already',
      killedBy: 'durability',
      scope: noCrash,
      spec: () => from(oneBehind(2)),
      actions: { CurrentEpochSaved: saveEarly },
    },
    zk4643EpochBeforeLog: {
      about: 'the current epoch is saved before the synchronized transactions are on disk',
      killedBy: 'leaderLogCompleteness',
      scope: { ...noCrash, servers: 3, crashes: 2, timeouts: 2, epochs: 4 },
      walks: many,
      spec: () => from(oneBehind(3)),
      actions: {
        CurrentEpochSaved: alter(saveEarly, {
          when: {
            'a quorum accepted, or NEWLEADER came': (s, { i }) => {
              const { currentEpoch, epoch, epochAcks, phase, role } = s.servers[i];
              if (role === 'leading') return phase === 'acknowledgement' && quorumOf(s, epochAcks);
              return phase === 'logging' && currentEpoch !== epoch;
            },
          },
          next: (s, { i }) => {
            const after = right.CurrentEpochSaved.next(s, { i });
            return s.servers[i].role === 'leading' ? after : change(after, i, { phase: 'logging' });
          },
        }),
        NewLeaderAcked: alter(right.NewLeaderAcked, {
          when: {
            'the current epoch is saved': (s, { i }) => {
              const server = s.servers[i];
              const isSaved = server.phase === 'logging' && server.currentEpoch === server.epoch;
              return isSaved && isFlushed(server) && nothingCommittedWaits(server);
            },
          },
        }),
      },
    },
    zk4646AckBeforeFlush: {
      about: 'NEWLEADER is acknowledged when the synchronized transactions are logged, not flushed',
      killedBy: 'durability',
      scope: noCrash,
      spec: () => from(oneBehind(2)),
      actions: {
        CurrentEpochSaved: alter(right.CurrentEpochSaved, {
          drop: 'all that is logged is flushed',
        }),
      },
    },
    zk4785DiffNotLogged: {
      about: 'synchronized transactions are applied to the tree and never logged',
      killedBy: 'durability',
      scope: noCrash,
      spec: () => from(oneBehind(2)),
      actions: {
        TxnApplied: alter(right.TxnApplied, {
          next: (s, { i }) =>
            s.servers[i].phase === 'logging'
              ? deliver(applyFirst(s, i, 1), i)
              : right.TxnApplied.next(s, { i }),
        }),
      },
    },
    zk4394QueueCleared: {
      about:
        'proposals under way are forgotten at NEWLEADER; a COMMIT before UPTODATE finds nothing',
      killedBy: 'possible',
      scope: three,
      walks: many,
      actions: {
        NewLeaderReceived: alter(right.NewLeaderReceived, {
          next: (s, { i }) => {
            const pending = s.servers[i].pending.filter(({ isCommitted }) => isCommitted);
            return change(right.NewLeaderReceived.next(s, { i }), i, { pending });
          },
        }),
      },
    },
    zk4685AckOutOfTurn: {
      about: 'proposals under way are acknowledged before NEWLEADER is',
      killedBy: 'possible',
      scope: three,
      walks: many,
      actions: {
        NewLeaderAcked: alter(right.NewLeaderAcked, {
          next: (s, { i }) => {
            const { leader, pending } = s.servers[i];
            const acks = pending.map(({ txn }): Message => ({ type: 'ACK', zxid: txn.zxid }));
            return right.NewLeaderAcked.next(send(s, i, leader as Sid, ...acks), { i });
          },
        }),
      },
    },
    zk3701TruncateIgnored: {
      about: 'a log that could not be cut is taken as cut',
      killedBy: ['processConsistency', 'noResurrection'],
      scope: { ...three, window: 2 },
      spec: () => from(change(deposedLeader(3), 's1', { snapshots: [0] })),
      walks: many,
      actions: {
        Truncated: alter(right.Truncated, {
          next: (s, { i }) => change(s, i, { phase: 'truncated' }),
        }),
      },
    },
    outstandingNotSent: {
      about: 'a learner that synchronizes is not sent what is under way',
      killedBy: 'possible',
      scope: three,
      walks: many,
      actions: {
        SyncChosen: alter(right.SyncChosen, {
          next: (s, { i, j }) => {
            const { pending } = s.servers[i];
            const after = right.SyncChosen.next(change(s, i, { pending: [] }), { i, j });
            return change(after, i, { pending });
          },
        }),
      },
    },
    staleAcksCount: {
      about:
        'what a learner acknowledged counts although it was cut from its log when it came back',
      killedBy: 'durability',
      scope: two,
      actions: {
        SyncChosen: alter(right.SyncChosen, {
          next: (s, { i, j }) =>
            change(right.SyncChosen.next(s, { i, j }), i, { pending: s.servers[i].pending }),
        }),
      },
    },
  };
}

function wrongBroadcast(right: SystemActions): Readonly<Record<string, Mutant<State>>> {
  return {
    ackBeforeFlush: {
      about: 'a proposal is acknowledged when it is logged, not flushed',
      killedBy: 'durability',
      scope: two,
      actions: { ProposalAcked: alter(right.ProposalAcked, { drop: 'the next one is flushed' }) },
    },
    leaderAcksUnflushed: {
      about: 'a leader counts itself before its own disk has the transaction',
      killedBy: 'durability',
      scope: two,
      actions: {
        ProposalCommitted: alter(right.ProposalCommitted, {
          when: {
            'a quorum has acknowledged it': (s, { i }) =>
              quorumOf(s, include(acksOf(s.servers[i], i, 0), i)),
          },
        }),
      },
    },
    committedWithoutQuorum: {
      about: 'a leader commits what it proposes',
      killedBy: 'durability',
      scope: two,
      actions: {
        ProposalCommitted: alter(right.ProposalCommitted, { drop: 'a quorum has acknowledged it' }),
      },
    },
  };
}
