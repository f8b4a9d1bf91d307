/**
 * The exclusive lock of ZooKeeper's recipes: create an ephemeral sequential node; whoever has the smallest
 * holds the lock; everybody else watches the one node before its own. Three views of the same behaviours:
 *
 * - the service's: one of the nodes that exist is the smallest. The lock excludes.
 * - the clients': a holder that is paused while its session expires believes on. It does not exclude.
 * - a fenced resource's: it refuses a token older than one it has seen. It excludes again.
 *
 * Listing the children and watching one are two requests, as in ZooKeeper: `exists` tells whether the node
 * went away in between.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { type Name, names, put, record } from '../../kernel/value.ts';

type ClientName = Name<'c'>;
/** The number of a sequential node, 0 for none. It is also its owner's fencing token. */
type Node = number;

interface Client {
  /** What it believes; `dead` when it knows that its session expired. */
  readonly at: 'idle' | 'queued' | 'asking' | 'waiting' | 'holding' | 'done' | 'dead';
  readonly isExpired: boolean;
  /** The node that it created, as far as it knows. */
  readonly node: Node;
  /** The node that it asks about, or watches. */
  readonly before: Node;
  readonly rounds: number;
}

interface State {
  readonly clients: Readonly<Record<ClientName, Client>>;
  readonly created: number;
  readonly expiries: number;
  /** How many waiters the last step woke. */
  readonly woken: number;
  /** The newest token that the resource has seen, and whether it ever obeyed an older one. */
  readonly newestToken: Node;
  readonly obeyedStale: boolean;
}

const action = actionsOn<State>();

const clientsOf = (s: State): readonly ClientName[] => Object.keys(s.clients) as ClientName[];
const isAt = (s: State, client: ClientName, at: Client['at']): boolean =>
  s.clients[client].at === at;
const isLive = (s: State, client: ClientName): boolean => !s.clients[client].isExpired;
const move = (s: State, client: ClientName, change: Partial<Client>): State => ({
  ...s,
  clients: put(s.clients, client, change),
  woken: 0,
});

/** What the service has: the nodes of live sessions. */
const nodesOf = (s: State): readonly Node[] =>
  clientsOf(s)
    .filter((client) => isLive(s, client))
    .map((client) => s.clients[client].node)
    .filter((node) => node !== 0);

const predecessorOf = (s: State, client: ClientName): Node =>
  Math.max(0, ...nodesOf(s).filter((node) => node < s.clients[client].node));

type Watched = 'predecessor' | 'parent' | 'predecessor, after expiry too';
type Resource = 'none' | 'fenced' | 'unfenced';

/** A deleted node wakes whoever watches it, or, where all watch the parent, everybody. */
const wake = (s: State, deleted: Node, watched: Watched): State => {
  const woken = clientsOf(s)
    .filter((client) => isAt(s, client, 'waiting'))
    .filter((client) => isLive(s, client) || watched === 'predecessor, after expiry too')
    .filter((client) => watched === 'parent' || s.clients[client].before === deleted);
  const after = woken.reduce((each, one) => move(each, one, { at: 'queued', before: 0 }), s);
  return { ...after, woken: woken.length };
};

const create = action({
  for: { client: clientsOf },
  when: { 'it wants the lock': (s, { client }) => isAt(s, client, 'idle') },
  next: (s, { client }) => ({
    ...move(s, client, { at: 'queued', node: s.created + 1 }),
    created: s.created + 1,
  }),
  chart: (s, { client }) => ({ from: client, to: 'service', text: `create lock-${s.created + 1}` }),
});

const list = action({
  for: { client: clientsOf },
  when: {
    'it is queued': (s, { client }) => isAt(s, client, 'queued'),
    'its session lives': (s, { client }) => isLive(s, client),
  },
  next: (s, { client }) => {
    const before = predecessorOf(s, client);
    return move(s, client, { at: before === 0 ? 'holding' : 'asking', before });
  },
  chart: (s, { client }) => {
    const before = predecessorOf(s, client);
    const text = before === 0 ? 'yours is the smallest' : `lock-${before} is before yours`;
    return { from: 'service', to: client, text };
  },
});

