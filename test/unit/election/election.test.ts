import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { Zxid } from '../../../src/base/zxid.ts';
import { electionBoundMs } from '../../../src/server/core/election/election.ts';
import { TestNetwork } from './network.ts';

const states = (network: TestNetwork) =>
  [...network.nodes.values()].map((node) => node.election.state);
const allSettled = (network: TestNetwork) => () =>
  [...network.nodes.values()].every((node) => !node.isAlive || node.election.state !== 'looking');

function startAll(network: TestNetwork): void {
  for (const { sid } of network.servers) network.start(sid);
}

describe('a cold start', () => {
  test('of three equal servers elects the largest sid after the finalize wait', () => {
    const network = new TestNetwork(3);
    startAll(network);
    expect(network.run(1000, allSettled(network))).toBe(true);
    expect(states(network)).toEqual(['following', 'following', 'leading']);
    expect(network.now).toBeGreaterThanOrEqual(200);
    expect(network.now).toBeLessThan(230);
    for (const node of network.nodes.values()) {
      const vote = { leader: 3, zxid: 0n, electionEpoch: 1n, peerEpoch: 0 };
      expect(node.elected).toEqual([vote]);
      expect(node.election.round).toBe(1n);
      expect(node.acts[0]).toEqual({ act: 'ElectionStarted', args: { round: 1 } });
      expect(node.acts.at(-1)).toEqual({
        act: 'Elected',
        args: { leader: 3, zxid: '0x0', peerEpoch: 0, round: 1 },
      });
    }
    expect(network.node(1).acts[1]).toEqual({
      act: 'VoteCast',
      args: { leader: 1, zxid: '0x0', peerEpoch: 0, round: 1 },
    });
  });

  test('prefers the higher epoch to more history, and more history to the larger sid', () => {
    for (const [disks, leader] of [
      [[0x100000009n, 1, 0x200000001n, 2, 0x1ffffffffn, 1], 2],
      [[0x100000009n, 1, 0x100000008n, 1, 0x100000008n, 1], 1],
      [[0x100000009n, 2, 0x200000008n, 1, 0x200000008n, 1], 1],
    ] as const) {
      const network = new TestNetwork(3);
      for (let index = 0; index < 3; index++) {
        const zxid = BigInt(disks[2 * index]!);
        network.start(index + 1, { zxid, currentEpoch: Number(disks[2 * index + 1]) });
      }
      network.run(2000, allSettled(network));
      expect(network.leader()).toBe(leader);
    }
  });

  test('opens exactly one connection per pair, by the larger sid', () => {
    const network = new TestNetwork(5);
    startAll(network);
    network.run(3000);
    expect(network.leader()).toBe(5);
    for (const node of network.nodes.values()) expect(node.ends.size).toBe(4);
  });

  test('of a single voter elects itself', () => {
    const network = new TestNetwork(1);
    startAll(network);
    network.run(199);
    expect(states(network)).toEqual(['looking']);
    network.run(1);
    expect(states(network)).toEqual(['leading']);
  });

  test('without a quorum elects nobody', () => {
    const network = new TestNetwork(5);
    network.start(1);
    network.start(5);
    network.run(60_000);
    expect(states(network)).toEqual(['looking', 'looking']);
    // The back-off is capped at a tick: about two repetitions a second and peer, not a storm.
    expect(network.node(5).dialCount).toBeLessThan(3 * 2 * 60 + 50);
  });

  test('a server without data (zxid -1) takes no part and is not counted', () => {
    const network = new TestNetwork(3);
    network.start(1, { zxid: 5n, currentEpoch: 0 });
    network.start(3, { zxid: -1n, currentEpoch: 0 });
    network.run(10_000);
    expect(states(network)).toEqual(['looking', 'looking']);
    network.start(2, { zxid: 4n, currentEpoch: 0 });
    network.run(10_000, allSettled(network));
    expect(network.leader()).toBe(1);
    expect(network.node(3).election.state).toBe('following');
  });
});

