/**
 * Duelling proposers: Paxos never chooses two values, but it may never choose one. Two proposers that
 * overtake each other again and again, each with a larger ballot, go on for ever; both make progress in
 * their own eyes. One elected leader cures it. Safety never needed the leader.
 *
 * Ballots grow without bound in the livelock, and yet there are finitely many states: only the order of
 * ballots matters, so they are renumbered by rank (`normal`). A proposer asks the acceptors one
 * after the other and hears the answer at once; it gives up at the first refusal.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { include, keysOf, type Name, names, put, record, setOf } from '../../kernel/value.ts';
import type { Acceptor, Ballot, Vote } from './voting.ts';

type Proposer = Name<'p'>;

interface AcceptorState {
  readonly promised: Ballot;
  readonly vote: (Omit<Vote, 'value'> & { readonly value: Proposer }) | null;
}

interface ProposerState {
  readonly phase: 'idle' | 'preparing' | 'proposing' | 'done';
  readonly ballot: Ballot;
  /** Who has promised, or accepted, in this phase. */
  readonly heard: readonly Acceptor[];
  /** The latest vote heard of while preparing. */
  readonly latest: AcceptorState['vote'];
  /** What it proposes: its own name, unless it found a vote. */
  readonly value: Proposer | null;
}

interface State {
  readonly acceptors: Readonly<Record<Acceptor, AcceptorState>>;
  readonly proposers: Readonly<Record<Proposer, ProposerState>>;
  /** Who alone may begin ballots; null while everybody may. */
  readonly leader: Proposer | null;
}

const NEVER: Ballot = 0;
const IDLE: ProposerState = {
  phase: 'idle',
  ballot: NEVER,
  heard: [],
  latest: null,
  value: null,
};

const action = actionsOn<State>();

