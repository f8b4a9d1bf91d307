import { describe, expect, it } from 'vitest';
import type { CheckResult } from '../../../src/checker/verdict.ts';
import type { Verdict } from '../../../src/harness/result.ts';
import { formatCount, formatDuration, formatShare } from '../../../src/report/format.ts';
import { renderJunit, renderMarkdown } from '../../../src/report/index.ts';
import { renderToleranceJunit } from '../../../src/report/junit.ts';
import { sampleRun } from './sample-run.ts';

describe('JUnit', () => {
  it('is green for a pass only', () => {
    const { result } = sampleRun({ operations: 40 });
    const healthy = {
      ...result,
      verdict: 'pass' as const,
      checks: result.checks.filter(({ verdict }) => verdict === 'pass'),
      faults: result.faults.slice(0, 1),
      goals: result.goals.filter(({ count }) => count > 0),
    };
    expect(renderJunit([healthy])).toMatch(/<testsuites[^>]* failures="0" errors="0"/);
    for (const verdict of ['violation', 'unknown', 'not-exercised'] as const) {
      expect(renderJunit([{ ...healthy, verdict }])).toMatch(/failures="1" errors="0"/);
    }
    expect(renderJunit([{ ...healthy, verdict: 'harness-error' }])).toMatch(
      /failures="0" errors="1"/,
    );
  });

  it('fails checkers without a pass, unverified faults and missed owed goals', () => {
    const xml = renderJunit([sampleRun({ operations: 40 }).result]);
    expect(xml).toContain('type="violation"');
    expect(xml).toContain('type="unknown"');
    expect(xml).toMatch(/fault f3 clock-bump[\s\S]*not verified/);
    expect(xml).toMatch(/goal fault clock-bump[^/]*[\s\S]*never reached/);
  });

  it('replaces characters that XML cannot hold', () => {
    const { result } = sampleRun({ operations: 40 });
    const xml = renderJunit([{ ...result, sentence: 'a\u0000b\u001bc <&>' }]);
    expect(xml).toContain('a\ufffdb\ufffdc &lt;&amp;>');
  });
});

describe('JUnit of a tolerance', () => {
  const check = (verdict: CheckResult['verdict']): CheckResult => ({
    ...{ checker: 'tolerance in simulation', verdict, looked: 3, items: 'patterns' },
    ...{ summary: 'as the model says', anomalies: [] },
  });
  const xmlOf = (verdict: Verdict): string =>
    renderToleranceJunit({
      ...{ name: 'tolerance', verdict, sentence: 'Said in one.', reasons: [], tables: [] },
      ...{ checks: [check('pass'), check('unknown')], sizes: [3, 4], seed: '70', zoo: [] },
      ...{ commit: null, date: '2026-11-21T00:00:00Z', durationMs: 5, environment: {}, replay: [] },
    });

  it('has a test case per world, and one for the verdict', () => {
    expect(xmlOf('pass')).toMatch(/<testsuites tests="3" failures="1" errors="0"/);
    expect(xmlOf('violation')).toMatch(/failures="2"[\s\S]*Said in one\./);
    expect(xmlOf('harness-error')).toMatch(/failures="1" errors="1"/);
  });
});

describe('Markdown', () => {
  it('says what broke, what was not exercised and how to run it again', () => {
    const { result } = sampleRun({ operations: 40 });
    const text = renderMarkdown(result);
    expect(text).toContain('## ❌ Violation');
    expect(text).toContain('Not exercised: fault clock-bump verified and overlapped (owed)');
    expect(text).toContain(result.replay[0]);
  });

  it('escapes what would be markup', () => {
    const { result } = sampleRun({ operations: 40 });
    const text = renderMarkdown({ ...result, sentence: 'a | b <img> `c`\n# d' });
    expect(text).toContain('a \\| b \\<img\\> \\`c\\` \\# d');
  });
});

describe('numbers', () => {
  it('reads well', () => {
    expect(formatCount(1_234_567)).toBe('1\u202f234\u202f567');
    expect([400, 25_000, 1_500_000, 250_000_000, 12_481_000_000, 3e11].map(formatDuration)).toEqual(
      ['400 ns', '25 µs', '1.5 ms', '250 ms', '12.5 s', '5 min 0 s'],
    );
    // Almost all is never rounded to all.
    expect([1, 0.99999, 0.5].map(formatShare)).toEqual(['100 %', '99.99 %', '50.0 %']);
  });
});
