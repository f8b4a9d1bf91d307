/** The rules of Fast Leader Election one by one: one server, scripted messages. */
import { describe, expect, test } from 'vitest';
import type { Zxid } from '../../../src/base/zxid.ts';
import {
  electionBoundMs,
  FastLeaderElection,
} from '../../../src/server/core/election/fast-leader-election.ts';
import { isBetter, isSameVote, type Vote } from '../../../src/server/core/election/vote.ts';
import { QuorumVerifier } from '../../../src/server/core/quorum-verifier.ts';
import {
  decodeNotification,
  encodeNotification,
  type PeerStateName,
} from '../../../src/wire/election.ts';
import { RecordingContext } from './recording-context.ts';

/** `state leader/zxid/peerEpoch@round`, as short as a vote can be written. */
function parse(text: string): Parameters<typeof encodeNotification>[0] {
  const [, state, leader, zxid, peerEpoch, round] = /^(\w+) (-?\d+)\/(-?\d+)\/(\d+)@(\d+)$/.exec(
    text,
  )!;
  return {
    state: state as PeerStateName,
    leader: BigInt(leader!),
    zxid: BigInt(zxid!),
    peerEpoch: BigInt(peerEpoch!),
    electionEpoch: BigInt(round!),
  };
}

function setUp(options: { sid?: number; voters?: number; observers?: number; zxid?: bigint } = {}) {
  const { sid = 2, voters = 5, observers = 0, zxid = 10n } = options;
  const context = new RecordingContext(sid, voters, observers);
  const sent: string[] = [];
  const elected: Vote[] = [];
  const connections = {
    send: (to: number, payload: Uint8Array) => {
      const n = decodeNotification(payload)!;
      sent.push(`${to}: ${n.state} ${n.leader}/${n.zxid}/${n.peerEpoch}@${n.electionEpoch}`);
    },
    dropSilent: (limitMs: number, sinceMs: number) => {
      sent.push(`drop links silent for ${limitMs} since ${sinceMs}`);
    },
  };
  const verifier = new QuorumVerifier(context.config.servers);
  const election = new FastLeaderElection(context, verifier, connections, (vote) =>
    elected.push(vote),
  );
  const receive = (from: number, text: string) =>
    election.received(from, encodeNotification(parse(text)));
  const look = () => election.look({ zxid: zxid as Zxid, currentEpoch: 1 });
  const take = () => sent.splice(0);
  look();
  return { context, election, elected, receive, look, take };
}

const FINALIZE = 'election/finalize';
const REPEAT = 'election/notification';

describe('looking', () => {
  test('begins with the own vote to every other voter', () => {
    const { take, election } = setUp({ observers: 1 });
    expect(take()).toEqual([1, 3, 4, 5].map((to) => `${to}: looking 2/10/1@1`));
    expect(election.state).toBe('looking');
  });

  test('a better vote is adopted and passed on, a worse one answered, an equal one neither', () => {
    const { receive, take, context } = setUp();
    take();
    receive(3, 'looking 3/10/1@1');
    expect(take()).toEqual([1, 3, 4, 5].map((to) => `${to}: looking 3/10/1@1`));
    receive(1, 'looking 1/10/1@1');
    expect(take()).toEqual(['1: looking 3/10/1@1']);
    receive(4, 'looking 3/10/1@1');
    expect(take()).toEqual([]);
    expect(context.acts.map(([act]) => act)).toEqual(['ElectionStarted', 'VoteCast', 'VoteCast']);
  });

  test('an older round is answered and not counted', () => {
    const { receive, take, look, context } = setUp();
    look();
    take();
    receive(3, 'looking 3/99/9@1');
    expect(take()).toEqual(['3: looking 2/10/1@2']);
    for (const from of [1, 4, 5]) receive(from, 'looking 2/10/1@1');
    expect(context.timers.has(FINALIZE)).toBe(false);
  });

  test('a newer round is joined with the better of its vote and our own candidacy', () => {
    const { receive, take, election } = setUp();
    receive(4, 'looking 5/99/9@1');
    take();
    receive(1, 'looking 1/3/1@4');
    expect(take()[0]).toBe('1: looking 2/10/1@4');
    expect(election.round).toBe(4n);
    receive(1, 'looking 1/99/1@6');
    expect(take()[0]).toBe('1: looking 1/99/1@6');
  });

  test('a newer round forgets who said what in the older one', () => {
    const { receive, election } = setUp();
    receive(5, 'leading 5/10/1@1');
    receive(4, 'following 5/10/1@1');
    receive(1, 'looking 1/3/1@3');
    receive(3, 'following 5/10/7@3');
    expect(election.state).toBe('looking');
  });

  test('votes from or for strangers, and what is no notification, are ignored', () => {
    const { receive, take, election } = setUp({ observers: 1 });
    take();
    receive(3, 'looking 9/99/9@1');
    receive(3, 'looking 6/99/9@1');
    receive(3, 'looking 18014398509481987/99/9@1');
    receive(3, 'observing 3/99/9@1');
    election.received(3, new Uint8Array(27));
    expect(take()).toEqual([]);
    receive(6, 'looking 5/99/9@9');
    receive(77, 'looking 5/99/9@9');
    expect(take()).toEqual(['6: looking 2/10/1@1', '77: looking 2/10/1@1']);
    expect(election.round).toBe(1n);
  });

  test('repeats more and more seldom, at least every tick, and afresh after a new link', () => {
    const { context, election, take } = setUp();
    take();
    for (let count = 0; count < 4; count++) context.fire(REPEAT);
    expect(context.delays.filter(([timer]) => timer === REPEAT).map(([, ms]) => ms)).toEqual([
      200, 400, 500, 500, 500,
    ]);
    expect(take().slice(0, 2)).toEqual([
      'drop links silent for 2000 since 0',
      '1: looking 2/10/1@1',
    ]);
    take();
    election.connected(3);
    expect(take()).toEqual(['3: looking 2/10/1@1']);
    context.nowMs += 150;
    // The repetition is due sooner than a fresh interval: a link that flaps must not delay it.
    election.connected(4);
    context.nowMs += 50;
    context.fire(REPEAT);
    expect(
      context.delays
        .filter(([timer]) => timer === REPEAT)
        .map(([, ms]) => ms)
        .slice(5),
    ).toEqual([200, 400]);
  });
});

