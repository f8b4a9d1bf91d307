/**
 * CAP, by trying everybody. A register lives on two replicas. A policy says, for each replica, what it does
 * with a request after one round to the other: when the other answered, and when it did not. All
 * deterministic policies of this class are enumerated; each is explored over every order of writes and
 * reads with the link up or down. Some are consistent, some are available, none is both.
 *
 * The general theorem is Gilbert and Lynch's (Brewer's conjecture, SIGACT News 2002). Here a request runs
 * alone, and the link is up or down for the whole of it: the class is finite, and so is the verdict.
 */
import { type Exploration, explore } from '../kernel/explore.ts';
import { actionsOn, model, type Spec } from '../kernel/model.ts';

export const replicas = ['a', 'b'] as const;
export type Replica = (typeof replicas)[number];
const otherOf = (replica: Replica): Replica => (replica === 'a' ? 'b' : 'a');

const writeChoices = ['accept', 'refuse'] as const;
const readChoices = ['own', 'other', 'newer', 'refuse'] as const;
const aloneChoices = ['own', 'refuse'] as const;

/** One replica: what it does when the other answers, and when it is alone. */
export interface ReplicaPolicy {
  readonly write: (typeof writeChoices)[number];
  readonly writeAlone: (typeof writeChoices)[number];
  readonly read: (typeof readChoices)[number];
  readonly readAlone: (typeof aloneChoices)[number];
}

export type Policy = Readonly<Record<Replica, ReplicaPolicy>>;

const replicaPolicies: readonly ReplicaPolicy[] = writeChoices.flatMap((write) =>
  writeChoices.flatMap((writeAlone) =>
    readChoices.flatMap((read) =>
      aloneChoices.map((readAlone) => ({ write, writeAlone, read, readAlone })),
    ),
  ),
);

/** Every policy of the class, in a fixed order: 32 for each replica, 1,024 together. */
export const policies: readonly Policy[] = replicaPolicies.flatMap((a) =>
  replicaPolicies.map((b) => ({ a, b })),
);

export function describePolicy({ a, b }: Policy): string {
  const one = ({ write, writeAlone, read, readAlone }: ReplicaPolicy): string =>
    `write ${write}/${writeAlone} read ${read}/${readAlone}`;
  return `a: ${one(a)}; b: ${one(b)} (connected/alone)`;
}

/** The number of the policy that treats both replicas alike. */
function numberOf(wanted: ReplicaPolicy): number {
  const index = replicaPolicies.findIndex((policy) =>
    Object.entries(wanted).every(([key, value]) => policy[key as keyof ReplicaPolicy] === value),
  );
  return index * replicaPolicies.length + index;
}

/** Refuses whatever the other replica cannot confirm. */
export const CONSISTENT = numberOf({
  write: 'accept',
  writeAlone: 'refuse',
  read: 'own',
  readAlone: 'refuse',
});
/** Answers whatever happens. */
export const AVAILABLE = numberOf({
  write: 'accept',
  writeAlone: 'accept',
  read: 'newer',
  readAlone: 'own',
});

interface State {
  /** What each replica has: the number of a write, 0 for none. */
  readonly values: Readonly<Record<Replica, number>>;
  /** The newest write that was accepted. */
  readonly accepted: number;
  readonly isCut: boolean;
  readonly writes: number;
  /** What the last request came to. */
  readonly answer: { readonly is: 'none' | 'done' | 'refused' } | Read;
}

interface Read {
  readonly is: 'read';
  readonly value: number;
}

const action = actionsOn<State>();
const NONE = { is: 'none' } as const;
const REFUSED = { is: 'refused' } as const;

const writeVia = (policy: Policy) =>
  action({
    for: { at: replicas },
    when: { 'a write is left': (s) => s.writes > 0 },
    next: (s, { at }) => {
      const choice = s.isCut ? policy[at].writeAlone : policy[at].write;
      const writes = s.writes - 1;
      if (choice === 'refuse') return { ...s, writes, answer: REFUSED };
      const value = s.accepted + 1;
      const values = s.isCut ? { ...s.values, [at]: value } : { a: value, b: value };
      return { ...s, writes, values, accepted: value, answer: { is: 'done' } };
    },
    chart: (s, { at }) => [
      { from: 'client', to: at, text: `write ${s.accepted + 1}` },
      { from: at, to: otherOf(at), text: s.isCut ? 'lost' : `store ${s.accepted + 1}` },
    ],
  });

