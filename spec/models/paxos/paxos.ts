/**
 * Single-decree Paxos: how acceptors that may be slow, deaf or silent agree on one value.
 *
 * A ballot is one attempt, led by one proposer. First it asks the acceptors to promise to take part in no
 * smaller ballot any more, and hears what each has accepted last. Then it asks them to accept a
 * value: the one accepted in the largest ballot that it heard of or, if there is none, any. A value is
 * chosen when a majority has accepted it in one ballot.
 *
 * Messages that were sent stay so for ever: they may be late, received twice, or lost, which is to say never
 * received. A crashed acceptor is one that does nothing; its promise and its vote are on disk.
 *
 * After Lamport, "Paxos Made Simple" (2001) and Paxos.tla in tlaplus/Examples. This file shows that
 * Paxos refines Voting, which refines Consensus.
 */
import { type Arrow, actionsOn, alter, model, type Rename, type Spec } from '../../kernel/model.ts';
import {
  except,
  include,
  keysOf,
  majorities,
  names,
  put,
  range,
  record,
  rekey,
  setOf,
} from '../../kernel/value.ts';
import type { Value } from './consensus.ts';
import {
  type Acceptor,
  type Ballot,
  NO_BALLOT,
  type Quorums,
  type Vote,
  voting,
} from './voting.ts';

interface Prepare {
  readonly type: 'prepare';
  readonly ballot: Ballot;
}
interface Promised {
  readonly type: 'promise';
  readonly ballot: Ballot;
  readonly by: Acceptor;
  /** What the acceptor had accepted last. */
  readonly vote: Vote | null;
}
interface Proposal {
  readonly type: 'propose';
  readonly ballot: Ballot;
  readonly value: Value;
}
interface Accepted {
  readonly type: 'accept';
  readonly ballot: Ballot;
  readonly by: Acceptor;
  readonly value: Value;
}

interface AcceptorState {
  /** It takes part in no smaller ballot. */
  readonly promised: Ballot;
  readonly vote: Vote | null;
}

export interface PaxosState {
  readonly acceptors: Readonly<Record<Acceptor, AcceptorState>>;
  /** All that was ever sent, by kind: each action looks at few of them. */
  readonly prepares: readonly Prepare[];
  readonly promises: readonly Promised[];
  readonly proposals: readonly Proposal[];
  readonly accepts: readonly Accepted[];
}

interface PaxosScope {
  readonly acceptors: number;
  readonly values: number;
  readonly ballots: number;
}

const action = actionsOn<PaxosState>();

export const paxos = model({
  name: 'paxos',
  about: 'Single-decree Paxos chooses at most one value, whatever is lost, late or repeated.',
  scope: { acceptors: 3, values: 2, ballots: 2 },
  runs: {
    everyday: [{}, { scope: { ballots: 3 } }],
    nightly: [{ scope: { ballots: 3 }, symmetry: true }],
  },
  define: (scope) => paxosWith(scope, majorities(names('a', scope.acceptors))),
});

