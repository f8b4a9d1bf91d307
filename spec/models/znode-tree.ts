/**
 * The service that everything else rests on: a tree of znodes, sessions that own ephemeral ones, and one-shot
 * watches. Replies and watch events reach a client through one channel in the order in which the service
 * made them: that is why a client learns of a change before it can see its effect.
 */
import { actionsOn, alter, model, type Spec } from '../kernel/model.ts';
import { exclude, include, put, record } from '../kernel/value.ts';

const paths = ['/a', '/a/b', '/c'] as const;
type Path = (typeof paths)[number];
const sessions = ['one', 'two'] as const;
type Session = (typeof sessions)[number];

const parentOf = (path: Path): Path | null => (path === '/a/b' ? '/a' : null);

interface Znode {
  /** The session of an ephemeral node. */
  readonly owner: Session | null;
  /** The zxid of its last change. */
  readonly mzxid: number;
}

type Mail =
  | { readonly type: 'event'; readonly path: Path }
  /** What a read found: the node's mzxid, 0 without a node. */
  | { readonly type: 'reply'; readonly path: Path; readonly mzxid: number };

interface Client {
  readonly isOpen: boolean;
  readonly mail: readonly Mail[];
  /** What it last saw of the one path that it watches, and whether it still counts on being told. */
  readonly saw: number;
  readonly counts: boolean;
}

interface Watch {
  readonly session: Session;
  readonly path: Path;
}

interface State {
  readonly tree: Readonly<Record<Path, Znode | null>>;
  readonly clients: Readonly<Record<Session, Client>>;
  readonly watches: readonly Watch[];
  readonly zxid: number;
  readonly reads: number;
  readonly writes: number;
}

const action = actionsOn<State>();

const hasChildren = ({ tree }: State, path: Path): boolean =>
  paths.some((other) => parentOf(other) === path && tree[other] !== null);
const isOpen = (s: State, session: Session): boolean => s.clients[session].isOpen;
const post = (s: State, session: Session, mail: Mail): State['clients'] =>
  put(s.clients, session, { mail: [...s.clients[session].mail, mail] });

/** One change of the tree: it takes a zxid, and every watch on its path fires and is gone. */
const change = (s: State, path: Path, node: Omit<Znode, 'mzxid'> | null): State => {
  const zxid = s.zxid + 1;
  const fired = s.watches.filter((watch) => watch.path === path);
  return {
    ...s,
    zxid,
    tree: { ...s.tree, [path]: node === null ? null : { ...node, mzxid: zxid } },
    watches: exclude(s.watches, ...fired),
    clients: fired.reduce(
      (clients, { session }) => post({ ...s, clients }, session, { type: 'event', path }),
      s.clients,
    ),
  };
};
const spend = (s: State): State => ({ ...s, writes: s.writes - 1 });

const create = action({
  for: { session: sessions, path: paths, isEphemeral: [false, true] },
  when: {
    'a write is left': (s) => s.writes > 0,
    'the session is open': (s, { session }) => isOpen(s, session),
    'there is no such node': (s, { path }) => s.tree[path] === null,
    'its parent exists': (s, { path }) => {
      const parent = parentOf(path);
      return parent === null || s.tree[parent] !== null;
    },
    'its parent is not ephemeral': (s, { path }) => {
      const parent = parentOf(path);
      return parent === null || s.tree[parent]?.owner === null;
    },
  },
  next: (s, { session, path, isEphemeral }) =>
    spend(change(s, path, { owner: isEphemeral ? session : null })),
  chart: (_, { session, path, isEphemeral }) => ({
    from: session,
    to: 'service',
    text: `create ${isEphemeral ? 'ephemeral ' : ''}${path}`,
  }),
});

const setData = action({
  for: { session: sessions, path: paths },
  when: {
    'a write is left': (s) => s.writes > 0,
    'the session is open': (s, { session }) => isOpen(s, session),
    'the node exists': (s, { path }) => s.tree[path] !== null,
  },
  next: (s, { path }) => spend(change(s, path, s.tree[path])),
  chart: (_, { session, path }) => ({ from: session, to: 'service', text: `setData ${path}` }),
});

const remove = action({
  for: { session: sessions, path: paths },
  when: {
    'a write is left': (s) => s.writes > 0,
    'the session is open': (s, { session }) => isOpen(s, session),
    'the node exists': (s, { path }) => s.tree[path] !== null,
    'it has no children': (s, { path }) => !hasChildren(s, path),
  },
  next: (s, { path }) => spend(change(s, path, null)),
  chart: (_, { session, path }) => ({ from: session, to: 'service', text: `delete ${path}` }),
});

/** Its ephemeral nodes go one by one, each with its watches; then there is nobody to tell. */
const closeSession = action({
  for: { session: sessions },
  when: {
    'a write is left': (s) => s.writes > 0,
    'the session is open': (s, { session }) => isOpen(s, session),
  },
  next: (s, { session }) => {
    const owned = paths.filter((path) => s.tree[path]?.owner === session);
    const after = owned.reduce((each, path) => change(each, path, null), spend(s));
    return {
      ...after,
      watches: after.watches.filter((watch) => watch.session !== session),
      clients: put(after.clients, session, { isOpen: false, mail: [], saw: 0, counts: false }),
    };
  },
  chart: (_, { session }) => ({ from: 'service', text: `session ${session} ends` }),
});

