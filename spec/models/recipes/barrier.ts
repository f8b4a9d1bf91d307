/**
 * The double barrier of ZooKeeper's recipes. To enter, a participant leaves a watch on `ready`, creates its
 * own child and counts the children: the one that completes the number creates `ready`, the others wait.
 * To leave, the holder of the smallest child waits for the largest to go; everybody else deletes its own
 * child and waits for the smallest to go; who sees no child but its own deletes it and is out.
 *
 * Entering alone is the rendezvous, or single barrier.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { type Name, names, put, record } from '../../kernel/value.ts';

type Participant = Name<'p'>;

interface Progress {
  readonly at: 'outside' | 'watching' | 'present' | 'waiting' | 'working' | 'leaving' | 'left';
  readonly hasChild: boolean;
  /** On the way out: whose child it waits for. */
  readonly waitsFor: Participant | null;
}

interface State {
  readonly participants: Readonly<Record<Participant, Progress>>;
  readonly isReady: boolean;
}

const action = actionsOn<State>();

const participantsOf = (s: State): readonly Participant[] =>
  Object.keys(s.participants) as Participant[];
const isAt = (s: State, one: Participant, at: Progress['at']): boolean =>
  s.participants[one].at === at;
const move = (s: State, one: Participant, change: Partial<Progress>): State => ({
  ...s,
  participants: put(s.participants, one, change),
});
const children = (s: State): readonly Participant[] =>
  participantsOf(s).filter((one) => s.participants[one].hasChild);

const watch = action({
  for: { one: participantsOf },
  when: { 'it is outside': (s, { one }) => isAt(s, one, 'outside') },
  next: (s, { one }) => move(s, one, { at: s.isReady ? 'working' : 'watching' }),
  chart: (_, { one }) => ({ from: one, to: 'service', text: 'exists ready? watch it' }),
});

const create = action({
  for: { one: participantsOf },
  when: { 'it left its watch': (s, { one }) => isAt(s, one, 'watching') },
  next: (s, { one }) => move(s, one, { at: 'present', hasChild: true }),
  chart: (_, { one }) => ({ from: one, to: 'service', text: 'create child' }),
});

/** `ready` wakes everybody who left a watch, whatever they are doing meanwhile. */
const wakeAll = (s: State): State =>
  participantsOf(s)
    .filter((one) => isAt(s, one, 'waiting'))
    .reduce<State>((after, one) => move(after, one, { at: 'working' }), { ...s, isReady: true });

const count = (needed: number) =>
  action({
    for: { one: participantsOf },
    when: { 'it is present': (s, { one }) => isAt(s, one, 'present') },
    next: (s, { one }) => {
      const isComplete = children(s).length >= needed;
      // A watch that fired meanwhile counts: the event is waiting for it.
      if (!isComplete) return move(s, one, { at: s.isReady ? 'working' : 'waiting' });
      return wakeAll(move(s, one, { at: 'working' }));
    },
    chart: (s, { one }) => ({
      from: one,
      to: 'service',
      text: children(s).length >= needed ? 'all are here: create ready' : 'wait',
    }),
  });

const finish = action({
  for: { one: participantsOf },
  when: { 'it works': (s, { one }) => isAt(s, one, 'working') },
  next: (s, { one }) => move(s, one, { at: 'leaving' }),
});

/** Deletes a child, which wakes those that wait for it. */
const remove = (s: State, one: Participant): State =>
  participantsOf(s)
    .filter((other) => s.participants[other].waitsFor === one)
    .reduce(
      (after, other) => move(after, other, { waitsFor: null }),
      move(s, one, { hasChild: false }),
    );

const leave = action({
  for: { one: participantsOf },
  when: {
    'it wants to leave': (s, { one }) => isAt(s, one, 'leaving'),
    'it waits for nobody': (s, { one }) => s.participants[one].waitsFor === null,
  },
  next: (s, { one }) => {
    const present = children(s);
    if (present.every((other) => other === one)) return move(remove(s, one), one, { at: 'left' });
    if (present[0] === one) return move(s, one, { waitsFor: present.at(-1) as Participant });
    return move(remove(s, one), one, { waitsFor: present[0] as Participant });
  },
  chart: (s, { one }) => ({
    from: one,
    to: 'service',
    text: children(s)[0] === one ? 'wait for the largest' : 'delete mine, wait for the smallest',
  }),
});

const isIn = (s: State, one: Participant): boolean => isAt(s, one, 'working');
const isBefore = (s: State, one: Participant): boolean =>
  (['outside', 'watching', 'present', 'waiting'] as const).some((at) => isAt(s, one, at));

export const barrier = model({
  name: 'barrier',
  about: 'Nobody passes before all are there, and nobody is out before all have finished.',
  scope: { participants: 4 },
  runs: { everyday: [{}] },
  define: ({ participants }): Spec<State> => ({
    init: {
      participants: record(names('p', participants), () => ({
        at: 'outside',
        hasChild: false,
        waitsFor: null,
      })),
      isReady: false,
    },
    actions: { watch, create, count: count(participants), finish, leave },
    always: {
      nobodyPassesBeforeAllAreThere: (s) =>
        !participantsOf(s).some((one) => isIn(s, one)) ||
        participantsOf(s).every((one) => !isAt(s, one, 'outside') && !isAt(s, one, 'watching')),
      nobodyIsOutBeforeAllHaveFinished: (s) =>
        !participantsOf(s).some((one) => isAt(s, one, 'left')) ||
        participantsOf(s).every((one) => !isBefore(s, one) && !isIn(s, one)),
    },
    sometimes: {
      'all work at once': (s) => participantsOf(s).every((one) => isIn(s, one)),
      'all but one wait at the barrier': (s) =>
        participantsOf(s).filter((one) => isAt(s, one, 'waiting')).length === participants - 1,
    },
    eventually: {
      allPassAndLeave: {
        reaches: (s) => participantsOf(s).every((one) => isAt(s, one, 'left')),
        weak: ['watch', 'create', 'count', 'finish', 'leave'].map((name) => ({
          actions: [name],
          each: 'one',
        })),
      },
    },
    terminal: (s) => participantsOf(s).every((one) => isAt(s, one, 'left')),
    symmetry: { refused: 'the smallest child has a part of its own' },
    mutants: {
      oneTooFew: {
        about: 'opens when all but one are there',
        killedBy: 'nobodyPassesBeforeAllAreThere',
        actions: { count: count(participants - 1) },
      },
      watchesTooLate: {
        about: 'who counted too few forgets that ready may exist already',
        killedBy: 'deadlock',
        actions: {
          count: alter(count(participants), {
            next: (s, { one }) =>
              children(s).length >= participants
                ? wakeAll(move(s, one, { at: 'working' }))
                : move(s, one, { at: 'waiting' }),
          }),
        },
      },
      leavesAtOnce: {
        about: 'deletes its child and is out',
        killedBy: 'nobodyIsOutBeforeAllHaveFinished',
        actions: {
          leave: alter(leave, { next: (s, { one }) => move(remove(s, one), one, { at: 'left' }) }),
        },
      },
    },
  }),
});
