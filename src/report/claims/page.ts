/**
 * The claims ledger as one self-contained HTML file: every sentence with its verdict, what was asked of
 * which model in which scope, and the behaviours that decide, drawn. It works without JavaScript.
 */
import { Html, html } from '../html.ts';
import type {
  ClaimsPageInput,
  PageChapter,
  PageClaim,
  PageFinding,
  PageGroup,
  PageRecorded,
} from './input.ts';
import { claimsStyle } from './style.ts';
import { traceChart } from './trace-chart.ts';

const verdicts = ['holds', 'qualified', 'refuted', 'undecided', 'not yet shown'] as const;

const meanings: Readonly<Record<string, string>> = {
  holds: 'no violation at the stated scope',
  qualified: 'only under a condition',
  refuted: 'a counterexample is shown',
  undecided: 'the evidence does not decide',
  'not yet shown': 'evidence is missing',
};

const classOf = (verdict: string): string => (verdict === 'not yet shown' ? 'open' : verdict);

export function renderClaimsPage(input: ClaimsPageInput): string {
  const claims = input.chapters.flatMap((chapter) => chapter.claims);
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  const about = [input.date.slice(0, 10), ...(input.commit === null ? [] : [input.commit])];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><title>The claims ledger</title>
<link rel="icon" href="data:,"><style>${new Html(claimsStyle)}</style></head><body><main>
<h1>The claims ledger</h1>
<div class="quiet">What five introductory documents say of Paxos, ZooKeeper, ZAB, CAP and BASE, each
sentence put to the test. ${about.join(' · ')}</div>
${counts(claims)}
<nav class="map" aria-label="All claims">${claims.map(chip)}</nav>
${problems(input.problems)}
${input.chapters.map(chapter)}
</main></body></html>
`.text;
}

function counts(claims: readonly PageClaim[]): Html {
  const rows = verdicts
    .map((verdict) => ({
      verdict,
      count: claims.filter((claim) => claim.verdict === verdict).length,
    }))
    .filter(({ count }) => count > 0);
  return html`<div class="counts">${rows.map(
    ({ verdict, count }) =>
      html`<div class="${classOf(verdict)}"><b>${count}</b> ${verdict}
<span class="quiet">${meanings[verdict]}</span></div>`,
  )}</div>`;
}

/** Not yet shown, but what is there already points somewhere: that colour, dashed. */
function chip({ id, verdict, soFar, isAsExpected }: PageClaim): Html {
  const isPartial = verdict === 'not yet shown' && soFar !== verdict;
  const kind = !isAsExpected ? 'bad' : isPartial ? `${soFar} partial` : classOf(verdict);
  const words = isPartial ? `so far ${soFar}` : verdict;
  return html`<a class="${kind}" href="#${id}" title="${words}">${id}</a>`;
}

function problems(list: readonly string[]): Html {
  if (list.length === 0) return html``;
  return html`<div class="problems"><b>Not as expected</b>
<ul>${list.map((problem) => html`<li>${problem}</li>`)}</ul></div>`;
}

function chapter({ title, claims }: PageChapter): Html {
  return html`<section><h2>${title.en} <span lang="zh">${title.zh}</span></h2>
${claims.map(claimCard)}</section>`;
}

function claimCard(claim: PageClaim): Html {
  const { id, says, verdict, soFar, isAsExpected, expected, remark, missing } = claim;
  const isPartial = verdict === 'not yet shown' && soFar !== verdict;
  return html`<details class="claim${isAsExpected ? '' : ' bad'}" id="${id}">
<summary><span class="id">${id}</span><span>${says.en}</span>
<span class="badge ${isPartial ? `${soFar} partial` : classOf(verdict)}">${verdict}${isPartial ? `, so far ${soFar}` : ''}</span>
<span class="zh" lang="zh">${says.zh}</span></summary>
<div class="body">
${remark === undefined ? '' : html`<p>${remark.en} <span class="quiet" lang="zh">${remark.zh}</span></p>`}
<p class="quiet">${sourceLine(claim)} Expected: ${expected}.${
    missing.length === 0 ? '' : ` Missing: ${missing.join(', ')}.`
  }</p>
${claim.groups.map(group)}${recordedList(claim.recorded)}</div></details>`;
}

function sourceLine({ sources, sourceNote }: PageClaim): string {
  const named = sources.map(({ id, title }) => `${id} (${title})`).join('; ');
  return [named, sourceNote]
    .filter((part) => part !== '')
    .join('; ')
    .concat('.');
}

function group({ title, says, findings }: PageGroup): Html {
  if (findings.length === 0) return html``;
  return html`<div class="group"><h3>${title}</h3>
${says === undefined ? '' : html`<p>${says.en} <span class="quiet" lang="zh">${says.zh}</span></p>`}
${findings.map(findingRow)}</div>`;
}

const marks = {
  yes: ['✓', 'holds'],
  no: ['✕', 'refuted'],
  unknown: ['?', 'undecided'],
  missing: ['○', 'open'],
} as const;

function findingRow({ check, answer, scope, detail, trace }: PageFinding): Html {
  const [mark, kind] = marks[answer];
  return html`<div class="finding"><span class="mark ${kind}" title="${answer}">${mark}</span>
<div>${check} <span class="quiet">— ${detail}</span><br><span class="scope">${scope}</span>
${
  trace === undefined
    ? ''
    : html`<details><summary>${trace.title}, in ${trace.steps.length} steps</summary>
${traceChart(trace)}</details>`
}</div></div>`;
}

function recordedList(recorded: readonly PageRecorded[]): Html {
  if (recorded.length === 0) return html``;
  return html`<div class="group"><h3>Recorded</h3>${recorded.map((one) => {
    const counted = Object.entries(one.counts).map(([name, count]) => `${name} ${count}`);
    return html`<div class="finding"><span class="mark ${one.verdict}">●</span>
<div>${one.world}: ${one.verdict} <span class="quiet">— ${counted.join(', ')}</span><br>
<span class="scope">${one.command} · seed ${one.seed} · ${one.commit ?? 'no commit'} · ${one.date.slice(0, 10)}</span>
</div></div>`;
  })}</div>`;
}
