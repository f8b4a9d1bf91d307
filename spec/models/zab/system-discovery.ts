/** Discovery: FOLLOWERINFO → LEADERINFO → ACKEPOCH, and the two epochs on disk. */
import { actionsOn } from '../../kernel/model.ts';
import { include, names } from '../../kernel/value.ts';
import { isAfter, lastZxid, ZERO } from './history.ts';
import {
  answer,
  arrivedAtLeader,
  arrivedAtLearner,
  fromLeader,
  fromLearner,
  isIn,
  taken,
} from './system-links.ts';
import {
  change,
  connect,
  dropHandler,
  isConnected,
  isCut,
  type MessageOf,
  quorumOf,
  receive,
  type Sid,
  type State,
  type SystemScope,
  send,
  setHandler,
} from './system-state.ts';

const action = actionsOn<State>();

export function discoveryActions(budget: SystemScope) {
  const servers = names('s', budget.servers);

  /** Learner i dials its leader and sends FOLLOWERINFO. */
  const Connected = action({
    for: { i: servers },
    when: {
      'i dials its leader': isIn('following', 'connecting'),
      'the leader listens': (s, { i }) => {
        const leader = s.servers[i].leader as Sid;
        return s.servers[leader].role === 'leading' && !isCut(s, i, leader);
      },
    },
    next: (s, { i }) => {
      const connected = connect(s, s.servers[i].leader as Sid, i);
      return answer(connected, i, { type: 'FOLLOWERINFO', epoch: s.servers[i].acceptedEpoch });
    },
  });

  /** Silent: leader i notices that j is gone. What was on the way may have been read before. */
  const LearnerLost = action({
    for: { i: servers, j: servers },
    when: {
      'i has a connection of j': (s, { i, j }) => s.servers[i].handlers[j] !== null,
      'j has left it': (s, { i, j }) => !isConnected(s.servers[j], i),
    },
    next: (s, { i, j }) => dropHandler(s, i, j),
  });

  /** With a quorum the epoch is fixed: above all that anybody has accepted. */
  const FollowerInfoReceived = action({
    for: { i: servers, j: servers },
    when: {
      ...arrivedAtLeader('FOLLOWERINFO'),
      'an epoch is left': (s, link) => {
        const { acceptedEpoch, epoch } = s.servers[link.i];
        const heard = fromLearner(s, link, 'FOLLOWERINFO')?.epoch ?? 0;
        return epoch !== 0 || Math.max(acceptedEpoch, heard) < budget.epochs;
      },
    },
    next: (s, { i, j }) => {
      const { accepted, epoch, phase } = s.servers[i];
      const { epoch: acceptedEpoch } = fromLearner(
        s,
        { i, j },
        'FOLLOWERINFO',
      ) as MessageOf<'FOLLOWERINFO'>;
      const known = setHandler(receive(s, j, i), i, j, { phase: 'epoch' });
      if (phase !== 'discovery') return send(known, i, j, { type: 'LEADERINFO', epoch });
      if (epoch !== 0) return known;
      const heard = accepted.filter(({ sid }) => sid !== j);
      const all = include(heard, { sid: j, epoch: acceptedEpoch });
      const isEnough = quorumOf(
        s,
        all.map(({ sid }) => sid),
      );
      const opened = isEnough ? Math.max(...all.map((one) => one.epoch)) + 1 : 0;
      return change(known, i, { accepted: all, epoch: opened });
    },
  });

  /**
   * The leader saves the new epoch before it tells anybody, and counts as the first to accept it.
   */
  const EpochProposed = action({
    for: { i: servers },
    when: {
      'i has found an epoch': (s, { i }) =>
        s.servers[i].role === 'leading' &&
        s.servers[i].phase === 'discovery' &&
        s.servers[i].epoch !== 0,
    },
    next: (s, { i }) => {
      const { epoch, handlers } = s.servers[i];
      const saved = change(s, i, {
        acceptedEpoch: epoch,
        phase: 'acknowledgement',
        epochAcks: [i],
      });
      const waiting = servers.filter((j) => handlers[j]?.phase === 'epoch');
      return waiting.reduce((sent, j) => send(sent, i, j, { type: 'LEADERINFO', epoch }), saved);
    },
  });

  const AcceptedEpochSaved = action({
    for: { i: servers },
    when: {
      ...arrivedAtLearner('LEADERINFO', 'discovery'),
      'the epoch is new to i': (s, { i }) =>
        (fromLeader(s, i, 'LEADERINFO')?.epoch ?? 0) > s.servers[i].acceptedEpoch,
    },
    next: (s, { i }) => {
      const { epoch } = fromLeader(s, i, 'LEADERINFO') as MessageOf<'LEADERINFO'>;
      const saved = change(taken(s, i), i, { acceptedEpoch: epoch });
      return ackEpoch(saved, i, epoch, s.servers[i].currentEpoch);
    },
  });

  /**
   * i has accepted this epoch before, perhaps from another leader; it promises nothing anew.
   */
  const EpochKnown = action({
    for: { i: servers },
    when: {
      ...arrivedAtLearner('LEADERINFO', 'discovery'),
      'the epoch is known to i': (s, { i }) =>
        fromLeader(s, i, 'LEADERINFO')?.epoch === s.servers[i].acceptedEpoch,
    },
    next: (s, { i }) => ackEpoch(taken(s, i), i, s.servers[i].acceptedEpoch, null),
  });

  function ackEpoch(s: State, i: Sid, agreed: number, epoch: number | null): State {
    const { log, needsSnapshot } = s.servers[i];
    const zxid = needsSnapshot ? ZERO : lastZxid(log);
    const ready = change(s, i, { phase: 'synchronization', epoch: agreed });
    return answer(ready, i, { type: 'ACKEPOCH', epoch, zxid });
  }

  /** Who has more than the leader is sent away. */
  const EpochAckReceived = action({
    for: { i: servers, j: servers },
    when: arrivedAtLeader('ACKEPOCH'),
    next: (s, { i, j }) => {
      const { epoch, zxid } = fromLearner(s, { i, j }, 'ACKEPOCH') as MessageOf<'ACKEPOCH'>;
      const { epochAcks, summary } = s.servers[i];
      const heard = setHandler(receive(s, j, i), i, j, { phase: 'syncing', zxid });
      if (epoch === null) return heard;
      const isAhead =
        epoch > summary.epoch || (epoch === summary.epoch && isAfter(zxid, summary.zxid));
      if (isAhead) return dropHandler(s, i, j);
      return change(heard, i, { epochAcks: include(epochAcks, j) });
    },
  });

  /**
   * The leader: a quorum has accepted the epoch. A learner: everything committed is on its disk.
   */
  const CurrentEpochSaved = action({
    for: { i: servers },
    when: {
      'a quorum accepted, or NEWLEADER came': (s, { i }) =>
        isIn('following', 'logging')(s, { i }) ||
        (isIn('leading', 'acknowledgement')(s, { i }) && quorumOf(s, s.servers[i].epochAcks)),
      'all that is committed is logged': (s, { i }) =>
        s.servers[i].pending[0]?.isCommitted !== true,
      'all that is logged is flushed': (s, { i }) =>
        s.servers[i].flushed === s.servers[i].log.length,
    },
    next: (s, { i }) => {
      const { epoch, role } = s.servers[i];
      const saved = change(s, i, { currentEpoch: epoch });
      if (role === 'following') return change(saved, i, { phase: 'saved' });
      const leaders = { ...s.leaders, [epoch]: include(s.leaders[epoch] ?? [], i) };
      return change({ ...saved, leaders }, i, { phase: 'synchronization', newLeaderAcks: [i] });
    },
  });

  return {
    Connected,
    LearnerLost,
    FollowerInfoReceived,
    EpochProposed,
    AcceptedEpochSaved,
    EpochKnown,
    EpochAckReceived,
    CurrentEpochSaved,
  };
}
