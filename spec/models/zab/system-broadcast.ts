/** Broadcast: PROPOSAL → logged → flushed → ACK → COMMIT → applied. */
import { actionsOn, impossible } from '../../kernel/model.ts';
import { include, names } from '../../kernel/value.ts';
import { isSuccessor, sameZxid, type Txn, type Zxid } from './history.ts';
import {
  answer,
  arrivedAtLeader,
  arrivedAtLearner,
  fromLeader,
  fromLearner,
  isBroadcasting,
  isIn,
  left,
  positions,
  taken,
} from './system-links.ts';
import {
  acksOf,
  applyFirst,
  change,
  deliver,
  forward,
  indexOfPending,
  lastQueued,
  loggedCount,
  type MessageOf,
  quorumOf,
  receive,
  type Sid,
  type State,
  type SystemScope,
  spend,
} from './system-state.ts';

const action = actionsOn<State>();

export function broadcastActions(budget: SystemScope) {
  const servers = names('s', budget.servers);

  const ProposalSent = action({
    for: { i: servers },
    when: {
      ...left(budget, 'txns'),
      'i leads and broadcasts': isIn('leading', 'broadcast'),
    },
    next: (s, { i }) => {
      const { epoch, pending } = s.servers[i];
      const [lastEpoch, counter] = lastQueued(s.servers[i]);
      const zxid: Zxid = [epoch, lastEpoch === epoch ? counter + 1 : 1];
      const txn: Txn = { zxid, value: s.used.txns };
      const proposed = change(s, i, {
        pending: [...pending, { txn, isCommitted: false, acks: [] }],
      });
      const broadcasts = include(s.broadcasts, { source: i, epoch, ...txn });
      return forward(spend({ ...proposed, broadcasts }, 'txns'), i, { type: 'PROPOSAL', txn });
    },
  });

  const ProposalReceived = action({
    for: { i: servers },
    when: arrivedAtLearner('PROPOSAL', 'synchronization', 'waiting', 'broadcast'),
    next: (s, { i }) => {
      const { txn } = fromLeader(s, i, 'PROPOSAL') as MessageOf<'PROPOSAL'>;
      const { pending } = s.servers[i];
      if (!isSuccessor(lastQueued(s.servers[i]), txn.zxid)) impossible('PROPOSAL leaves a gap');
      return change(taken(s, i), i, {
        pending: [...pending, { txn, isCommitted: false, acks: [] }],
      });
    },
  });

  /** Silent: the next transaction is handed to the log. */
  const ProposalLogged = action({
    for: { i: servers },
    when: {
      'i broadcasts': isBroadcasting,
      'something is not logged yet': (s, { i }) =>
        loggedCount(s.servers[i]) < s.servers[i].pending.length,
    },
    next: (s, { i }) => logNext(s, i),
  });

  function logNext(s: State, i: Sid): State {
    const { log, pending } = s.servers[i];
    const next = pending[loggedCount(s.servers[i])];
    return next === undefined ? s : change(s, i, { log: [...log, next.txn] });
  }

  const TxnFlushed = action({
    for: { i: servers },
    when: {
      'i is up': (s, { i }) => ['leading', 'following'].includes(s.servers[i].role),
      'something is not flushed': (s, { i }) => s.servers[i].flushed < s.servers[i].log.length,
    },
    next: (s, { i }) => change(s, i, { flushed: s.servers[i].flushed + 1 }),
  });

  const ProposalAcked = action({
    for: { i: servers },
    when: {
      'i follows and broadcasts': isIn('following', 'broadcast'),
      'the next one is logged': (s, { i }) => s.servers[i].acked < s.servers[i].log.length,
      'the next one is flushed': (s, { i }) => s.servers[i].acked < s.servers[i].flushed,
    },
    next: (s, { i }) => {
      const { acked, log } = s.servers[i];
      const { zxid } = log[acked] as Txn;
      return answer(change(s, i, { acked: acked + 1 }), i, { type: 'ACK', zxid });
    },
  });

  const AckReceived = action({
    for: { i: servers, j: servers },
    when: {
      ...arrivedAtLeader('ACK'),
      'j is synchronized': (s, { i, j }) =>
        ['acking', 'live'].includes(s.servers[i].handlers[j]?.phase ?? ''),
    },
    next: (s, { i, j }) => {
      const { zxid } = fromLearner(s, { i, j }, 'ACK') as MessageOf<'ACK'>;
      const { pending } = s.servers[i];
      const place = indexOfPending(s.servers[i], zxid);
      const proposal = pending[place];
      if (proposal === undefined) return receive(s, j, i);
      const acks = include(proposal.acks, j);
      return change(receive(s, j, i), i, { pending: pending.with(place, { ...proposal, acks }) });
    },
  });

  /** The leader: a quorum has the oldest proposal on disk. */
  const ProposalCommitted = action({
    for: { i: servers },
    when: {
      'i leads and has a proposal under way': (s, { i }) =>
        isIn('leading', 'broadcast')(s, { i }) && s.servers[i].pending[0]?.isCommitted === false,
      'a quorum has acknowledged it': (s, { i }) => quorumOf(s, acksOf(s.servers[i], i, 0)),
    },
    next: (s, { i }) => {
      const [first, ...others] = s.servers[i].pending;
      if (first === undefined) return s;
      const committed = change(s, i, { pending: [{ ...first, isCommitted: true }, ...others] });
      return forward(committed, i, { type: 'COMMIT', zxid: first.txn.zxid });
    },
  });

  const CommitReceived = action({
    for: { i: servers },
    when: arrivedAtLearner('COMMIT', 'synchronization', 'waiting', 'broadcast'),
    next: (s, { i }) => {
      const { zxid } = fromLeader(s, i, 'COMMIT') as MessageOf<'COMMIT'>;
      const { pending } = s.servers[i];
      const place = pending.findIndex(({ isCommitted }) => !isCommitted);
      const proposal = pending[place];
      if (proposal === undefined || !sameZxid(proposal.txn.zxid, zxid)) {
        return impossible('COMMIT matches no proposal');
      }
      return change(taken(s, i), i, {
        pending: pending.with(place, { ...proposal, isCommitted: true }),
      });
    },
  });

  /** The tree changes. What was committed before NEWLEADER is logged and applied at once. */
  const TxnApplied = action({
    for: { i: servers },
    when: {
      'the next one is committed': (s, { i }) => s.servers[i].pending[0]?.isCommitted === true,
      'it is logged, or is to be logged now': (s, { i }) =>
        s.servers[i].phase === 'logging' ||
        (isBroadcasting(s, { i }) && loggedCount(s.servers[i]) > 0),
    },
    next: (s, { i }) => {
      const logged = s.servers[i].phase === 'logging' ? logNext(s, i) : s;
      return deliver(applyFirst(logged, i, budget.window), i, s.servers[i].applied);
    },
  });

  /** A learner may take one of what it was just sent, before it is told that it is up to date. */
  const SnapshotTaken = action({
    for: { i: servers, at: positions },
    when: {
      ...left(budget, 'snapshots'),
      'i has applied something': (s, { i }) =>
        isBroadcasting(s, { i }) || isIn('following', 'logging', 'saved', 'waiting')(s, { i }),
      'what was applied is on disk': (s, { i, at }) =>
        at <= Math.min(s.servers[i].applied, s.servers[i].flushed),
      'it is newer than the last': (s, { i, at }) => at > (s.servers[i].snapshots.at(-1) ?? 0),
    },
    next: (s, { i, at }) =>
      spend(change(s, i, { snapshots: [...s.servers[i].snapshots, at] }), 'snapshots'),
  });

  return {
    ProposalSent,
    ProposalReceived,
    ProposalLogged,
    TxnFlushed,
    ProposalAcked,
    AckReceived,
    ProposalCommitted,
    CommitReceived,
    TxnApplied,
    SnapshotTaken,
  };
}
