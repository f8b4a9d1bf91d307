/**
 * Group membership, and with it registries and configuration: members are ephemeral children, an observer
 * lists them and leaves a watch in the same request. The watch fires once; the observer then lists again,
 * with a new watch. It may miss states in between, never the last one.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { equal, exclude, has, include, type Name, names } from '../../kernel/value.ts';

type Member = Name<'m'>;

interface Observer {
  readonly view: readonly Member[];
  /** Its watch is left at the service. */
  readonly isWatching: boolean;
  /** An event is on its way. */
  readonly isTold: boolean;
  /** It knows that something changed, and has not listed again. */
  readonly isStale: boolean;
}

interface State {
  readonly members: readonly Member[];
  readonly observer: Observer;
  readonly changes: number;
}

const action = actionsOn<State>();

/** Any change of the children fires the watch, which is then gone. */
const fire = (observer: Observer): Observer =>
  observer.isWatching ? { ...observer, isWatching: false, isTold: true } : observer;

const join = (all: readonly Member[]) =>
  action({
    for: { member: all },
    when: {
      'a change is left': (s) => s.changes > 0,
      'it is no member': (s, { member }) => !has(s.members, member),
    },
    next: (s, { member }) => ({
      members: include(s.members, member),
      observer: fire(s.observer),
      changes: s.changes - 1,
    }),
    chart: (_, { member }) => ({ from: member, to: 'service', text: 'create ephemeral' }),
  });

/** By its own will, by a crash, by a timeout: the ephemeral node goes. */
const leave = (all: readonly Member[]) =>
  action({
    for: { member: all },
    when: {
      'a change is left': (s) => s.changes > 0,
      'it is a member': (s, { member }) => has(s.members, member),
    },
    next: (s, { member }) => ({
      members: exclude(s.members, member),
      observer: fire(s.observer),
      changes: s.changes - 1,
    }),
    chart: (_, { member }) => ({ from: 'service', text: `session of ${member} ends` }),
  });

const receiveEvent = action({
  when: { 'an event is on its way': ({ observer }) => observer.isTold },
  next: (s) => ({ ...s, observer: { ...s.observer, isTold: false, isStale: true } }),
  chart: () => ({ from: 'service', to: 'observer', text: 'children changed' }),
});

const list = action({
  when: { 'the observer knows of a change': ({ observer }) => observer.isStale },
  next: (s) => ({
    ...s,
    observer: { view: s.members, isWatching: true, isTold: false, isStale: false },
  }),
  chart: (s) => ({ from: 'service', to: 'observer', text: `members: ${s.members.join(' ')}` }),
});

const isCurrent = ({ observer, members }: State): boolean => equal(observer.view, members);

export const groupMembership = model({
  name: 'group-membership',
  about: 'Whoever lists children and leaves a watch sees the last membership, not each one.',
  scope: { members: 3, changes: 5 },
  runs: { everyday: [{}, { symmetry: true }] },
  define: ({ members, changes }): Spec<State> => {
    const all = names('m', members);
    return {
      init: {
        members: [],
        observer: { view: [], isWatching: false, isTold: false, isStale: true },
        changes,
      },
      actions: { join: join(all), leave: leave(all), receiveEvent, list },
      always: {
        aStaleViewIsKnownOrWillBe: (s) => isCurrent(s) || s.observer.isTold || s.observer.isStale,
      },
      onStep: {
        // What changes was seen before it changed.
        everyMembershipIsSeen: ({ before, after }) =>
          equal(before.members, after.members) || isCurrent(before),
      },
      sometimes: {
        'the view is of the past': (s) => !isCurrent(s) && s.observer.view.length > 0,
        'all are members and known': (s) => isCurrent(s) && s.observer.view.length === members,
      },
      eventually: {
        theLastMembershipIsSeen: { settles: isCurrent, weak: ['receiveEvent', 'list'] },
      },
      refuted: ['everyMembershipIsSeen'],
      terminal: isCurrent,
      symmetry: {
        sets: { members: all },
        permute: (s, rename) => ({
          ...s,
          members: include([], ...s.members.map((one) => rename(one))),
          observer: {
            ...s.observer,
            view: include([], ...s.observer.view.map((one) => rename(one))),
          },
        }),
      },
      mutants: {
        theWatchComesLater: {
          about: 'lists first and leaves the watch in a second request',
          killedBy: 'theLastMembershipIsSeen',
          actions: {
            receiveEvent: alter(receiveEvent, {
              when: {
                'an event is on its way': ({ observer }) =>
                  observer.isTold || (!observer.isWatching && !observer.isStale),
              },
              next: (s) =>
                s.observer.isTold
                  ? { ...s, observer: { ...s.observer, isTold: false, isStale: true } }
                  : { ...s, observer: { ...s.observer, isWatching: true } },
            }),
            list: alter(list, {
              next: (s) => ({
                ...s,
                observer: { view: s.members, isWatching: false, isTold: false, isStale: false },
              }),
            }),
          },
        },
        theWatchIsNotRenewed: {
          about: 'takes a one-shot watch for a standing one',
          killedBy: ['theLastMembershipIsSeen', 'aStaleViewIsKnownOrWillBe'],
          actions: {
            list: alter(list, {
              next: (s) => ({
                ...s,
                observer: { ...s.observer, view: s.members, isTold: false, isStale: false },
              }),
            }),
          },
        },
      },
    };
  },
});