/** A read that leaves a watch, of the one path that this model's clients look at. */
const read = action({
  for: { session: sessions },
  when: {
    'a read is left': (s) => s.reads > 0,
    'the session is open': (s, { session }) => isOpen(s, session),
  },
  next: (s, { session }) => ({
    ...s,
    reads: s.reads - 1,
    watches: include(s.watches, { session, path: WATCHED }),
    clients: post(s, session, {
      type: 'reply',
      path: WATCHED,
      mzxid: s.tree[WATCHED]?.mzxid ?? 0,
    }),
  }),
  chart: (_, { session }) => ({ from: session, to: 'service', text: `read and watch ${WATCHED}` }),
});
const WATCHED: Path = '/c';

const receiveAt = (s: State, session: Session, index: number): State => {
  const client = s.clients[session];
  const message = client.mail[index] as Mail;
  const mail = client.mail.filter((_, at) => at !== index);
  const seen = message.type === 'event' ? { counts: false } : { saw: message.mzxid, counts: true };
  return { ...s, clients: put(s.clients, session, { mail, ...seen }) };
};

const receive = action({
  for: { session: sessions },
  when: { 'there is mail': (s, { session }) => s.clients[session].mail.length > 0 },
  next: (s, { session }) => receiveAt(s, session, 0),
  chart: (s, { session }) => ({
    from: 'service',
    to: session,
    text: s.clients[session].mail[0]?.type === 'event' ? 'changed' : 'reply',
  }),
});

const existing = ({ tree }: State): readonly Path[] => paths.filter((path) => tree[path] !== null);

export const znodeTree = model({
  name: 'znode-tree',
  about:
    'Ephemerals follow their session, and a watch tells of a change before its effect is seen.',
  scope: { writes: 3, reads: 2 },
  runs: { everyday: [{}, { scope: { writes: 4, reads: 1 } }], wider: [{ scope: { writes: 4 } }] },
  define: ({ writes, reads }): Spec<State> => ({
    init: {
      tree: record(paths, () => null),
      clients: record(sessions, () => ({ isOpen: true, mail: [], saw: 0, counts: false })),
      watches: [],
      zxid: 0,
      reads,
      writes,
    },
    actions: { create, setData, remove, closeSession, read, receive },
    always: {
      everyParentExists: (s) =>
        existing(s).every((path) => {
          const parent = parentOf(path);
          return parent === null || s.tree[parent] !== null;
        }),
      ephemeralsHaveNoChildren: (s) =>
        existing(s).every((path) => s.tree[path]?.owner === null || !hasChildren(s, path)),
      ephemeralsBelongToOpenSessions: (s) =>
        existing(s).every((path) => {
          const owner = s.tree[path]?.owner ?? null;
          return owner === null || isOpen(s, owner);
        }),
    },
    onStep: {
      aChangeFiresItsWatchesAndTheyAreGone: ({ before, after }) =>
        before.watches.every(
          (watch) =>
            before.tree[watch.path] === after.tree[watch.path] || !after.watches.includes(watch),
        ),
      aWatcherIsToldBeforeItSees: ({ before, after }) =>
        sessions.every((session) => {
          const was = before.clients[session];
          const is = after.clients[session];
          return !was.counts || !is.counts || was.saw === is.saw;
        }),
    },
    sometimes: {
      'a child under a parent': (s) => hasChildren(s, '/a'),
      'an ephemeral of a session that ended is gone': (s) =>
        s.zxid > 0 && existing(s).length === 0 && sessions.some((session) => !isOpen(s, session)),
      'an event waits before a newer reply': (s) =>
        sessions.some((session) => {
          const kinds = s.clients[session].mail.map(({ type }) => type).join(' ');
          return kinds.includes('event reply');
        }),
    },
    terminal: () => true,
    symmetry: { refused: 'paths are not interchangeable' },
    mutants,
  }),
});

const mutants: NonNullable<Spec<State>['mutants']> = {
  childrenOfEphemerals: {
    about: 'an ephemeral node may have children',
    killedBy: ['ephemeralsHaveNoChildren', 'everyParentExists'],
    actions: { create: alter(create, { drop: 'its parent is not ephemeral' }) },
  },
  deletesParents: {
    about: 'a node is deleted from above its children',
    killedBy: 'everyParentExists',
    actions: { remove: alter(remove, { drop: 'it has no children' }) },
  },
  ephemeralsOutliveTheirSession: {
    about: 'the end of a session removes nothing',
    killedBy: 'ephemeralsBelongToOpenSessions',
    actions: {
      closeSession: alter(closeSession, {
        next: (s, { session }) => ({
          ...spend(s),
          clients: put(s.clients, session, { isOpen: false }),
        }),
      }),
    },
  },
  standingWatches: {
    about: 'a watch stays after it fired',
    killedBy: 'aChangeFiresItsWatchesAndTheyAreGone',
    actions: {
      setData: alter(setData, {
        next: (s, { path }) => ({ ...spend(change(s, path, s.tree[path])), watches: s.watches }),
      }),
    },
  },
  eventsTravelApart: {
    about: 'replies overtake events',
    killedBy: 'aWatcherIsToldBeforeItSees',
    actions: {
      receive: alter(receive, {
        next: (s, { session }) => receiveAt(s, session, s.clients[session].mail.length - 1),
      }),
    },
  },
};
