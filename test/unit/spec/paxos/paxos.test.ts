import { expect, test } from 'vitest';
import { check, checkModel, checkMutant } from '../../../../spec/kernel/check.ts';
import { renderTrace } from '../../../../spec/kernel/explain.ts';
import { mutate } from '../../../../spec/kernel/model.ts';
import { findAsymmetry, findBadQuotient } from '../../../../spec/kernel/symmetry.ts';
import { consensus } from '../../../../spec/models/paxos/consensus.ts';
import { duel } from '../../../../spec/models/paxos/duel.ts';
import { multiPaxos } from '../../../../spec/models/paxos/multi-paxos.ts';
import { paxos } from '../../../../spec/models/paxos/paxos.ts';
import { voting } from '../../../../spec/models/paxos/voting.ts';
import { Prng } from '../../../../src/base/prng.ts';

// TLC's numbers for the specifications of the same names in tlaplus/Examples.
test('consensus, voting and Paxos have exactly the states that TLC finds', () => {
  expect(check(consensus)).toMatchObject({ distinct: 4, verdict: 'pass' });
  expect(check(voting, { symmetry: true })).toMatchObject({ distinct: 77, depth: 11 });
  expect(check(paxos)).toMatchObject({ distinct: 3_921, depth: 17, verdict: 'pass' });
  expect(check(paxos, { symmetry: true })).toMatchObject({ distinct: 443, depth: 17 });
});

test('Paxos refines voting, and voting refines consensus', () => {
  const spec = paxos.define({ acceptors: 3, values: 2, ballots: 2 });
  expect(Object.keys(spec.refines ?? {})).toEqual(['voting']);
  expect(check(paxos).notChecked).toEqual(['deadlock: no terminal states are declared']);
  expect(checkModel(voting)).toMatchObject({ verdict: 'pass', notExercised: [] });
  expect(checkModel(consensus)).toMatchObject({ verdict: 'pass', notExercised: [] });
});

const mutants = Object.keys(paxos.define(paxos.scope).mutants ?? {});

test.each(mutants)('the mutant "%s" of Paxos dies', (name) => {
  expect(checkMutant(paxos, name)).toMatchObject({ isKilled: true, missing: [] });
});

test('why an acceptor must look at its promise, in twelve steps', () => {
  const name = 'accept in an old ballot';
  const { kills } = checkMutant(paxos, name);
  const trace = kills.find(({ property }) => property === 'agreement')?.trace;
  const text = renderTrace(mutate(paxos.define(paxos.scope), name), trace as never);
  expect(text).toContain('accept(a=a1, m=propose(ballot=0, value=v1))');
  expect(text).toContain('acceptors.a1.promised: 1 → 0');
  expect(text).toMatch(/│◀─+ propose v1 in 0 ─+│/);
  expect(trace?.steps).toHaveLength(12);
});

test('one proposer decides; two may duel for ever, and both move', () => {
  expect(check(duel, { scope: { proposers: 1 } })).toMatchObject({
    distinct: 23,
    verdict: 'pass',
    refuted: [],
  });
  const { verdict, refuted } = check(duel, { scope: { acceptors: 1 } });
  expect(verdict).toBe('pass');
  const { steps, loopsTo = 0 } = refuted[0]?.trace ?? { steps: [] };
  const cycle = steps.slice(loopsTo);
  for (const p of ['p1', 'p2']) {
    expect(cycle.filter(({ action, params }) => action === 'begin' && params.p === p)).not.toEqual(
      [],
    );
  }
  // Ballots really grow: what repeats is only their order.
  const ballots = steps.flatMap(({ state }) => Object.values(state.proposers).map((p) => p.ballot));
  expect(Math.max(...ballots)).toBeGreaterThan(2);
});

test('an elected leader ends the duel', () => {
  const scope = { acceptors: 1, isLeaderElected: true };
  expect(check(duel, { scope })).toMatchObject({ verdict: 'pass', violations: [], refuted: [] });
});

test('symmetries and quotients are what they claim to be', () => {
  const two = { acceptors: 3, values: 2, ballots: 2 };
  expect(findAsymmetry(paxos.define(two), new Prng(1))).toBeUndefined();
  expect(findAsymmetry(voting.define(two), new Prng(2))).toBeUndefined();
  expect(findAsymmetry(multiPaxos.define(multiPaxos.scope), new Prng(3))).toBeUndefined();
  expect(findBadQuotient(duel.define(duel.scope), new Prng(4))).toBeUndefined();
});

test('a log by Paxos', () => {
  expect(check(multiPaxos, { scope: { slots: 1 } })).toMatchObject({
    distinct: 4_584,
    depth: 17,
    verdict: 'pass',
  });
});
