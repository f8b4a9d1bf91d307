import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Claim } from '../../../../spec/claims/claim.ts';
import {
  claims,
  goldenText,
  judgeClaim,
  Lab,
  parseRecorded,
  pinnedTraces,
  type Recorded,
} from '../../../../spec/claims/index.ts';

const golden = new URL('../../../../spec/claims/golden/', import.meta.url);

function claim(id: string): Claim {
  const found = claims.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no claim ${id}`);
  return found;
}

/** What the other worlds would have to say for the claim to be shown whole. */
function recordedFor(one: Claim, verdict: Recorded['verdict']): Recorded[] {
  const worlds = { sim: 'simulation', cluster: 'process', measure: 'measure' } as const;
  return (one.recorded ?? []).map((kind) => ({
    claim: one.id,
    world: worlds[kind],
    command: 'npm run evidence',
    commit: null,
    seed: '1',
    planHash: 'f',
    verdict,
    counts: {},
    date: '2026-01-01',
  }));
}

const sections = { P: 10, Q: 7, Z: 14, G: 6, C: 5, B: 6, D: 14, R: 12, I: 3, O: 3 };
/** Claims whose models are small enough for every test run. */
const quick = ['Q2', 'Q4', 'Q5', 'G5', 'C2', 'C4', 'D6', 'D14', 'R2', 'R10', 'R11', 'Z8'];

describe('the ledger', () => {
  test('has every row, in order', () => {
    const expected = Object.entries(sections).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    );
    expect(claims.map(({ id }) => id)).toEqual(expected);
  });

  test.each(claims.map((one) => [one.id, one] as const))('%s is whole', (_, one) => {
    expect(one.says.en).toMatch(/^[A-Z0-9].*\.$/);
    expect(one.says.zh).toMatch(/[\u4e00-\u9fff].*。$/);
    if (one.expected !== 'holds') expect(one.remark).toBeDefined();
    expect(one.model !== undefined || (one.recorded ?? []).length > 0).toBe(true);
    expect(one.sources.length > 0 || ['Q6', 'D11'].includes(one.id)).toBe(true);
  });
});

describe('verdicts are computed', () => {
  const lab = new Lab();

  test.each(quick)('%s comes out as expected', (id) => {
    const one = claim(id);
    const judgement = judgeClaim(one, lab, recordedFor(one, 'holds'));
    expect(judgement.missing).toEqual([]);
    expect(judgement.verdict).toBe(one.expected);
    expect(judgement.isAsExpected).toBe(true);
  });

  test.each(quick)('%s fails with any other expectation', (id) => {
    const one = claim(id);
    for (const expected of ['holds', 'qualified', 'refuted'] as const) {
      if (expected === one.expected) continue;
      const flipped = judgeClaim({ ...one, expected }, lab, recordedFor(one, 'holds'));
      expect(flipped.isAsExpected).toBe(false);
    }
  });

  test('without recorded evidence a claim is not yet shown, yet may contradict already', () => {
    const one = claim('R1');
    const open = judgeClaim(one, lab, []);
    expect(open.verdict).toBe('not yet shown');
    expect(open.soFar).toBe('qualified');
    expect(open.missing).toEqual(['sim', 'cluster']);
    expect(open.isAsExpected).toBe(true);
    expect(judgeClaim({ ...one, expected: 'holds' }, lab, []).isAsExpected).toBe(false);
  });

  test('recorded evidence that refutes refutes the claim', () => {
    const one = claim('Q2');
    const judgement = judgeClaim(one, lab, recordedFor(one, 'refuted'));
    expect(judgement.verdict).toBe('refuted');
    expect(judgement.isAsExpected).toBe(false);
  });

  test('a model or property that does not exist shows nothing', () => {
    const holdsNowhere = { ...claim('G5'), recorded: [] };
    expect(judgeClaim(holdsNowhere, new Lab({ models: new Map() }), []).verdict).toBe(
      'not yet shown',
    );
  });

  test('the pinned traces are what the models show', () => {
    let compared = 0;
    for (const id of quick) {
      const judgement = judgeClaim(claim(id), lab, []);
      for (const { name, finding } of pinnedTraces(judgement)) {
        const path = new URL(`${name}.txt`, golden);
        expect(existsSync(path), name).toBe(true);
        expect(readFileSync(path, 'utf8')).toBe(goldenText(judgement, finding));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(8);
  });
});

describe('a model replaced by its mutant', () => {
  const cases = [
    ['quorum', 'half', ['Q2', 'Q4', 'Z8']],
    ['timeliness', 'neverGivesUp', ['G5']],
    ['cap', 'answersAlone', ['C2']],
    ['service-registry', 'aNodeAloneRefuses', ['C4']],
    ['naming', 'countsTheChildren', ['D6', 'R7']],
    ['group-membership', 'theWatchIsNotRenewed', ['D14', 'R6', 'R8']],
    ['lock', 'watchesTheParent', ['R2']],
    ['queue', 'takesWithoutDeleting', ['R10']],
    ['namenode-failover', 'theLogTakesAnything', ['R11']],
    ['replicated-register', 'halfIsEnough', ['Q5']],
  ] as const;

  test.each(cases)('%s with %s: the verdicts that rest on it fall', (model, mutant, ids) => {
    const lab = new Lab({ replaced: new Map([[model, mutant]]) });
    for (const id of ids) {
      const one = claim(id);
      const judgement = judgeClaim(one, lab, recordedFor(one, 'holds'));
      expect(judgement.verdict, id).not.toBe(one.expected);
      expect(judgement.isAsExpected, id).toBe(false);
    }
  });

  test('and others stand', () => {
    const lab = new Lab({ replaced: new Map([['queue', 'takesWithoutDeleting']]) });
    const one = claim('R11');
    expect(judgeClaim(one, lab, recordedFor(one, 'holds')).isAsExpected).toBe(true);
  });
});

describe('recorded evidence', () => {
  const good = recordedFor(claim('Q2'), 'holds')[0] as Recorded;

  test('is read back', () => {
    expect(parseRecorded(JSON.parse(JSON.stringify(good)))).toEqual(good);
  });

  test.each([
    ['no record', 7],
    ['another world', { ...good, world: 'moon' }],
    ['another verdict', { ...good, verdict: 'not yet shown' }],
    ['no seed', { ...good, seed: undefined }],
    ['counts that are words', { ...good, counts: { runs: 'many' } }],
  ])('%s is refused', (_, value) => {
    expect(typeof parseRecorded(value)).toBe('string');
  });
});
