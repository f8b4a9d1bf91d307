/**
 * A state whose logs are cut off at the front goes on exactly as the whole one does: the same steps are
 * possible, the same is sent, and every server is as far as before.
 */
import { expect, test } from 'vitest';
import { compact } from '../../../spec/conform/compact.ts';
import { EnsembleModel, zxidAt } from '../../../spec/conform/ensemble-model.ts';
import { lastZxid } from '../../../spec/models/zab/history.ts';
import {
  type Message,
  type Sid,
  type State,
  sidsOf,
} from '../../../spec/models/zab/system-state.ts';
import { type Prng, prngStream } from '../../../src/base/prng.ts';

const scope = { servers: 3, commitLogCount: 40 };
const model = new EnsembleModel(scope);
const sids: readonly Sid[] = sidsOf(model.init);

type Choice = Parameters<EnsembleModel['take']>;
type Move = readonly [name: Choice[0], params: Choice[2]];

/** Seldom what ends a role, often what brings a transaction further. */
function draw(prng: Prng): Move {
  const i = prng.pick(sids);
  const j = prng.pick(sids);
  if (prng.chance(1))
    return prng.pick<Move>([
      ['Crash', { i }],
      ['RoleEnded', { i }],
    ]);
  if (prng.chance(200)) return ['ProposalSent', { i }];
  if (prng.chance(60)) return ['Elected', { i, leader: prng.chance(900) ? 's2' : j }];
  return prng.pick<Move>([
    ['Connected', { i }],
    ['FollowerInfoReceived', { i, j }],
    ['EpochProposed', { i }],
    ['AcceptedEpochSaved', { i }],
    ['EpochKnown', { i }],
    ['EpochAckReceived', { i, j }],
    ['CurrentEpochSaved', { i }],
    ['SyncChosen', { i, j }],
    ['SyncReceived', { i, mode: prng.pick(['DIFF', 'TRUNC', 'SNAP']) }],
    ['Truncated', { i }],
    ['SnapshotInstalled', { i }],
    ['NewLeaderReceived', { i }],
    ['NewLeaderAcked', { i }],
    ['NewLeaderAckReceived', { i, j }],
    ['LeaderEstablished', { i }],
    ['LearnerActivated', { i }],
    ['ProposalReceived', { i }],
    ['ProposalLogged', { i }],
    ['TxnFlushed', { i }],
    ['ProposalAcked', { i }],
    ['AckReceived', { i, j }],
    ['ProposalCommitted', { i }],
    ['CommitReceived', { i }],
    ['TxnApplied', { i }],
  ]);
}

/** What does not depend on where positions are counted from. */
const look = (s: State): unknown =>
  sids.map((i) => {
    const { acked, applied, flushed, log, phase, role, pending, needsSnapshot } = s.servers[i];
    const isAcking = role === 'following' && phase === 'broadcast';
    const sent = sids.map((j) => s.messages[i][j].map(shown));
    const places = [applied, flushed, isAcking ? acked : flushed].map((position) =>
      zxidAt(s.servers[i], position),
    );
    return { role, phase, pending, needsSnapshot, last: lastZxid(log), places, sent };
  });

const shown = (message: Message): unknown =>
  message.type === 'SNAP' ? { ...message, txns: message.txns.length > 0 } : message;

const serves = (s: State, i: Sid): boolean => ['leading', 'following'].includes(s.servers[i].role);

/** Positions of the one in terms of the other. */
const offset = (whole: State, short: State, i: Sid): number =>
  whole.servers[i].log.length - short.servers[i].log.length;

test('a state without its settled beginning behaves as the whole one', () => {
  const prng = prngStream('compact', 'walk');
  let [whole, short] = [model.init, model.init];
  let taken = 0;
  let longest = 0;
  const syncs = new Set<unknown>();
  while (taken < 10_000) {
    let [name, params] = draw(prng);
    let [inWhole, inShort] = [params, params];
    const i = params.i as Sid;
    const isUp = ['leading', 'following', 'looking'].includes(whole.servers[i].role);
    if (!isUp || whole.servers[i].phase === 'truncated') {
      const { flushed, log } = whole.servers[i];
      const kept = prng.int(flushed, log.length);
      name = 'Recovered';
      inWhole = { i, kept };
      inShort = { i, kept: kept - offset(whole, short, i) };
    }
    const [one, other] = [model.take(name, whole, inWhole), model.take(name, short, inShort)];
    if (!('after' in one) || !('after' in other)) {
      if ('after' in one || 'after' in other) expect.fail(`${name} ${JSON.stringify(params)}`);
      continue;
    }
    taken++;
    if (name === 'SyncReceived') syncs.add(params.mode);
    whole = one.after;
    short = compact(other.after);
    if (taken % 50 === 0) {
      expect(look(short)).toEqual(look(whole));
      for (const sid of sids.filter((one) => serves(whole, one))) {
        const from = whole.servers[sid].window - offset(whole, short, sid);
        expect(short.servers[sid].window).toBe(from);
      }
    }
    longest = Math.max(longest, ...sids.map((sid) => short.servers[sid].log.length));
  }
  // It was worth it, and everything happened.
  const lengths = sids.map((i) => whole.servers[i].log.length);
  expect(Math.max(...lengths)).toBeGreaterThan(50);
  expect(longest).toBeLessThan(Math.max(...lengths));
  expect(offset(whole, short, 's1')).toBeGreaterThan(25);
  expect([...syncs].sort()).toEqual(['DIFF', 'SNAP', 'TRUNC']);
});