describe('joining', () => {
  test('a late server follows the established leader without disturbing it', () => {
    const network = new TestNetwork(3);
    network.start(1);
    network.start(2);
    network.run(2000, allSettled(network));
    expect(network.leader()).toBe(2);
    network.node(1).election.updatePeerEpoch(1);
    network.node(2).election.updatePeerEpoch(1);
    network.start(3, { zxid: 0x500000000n, currentEpoch: 5 });
    expect(network.run(1000, allSettled(network))).toBe(true);
    expect(states(network)).toEqual(['following', 'leading', 'following']);
    expect(network.node(3).elected).toEqual([
      { leader: 2, zxid: 0n, electionEpoch: network.node(2).election.round, peerEpoch: 1 },
    ]);
    expect(network.node(2).elected).toHaveLength(1);
  });

  test('members with different rounds and zxids of one leader still agree for a joiner', () => {
    const network = new TestNetwork(3);
    const leaderVote = { leader: 2, zxid: 7n as Zxid, electionEpoch: 4n, peerEpoch: 2 };
    for (const sid of [1, 2]) network.start(sid);
    network.node(2).election.settle('leading', leaderVote);
    const followerVote = { leader: 2, zxid: 1n as Zxid, electionEpoch: 9n, peerEpoch: 2 };
    network.node(1).election.settle('following', followerVote);
    network.start(3);
    expect(network.run(1000, allSettled(network))).toBe(true);
    expect(network.node(3).elected.at(-1)?.leader).toBe(2);
  });

  test('members that name different epochs for the leader are no quorum for a joiner', () => {
    const network = new TestNetwork(3);
    for (const sid of [1, 2]) network.start(sid);
    const vote = { leader: 2, zxid: 7n as Zxid, electionEpoch: 4n, peerEpoch: 2 };
    network.node(2).election.settle('leading', vote);
    network.node(1).election.settle('following', { ...vote, peerEpoch: 1 });
    network.start(3);
    network.run(3000);
    expect(network.node(3).election.state).toBe('looking');
    network.node(1).election.updatePeerEpoch(2);
    expect(network.run(1000, allSettled(network))).toBe(true);
    expect(network.node(3).elected.at(-1)?.leader).toBe(2);
  });

  test('a restarted former leader does not lead again on what others remember', () => {
    const network = new TestNetwork(3);
    startAll(network);
    network.run(2000, allSettled(network));
    for (const sid of [1, 2]) {
      const vote = { leader: 3, zxid: 0n as Zxid, electionEpoch: 6n, peerEpoch: 1 };
      network.node(sid).election.settle('following', vote);
    }
    network.crash(3);
    network.run(10);
    network.start(3);
    network.run(5000);
    expect(network.node(3).election.state).toBe('looking');
    network.look(1);
    network.look(2);
    expect(network.run(2000, allSettled(network))).toBe(true);
    expect(network.leader()).toBe(3);
  });

  test('nobody follows a leader that does not say itself that it leads', () => {
    const network = new TestNetwork(5);
    for (const sid of [1, 2, 3]) {
      network.start(sid);
      const vote = { leader: 5, zxid: 0n as Zxid, electionEpoch: 3n, peerEpoch: 1 };
      network.node(sid).election.settle('following', vote);
    }
    network.start(4);
    network.run(10_000);
    expect(network.node(4).election.state).toBe('looking');
  });

  test('after the loss of a leader the rest elects another, and the former one follows it', () => {
    const network = new TestNetwork(3);
    startAll(network);
    network.run(2000, allSettled(network));
    network.crash(3);
    network.disks.set(1, { zxid: 0x100000002n, currentEpoch: 1 });
    network.disks.set(2, { zxid: 0x100000001n, currentEpoch: 1 });
    network.look(1);
    network.run(50);
    network.look(2);
    const startMs = network.now;
    expect(network.run(2000, () => network.leader() === 1)).toBe(true);
    expect(network.now - startMs).toBeLessThanOrEqual(200 + 4);
    network.start(3, { zxid: 0x100000001n, currentEpoch: 1 });
    network.run(2000, allSettled(network));
    expect(network.node(3).elected.at(-1)?.leader).toBe(1);
    expect(network.node(1).elected).toHaveLength(2);
  });

  test('an observer follows, never votes and is never elected', () => {
    const network = new TestNetwork(3, 1);
    network.start(4, { zxid: 0x900000000n, currentEpoch: 9 });
    network.start(1);
    network.run(3000);
    expect(network.node(4).election.state).toBe('looking');
    network.start(2);
    expect(network.run(5000, allSettled(network))).toBe(true);
    expect(network.node(4).election.state).toBe('observing');
    expect(network.node(4).elected.at(-1)?.leader).toBe(2);
    expect(network.node(4).acts.map(({ act }) => act)).toEqual(['ElectionStarted', 'Elected']);
  });
});