const watch = action({
  for: { client: clientsOf },
  when: {
    'it saw a node before its own': (s, { client }) => isAt(s, client, 'asking'),
    'its session lives': (s, { client }) => isLive(s, client),
  },
  next: (s, { client }) => {
    const isThere = nodesOf(s).includes(s.clients[client].before);
    return move(s, client, isThere ? { at: 'waiting' } : { at: 'queued', before: 0 });
  },
  chart: (s, { client }) => ({
    from: client,
    to: 'service',
    text: `exists lock-${s.clients[client].before}? watch it`,
  }),
});

const write = (resource: Resource) =>
  action({
    for: { client: clientsOf },
    when: {
      'there is a resource': () => resource !== 'none',
      'the client believes that it holds the lock': (s, { client }) => isAt(s, client, 'holding'),
      'the resource does not refuse its token': (s, { client }) =>
        resource === 'unfenced' || s.clients[client].node >= s.newestToken,
    },
    next: (s, { client }) => ({
      ...s,
      woken: 0,
      newestToken: Math.max(s.newestToken, s.clients[client].node),
      obeyedStale: s.obeyedStale || s.clients[client].node < s.newestToken,
    }),
    chart: (s, { client }) => ({
      from: client,
      to: 'resource',
      text: `write, token ${s.clients[client].node}`,
    }),
  });

const release = (watched: Watched) =>
  action({
    for: { client: clientsOf },
    when: {
      'it holds the lock': (s, { client }) => isAt(s, client, 'holding'),
      'its session lives': (s, { client }) => isLive(s, client),
    },
    next: (s, { client }) => {
      const { node, rounds } = s.clients[client];
      const at = rounds > 1 ? 'idle' : 'done';
      return wake(move(s, client, { at, node: 0, rounds: rounds - 1 }), node, watched);
    },
    chart: (s, { client }) => ({
      from: client,
      to: 'service',
      text: `delete lock-${s.clients[client].node}`,
    }),
  });

/** The client is slow or cut off; the service removes its node, and nobody can tell the client. */
const expire = (watched: Watched) =>
  action({
    for: { client: clientsOf },
    when: {
      'an expiry is left': (s) => s.expiries > 0,
      'its session lives': (s, { client }) => isLive(s, client),
      'it has a node': (s, { client }) => s.clients[client].node !== 0,
    },
    next: (s, { client }) => ({
      ...wake(move(s, client, { isExpired: true }), s.clients[client].node, watched),
      expiries: s.expiries - 1,
    }),
    chart: (_, { client }) => ({ from: 'service', text: `session of ${client} expires` }),
  });

const learnOfExpiry = action({
  for: { client: clientsOf },
  when: {
    'its session expired': (s, { client }) => !isLive(s, client),
    'it does not know': (s, { client }) => !isAt(s, client, 'dead'),
  },
  next: (s, { client }) => move(s, client, { at: 'dead', node: 0, before: 0 }),
  chart: (_, { client }) => ({ from: 'service', to: client, text: 'your session expired' }),
});

const holders = (s: State): readonly ClientName[] =>
  clientsOf(s).filter((client) => isAt(s, client, 'holding'));
const grantedHolders = (s: State): readonly ClientName[] =>
  holders(s).filter((client) => isLive(s, client));
const isOver = (s: State, client: ClientName): boolean =>
  isAt(s, client, 'done') || isAt(s, client, 'dead');

