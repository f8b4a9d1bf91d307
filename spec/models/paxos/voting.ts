/**
 * Consensus by voting: acceptors vote in numbered ballots, and a value is chosen when a quorum has voted for
 * it in one ballot. There are no messages yet: an acceptor sees the votes of all. What keeps it safe is one
 * rule, *vote only for what is safe at your ballot*: no other value can have been chosen, or ever be,
 * in a smaller one. After Lamport's Voting.tla in tlaplus/Examples.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import {
  include,
  majorities,
  type Name,
  names,
  put,
  range,
  record,
  rekey,
  setOf,
} from '../../kernel/value.ts';
import { consensus, type Value } from './consensus.ts';

export type Acceptor = Name<'a'>;
export type Ballot = number;
export type Quorums = readonly (readonly Acceptor[])[];

export const NO_BALLOT: Ballot = -1;

export interface Vote {
  readonly ballot: Ballot;
  readonly value: Value;
}

export interface VotingState {
  readonly votes: Votes;
  /** The acceptor votes in no smaller ballot any more. */
  readonly joined: Readonly<Record<Acceptor, Ballot>>;
}

const action = actionsOn<VotingState>();

export const voting = model({
  name: 'voting',
  about: 'Voting in ballots chooses at most one value, as long as every vote is safe.',
  scope: { acceptors: 3, values: 2, ballots: 2 },
  runs: { everyday: [{}] },

  define(scope): Spec<VotingState> {
    const acceptors = names('a', scope.acceptors);
    const values = names('v', scope.values);
    const ballots = range(scope.ballots);
    const quorums = majorities(acceptors);

    const join = action({
      for: { a: acceptors, ballot: ballots },
      when: { 'the ballot is larger': (s, { a, ballot }) => ballot > s.joined[a] },
      next: (s, { a, ballot }) => ({ ...s, joined: put(s.joined, a, ballot) }),
    });

    const vote = action({
      for: { a: acceptors, ballot: ballots, value: values },
      when: {
        'it has not joined a larger ballot': (s, { a, ballot }) => ballot >= s.joined[a],
        'it has not voted in this ballot': (s, { a, ballot }) =>
          !s.votes[a].some((cast) => cast.ballot === ballot),
        'nobody voted for another value in this ballot': (s, { ballot, value }) =>
          acceptors.every((a) =>
            s.votes[a].every((cast) => cast.ballot !== ballot || cast.value === value),
          ),
        'a quorum shows that the value is safe': (s, { ballot, value }) =>
          quorums.some((quorum) => showsSafe(s, quorum, ballot, value)),
      },
      next: (s, { a, ballot, value }) => ({
        votes: put(s.votes, a, include(s.votes[a], { ballot, value })),
        joined: put(s.joined, a, ballot),
      }),
    });

    return {
      init: { votes: record(acceptors, () => []), joined: record(acceptors, () => NO_BALLOT) },
      actions: { join, vote },
      always: {
        'at most one value is chosen': (s) => chosenBy(s.votes, quorums).length <= 1,
        'every vote is safe at its ballot': (s) =>
          acceptors.every((a) =>
            s.votes[a].every(({ ballot, value }) => isSafeAt(s, quorums, ballot, value)),
          ),
      },
      onStep: {
        'no vote in a ballot that was left': ({ before, after }) =>
          acceptors.every((a) =>
            after.votes[a].every(
              (cast) => before.votes[a].includes(cast) || cast.ballot >= before.joined[a],
            ),
          ),
      },
      sometimes: {
        'a value is chosen': (s) => chosenBy(s.votes, quorums).length === 1,
        'it is chosen again in a later ballot': (s) => majorityVotes(s.votes, quorums).length > 1,
      },
      refines: {
        consensus: {
          spec: consensus.define({ values: scope.values }),
          map: (s: VotingState) => ({ chosen: chosenBy(s.votes, quorums) }),
        },
      },
      symmetry: {
        sets: { acceptors, values },
        permute: ({ votes, joined }, rename) => ({
          votes: rekey(
            record(acceptors, (a) =>
              setOf(votes[a].map(({ ballot, value }) => ({ ballot, value: rename(value) }))),
            ),
            rename,
          ),
          joined: rekey(joined, rename),
        }),
      },
      mutants: {
        'votes for anything': {
          about: 'nobody asks a quorum whether the value is safe',
          killedBy: [
            'at most one value is chosen',
            'every vote is safe at its ballot',
            'refines consensus',
          ],
          actions: { vote: alter(vote, { drop: 'a quorum shows that the value is safe' }) },
        },
        'votes in the past': {
          about: 'an acceptor forgets which ballot it has joined',
          killedBy: ['at most one value is chosen', 'no vote in a ballot that was left'],
          actions: { vote: alter(vote, { drop: 'it has not joined a larger ballot' }) },
        },
        'two values in one ballot': {
          about: 'acceptors of one ballot vote for different values',
          killedBy: 'at most one value is chosen',
          scope: { ballots: 3 },
          actions: { vote: alter(vote, { drop: 'nobody voted for another value in this ballot' }) },
        },
      },
    };
  },
});

type Votes = Readonly<Record<Acceptor, readonly Vote[]>>;

export function chosenBy(votes: Votes, quorums: Quorums): readonly Value[] {
  return setOf(majorityVotes(votes, quorums).map(({ value }) => value));
}

/** The votes that all of some quorum have cast. */
function majorityVotes(votes: Votes, quorums: Quorums): readonly Vote[] {
  const common = quorums.flatMap(([first, ...others]) =>
    votes[first as Acceptor].filter(({ ballot, value }) =>
      others.every((a) => hasVoted(votes[a], ballot, value)),
    ),
  );
  return setOf(common);
}

const hasVoted = (cast: readonly Vote[], ballot: Ballot, value: Value): boolean =>
  cast.some((vote) => vote.ballot === ballot && vote.value === value);

/**
 * All of the quorum have joined the ballot, so that none of them votes in a smaller one any more; and in
 * the largest smaller ballot in which one of them voted, it was for this value.
 */
function showsSafe(
  s: VotingState,
  quorum: readonly Acceptor[],
  ballot: Ballot,
  value: Value,
): boolean {
  if (!quorum.every((a) => s.joined[a] >= ballot)) return false;
  const earlier = quorum.flatMap((a) => s.votes[a].filter((cast) => cast.ballot < ballot));
  const latest = Math.max(NO_BALLOT, ...earlier.map((cast) => cast.ballot));
  return latest === NO_BALLOT || hasVoted(earlier, latest, value);
}

/** No other value has been or can be chosen in a smaller ballot: some quorum rules it out in each. */
function isSafeAt(s: VotingState, quorums: Quorums, ballot: Ballot, value: Value): boolean {
  const isRuledOut = (a: Acceptor, smaller: Ballot): boolean =>
    s.joined[a] > smaller && !s.votes[a].some((cast) => cast.ballot === smaller);
  return range(ballot).every((smaller) =>
    quorums.some((quorum) =>
      quorum.every((a) => hasVoted(s.votes[a], smaller, value) || isRuledOut(a, smaller)),
    ),
  );
}
