import { describe, expect, test } from 'vitest';
import { faultPatternsWithLeader } from '../../../../spec/models/quorum.ts';
import { prngStream } from '../../../../src/base/prng.ts';
import { tolerancePatterns } from '../../../../src/cli/tolerance-patterns.ts';
import {
  assignParts,
  crashPatterns,
  describePattern,
} from '../../../../src/harness/tolerance/pattern.ts';

describe('patterns of failure', () => {
  test('every subset of victims that leaves somebody to ask, once', () => {
    for (const size of [1, 2, 5, 8]) {
      const patterns = crashPatterns(size);
      const subsets = new Set(patterns.map(({ crashed }) => crashed.join(' ')));
      expect(subsets.size).toBe(2 ** size - 1);
      for (const { crashed, groups } of patterns) {
        expect(groups).toHaveLength(1);
        expect([...crashed, ...(groups[0] ?? [])].sort()).toEqual(
          Array.from({ length: size }, (_, index) => index + 1),
        );
      }
    }
  });

  test('parts are given to servers: the leader has its own, nobody has two, sizes stay', () => {
    for (const [index, pattern] of [...faultPatternsWithLeader(6)].entries()) {
      const placed = assignParts(pattern, 4, prngStream('5eed', `${index}`));
      const all = [...placed.crashed, ...placed.groups.flat()];
      expect([...all].sort()).toEqual([1, 2, 3, 4, 5, 6]);
      expect(placed.groups.map(({ length }) => length)).toEqual(
        pattern.groups.map(({ length }) => length),
      );
      const partOf = (of: typeof pattern, sid: number): number =>
        of.groups.findIndex((group) => group.includes(sid));
      expect(partOf(placed as typeof pattern, 4)).toBe(partOf(pattern, pattern.leader));
    }
  });

  test('a pattern of named servers stays as it is', () => {
    const pattern = { size: 3, crashed: [2], groups: [[1, 3]] };
    expect(assignParts(pattern, 2, prngStream('1', 'x'))).toBe(pattern);
    expect(describePattern(pattern)).toBe('3 servers: 1 3, crashed 2');
  });

  test('other worlds try every number of victims, with and without the leader, and the data centres', () => {
    const patterns = tolerancePatterns('process', 6);
    const crashes = patterns.filter(({ groups }) => groups.length === 1);
    for (let count = 0; count < 6; count++) {
      const hits = crashes.filter(({ crashed }) => crashed.length === count);
      const withLeader = hits.filter(({ crashed, leader = 0 }) => crashed.includes(leader));
      expect(withLeader).toHaveLength(count === 0 ? 0 : 1);
      expect(hits.length - withLeader.length).toBe(1);
    }
    const cuts = patterns.filter(({ groups }) => groups.length > 1);
    expect(cuts.map(({ groups }) => groups.map(({ length }) => length))).toEqual([[3, 3]]);
    const five = tolerancePatterns('simulation', 5).filter(({ groups }) => groups.length > 1);
    expect(five).toHaveLength(2);
  });
});