function paxosWith(scope: PaxosScope, quorums: Quorums): Spec<PaxosState> {
  const acceptors = names('a', scope.acceptors);
  const values = names('v', scope.values);
  const ballots = range(scope.ballots);

  const prepare = action({
    for: { ballot: ballots },
    when: { 'it has not begun': (s, { ballot }) => !s.prepares.some((m) => m.ballot === ballot) },
    next: (s, { ballot }) =>
      except(s, { prepares: include(s.prepares, { type: 'prepare', ballot }) }),
    chart: (_, { ballot }) => ({ from: proposer(ballot), text: `begins ballot ${ballot}` }),
  });

  const promise = action({
    for: { a: acceptors, m: (s) => s.prepares },
    when: {
      'the ballot is larger than any promised': (s, { a, m }) => m.ballot > s.acceptors[a].promised,
    },
    next: (s, { a, m: { ballot } }) =>
      except(s, {
        acceptors: put(s.acceptors, a, { promised: ballot }),
        promises: include(s.promises, {
          type: 'promise',
          ballot,
          by: a,
          vote: s.acceptors[a].vote,
        }),
      }),
    chart: (s, { a, m }) => [
      { from: proposer(m.ballot), to: a, text: `prepare ${m.ballot}` },
      { from: a, to: proposer(m.ballot), text: `promise, ${showVote(s.acceptors[a].vote)}` },
    ],
  });

  const propose = action({
    for: { ballot: ballots, value: values },
    when: {
      'nothing was proposed in this ballot': (s, { ballot }) =>
        !s.proposals.some((m) => m.ballot === ballot),
      'a quorum has promised': (s, { ballot }) =>
        quorums.some((quorum) => havePromised(s, quorum, ballot)),
      'no vote heard of binds it to another value': (s, { ballot, value }) =>
        quorums.some((quorum) => showsSafe(s, quorum, ballot, value)),
    },
    next: (s, { ballot, value }) =>
      except(s, { proposals: include(s.proposals, { type: 'propose', ballot, value }) }),
    chart: (_, { ballot, value }) => ({ from: proposer(ballot), text: `proposes ${value}` }),
  });

  const accept = action({
    for: { a: acceptors, m: (s) => s.proposals },
    when: { 'no larger ballot was promised': (s, { a, m }) => m.ballot >= s.acceptors[a].promised },
    next: (s, { a, m: { ballot, value } }) =>
      except(s, {
        acceptors: put(s.acceptors, a, { promised: ballot, vote: { ballot, value } }),
        accepts: include(s.accepts, { type: 'accept', ballot, by: a, value }),
      }),
    chart: (_, { a, m }): Arrow[] => [
      { from: proposer(m.ballot), to: a, text: `propose ${m.value} in ${m.ballot}` },
      { from: a, text: `accepts ${m.value} in ${m.ballot}` },
    ],
  });

  return {
    init: {
      acceptors: record(acceptors, () => ({ promised: NO_BALLOT, vote: null })),
      prepares: [],
      promises: [],
      proposals: [],
      accepts: [],
    },
    actions: { prepare, promise, propose, accept },

    always: {
      agreement: (s) => chosen(s, quorums).length <= 1,
      'one value per ballot': (s) =>
        ballots.every((ballot) => s.proposals.filter((m) => m.ballot === ballot).length <= 1),
      'only proposed values are accepted': (s) =>
        s.accepts.every((vote) =>
          s.proposals.some((m) => m.ballot === vote.ballot && m.value === vote.value),
        ),
      'a promise tells of the latest vote before it': (s) =>
        s.promises.every((m) => isLatestVote(s, m)),
    },
    onStep: {
      'promises only grow': ({ before, after }) =>
        acceptors.every((a) => after.acceptors[a].promised >= before.acceptors[a].promised),
    },
    sometimes: {
      'a value is chosen': (s) => chosen(s, quorums).length === 1,
      'a later ballot takes over a value': (s) =>
        s.proposals.some((m) => m.ballot > 0 && hadToPropose(s, quorums, m)),
      'a ballot is overtaken': (s) =>
        s.proposals.some((m) => acceptors.every((a) => s.acceptors[a].promised > m.ballot)),
    },
    refines: {
      voting: {
        spec: voting.define(scope),
        map: (s: PaxosState) => ({
          votes: record(acceptors, (a) => votesOf(s, a)),
          joined: record(acceptors, (a) => s.acceptors[a].promised),
        }),
      },
    },
    symmetry: { sets: { acceptors, values }, permute: renamePaxos },

    mutants: {
      'one acceptor is a quorum': {
        about: 'quorums that do not intersect',
        killedBy: ['agreement', 'refines voting'],
        spec: () =>
          paxosWith(
            scope,
            acceptors.map((a) => [a]),
          ),
      },
      'promise without the vote': {
        about: 'the acceptor does not tell what it has accepted',
        killedBy: ['agreement', 'a promise tells of the latest vote before it', 'refines voting'],
        actions: {
          promise: alter(promise, {
            next: (s, { a, m: { ballot } }) =>
              except(s, {
                acceptors: put(s.acceptors, a, { promised: ballot }),
                promises: include(s.promises, { type: 'promise', ballot, by: a, vote: null }),
              }),
          }),
        },
      },
      'accept in an old ballot': {
        about: 'the acceptor does not look at its promise before it accepts',
        killedBy: ['agreement', 'promises only grow', 'refines voting'],
        actions: { accept: alter(accept, { drop: 'no larger ballot was promised' }) },
      },
      'promise in an old ballot': {
        about: 'the acceptor does not look at its promise before it promises',
        killedBy: ['agreement', 'promises only grow', 'refines voting'],
        actions: { promise: alter(promise, { drop: 'the ballot is larger than any promised' }) },
      },
      'propose anything': {
        about: 'the proposer does not look at the votes that it was told of',
        killedBy: ['agreement', 'refines voting'],
        actions: {
          propose: alter(propose, {
            drop: 'no vote heard of binds it to another value',
          }),
        },
      },
      'propose without a quorum': {
        about: 'the proposer skips the first phase',
        killedBy: ['agreement', 'refines voting'],
        actions: {
          propose: alter(propose, {
            drop: ['a quorum has promised', 'no vote heard of binds it to another value'],
          }),
        },
      },
      'propose the oldest vote': {
        about: 'the proposer adopts the vote of the smallest ballot instead of the largest',
        killedBy: 'agreement',
        scope: { ballots: 3 },
        walks: { walks: 100_000, steps: 40, seed: '5eed' },
        actions: {
          propose: alter(propose, {
            when: {
              'no vote heard of binds it to another value': (s, { ballot, value }) =>
                quorums.some((quorum) => showsSafe(s, quorum, ballot, value, Math.min)),
            },
          }),
        },
      },
      'two values in one ballot': {
        about: 'the proposer forgets that it has proposed',
        killedBy: ['one value per ballot', 'agreement', 'refines voting'],
        actions: { propose: alter(propose, { drop: 'nothing was proposed in this ballot' }) },
      },
      'accept what nobody proposed': {
        about: 'the value is damaged on its way into the vote',
        killedBy: 'only proposed values are accepted',
        actions: {
          accept: alter(accept, {
            next: (s, { a, m: { ballot } }) => {
              const value = values.at(-1) as Value;
              return except(s, {
                acceptors: put(s.acceptors, a, { promised: ballot, vote: { ballot, value } }),
                accepts: include(s.accepts, { type: 'accept', ballot, by: a, value }),
              });
            },
          }),
        },
      },
    },
  };
}

