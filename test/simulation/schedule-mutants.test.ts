/**
 * The shortest counterexample of each mutant of the model, step by step on real server cores. Ours must leave
 * the schedule somewhere: it does not do what the mutant does. The same sources with the mutant's mistake
 * put in must follow to the end, where the promise is broken. (Two that take long to find, and the other
 * mistakes, are in `test/long`.)
 */
import { expect, test } from 'vitest';
import { systemMutantNames } from '../../spec/schedule/counterexamples.ts';
import { serverBugs } from '../support/schedule-bugs.ts';
import { doubts, runMutant } from '../support/schedule-mutant.ts';

const slow = ['acceptedEpochForgotten', 'zk4643EpochBeforeLog'];
/** Each takes a build of the server: the two that were ours, and one of each kind of damage. */
const built = ['knownEpochCounts', 'staleAcksCount', 'ackBeforeFlush', 'outstandingNotSent'];

test('all mutants but one are mistakes that the sources can have in one place', () => {
  const without = systemMutantNames().filter((name) => serverBugs[name] === undefined);
  expect(without).toEqual(['zk2845MemoryKept']);
});

test.each(systemMutantNames().filter((name) => !slow.includes(name)))('%s', async (name) => {
  expect(doubts(await runMutant(name, built.includes(name)))).toEqual([]);
});
