/** All experiments on claims, under several seeds, and all faults that they name. */
import { describe, expect, test } from 'vitest';
import { claims, type RecordedVerdict } from '../../spec/claims/index.ts';
import {
  experiments,
  measurements,
  simulateClaim,
} from '../../src/cli/evidence-experiments/index.ts';
import { Sightings } from '../../src/cli/evidence-experiments/sightings.ts';
import { isWorseWith } from '../../src/cli/evidence-trials.ts';

const SEEDS = Array.from({ length: 10 }, (_, index) => `long-${index}`);
/** They speak of observers, which no cluster has yet; each owes that sentence. */
const withoutObservers = ['Z1', 'Z7'];
const severity: readonly RecordedVerdict[] = ['holds', 'qualified', 'refuted', 'undecided'];

function verdictOf(claim: string): RecordedVerdict | undefined {
  const all = new Sightings();
  for (const seed of SEEDS) {
    const ending = simulateClaim(claim, seed);
    if (!ending.ok) throw new Error(`seed ${seed}: ${ending.error}`);
    all.add(ending.seen);
  }
  return all.verdict();
}

describe('as expected of the claim, or better where a model knows worse', () => {
  test.each([...experiments, ...measurements].map(({ claim }) => claim))('%s', (claim) => {
    const expected = claims.find((one) => one.id === claim)?.expected ?? 'holds';
    const verdict = verdictOf(claim);
    if (withoutObservers.includes(claim)) {
      expect(verdict).toBeUndefined();
      return;
    }
    if (verdict === undefined) throw new Error('nothing was seen');
    const hasModel = claims.some((one) => one.id === claim && one.model !== undefined);
    if (hasModel) expect(severity.indexOf(verdict)).toBeLessThanOrEqual(severity.indexOf(expected));
    else expect(verdict).toBe(expected);
  });
});

describe('worse with the fault', () => {
  const faulty = experiments.filter(({ without }) => without !== undefined);
  test.each(faulty.map(({ claim }) => claim))('%s', async (claim) => {
    const without = experiments.find((one) => one.claim === claim)?.without;
    const healthy = verdictOf(claim);
    if (without === undefined || healthy === undefined) throw new Error('nothing to compare');
    expect(await isWorseWith(claim, without, healthy, SEEDS)).toBe(true);
  });

  test('but not with a harmless change', async () => {
    const [one] = faulty.filter(({ without }) => typeof without === 'object');
    if (one === undefined || typeof one.without !== 'object')
      throw new Error('no fault is its own');
    const harmless = { ...one.without, title: 'no fault', replace: one.without.find };
    expect(await isWorseWith(one.claim, harmless, verdictOf(one.claim) ?? 'holds', SEEDS)).toBe(
      false,
    );
  });
});