/** A quorum has promised this ballot, and among the votes it told of the latest is for this value. */
function showsSafe(
  s: PaxosState,
  quorum: readonly Acceptor[],
  ballot: Ballot,
  value: Value,
  pick: (...ballots: Ballot[]) => Ballot = Math.max,
): boolean {
  if (!havePromised(s, quorum, ballot)) return false;
  const votes = s.promises.flatMap((m) =>
    m.ballot === ballot && quorum.includes(m.by) && m.vote !== null ? [m.vote] : [],
  );
  if (votes.length === 0) return true;
  const decisive = pick(...votes.map((vote) => vote.ballot));
  return votes.some((vote) => vote.ballot === decisive && vote.value === value);
}

function havePromised(s: PaxosState, quorum: readonly Acceptor[], ballot: Ballot): boolean {
  return quorum.every((a) => s.promises.some((m) => m.by === a && m.ballot === ballot));
}

function votesOf(s: PaxosState, a: Acceptor): readonly Vote[] {
  const accepts = s.accepts.filter((m) => m.by === a);
  return setOf(accepts.map(({ ballot, value }) => ({ ballot, value })));
}

function chosen(s: PaxosState, quorums: Quorums): readonly Value[] {
  const isChosen = ({ ballot, value }: Vote): boolean =>
    quorums.some((quorum) =>
      quorum.every((a) =>
        s.accepts.some((m) => m.by === a && m.ballot === ballot && m.value === value),
      ),
    );
  return setOf(s.accepts.filter(isChosen).map(({ value }) => value));
}

/** Acceptors and values have new names; so sorted sets are sorted anew. */
function renamePaxos(s: PaxosState, rename: Rename): PaxosState {
  const renameVote = (vote: Vote | null): Vote | null =>
    vote && { ...vote, value: rename(vote.value) };
  return {
    acceptors: rekey(
      record(keysOf(s.acceptors), (a) => ({
        ...s.acceptors[a],
        vote: renameVote(s.acceptors[a].vote),
      })),
      rename,
    ),
    prepares: s.prepares,
    promises: setOf(s.promises.map((m) => ({ ...m, by: rename(m.by), vote: renameVote(m.vote) }))),
    proposals: setOf(s.proposals.map((m) => ({ ...m, value: rename(m.value) }))),
    accepts: setOf(s.accepts.map((m) => ({ ...m, by: rename(m.by), value: rename(m.value) }))),
  };
}

const proposer = (ballot: Ballot): string => `p${ballot}`;

const showVote = (vote: Vote | null): string =>
  vote === null ? 'no vote yet' : `voted ${vote.value} in ${vote.ballot}`;

function isLatestVote(s: PaxosState, { ballot, by, vote }: Promised): boolean {
  const earlier = votesOf(s, by).filter((cast) => cast.ballot < ballot);
  return vote === null ? earlier.length === 0 : earlier.every((cast) => cast.ballot <= vote.ballot);
}

/** No quorum that it could have heard would have let it propose another value. */
function hadToPropose(s: PaxosState, quorums: Quorums, m: Proposal): boolean {
  const heard = quorums.filter((quorum) => havePromised(s, quorum, m.ballot));
  return heard.every((quorum) =>
    s.promises.some(
      ({ ballot, by, vote }) => ballot === m.ballot && quorum.includes(by) && vote !== null,
    ),
  );
}
