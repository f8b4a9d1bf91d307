/** The same observation as in simulation, on real processes: the smallest ensemble that tolerates anything. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wordOf } from '../../src/cli/tolerance-patterns.ts';
import { judgeTolerance } from '../../src/harness/tolerance/judge-tolerance.ts';
import type { Observation } from '../../src/harness/tolerance/observe.ts';
import type { Pattern } from '../../src/harness/tolerance/pattern.ts';
import { observeAll } from '../../src/harness/tolerance/run-patterns.ts';
import { tolerancePlan } from '../../src/harness/tolerance/setting.ts';
import { ProcessWorld } from '../../src/harness/world/process/process-world.ts';
import { checkWireTap } from '../../src/harness/world/wire-tap/tap-checks.ts';
import { openServerBundle, type ServerBundle } from '../support/process/server-bundle.ts';

let bundle: ServerBundle;
beforeAll(async () => {
  bundle = await openServerBundle();
});
afterAll(() => bundle.remove());

const SEED = '5eed';

/** The leader is lost, then the leader and one more, then it is cut off. */
const patterns: readonly Pattern[] = [
  { size: 3, crashed: [3], groups: [[1, 2]], leader: 3 },
  { size: 3, crashed: [2, 3], groups: [[1]], leader: 3 },
  { size: 3, crashed: [], groups: [[1, 2], [3]], leader: 3 },
];

test('three processes tolerate one crash and not two, and serve on one side of a cut', async () => {
  const { cluster } = tolerancePlan(3, SEED);
  const world = new ProcessWorld({ cluster, seed: SEED, serverFile: bundle.serverFile });
  const observations: Observation[] = [];
  const error = await new Promise((done) => {
    observeAll(world, patterns, SEED, (one) => observations.push(one), done);
  });
  expect(error).toBeUndefined();
  const judged = judgeTolerance([{ world: 'process', observations }], wordOf(), [], false);
  expect(judged.reasons).toEqual([]);
  expect(judged.verdict).toBe('pass');
  const outcomes = observations.map(({ groups }) => groups.map(({ outcome }) => outcome));
  expect(outcomes).toEqual([['served'], ['refused'], ['served', 'refused']]);
  for (const { groups } of observations) {
    for (const { isServedAgain } of groups) expect(isServedAgain).toBe(true);
  }
  // The same wires, as an outsider saw them.
  const checks = checkWireTap(world.wires(), 3);
  expect(checks.map(({ checker, verdict }) => [checker, verdict])).toEqual([
    ['tap-leaders', 'pass'],
    ['tap-broadcast', 'pass'],
    ['tap-clients', 'pass'],
    ['tap-promises', 'pass'],
  ]);
});
