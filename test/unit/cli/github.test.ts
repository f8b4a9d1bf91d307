import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { annotationOf, tellGitHub } from '../../../src/cli/github.ts';
import type { Summary } from '../../../src/cli/outcome.ts';

const summary: Summary = {
  verdict: 'violation',
  sentence: '100% lost',
  reasons: [],
  seed: '5eed',
  planHash: null,
  traceHash: null,
  counts: {},
  exitCode: 1,
  paths: {},
  next: ['npm run replay -- store/x'],
};

test('a failure is one line that says how to run it again', () => {
  expect(annotationOf(summary)).toBe(
    '::error title=umpire violation::100%25 lost%0Anpm run replay -- store/x',
  );
});

test('the summary of the run goes to the page of the job, on GitHub only', () => {
  const directory = mkdtempSync(join(tmpdir(), 'umpire-github-'));
  const page = join(directory, 'page.md');
  writeFileSync(page, 'before\n');
  writeFileSync(join(directory, 'summary.md'), 'what happened\n');
  const pass: Summary = { ...summary, verdict: 'pass', paths: { directory } };
  tellGitHub(pass, { GITHUB_STEP_SUMMARY: page });
  expect(readFileSync(page, 'utf8')).toBe('before\n');
  tellGitHub(pass, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: page });
  expect(readFileSync(page, 'utf8')).toBe('before\nwhat happened\n');
  rmSync(directory, { recursive: true });
});
