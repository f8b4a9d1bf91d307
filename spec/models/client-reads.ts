/**
 * What a read may return. Three servers log and apply numbered writes; a leader commits through a majority;
 * one session reads. It reads plainly, or after `sync`, which the server's leader answers at once when it
 * has nothing outstanding, asking nobody (ZooKeeper's `Leader.processSync`; ZOOKEEPER-1675 is open); or
 * after a sync that asks a quorum, which ZooKeeper does not have; or after a write of its own.
 *
 * A read is current if it returns at least what was acknowledged when its operation was invoked.
 */
import { actionsOn, alter, model, type Spec } from '../kernel/model.ts';
import { majorities, type Name, names, record } from '../kernel/value.ts';

type Server = Name<'s'>;
/** Writes are numbered; 0 is the state before the first. */
type Version = number;
type Mode = 'plain' | 'sync' | 'quorum-sync' | 'own-write';

interface Peer {
  readonly logged: Version;
  readonly applied: Version;
  /** Whom it takes for its leader. */
  readonly follows: Server;
}

interface State {
  readonly peers: Readonly<Record<Server, Peer>>;
  /** The leader of the newest epoch; an older one may not know. */
  readonly leader: Server;
  readonly acknowledged: Version;
  readonly writes: number;
  readonly elections: number;
  readonly reads: number;
  readonly reader: Reader;
}

interface Reader {
  readonly at: 'idle' | 'caught up' | 'answered';
  readonly server: Server;
  /** What was acknowledged when the operation was invoked. */
  readonly owed: Version;
  readonly got: Version;
  /** The newest version that the session has seen. */
  readonly seen: Version;
}

const action = actionsOn<State>();

const serversOf = (s: State): readonly Server[] => Object.keys(s.peers) as Server[];
const quorumsOf = (s: State): readonly (readonly Server[])[] => majorities(serversOf(s));
const hasQuorum = (s: State, leader: Server): boolean =>
  2 * serversOf(s).filter((server) => s.peers[server].follows === leader).length >
  serversOf(s).length;
const change = (
  s: State,
  servers: readonly Server[],
  patch: (peer: Peer) => Partial<Peer>,
): State['peers'] =>
  record(serversOf(s), (server) =>
    servers.includes(server) ? { ...s.peers[server], ...patch(s.peers[server]) } : s.peers[server],
  );

const propose = action({
  for: { quorum: quorumsOf },
  when: {
    'a write is left': (s) => s.writes > 0,
    'nothing is outstanding': ({ peers, leader }) => peers[leader].logged === peers[leader].applied,
    'the leader is in the quorum': (s, { quorum }) => quorum.includes(s.leader),
    'all of it follow the leader': (s, { quorum }) =>
      quorum.every((server) => s.peers[server].follows === s.leader),
  },
  next: (s, { quorum }) => {
    const logged = s.peers[s.leader].logged + 1;
    return { ...s, writes: s.writes - 1, peers: change(s, quorum, () => ({ logged })) };
  },
  chart: (s, { quorum }) =>
    quorum
      .filter((server) => server !== s.leader)
      .map((server) => ({
        from: s.leader,
        to: server,
        text: `propose ${s.peers[s.leader].logged + 1}`,
      })),
});

const commit = action({
  when: {
    'a proposal is outstanding': ({ peers, leader }) =>
      peers[leader].logged > peers[leader].applied,
  },
  next: (s) => {
    const { logged } = s.peers[s.leader];
    const peers = change(s, [s.leader], () => ({ applied: logged }));
    return { ...s, peers, acknowledged: logged };
  },
  chart: (s) => ({
    from: s.leader,
    to: 'writer',
    text: `write ${s.peers[s.leader].logged} is done`,
  }),
});

const learn = action({
  for: { server: serversOf },
  when: {
    'it follows the leader': (s, { server }) => s.peers[server].follows === s.leader,
    'it is behind': (s, { server }) => s.peers[server].applied < s.peers[s.leader].applied,
  },
  next: (s, { server }) => {
    const { applied } = s.peers[s.leader];
    const peers = change(s, [server], ({ logged }) => ({
      applied,
      logged: Math.max(logged, applied),
    }));
    return { ...s, peers };
  },
  chart: (s, { server }) => ({
    from: s.leader,
    to: server,
    text: `commit ${s.peers[s.leader].applied}`,
  }),
});

