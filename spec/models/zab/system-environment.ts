/**
 * What befalls servers (crashes, partitions, roles that end), how they come back from their disks,
 * and whom they believe to lead.
 */
import { actionsOn, impossible } from '../../kernel/model.ts';
import { has, include, names, putIn } from '../../kernel/value.ts';
import { lastZxid } from './history.ts';
import { cannotTruncate, fromLeader, left, positions } from './system-links.ts';
import {
  change,
  dropHandler,
  end,
  isBetter,
  isConnected,
  isCut,
  quorumOf,
  type Server,
  type Sid,
  type State,
  type SystemScope,
  spend,
} from './system-state.ts';

const action = actionsOn<State>();

export function environmentActions(budget: SystemScope) {
  const servers = names('s', budget.servers);

  const Crash = action({
    weight: 0.1,
    for: { i: servers },
    when: { ...left(budget, 'crashes'), 'i is up': (s, { i }) => s.servers[i].role !== 'down' },
    next: (s, { i }) => spend(end(s, i, 'down'), 'crashes'),
  });

  /** Memory is read back from disk; of what was not flushed any part may be there. */
  const Recovered = action({
    for: { i: servers, kept: positions },
    when: {
      'i has nothing in memory': (s, { i }) =>
        ['down', 'recovering'].includes(s.servers[i].role) || s.servers[i].phase === 'truncated',
      'what was flushed is kept': (s, { i, kept }) =>
        s.servers[i].flushed <= kept && kept <= s.servers[i].log.length,
    },
    next: (s, { i, kept }) => {
      const { acceptedEpoch, currentEpoch, log, phase, snapshots } = s.servers[i];
      const read = change(s, i, {
        log: log.slice(0, kept),
        flushed: kept,
        applied: kept,
        window: Math.max(snapshots.at(-1) ?? 0, kept - budget.window),
      });
      if (phase === 'truncated') return change(read, i, { phase: 'synchronization' });
      // A learner logs before it saves the epoch, and may crash in between.
      const lastEpoch = lastZxid(log.slice(0, kept))[0];
      if (lastEpoch > acceptedEpoch) impossible('the promise of an epoch was lost');
      return change(read, i, { role: 'looking', currentEpoch: Math.max(currentEpoch, lastEpoch) });
    },
  });

  /** Any two servers may lose each other, and their connection with it. */
  const Partitioned = action({
    weight: 0.1,
    for: { i: servers, j: servers },
    when: {
      ...left(budget, 'partitions'),
      'i and j reach each other': (s, { i, j }) => i < j && !isCut(s, i, j),
    },
    next: (s, { i, j }) => {
      const cut = { ...spend(s, 'partitions'), cuts: include(s.cuts, [i, j] as const) };
      return disconnect(disconnect(cut, i, j), j, i);
    },
  });

  /** Leader i has lost the connection of j; j notices by itself. */
  function disconnect(s: State, i: Sid, j: Sid): State {
    const isOpen = s.servers[i].handlers[j] !== null || isConnected(s.servers[j], i);
    return isOpen ? dropHandler(dropInput(s, i, j), i, j) : s;
  }

  function dropInput(s: State, i: Sid, j: Sid): State {
    return { ...s, messages: putIn(s.messages, i, j, []) };
  }

  const Healed = action({
    for: { i: servers, j: servers },
    when: { 'i and j are cut off': (s, { i, j }) => i < j && isCut(s, i, j) },
    next: (s, { i, j }) => ({
      ...s,
      cuts: s.cuts.filter(([one, other]) => one !== i || other !== j),
    }),
  });

  /** A leader or follower gives up: out of patience, or because it has to. */
  const RoleEnded = action({
    weight: 0.1,
    for: { i: servers },
    when: {
      'i leads or follows': (s, { i }) => ['leading', 'following'].includes(s.servers[i].role),
      'a timeout is left, or it cannot go on': (s, { i }) =>
        s.used.timeouts < budget.timeouts || mustEnd(s, i),
    },
    next: (s, { i }) => {
      const needsSnapshot = s.servers[i].needsSnapshot || cannotTruncate(s.servers[i]);
      const ended = end(change(s, i, { needsSnapshot }), i, 'recovering');
      return mustEnd(s, i) ? ended : spend(ended, 'timeouts');
    },
  });

  function mustEnd(s: State, i: Sid): boolean {
    const { acceptedEpoch, leader, role } = s.servers[i];
    if (role === 'leading') return !isJoinable(s, i);
    if (leader === null) return false;
    if (!mayLead(s, i, leader) || cannotTruncate(s.servers[i])) return true;
    if (isConnected(s.servers[i], leader) && s.servers[leader].handlers[i] === null) return true;
    return (fromLeader(s, i, 'LEADERINFO')?.epoch ?? acceptedEpoch) < acceptedEpoch;
  }

  /** A follower that dials waits for its leader to find out that it was elected. */
  function mayLead(s: State, i: Sid, leader: Sid): boolean {
    if (isCut(s, i, leader)) return false;
    const { role } = s.servers[leader];
    return role === 'leading' || (role === 'looking' && s.servers[i].phase === 'connecting');
  }

  /** Enough others are up and within reach to make a quorum. */
  function isJoinable(s: State, i: Sid): boolean {
    return quorumOf(
      s,
      servers.filter((j) => s.servers[j].role !== 'down' && !isCut(s, i, j)),
    );
  }

  // --- election ----------------------------------------------------------------------------------

  /**
   * Fast Leader Election has a model of its own. Here a server believes in whom it likes, or, to
   * spend less on elections that come to nothing, in the best of a quorum or in somebody who leads.
   */
  const Elected = action({
    for: { i: servers, leader: servers },
    when: {
      'i looks for a leader': (s, { i }) => s.servers[i].role === 'looking',
      'the leader is a good choice': (s, { i, leader }) =>
        budget.election === 'any' || isGoodChoice(s, i, leader),
    },
    next: (s, { i, leader }) => {
      if (i !== leader) return change(s, i, { role: 'following', phase: 'connecting', leader });
      const { acceptedEpoch, currentEpoch, log } = s.servers[i];
      return change(s, i, {
        role: 'leading',
        phase: 'discovery',
        summary: { epoch: currentEpoch, zxid: lastZxid(log) },
        accepted: [{ sid: i, epoch: acceptedEpoch }],
      });
    },
  });

  function isGoodChoice(s: State, i: Sid, leader: Sid): boolean {
    if (isCut(s, i, leader)) return false;
    if (i !== leader && s.servers[leader].role === 'leading') return true;
    if (s.servers[leader].role !== 'looking') return false;
    const voters = servers.filter(
      (j) =>
        isLookingOrDecided(s.servers[j], leader) && !isCut(s, leader, j) && !isBetter(s, j, leader),
    );
    return has(voters, leader) && has(voters, i) && quorumOf(s, voters);
  }

  function isLookingOrDecided({ leader, role }: Server, candidate: Sid): boolean {
    return role === 'looking' || (role === 'following' && leader === candidate);
  }

  return { Crash, Recovered, Partitioned, Healed, RoleEnded, Elected };
}
