/**
 * Whom servers vote for and believe in, told by ElectionStarted, VoteCast and Elected. The model lets anybody
 * elect anybody; what Fast Leader Election adds is local to a server, but for this: a vote for another was
 * that one's own vote in the same round; and who decides has a quorum with it, or has heard that the one it
 * joins leads.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { compareZxids } from '../models/zab/history.ts';
import { quorumOf, sidsOf } from '../models/zab/system-state.ts';
import type { Attempt } from './attempt.ts';
import { nodeOf, sidOf } from './ensemble-model.ts';
import type { Candidate } from './told.ts';

type EventOf<A extends ProtocolEvent['act']> = Extract<ProtocolEvent, { readonly act: A }>;

export function electionStarted(a: Attempt, { args }: EventOf<'ElectionStarted'>): boolean {
  const { told, event } = a;
  a.tells.round = args.round;
  a.tells.vote = undefined;
  a.tells.next = {
    act: 'VoteCast',
    because: 'an election begins with the vote for oneself',
    says: (next) => next.act === 'VoteCast' && next.args.leader === event.node,
  };
  return (
    a.must(told.isUp && !told.isEnding, 'an election begins when the disk was read back') &&
    a.must(a.server.role === 'looking' && told.elected === undefined, 'it has no leader') &&
    a.must(told.vote === undefined, 'an election is under way already') &&
    a.same('round', args.round, told.round + 1)
  );
}

export function voteCast(a: Attempt, { args, node }: EventOf<'VoteCast'>): boolean {
  const { told } = a;
  const mark = `server ${args.leader} stands with ${args.zxid}/${args.peerEpoch} in ${args.round}`;
  a.tells.vote = args;
  a.tells.round = args.round;
  const isLooking = a.server.role === 'looking' && told.round > 0 && told.elected === undefined;
  if (!a.must(isLooking, 'it is not looking for a leader')) return false;
  if (!a.must(args.round >= told.round, `round ${args.round} is over`)) return false;
  const { vote } = told;
  if (vote !== undefined && args.round === vote.round) {
    const isBetter = compareVotes(a, args, vote) > 0;
    if (!a.must(isBetter, 'it is no better than the vote before')) return false;
  }
  a.learn(voteOf(node, args));
  if (args.leader === node) return isOwn(a, args) && a.learn(mark);
  return a.must(a.common.knows(mark), `server ${args.leader} has not voted so for itself`);
}

function isOwn(a: Attempt, { zxid, peerEpoch }: Candidate): boolean {
  return (
    a.sameZxid('the zxid of its vote', zxid, a.server.log.at(-1)?.zxid ?? [0, 0]) &&
    a.same('the epoch of its vote', peerEpoch, a.server.currentEpoch)
  );
}

/** Higher epoch, then higher zxid, then larger id. */
function compareVotes(a: Attempt, one: Candidate, other: Candidate): number {
  return (
    one.peerEpoch - other.peerEpoch ||
    compareZxids(a.zxid(one.zxid), a.zxid(other.zxid)) ||
    one.leader - other.leader
  );
}

export function elected(a: Attempt, { args, node }: EventOf<'Elected'>): boolean {
  const { told } = a;
  const { vote } = told;
  a.tells.elected = args;
  a.tells.vote = undefined;
  a.tells.round = Math.max(told.round, args.round);
  a.tells.isUnheard = false;
  if (!a.must(vote !== undefined, 'it has not voted')) return false;
  const leading = leads(args, args.peerEpoch);
  // It may have gone on to vote for another when it hears that a quorum follows it already.
  const isVote = args.leader === node || isSame(vote as Candidate, args);
  const isChosen = isVote && hasQuorum(a, args);
  const isHeard = isChosen || a.common.knows(leading);
  const reason = 'no quorum with it voted so, and it has not heard that this one leads';
  a.learn(voteOf(node, args));
  if (!a.must(isHeard, reason)) return false;
  if (!a.take('Elected', { i: a.i, leader: sidOf(args.leader) })) return false;
  return args.leader === node ? a.learn(leading) : true;
}

/** Whoever voted so, or decided so, may have told it. */
function hasQuorum(a: Attempt, vote: Candidate): boolean {
  const voters = sidsOf(a.state).filter((i) => a.common.knows(voteOf(nodeOf(i), vote)));
  return quorumOf(a.state, voters);
}

const voteOf = (node: number, { leader, peerEpoch, round, zxid }: Candidate): string =>
  `server ${node} voted in ${round} for ${leader} with ${zxid}/${peerEpoch}`;

/**
 * The epoch is the former one of a leader until it is established. Rounds do not matter: who settled on it in
 * an earlier one tells so, and settled votes are compared by leader and epoch alone.
 */
export const leads = ({ leader }: Candidate, epoch: number): string =>
  `server ${leader} leads in epoch ${epoch}`;

function isSame(one: Candidate, other: Candidate): boolean {
  return (
    one.leader === other.leader &&
    one.zxid === other.zxid &&
    one.peerEpoch === other.peerEpoch &&
    one.round === other.round
  );
}
