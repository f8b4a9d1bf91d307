/**
 * What `umpire tolerance` tries, from the model's own list of patterns, and the model's word on each. This
 * is the one place where the command meets the quorum model.
 */
import {
  faultPatternsWithLeader,
  majority,
  type QuorumRule,
  servingGroups,
} from '../../spec/models/quorum.ts';
import type { WorldName } from '../harness/index.ts';
import { crashPatterns, type Pattern, type Word } from '../harness/tolerance/index.ts';

/** What the model says under a rule; another rule than ZooKeeper's is a mutant of the model. */
export function wordOf(rule: (size: number) => QuorumRule = majority): Word {
  return ({ size, crashed, groups }) => servingGroups({ size, crashed, groups }, rule);
}

/** Three servers in one data centre and three or two in the other, with the leader in either. */
const dataCentres = ['3 3', '3 2'];

/**
 * Crashes: in simulation every subset of victims, in the other worlds every number of them with and without
 * the leader. Then the cut between two data centres, where the size has one. The pattern in which nobody
 * lives is left out: there is nobody who could refuse.
 */
export function tolerancePatterns(world: WorldName, size: number): Pattern[] {
  const shapes = [...faultPatternsWithLeader(size)];
  const crashes =
    world === 'simulation'
      ? crashPatterns(size)
      : shapes.filter(({ groups }) => groups.length === 1);
  const cuts = shapes.filter(
    ({ crashed, groups }) =>
      crashed.length === 0 && dataCentres.includes(groups.map(({ length }) => length).join(' ')),
  );
  return [...crashes, ...cuts];
}