describe('deciding', () => {
  test('a quorum of equal votes decides after the finalize wait', () => {
    const { receive, context, elected, election } = setUp();
    receive(3, 'looking 3/10/1@1');
    expect(context.timers.has(FINALIZE)).toBe(false);
    receive(1, 'looking 3/10/1@1');
    expect(context.delays.at(-1)).toEqual([FINALIZE, 200]);
    context.fire(FINALIZE);
    expect(elected).toEqual([{ leader: 3, zxid: 10n, electionEpoch: 1n, peerEpoch: 1 }]);
    expect(election.state).toBe('following');
    expect(context.timers.size).toBe(0);
    expect(context.acts.at(-1)).toEqual([
      'Elected',
      { leader: 3, zxid: '0xa', peerEpoch: 1, round: 1 },
    ]);
  });

  test('votes that differ in epoch or zxid are no quorum', () => {
    const { receive, context } = setUp();
    receive(3, 'looking 3/10/1@1');
    receive(1, 'looking 3/9/1@1');
    receive(4, 'looking 3/10/0@1');
    expect(context.timers.has(FINALIZE)).toBe(false);
  });

  test('meanwhile a better vote is listened to, and nothing else', () => {
    const { receive, context, elected, election } = setUp();
    receive(3, 'looking 3/10/1@1');
    receive(1, 'looking 3/10/1@1');
    receive(1, 'looking 1/10/1@5');
    receive(4, 'leading 3/10/0@1');
    expect(election.round).toBe(1n);
    expect(context.timers.has(FINALIZE)).toBe(true);
    receive(5, 'looking 5/10/1@1');
    expect(context.timers.has(FINALIZE)).toBe(false);
    receive(1, 'looking 5/10/1@1');
    context.fire(FINALIZE);
    expect(elected.map(({ leader }) => leader)).toEqual([5]);
  });

  test('without data nobody is elected, but an ensemble may be joined', () => {
    const { receive, context, elected } = setUp({ zxid: -1n });
    for (const from of [1, 3, 4]) receive(from, 'looking 3/10/1@1');
    expect(context.timers.has(FINALIZE)).toBe(false);
    receive(3, 'leading 3/10/1@1');
    receive(1, 'following 3/10/1@1');
    receive(4, 'following 3/10/1@1');
    expect(elected.map(({ leader }) => leader)).toEqual([3]);
  });
});

