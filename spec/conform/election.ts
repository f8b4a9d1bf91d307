/**
 * Whom servers vote for and believe in, told by ElectionStarted, VoteCast and Elected. The model lets anybody
 * elect anybody; what Fast Leader Election adds is local to a server, but for two things: a vote for another
 * was that one's own vote in the same round, and who joins a leader has heard that it leads.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { compareZxids } from '../models/zab/history.ts';
import type { Attempt } from './attempt.ts';
import { sidOf } from './ensemble-model.ts';
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
  const isOwnVote = vote !== undefined && isSame(vote, args);
  const leads = `server ${args.leader} leads since round ${args.round} with ${args.zxid}`;
  a.tells.elected = args;
  a.tells.vote = undefined;
  a.tells.round = Math.max(told.round, args.round);
  a.tells.isUnheard = false;
  if (!a.must(vote !== undefined, 'it has not voted')) return false;
  const isHeard = isOwnVote || a.common.knows(leads);
  if (!a.must(isHeard, 'it did not vote so, and has not heard that this one leads')) return false;
  if (!a.take('Elected', { i: a.i, leader: sidOf(args.leader) })) return false;
  return args.leader === node ? a.learn(leads) : true;
}

function isSame(one: Candidate, other: Candidate): boolean {
  return (
    one.leader === other.leader &&
    one.zxid === other.zxid &&
    one.peerEpoch === other.peerEpoch &&
    one.round === other.round
  );
}