describe('rounds', () => {
  test('a server in an older round joins the newer one and starts from its own candidacy', () => {
    const network = new TestNetwork(3);
    network.start(2, { zxid: 2n, currentEpoch: 0 });
    for (let count = 0; count < 4; count++) network.look(2);
    network.start(1, { zxid: 1n, currentEpoch: 0 });
    expect(network.run(2000, allSettled(network))).toBe(true);
    expect(network.node(1).election.round).toBe(5n);
    expect(network.leader()).toBe(2);
  });

  test('a retired server answers nobody', () => {
    const network = new TestNetwork(3);
    startAll(network);
    network.run(2000, allSettled(network));
    for (const sid of [2, 3]) network.node(sid).election.retire();
    network.look(1);
    network.run(5000);
    expect(states(network)).toEqual(['looking', 'idle', 'idle']);
  });
});

describe('faults', () => {
  test('a cut-off minority elects nobody and joins within the bound after the heal', () => {
    const network = new TestNetwork(5);
    for (const a of [1, 2, 3]) for (const b of [4, 5]) network.cut(a, b);
    startAll(network);
    network.run(30_000);
    expect(states(network)).toEqual(['following', 'following', 'leading', 'looking', 'looking']);
    network.heal();
    const boundMs = electionBoundMs(network.node(1).config, 1);
    expect(network.run(boundMs, allSettled(network))).toBe(true);
    expect(network.leader()).toBe(3);
  });

  test('one slow link does not keep a quorum from a leader', () => {
    const network = new TestNetwork(5);
    network.delayMs = (from, to) =>
      Math.min(from, to) === 2 && Math.max(from, to) === 5 ? 700 : 2;
    startAll(network);
    expect(network.run(3000, () => network.leader() === 5)).toBe(true);
    expect(network.run(10_000, allSettled(network))).toBe(true);
    expect(network.node(2).elected.at(-1)?.leader).toBe(5);
  });

  test('a link that can be heard but not answered does not stop the others', () => {
    const network = new TestNetwork(3);
    network.cutOneWay(1, 3);
    startAll(network);
    expect(network.run(10_000, () => network.leader() !== undefined)).toBe(true);
  });

  test('links that a cut has killed are replaced: the bound holds whatever TCP does', () => {
    for (const delayMs of [0, 1, 20, 150]) {
      const network = new TestNetwork(5);
      network.delayMs = () => delayMs;
      startAll(network);
      network.run(10_000, allSettled(network));
      const boundMs = electionBoundMs(network.node(1).config, delayMs);
      for (let cycle = 0; cycle < 10; cycle++) {
        for (const { sid } of network.servers) network.isolate(sid);
        for (const { sid } of network.servers) network.look(sid);
        network.run(20_000 + 137 * cycle);
        expect(new Set(states(network))).toEqual(new Set(['looking']));
        network.heal();
        expect(network.run(boundMs, () => network.leader() !== undefined)).toBe(true);
        expect(network.run(boundMs, allSettled(network))).toBe(true);
      }
    }
  });

  test('servers that start one by one are settled within the bound of the last start', () => {
    const prng = new Prng(7);
    for (let run = 0; run < 60; run++) {
      const network = new TestNetwork(5);
      const delays = new Map<string, number>();
      network.delayMs = (from, to) => {
        const key = `${from}/${to}`;
        const delayMs = delays.get(key) ?? prng.int(0, 80);
        delays.set(key, delayMs);
        return delayMs;
      };
      for (const sid of prng.shuffle([1, 2, 3, 4, 5]).slice(0, 3)) {
        network.start(sid);
        network.run(prng.int(0, 5000));
      }
      const boundMs = electionBoundMs(network.node([...network.nodes.keys()][0]!).config, 80);
      expect(network.run(boundMs, () => network.leader() !== undefined)).toBe(true);
    }
  });
});

