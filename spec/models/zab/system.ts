/**
 * ZAB as a server runs it (Zab 1.0: ZooKeeper's `Leader`, `LearnerHandler`, `Learner`), at the
 * grain of the protocol events that our servers emit. What the paper's protocol says in one step
 * takes many here, and between any two of them a server may crash:
 *
 *   discovery        FOLLOWERINFO → LEADERINFO → ACKEPOCH. A leader takes over nobody's history: a
 *                    learner that has more is refused, so the leader must be the one with most
 *   synchronization  DIFF | TRUNC | SNAP … NEWLEADER → ACK → UPTODATE. A learner is sent what it
 *                    lacks
 *   broadcast        PROPOSAL → ACK → COMMIT, for those who are synchronizing too
 *
 * *Logged*, *flushed* and *acknowledged* are three things. A transaction is logged when the process
 * has handed it to its log, flushed when the disk has it, acknowledged when the leader has been
 * told, and only what is flushed may be acknowledged. At the end of a role, or of the server, an
 * unflushed tail is lost in part or whole. What a server has sent before it died may still arrive.
 *
 * Actions have the names of the events. Those that our servers do without telling are marked
 * *silent*.
 */
import { broadcastActions } from './system-broadcast.ts';
import { discoveryActions } from './system-discovery.ts';
import { environmentActions } from './system-environment.ts';
import type { SystemScope } from './system-state.ts';
import { syncActions } from './system-sync.ts';

export type SystemActions = ReturnType<typeof systemActions>;

export function systemActions(budget: SystemScope) {
  return {
    ...environmentActions(budget),
    ...discoveryActions(budget),
    ...syncActions(budget),
    ...broadcastActions(budget),
  };
}
