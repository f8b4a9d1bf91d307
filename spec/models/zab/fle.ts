/**
 * Fast Leader Election, as in ZooKeeper's `FastLeaderElection` and our server's. A server that
 * looks for a leader votes for the best candidate that it has heard of and tells everybody whenever
 * that changes; it settles when a quorum votes as it does. Rounds separate one election from the
 * next: a vote of an older round is answered, one of a newer round is joined. Who has settled
 * answers with what it settled on, so that a late server joins instead of starting over.
 *
 * None of this has to be safe, only live: ZAB tolerates two leaders, of which one finds no quorum.
 * What can be said is that whoever is elected is at least as good as a quorum, that no two leaders
 * of a round are both followed by a quorum, and that a leader emerges. Time is not in the model: a
 * server may settle as soon as a quorum agrees, although something better may be on the way.
 */
import { actionsOn, type Eventually, model, type Spec } from '../../kernel/model.ts';
import { type Name, names, put, putIn, record } from '../../kernel/value.ts';
import { fleMutants } from './fle-mutants.ts';

type Sid = Name<'s'>;

/** What a server brings into an election. */
interface Candidate {
  readonly leader: Sid;
  readonly epoch: number;
  readonly counter: number;
}

type Role = 'down' | 'looking' | 'following' | 'leading';

/** What is told: a vote, the round that it is of, and what its sender is. */
interface Notification {
  readonly vote: Candidate;
  readonly round: number;
  readonly role: Role;
}
type Votes = Readonly<Record<Sid, Notification | null>>;

interface Voter {
  readonly role: Role;
  /** In memory: it starts again with every restart. */
  readonly round: number;
  readonly vote: Candidate;
  /** Votes of this round, and votes of servers that have settled, whatever their round. */
  readonly received: Votes;
  readonly settled: Votes;
}

export interface State {
  readonly voters: Readonly<Record<Sid, Voter>>;
  /** messages[i][j]: from i to j, oldest first. */
  readonly messages: Readonly<Record<Sid, Readonly<Record<Sid, readonly Notification[]>>>>;
  readonly used: { readonly crashes: number; readonly timeouts: number };
}

/** The decisions on which the election stands. */
export interface Rules {
  isBetter(one: Candidate, other: Candidate): boolean;
  isQuorum(sids: readonly Sid[]): boolean;
}

/** Higher epoch, then more history, then larger id: a total order, so that an election ends. */
function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  if (one.counter !== other.counter) return one.counter > other.counter;
  return one.leader > other.leader;
}

const scope = { servers: 3, crashes: 0, timeouts: 0, rounds: 2 };
type Scope = typeof scope;

const action = actionsOn<State>();

