/**
 * The protocol model has exactly the states that TLC finds for Apache's Zab.tla in the same scopes
 * (distinct states and depth, with a view that leaves out the name of the last action).
 */
import { describe, expect, test } from 'vitest';
import { check, checkMutant } from '../../../../spec/kernel/check.ts';
import { zab } from '../../../../spec/models/zab/zab.ts';
import { type Sizes, scopeOf } from '../../../support/zab-scope.ts';

describe('the ZAB protocol has the states of Zab.tla', () => {
  test.each<[Sizes, number, number]>([
    [[1, 1, 1, 1, 1], 5, 3],
    [[2, 0, 1, 1, 0], 35, 15],
    [[2, 1, 2, 2, 0], 1843, 29],
    [[2, 1, 1, 3, 1], 1288, 24],
    [[3, 0, 1, 1, 0], 445, 17],
    [[3, 0, 2, 1, 0], 1015, 22],
  ])('in scope %j', (sizes, distinct, depth) => {
    const result = check(zab, { scope: scopeOf(sizes) });
    expect(result).toMatchObject({ verdict: 'pass', distinct, depth });
  });

  test('up to symmetry, counted as TLC counts', () => {
    const result = check(zab, { scope: scopeOf([3, 0, 1, 1, 0]), symmetry: true });
    expect(result).toMatchObject({ verdict: 'pass', distinct: 78, depth: 17 });
  });

  test.each<[Sizes, number]>([
    [[2, 0, 1, 1, 0], 39],
    [[2, 1, 2, 2, 0], 2285],
  ])('with the last action in the state, in scope %j', (sizes, distinct) => {
    // The other ghosts add nothing: without restarts they are functions of the state.
    const result = check(zab, { scope: scopeOf(sizes), ghosts: true });
    expect(result).toMatchObject({ verdict: 'pass', distinct });
  });
});

describe('a mistake in the protocol breaks a promise', () => {
  test.each([
    'epochNotAboveTheOthers',
    'ownHistoryKept',
    'longestHistoryWins',
    'lateCommitNamesTheLastLogged',
    'messagesOutliveTheirConnection',
    'ownTailKept',
    'servesBeforeDelivering',
    'deliversWhatItProposes',
    'ackBeforeLogging',
    'anotherValueLogged',
    'logIsAStack',
  ])('%s', (name) => {
    expect(checkMutant(zab, name)).toMatchObject({ isKilled: true, missing: [] });
  });

  test('every promise is broken by some mistake', () => {
    const { always = {}, onStep = {}, mutants = {} } = zab.define(zab.scope);
    const broken = new Set(Object.values(mutants).flatMap(({ killedBy }) => killedBy));
    const unbroken = Object.keys({ ...always, ...onStep }).filter((name) => !broken.has(name));
    expect(unbroken).toEqual([]);
  });
});
