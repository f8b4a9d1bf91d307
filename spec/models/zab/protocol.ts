/**
 * ZAB after the paper: Junqueira, Reed, Serafini, "Zab: High-performance broadcast for
 * primary-backup systems" (DSN 2011). A counterpart of Apache's
 * `zookeeper-specifications/protocol-spec/Zab.tla`: the same actions under the same names, the same
 * messages and the same budgets, so that the number of distinct states is the same in every scope.
 * (Zab.tla also keeps the name of its last action in the state. That is history, which belongs in
 * the trace; it is left out here.)
 *
 *   election         an oracle names a leader; each server hears of it in its own time
 *   discovery        CEPOCH → NEWEPOCH → ACKEPOCH: the leader learns the last epoch of a quorum,
 *                    opens a later one, and takes over the most recent history of a quorum
 *   synchronization  NEWLEADER → ACKLD → COMMITLD: a quorum adopts epoch and history
 *   broadcast        PROPOSE → ACK → COMMIT
 *
 * Three points that the paper leaves open are settled as in Zab.tla, and as ZooKeeper needs them:
 * PROPOSE goes to everybody who acknowledged the *epoch*, so that who joins late misses nothing;
 * hence a follower must tolerate a proposal that it has; and COMMITLD names the last *committed*
 * zxid.
 */
import { actionsOn, impossible } from '../../kernel/model.ts';
import { has, include, names } from '../../kernel/value.ts';
import {
  compareZxids,
  isAfter,
  isSuccessor,
  lastZxid,
  positionOf,
  sameZxid,
  type Zxid,
} from './history.ts';
import {
  acknowledge,
  broadcast,
  change,
  commit,
  type HeardHistory,
  head,
  hear,
  type LoggedTxn,
  lastZxidOf,
  lead,
  leave,
  lose,
  type Message,
  type MessageOf,
  type ProtocolScope,
  receive,
  recordBroadcasts,
  reply,
  type Server,
  type Sid,
  type State,
  send,
  skipOthers,
  spend,
  stop,
} from './protocol-state.ts';

/** Server j has sent i a message that i now handles. */
export type Link = { readonly i: Sid; readonly j: Sid };

export type ProtocolActions = ReturnType<typeof protocolActions>;

/** The decisions on which ZAB stands. */
export interface Rules {
  isQuorum(sids: readonly Sid[]): boolean;
  /** Above every epoch that a quorum has accepted. */
  newEpoch(accepted: readonly number[]): number;
  initialHistory(heard: readonly HeardHistory[], i: Sid): readonly LoggedTxn[];
  /** Who gets proposals. */
  recipients(leader: Server): readonly { readonly sid: Sid; readonly connected: boolean }[];
  /** What COMMITLD tells a follower that joins late. */
  deliveredSoFar(leader: Server): Zxid;
}

export function zabRules(servers: number): Rules {
  return {
    isQuorum: (sids) => 2 * sids.length > servers,
    newEpoch: (accepted) => Math.max(...accepted) + 1,
    initialHistory: mostRecent,
    recipients: ({ ackEpochs }) => ackEpochs,
    deliveredSoFar: ({ lastCommitted }) => lastCommitted.zxid,
  };
}

/** Highest epoch adopted, then longest history: the one that cannot miss anything committed. */
function mostRecent(heard: readonly HeardHistory[]): readonly LoggedTxn[] {
  const [best] = [...heard].sort(
    (a, b) => b.epoch - a.epoch || compareZxids(lastZxid(b.history), lastZxid(a.history)),
  );
  return best?.history ?? [];
}

const action = actionsOn<State>();