function fleActions(budget: Scope, rules: Rules) {
  const servers = names('s', budget.servers);

  /**
   * All differ by id only; of more than two, the last has the longest history, of an older epoch.
   */
  function ownOf(i: Sid): Candidate {
    const isLast = servers.length > 2 && i === servers.at(-1);
    return { leader: i, epoch: isLast ? 1 : 2, counter: isLast ? 5 : 1 };
  }

  // --- telling -----------------------------------------------------------------------------------

  const told = ({ role, round, vote }: Voter): Notification => ({ vote, round, role });

  /** A link does not repeat what is on it already. */
  function send(s: State, i: Sid, j: Sid): State {
    const queue = s.messages[i][j];
    const news = told(s.voters[i]);
    const last = queue.at(-1);
    const isKnown = last !== undefined && isSame(last, news) && last.role === news.role;
    if (i === j || isKnown || s.voters[j].role === 'down') return s;
    return { ...s, messages: { ...s.messages, [i]: put(s.messages[i], j, [...queue, news]) } };
  }

  const tellAll = (s: State, i: Sid): State => servers.reduce((sent, j) => send(sent, i, j), s);

  // --- voting ------------------------------------------------------------------------------------

  const nobody: Votes = record(servers, () => null);

  function look(s: State, i: Sid, round: number): State {
    return propose(enter(s, i, round), i, ownOf(i));
  }

  function enter(s: State, i: Sid, round: number): State {
    const voter: Voter = {
      role: 'looking',
      round,
      vote: ownOf(i),
      received: nobody,
      settled: nobody,
    };
    return { ...s, voters: put(s.voters, i, voter) };
  }

  function propose(s: State, i: Sid, vote: Candidate): State {
    const { round, received } = s.voters[i];
    const own: Notification = { vote, round, role: 'looking' };
    const changed = { vote, received: put(received, i, own) as Votes };
    return tellAll({ ...s, voters: put(s.voters, i, changed) }, i);
  }

  function votersFor(votes: Votes, wanted: Notification): readonly Sid[] {
    return servers.filter((j) => votes[j] !== null && isSameVote(votes[j] as Notification, wanted));
  }

  const hasQuorum = ({ received, ...voter }: Voter): boolean =>
    rules.isQuorum(votersFor(received, told({ received, ...voter })));

  /** A quorum follows that leader, and the leader itself says that it leads. */
  function isElectedBy(
    s: State,
    i: Sid,
    votes: Votes,
    { vote, round, role }: Notification,
  ): boolean {
    if (!rules.isQuorum(votersFor(votes, { vote, round, role }))) return false;
    if (vote.leader === i) return round === s.voters[i].round;
    return votes[vote.leader]?.role === 'leading';
  }

  function settle(s: State, i: Sid, { vote, round }: Notification): State {
    const role = vote.leader === i ? 'leading' : 'following';
    const highest = Math.max(round, s.voters[i].round);
    const done = { role, round: highest, vote, received: nobody, settled: nobody } as const;
    return { ...s, voters: put(s.voters, i, done) };
  }

  // --- actions -----------------------------------------------------------------------------------

  const NotificationReceived = action({
    for: { i: servers, j: servers },
    when: {
      'something has come from j': (s, { i, j }) => s.messages[j][i].length > 0,
    },
    next: (s, { i, j }) => {
      const [news, ...rest] = s.messages[j][i];
      const taken = { ...s, messages: putIn(s.messages, j, i, rest) };
      if (news === undefined) return s;
      const { role } = s.voters[i];
      if (role !== 'looking') return news.role === 'looking' ? send(taken, i, j) : taken;
      return news.role === 'looking' ? hearVote(taken, i, j, news) : hearOutcome(taken, i, j, news);
    },
    chart: (s, { i, j }) => {
      const news = s.messages[j][i][0];
      return { from: j, to: i, text: `${news?.role} for ${news?.vote.leader} in ${news?.round}` };
    },
  });

  function hearVote(s: State, i: Sid, j: Sid, news: Notification): State {
    const { round, vote } = s.voters[i];
    if (news.round < round) return send(s, i, j);
    const isBest = rules.isBetter(news.vote, news.round > round ? ownOf(i) : vote);
    if (hasQuorum(s.voters[i]) && !isBest) return s;
    const joined = news.round > round ? enter(s, i, news.round) : s;
    const voted =
      news.round > round
        ? propose(joined, i, isBest ? news.vote : ownOf(i))
        : isBest
          ? propose(joined, i, news.vote)
          : answerWorse(joined, i, j, news);
    const { received } = voted.voters[i];
    return {
      ...voted,
      voters: put(voted.voters, i, { received: put(received, j, news) as Votes }),
    };
  }

  /** Its sender may have begun after we last spoke. */
  function answerWorse(s: State, i: Sid, j: Sid, news: Notification): State {
    return rules.isBetter(s.voters[i].vote, news.vote) ? send(s, i, j) : s;
  }

  function hearOutcome(s: State, i: Sid, j: Sid, news: Notification): State {
    const voter = s.voters[i];
    if (hasQuorum(voter) && !rules.isBetter(news.vote, voter.vote)) return s;
    const received = news.round === voter.round ? put(voter.received, j, news) : voter.received;
    const settled = put(voter.settled, j, news);
    const isElected =
      isElectedBy(s, i, received as Votes, news) || isElectedBy(s, i, settled as Votes, news);
    if (isElected) return settle(s, i, news);
    return { ...s, voters: put(s.voters, i, { received, settled } as Partial<Voter>) };
  }

  const Elected = action({
    for: { i: servers },
    when: {
      'i looks for a leader': (s, { i }) => s.voters[i].role === 'looking',
      'a quorum votes as it does': (s, { i }) => hasQuorum(s.voters[i]),
    },
    next: (s, { i }) => settle(s, i, told(s.voters[i])),
  });

  /** A role ends, for whatever reason. */
  const ElectionStarted = action({
    for: { i: servers },
    when: {
      'a timeout is left': (s) => s.used.timeouts < budget.timeouts,
      'i has settled': (s, { i }) => ['following', 'leading'].includes(s.voters[i].role),
      'a round is left': (s, { i }) => s.voters[i].round < budget.rounds,
    },
    next: (s, { i }) => {
      const used = { ...s.used, timeouts: s.used.timeouts + 1 };
      return look({ ...s, used }, i, s.voters[i].round + 1);
    },
  });

  const Crash = action({
    for: { i: servers },
    when: {
      'a crash is left': (s) => s.used.crashes < budget.crashes,
      'i is up': (s, { i }) => s.voters[i].role !== 'down',
    },
    next: (s, { i }) => {
      const messages = record(servers, (from) =>
        record(servers, (to) => (from === i || to === i ? [] : s.messages[from][to])),
      );
      const down = put(enter(s, i, 0).voters, i, { role: 'down' });
      return { voters: down, messages, used: { ...s.used, crashes: s.used.crashes + 1 } };
    },
  });

  /** Every link that comes up carries both votes. */
  const Restarted = action({
    for: { i: servers },
    when: { 'i is down': (s, { i }) => s.voters[i].role === 'down' },
    next: (s, { i }) => {
      const looking = look(s, i, 1);
      const others = servers.filter((j) => s.voters[j].role !== 'down');
      return others.reduce((sent, j) => send(sent, j, i), looking);
    },
  });

  const empty: State = {
    voters: record(servers, (i): Voter => {
      const vote = ownOf(i);
      return { role: 'looking', round: 1, vote, received: nobody, settled: nobody };
    }),
    messages: record(servers, () => record(servers, () => [])),
    used: { crashes: 0, timeouts: 0 },
  };
  const init = servers.reduce((s, i) => propose(s, i, ownOf(i)), empty);
  const actions = { NotificationReceived, Elected, ElectionStarted, Crash, Restarted };
  return { init, actions, ownOf };
}

