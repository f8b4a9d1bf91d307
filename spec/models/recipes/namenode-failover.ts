/**
 * A hot standby: two NameNodes, each with a failover controller that is a client of ZooKeeper; who holds the
 * lock is active and appends to a shared edit log. An active that is paused while its session expires still
 * believes in itself when it wakes. Without fencing both append: split brain. The cures: the log refuses
 * writers of an older epoch, or the new active kills the old one first.
 *
 * After HDFS's ZKFC and its quorum journal.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { type Name, names, put, record } from '../../kernel/value.ts';

type NameNode = Name<'n'>;
type Fencing = 'none' | 'epoch' | 'kill';

interface Master {
  readonly at: 'standby' | 'elected' | 'active' | 'dead';
  readonly isPaused: boolean;
  /** The epoch in which it became active. */
  readonly epoch: number;
}

interface State {
  readonly masters: Readonly<Record<NameNode, Master>>;
  /** The lock in ZooKeeper, an ephemeral node. */
  readonly holder: NameNode | null;
  /** The newest epoch that a new active took, and the epochs of the edits. */
  readonly epoch: number;
  readonly edits: readonly number[];
  readonly expiries: number;
}

const action = actionsOn<State>();

const mastersOf = (s: State): readonly NameNode[] => Object.keys(s.masters) as NameNode[];
const isAt = (s: State, one: NameNode, at: Master['at']): boolean => s.masters[one].at === at;
const move = (s: State, one: NameNode, change: Partial<Master>): State => ({
  ...s,
  masters: put(s.masters, one, change),
});

const acquire = action({
  for: { one: mastersOf },
  when: {
    'it stands by': (s, { one }) => isAt(s, one, 'standby'),
    'the lock is free': (s) => s.holder === null,
  },
  next: (s, { one }) => ({ ...move(s, one, { at: 'elected' }), holder: one }),
  chart: (_, { one }) => ({ from: one, to: 'zookeeper', text: 'create lock' }),
});

const activate = (fencing: Fencing) =>
  action({
    for: { one: mastersOf },
    when: {
      'it was elected': (s, { one }) => isAt(s, one, 'elected'),
      'it runs': (s, { one }) => !s.masters[one].isPaused,
      'it still holds the lock': (s, { one }) => s.holder === one,
    },
    next: (s, { one }) => {
      const epoch = s.epoch + 1;
      const active = { ...move(s, one, { at: 'active', epoch }), epoch };
      if (fencing !== 'kill') return active;
      return mastersOf(s)
        .filter((other) => other !== one && isAt(s, other, 'active'))
        .reduce((after, other) => move(after, other, { at: 'dead', isPaused: false }), active);
    },
    chart: (s, { one }) => [
      ...(fencing === 'epoch'
        ? [{ from: one, to: 'edit log', text: `epoch ${s.epoch + 1} from now on` }]
        : []),
      ...(fencing === 'kill'
        ? mastersOf(s)
            .filter((other) => other !== one && isAt(s, other, 'active'))
            .map((other) => ({ from: one, to: other, text: 'kill' }))
        : []),
      { from: one, text: 'is active' },
    ],
  });

const append = (fencing: Fencing, edits: number) =>
  action({
    for: { one: mastersOf },
    when: {
      'an edit is left': (s) => s.edits.length < edits,
      'it believes to be active': (s, { one }) => isAt(s, one, 'active'),
      'it runs': (s, { one }) => !s.masters[one].isPaused,
      'the log takes its epoch': (s, { one }) =>
        fencing !== 'epoch' || s.masters[one].epoch === s.epoch,
    },
    next: (s, { one }) => ({ ...s, edits: [...s.edits, s.masters[one].epoch] }),
    chart: (s, { one }) => ({
      from: one,
      to: 'edit log',
      text: `edit, epoch ${s.masters[one].epoch}`,
    }),
  });