const properties: Pick<Spec<State>, 'always' | 'onStep' | 'eventually' | 'terminal'> = {
  always: {
    theServiceGrantsOne: (s) => grantedHolders(s).length <= 1,
    oneBelievesThatItHolds: (s) => holders(s).length <= 1,
    theResourceObeysNoStaleHolder: (s) => !s.obeyedStale,
    atMostOneIsWoken: (s) => s.woken <= 1,
  },
  onStep: {
    grantsFollowTheQueue: ({ before, action: name, params, after }) => {
      const client = params.client as ClientName;
      if (name !== 'list' || !isAt(after, client, 'holding')) return true;
      return nodesOf(before).every((node) => node >= before.clients[client].node);
    },
  },
  eventually: {
    whoeverQueuesIsServed: {
      from: (s) => clientsOf(s).some((client) => isAt(s, client, 'queued')),
      reaches: (s) => clientsOf(s).every((client) => isOver(s, client) || isAt(s, client, 'idle')),
      weak: ['list', 'watch', 'release', 'learnOfExpiry'].map((name) => ({
        actions: [name],
        each: 'client',
      })),
    },
  },
  terminal: (s) => clientsOf(s).every((client) => isOver(s, client)),
};

export const exclusiveLock = model({
  name: 'lock',
  about: 'The lock excludes, wakes one waiter at a time, and needs fencing against paused holders.',
  scope: { clients: 3, expiries: 1, rounds: 1, watched: 'predecessor', resource: 'none' },
  runs: {
    everyday: [
      {},
      { scope: { rounds: 2, expiries: 0 } },
      { scope: { resource: 'fenced' } },
      { scope: { resource: 'unfenced' } },
      { scope: { clients: 2, expiries: 2 } },
      { scope: { watched: 'parent' } },
    ],
    wider: [{ scope: { clients: 4 } }, { scope: { clients: 4, expiries: 2 } }],
  },
  define(scope): Spec<State> {
    const watched = scope.watched as Watched;
    const resource = scope.resource as Resource;
    return {
      ...properties,
      init: {
        clients: record(names('c', scope.clients), () => ({
          at: 'idle',
          isExpired: false,
          node: 0,
          before: 0,
          rounds: scope.rounds,
        })),
        created: 0,
        expiries: scope.expiries,
        woken: 0,
        newestToken: 0,
        obeyedStale: false,
      },
      actions: {
        create,
        list,
        watch,
        write: write(resource),
        release: release(watched),
        expire: expire(watched),
        learnOfExpiry,
      },
      sometimes: {
        'all but one wait': (s) =>
          clientsOf(s).filter((client) => isAt(s, client, 'waiting')).length === scope.clients - 1,
        'everybody had the lock': (s) => clientsOf(s).every((client) => isAt(s, client, 'done')),
      },
      refuted: [
        ...(scope.expiries > 0 ? ['oneBelievesThatItHolds'] : []),
        ...(scope.expiries > 0 && resource === 'unfenced' ? ['theResourceObeysNoStaleHolder'] : []),
        ...(watched === 'parent' ? ['atMostOneIsWoken'] : []),
      ],
      mutants,
    };
  },
});

const mutants: NonNullable<Spec<State>['mutants']> = {
  ignoresThePredecessor: {
    about: 'whoever has a node takes the lock',
    killedBy: 'theServiceGrantsOne',
    actions: {
      list: alter(list, { next: (s, { client }) => move(s, client, { at: 'holding' }) }),
    },
  },
  watchesWithoutAsking: {
    about: 'waits for the end of a node that may be gone already',
    killedBy: 'deadlock',
    actions: {
      watch: alter(watch, { next: (s, { client }) => move(s, client, { at: 'waiting' }) }),
    },
  },
  watchesTheParent: {
    about: 'every change wakes every waiter: the herd',
    killedBy: 'atMostOneIsWoken',
    actions: { release: release('parent'), expire: expire('parent') },
  },
  expiredSessionsKeepTheirWatches: {
    about: 'a watch outlives its session, so that two watch one node',
    killedBy: 'atMostOneIsWoken',
    actions: {
      release: release('predecessor, after expiry too'),
      expire: expire('predecessor, after expiry too'),
    },
  },
  obeysStaleTokens: {
    about: 'the resource does not look at tokens',
    killedBy: 'theResourceObeysNoStaleHolder',
    scope: { resource: 'fenced' },
    actions: { write: write('unfenced') },
  },
};
