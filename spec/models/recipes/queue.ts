/**
 * The distributed queue: producers create persistent sequential nodes, a consumer lists them, takes the
 * smallest by *deleting* it, and lists again if somebody was quicker. What is deleted is taken once; what
 * its consumer has not finished when it dies is lost, because the deletion came first.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { exclude, include, type Name, names, put, record } from '../../kernel/value.ts';

type Consumer = Name<'c'>;
type Item = number;

interface Work {
  readonly at: 'idle' | 'chose' | 'working' | 'dead';
  readonly item: Item;
}

interface State {
  readonly consumers: Readonly<Record<Consumer, Work>>;
  readonly queue: readonly Item[];
  readonly produced: number;
  readonly crashes: number;
  /** In the order in which they left the queue. */
  readonly taken: readonly Item[];
  readonly finished: readonly Item[];
}

const action = actionsOn<State>();

const consumersOf = (s: State): readonly Consumer[] => Object.keys(s.consumers) as Consumer[];
const isAt = (s: State, one: Consumer, at: Work['at']): boolean => s.consumers[one].at === at;
const move = (s: State, one: Consumer, change: Partial<Work>): State => ({
  ...s,
  consumers: put(s.consumers, one, change),
});

const produce = (items: number) =>
  action({
    when: { 'an item is left': (s) => s.produced < items },
    next: (s) => ({
      ...s,
      queue: include(s.queue, s.produced + 1),
      produced: s.produced + 1,
    }),
    chart: (s) => ({ from: 'producer', to: 'service', text: `create item-${s.produced + 1}` }),
  });

const choose = action({
  for: { one: consumersOf },
  when: {
    'it is idle': (s, { one }) => isAt(s, one, 'idle'),
    'there is an item': (s) => s.queue.length > 0,
  },
  next: (s, { one }) => move(s, one, { at: 'chose', item: s.queue[0] as Item }),
  chart: (s, { one }) => ({ from: 'service', to: one, text: `items ${s.queue.join(' ')}` }),
});

const take = action({
  for: { one: consumersOf },
  when: { 'it chose an item': (s, { one }) => isAt(s, one, 'chose') },
  next: (s, { one }) => {
    const { item } = s.consumers[one];
    if (!s.queue.includes(item)) return move(s, one, { at: 'idle', item: 0 });
    return {
      ...move(s, one, { at: 'working' }),
      queue: exclude(s.queue, item),
      taken: [...s.taken, item],
    };
  },
  chart: (s, { one }) => {
    const { item } = s.consumers[one];
    const isThere = s.queue.includes(item);
    return { from: one, to: 'service', text: `delete item-${item}${isThere ? '' : ': no node'}` };
  },
});

const finish = action({
  for: { one: consumersOf },
  when: { 'it works': (s, { one }) => isAt(s, one, 'working') },
  next: (s, { one }) => ({
    ...move(s, one, { at: 'idle', item: 0 }),
    finished: include(s.finished, s.consumers[one].item),
  }),
});

const crash = action({
  for: { one: consumersOf },
  when: {
    'a crash is left': (s) => s.crashes > 0,
    'it is busy': (s, { one }) => isAt(s, one, 'chose') || isAt(s, one, 'working'),
  },
  next: (s, { one }) => ({ ...move(s, one, { at: 'dead', item: 0 }), crashes: s.crashes - 1 }),
  chart: (_, { one }) => ({ from: one, text: 'dies' }),
});

const isOnce = (items: readonly Item[]): boolean => new Set(items).size === items.length;

export const queue = model({
  name: 'queue',
  about: 'Each item leaves the queue once, in order; a consumer that dies takes its item along.',
  scope: { consumers: 2, items: 3, crashes: 1 },
  runs: { everyday: [{}, { scope: { crashes: 0 } }] },
  define: ({ consumers, items, crashes }): Spec<State> => ({
    init: {
      consumers: record(names('c', consumers), () => ({ at: 'idle', item: 0 })),
      queue: [],
      produced: 0,
      crashes,
      taken: [],
      finished: [],
    },
    actions: { produce: produce(items), choose, take, finish, crash },
    always: {
      eachIsTakenOnce: ({ taken }) => isOnce(taken),
      takenInOrder: ({ taken }) => taken.every((item, index) => item === index + 1),
      nothingVanishes: (s) => s.queue.length + s.taken.length === s.produced,
    },
    sometimes: {
      'two want the same item': (s) => {
        const wanted = consumersOf(s).filter((one) => isAt(s, one, 'chose'));
        return !isOnce(wanted.map((one) => s.consumers[one].item));
      },
      'all items were finished': (s) => s.finished.length === items,
    },
    eventually: {
      everyItemIsFinished: {
        reaches: (s) => s.finished.length === items,
        weak: [
          'produce',
          ...['choose', 'take', 'finish'].map((name) => ({
            actions: [name],
            each: 'one',
          })),
        ],
      },
    },
    refuted: crashes > 0 ? ['everyItemIsFinished'] : [],
    terminal: (s) => s.queue.length === 0 && s.produced === items,
    mutants: {
      takesWithoutDeleting: {
        about: 'a failed delete is taken for success',
        killedBy: 'eachIsTakenOnce',
        actions: {
          take: alter(take, {
            next: (s, { one }) => {
              const { item } = s.consumers[one];
              return {
                ...move(s, one, { at: 'working' }),
                queue: exclude(s.queue, item),
                taken: [...s.taken, item],
              };
            },
          }),
        },
      },
      takesTheLargest: {
        about: 'sorts the names the wrong way round',
        killedBy: 'takenInOrder',
        actions: {
          choose: alter(choose, {
            next: (s, { one }) => move(s, one, { at: 'chose', item: s.queue.at(-1) as Item }),
          }),
        },
      },
    },
  }),
});
