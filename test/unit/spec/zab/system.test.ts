/** ZAB as a server runs it, in a scope of seconds; the larger scopes are in `test/long`. */
import { describe, expect, test } from 'vitest';
import { check, checkMutant } from '../../../../spec/kernel/check.ts';
import { explore } from '../../../../spec/kernel/explore.ts';
import type { Spec } from '../../../../spec/kernel/model.ts';
import { fle } from '../../../../spec/models/zab/fle.ts';
import { zabCoarse } from '../../../../spec/models/zab/zab-coarse.ts';
import { zabSystem } from '../../../../spec/models/zab/zab-system.ts';

const twoServers = { servers: 2, txns: 1, epochs: 2, crashes: 1, timeouts: 0, window: 1 } as const;

describe('system-level ZAB', () => {
  test('keeps its promises with two servers and a crash', () => {
    const result = check(zabSystem, { scope: twoServers });
    expect(result).toMatchObject({ verdict: 'pass', distinct: 804, depth: 45 });
  });

  test('keeps them whoever is elected', () => {
    const result = check(zabSystem, {
      scope: { servers: 3, txns: 3, epochs: 4, crashes: 2, timeouts: 2, election: 'any' },
      walks: { walks: 30, steps: 200, seed: 'a11' },
    });
    expect(result.violations).toEqual([]);
  });

  test.each([
    'aheadLearnerKept',
    'zk3911LoggedAfterUpToDate',
    'zk4646AckBeforeFlush',
    'zk4785DiffNotLogged',
    'zk4394QueueCleared',
    'zk4685AckOutOfTurn',
    'zk3701TruncateIgnored',
    'staleAcksCount',
    'ackBeforeFlush',
    'leaderAcksUnflushed',
    'committedWithoutQuorum',
  ])('a server that errs breaks a promise: %s', (name) => {
    expect(checkMutant(zabSystem, name)).toMatchObject({ isKilled: true, missing: [] });
  });
});

describe('coarse ZAB', () => {
  test('every state of it is one of the fine model', () => {
    const fine = statesOf(zabSystem.define({ ...zabSystem.scope, ...twoServers }));
    const coarse = statesOf(zabCoarse.define({ ...zabCoarse.scope, ...twoServers }));
    expect(coarse.size).toBe(459);
    expect([...coarse].filter((state) => !fine.has(state))).toEqual([]);
  });
});

describe('Fast Leader Election', () => {
  test('two servers with crashes and time-outs', () => {
    const result = check(fle, { scope: { servers: 2, crashes: 2, timeouts: 2 } });
    expect(result).toMatchObject({ verdict: 'pass', distinct: 1443, depth: 21 });
  });

  test.each(['tiesNotBroken', 'historyBeforeEpoch', 'oneFewerIsAQuorum'])('%s', (name) => {
    expect(checkMutant(fle, name)).toMatchObject({ isKilled: true, missing: [] });
  });
});

/** Every reachable state, ghosts aside, as text. */
function statesOf<S extends object>(spec: Spec<S>): ReadonlySet<string> {
  const texts = new Set<string>();
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  const state = (_: number, found: S): undefined => {
    const known = Object.entries(found).filter(([field]) => spec.ghosts?.includes(field) !== true);
    texts.add(JSON.stringify(Object.fromEntries(known), sorted));
  };
  explore(spec, { listeners: [{ property: 'collect', state }] });
  return texts;
}
