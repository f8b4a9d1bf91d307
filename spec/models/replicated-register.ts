/**
 * A register on several servers under crashes and partitions, as coarse as it can be: one server of a
 * connected quorum leads an epoch, first takes over the newest copy that its quorum knows, then writes
 * through that quorum. What it says of a cluster: at most one side serves, and whoever serves has every
 * acknowledged write. Plans for real clusters are generated from its faults, and what a cluster answers
 * (served here, refused there) is compared with it.
 *
 * After the primary order of Zab (Junqueira, Reed, Serafini: Zab, DSN 2011), with election, discovery and
 * synchronization as one step.
 */
import { actionsOn, alter, model, type Spec } from '../kernel/model.ts';
import { compare, type Name, names, record, subsets } from '../kernel/value.ts';
import { atLeastHalf, majority, type QuorumRule, serverSet } from './quorum.ts';

type Server = Name<'s'>;

/** One write: its epoch and its place in it. Later epochs are newer. */
type Stamp = readonly [epoch: number, n: number];
const NOTHING: Stamp = [0, 0];

interface Peer {
  readonly isUp: boolean;
  /** 1 behind the cut, else 0. */
  readonly side: 0 | 1;
  readonly leads: boolean;
  /** On disk: the newest epoch that it follows, and its copy of the register. */
  readonly epoch: number;
  readonly copy: Stamp;
}

interface State {
  readonly peers: Readonly<Record<Server, Peer>>;
  /** The newest write that a client was told of. */
  readonly acknowledged: Stamp;
  readonly writes: number;
  readonly faults: number;
  readonly elections: number;
}

const action = actionsOn<State>();

export const replicatedRegister = model({
  name: 'replicated-register',
  about: 'Under crashes and partitions at most one side serves, with every acknowledged write.',
  scope: { servers: 3, writes: 2, faults: 3, elections: 3 },
  runs: {
    everyday: [{}, { scope: { servers: 4, writes: 1, faults: 2, elections: 2 } }],
    dataCentres: [{ scope: { servers: 6, writes: 1, faults: 1, elections: 2 } }],
  },
  define: (scope): Spec<State> => registerUnder(scope, majority(scope.servers)),
});

interface Scope {
  readonly servers: number;
  readonly writes: number;
  readonly faults: number;
  readonly elections: number;
}

