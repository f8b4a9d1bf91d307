/** What claims about ZAB ask of the protocol model beyond its own properties. */
import { sameTxn } from '../../models/zab/history.ts';
import { type Phase, type State, sidsOf } from '../../models/zab/protocol-state.ts';
import { observed } from '../checks.ts';

/** Three servers, one leader that fails, one transaction in each of two epochs. */
export const ZAB = { servers: 3, timeouts: 1, txns: 1, epochs: 2, restarts: 0 };
/** One epoch is enough for what a single recovery does. */
const ONE_EPOCH = { ...ZAB, epochs: 1 };

const phases: readonly Phase[] = ['election', 'discovery', 'synchronization', 'broadcast'];

export const phasesInOrder = observed<State>(
  'zab',
  'election, discovery, synchronization, broadcast, in this order, or back to election',
  {
    onStep: ({ before, after }) =>
      sidsOf(before).every((i) => {
        const from = phases.indexOf(before.servers[i].phase);
        const to = phases.indexOf(after.servers[i].phase);
        return to === from || to === from + 1 || to === 0;
      }),
  },
  ONE_EPOCH,
);

/** What is delivered for the first time was proposed in the epoch that delivers it. */
export const nothingUncommittedIsCommittedLater = observed<State>(
  'zab',
  'a proposal that its own epoch did not commit is not committed later',
  {
    onStep: ({ before, after }) => {
      const fresh = after.delivered.filter(
        (txn) => !before.delivered.some((known) => sameTxn(known, txn)),
      );
      const newest = Math.max(0, ...sidsOf(after).map((i) => after.servers[i].currentEpoch));
      return fresh.every(({ zxid }) => zxid[0] === newest);
    },
  },
  ZAB,
);

/** How many followers have acknowledged the history of each leader that broadcasts. */
function everyBroadcast(says: (followers: number, servers: number) => boolean) {
  return (s: State): boolean =>
    sidsOf(s).every((i) => {
      const { role, phase, ackLeaders } = s.servers[i];
      if (role !== 'leading' || phase !== 'broadcast') return true;
      const followers = ackLeaders.filter(({ sid }) => sid !== i).length;
      return says(followers, sidsOf(s).length);
    });
}

export const broadcastNeedsHalfOfTheFollowers = observed<State>(
  'zab',
  'broadcast begins with more than half of the followers synchronized',
  { always: everyBroadcast((followers, servers) => 2 * followers > servers - 1) },
  ONE_EPOCH,
);

export const broadcastNeedsHalfOfTheVoters = observed<State>(
  'zab',
  'broadcast begins with more than half of the voters synchronized, the leader included',
  { always: everyBroadcast((followers, servers) => 2 * (followers + 1) > servers) },
  ONE_EPOCH,
);
