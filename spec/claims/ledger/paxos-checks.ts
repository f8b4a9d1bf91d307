/** What claims about Paxos ask of the model beyond its own properties. */
import type { Action, Spec } from '../../kernel/model.ts';
import { keysOf, put } from '../../kernel/value.ts';
import type { PaxosState } from '../../models/paxos/paxos.ts';
import { NO_BALLOT, type Vote } from '../../models/paxos/voting.ts';
import { observed, survivesRules } from '../checks.ts';

/** That is why an acceptor that missed a chosen value can take it without looking at its promises. */
export const laterVotesAreForWhatIsChosen = observed<PaxosState>(
  'paxos',
  'whoever accepts in a ballot above that of a chosen value accepts this value',
  {
    always: ({ acceptors, accepts }) => {
      const isChosen = ({ ballot, value }: Vote): boolean => {
        const same = accepts.filter((other) => other.ballot === ballot && other.value === value);
        return 2 * same.length > Object.keys(acceptors).length;
      };
      return accepts
        .filter(isChosen)
        .every((chosen) =>
          accepts.every((vote) => vote.ballot <= chosen.ballot || vote.value === chosen.value),
        );
    },
  },
);

/** What it promised and accepted was in memory only. */
function withForgetfulRestarts(spec: Spec<PaxosState>): Spec<PaxosState> {
  const restart: Action<PaxosState> = {
    for: { a: (s) => keysOf(s.acceptors) },
    next: (s, { a }) => ({
      ...s,
      acceptors: put(s.acceptors, a as keyof PaxosState['acceptors'], {
        promised: NO_BALLOT,
        vote: null,
      }),
    }),
    chart: (_, { a }) => ({ from: String(a), text: 'restarts and knows nothing' }),
  };
  return { ...spec, actions: { ...spec.actions, restart } };
}

export const agreementWithForgetfulRestarts = survivesRules<PaxosState>(
  'paxos',
  'acceptors restart without what they promised and accepted',
  withForgetfulRestarts,
  'agreement',
);
