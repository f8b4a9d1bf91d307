/**
 * What every protocol event means in the model. Each act is explained here, as the compiler sees to: by the
 * action of its own name, by another (a leader's AcceptedEpochSaved is the model's EpochProposed), or as
 * a stutter, which leaves the model where it is and is held against what was told before.
 *
 * An event that takes a message, or believes what another has said, may have to wait until that other
 * server's events have been followed so far; whatever else cannot be explained at once never will be.
 */
import type { ProtocolAct, ProtocolEvent } from '../../src/base/protocol-event.ts';
import { compareZxids } from '../models/zab/history.ts';
import type { MessageOf, Sid } from '../models/zab/system-state.ts';
import type { Attempt } from './attempt.ts';
import { elected, electionStarted, leads, voteCast } from './election.ts';
import { type ActionName, nodeOf, sidOf } from './ensemble-model.ts';
import { recovered } from './recovery.ts';

export interface Explanation<E> {
  /** How it is followed: by one step of the model, by several, or by none. */
  readonly by: 'action' | 'composition' | 'stutter';
  /** Whether it depends on what other servers have done. */
  readonly waits?: true;
  /** Nothing else depends on it: if it is missing, or told twice, nobody can tell. */
  readonly standsAlone?: true;
  explain(a: Attempt, event: E): boolean | readonly Attempt[];
}

type ExplanationOf<A> = Explanation<Extract<ProtocolEvent, { readonly act: A }>>;

/** What has not the name of an action can only be a stutter. */
type Acts = {
  readonly [A in ProtocolAct]: A extends ActionName
    ? ExplanationOf<A>
    : ExplanationOf<A> & { readonly by: 'stutter' };
};

const discovery = {
  Connected: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const { leader, phase } = a.server;
      const isDialling = leader === sidOf(args.leader) && phase === 'connecting';
      if (!a.must(isDialling && !a.told.isUnheard, 'it does not dial that server')) return false;
      return a.take('Connected');
    },
  },
  FollowerInfoReceived: {
    by: 'action',
    waits: true,
    explain: (a, event) => {
      const { args } = event;
      const j = sidOf(args.from);
      if (a.connections.isLate(event)) return isReplaced(a, j);
      const epoch = a.from(j, 'FOLLOWERINFO')?.epoch;
      return (
        epoch !== undefined &&
        a.same('epoch', args.epoch, epoch) &&
        a.take('FollowerInfoReceived', { i: a.i, j })
      );
    },
  },
  /** A leader saves the epoch as well; that is when the model says that it proposes it. */
  AcceptedEpochSaved: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      if (a.server.role !== 'leading') {
        const epoch = a.fromLeader('LEADERINFO')?.epoch;
        return (
          epoch !== undefined && a.same('epoch', args.epoch, epoch) && a.take('AcceptedEpochSaved')
        );
      }
      a.tells.next = {
        act: 'EpochProposed',
        because: 'a leader that has saved the epoch proposes it',
        says: (next) => next.act === 'EpochProposed' && next.args.epoch === args.epoch,
      };
      return a.take('EpochProposed') && a.same('epoch', args.epoch, a.server.acceptedEpoch);
    },
  },
  EpochProposed: {
    by: 'stutter',
    explain: (a) => a.must(a.told.next?.act === 'EpochProposed', 'no epoch was saved before'),
  },
  EpochKnown: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const epoch = a.fromLeader('LEADERINFO')?.epoch;
      return epoch !== undefined && a.same('epoch', args.epoch, epoch) && a.take('EpochKnown');
    },
  },
  EpochAckReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const j = sidOf(args.from);
      const message = a.from(j, 'ACKEPOCH');
      return (
        message !== undefined &&
        a.same('epoch', args.epoch, message.epoch ?? -1) &&
        a.sameZxid('zxid', args.zxid, message.zxid) &&
        a.take('EpochAckReceived', { i: a.i, j })
      );
    },
  },
  CurrentEpochSaved: {
    by: 'action',
    explain: (a, { args }) =>
      a.take('CurrentEpochSaved') && a.same('epoch', args.epoch, a.server.currentEpoch),
  },
} satisfies Partial<Acts>;

