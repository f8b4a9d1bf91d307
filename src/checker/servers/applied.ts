/**
 * Which applied transactions stand. A learner that is being synchronized already applies what its leader
 * sends, although the leader is not yet established: if that leader falls, the ensemble may go on without
 * those transactions, and nobody was served from them. They stand once the learner is activated
 * (UPTODATE), because then a quorum has them on its disks.
 */
import type { ProtocolEvent } from '../../base/protocol-event.ts';

export type AppliedEvent = Extract<ProtocolEvent, { act: 'TxnApplied' }>;

/** The events of one node, in its own order. */
export function* standingApplications(
  sequence: readonly ProtocolEvent[],
): Generator<AppliedEvent, void> {
  let waiting: AppliedEvent[] | undefined;
  let incarnation = -1;
  for (const event of sequence) {
    if (event.incarnation !== incarnation) waiting = undefined;
    incarnation = event.incarnation;
    switch (event.act) {
      case 'SyncReceived':
        waiting = [];
        break;
      case 'LearnerActivated':
        yield* waiting ?? [];
        waiting = undefined;
        break;
      case 'RoleEnded':
        waiting = undefined;
        break;
      case 'TxnApplied':
        if (waiting === undefined) yield event;
        else waiting.push(event);
        break;
      default:
    }
  }
}
