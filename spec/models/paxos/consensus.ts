/**
 * What consensus is, and nothing of how: from a set of values one may be chosen, once.
 * After Lamport's Consensus.tla in tlaplus/Examples.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { include, type Name, names } from '../../kernel/value.ts';

export type Value = Name<'v'>;

export interface ConsensusState {
  readonly chosen: readonly Value[];
}

const action = actionsOn<ConsensusState>();

export const consensus = model({
  name: 'consensus',
  about: 'One value is chosen, once and for ever.',
  scope: { values: 3 },
  runs: { everyday: [{}] },

  define(scope): Spec<ConsensusState> {
    const choose = action({
      for: { value: names('v', scope.values) },
      when: { 'nothing is chosen yet': (s) => s.chosen.length === 0 },
      next: (s, { value }) => ({ chosen: include(s.chosen, value) }),
    });

    return {
      init: { chosen: [] },
      actions: { choose },
      always: { 'at most one value is chosen': (s) => s.chosen.length <= 1 },
      onStep: {
        'a choice is never taken back': ({ before, after }) =>
          before.chosen.every((value) => after.chosen.includes(value)),
      },
      sometimes: { 'a value is chosen': (s) => s.chosen.length === 1 },
      eventually: {
        'a value is chosen for ever': { settles: (s) => s.chosen.length === 1, weak: ['choose'] },
      },
      terminal: (s) => s.chosen.length === 1,
      mutants: {
        'chooses again': {
          about: 'a second choice is allowed',
          killedBy: 'at most one value is chosen',
          actions: { choose: alter(choose, { drop: 'nothing is chosen yet' }) },
        },
        'changes its mind': {
          about: 'the choice is replaced instead of kept',
          killedBy: 'a choice is never taken back',
          actions: {
            choose: alter(choose, {
              drop: 'nothing is chosen yet',
              next: (_, { value }) => ({ chosen: [value] }),
            }),
          },
        },
        'never chooses': {
          about: 'nobody ever decides',
          killedBy: ['a value is chosen for ever', 'deadlock'],
          actions: {
            choose: alter(choose, { when: { 'nothing is chosen yet': () => false } }),
          },
        },
      },
    };
  },
});