/** A connection that was given up long ago is heard of now, and takes the place of the learner's newest. */
function isReplaced(a: Attempt, j: Sid): boolean {
  const [one, other] = a.i < j ? [a.i, j] : [j, a.i];
  return (
    a.must(a.server.handlers[j] != null, `it has no newer connection of ${j}`) &&
    a.silently('Partitioned', { i: one, j: other }) &&
    a.silently('Healed', { i: one, j: other })
  );
}

const synchronization = {
  SyncChosen: { by: 'action', explain: (a, { args }) => syncChosen(a, args) },
  SyncReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const message = a.fromLeader(args.mode);
      return (
        message !== undefined &&
        a.sameZxid('zxid', args.zxid, message.zxid) &&
        a.take('SyncReceived', { i: a.i, mode: args.mode })
      );
    },
  },
  Truncated: {
    by: 'action',
    explain: (a, { args }) => a.sameZxid('zxid', args.zxid, a.server.target) && a.take('Truncated'),
  },
  SnapshotInstalled: {
    by: 'action',
    explain: (a, { args }) => {
      // What was being written is given up.
      a.tells.snapshot = undefined;
      return (
        a.sameZxid('zxid', args.zxid, a.fromLeader('SNAP')?.zxid) && a.take('SnapshotInstalled')
      );
    },
  },
  NewLeaderReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const epoch = a.fromLeader('NEWLEADER')?.epoch;
      return (
        epoch !== undefined && a.same('epoch', args.epoch, epoch) && a.take('NewLeaderReceived')
      );
    },
  },
  NewLeaderAcked: {
    by: 'action',
    explain: (a, { args }) => a.take('NewLeaderAcked') && a.same('epoch', args.epoch, epochOf(a)),
  },
  NewLeaderAckReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => a.take('NewLeaderAckReceived', { i: a.i, j: sidOf(args.from) }),
  },
  LeaderEstablished: {
    by: 'action',
    explain: (a, { args }) => {
      const { elected: vote } = a.told;
      if (vote !== undefined) a.learn(leads(vote, args.epoch));
      const quorum = a.server.newLeaderAcks.map(nodeOf).sort((one, other) => one - other);
      return (
        a.same('quorum', String(args.quorum), String(quorum)) &&
        a.same('epoch', args.epoch, epochOf(a)) &&
        a.take('LeaderEstablished')
      );
    },
  },
  LearnerActivated: {
    by: 'action',
    waits: true,
    explain: (a, { args }) =>
      a.fromLeader('UPTODATE') !== undefined &&
      a.same('epoch', args.epoch, epochOf(a)) &&
      a.same('leader', sidOf(args.leader), a.server.leader) &&
      a.take('LearnerActivated'),
  },
} satisfies Partial<Acts>;

const epochOf = (a: Attempt): number => a.server.epoch;

