/**
 * Names by sequence: the service appends a counter that belongs to the parent node. It only grows, whatever
 * is deleted, so names are unique while the parent lives. They repeat when the parent is deleted and
 * created again, and stop growing when the signed counter overflows (10 digits of 32 bits; `largest` here).
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { exclude, has, include } from '../../kernel/value.ts';

interface State {
  /** Names that were ever handed out, in order. */
  readonly given: readonly number[];
  readonly children: readonly number[];
  readonly hasParent: boolean;
  readonly counter: number;
  readonly recreations: number;
}

const action = actionsOn<State>();

const create = (names: number, largest: number) =>
  action({
    when: {
      'a name is left': (s) => s.given.length < names,
      'the parent exists': (s) => s.hasParent,
      'no child has this name': (s) => !has(s.children, s.counter),
    },
    next: (s) => ({
      ...s,
      given: [...s.given, s.counter],
      children: include(s.children, s.counter),
      // As a signed 32-bit counter does: the one after the largest is the smallest.
      counter: s.counter === largest ? -largest - 1 : s.counter + 1,
    }),
    chart: (s) => ({ from: 'client', to: 'service', text: `create name-${s.counter}` }),
  });

const remove = action({
  for: { child: (s: State) => s.children },
  next: (s, { child }) => ({ ...s, children: exclude(s.children, child) }),
  chart: (_, { child }) => ({ from: 'client', to: 'service', text: `delete name-${child}` }),
});

const removeParent = action({
  when: {
    'a recreation is left': (s) => s.recreations > 0,
    'the parent exists': (s) => s.hasParent,
    'it has no children': (s) => s.children.length === 0,
  },
  next: (s) => ({ ...s, hasParent: false, counter: 0, recreations: s.recreations - 1 }),
  chart: () => ({ from: 'client', to: 'service', text: 'delete the parent' }),
});

const createParent = action({
  when: { 'there is no parent': (s) => !s.hasParent },
  next: (s) => ({ ...s, hasParent: true }),
  chart: () => ({ from: 'client', to: 'service', text: 'create the parent' }),
});

export const naming = model({
  name: 'naming',
  about: 'Sequence names are unique and growing while their parent lives and its counter lasts.',
  scope: { names: 4, recreations: 0, largest: 9 },
  runs: {
    everyday: [
      {},
      { scope: { recreations: 2 } },
      { scope: { largest: 2 } },
      { scope: { names: 5, largest: 1 } },
    ],
  },
  define: ({ names, recreations, largest }): Spec<State> => ({
    init: { given: [], children: [], hasParent: true, counter: 0, recreations },
    actions: { create: create(names, largest), remove, removeParent, createParent },
    always: {
      namesAreUnique: ({ given }) => new Set(given).size === given.length,
      namesGrow: ({ given }) =>
        given.every((name, index) => index === 0 || name > (given[index - 1] as number)),
    },
    sometimes: {
      'all names are given': ({ given }) => given.length === names,
      'a name is given after a deletion': (s) => s.given.length > s.children.length + 1,
    },
    refuted: [
      ...(recreations > 0 || names > 2 * (largest + 1) ? ['namesAreUnique'] : []),
      ...(recreations > 0 || names > largest + 1 ? ['namesGrow'] : []),
    ],
    terminal: () => true,
    mutants: {
      countsTheChildren: {
        about: 'the number is how many children there are',
        killedBy: ['namesAreUnique', 'namesGrow'],
        actions: {
          remove: alter(remove, {
            next: (s, { child }) => {
              const children = exclude(s.children, child);
              return { ...s, children, counter: children.length };
            },
          }),
        },
      },
    },
  }),
});