const readVia = (policy: Policy) =>
  action({
    for: { at: replicas },
    next: (s, { at }) => {
      const choice = s.isCut ? policy[at].readAlone : policy[at].read;
      if (choice === 'refuse') return { ...s, answer: REFUSED };
      const own = s.values[at];
      const other = s.values[otherOf(at)];
      const value = { own, other, newer: Math.max(own, other) }[choice];
      return { ...s, answer: { is: 'read', value } };
    },
    chart: (s, { at }) => [
      { from: 'client', to: at, text: 'read' },
      { from: at, to: otherOf(at), text: s.isCut ? 'lost' : 'what have you?' },
    ],
  });

const cut = action({
  when: { 'the link is up': (s) => !s.isCut },
  next: (s) => ({ ...s, isCut: true, answer: NONE }),
  chart: () => ({ from: 'a', to: 'b', text: 'the link breaks' }),
});

const heal = action({
  when: { 'the link is down': (s) => s.isCut },
  next: (s) => ({ ...s, isCut: false, answer: NONE }),
  chart: () => ({ from: 'a', to: 'b', text: 'the link is back' }),
});

export const capRegister = model({
  name: 'cap',
  about:
    'No one-round policy of a two-replica register is consistent and available in a partition.',
  scope: { policy: CONSISTENT, writes: 2 },
  runs: {
    everyday: [{}, { scope: { policy: AVAILABLE } }],
  },
  define({ policy: number, writes }): Spec<State> {
    const policy = policies[number] as Policy;
    return {
      init: { values: { a: 0, b: 0 }, accepted: 0, isCut: false, writes, answer: NONE },
      actions: { write: writeVia(policy), read: readVia(policy), cut, heal },
      always: {
        consistent: ({ answer, accepted }) => answer.is !== 'read' || answer.value === accepted,
        available: ({ answer }) => answer.is !== 'refused',
      },
      sometimes: {
        'the link is down': (s) => s.isCut,
        'a write was accepted': (s) => s.accepted > 0,
      },
      refuted: [
        ...(number === CONSISTENT ? ['available'] : []),
        ...(number === AVAILABLE ? ['consistent'] : []),
      ],
      terminal: () => true,
      symmetry: { refused: 'a policy may treat its replicas differently' },
      mutants: {
        answersAlone: {
          about: 'a replica that is alone answers reads from what it has',
          killedBy: 'consistent',
          actions: {
            read: readVia(policies[AVAILABLE] as Policy),
            write: writeVia(policies[AVAILABLE] as Policy),
          },
        },
        refusesAlone: {
          about: 'a replica that is alone refuses',
          killedBy: 'available',
          scope: { policy: AVAILABLE },
          actions: { read: readVia(policies[CONSISTENT] as Policy) },
        },
      },
    };
  },
});

/** What one policy of the class can do. */
export interface PolicyVerdict {
  readonly policy: number;
  readonly isConsistent: boolean;
  readonly isAvailable: boolean;
  readonly exploration: Exploration<State>;
}

/** Explores every policy; `alter` may change the rules of the game for all of them. */
export function* surveyPolicies(
  writes: number,
  alter: (spec: Spec<State>) => Spec<State> = (spec) => spec,
): Generator<PolicyVerdict> {
  for (const policy of policies.keys()) {
    const spec = alter(capRegister.define({ policy, writes }));
    // Both properties are asked to the end.
    const exploration = explore(spec, { isEnough: (violated) => violated.size === 2 });
    const violated = new Set(exploration.violations.map(({ property }) => property));
    const isConsistent = !violated.has('consistent');
    yield { policy, isConsistent, isAvailable: !violated.has('available'), exploration };
  }
}

/** The rule that makes the theorem: nothing crosses a cut. Without it, consistent and available is easy. */
export function withoutPartitions(spec: Spec<State>): Spec<State> {
  const { cut: _, ...actions } = spec.actions;
  return { ...spec, actions };
}