/** A quorum makes the freshest of them leader; the old leader, if it is not among them, is not told. */
const elect = action({
  for: { leader: serversOf, quorum: quorumsOf },
  when: {
    'an election is left': (s) => s.elections > 0,
    'it is another leader': (s, { leader }) => leader !== s.leader,
    'it is in the quorum': (_, { leader, quorum }) => quorum.includes(leader),
    'the old leader is not': (s, { quorum }) => !quorum.includes(s.leader),
    'none of them has logged more': (s, { leader, quorum }) =>
      quorum.every((server) => s.peers[server].logged <= s.peers[leader].logged),
  },
  next: (s, { leader, quorum }) => {
    const { logged } = s.peers[leader];
    const peers = change(s, quorum, () => ({ logged, applied: logged, follows: leader }));
    return { ...s, peers, leader, elections: s.elections - 1 };
  },
  chart: (_, { leader, quorum }) =>
    quorum
      .filter((server) => server !== leader)
      .map((server) => ({ from: leader, to: server, text: 'new leader' })),
});

const rejoin = action({
  for: { server: serversOf },
  when: {
    'it follows an old leader': (s, { server }) => s.peers[server].follows !== s.leader,
  },
  next: (s, { server }) => {
    const { applied } = s.peers[s.leader];
    return {
      ...s,
      peers: change(s, [server], () => ({ logged: applied, applied, follows: s.leader })),
    };
  },
  chart: (s, { server }) => ({ from: server, to: s.leader, text: 'follow' }),
});

const isReader = (s: State, at: Reader['at']): boolean => s.reader.at === at;

/** The server is at least as new as its leader when the answer to `sync` arrives. */
const sync = (mode: Mode) =>
  action({
    for: { server: serversOf },
    when: {
      'reads are synced': () => mode === 'sync' || mode === 'quorum-sync',
      'the session is idle': (s) => isReader(s, 'idle'),
      'a quorum stands behind the leader': (s, { server }) =>
        mode === 'sync' || hasQuorum(s, s.peers[server].follows),
    },
    next: (s, { server }) => {
      const { applied } = s.peers[s.peers[server].follows];
      const peers = change(s, [server], (peer) => ({
        applied: Math.max(peer.applied, applied),
        logged: Math.max(peer.logged, applied),
      }));
      const reader: Reader = { ...s.reader, at: 'caught up', server, owed: s.acknowledged };
      return { ...s, peers, reader };
    },
    chart: (s, { server }) => [
      { from: 'reader', to: server, text: 'sync' },
      { from: server, to: s.peers[server].follows, text: 'sync' },
    ],
  });

const ownWrite = (mode: Mode) =>
  action({
    for: { server: serversOf },
    when: {
      'reads follow a write of one’s own': () => mode === 'own-write',
      'the session is idle': (s) => isReader(s, 'idle'),
      'its server follows the leader': (s, { server }) => s.peers[server].follows === s.leader,
      'nothing is outstanding': ({ peers, leader }) =>
        peers[leader].logged === peers[leader].applied,
      'a write is left': (s) => s.writes > 0,
    },
    next: (s, { server }) => {
      const version = s.peers[s.leader].logged + 1;
      const followers = serversOf(s).filter((one) => s.peers[one].follows === s.leader);
      const logged = change(s, followers, () => ({ logged: version }));
      const peers = change({ ...s, peers: logged }, [s.leader, server], () => ({
        applied: version,
      }));
      const reader: Reader = { ...s.reader, at: 'caught up', server, owed: s.acknowledged };
      return { ...s, peers, reader, acknowledged: version, writes: s.writes - 1 };
    },
    chart: (s, { server }) => [
      { from: 'reader', to: server, text: 'write' },
      { from: server, to: s.leader, text: 'write' },
    ],
  });

