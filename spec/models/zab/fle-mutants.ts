/** Mistakes in the election. */
import type { Mutant, Spec } from '../../kernel/model.ts';
import type { Rules, State } from './fle.ts';

/** `under` gives the spec with some rules changed. */
export function fleMutants(
  under: (change: Partial<Rules>) => Spec<State>,
  servers: number,
): Readonly<Record<string, Mutant<State>>> {
  return {
    tiesNotBroken: {
      about: 'equal candidates are not told apart by their ids',
      killedBy: 'aLeaderEmerges',
      scope: { servers: 2, crashes: 0, timeouts: 0 },
      spec: () =>
        under({
          isBetter: (one, other) =>
            one.epoch > other.epoch || (one.epoch === other.epoch && one.counter > other.counter),
        }),
    },
    historyBeforeEpoch: {
      about: 'the longer history wins, whatever its epoch',
      killedBy: 'electedIsAsGoodAsAQuorum',
      spec: () =>
        under({
          isBetter: (one, other) => {
            if (one.counter !== other.counter) return one.counter > other.counter;
            return (
              one.epoch > other.epoch || (one.epoch === other.epoch && one.leader > other.leader)
            );
          },
        }),
    },
    oneFewerIsAQuorum: {
      about: 'one vote less than a majority is enough',
      killedBy: 'electedIsAsGoodAsAQuorum',
      spec: () => under({ isQuorum: (sids) => 2 * (sids.length + 1) > servers }),
    },
  };
}
