/** The model `zab`: the protocol with its promises, its budgets and its mutants. */
import { model, type Params, type Spec } from '../../kernel/model.ts';
import { names } from '../../kernel/value.ts';
import { charted } from './chart.ts';
import { type ProtocolActions, protocolActions, type Rules, zabRules } from './protocol.ts';
import { protocolMutants } from './protocol-mutants.ts';
import { protocolProperties, protocolWitnesses } from './protocol-properties.ts';
import { initialState, type ProtocolScope, type Sid, type State } from './protocol-state.ts';
import { order, permute } from './protocol-symmetry.ts';

export const zab = model({
  name: 'zab',
  about: 'The ZAB protocol: what was delivered survives, in one order.',
  scope: { servers: 2, timeouts: 2, txns: 2, epochs: 2, restarts: 1 },
  runs: {
    everyday: [{}, { scope: { servers: 3, timeouts: 1, txns: 1, epochs: 2, restarts: 0 } }],
    long: [
      { scope: { servers: 3, timeouts: 1, txns: 2, epochs: 2, restarts: 0 } },
      { scope: { servers: 3, timeouts: 1, txns: 2, epochs: 2, restarts: 0 }, symmetry: true },
      { ghosts: true },
    ],
  },
  define: (budget: ProtocolScope) => protocolSpec(budget, zabRules(budget.servers)),
});

function protocolSpec(budget: ProtocolScope, rules: Rules): Spec<State> {
  const actions = protocolActions(budget, rules);
  const right = zabRules(budget.servers);
  return {
    init: initialState(budget.servers),
    actions: charted(recorded(actions)),
    ...protocolProperties,
    sometimes: protocolWitnesses,
    ghosts: ['last', 'delivered', 'skipped'],
    symmetry: { sets: { servers: names('s', budget.servers) }, permute, order },
    mutants: protocolMutants(budget, actions, (change) =>
      protocolSpec(budget, { ...right, ...change }),
    ),
  };
}

/** Zab.tla's `recorder.pc`; see `protocol-symmetry.ts` for what it is good for. */
function recorded(actions: ProtocolActions): Spec<State>['actions'] {
  const entries = Object.entries(actions as Spec<State>['actions']).map(([name, action]) => {
    const next = (s: State, params: Params): State => {
      const servers = Object.values(params) as Sid[];
      return { ...action.next(s, params), last: [name, ...servers] };
    };
    return [name, { ...action, next }] as const;
  });
  return Object.fromEntries(entries);
}
