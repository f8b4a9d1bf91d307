/**
 * The shared lock of ZooKeeper's recipes: readers and writers create sequential nodes in one queue. A reader
 * holds when no writer is before it, and watches the last writer before it; a writer holds when nobody is
 * before it, and watches the last node before it. Readers hold together; several may wait for one writer
 * and then are woken together, which is what they want.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { type Name, names, put, record } from '../../kernel/value.ts';

type ClientName = Name<'c'>;
type Kind = 'reader' | 'writer';
type Node = number;

interface Client {
  readonly kind: Kind;
  readonly at: 'idle' | 'queued' | 'asking' | 'waiting' | 'holding' | 'done' | 'dead';
  readonly node: Node;
  readonly before: Node;
}

interface State {
  readonly clients: Readonly<Record<ClientName, Client>>;
  readonly created: number;
  readonly expiries: number;
}

const action = actionsOn<State>();

const clientsOf = (s: State): readonly ClientName[] => Object.keys(s.clients) as ClientName[];
const isAt = (s: State, client: ClientName, at: Client['at']): boolean =>
  s.clients[client].at === at;
const isWriter = (s: State, client: ClientName): boolean => s.clients[client].kind === 'writer';
const move = (s: State, client: ClientName, change: Partial<Client>): State => ({
  ...s,
  clients: put(s.clients, client, change),
});

const queuedBefore = (s: State, client: ClientName): readonly ClientName[] =>
  clientsOf(s).filter((other) => {
    const { node } = s.clients[other];
    return node !== 0 && node < s.clients[client].node;
  });
const last = (s: State, clients: readonly ClientName[]): Node =>
  Math.max(0, ...clients.map((client) => s.clients[client].node));

/** The node that a client must see go away before it may hold; 0 if there is none. */
const blockerOf = (s: State, client: ClientName): Node =>
  last(
    s,
    queuedBefore(s, client).filter((other) => isWriter(s, client) || isWriter(s, other)),
  );

/** The client's node goes away, which wakes those that watch it. */
const remove = (s: State, client: ClientName, at: 'done' | 'dead'): State => {
  const { node } = s.clients[client];
  return clientsOf(s)
    .filter((other) => isAt(s, other, 'waiting') && s.clients[other].before === node)
    .reduce(
      (after, other) => move(after, other, { at: 'queued', before: 0 }),
      move(s, client, { at, node: 0, before: 0 }),
    );
};

const create = action({
  for: { client: clientsOf },
  when: { 'it wants the lock': (s, { client }) => isAt(s, client, 'idle') },
  next: (s, { client }) => ({
    ...move(s, client, { at: 'queued', node: s.created + 1 }),
    created: s.created + 1,
  }),
  chart: (s, { client }) => ({
    from: client,
    to: 'service',
    text: `create ${isWriter(s, client) ? 'write' : 'read'}-${s.created + 1}`,
  }),
});

const list = action({
  for: { client: clientsOf },
  when: { 'it is queued': (s, { client }) => isAt(s, client, 'queued') },
  next: (s, { client }) => {
    const before = blockerOf(s, client);
    return move(s, client, { at: before === 0 ? 'holding' : 'asking', before });
  },
  chart: (s, { client }) => {
    const before = blockerOf(s, client);
    const text = before === 0 ? 'nothing is in your way' : `${before} is in your way`;
    return { from: 'service', to: client, text };
  },
});

const watch = action({
  for: { client: clientsOf },
  when: { 'it saw a node in its way': (s, { client }) => isAt(s, client, 'asking') },
  next: (s, { client }) => {
    const { before } = s.clients[client];
    const isThere = clientsOf(s).some((other) => s.clients[other].node === before);
    return move(s, client, isThere ? { at: 'waiting' } : { at: 'queued', before: 0 });
  },
  chart: (s, { client }) => ({
    from: client,
    to: 'service',
    text: `exists ${s.clients[client].before}? watch it`,
  }),
});

const release = action({
  for: { client: clientsOf },
  when: { 'it holds the lock': (s, { client }) => isAt(s, client, 'holding') },
  next: (s, { client }) => remove(s, client, 'done'),
  chart: (s, { client }) => ({
    from: client,
    to: 'service',
    text: `delete ${s.clients[client].node}`,
  }),
});

/** The client dies; the service removes its node when the session times out. */
const expire = action({
  for: { client: clientsOf },
  when: {
    'an expiry is left': (s) => s.expiries > 0,
    'it has a node': (s, { client }) => s.clients[client].node !== 0,
  },
  next: (s, { client }) => ({ ...remove(s, client, 'dead'), expiries: s.expiries - 1 }),
  chart: (_, { client }) => ({ from: 'service', text: `session of ${client} expires` }),
});

