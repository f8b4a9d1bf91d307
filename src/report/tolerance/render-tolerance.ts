/** Tolerance results → one self-contained HTML file that needs no script. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from '../../harness/result.ts';
import { formatDuration } from '../format.ts';
import { Html, html } from '../html.ts';
import type { ToleranceReportInput } from '../input.ts';
import { renderToleranceJunit } from '../junit.ts';
import { pageAssets } from '../page-assets.ts';
import { verdictBadge, verdictIcon, verdictMeaning, verdictWord } from '../verdict-badge.ts';
import { cutPictures, pictureStyle, staircases } from './picture.ts';

/** The report and its JUnit XML; returns the path of the report. */
export function writeToleranceReport(directory: string, input: ToleranceReportInput): string {
  const report = join(directory, 'report.html');
  writeFileSync(report, renderToleranceReport(input));
  writeFileSync(join(directory, 'junit.xml'), renderToleranceJunit(input));
  return report;
}

export function renderToleranceReport(input: ToleranceReportInput): string {
  const { verdict, sentence, tables, checks, reasons } = input;
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><title>${verdictWord[verdict]}: tolerance</title>
<link rel="icon" href="data:,"><style>${new Html(pageAssets().style + pictureStyle)}</style></head>
<body><header class="masthead"><b>Umpire</b><span>tolerance</span><span>${input.date}</span></header>
<main>${verdictHeader(verdict, sentence, input)}
<section id="tolerance"><h2>How many servers may be lost?</h2>
<p>A square is a number of crashed servers: <b>served</b> means that a client wrote, was acknowledged and read
it back; <b>refused</b> that every living server kept answering that it is not serving, and that the same
client was served before and again after the heal. The line is where service ends. 2n − 1 servers and 2n
share a band, and the same line: the even one gains nothing.</p>
${staircases(tables)}${cutPictures(tables)}</section>
${reasons.length === 0 ? '' : html`<section id="reasons"><h2>Why</h2><ul class="reasons">${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></section>`}
<section id="checkers"><h2>Compared with the model</h2><div class="scroll"><table><thead><tr><th>World</th>
<th>Verdict</th><th class="number">Looked at</th><th>Items</th><th>Summary</th></tr></thead><tbody>${checks.map(
    (check) => html`<tr><th scope="row">${check.checker}</th><td>${verdictBadge(check.verdict)}</td>
<td class="number">${check.looked}</td><td>${check.items}</td><td>${check.summary}</td></tr>`,
  )}</tbody></table></div></section>
<section id="replay"><h2>Run it again</h2>${input.replay.map(
    (command) => html`<div class="command"><code>${command}</code></div>`,
  )}<p class="quiet"><code>observations.ndjson</code> beside this file holds every pattern with its evidence.</p></section>
<footer>Written by Umpire. One file, no network, no script.</footer></main></body></html>
`.text;
}

function verdictHeader(verdict: Verdict, sentence: string, input: ToleranceReportInput): Html {
  const chips: (readonly [string, string])[] = [
    ['sizes', input.sizes.join(', ')],
    ['took', formatDuration(input.durationMs * 1e6)],
    ['seed', input.seed],
    ['commit', input.commit?.slice(0, 12) ?? 'unknown'],
    ...(input.zoo.length === 0 ? [] : [['bugs put in', input.zoo.join(', ')] as const]),
    ...Object.entries(input.environment),
  ];
  return html`<div class="verdict ${verdict}">${verdictIcon(verdict)}
<div><h1>${verdictWord[verdict]}</h1><p class="sentence">${sentence}</p>
${verdict === 'pass' ? '' : html`<p class="meaning">${verdictMeaning[verdict]}</p>`}</div>
<dl class="chips">${chips.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></div>`;
}
