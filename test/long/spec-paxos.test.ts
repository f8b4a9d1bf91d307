import { expect, test } from 'vitest';
import { check, checkModel } from '../../spec/kernel/check.ts';
import { duel } from '../../spec/models/paxos/duel.ts';
import { multiPaxos } from '../../spec/models/paxos/multi-paxos.ts';
import { paxos } from '../../spec/models/paxos/paxos.ts';
import { voting } from '../../spec/models/paxos/voting.ts';

// TLC's numbers for Paxos.tla and Voting.tla in tlaplus/Examples.
test('three ballots have exactly the states that TLC finds', () => {
  const scope = { ballots: 3 };
  expect(check(paxos, { scope })).toMatchObject({ distinct: 185_369, depth: 25, verdict: 'pass' });
  expect(check(paxos, { scope, symmetry: true })).toMatchObject({ distinct: 17_153, depth: 25 });
  expect(check(voting, { scope })).toMatchObject({ distinct: 6_752, depth: 16, verdict: 'pass' });
});

test('everyday runs and mutants', () => {
  for (const model of [paxos, voting, duel, multiPaxos]) {
    expect(checkModel(model as never)).toMatchObject({ verdict: 'pass', notExercised: [] });
  }
});