const holders = (s: State): readonly ClientName[] =>
  clientsOf(s).filter((client) => isAt(s, client, 'holding'));
const isOver = (s: State, client: ClientName): boolean =>
  isAt(s, client, 'done') || isAt(s, client, 'dead');
const waiters = (s: State): readonly ClientName[] =>
  clientsOf(s).filter((client) => isAt(s, client, 'waiting'));
const watchersOf = (s: State, node: Node, kind: Kind): number =>
  waiters(s).filter(
    (client) => s.clients[client].before === node && s.clients[client].kind === kind,
  ).length;

export const sharedLock = model({
  name: 'shared-lock',
  about: 'Readers hold together, a writer alone; nobody is overtaken by what must wait for it.',
  scope: { queue: 'WRR', expiries: 1 },
  runs: {
    everyday: [{}, { scope: { queue: 'WWRR' } }, { scope: { queue: 'WRRR' } }],
  },
  define: ({ queue, expiries }): Spec<State> => {
    const clients = names('c', queue.length);
    return {
      init: {
        clients: record(clients, (client) => ({
          kind: queue[clients.indexOf(client)] === 'W' ? 'writer' : 'reader',
          at: 'idle',
          node: 0,
          before: 0,
        })),
        created: 0,
        expiries,
      },
      actions: { create, list, watch, release, expire },
      always: {
        aWriterHoldsAlone: (s) =>
          holders(s).length <= 1 || holders(s).every((client) => !isWriter(s, client)),
        oneWriterWaitsForEachNode: (s) =>
          clientsOf(s).every((client) => watchersOf(s, s.clients[client].node, 'writer') <= 1),
        readersWaitForWriters: (s) =>
          waiters(s).every((client) => {
            const { kind, before } = s.clients[client];
            const other = clientsOf(s).find((one) => s.clients[one].node === before);
            return kind === 'writer' || other === undefined || isWriter(s, other);
          }),
      },
      onStep: {
        noWriterIsOvertaken: ({ before, action: name, params, after }) => {
          const client = params.client as ClientName;
          if (name !== 'list' || !isAt(after, client, 'holding')) return true;
          return queuedBefore(before, client).every((other) => !isWriter(before, other));
        },
      },
      sometimes: {
        'two readers hold together': (s) => holders(s).length >= 2,
        'two readers wait for one writer': (s) =>
          clientsOf(s).some((client) => watchersOf(s, s.clients[client].node, 'reader') >= 2),
        'a writer waits for a reader': (s) =>
          waiters(s).some((client) => isWriter(s, client)) && holders(s).length > 0,
      },
      eventually: {
        everybodyIsServed: {
          reaches: (s) => clientsOf(s).every((client) => isOver(s, client)),
          weak: ['create', 'list', 'watch', 'release'].map((name) => ({
            actions: [name],
            each: 'client',
          })),
        },
      },
      terminal: (s) => clientsOf(s).every((client) => isOver(s, client)),
      symmetry: { refused: 'a client is a reader or a writer by its place' },
      mutants,
    };
  },
});

/** What each would watch if readers and writers were not told apart. */
const lastBefore = (s: State, client: ClientName): Node => last(s, queuedBefore(s, client));

const mutants: NonNullable<Spec<State>['mutants']> = {
  readersIgnoreWriters: {
    about: 'a reader never waits',
    killedBy: 'aWriterHoldsAlone',
    actions: {
      list: alter(list, {
        next: (s, { client }) => {
          const before = isWriter(s, client) ? blockerOf(s, client) : 0;
          return move(s, client, { at: before === 0 ? 'holding' : 'asking', before });
        },
      }),
    },
  },
  writersIgnoreReaders: {
    about: 'a writer waits for writers only',
    killedBy: 'aWriterHoldsAlone',
    actions: {
      list: alter(list, {
        next: (s, { client }) => {
          const writers = queuedBefore(s, client).filter((other) => isWriter(s, other));
          const before = last(s, writers);
          return move(s, client, { at: before === 0 ? 'holding' : 'asking', before });
        },
      }),
    },
  },
  readersWatchReaders: {
    about: 'a reader watches whoever is before it: readers wait for each other',
    killedBy: 'readersWaitForWriters',
    actions: {
      list: alter(list, {
        next: (s, { client }) => {
          const isFree = blockerOf(s, client) === 0;
          const before = isFree ? 0 : lastBefore(s, client);
          return move(s, client, { at: isFree ? 'holding' : 'asking', before });
        },
      }),
    },
  },
  watchesWithoutAsking: {
    about: 'waits for the end of a node that may be gone already',
    killedBy: 'deadlock',
    actions: {
      watch: alter(watch, { next: (s, { client }) => move(s, client, { at: 'waiting' }) }),
    },
  },
};