export const duel = model({
  name: 'duel',
  about: 'Two proposers may overtake each other for ever; one leader ends it.',
  scope: { acceptors: 3, proposers: 2, isLeaderElected: false },
  runs: {
    everyday: [{ scope: { proposers: 1 } }, {}, { scope: { isLeaderElected: true } }],
  },

  define(scope): Spec<State> {
    const acceptors = names('a', scope.acceptors);
    const proposers = names('p', scope.proposers);
    const isQuorum = (heard: readonly Acceptor[]): boolean => 2 * heard.length > acceptors.length;

    const begin = action({
      for: { p: proposers },
      when: {
        'it is idle': (s, { p }) => s.proposers[p].phase === 'idle',
        'no other one leads': (s, { p }) => s.leader === null || s.leader === p,
      },
      next: (s, { p }) => ({
        ...s,
        proposers: put(s.proposers, p, {
          phase: 'preparing',
          ballot: Math.max(...ballotsOf(s)) + 1,
        }),
      }),
      chart: (s, { p }) => ({ from: p, text: `begins ballot ${Math.max(...ballotsOf(s)) + 1}` }),
    });

    const promise = action({
      for: { p: proposers, a: acceptors },
      when: {
        'it prepares': (s, { p }) => s.proposers[p].phase === 'preparing',
        'it has not heard this one': (s, { p, a }) => !s.proposers[p].heard.includes(a),
        'the ballot is larger than any promised': (s, { p, a }) =>
          s.proposers[p].ballot > s.acceptors[a].promised,
      },
      next: (s, { p, a }) => {
        const { ballot, heard, latest } = s.proposers[p];
        const { vote } = s.acceptors[a];
        const newest = (vote?.ballot ?? NEVER) > (latest?.ballot ?? NEVER) ? vote : latest;
        const all = include(heard, a);
        return {
          ...s,
          acceptors: put(s.acceptors, a, { promised: ballot }),
          proposers: put(
            s.proposers,
            p,
            isQuorum(all)
              ? { phase: 'proposing', heard: [], latest: null, value: newest?.value ?? p }
              : { heard: all, latest: newest },
          ),
        };
      },
      chart: (s, { p, a }) => ({ from: a, to: p, text: `promise ${s.proposers[p].ballot}` }),
    });

    const accept = action({
      for: { p: proposers, a: acceptors },
      when: {
        'it proposes': (s, { p }) => s.proposers[p].phase === 'proposing',
        'it has not heard this one': (s, { p, a }) => !s.proposers[p].heard.includes(a),
        'no larger ballot was promised': (s, { p, a }) =>
          s.proposers[p].ballot >= s.acceptors[a].promised,
      },
      next: (s, { p, a }) => {
        const { ballot, heard, value } = s.proposers[p];
        const all = include(heard, a);
        const vote = { ballot, value: value as Proposer };
        return {
          ...s,
          acceptors: put(s.acceptors, a, { promised: ballot, vote }),
          proposers: put(
            s.proposers,
            p,
            isQuorum(all) ? { phase: 'done', heard: [] } : { heard: all },
          ),
        };
      },
      chart: (s, { p, a }) => ({
        from: p,
        to: a,
        text: `propose ${s.proposers[p].value} in ${s.proposers[p].ballot}`,
      }),
    });

    const giveUp = action({
      for: { p: proposers, a: acceptors },
      when: {
        'it is asking': (s, { p }) => ['preparing', 'proposing'].includes(s.proposers[p].phase),
        'it has not heard this one': (s, { p, a }) => !s.proposers[p].heard.includes(a),
        'a larger ballot was promised': (s, { p, a }) =>
          s.acceptors[a].promised > s.proposers[p].ballot,
      },
      next: (s, { p }) => ({ ...s, proposers: put(s.proposers, p, IDLE) }),
      chart: (s, { p, a }) => ({ from: a, to: p, text: `refused: ${s.acceptors[a].promised}` }),
    });

    const elect = action({
      for: { p: proposers },
      when: {
        'leaders are elected here': () => scope.isLeaderElected,
        'there is none': (s) => s.leader === null,
        'it is not done': (s, { p }) => s.proposers[p].phase !== 'done',
      },
      next: (s, { p }) => ({ ...s, leader: p }),
      chart: (_, { p }) => ({ from: p, text: 'is elected' }),
    });

    const done = (s: State): readonly Proposer[] =>
      proposers.filter((p) => s.proposers[p].phase === 'done');
    const isDecided = (s: State): boolean => done(s).length > 0;
    const canDuel = scope.proposers > 1 && !scope.isLeaderElected;
    const everyone = [{ actions: ['begin', 'promise', 'accept', 'giveUp'], each: 'p' }];

    return {
      init: {
        acceptors: record(acceptors, () => ({ promised: NEVER, vote: null })),
        proposers: record(proposers, () => IDLE),
        leader: null,
      },
      actions: { begin, promise, accept, giveUp, elect },
      normal: renumber,
      always: {
        'all that finish agree': (s) => setOf(done(s).map((p) => s.proposers[p].value)).length <= 1,
      },
      sometimes: {
        'a value is chosen': isDecided,
        'a proposer finishes what another one began': (s) =>
          done(s).some((p) => s.proposers[p].value !== p),
        'all have finished': (s) => done(s).length === proposers.length,
      },
      eventually: {
        'a value is chosen in the end': {
          reaches: isDecided,
          weak: [...everyone, ...(scope.isLeaderElected ? ['elect'] : [])],
        },
      },
      refuted: canDuel ? ['a value is chosen in the end'] : [],
      terminal: isDecided,
      mutants: {
        'the leader is not obeyed': {
          about: 'others go on beginning ballots after the election',
          killedBy: 'a value is chosen in the end',
          scope: { acceptors: 1, proposers: 2, isLeaderElected: true },
          actions: { begin: alter(begin, { drop: 'no other one leads' }) },
        },
        'proposes its own value': {
          about: 'the proposer does not take over what it found',
          killedBy: 'all that finish agree',
          scope: { proposers: 2 },
          actions: {
            promise: alter(promise, {
              next: (s, { p, a }) => {
                const { ballot, heard } = s.proposers[p];
                const all = include(heard, a);
                return {
                  ...s,
                  acceptors: put(s.acceptors, a, { promised: ballot }),
                  proposers: put(
                    s.proposers,
                    p,
                    isQuorum(all) ? { phase: 'proposing', heard: [], value: p } : { heard: all },
                  ),
                };
              },
            }),
          },
        },
      },
    };
  },
});

function ballotsOf(s: State): readonly Ballot[] {
  return [
    ...keysOf(s.acceptors).flatMap((a) => [
      s.acceptors[a].promised,
      s.acceptors[a].vote?.ballot ?? NEVER,
    ]),
    ...keysOf(s.proposers).flatMap((p) => [
      s.proposers[p].ballot,
      s.proposers[p].latest?.ballot ?? NEVER,
    ]),
  ];
}

/** Ballots by rank: 1 is the smallest of those that anybody remembers. */
function renumber(s: State): State {
  const order = [...new Set([NEVER, ...ballotsOf(s)])].sort((a, b) => a - b);
  if (order.every((ballot, rank) => ballot === rank)) return s;
  const rank = (ballot: Ballot): Ballot => order.indexOf(ballot);
  const renumberVote = (vote: AcceptorState['vote']): AcceptorState['vote'] =>
    vote && { ...vote, ballot: rank(vote.ballot) };
  return {
    leader: s.leader,
    acceptors: record(keysOf(s.acceptors), (a) => ({
      promised: rank(s.acceptors[a].promised),
      vote: renumberVote(s.acceptors[a].vote),
    })),
    proposers: record(keysOf(s.proposers), (p) => ({
      ...s.proposers[p],
      ballot: rank(s.proposers[p].ballot),
      latest: renumberVote(s.proposers[p].latest),
    })),
  };
}
