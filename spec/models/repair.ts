/**
 * BASE: three replicas that always answer, and the three ways in which they become equal again. A write is
 * taken by any replica and reaches those that it can reach; the newest write of a key wins.
 *
 * - read repair: whoever reads compares the replicas that it reaches and brings them up to date;
 * - write repair (hinted handoff): who could not reach a replica keeps a hint and delivers it later;
 * - asynchronous repair (anti-entropy): pairs of replicas exchange what they have, again and again.
 *
 * After Dynamo (DeCandia et al., SOSP 2007) and Cassandra's names.
 */
import { actionsOn, alter, model, type Spec } from '../kernel/model.ts';
import { compare, equal, exclude, include, record } from '../kernel/value.ts';

const replicas = ['x', 'y', 'z'] as const;
type Replica = (typeof replicas)[number];
const keys = ['a', 'b'] as const;
type Key = (typeof keys)[number];

/** Who wrote breaks ties between writes that did not know of each other. */
type Stamp = readonly [n: number, by: string];
const NOTHING: Stamp = [0, ''];

interface Hint {
  readonly type: 'hint';
  readonly at: Replica;
  readonly to: Replica;
  readonly key: Key;
  readonly stamp: Stamp;
}

type Store = Readonly<Record<Key, Stamp>>;

interface State {
  readonly stores: Readonly<Record<Replica, Store>>;
  readonly hints: readonly Hint[];
  /** The replica that is cut off from the others. */
  readonly away: Replica | null;
  readonly writes: number;
  readonly cuts: number;
  readonly hintLosses: number;
}

type Repair = 'none' | 'read' | 'hints' | 'gossip' | 'all';

const action = actionsOn<State>();

const isConnected = ({ away }: State, a: Replica, b: Replica): boolean =>
  a === b || (a !== away && b !== away);
const reachedFrom = (s: State, at: Replica): readonly Replica[] =>
  replicas.filter((other) => isConnected(s, at, other));
const newer = (a: Stamp, b: Stamp): Stamp => (compare(a, b) >= 0 ? a : b);

/** The replicas take a stamp of a key unless they have a newer one. */
const offer = (s: State, to: readonly Replica[], key: Key, stamp: Stamp): State['stores'] =>
  record(replicas, (replica) => {
    const store = s.stores[replica];
    const kept = newer(store[key], stamp);
    return !to.includes(replica) || kept === store[key] ? store : { ...store, [key]: kept };
  });

const write = (repair: Repair) =>
  action({
    for: { at: replicas, key: keys },
    when: { 'a write is left': (s) => s.writes > 0 },
    next: (s, { at, key }) => {
      const stamp: Stamp = [s.stores[at][key][0] + 1, at];
      const reached = reachedFrom(s, at);
      const hints = replicas
        .filter((to) => !reached.includes(to))
        .map((to): Hint => ({ type: 'hint', at, to, key, stamp }));
      return {
        ...s,
        stores: offer(s, reached, key, stamp),
        hints: repair === 'hints' || repair === 'all' ? include(s.hints, ...hints) : s.hints,
        writes: s.writes - 1,
      };
    },
    chart: (s, { at, key }) => [
      { from: 'client', to: at, text: `write ${key}` },
      ...reachedFrom(s, at)
        .filter((to) => to !== at)
        .map((to) => ({ from: at, to, text: `store ${key}` })),
    ],
  });

/** Those that find enough replicas to answer a read. */
const answering =
  (needed: number) =>
  (s: State): readonly Replica[] =>
    replicas.filter((at) => reachedFrom(s, at).length >= needed);

const read = (repair: Repair, reads: string, needed: number) =>
  action({
    for: { at: answering(needed), key: reads === 'one' ? keys.slice(0, 1) : keys },
    when: { 'clients read': () => repair === 'read' || repair === 'all' },
    next: (s, { at, key }) => {
      const reached = reachedFrom(s, at);
      const newest = reached.map((replica) => s.stores[replica][key]).reduce(newer);
      return { ...s, stores: offer(s, reached, key, newest) };
    },
    chart: (s, { at, key }) => [
      { from: 'client', to: at, text: `read ${key}` },
      ...reachedFrom(s, at)
        .filter((to) => to !== at)
        .map((to) => ({ from: at, to, text: `compare ${key}` })),
    ],
  });

const deliverHint = action({
  for: { hint: (s: State) => s.hints },
  when: { 'its replica can be reached': (s, { hint }) => isConnected(s, hint.at, hint.to) },
  next: (s, { hint }) => ({
    ...s,
    stores: offer(s, [hint.to], hint.key, hint.stamp),
    hints: exclude(s.hints, hint),
  }),
  chart: (_, { hint }) => ({ from: hint.at, to: hint.to, text: `hint for ${hint.key}` }),
});

const loseHints = action({
  for: { at: replicas },
  when: {
    'a loss is left': (s) => s.hintLosses > 0,
    'it keeps hints': (s, { at }) => s.hints.some((hint) => hint.at === at),
  },
  next: (s, { at }) => ({
    ...s,
    hints: s.hints.filter((hint) => hint.at !== at),
    hintLosses: s.hintLosses - 1,
  }),
  chart: (_, { at }) => ({ from: at, text: 'restarts without its hints' }),
});

