/**
 * A coarse ZAB for larger scopes: election and discovery, where most of the interleavings are and
 * few of the bugs, are one step. A quorum whose best server leads agrees on an epoch and is ready
 * to be synchronized; who comes later joins in one step too. Everything from synchronization on is
 * `system.ts`, action by action, so that every state of this model is one of the fine model (Ouyang
 * et al., "Multi-Grained Specifications", EuroSys 2025).
 */
import { actionsOn } from '../../kernel/model.ts';
import { include, names, record, subsets } from '../../kernel/value.ts';
import { isAfter, lastZxid } from './history.ts';
import type { SystemActions } from './system.ts';
import {
  change,
  type Handler,
  isBetter,
  isCut,
  type Sid,
  type State,
  type SystemScope,
} from './system-state.ts';

const action = actionsOn<State>();

export function coarseActions(budget: SystemScope, fine: SystemActions) {
  const servers = names('s', budget.servers);
  const smallest = Math.floor(budget.servers / 2) + 1;
  const quorums = subsets(servers).filter((sids) => sids.length === smallest);

  const ElectedAndDiscovered = action({
    for: { leader: servers, quorum: quorums },
    when: {
      'all of the quorum look for a leader': (s, { quorum }) =>
        quorum.every((i) => s.servers[i].role === 'looking'),
      'the leader is the best of them': (s, { leader, quorum }) =>
        quorum.includes(leader) && quorum.every((i) => !isBetter(s, i, leader)),
      'it reaches them': (s, { leader, quorum }) => quorum.every((i) => !isCut(s, leader, i)),
      'an epoch is left': (s, { quorum }) =>
        Math.max(...quorum.map((i) => s.servers[i].acceptedEpoch)) < budget.epochs,
    },
    next: (s, { leader, quorum }) => {
      const accepted = quorum.map((sid) => ({ sid, epoch: s.servers[sid].acceptedEpoch }));
      const epoch = Math.max(...accepted.map((one) => one.epoch)) + 1;
      const { currentEpoch, log } = s.servers[leader];
      const leading = change(s, leader, {
        role: 'leading',
        phase: 'synchronization',
        epoch,
        acceptedEpoch: epoch,
        currentEpoch: epoch,
        summary: { epoch: currentEpoch, zxid: lastZxid(log) },
        accepted,
        epochAcks: quorum,
        newLeaderAcks: [leader],
      });
      const leaders = { ...s.leaders, [epoch]: include(s.leaders[epoch] ?? [], leader) };
      const followers = quorum.filter((i) => i !== leader);
      return followers.reduce((joined, i) => join(joined, i, leader), { ...leading, leaders });
    },
  });

  const Joined = action({
    for: { i: servers, leader: servers },
    when: {
      'i looks for a leader': (s, { i }) => s.servers[i].role === 'looking',
      'the leader leads': (s, { i, leader }) =>
        s.servers[leader].role === 'leading' && !isCut(s, i, leader),
      'i has not accepted a later epoch': (s, { i, leader }) =>
        s.servers[i].acceptedEpoch <= s.servers[leader].epoch,
      'i has no more than the leader, or accepted the epoch before': (s, { i, leader }) => {
        const { epoch, summary } = s.servers[leader];
        const { acceptedEpoch, currentEpoch, log } = s.servers[i];
        if (acceptedEpoch === epoch) return true;
        return (
          currentEpoch < summary.epoch ||
          (currentEpoch === summary.epoch && !isAfter(lastZxid(log), summary.zxid))
        );
      },
    },
    next: (s, { i, leader }) => {
      const { epoch, epochAcks } = s.servers[leader];
      const isNew = s.servers[i].acceptedEpoch < epoch;
      const counted = isNew ? change(s, leader, { epochAcks: include(epochAcks, i) }) : s;
      return join(counted, i, leader);
    },
  });

  /** i has accepted the leader's epoch and told what it has. */
  function join(s: State, i: Sid, leader: Sid): State {
    const { epoch, handlers } = s.servers[leader];
    const { log, needsSnapshot } = s.servers[i];
    const handler: Handler = {
      phase: 'syncing',
      zxid: needsSnapshot ? [0, 0] : lastZxid(log),
      isForwarding: false,
    };
    const known = change(s, leader, { handlers: { ...handlers, [i]: handler } });
    const messages = record(servers, (from) =>
      record(servers, (to) => {
        const isTheirs = (from === i && to === leader) || (from === leader && to === i);
        return isTheirs ? [] : s.messages[from][to];
      }),
    );
    return change({ ...known, messages }, i, {
      role: 'following',
      phase: 'synchronization',
      leader,
      epoch,
      acceptedEpoch: epoch,
    });
  }

  const {
    Elected: _elected,
    Connected: _connected,
    FollowerInfoReceived: _followerInfoReceived,
    EpochProposed: _epochProposed,
    AcceptedEpochSaved: _acceptedEpochSaved,
    EpochKnown: _epochKnown,
    EpochAckReceived: _epochAckReceived,
    ...rest
  } = fine;
  return { ElectedAndDiscovered, Joined, ...rest };
}
