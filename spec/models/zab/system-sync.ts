/** Synchronization: DIFF | TRUNC | SNAP … NEWLEADER → ACK → UPTODATE. */
import { actionsOn, impossible } from '../../kernel/model.ts';
import { exclude, include, names } from '../../kernel/value.ts';
import { isAfter, lastZxid, positionOf, sameZxid, type Txn, type Zxid } from './history.ts';
import {
  answer,
  arrivedAtLeader,
  arrivedAtLearner,
  cannotTruncate,
  fromLeader,
  fromLearner,
  isIn,
  taken,
} from './system-links.ts';
import {
  change,
  deliver,
  establish,
  type Message,
  type MessageOf,
  quorumOf,
  receive,
  type Server,
  type State,
  type SystemScope,
  send,
  setHandler,
} from './system-state.ts';

const action = actionsOn<State>();

export function syncActions(budget: SystemScope) {
  const servers = names('s', budget.servers);

  /**
   * What learner j lacks, all that is under way, and NEWLEADER; live traffic follows. What j
   * acknowledged on an earlier connection may be cut from its log now, and must be acknowledged
   * anew.
   */
  const SyncChosen = action({
    for: { i: servers, j: servers },
    when: {
      'j waits to be synchronized': (s, { i, j }) =>
        s.servers[i].handlers[j]?.phase === 'syncing' &&
        s.servers[i].handlers[j]?.isForwarding === false,
      'i may synchronize': (s, { i }) =>
        isIn('leading', 'synchronization', 'broadcast')(s, { i }) &&
        s.servers[i].pending[0]?.isCommitted !== true,
    },
    next: (s, { i, j }) => {
      const { epoch, handlers } = s.servers[i];
      const { zxid } = handlers[j] as { zxid: Zxid };
      const pending = s.servers[i].pending.map((one) => ({ ...one, acks: exclude(one.acks, j) }));
      const outstanding = pending.map(({ txn }): Message => ({ type: 'PROPOSAL', txn }));
      const messages = [...chooseSync(s.servers[i], zxid), ...outstanding];
      const forwarding = setHandler(s, i, j, { isForwarding: true });
      return send(change(forwarding, i, { pending }), i, j, ...messages, {
        type: 'NEWLEADER',
        epoch,
      });
    },
  });

  /**
   * The cases of LearnerHandler.syncFollower, on the window of committed transactions in memory.
   */
  function chooseSync({ applied, log, window }: Server, zxid: Zxid): readonly Message[] {
    const remembered = log.slice(Math.max(0, window), applied);
    const last = lastZxid(log.slice(0, applied));
    const min = remembered[0]?.zxid ?? last;
    const max = remembered.at(-1)?.zxid ?? last;
    const snap: Message = { type: 'SNAP', zxid: last, txns: log.slice(0, applied) };
    if (sameZxid(zxid, last)) return [{ type: 'DIFF', zxid }];
    if (isAfter(zxid, max) && remembered.length === 0) return [snap];
    if (isAfter(zxid, max)) return [{ type: 'TRUNC', zxid: max }];
    if (isAfter(min, zxid)) return [snap];
    const place = remembered.findIndex((txn) => !isAfter(zxid, txn.zxid));
    const [before, found] = [remembered[place - 1], remembered[place]];
    const isKnown = found !== undefined && sameZxid(found.zxid, zxid);
    if (isKnown) return [{ type: 'DIFF', zxid: max }, ...committedPairs(remembered, place + 1)];
    if (before === undefined || before.zxid[0] !== zxid[0]) return [snap];
    return [{ type: 'TRUNC', zxid: before.zxid }, ...committedPairs(remembered, place)];
  }

  function committedPairs(txns: readonly Txn[], from: number): readonly Message[] {
    return txns.slice(from).flatMap((txn): Message[] => [
      { type: 'PROPOSAL', txn },
      { type: 'COMMIT', zxid: txn.zxid },
    ]);
  }

  const SyncReceived = action({
    for: { i: servers, mode: ['DIFF', 'TRUNC', 'SNAP'] as const },
    when: {
      'the leader has chosen this mode': (s, { i, mode }) =>
        isIn('following', 'synchronization')(s, { i }) && fromLeader(s, i, mode) !== undefined,
    },
    next: (s, { i, mode }) => {
      const isUseless = mode === 'DIFF' && s.servers[i].needsSnapshot;
      if (isUseless) impossible('DIFF comes where only a snapshot helps');
      if (mode === 'DIFF') return taken(s, i);
      // The snapshot stays at the head until it is installed.
      if (mode === 'SNAP') return change(s, i, { phase: 'loading' });
      const { zxid } = fromLeader(s, i, 'TRUNC') as MessageOf<'TRUNC'>;
      return change(taken(s, i), i, { phase: 'truncating', target: zxid });
    },
  });

  const Truncated = action({
    for: { i: servers },
    when: {
      'i is told to cut its log': isIn('following', 'truncating'),
      'its disk can be cut there': (s, { i }) => !cannotTruncate(s.servers[i]),
    },
    next: (s, { i }) => {
      const { log, snapshots, target } = s.servers[i];
      const place = positionOf(log, target) as number;
      return change(s, i, {
        phase: 'truncated',
        log: log.slice(0, place),
        flushed: place,
        snapshots: snapshots.filter((position) => position <= place),
      });
    },
  });

  const SnapshotInstalled = action({
    for: { i: servers },
    when: arrivedAtLearner('SNAP', 'loading'),
    next: (s, { i }) => {
      const { txns } = fromLeader(s, i, 'SNAP') as MessageOf<'SNAP'>;
      const place = txns.length;
      return change(taken(s, i), i, {
        phase: 'synchronization',
        log: txns,
        flushed: place,
        applied: place,
        window: place,
        snapshots: [place],
        needsSnapshot: false,
      });
    },
  });

  /** First everything committed goes to the disk, then the epoch, then the answer. */
  const NewLeaderReceived = action({
    for: { i: servers },
    when: arrivedAtLearner('NEWLEADER', 'synchronization'),
    next: (s, { i }) => {
      const { epoch } = fromLeader(s, i, 'NEWLEADER') as MessageOf<'NEWLEADER'>;
      if (epoch !== s.servers[i].epoch) impossible('NEWLEADER is of another epoch');
      return change(taken(s, i), i, { phase: 'logging' });
    },
  });

  const NewLeaderAcked = action({
    for: { i: servers },
    when: { 'the current epoch is saved': isIn('following', 'saved') },
    next: (s, { i }) => {
      const { epoch } = s.servers[i];
      return answer(change(s, i, { phase: 'waiting' }), i, { type: 'ACK', zxid: [epoch, 0] });
    },
  });

  const NewLeaderAckReceived = action({
    for: { i: servers, j: servers },
    when: {
      ...arrivedAtLeader('ACK'),
      'j is synchronizing': (s, { i, j }) => s.servers[i].handlers[j]?.phase === 'syncing',
    },
    next: (s, { i, j }) => {
      const { zxid } = fromLearner(s, { i, j }, 'ACK') as MessageOf<'ACK'>;
      const { epoch, newLeaderAcks, phase } = s.servers[i];
      if (!sameZxid(zxid, [epoch, 0])) impossible('an ACK comes before the one of NEWLEADER');
      const acked = change(receive(s, j, i), i, { newLeaderAcks: include(newLeaderAcks, j) });
      if (phase !== 'broadcast') return setHandler(acked, i, j, { phase: 'acking' });
      return send(setHandler(acked, i, j, { phase: 'live' }), i, j, { type: 'UPTODATE' });
    },
  });

  /** The leader: a quorum has its whole history on disk; now it may commit. */
  const LeaderEstablished = action({
    for: { i: servers },
    when: {
      'i synchronizes its learners': isIn('leading', 'synchronization'),
      'a quorum has acknowledged NEWLEADER': (s, { i }) => quorumOf(s, s.servers[i].newLeaderAcks),
    },
    next: (s, { i }) => {
      const { handlers } = s.servers[i];
      const ready = servers.filter((j) => handlers[j]?.phase === 'acking');
      const established = establish(change(s, i, { phase: 'broadcast' }), i);
      return ready.reduce(
        (sent, j) => send(setHandler(sent, i, j, { phase: 'live' }), i, j, { type: 'UPTODATE' }),
        established,
      );
    },
  });

  const LearnerActivated = action({
    for: { i: servers },
    when: arrivedAtLearner('UPTODATE', 'waiting'),
    next: (s, { i }) => {
      const { log } = s.servers[i];
      return deliver(change(taken(s, i), i, { phase: 'broadcast', acked: log.length }), i);
    },
  });

  return {
    SyncChosen,
    SyncReceived,
    Truncated,
    SnapshotInstalled,
    NewLeaderReceived,
    NewLeaderAcked,
    NewLeaderAckReceived,
    LeaderEstablished,
    LearnerActivated,
  };
}