const broadcast = {
  ProposalSent: {
    by: 'action',
    explain: (a, { args }) => {
      const isExpiry = args.op === 'closeSession' && args.cxid === 0;
      const isTold = a.told.next?.act === 'ProposalSent';
      return (
        a.must(isExpiry === isTold, 'only a session that expired is closed without a client') &&
        a.take('ProposalSent') &&
        a.sameZxid('zxid', args.zxid, a.server.pending.at(-1)?.txn.zxid) &&
        a.learn(`the operation of ${args.zxid}`, args.op) &&
        a.learn(`the session of ${args.zxid}`, args.session) &&
        (args.op !== 'createSession' || a.learn(askedFor(args.session)))
      );
    },
  },
  ProposalReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const proposed = a.fromLeader('PROPOSAL');
      return (
        proposed !== undefined &&
        a.sameZxid('zxid', args.zxid, proposed.txn.zxid) &&
        a.take('ProposalReceived')
      );
    },
  },
  /** The model's flush is seen in `lastFlushed`; here a server counts it as its own vote. */
  TxnFlushed: {
    by: 'stutter',
    explain: (a, { args }) => {
      const { flushed, log, role } = a.server;
      const zxid = a.zxid(args.zxid);
      a.tells.flushed = zxid;
      if (role === 'following') {
        a.tells.next = {
          act: 'ProposalAcked',
          because: 'what a follower has flushed it acknowledges',
          says: (next) => next.act === 'ProposalAcked' && next.args.zxid === args.zxid,
        };
      }
      const place = a.place(args.zxid);
      return (
        a.learn(flushedBy(a, args.zxid)) &&
        a.must(role !== 'looking' && log.length > 0, 'there is nothing to flush') &&
        a.must(place > 0 && place <= flushed, 'the disk does not have it') &&
        a.must(compareZxids(zxid, a.told.flushed) > 0, 'it was told to be flushed before')
      );
    },
  },
  ProposalAcked: {
    by: 'action',
    explain: (a, { args }) =>
      a.sameZxid('zxid', args.zxid, a.told.flushed) &&
      a.sameZxid('zxid', args.zxid, a.server.log[a.server.acked]?.zxid) &&
      a.take('ProposalAcked'),
  },
  AckReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const j = sidOf(args.from);
      const acked = a.from(j, 'ACK');
      return (
        acked !== undefined &&
        a.sameZxid('zxid', args.zxid, acked.zxid) &&
        a.take('AckReceived', { i: a.i, j })
      );
    },
  },
  ProposalCommitted: {
    by: 'action',
    explain: (a, { args }) => {
      const first = a.server.pending[0];
      const others = first?.acks.map(nodeOf) ?? [];
      const isOwn = a.common.knows(flushedBy(a, args.zxid));
      const acks = [...others, ...(isOwn ? [a.event.node] : [])].sort((one, other) => one - other);
      return (
        a.sameZxid('zxid', args.zxid, first?.txn.zxid) &&
        a.same('acks', String(args.acks), String(acks)) &&
        a.take('ProposalCommitted')
      );
    },
  },
  CommitReceived: {
    by: 'action',
    waits: true,
    explain: (a, { args }) => {
      const committed = a.fromLeader('COMMIT');
      return (
        committed !== undefined &&
        a.sameZxid('zxid', args.zxid, committed.zxid) &&
        a.take('CommitReceived')
      );
    },
  },
  TxnApplied: {
    by: 'action',
    explain: (a, { args }) => {
      if (args.op === 'createSession') {
        a.tells.next = { act: 'SessionCreated', because: 'a session was created' };
      } else if (args.op === 'closeSession') {
        a.tells.next = { act: 'SessionClosed', because: 'a session was closed' };
      }
      return (
        a.sameZxid('zxid', args.zxid, a.server.pending[0]?.txn.zxid) &&
        isProposed(a, args) &&
        a.agrees(`the effect of ${args.zxid}`, args.op) &&
        a.agrees(`the digest after ${args.zxid}`, args.digest) &&
        a.take('TxnApplied')
      );
    },
  },
  SnapshotStarted: {
    by: 'stutter',
    explain: (a, { args, post }) => {
      a.tells.snapshot = args.zxid;
      return (
        a.must(a.told.snapshot === undefined, 'a snapshot is being written already') &&
        a.same('zxid', args.zxid, post.lastApplied)
      );
    },
  },
  SnapshotTaken: {
    by: 'action',
    explain: (a, { args }) => {
      a.tells.snapshot = undefined;
      if (!a.same('zxid', args.zxid, a.told.snapshot)) return false;
      const at = a.place(args.zxid);
      // Written long after it was begun: the model's log begins later by now.
      return at < 0 || a.take('SnapshotTaken', { i: a.i, at });
    },
  },
} satisfies Partial<Acts>;