describe('joining', () => {
  test('needs a quorum, and the leader’s own word', () => {
    const { receive, elected } = setUp();
    for (const from of [1, 3, 4]) receive(from, 'following 5/10/1@8');
    expect(elected).toEqual([]);
    receive(5, 'following 5/10/1@8');
    expect(elected).toEqual([]);
    receive(5, 'leading 5/10/1@8');
    expect(elected).toEqual([{ leader: 5, zxid: 10n, electionEpoch: 8n, peerEpoch: 1 }]);
  });

  test('rounds and zxids of settled servers may differ, epochs may not', () => {
    const { receive, elected } = setUp();
    receive(5, 'leading 5/10/3@8');
    receive(1, 'following 5/10/2@8');
    receive(3, 'following 5/11/3@9');
    expect(elected).toEqual([]);
    receive(4, 'following 5/12/3@7');
    expect(elected.map(({ leader }) => leader)).toEqual([5]);
  });

  test('in our own round the leader alone decides, whoever has synchronized', () => {
    const { receive, elected } = setUp();
    receive(5, 'leading 5/10/3@1');
    receive(1, 'following 5/10/1@1');
    receive(3, 'following 5/10/2@1');
    expect(elected.map(({ leader }) => leader)).toEqual([5]);
  });

  test('a round is never gone back to', () => {
    const { receive, election, look } = setUp();
    for (let count = 0; count < 6; count++) look();
    receive(5, 'leading 5/10/3@2');
    for (const from of [1, 3]) receive(from, 'following 5/10/3@2');
    expect(election.state).toBe('following');
    expect(election.round).toBe(7n);
    look();
    expect(election.round).toBe(8n);
  });

  test('a former life does not elect us', () => {
    const { receive, elected } = setUp();
    for (const from of [1, 3, 4]) receive(from, 'following 2/10/1@8');
    expect(elected).toEqual([]);
    for (const from of [1, 3, 4]) receive(from, 'following 2/10/1@1');
    expect(elected.map(({ leader }) => leader)).toEqual([2]);
  });
});

describe('settled', () => {
  const vote: Vote = { leader: 2, zxid: 10n as Zxid, electionEpoch: 4n, peerEpoch: 1 };

  test('those that look are answered with what was decided, the others are not', () => {
    const { election, receive, take, context } = setUp({ observers: 1 });
    election.settle('leading', vote);
    election.updatePeerEpoch(2);
    take();
    receive(3, 'looking 3/99/9@9');
    receive(4, 'following 3/99/9@9');
    receive(5, 'leading 5/99/9@9');
    receive(6, 'observing 5/99/9@9');
    election.connected(1);
    expect(take()).toEqual(['3: leading 2/10/2@4', '6: leading 2/10/2@4', '1: leading 2/10/2@4']);
    expect(election.round).toBe(4n);
    expect(context.timers.size).toBe(0);
  });

  test('a retired server is silent', () => {
    const { election, receive, take } = setUp();
    election.settle('following', { ...vote, leader: 3 });
    election.retire();
    take();
    receive(3, 'looking 3/99/9@9');
    election.connected(3);
    election.updatePeerEpoch(7);
    expect(take()).toEqual([]);
    expect(election.state).toBe('idle');
  });
});

describe('votes', () => {
  const base = {
    leader: 1,
    zxid: 5n,
    peerEpoch: 1n,
    electionEpoch: 3n,
    version: 2,
    state: 'following' as const,
  };

  test('are totally ordered', () => {
    const votes = [0n, 1n].flatMap((peerEpoch) =>
      [-1n, 0n, 7n].flatMap((zxid) => [1, 2].map((leader) => ({ leader, zxid, peerEpoch }))),
    );
    votes.forEach((a, i) => {
      votes.forEach((b, j) => {
        expect(isBetter(a, b)).toBe(i > j);
      });
    });
  });

  test('of an old format are not held to the epoch', () => {
    expect(isSameVote(base, { ...base, peerEpoch: 2n })).toBe(false);
    expect(isSameVote(base, { ...base, peerEpoch: 2n, version: 0 })).toBe(true);
    expect(isSameVote({ ...base, version: 0 }, { ...base, peerEpoch: 2n, version: 0 })).toBe(false);
    expect(isSameVote(base, { ...base, leader: 2, version: 0 })).toBe(false);
    expect(isSameVote(base, { ...base, zxid: 9n, electionEpoch: 9n })).toBe(true);
    expect(isSameVote(base, { ...base, state: 'looking', electionEpoch: 9n })).toBe(false);
    expect(isSameVote(base, { ...base, state: 'looking' })).toBe(true);
  });
});

test('the bound is the formula', () => {
  const config = { tickTimeMs: 2000, syncLimit: 5, connectTimeoutMs: 5000 };
  expect(electionBoundMs(config, 10)).toBe(10_000 + 5000 + 3 * 2000 + 100 + 200);
  expect(electionBoundMs({ ...config, tickTimeMs: 100 }, 0)).toBe(500 + 5000 + 3 * 400 + 200);
});