export function protocolActions(budget: ProtocolScope, rules: Rules) {
  const servers = names('s', budget.servers);
  const { isQuorum } = rules;
  const hasQuorum = (heard: readonly { readonly sid: Sid }[]): boolean =>
    isQuorum(heard.map(({ sid }) => sid));

  /** i, in that role, has a message of this type from j at the head of their channel. */
  const fromLearner = (type: Message['type']) => ({
    [`${type} of a learner has arrived`]: (s: State, { i, j }: Link) =>
      s.servers[i].role === 'leading' &&
      head(s, j, i)?.type === type &&
      has(s.servers[i].learners, j),
  });
  const fromLeader = (type: Message['type']) => ({
    [`${type} of its leader has arrived`]: (s: State, { i, j }: Link) =>
      s.servers[i].role === 'following' &&
      head(s, j, i)?.type === type &&
      s.servers[i].leader === j,
  });
  /** The message that `fromLearner` or `fromLeader` has seen. */
  const arrived = <T extends Message['type']>(s: State, { i, j }: Link, _type: T) =>
    head(s, j, i) as MessageOf<T>;
  const isLooking = (s: State, { i }: { i: Sid }) => s.servers[i].role === 'looking';

  // --- election ----------------------------------------------------------------------------------

  const UpdateLeader = action({
    for: { i: servers },
    when: {
      'i looks for a leader': isLooking,
      'the oracle names another': (s, { i }) => s.oracle !== i,
    },
    next: (s, { i }) => lead({ ...s, oracle: i }, i),
  });

  const FollowLeader = action({
    for: { i: servers },
    when: {
      'i looks for a leader': isLooking,
      'the oracle names one': (s) => s.oracle !== null,
    },
    next: (s, { i }) =>
      s.oracle === i ? lead(s, i) : change(s, i, { role: 'following', phase: 'discovery' }),
  });

  // --- failures ----------------------------------------------------------------------------------

  /** The connection of leader and follower breaks. */
  const Timeout = action({
    for: { i: servers, j: servers },
    when: {
      'a timeout is left': (s) => s.used.timeouts < budget.timeouts,
      'j follows leader i': (s, { i, j }) =>
        s.servers[i].role === 'leading' &&
        has(s.servers[i].learners, j) &&
        s.servers[j].role === 'following' &&
        s.servers[j].leader === i,
    },
    next: (s, { i, j }) => spend(lose(s, i, j, isQuorum), 'timeouts'),
  });

  /** A crash is a restart after which a server does nothing; it also counts as a timeout. */
  const Restart = action({
    for: { i: servers },
    when: {
      'a restart is left': (s) =>
        s.used.timeouts < budget.timeouts && s.used.restarts < budget.restarts,
    },
    next: (s, { i }) => {
      const stopped = spend(stop(s, i, isQuorum), 'timeouts', 'restarts');
      return change(stopped, i, { lastCommitted: { index: 0, zxid: [0, 0] } });
    },
  });

  // --- discovery ---------------------------------------------------------------------------------

  const ConnectAndFollowerSendCEPOCH = action({
    for: { i: servers, j: servers },
    when: {
      'i leads without j': (s, { i, j }) =>
        s.servers[i].role === 'leading' && !has(s.servers[i].learners, j),
      'j has heard of i': (s, { i, j }) =>
        s.servers[j].role === 'following' && s.servers[j].leader === null && s.oracle === i,
    },
    next: (s, { i, j }) => {
      const learners = include(s.servers[i].learners, j);
      const connected = change(change(s, i, { learners }), j, { leader: i });
      return send(connected, j, i, { type: 'CEPOCH', epoch: s.servers[j].acceptedEpoch });
    },
  });

  /** With the epochs of a quorum the leader opens a later one. */
  const LeaderProcessCEPOCH = action({
    for: { i: servers, j: servers },
    when: {
      ...fromLearner('CEPOCH'),
      'an epoch is left': (s) => s.used.epochs < budget.epochs,
    },
    next: (s, { i, j }) => {
      const { epoch } = arrived(s, { i, j }, 'CEPOCH');
      const { acceptedEpoch, phase } = s.servers[i];
      const cepochs = hear(s.servers[i].cepochs, { sid: j, connected: true, epoch });
      const heard = change(s, i, { cepochs });
      if (hasQuorum(s.servers[i].cepochs)) {
        return countEpoch(reply(heard, i, j, { type: 'NEWEPOCH', epoch: acceptedEpoch }));
      }
      if (phase !== 'discovery') impossible('a leader leaves discovery without a quorum of CEPOCH');
      if (!hasQuorum(cepochs)) return countEpoch(receive(heard, j, i));
      const opened = rules.newEpoch(cepochs.map((other) => other.epoch));
      const accepted = receive(change(heard, i, { acceptedEpoch: opened }), j, i);
      return countEpoch(broadcast(accepted, i, cepochs, { type: 'NEWEPOCH', epoch: opened }));
    },
  });

  function countEpoch(s: State): State {
    const epochs = Math.max(...servers.map((i) => s.servers[i].acceptedEpoch));
    return { ...s, used: { ...s.used, epochs } };
  }

  const FollowerProcessNEWEPOCH = action({
    for: { i: servers, j: servers },
    when: fromLeader('NEWEPOCH'),
    next: (s, { i, j }) => {
      const { epoch } = arrived(s, { i, j }, 'NEWEPOCH');
      const { acceptedEpoch, currentEpoch, history, phase } = s.servers[i];
      if (epoch < acceptedEpoch) return leave(s, j, i);
      if (phase !== 'discovery') impossible('NEWEPOCH comes after discovery');
      const accepted = change(s, i, { acceptedEpoch: epoch, phase: 'synchronization' });
      return reply(accepted, i, j, { type: 'ACKEPOCH', epoch: currentEpoch, history });
    },
  });

  /** With the histories of a quorum the leader takes over the most recent one. */
  const LeaderProcessACKEPOCH = action({
    for: { i: servers, j: servers },
    when: fromLearner('ACKEPOCH'),
    next: (s, { i, j }) => {
      const { epoch, history } = arrived(s, { i, j }, 'ACKEPOCH');
      const { acceptedEpoch, phase } = s.servers[i];
      const ackEpochs = hear(s.servers[i].ackEpochs, { sid: j, connected: true, epoch, history });
      const heard = change(s, i, { ackEpochs });
      if (hasQuorum(s.servers[i].ackEpochs)) {
        const own = s.servers[i].history;
        const told = recordBroadcasts(heard, i, acceptedEpoch, own);
        return reply(told, i, j, { type: 'NEWLEADER', epoch: acceptedEpoch, history: own });
      }
      if (phase !== 'discovery') impossible('a leader leaves discovery without ACKEPOCHs');
      if (!hasQuorum(ackEpochs)) return receive(heard, j, i);
      const chosen = rules.initialHistory(ackEpochs, i);
      const initial = chosen.map((txn): LoggedTxn => ({ ...txn, acks: [i] }));
      const ready = change(receive(heard, j, i), i, {
        currentEpoch: acceptedEpoch,
        history: initial,
        phase: 'synchronization',
      });
      const told = recordBroadcasts(
        recordLeader(ready, acceptedEpoch, i),
        i,
        acceptedEpoch,
        initial,
      );
      const newLeader = { type: 'NEWLEADER', epoch: acceptedEpoch, history: initial } as const;
      return broadcast(told, i, ackEpochs, newLeader);
    },
  });

  // --- synchronization ---------------------------------------------------------------------------

  const FollowerProcessNEWLEADER = action({
    for: { i: servers, j: servers },
    when: fromLeader('NEWLEADER'),
    next: (s, { i, j }) => {
      const { epoch, history } = arrived(s, { i, j }, 'NEWLEADER');
      const { acceptedEpoch, phase } = s.servers[i];
      if (epoch !== acceptedEpoch) return leave(s, j, i);
      if (phase !== 'synchronization') impossible('NEWLEADER comes outside synchronization');
      const adopted = change(s, i, { currentEpoch: epoch, history });
      return reply(adopted, i, j, { type: 'ACKLD', zxid: lastZxidOf(adopted.servers[i]) });
    },
  });

  /** With a quorum behind it, the leader is established: its whole history is committed. */
  const LeaderProcessACKLD = action({
    for: { i: servers, j: servers },
    when: fromLearner('ACKLD'),
    next: (s, { i, j }) => {
      const { zxid } = arrived(s, { i, j }, 'ACKLD');
      const { history, phase } = s.servers[i];
      const ackLeaders = hear(s.servers[i].ackLeaders, { sid: j, connected: true });
      const heard = change(s, i, { ackLeaders, history: acknowledge(history, j, zxid) });
      if (hasQuorum(s.servers[i].ackLeaders)) {
        if (phase !== 'broadcast')
          impossible('a quorum has acknowledged, yet nothing is broadcast');
        const zxid = rules.deliveredSoFar(s.servers[i]);
        return reply(heard, i, j, { type: 'COMMITLD', zxid });
      }
      if (phase !== 'synchronization') impossible('ACKLD comes outside synchronization');
      if (!hasQuorum(ackLeaders)) return receive(heard, j, i);
      const last = lastZxidOf(s.servers[i]);
      const serving = change(receive(heard, j, i), i, { phase: 'broadcast' });
      const established = skipOthers(commit(serving, i, history.length, last), i);
      return broadcast(established, i, ackLeaders, { type: 'COMMITLD', zxid: last });
    },
  });

  const FollowerProcessCOMMITLD = action({
    for: { i: servers, j: servers },
    when: fromLeader('COMMITLD'),
    next: (s, { i, j }) => {
      const { zxid } = arrived(s, { i, j }, 'COMMITLD');
      const index = positionOf(s.servers[i].history, zxid);
      if (index === undefined) return impossible('COMMITLD names what is not in the history');
      return commit(change(receive(s, j, i), i, { phase: 'broadcast' }), i, index, zxid);
    },
  });

  // --- broadcast ---------------------------------------------------------------------------------

  /** A client's request becomes the next transaction of the leader's epoch. */
  const LeaderProcessRequest = action({
    for: { i: servers },
    when: {
      'a transaction is left': (s) => s.used.txns < budget.txns,
      'i leads and broadcasts': isBroadcasting,
    },
    next: (s, { i }) => {
      const { currentEpoch: epoch, history } = s.servers[i];
      const [lastEpoch, counter] = lastZxidOf(s.servers[i]);
      const zxid: Zxid = [epoch, lastEpoch === epoch ? counter + 1 : 1];
      const txn: LoggedTxn = { zxid, value: s.used.requests, acks: [i], epoch };
      const logged = spend(change(s, i, { history: [...history, txn] }), 'requests');
      const txns = Math.max(...servers.map((j) => logged.servers[j].history.length));
      return { ...logged, used: { ...logged.used, txns } };
    },
  });

  const LeaderBroadcastPROPOSE = action({
    for: { i: servers },
    when: {
      'i leads and broadcasts': isBroadcasting,
      'i has logged more than it proposed': (s, { i }) => {
        const [epoch, counter] = lastZxidOf(s.servers[i]);
        return epoch === s.servers[i].currentEpoch && s.servers[i].proposed < counter;
      },
    },
    next: (s, { i }) => {
      const { currentEpoch, history, proposed } = s.servers[i];
      const txn = history.find(({ zxid }) => sameZxid(zxid, [currentEpoch, proposed + 1]));
      if (txn === undefined) return impossible('a leader misses a transaction of its own epoch');
      const { zxid, value } = txn;
      const counted = change(s, i, { proposed: proposed + 1 });
      const told = recordBroadcasts(counted, i, currentEpoch, [txn]);
      return broadcast(told, i, rules.recipients(s.servers[i]), { type: 'PROPOSE', zxid, value });
    },
  });

  const FollowerProcessPROPOSE = action({
    for: { i: servers, j: servers },
    when: fromLeader('PROPOSE'),
    next: (s, { i, j }) => {
      const { zxid, value } = arrived(s, { i, j }, 'PROPOSE');
      const { currentEpoch: epoch, history } = s.servers[i];
      if (!isSuccessor(lastZxidOf(s.servers[i]), zxid)) {
        if (positionOf(history, zxid) === undefined) impossible('PROPOSE leaves a gap');
        return receive(s, j, i);
      }
      const txn: LoggedTxn = { zxid, value, acks: [], epoch };
      return reply(change(s, i, { history: [...history, txn] }), i, j, { type: 'ACK', zxid });
    },
  });

  /** What a quorum has acknowledged is committed, in order. */
  const LeaderProcessACK = action({
    for: { i: servers, j: servers },
    when: fromLearner('ACK'),
    next: (s, { i, j }) => {
      const { zxid } = arrived(s, { i, j }, 'ACK');
      const { history, lastCommitted } = s.servers[i];
      const index = positionOf(history, zxid);
      const txn = index === undefined ? undefined : history[index - 1];
      if (index === undefined || txn === undefined) return impossible('ACK of an unknown zxid');
      const lastAcked = history.findLastIndex(({ acks }) => has(acks, j)) + 1;
      if (lastAcked !== 0 && lastAcked + 1 !== index) impossible('ACKs come out of order');
      const acks = include(txn.acks, j);
      const counted = change(receive(s, j, i), i, {
        history: history.with(index - 1, { ...txn, acks }),
      });
      const isPending = lastCommitted.index < history.length && isAfter(zxid, lastCommitted.zxid);
      if (!isPending || lastCommitted.index < index - 1 || !isQuorum(acks)) return counted;
      if (lastCommitted.index !== index - 1) impossible('a transaction is committed twice');
      const decided = commit(counted, i, index, zxid);
      return broadcast(decided, i, s.servers[i].ackLeaders, { type: 'COMMIT', zxid });
    },
  });

  const FollowerProcessCOMMIT = action({
    for: { i: servers, j: servers },
    when: fromLeader('COMMIT'),
    next: (s, { i, j }) => {
      const { zxid } = arrived(s, { i, j }, 'COMMIT');
      const { history, lastCommitted } = s.servers[i];
      const pending = history[lastCommitted.index];
      // The transaction came with NEWLEADER, and COMMITLD has covered it.
      if (pending === undefined) return receive(s, j, i);
      if (!sameZxid(pending.zxid, zxid)) impossible('COMMIT is not of the next transaction');
      return commit(receive(s, j, i), i, lastCommitted.index + 1, zxid);
    },
  });

  return {
    UpdateLeader,
    FollowLeader,
    Timeout,
    Restart,
    ConnectAndFollowerSendCEPOCH,
    LeaderProcessCEPOCH,
    FollowerProcessNEWEPOCH,
    LeaderProcessACKEPOCH,
    FollowerProcessNEWLEADER,
    LeaderProcessACKLD,
    FollowerProcessCOMMITLD,
    LeaderProcessRequest,
    LeaderBroadcastPROPOSE,
    FollowerProcessPROPOSE,
    LeaderProcessACK,
    FollowerProcessCOMMIT,
  };
}

function isBroadcasting(s: State, { i }: { i: Sid }): boolean {
  return s.servers[i].role === 'leading' && s.servers[i].phase === 'broadcast';
}

function recordLeader(s: State, epoch: number, i: Sid): State {
  const leaders = include(s.epochLeaders[epoch] ?? [], i);
  return { ...s, epochLeaders: { ...s.epochLeaders, [epoch]: leaders } };
}