const gossip = (repair: Repair) =>
  action({
    for: { from: replicas, to: replicas },
    when: {
      'replicas gossip': () => repair === 'gossip' || repair === 'all',
      'they are two': (_, { from, to }) => from !== to,
      'they are connected': (s, { from, to }) => isConnected(s, from, to),
      'they differ': (s, { from, to }) => !equal(s.stores[from], s.stores[to]),
    },
    next: (s, { from, to }) => ({
      ...s,
      stores: keys.reduce((stores, key) => {
        const newest = newer(stores[from][key], stores[to][key]);
        return offer({ ...s, stores }, [from, to], key, newest);
      }, s.stores),
    }),
    chart: (_, { from, to }) => ({ from, to, text: 'exchange all keys' }),
  });

const cut = action({
  for: { away: replicas },
  when: { 'a cut is left': (s) => s.cuts > 0, 'the network is whole': (s) => s.away === null },
  next: (s, { away }) => ({ ...s, away, cuts: s.cuts - 1 }),
  chart: (_, { away }) => ({ from: away, text: 'cut off' }),
});

const heal = action({
  when: { 'a replica is cut off': (s) => s.away !== null },
  next: (s) => ({ ...s, away: null }),
});

const areEqual = (s: State): boolean =>
  replicas.every((replica) => equal(s.stores[replica], s.stores.x));

const LIVE_READS = 1;

export const repairModel = model({
  name: 'repair',
  about:
    'Replicas that always answer converge by read repair, hints or gossip, each with its limits.',
  scope: { repair: 'all', reads: 'all', writes: 2, cuts: 1, hintLosses: 1 },
  runs: {
    everyday: [
      {},
      { scope: { repair: 'read' } },
      { scope: { repair: 'read', reads: 'one' } },
      { scope: { repair: 'hints', hintLosses: 0 } },
      { scope: { repair: 'hints' } },
      { scope: { repair: 'gossip' } },
      { scope: { repair: 'gossip', writes: 1, cuts: 2 } },
      { scope: { repair: 'none' } },
    ],
  },
  define: (scope): Spec<State> => specWith(scope, LIVE_READS),
});

interface Scope {
  readonly repair: string;
  readonly reads: string;
  readonly writes: number;
  readonly cuts: number;
  readonly hintLosses: number;
}

function specWith(scope: Scope, needed: number): Spec<State> {
  const repair = scope.repair as Repair;
  const neverConverges =
    repair === 'none' ||
    (repair === 'read' && scope.reads === 'one') ||
    (repair === 'hints' && scope.hintLosses > 0);
  return {
    init: {
      stores: record(replicas, () => ({ a: NOTHING, b: NOTHING })),
      hints: [],
      away: null,
      writes: scope.writes,
      cuts: scope.cuts,
      hintLosses: scope.hintLosses,
    },
    actions: {
      write: write(repair),
      read: read(repair, scope.reads, needed),
      deliverHint,
      loseHints,
      gossip: gossip(repair),
      cut,
      heal,
    },
    always: {
      everyReplicaAnswers: (s) => answering(needed)(s).length === replicas.length,
    },
    onStep: {
      noReplicaGoesBack: ({ before, after }) =>
        replicas.every((replica) =>
          keys.every(
            (key) => compare(after.stores[replica][key], before.stores[replica][key]) >= 0,
          ),
        ),
    },
    sometimes: {
      'replicas differ and nothing is cut': (s) => s.away === null && !areEqual(s),
      'two sides wrote the same key': (s) =>
        keys.some((key) => {
          const written = replicas.map((replica) => s.stores[replica][key]);
          return written.some(([n, by]) =>
            written.some((other) => other[0] === n && other[1] !== by && n > 0),
          );
        }),
    },
    eventually: {
      allBecomeEqual: {
        settles: areEqual,
        weak: [
          'heal',
          { actions: ['read'], each: 'key' },
          { actions: ['deliverHint'], each: 'hint' },
          'gossip',
        ],
      },
    },
    refuted: neverConverges ? ['allBecomeEqual'] : [],
    terminal: () => true,
    mutants: mutantsOf(scope, repair),
  };
}

function mutantsOf(scope: Scope, repair: Repair): NonNullable<Spec<State>['mutants']> {
  return {
    readsAskEverybody: {
      about: 'a read needs an answer of all three replicas',
      killedBy: 'everyReplicaAnswers',
      spec: () => specWith(scope, replicas.length),
    },
    theLastToSpeakWins: {
      about: 'a hint overwrites what is newer',
      killedBy: 'noReplicaGoesBack',
      actions: {
        deliverHint: alter(deliverHint, {
          next: (s, { hint }) => ({
            ...s,
            stores: {
              ...s.stores,
              [hint.to]: { ...s.stores[hint.to], [hint.key]: hint.stamp },
            },
            hints: exclude(s.hints, hint),
          }),
        }),
      },
    },
    gossipPushesOnly: {
      about: 'the first of a pair sends what is older and takes nothing back',
      killedBy: 'noReplicaGoesBack',
      actions: {
        gossip: alter(gossip(repair), {
          next: (s, { from, to }) => ({
            ...s,
            stores: { ...s.stores, [to]: s.stores[from] },
          }),
        }),
      },
    },
  };
}
