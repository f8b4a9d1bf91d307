import { describe, expect, test } from 'vitest';
import {
  atLeastHalf,
  availability,
  countServers,
  disjointQuorums,
  faultPatterns,
  faultPatternsWithLeader,
  hierarchical,
  isLess,
  majority,
  type Situation,
  serverSet,
  serverSets,
  serversOf,
  servingGroup,
  servingGroups,
  toleranceByCount,
  toleranceBySets,
  weighted,
} from '../../../../spec/models/quorum.ts';

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('majorities', () => {
  test.each(upTo(9))('of %i servers: any two share a server', (size) => {
    const rule = majority(size);
    const quorums = [...serverSets(rule)].filter(rule.isQuorum);
    expect(quorums.length).toBeGreaterThan(0);
    expect(quorums.every((one) => quorums.every((other) => (one & other) !== 0))).toBe(true);
    expect(disjointQuorums(rule)).toBeUndefined();
  });

  test('the tolerance table, enumerated', () => {
    expect(upTo(9).map((size) => toleranceBySets(majority(size)))).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3, 4,
    ]);
    expect(upTo(9).map(toleranceByCount)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4]);
  });

  test('2n − 1 and 2n tolerate n − 1, up to n = 1000', () => {
    for (const n of upTo(1000)) {
      expect(toleranceByCount(2 * n - 1)).toBe(n - 1);
      expect(toleranceByCount(2 * n)).toBe(n - 1);
    }
  });

  test('an even ensemble is less available than the odd one below it', () => {
    for (const percent of [1n, 30n, 50n, 90n, 99n]) {
      for (const n of [1, 2, 3, 4]) {
        const odd = availability(majority(2 * n - 1), percent, 100n);
        const even = availability(majority(2 * n), percent, 100n);
        expect(isLess(even, odd)).toBe(true);
      }
    }
    expect(availability(majority(3), 9n, 10n)).toEqual({ numerator: 972n, denominator: 1000n });
  });

  test('at least half is no quorum rule for an even ensemble', () => {
    for (const size of upTo(9)) {
      const pair = disjointQuorums(atLeastHalf(size));
      if (size % 2 === 1) expect(pair).toBeUndefined();
      else expect(pair?.map(countServers)).toEqual([size / 2, size / 2]);
    }
  });

  test('weights and groups', () => {
    const heavy = weighted([3, 1, 1]);
    expect(toleranceBySets(heavy)).toBe(0);
    expect(heavy.isQuorum(serverSet([1]))).toBe(true);
    expect(disjointQuorums(heavy)).toBeUndefined();
    const sites = hierarchical(
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
      [1, 1, 1, 1, 1, 1, 1, 1, 1],
    );
    expect(sites.isQuorum(serverSet([1, 2, 4, 5]))).toBe(true);
    expect(sites.isQuorum(serverSet([1, 2, 3, 4, 7]))).toBe(false);
    expect(disjointQuorums(sites)).toBeUndefined();
    // Weight zero is an observer: it changes nothing.
    const watched = weighted([1, 1, 1, 0]);
    for (const set of serverSets(majority(3))) {
      expect(watched.isQuorum(set | serverSet([4]))).toBe(majority(3).isQuorum(set));
    }
  });
});

describe('situations', () => {
  test('the two data centres', () => {
    const cut = (size: number, left: number): Situation => ({
      size,
      crashed: [],
      groups: [upTo(left), upTo(size).slice(left)],
    });
    expect(servingGroup(cut(6, 3))).toBeUndefined();
    expect(servingGroup(cut(5, 3))).toEqual([1, 2, 3]);
    expect(servingGroups(cut(6, 3), atLeastHalf)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test('a server that no group names is alone', () => {
    expect(servingGroup({ size: 3, crashed: [], groups: [] })).toBeUndefined();
    expect(servingGroup({ size: 1, crashed: [], groups: [] })).toEqual([1]);
    expect(servingGroup({ size: 3, crashed: [2], groups: [[1, 2, 3]] })).toEqual([1, 3]);
    expect(() => servingGroup({ size: 3, crashed: [], groups: [[1, 2], [2]] })).toThrow('disjoint');
  });

  test('no pattern up to 7 servers lets two groups serve', () => {
    for (const size of upTo(7)) {
      for (const pattern of faultPatterns(size)) {
        const alive = pattern.groups.map((group) => group.length);
        const serving = servingGroups(pattern);
        expect(serving.length).toBe(alive.some((count) => 2 * count > size) ? 1 : 0);
      }
    }
  });
});

describe('fault patterns', () => {
  test('stand for every set of crashed servers and every partition of the rest', () => {
    // A crashed set and a partition of the others: as many as partitions of one element more.
    const bell = [1, 2, 5, 15, 52, 203, 877, 4140];
    for (const size of upTo(7)) {
      const patterns = [...faultPatterns(size)];
      const situations = patterns.reduce((sum, { standsFor }) => sum + standsFor, 0);
      expect(situations).toBe(bell[size]);
      for (const { groups, crashed } of patterns) {
        expect([...groups.flat(), ...crashed]).toEqual(upTo(size));
      }
    }
    expect([...faultPatterns(7)]).toHaveLength(45);
  });

  test('with a leader, each kind of place once', () => {
    const seen = [...faultPatternsWithLeader(3)].map(({ groups, crashed, leader }) => {
      const place = crashed.includes(leader)
        ? 'crashed'
        : String(groups.find((group) => group.includes(leader))?.length);
      return `${groups.map((group) => group.length).join('+')}/${crashed.length}:${place}`;
    });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain('2+1/0:1');
    expect(seen).toContain('2+1/0:2');
    expect(seen).toContain('2/1:crashed');
    expect(seen).toHaveLength(11);
  });

  test('sets and lists are the same thing', () => {
    expect(serversOf(serverSet([2, 5, 9]))).toEqual([2, 5, 9]);
  });
});