const pause = action({
  for: { one: mastersOf },
  when: {
    'an expiry is left': (s) => s.expiries > 0,
    'it holds the lock': (s, { one }) => s.holder === one,
    'it runs': (s, { one }) => !s.masters[one].isPaused,
  },
  next: (s, { one }) => ({ ...move(s, one, { isPaused: true }), expiries: s.expiries - 1 }),
  chart: (_, { one }) => ({ from: one, text: 'stops for a long garbage collection' }),
});

const expire = action({
  when: {
    'the holder is paused': (s) => s.holder !== null && s.masters[s.holder].isPaused,
  },
  next: (s) => ({ ...s, holder: null }),
  chart: (s) => ({ from: 'zookeeper', text: `session of ${s.holder} expires` }),
});

const resume = action({
  for: { one: mastersOf },
  when: { 'it is paused': (s, { one }) => s.masters[one].isPaused },
  next: (s, { one }) => move(s, one, { isPaused: false }),
  chart: (_, { one }) => ({ from: one, text: 'goes on' }),
});

/** Its controller learns that the lock is gone. */
const stepDown = action({
  for: { one: mastersOf },
  when: {
    'it is elected or active': (s, { one }) => isAt(s, one, 'elected') || isAt(s, one, 'active'),
    'it runs': (s, { one }) => !s.masters[one].isPaused,
    'it lost the lock': (s, { one }) => s.holder !== one,
  },
  next: (s, { one }) => move(s, one, { at: 'standby', epoch: 0 }),
  chart: (_, { one }) => ({ from: 'zookeeper', to: one, text: 'your session expired' }),
});

const believers = (s: State): readonly NameNode[] =>
  mastersOf(s).filter((one) => isAt(s, one, 'active'));

export const nameNodeFailover = model({
  name: 'namenode-failover',
  about: 'The lock alone does not prevent split brain; fencing the old active does.',
  scope: { nameNodes: 2, edits: 3, expiries: 2, fencing: 'epoch' },
  runs: {
    everyday: [{}, { scope: { fencing: 'kill' } }, { scope: { fencing: 'none' } }],
  },
  define(scope): Spec<State> {
    const fencing = scope.fencing as Fencing;
    return {
      init: {
        masters: record(names('n', scope.nameNodes), () => ({
          at: 'standby',
          isPaused: false,
          epoch: 0,
        })),
        holder: null,
        epoch: 0,
        edits: [],
        expiries: scope.expiries,
      },
      actions: {
        acquire,
        activate: activate(fencing),
        append: append(fencing, scope.edits),
        pause,
        expire,
        resume,
        stepDown,
      },
      always: {
        oneHoldsTheLock: (s) =>
          mastersOf(s).filter((one) => isAt(s, one, 'elected') && s.holder === one).length <= 1,
        oneBelievesToBeActive: (s) => believers(s).length <= 1,
        theEditLogHasOneWriterAtATime: ({ edits }) =>
          edits.every((epoch, index) => index === 0 || epoch >= (edits[index - 1] as number)),
      },
      onStep: {
        noEditOfAnOldEpoch: ({ before, after }) =>
          after.edits === before.edits || after.edits.at(-1) === before.epoch,
      },
      sometimes: {
        'both have been active': (s) => s.epoch >= 2,
        'the second one writes after the first': ({ edits }) => edits.at(-1) !== edits[0],
      },
      refuted: [
        ...(fencing === 'kill' ? [] : ['oneBelievesToBeActive']),
        ...(fencing === 'none' ? ['theEditLogHasOneWriterAtATime', 'noEditOfAnOldEpoch'] : []),
      ],
      terminal: () => true,
      mutants: {
        theLogTakesAnything: {
          about: 'epochs are told to the log, and it does not compare them',
          killedBy: ['theEditLogHasOneWriterAtATime', 'noEditOfAnOldEpoch'],
          actions: { append: append('none', scope.edits) },
        },
        activeWithoutTheLock: {
          about:
            'a controller activates its NameNode without asking whether it still holds the lock',
          killedBy: 'oneBelievesToBeActive',
          scope: { fencing: 'kill' },
          actions: {
            activate: alter(activate('none'), { drop: 'it still holds the lock' }),
          },
        },
      },
    };
  },
});
