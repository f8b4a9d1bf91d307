import { describe, expect, test } from 'vitest';
import { play, type Script } from '../../../src/cli/evidence-experiments/scene.ts';
import { Sightings } from '../../../src/cli/evidence-experiments/sightings.ts';
import { judgeRule } from '../../../src/cli/evidence-rules.ts';
import { together } from '../../../src/cli/evidence-trials.ts';

function sightings(...seen: readonly (readonly ['stated' | 'onlyIf' | 'instead', boolean])[]) {
  const all = new Sightings();
  for (const [group, isTrue] of seen) all[group](`a sentence of ${group}`, isTrue);
  return all;
}

describe('a verdict from sightings', () => {
  test('nothing seen is no verdict, and a condition alone is none either', () => {
    expect(sightings().verdict()).toBeUndefined();
    expect(sightings(['onlyIf', true]).verdict()).toBeUndefined();
  });

  test('what is owed and was not seen leaves it open', () => {
    const all = sightings(['stated', true]);
    all.owed('an observer does the same');
    expect(all.verdict()).toBeUndefined();
    all.stated('an observer does the same', true);
    expect(all.verdict()).toBe('holds');
  });

  test('as stated, qualified and refuted', () => {
    expect(sightings(['stated', true]).verdict()).toBe('holds');
    expect(sightings(['stated', true], ['stated', false]).verdict()).toBe('refuted');
    expect(sightings(['stated', false], ['onlyIf', true]).verdict()).toBe('qualified');
    expect(sightings(['stated', false], ['instead', true]).verdict()).toBe('refuted');
  });

  test('what is said to hold in other words must hold, whatever became of the plain sentence', () => {
    expect(sightings(['stated', true], ['onlyIf', false]).verdict()).toBe('undecided');
    expect(sightings(['stated', false], ['instead', false]).verdict()).toBe('undecided');
  });

  test('runs add up, and one broken sentence among many is kept', () => {
    const all = sightings(['stated', true]);
    all.add(sightings(['stated', true]));
    expect(all.counts()).toEqual({ 'as stated: a sentence of stated: seen': 2 });
    all.add(sightings(['stated', false]));
    expect(all.verdict()).toBe('refuted');
    expect(all.looked()).toBe(3);
    expect(all.broken()).toBe('a sentence of stated');
  });
});

describe('two sources of one claim', () => {
  const said = (verdict: 'holds' | 'qualified' | undefined) => ({
    verdict,
    why: `${verdict}`,
    counts: { [`${verdict}`]: 1 },
  });

  test('the worse counts, with the counts of both', () => {
    const both = together(said('holds'), said('qualified'));
    expect(both).toEqual({
      verdict: 'qualified',
      why: 'qualified',
      counts: { holds: 1, qualified: 1 },
    });
  });

  test('as long as one is open, so are both', () => {
    expect(together(said('holds'), said(undefined)).verdict).toBeUndefined();
    expect(together(said(undefined), said('qualified')).verdict).toBeUndefined();
  });

  test('a rule without a run is open', () => {
    const rule = { claim: 'R1', worlds: [], workload: 'lock', checkers: ['lock-grants'] };
    expect(judgeRule(rule, [], undefined).verdict).toBeUndefined();
  });
});

describe('scripts', () => {
  test('go on where an answer comes at once, and where it comes later', () => {
    const later: (() => void)[] = [];
    const heard: unknown[] = [];
    function* script(): Script<void> {
      for (let count = 0; count < 20_000; count++) yield (resume) => resume(count);
      heard.push(yield (resume) => resume('at once'));
      heard.push(yield (resume) => later.push(() => resume('later')));
    }
    const endings: unknown[] = [];
    play(script(), (ending) => endings.push(ending));
    expect(heard).toEqual(['at once']);
    expect(endings).toEqual([]);
    later[0]?.();
    expect(heard).toEqual(['at once', 'later']);
    expect(endings).toEqual([{ ok: true }]);
  });

  test('what a script throws is its ending', () => {
    const endings: { ok: boolean }[] = [];
    // biome-ignore lint/correctness/useYield: it ends before it could.
    function* script(): Script<void> {
      throw new Error('no server');
    }
    play(script(), (ending) => endings.push(ending));
    expect(endings).toMatchObject([{ ok: false, error: expect.stringContaining('no server') }]);
  });
});
