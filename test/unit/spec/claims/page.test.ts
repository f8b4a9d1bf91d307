import { expect, test } from 'vitest';
import { chapters, claims, judgeClaim, Lab } from '../../../../spec/claims/index.ts';
import { claimsPageInput } from '../../../../src/cli/claims-page.ts';
import { claimDetails, claimLine, differenceOf } from '../../../../src/cli/claims-text.ts';
import { renderClaimsPage } from '../../../../src/report/claims/page.ts';

const judgements = claims
  .filter(({ id }) => ['G5', 'R11'].includes(id))
  .map((claim) => judgeClaim(claim, new Lab(), []));

const page = renderClaimsPage(
  claimsPageInput({
    date: '2026-01-01T00:00:00.000Z',
    commit: 'abc',
    chapters,
    judgements,
    problems: ['R11: qualified <b>so far</b>'],
  }),
);

test('the page has the claims in both languages, their verdicts and their traces', () => {
  expect(page).toContain('id="G5"');
  expect(page).toContain('实时性');
  expect(page).toContain('not yet shown, so far qualified');
  expect(page.match(/<svg /g)).toHaveLength(2);
  expect(page).toContain('stops for a long garbage collection');
  expect(page).not.toContain('id="P1"');
});

test('the page needs nothing from outside and escapes what it shows', () => {
  expect(page).toContain('default-src &#39;none&#39;');
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(page).not.toContain('<script');
  expect(page).toContain('R11: qualified &lt;b&gt;so far&lt;/b&gt;');
});

test('the table says what is missing and what differs', () => {
  const [timely] = judgements;
  if (timely === undefined) throw new Error('no judgement');
  expect(claimLine(timely)).toContain('not yet shown (so far qualified), needs measure');
  expect(claimLine({ ...timely, isAsExpected: false })).toContain('EXPECTED qualified');
  expect(differenceOf(timely)).toContain('G5: qualified so far, expected qualified');
  expect(claimDetails(timely).join('\n')).toContain('as stated: NO');
});