function isSame(one: Notification, other: Notification): boolean {
  return one.round === other.round && isSameCandidate(one.vote, other.vote);
}

function isSameCandidate(one: Candidate, other: Candidate): boolean {
  return one.leader === other.leader && one.epoch === other.epoch && one.counter === other.counter;
}

/**
 * While somebody still looks, votes must agree in everything; of outcomes leader and epoch count.
 */
function isSameVote(one: Notification, other: Notification): boolean {
  if (one.role === 'looking' || other.role === 'looking') return isSame(one, other);
  return one.vote.leader === other.vote.leader && one.vote.epoch === other.vote.epoch;
}

export const fle = model({
  name: 'fle',
  about: 'Fast Leader Election: who is elected is as good as a quorum, and somebody is.',
  scope,
  runs: {
    everyday: [{}, { scope: { servers: 2, crashes: 2, timeouts: 2 } }],
    long: [{ scope: { crashes: 1 } }, { scope: { timeouts: 1 } }],
  },
  define: (budget: Scope) => {
    const isQuorum = (sids: readonly Sid[]): boolean => 2 * sids.length > budget.servers;
    return fleSpec(budget, { isBetter, isQuorum });
  },
});

function fleSpec(budget: Scope, rules: Rules): Spec<State> {
  const servers = names('s', budget.servers);
  const { init, actions, ownOf } = fleActions(budget, rules);
  const isMajority = (sids: readonly Sid[]): boolean => 2 * sids.length > servers.length;
  const followersOf = (s: State, leader: Sid, round: number): readonly Sid[] =>
    servers.filter((i) => {
      const voter = s.voters[i];
      const hasSettled = voter.role === 'following' || voter.role === 'leading';
      return hasSettled && voter.vote.leader === leader && voter.round === round;
    });
  const isFollowed = (s: State, leader: Sid): boolean =>
    s.voters[leader].role === 'leading' &&
    isMajority(followersOf(s, leader, s.voters[leader].round));
  const best = servers.reduce((one, other) => (isBetter(ownOf(other), ownOf(one)) ? other : one));
  /** Where nobody fails: after failures a leader emerges only if time-outs never run out. */
  const aLeaderEmerges: Eventually<State> = {
    settles: (s) => servers.some((i) => isFollowed(s, i)),
    weak: [{ actions: ['NotificationReceived'] }, { actions: ['Elected'], each: 'i' }],
  };
  const rounds = (s: State): readonly number[] => servers.map((i) => s.voters[i].round);
  return {
    init,
    actions,
    always: {
      electedIsAsGoodAsAQuorum: (s) =>
        servers.every((i) => {
          const { role, vote } = s.voters[i];
          if (role !== 'following' && role !== 'leading') return true;
          return isMajority(servers.filter((j) => !isBetter(ownOf(j), ownOf(vote.leader))));
        }),
      oneLeaderPerRoundIsFollowedByAQuorum: (s) =>
        rounds(s).every(
          (round) => servers.filter((i) => isMajority(followersOf(s, i, round))).length <= 1,
        ),
    },
    sometimes: {
      theBestLeads: (s) => s.voters[best].role === 'leading',
      anotherThanTheBestLeads: (s) =>
        servers.some((i) => i !== best && s.voters[i].role === 'leading'),
      somebodyJoinsWhoIsLate: (s) =>
        servers.some((i) => s.voters[i].role === 'following') &&
        servers.some((i) => s.voters[i].role === 'looking'),
    },
    ...(budget.crashes + budget.timeouts > 0 ? {} : { eventually: { aLeaderEmerges } }),
    symmetry: { refused: 'equal candidates are told apart by their ids' },
    mutants: fleMutants((change) => {
      const isQuorum = (sids: readonly Sid[]): boolean => isMajority(sids);
      return fleSpec(budget, { isBetter, isQuorum, ...change });
    }, servers.length),
  };
}
