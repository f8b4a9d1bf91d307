import { describe, expect, it } from 'vitest';
import { renderPortfolioReport, renderReport } from '../../../src/report/index.ts';
import { sampleRun } from './sample-run.ts';

describe('report page', () => {
  it('says verdict, finding, seed and replay command without JavaScript', () => {
    const input = sampleRun({ operations: 40 });
    const page = renderReport(input);
    const still = page.replace(/<script[\s\S]*?<\/script>/g, '');
    for (const text of ['Violation', input.result.seed, input.result.planHash]) {
      expect(still).toContain(text);
    }
    expect(still).toContain(input.result.replay[0]);
    expect(still).toContain('acknowledged-write-lost');
    expect(still).toContain('not verified');
    expect(still).toContain('libfaketime is not installed');
    expect(still).toContain('owed, missed');
  });

  it('asks for nothing from a network', () => {
    const page = renderReport(sampleRun({ operations: 40 }));
    expect(page).toContain('default-src &#39;none&#39;');
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
    expect(page).not.toMatch(/@import|url\(/);
  });

  it('escapes what clients wrote', () => {
    const input = sampleRun({ operations: 40 });
    const hostile = '</script><script>alert(1)</script><img src=x onerror=alert(1)>';
    const history = input.history.map((entry) => ({ ...entry, key: hostile, value: hostile }));
    const result = { ...input.result, sentence: hostile, name: hostile };
    const page = renderReport({ ...input, history, result });
    expect(page).not.toContain(hostile);
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img src=x');
    // The data, the page's own script, and nothing else.
    expect(page.match(/<script/g)?.length).toBe(2);
  });

  it('tells the story of an anomaly that has one', () => {
    const input = sampleRun({ operations: 40 });
    const story = ['s1     s2', '│◀── COMMIT <1.1> ──│'];
    const checks = input.result.checks.map((check) => ({
      ...check,
      anomalies: check.anomalies.map((anomaly) => ({ ...anomaly, story })),
    }));
    expect(renderReport(input)).not.toContain('class="story"');
    const page = renderReport({ ...input, result: { ...input.result, checks } });
    expect(page).toContain('<pre class="story">s1     s2\n│◀── COMMIT &lt;1.1&gt; ──│</pre>');
  });

  it('shows the failing run of a portfolio in full', () => {
    const bad = sampleRun({ operations: 40 });
    const good = sampleRun({ operations: 10, verdict: 'pass' });
    const page = renderPortfolioReport({
      name: 'default',
      verdict: 'violation',
      sentence: 'One of 2 runs broke a promise.',
      reasons: [bad.result.sentence],
      date: bad.result.date,
      durationMs: 5_000,
      commit: null,
      seed: '5eed',
      selfCheck: [{ name: 'ack-before-flush', passed: true, text: 'caught' }],
      rows: [{ result: good.result }, { result: bad.result, link: 'runs/0001/report.html' }],
      goals: [{ name: 'leader changed', isOwed: true, count: 3 }],
      notInjected: {},
      replay: ['npm run replay -- store/latest'],
      environment: {},
      focus: bad,
    });
    expect(page).toContain('One of 2 runs broke a promise.');
    expect(page).toContain('The violation in full');
    expect(page).toContain('href="runs/0001/report.html"');
    // The bad run stands before the good one.
    expect(page.indexOf('class="badge violation"')).toBeLessThan(
      page.indexOf('class="badge pass"'),
    );
  });
});
