/**
 * A registry of service instances on three nodes, in two modes. AP, as Eureka describes itself: every living
 * node takes registrations and answers look-ups from what it has, and copies travel later. CP, as a
 * registry on a quorum does: registrations and look-ups need a majority. The same faults, the same
 * questions: does every living node answer, and is every answer current?
 *
 * It models the documented behaviour; it is no test of those products.
 */
import { actionsOn, alter, model, type Spec } from '../kernel/model.ts';
import { record } from '../kernel/value.ts';

const nodes = ['x', 'y', 'z'] as const;
type Node = (typeof nodes)[number];
type Mode = 'AP' | 'CP';

interface State {
  /** How many registrations each node knows; they come one after another. */
  readonly known: Readonly<Record<Node, number>>;
  readonly isUp: Readonly<Record<Node, boolean>>;
  readonly away: Node | null;
  /** Registrations that were confirmed to their providers. */
  readonly confirmed: number;
  readonly registrations: number;
  readonly faults: number;
  readonly answer:
    | { readonly is: 'none' | 'refused' }
    | { readonly is: 'list'; readonly of: number };
}

const action = actionsOn<State>();
const NONE = { is: 'none' } as const;
const REFUSED = { is: 'refused' } as const;

const reachedFrom = ({ isUp, away }: State, at: Node): readonly Node[] =>
  nodes.filter((node) => isUp[node] && (node === at || (node !== away && at !== away)));
const canServe = (s: State, at: Node, mode: Mode): boolean =>
  mode === 'AP' || 2 * reachedFrom(s, at).length > nodes.length;

const register = (mode: Mode) =>
  action({
    for: { at: nodes },
    when: {
      'a registration is left': (s) => s.registrations > 0,
      'the node is up': (s, { at }) => s.isUp[at],
    },
    next: (s, { at }) => {
      const registrations = s.registrations - 1;
      if (!canServe(s, at, mode)) return { ...s, registrations, answer: REFUSED };
      const confirmed = s.confirmed + 1;
      const reached = reachedFrom(s, at);
      const known = record(nodes, (node) => (reached.includes(node) ? confirmed : s.known[node]));
      return { ...s, registrations, confirmed, known, answer: NONE };
    },
    chart: (s, { at }) => [
      { from: 'provider', to: at, text: 'register' },
      ...reachedFrom(s, at)
        .filter((node) => node !== at)
        .map((node) => ({ from: at, to: node, text: 'copy' })),
    ],
  });

const lookUp = (mode: Mode) =>
  action({
    for: { at: nodes },
    when: { 'the node is up': (s, { at }) => s.isUp[at] },
    next: (s, { at }) => {
      if (!canServe(s, at, mode)) return { ...s, answer: REFUSED };
      const asked = mode === 'AP' ? [at] : reachedFrom(s, at);
      return {
        ...s,
        answer: { is: 'list', of: Math.max(...asked.map((node) => s.known[node])) },
      };
    },
    chart: (s, { at }) => [
      { from: 'consumer', to: at, text: 'look up' },
      { from: at, to: 'consumer', text: canServe(s, at, mode) ? 'list' : 'no' },
    ],
  });

const copy = action({
  for: { from: nodes, to: nodes },
  when: {
    'they are connected': (s, { from, to }) => s.isUp[from] && reachedFrom(s, from).includes(to),
    'one knows more': (s, { from, to }) => s.known[from] > s.known[to],
  },
  next: (s, { from, to }) => ({
    ...s,
    known: { ...s.known, [to]: s.known[from] },
    answer: NONE,
  }),
  chart: (_, { from, to }) => ({ from, to, text: 'copy' }),
});

const cut = action({
  for: { away: nodes },
  when: { 'a fault is left': (s) => s.faults > 0, 'the network is whole': (s) => s.away === null },
  next: (s, { away }) => ({ ...s, away, faults: s.faults - 1, answer: NONE }),
  chart: (_, { away }) => ({ from: away, text: 'cut off' }),
});

const heal = action({
  when: { 'a node is cut off': (s) => s.away !== null },
  next: (s) => ({ ...s, away: null, answer: NONE }),
});

const crash = action({
  for: { node: nodes },
  when: { 'a fault is left': (s) => s.faults > 0, 'it is up': (s, { node }) => s.isUp[node] },
  next: (s, { node }) => ({
    ...s,
    isUp: { ...s.isUp, [node]: false },
    faults: s.faults - 1,
    answer: NONE,
  }),
  chart: (_, { node }) => ({ from: node, text: 'crashes' }),
});

/** With what it knew: registrations are on disk. */
const restart = action({
  for: { node: nodes },
  when: { 'it is down': (s, { node }) => !s.isUp[node] },
  next: (s, { node }) => ({ ...s, isUp: { ...s.isUp, [node]: true }, answer: NONE }),
  chart: (_, { node }) => ({ from: node, text: 'restarts' }),
});

export const serviceRegistry = model({
  name: 'service-registry',
  about: 'An AP registry always answers and may be stale; a CP one is current and may refuse.',
  scope: { mode: 'AP', registrations: 2, faults: 2 },
  runs: { everyday: [{}, { scope: { mode: 'CP' } }] },
  define(scope): Spec<State> {
    const mode = scope.mode as Mode;
    return {
      init: {
        known: record(nodes, () => 0),
        isUp: record(nodes, () => true),
        away: null,
        confirmed: 0,
        registrations: scope.registrations,
        faults: scope.faults,
        answer: NONE,
      },
      actions: { register: register(mode), lookUp: lookUp(mode), copy, cut, heal, crash, restart },
      always: {
        everyLivingNodeAnswers: ({ answer }) => answer.is !== 'refused',
        answersAreCurrent: ({ answer, confirmed }) =>
          answer.is !== 'list' || answer.of === confirmed,
      },
      sometimes: {
        'one node alone is up': (s) => nodes.filter((node) => s.isUp[node]).length === 1,
        'nodes know different lists': (s) => nodes.some((node) => s.known[node] !== s.known.x),
      },
      eventually: {
        allKnowTheSame: {
          settles: (s) => nodes.every((node) => s.known[node] === s.known.x),
          weak: ['heal', 'restart', 'copy'],
        },
      },
      refuted: mode === 'AP' ? ['answersAreCurrent'] : ['everyLivingNodeAnswers'],
      terminal: () => true,
      mutants: {
        aNodeAloneRefuses: {
          about: 'an AP registry that wants a majority after all',
          killedBy: 'everyLivingNodeAnswers',
          actions: { register: register('CP'), lookUp: lookUp('CP') },
        },
        aMinorityAnswers: {
          about: 'a CP registry that answers look-ups from what one node has',
          killedBy: 'answersAreCurrent',
          scope: { mode: 'CP' },
          actions: { lookUp: lookUp('AP') },
        },
        nothingIsCopied: {
          about: 'copies do not travel after a fault',
          killedBy: 'allKnowTheSame',
          actions: { copy: alter(copy, { next: (s) => s }) },
        },
      },
    };
  },
});