const read = (mode: Mode) =>
  action({
    for: { server: serversOf },
    when: {
      'the session is ready': (s) => isReader(s, mode === 'plain' ? 'idle' : 'caught up'),
      'it stays where it caught up': (s, { server }) =>
        mode === 'plain' || server === s.reader.server,
      'the server is not behind what the session has seen': (s, { server }) =>
        s.peers[server].applied >= s.reader.seen,
    },
    next: (s, { server }) => {
      const got = s.peers[server].applied;
      const owed = mode === 'plain' ? s.acknowledged : s.reader.owed;
      const seen = Math.max(got, s.reader.seen);
      return { ...s, reader: { at: 'answered', server, owed, got, seen }, reads: s.reads - 1 };
    },
    chart: (s, { server }) => [
      { from: 'reader', to: server, text: 'read' },
      { from: server, to: 'reader', text: `${s.peers[server].applied}` },
    ],
  });

const goOn = action({
  when: {
    'a read was answered': (s) => isReader(s, 'answered'),
    'another is left': (s) => s.reads > 0,
  },
  next: (s) => ({ ...s, reader: { ...s.reader, at: 'idle', owed: 0, got: 0 } }),
});

export const clientReads = model({
  name: 'reads',
  about: 'Plain and synced reads may be stale; after a quorum operation they are current.',
  scope: { mode: 'plain', servers: 3, writes: 1, elections: 1, reads: 2 },
  runs: {
    everyday: [
      {},
      { scope: { mode: 'sync' } },
      { scope: { mode: 'quorum-sync' } },
      { scope: { mode: 'own-write', writes: 2 } },
    ],
    wider: ['plain', 'sync', 'quorum-sync', 'own-write'].map((mode) => ({
      scope: { mode, writes: 3, elections: 2, reads: 3 },
    })),
  },
  define(scope): Spec<State> {
    const mode = scope.mode as Mode;
    const first = 's1';
    return {
      init: {
        peers: record(names('s', scope.servers), () => ({
          logged: 0,
          applied: 0,
          follows: first,
        })),
        leader: first,
        acknowledged: 0,
        writes: scope.writes,
        elections: scope.elections,
        reads: scope.reads,
        reader: { at: 'idle', server: first, owed: 0, got: 0, seen: 0 },
      },
      actions: {
        propose,
        commit,
        learn,
        elect,
        rejoin,
        sync: sync(mode),
        ownWrite: ownWrite(mode),
        read: read(mode),
        goOn,
      },
      always: {
        readsAreCurrent: ({ reader }) => reader.at !== 'answered' || reader.got >= reader.owed,
        aSessionNeverGoesBack: ({ reader }) =>
          reader.at !== 'answered' || reader.got >= reader.seen,
        nothingAcknowledgedIsLost: ({ peers, leader, acknowledged }) =>
          peers[leader].logged >= acknowledged,
      },
      sometimes: {
        'a new value is read': ({ reader }) => reader.got > 0,
        'an old leader is followed': (s) =>
          serversOf(s).some((server) => s.peers[server].follows !== s.leader),
      },
      refuted: mode === 'plain' || mode === 'sync' ? ['readsAreCurrent'] : [],
      terminal: () => true,
      symmetry: { refused: 'the first server begins as leader' },
      mutants: {
        theNewLeaderNeedNotBeFresh: {
          about: 'an election that does not look at logs',
          killedBy: 'nothingAcknowledgedIsLost',
          actions: { elect: alter(elect, { drop: 'none of them has logged more' }) },
        },
        syncAsksNobody: {
          about: 'a leader answers sync without asking a quorum, as ZooKeeper does',
          killedBy: 'readsAreCurrent',
          scope: { mode: 'quorum-sync' },
          actions: { sync: sync('sync') },
        },
        anyServerWillDo: {
          about: 'a session connects to a server that is behind what it has seen',
          killedBy: 'aSessionNeverGoesBack',
          actions: {
            read: alter(read('plain'), {
              drop: 'the server is not behind what the session has seen',
            }),
          },
        },
      },
    };
  },
});