/** It does what was proposed, or nothing. */
function isProposed(a: Attempt, { zxid, op }: { readonly zxid: string; readonly op: string }) {
  const proposed = a.common.valueOf(`the operation of ${zxid}`);
  return op === 'error' || a.same('op', op, proposed);
}

const flushedBy = (a: Attempt, zxid: string): string => `server ${a.event.node} flushed ${zxid}`;

/** The model knows no sessions: they are held against the transaction that they come with. */
const sessions = {
  SessionCreated: {
    by: 'stutter',
    explain: (a, { args, post }) =>
      a.must(a.told.next?.act === 'SessionCreated', 'no session was created') &&
      a.agrees(`the session of ${post.lastApplied}`, args.session) &&
      a.agrees(`the timeout of ${post.lastApplied}`, String(args.timeoutMs)),
  },
  SessionClosed: {
    by: 'stutter',
    explain: (a, { args, post }) =>
      a.must(a.told.next?.act === 'SessionClosed', 'no session was closed') &&
      a.agrees(`the session of ${post.lastApplied}`, args.session),
  },
  SessionExpired: {
    by: 'stutter',
    explain: (a, { args }) => {
      a.tells.next = {
        act: 'ProposalSent',
        because: 'a session that expired is closed',
        says: (next) =>
          next.act === 'ProposalSent' &&
          next.args.op === 'closeSession' &&
          next.args.session === args.session,
      };
      return a.must(isServing(a) && a.server.role === 'leading', 'it leads nobody');
    },
  },
  SessionRevalidated: {
    by: 'stutter',
    standsAlone: true,
    explain: (a, { args, node }) => {
      const isLearner = a.server.handlers[sidOf(args.via)] != null;
      return (
        a.must(isServing(a) && a.server.role === 'leading', 'it leads nobody') &&
        a.must(args.via === node || isLearner, `server ${args.via} is no learner of it`) &&
        a.must(!args.valid || a.common.knows(askedFor(args.session)), 'nobody asked for it')
      );
    },
  },
  SessionMoved: {
    by: 'stutter',
    standsAlone: true,
    explain: (a) => a.must(isServing(a), 'it does not serve'),
  },
} satisfies Partial<Acts>;

const askedFor = (session: string): string => `session ${session} was asked for`;

const isServing = (a: Attempt): boolean => a.server.phase === 'broadcast' && !a.told.isEnding;

export const acts: Acts = {
  Recovered: { by: 'composition', waits: true, explain: recovered },
  ElectionStarted: { by: 'stutter', explain: electionStarted },
  VoteCast: { by: 'stutter', waits: true, explain: voteCast },
  Elected: { by: 'action', waits: true, explain: elected },
  /** The model's step is taken when memory has been read back: until then nothing comes of it. */
  RoleEnded: {
    by: 'stutter',
    explain: (a, { args }) => {
      a.tells.isEnding = true;
      return (
        a.must(!a.told.isEnding, 'it has ended before') && a.same('role', args.role, a.server.role)
      );
    },
  },
  ClockTicked: { by: 'stutter', standsAlone: true, explain: () => true },
  ...discovery,
  ...synchronization,
  ...broadcast,
  ...sessions,
};

/** After the step the learner is being sent what the event says. */
function syncChosen(
  a: Attempt,
  args: Extract<ProtocolEvent, { readonly act: 'SyncChosen' }>['args'],
): boolean {
  const j = sidOf(args.learner);
  const isAsked = a.sameZxid('learnerZxid', args.learnerZxid, a.server.handlers[j]?.zxid);
  const before = a.state.messages[a.i];
  if (!isAsked || !a.take('SyncChosen', { i: a.i, j })) return false;
  const sent = a.state.messages[a.i][j][before[j].length];
  // The learner may have gone already; then nobody will ever know.
  if (sent === undefined) return true;
  if (!a.same('mode', args.mode, sent.type)) return false;
  const { zxid } = sent as MessageOf<'DIFF' | 'TRUNC' | 'SNAP'>;
  return a.sameZxid('zxid', args.zxid, zxid);
}
