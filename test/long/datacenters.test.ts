/**
 * Six servers, three on each side of a link between data centres that flaps at the period of the session
 * timeout, for ten minutes of simulated time: bursts of flapping with rests between, in which service is
 * owed. `UMPIRE_SEEDS` changes the number of seeds (100), `UMPIRE_SEED` the master seed.
 */
import { expect, test } from 'vitest';
import type { Plan } from '../../src/harness/plan.ts';
import { workloads } from '../../workloads/index.ts';
import {
  dataCentresPlan,
  linkStretches,
  type Outage,
  runDataCentres,
  servingBoundMs,
  unservedRests,
  writesWithin,
} from '../support/datacenters.ts';

const TIME_LIMIT_MS = 600_000;
const BURST_MS = 40_000;

function bursts(plan: Plan): readonly Outage[] {
  const roundMs = BURST_MS + servingBoundMs(plan) + 3000;
  const outages: Outage[] = [];
  for (let atMs = 2000; atMs + roundMs < TIME_LIMIT_MS; atMs += roundMs) {
    outages.push({ atMs, forMs: BURST_MS, periodMs: plan.knobs.sessionTimeoutMs });
  }
  return outages;
}

test('a hundred seeds of ten minutes', () => {
  const count = Number(process.env.UMPIRE_SEEDS ?? 100);
  const master = process.env.UMPIRE_SEED ?? 'da7a';
  const names = [...workloads.keys()];
  const problems: string[] = [];
  let cuts = 0;
  let rests = 0;
  for (let index = 0; index < count; index++) {
    const workload = names[index % names.length] as string;
    const plan = dataCentresPlan({
      workload,
      seed: `${master}-${index.toString(16)}`,
      first: 3,
      second: 3,
      timeLimitMs: TIME_LIMIT_MS,
      calm: 20,
      outages: bursts,
    });
    const outcome = runDataCentres(plan);
    const { result } = outcome;
    const add = (text: string): number => problems.push(`${plan.seed} ${workload}: ${text}`);
    if (result.verdict !== 'pass') add(`${result.verdict}: ${result.sentence}`);
    const { cut } = linkStretches(outcome);
    cuts += cut.length;
    const served = writesWithin(outcome, cut).flat();
    if (served.length > 0) add(`${served.length} writes while the link was cut`);
    const { owed, unserved } = unservedRests(outcome);
    rests += owed;
    for (const { from } of unserved) add(`not served in the rest from ${from} ns on`);
    console.log(`${plan.seed} ${workload} ${result.verdict}: ${cut.length} cuts, ${owed} rests`);
  }
  console.log(
    `${count} seeds, ${cuts} cuts without a write, ${rests} rests in which all were served`,
  );
  expect(problems).toEqual([]);
  expect(cuts).toBeGreaterThan(50 * count);
  expect(rests).toBeGreaterThan(5 * count);
});