function registerUnder(scope: Scope, rule: QuorumRule): Spec<State> {
  const servers = names('s', scope.servers);
  const numberOf = (server: Server): number => servers.indexOf(server) + 1;
  const isQuorum = (group: readonly Server[]): boolean =>
    rule.isQuorum(serverSet(group.map(numberOf)));

  /** The living servers that `server` can reach, itself included. */
  const groupOf = ({ peers }: State, server: Server): readonly Server[] =>
    servers.filter((other) => peers[other].isUp && peers[other].side === peers[server].side);
  const followersOf = (s: State, leader: Server): readonly Server[] =>
    groupOf(s, leader).filter((other) => s.peers[other].epoch === s.peers[leader].epoch);
  const canServe = (s: State, server: Server): boolean =>
    s.peers[server].isUp && s.peers[server].leads && isQuorum(followersOf(s, server));
  const change = (s: State, group: readonly Server[], patch: Partial<Peer>): State['peers'] =>
    record(servers, (server) =>
      group.includes(server) ? { ...s.peers[server], ...patch } : s.peers[server],
    );

  const elect = action({
    for: { leader: servers },
    when: {
      'an election is left': (s) => s.elections > 0,
      'the leader is up': (s, { leader }) => s.peers[leader].isUp,
      'it is connected to a quorum': (s, { leader }) => isQuorum(groupOf(s, leader)),
      'nobody it reaches leads them already': (s, { leader }) =>
        !groupOf(s, leader).some((other) => canServe(s, other)),
    },
    next: (s, { leader }) => {
      const group = groupOf(s, leader);
      const epoch = 1 + Math.max(...group.map((server) => s.peers[server].epoch));
      const copy = newest(group.map((server) => s.peers[server].copy));
      const followed = change(s, group, { epoch, copy, leads: false });
      const peers = { ...followed, [leader]: { ...followed[leader], leads: true } };
      return { ...s, peers, elections: s.elections - 1 };
    },
    chart: (s, { leader }) =>
      groupOf(s, leader)
        .filter((server) => server !== leader)
        .map((server) => ({ from: leader, to: server, text: 'new epoch, newest copy' })),
  });

  const write = action({
    for: { leader: servers },
    when: {
      'a write is left': (s) => s.writes > 0,
      'it leads and a quorum follows': (s, { leader }) => canServe(s, leader),
    },
    next: (s, { leader }) => {
      const copy = nextStamp(s.peers[leader]);
      const peers = change(s, followersOf(s, leader), { copy });
      return { ...s, peers, acknowledged: copy, writes: s.writes - 1 };
    },
    chart: (s, { leader }) =>
      followersOf(s, leader)
        .filter((server) => server !== leader)
        .map((server) => ({
          from: leader,
          to: server,
          text: `write ${nextStamp(s.peers[leader])}`,
        })),
  });

  const writeCutShort = action({
    for: { leader: servers },
    when: {
      'a write is left': (s) => s.writes > 0,
      'it believes that it leads': (s, { leader }) => s.peers[leader].isUp && s.peers[leader].leads,
    },
    next: (s, { leader }) => ({
      ...s,
      peers: change(s, [leader], { copy: nextStamp(s.peers[leader]) }),
      writes: s.writes - 1,
    }),
    chart: (_, { leader }) => ({ from: leader, text: 'logs a write that reaches nobody' }),
  });

  const cut = action({
    // The first server stays: a cut has two sides, whichever is called which.
    for: { away: subsets(servers.slice(1)).filter((group) => group.length > 0) },
    when: {
      'a fault is left': (s) => s.faults > 0,
      'the network is whole': (s) => servers.every((server) => s.peers[server].side === 0),
    },
    next: (s, { away }) => ({ ...s, peers: change(s, away, { side: 1 }), faults: s.faults - 1 }),
    chart: (_, { away }) => away.map((server) => ({ from: server, text: 'cut off' })),
  });

  const heal = action({
    when: { 'the network is cut': (s) => servers.some((server) => s.peers[server].side === 1) },
    next: (s) => ({ ...s, peers: change(s, servers, { side: 0 }) }),
  });

  const crash = action({
    for: { server: servers },
    when: {
      'a fault is left': (s) => s.faults > 0,
      'it is up': (s, { server }) => s.peers[server].isUp,
    },
    next: (s, { server }) => ({
      ...s,
      peers: change(s, [server], { isUp: false, leads: false }),
      faults: s.faults - 1,
    }),
    chart: (_, { server }) => ({ from: server, text: 'crashes' }),
  });

  const restart = action({
    for: { server: servers },
    when: { 'it is down': (s, { server }) => !s.peers[server].isUp },
    next: (s, { server }) => ({ ...s, peers: change(s, [server], { isUp: true }) }),
    chart: (_, { server }) => ({ from: server, text: 'restarts from its disk' }),
  });

  return {
    init: {
      peers: record(servers, () => ({
        isUp: true,
        side: 0,
        leads: false,
        epoch: 0,
        copy: NOTHING,
      })),
      acknowledged: NOTHING,
      writes: scope.writes,
      faults: scope.faults,
      elections: scope.elections,
    },
    actions: { elect, write, writeCutShort, cut, heal, crash, restart },
    always: {
      atMostOneServes: (s) => servers.filter((server) => canServe(s, server)).length <= 1,
      whoeverServesHasEveryAcknowledgedWrite: (s) =>
        servers
          .filter((server) => canServe(s, server))
          .every((server) => compare(s.peers[server].copy, s.acknowledged) >= 0),
    },
    sometimes: {
      // Only an even ensemble can be cut so that all live and none can serve.
      ...(scope.servers % 2 === 0 && {
        'everybody lives and nobody can be elected': (s: State) =>
          servers.every((server) => s.peers[server].isUp && !isQuorum(groupOf(s, server))),
      }),
      'a stranded leader believes that it leads beside the one that serves': (s) =>
        servers.some((server) => canServe(s, server)) &&
        servers.some(
          (server) => s.peers[server].isUp && s.peers[server].leads && !canServe(s, server),
        ),
      'a copy is behind what was acknowledged': (s) =>
        servers.some((server) => compare(s.peers[server].copy, s.acknowledged) < 0),
    },
    terminal: () => true,
    mutants: {
      halfIsEnough: {
        about: 'half of the servers count as a quorum: two halves of an even ensemble both serve',
        killedBy: 'atMostOneServes',
        spec: () => registerUnder({ ...scope, servers: 4 }, atLeastHalf(4)),
      },
      leaderKeepsItsOwnCopy: {
        about: 'a new leader does not look for a newer copy in its quorum',
        killedBy: 'whoeverServesHasEveryAcknowledgedWrite',
        actions: {
          elect: alter(elect, {
            next: (s, { leader }) => {
              const group = groupOf(s, leader);
              const epoch = 1 + Math.max(...group.map((server) => s.peers[server].epoch));
              const { copy } = s.peers[leader];
              const followed = change(s, group, { epoch, copy, leads: false });
              const peers = { ...followed, [leader]: { ...followed[leader], leads: true } };
              return { ...s, peers, elections: s.elections - 1 };
            },
          }),
        },
      },
      restartForgetsTheDisk: {
        about: 'a server comes back empty: what only a quorum’s disks remember is lost',
        killedBy: 'whoeverServesHasEveryAcknowledgedWrite',
        actions: {
          restart: alter(restart, {
            next: (s, { server }) => ({
              ...s,
              peers: change(s, [server], { isUp: true, epoch: 0, copy: NOTHING }),
            }),
          }),
        },
      },
      writesOfASupersededEpoch: {
        about: 'a leader writes through whoever it reaches, also servers of a newer epoch',
        killedBy: 'whoeverServesHasEveryAcknowledgedWrite',
        actions: {
          write: alter(write, {
            when: {
              'it leads and a quorum follows': (s, { leader }) =>
                s.peers[leader].isUp && s.peers[leader].leads && isQuorum(groupOf(s, leader)),
            },
            next: (s, { leader }) => {
              const copy = nextStamp(s.peers[leader]);
              const peers = change(s, groupOf(s, leader), { copy });
              return { ...s, peers, acknowledged: copy, writes: s.writes - 1 };
            },
          }),
        },
      },
    },
  };
}

function nextStamp({ epoch, copy }: Peer): Stamp {
  return copy[0] === epoch ? [epoch, copy[1] + 1] : [epoch, 1];
}

function newest(stamps: readonly Stamp[]): Stamp {
  return stamps.reduce((best, stamp) => (compare(stamp, best) > 0 ? stamp : best));
}