describe('random faults', () => {
  /** Leaders without followers and followers without a leader give up, as their roles would. */
  function supervise(network: TestNetwork): void {
    for (const node of network.nodes.values()) {
      if (!node.isAlive || node.election.state === 'looking') continue;
      const vote = node.elected.at(-1);
      if (vote === undefined) continue;
      const reaches = (sid: number) =>
        network.nodes.get(sid)?.isAlive === true &&
        !network.isCut(node.sid, sid) &&
        !network.isCut(sid, node.sid);
      if (node.election.state === 'leading') {
        const followers = [...network.nodes.values()].filter(
          (other) =>
            other === node ||
            (reaches(other.sid) &&
              other.election.state === 'following' &&
              other.elected.at(-1)?.leader === node.sid),
        );
        if (!network.verifier.containsQuorum(followers.map(({ sid }) => sid))) {
          network.look(node.sid);
        }
      } else if (!reaches(vote.leader) || network.node(vote.leader).election.state !== 'leading') {
        network.look(node.sid);
      }
    }
    network.at(1500, () => supervise(network));
  }

  function randomRun(seed: number, hasCrashes: boolean): { network: TestNetwork; decided: number } {
    const prng = new Prng(seed);
    const network = new TestNetwork(prng.pick([3, 5]));
    network.retransmitMs = prng.pick([200, 60_000]);
    network.delayMs = () => prng.int(0, 40);
    const adopted = new Map<bigint, Map<number, number>>();
    let decided = 0;
    network.onElected = (node, vote) => {
      decided++;
      const byNode = adopted.get(vote.electionEpoch) ?? new Map<number, number>();
      adopted.set(vote.electionEpoch, byNode);
      // A late one may join what was elected in a round that it has left behind.
      if (vote.electionEpoch < node.election.round) return;
      // Without restarts a round is never entered twice, so that a server decides in it once.
      if (!hasCrashes) expect(byNode.has(node.sid)).toBe(false);
      byNode.set(node.sid, vote.leader);
    };
    for (const { sid } of network.servers) {
      network.start(sid, { zxid: BigInt(prng.int(0, 2)), currentEpoch: prng.int(0, 1) });
    }
    network.at(1500, () => supervise(network));
    for (let step = 0; step < 25; step++) {
      const sid = prng.int(1, network.servers.length);
      const other = prng.int(1, network.servers.length);
      const choice = prng.int(0, 9);
      if (choice < 3 && sid !== other) network.cut(sid, other);
      else if (choice < 4) network.isolate(sid);
      else if (choice < 6 && sid !== other) network.cutOneWay(sid, other);
      else if (choice < 8) network.heal();
      else if (hasCrashes && network.node(sid).isAlive) network.crash(sid);
      else if (!network.node(sid).isAlive) network.start(sid);
      network.run(prng.int(1, 4000));
    }
    for (const [, byNode] of hasCrashes ? [] : adopted) {
      const leaders = new Map<number, number[]>();
      for (const [sid, leader] of byNode) {
        leaders.set(leader, [...(leaders.get(leader) ?? []), sid]);
      }
      const elected = [...leaders].filter(([, sids]) => network.verifier.containsQuorum(sids));
      expect(elected.length).toBeLessThanOrEqual(1);
    }
    network.heal();
    for (const [sid, node] of network.nodes) if (!node.isAlive) network.start(sid);
    return { network, decided };
  }

  test.each([false, true])('end in one leader for all (crashes: %s)', (hasCrashes) => {
    let decided = 0;
    for (let seed = 1; seed <= 80; seed++) {
      const { network, decided: count } = randomRun(seed, hasCrashes);
      decided += count;
      const boundMs = 2 * (electionBoundMs(network.node(1).config, 40) + 1500);
      const isDone = () => network.leader() !== undefined && allSettled(network)();
      expect(network.run(boundMs, isDone), `seed ${seed}`).toBe(true);
      const leader = network.leader();
      network.run(boundMs);
      // Stable from then on: nothing stale unseats it.
      expect(network.leader(), `seed ${seed}`).toBe(leader);
      for (const node of network.nodes.values()) {
        expect(node.elected.at(-1)?.leader, `seed ${seed}`).toBe(leader);
      }
    }
    expect(decided).toBeGreaterThan(80 * 3);
  });
});
