/** The quick experiments on claims come to the verdict that is expected; faults: `test/long`. */
import { describe, expect, test } from 'vitest';
import { claims, type RecordedVerdict } from '../../spec/claims/index.ts';
import { worldsOf } from '../../spec/claims/recorded.ts';
import {
  experiments,
  measurements,
  simulateClaim,
} from '../../src/cli/evidence-experiments/index.ts';

/** The others take seconds each, and run in `test/long`. */
const quick = [
  'Q6',
  'G3',
  'G6',
  'C3',
  'Z13',
  'Z14',
  'G2',
  'B2',
  'B3',
  'D4',
  'D5',
  'D9',
  'R1',
  'R12',
  'R2',
];

const expectedOf = (id: string): RecordedVerdict | undefined =>
  claims.find((claim) => claim.id === id)?.expected;

const recordedOf = (id: string) => claims.find((claim) => claim.id === id)?.recorded ?? [];

test('each speaks to another claim of the ledger, of the kind that the claim asks for', () => {
  const ids = [...experiments, ...measurements].map(({ claim }) => claim);
  expect(ids.length).toBeGreaterThan(30);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { claim: id } of measurements) expect(recordedOf(id), id).toContain('measure');
  for (const { claim: id, worlds } of experiments) {
    const asked = recordedOf(id).flatMap((kind): readonly string[] => worldsOf[kind]);
    for (const world of worlds) expect(asked, `${id} in ${world}`).toContain(world);
  }
});

test.each(['Z1', 'Z7'])('%s waits for observers', (claim) => {
  const ending = simulateClaim(claim, '5eed');
  if (!ending.ok) throw new Error(ending.error);
  expect(ending.seen.broken()).toBeUndefined();
  expect(ending.seen.looked()).toBeGreaterThan(0);
  expect(ending.seen.verdict()).toBeUndefined();
});

describe('in simulation', () => {
  test.each(quick)('%s', (claim) => {
    const ending = simulateClaim(claim, '5eed');
    if (!ending.ok) throw new Error(ending.error);
    expect(ending.seen.looked()).toBeGreaterThan(0);
    expect(ending.seen.verdict()).toBe(expectedOf(claim));
  });
});
