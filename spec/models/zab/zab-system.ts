/**
 * The model `zab-system`: ZAB as a server runs it, with its promises, its budgets and its mutants.
 */
import { model, type Spec } from '../../kernel/model.ts';
import { charted } from './chart.ts';
import { systemActions } from './system.ts';
import { systemMutants } from './system-mutants.ts';
import { systemProperties, systemWitnesses } from './system-properties.ts';
import { deposedLeader, oneBehind } from './system-starts.ts';
import { initialState, type State, type SystemScope } from './system-state.ts';

const three = {
  servers: 3,
  txns: 4,
  epochs: 4,
  crashes: 3,
  timeouts: 3,
  partitions: 1,
  snapshots: 1,
  window: 2,
} as const;

export const zabSystem = model({
  name: 'zab-system',
  about: 'ZAB as a server runs it: DIFF, TRUNC and SNAP, disk and memory, crashes and partitions.',
  scope: {
    servers: 2,
    txns: 1,
    epochs: 2,
    crashes: 1,
    timeouts: 0,
    partitions: 0,
    snapshots: 0,
    window: 1,
    election: 'best',
  },
  runs: {
    everyday: [
      {},
      { scope: three, walks: { walks: 300, steps: 250, seed: '5eed' } },
      { scope: three, walks: { walks: 150, steps: 150, seed: '5eed', from: 'deposedLeader' } },
      { scope: three, walks: { walks: 150, steps: 150, seed: '5eed', from: 'oneBehind' } },
    ],
  },
  define: (scope: SystemScope) => systemSpec(scope),
});

function systemSpec(scope: SystemScope): Spec<State> {
  const actions = systemActions(scope);
  return {
    init: initialState(scope.servers),
    actions: charted(actions),
    ...systemProperties,
    sometimes: systemWitnesses,
    ghosts: ['leaders', 'broadcasts', 'delivered', 'skipped'],
    mutants: systemMutants(actions, (init) => ({ ...systemSpec(scope), init })),
    starts: { oneBehind: oneBehind(scope.servers), deposedLeader: deposedLeader(scope.servers) },
    symmetry: { refused: 'elections break ties by server id' },
  };
}
