/** The model `zab-coarse`: election and discovery in one step, the rest as `zab-system`. */
import { type Mutant, model, type Spec } from '../../kernel/model.ts';
import { charted } from './chart.ts';
import { coarseActions } from './coarse.ts';
import { systemActions } from './system.ts';
import { systemMutants } from './system-mutants.ts';
import { systemProperties, systemWitnesses } from './system-properties.ts';
import { deposedLeader, oneBehind } from './system-starts.ts';
import { initialState, type State, type SystemScope } from './system-state.ts';

const large = {
  txns: 4,
  epochs: 5,
  crashes: 4,
  timeouts: 3,
  partitions: 1,
  snapshots: 1,
} as const;

export const zabCoarse = model({
  name: 'zab-coarse',
  about: 'ZAB from synchronization on; a quorum elects and agrees on an epoch in one step.',
  scope: {
    servers: 3,
    txns: 1,
    epochs: 2,
    crashes: 0,
    timeouts: 0,
    partitions: 0,
    snapshots: 0,
    window: 2,
    election: 'best',
  },
  runs: {
    everyday: [
      {},
      { scope: large, walks: { walks: 200, steps: 200, seed: '5eed' } },
      { scope: large, walks: { walks: 100, steps: 120, seed: '5eed', from: 'deposedLeader' } },
      { scope: large, walks: { walks: 100, steps: 120, seed: '5eed', from: 'oneBehind' } },
    ],
    long: [
      { scope: { crashes: 1 } },
      { scope: { ...large, servers: 5 }, walks: { walks: 2000, steps: 300, seed: '5eed' } },
    ],
  },
  define: (scope: SystemScope) => coarseSpec(scope),
});

function coarseSpec(scope: SystemScope): Spec<State> {
  const fine = systemActions(scope);
  const actions = charted(coarseActions(scope, fine));
  const mutants = systemMutants(fine, (init) => ({ ...coarseSpec(scope), init }));
  return {
    init: initialState(scope.servers),
    actions,
    ...systemProperties,
    sometimes: systemWitnesses,
    ghosts: ['leaders', 'broadcasts', 'delivered', 'skipped'],
    mutants: Object.fromEntries(
      Object.entries(mutants).filter(([, mutant]) => changesOnly(mutant, actions)),
    ),
    starts: { oneBehind: oneBehind(scope.servers), deposedLeader: deposedLeader(scope.servers) },
    symmetry: { refused: 'elections break ties by server id' },
  };
}

/** A mistake in discovery cannot be made here. */
function changesOnly(mutant: Mutant<State>, actions: Spec<State>['actions']): boolean {
  return Object.keys(mutant.actions ?? {}).every((name) => name in actions);
}
