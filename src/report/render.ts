/**
 * Results → one self-contained HTML file. Everything that decides is readable without JavaScript; the
 * script adds the timeline. A Content-Security-Policy without any source makes "no network" a fact.
 */
import { gzipSync } from 'node:zlib';
import type { Verdict } from '../harness/result.ts';
import { buildPayload } from './build-payload.ts';
import { formatCount, formatDuration, formatTime, plural } from './format.ts';
import { Html, html, scriptJson } from './html.ts';
import type { PortfolioReportInput, PortfolioRow, ReportInput } from './input.ts';
import { pageAssets } from './page-assets.ts';
import {
  checkersSection,
  environmentSection,
  faultsSection,
  goalsSection,
  notInjectedList,
  operationsSection,
  replaySection,
  whySection,
} from './sections.ts';
import { verdictBadge, verdictIcon, verdictMeaning, verdictWord } from './verdict-badge.ts';

/** Below this size, compressing the data gains nothing that one would notice. */
const PLAIN_DATA_MAX = 48_000;

export function renderReport(input: ReportInput): string {
  const { result } = input;
  return page(
    `${verdictWord[result.verdict]}: ${result.name}`,
    html`${masthead(runSubtitle(input), result.date, true)}<main>${runVerdict(input)}
${runSections(input)}${footer()}</main>`,
    input,
  );
}

export function renderPortfolioReport(input: PortfolioReportInput): string {
  const focus = input.focus;
  const subtitle = html`<span>${plural(input.rows.length, 'run')}</span>`;
  return page(
    `${verdictWord[input.verdict]}: ${input.name}`,
    html`${masthead(subtitle, input.date, focus !== undefined)}<main>
${portfolioVerdict(input)}${selfCheckSection(input)}${goalsSection(input, 'all-goals')}
${runsSection(input)}${replaySection(input.replay)}
${
  focus === undefined
    ? html``
    : html`<h2 class="focus-title">${
        focus.result.verdict === 'violation' ? 'The violation in full' : 'One run in full'
      }: ${focus.result.name}</h2>${runVerdict(focus)}${runSections(focus)}`
}${footer()}</main>`,
    focus,
  );
}

function page(title: string, body: Html, input: ReportInput | undefined): string {
  const { script, style } = pageAssets();
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><title>${title}</title>
<link rel="icon" href="data:,"><style>${new Html(style)}</style></head>
<body>${body}
${input === undefined ? '' : dataElement(input)}
<script>${new Html(script.replaceAll('</script', '<\\/script'))}</script></body></html>
`.text;
}

function dataElement(input: ReportInput): Html {
  const payload = buildPayload(input);
  const json = scriptJson(payload);
  if (json.text.length <= PLAIN_DATA_MAX) {
    return html`<script id="data" type="application/json" data-encoding="json">${json}</script>`;
  }
  const packed = gzipSync(JSON.stringify(payload), { level: 6 }).toString('base64');
  return html`<script id="data" type="text/plain" data-encoding="gzip">${new Html(packed)}</script>`;
}

function masthead(subtitle: Html, date: string, hasRun: boolean): Html {
  const links: readonly [string, string][] = hasRun
    ? [
        ['timeline', 'Timeline'],
        ['faults', 'Faults'],
        ['checkers', 'Checkers'],
        ['goals', 'Goals'],
        ['environment', 'Plan'],
      ]
    : [];
  return html`<header class="masthead"><b>Umpire</b>${subtitle}<span>${date}</span>
<nav aria-label="Sections">${links.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav></header>`;
}

function runSubtitle({ result }: ReportInput): Html {
  const faults = result.nemesis.length === 0 ? 'no faults' : result.nemesis.join(', ');
  return html`<span>${result.workload} · ${faults} · ${plural(result.nodes, 'server')} ·
${result.world}</span>`;
}

function verdictHeader(verdict: Verdict, sentence: string, chips: readonly Html[], again: Html) {
  return html`<div class="verdict ${verdict}">${verdictIcon(verdict)}
<div><h1>${verdictWord[verdict]}</h1><p class="sentence">${sentence}</p>
${verdict === 'pass' ? '' : html`<p class="meaning">${verdictMeaning[verdict]}</p>`}</div>
<dl class="chips">${chips}</dl>${again}</div>`;
}

function chip(name: string, value: Html | string): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function runVerdict({ result, history }: ReportInput): Html {
  const totals = { ok: 0, fail: 0, info: 0 };
  for (const { ok, fail, info } of Object.values(result.counts)) {
    totals.ok += ok;
    totals.fail += fail;
    totals.info += info;
  }
  const verified = result.faults.filter(({ verified }) => verified !== undefined).length;
  const owed = result.goals.filter(({ isOwed }) => isOwed);
  const end = history.at(-1)?.time ?? 0;
  const chips = [
    chip(
      'operations',
      `${formatCount(totals.ok)} ok, ${formatCount(totals.fail)} fail, ${formatCount(totals.info)} info`,
    ),
    chip('faults verified', `${verified} of ${result.faults.length}`),
    chip('owed goals reached', `${owed.filter(({ count }) => count > 0).length} of ${owed.length}`),
    chip('length of the run', `${formatTime(end)} in ${formatDuration(result.durationMs * 1e6)}`),
    chip('seed', html`<code>${result.seed}</code>`),
    chip('plan', html`<code>${result.planHash.slice(0, 16)}</code>`),
    chip('trace', html`<code>${result.traceHash?.slice(0, 16) ?? 'only in simulation'}</code>`),
  ];
  const again = result.replay[0];
  return verdictHeader(
    result.verdict,
    result.sentence,
    chips,
    again === undefined ? html`` : commandLine(again),
  );
}

function commandLine(command: string): Html {
  return html`<div class="command"><code>${command}</code>
<button class="script" data-copy="${command}">Copy</button></div>`;
}

function runSections(input: ReportInput): Html {
  const { result } = input;
  return html`${whySection(input)}${timelineSection(input)}${faultsSection(result)}
${checkersSection(result)}${goalsSection(result)}${operationsSection(input)}
${replaySection(result.replay)}${environmentSection(input)}`;
}

function timelineSection({ result, history }: ReportInput): Html {
  const hasAnomalies = result.checks.some(({ anomalies }) => anomalies.length > 0);
  return html`<section id="timeline"><div class="toolbar"><h2>Timeline</h2>
<span class="script"><button data-action="fit" title="f">Fit</button>
<button data-action="in" title="+" aria-label="Zoom in">+</button>
<button data-action="out" title="-" aria-label="Zoom out">−</button>
${
  hasAnomalies
    ? html`<button data-action="previous" title="p">← Anomaly</button>
<button data-action="next" title="n">Anomaly →</button>`
    : ''
}</span>
<input class="script" id="search" type="search" spellcheck="false" autocomplete="off"
 aria-label="Search operations" placeholder="Search: path:/r/3 zxid:0x2 client:4 server:2 f:write err:ConnectionLoss outcome:info">
<output id="search-result" for="search"></output></div>
<p class="unscripted">The timeline of ${plural(history.length, 'history entry', 'history entries')}
is drawn with JavaScript. Everything below stands without it.</p>
<p id="timeline-error" role="alert"></p>
<div class="canvas-box script"><canvas id="minimap" aria-hidden="true"></canvas></div>
<div class="canvas-box script"><canvas id="timeline-canvas" role="img"
 aria-label="Faults, servers, operations per client, availability, latency and rate on one time axis; the tables below hold the same facts"></canvas></div>
<p class="hint script"><kbd>wheel</kbd> zoom · <kbd>drag</kbd> zoom to a range ·
<kbd>shift</kbd> <kbd>drag</kbd> move · <kbd>n</kbd> <kbd>p</kbd> next, previous anomaly ·
<kbd>f</kbd> fit · <kbd>/</kbd> search, <kbd>enter</kbd> next match · over the names the page scrolls</p>
<div id="chosen" aria-live="polite"></div>
<details class="script"><summary id="list-caption">Operations in the window</summary>
<div class="scroll"><table><thead><tr><th>Invoked</th><th>Took</th><th>Client</th><th>Operation</th>
<th>Outcome</th><th>Answer</th><th>Server</th><th>zxid</th></tr></thead><tbody id="list-body"></tbody>
</table></div></details><div id="tip" hidden></div></section>`;
}

function portfolioVerdict(input: PortfolioReportInput): Html {
  const tally = new Map<Verdict, number>();
  for (const { result } of input.rows) {
    tally.set(result.verdict, (tally.get(result.verdict) ?? 0) + 1);
  }
  const operations = input.rows.reduce(
    (sum, { result }) =>
      sum +
      Object.values(result.counts).reduce((all, { ok, fail, info }) => all + ok + fail + info, 0),
    0,
  );
  const faults = input.rows.flatMap(({ result }) => result.faults);
  const chips = [
    chip('runs', [...tally].map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')),
    chip('operations', formatCount(operations)),
    chip(
      'faults verified',
      `${formatCount(faults.filter(({ verified }) => verified !== undefined).length)} of ${formatCount(faults.length)}`,
    ),
    chip('took', formatDuration(input.durationMs * 1e6)),
    chip('seed', html`<code>${input.seed}</code>`),
    chip('commit', html`<code>${input.commit?.slice(0, 12) ?? 'unknown'}</code>`),
  ];
  const [again] = input.replay;
  return html`${verdictHeader(
    input.verdict,
    input.sentence,
    chips,
    again === undefined ? html`` : commandLine(again),
  )}${
    input.reasons.length === 0
      ? html``
      : html`<section id="reasons"><h2>${input.verdict === 'pass' ? 'To know' : 'Why'}</h2><ul class="reasons">${input.reasons.map(
          (reason) => html`<li>${reason}</li>`,
        )}</ul></section>`
  }`;
}

function selfCheckSection({ selfCheck }: PortfolioReportInput): Html {
  if (selfCheck.length === 0) return html``;
  return html`<section id="self-check"><h2>Self-check: would this harness notice?</h2>
<ul class="self-check">${selfCheck.map(
    ({ name, passed, text }) =>
      html`<li><span class="mark-${passed ? 'pass' : 'fail'}">${
        passed ? '✓' : '✕'
      }</span><b>${name}</b><span>${text}</span></li>`,
  )}</ul></section>`;
}

const verdictOrder: readonly Verdict[] = [
  'violation',
  'harness-error',
  'not-exercised',
  'unknown',
  'pass',
];

function runsSection({ rows, notInjected }: PortfolioReportInput): Html {
  const rank = (row: PortfolioRow) => verdictOrder.indexOf(row.result.verdict);
  const ordered = [...rows].sort((a, b) => rank(a) - rank(b));
  const isTelling = ({ result, link }: PortfolioRow) =>
    result.verdict !== 'pass' || link !== undefined || result.world !== 'simulation';
  const telling = ordered.filter(isTelling);
  const others = ordered.filter((row) => !isTelling(row));
  return html`<section id="runs"><h2>Runs</h2>${coverageMatrix(rows)}
${telling.length === 0 ? '' : html`<h3>Worth a look</h3>${runsTable(telling)}`}
${
  others.length === 0
    ? ''
    : html`<details><summary>${plural(others.length, 'more run')}, all passed</summary>
${runsTable(others)}</details>`
}${notInjectedList(notInjected)}</section>`;
}

/** How often each fault was verified under each workload, and the worst that came of it. */
function coverageMatrix(rows: readonly PortfolioRow[]): Html {
  const workloads = [...new Set(rows.map(({ result }) => result.workload))].sort();
  const faults = [...new Set(rows.flatMap(({ result }) => result.nemesis))].sort();
  const cell = (workload: string, fault: string): Html => {
    const runs = rows.filter(
      ({ result }) => result.workload === workload && result.nemesis.includes(fault),
    );
    if (runs.length === 0) return html`<td class="quiet">—</td>`;
    const verdict = verdictOrder.find((name) => runs.some(({ result }) => result.verdict === name));
    const verified = runs.reduce(
      (sum, { result }) =>
        sum +
        result.faults.filter((one) => one.kind === fault && one.verified !== undefined).length,
      0,
    );
    const words =
      fault === 'none' ? plural(runs.length, 'run') : `${formatCount(verified)} verified`;
    return html`<td><span class="badge ${verdict ?? 'pass'}">${verdictIcon(verdict ?? 'pass')}${words}</span></td>`;
  };
  return html`<div class="scroll"><table class="matrix compact"><thead><tr><th></th>${workloads.map(
    (workload) => html`<th>${workload}</th>`,
  )}</tr></thead><tbody>${faults.map(
    (fault) =>
      html`<tr><th scope="row">${fault}</th>${workloads.map((workload) => cell(workload, fault))}</tr>`,
  )}</tbody></table></div>`;
}

function runsTable(rows: readonly PortfolioRow[]): Html {
  return html`<div class="scroll"><table class="runs"><thead><tr><th>Verdict</th><th>Workload</th>
<th>Faults</th><th>World</th><th class="number">Operations</th><th class="number">Verified</th>
<th>Seed</th><th>Finding</th></tr></thead><tbody>${rows.map(runRow)}</tbody></table></div>`;
}

function runRow({ result, link }: PortfolioRow): Html {
  const operations = Object.values(result.counts).reduce(
    (sum, { ok, fail, info }) => sum + ok + fail + info,
    0,
  );
  const verified = result.faults.filter((fault) => fault.verified !== undefined).length;
  const seed = html`<code>${result.seed}</code>`;
  return html`<tr><td>${verdictBadge(result.verdict)}</td><td>${result.workload}</td>
<td>${result.nemesis.join(', ') || '—'}</td><td>${result.world}</td>
<td class="number">${formatCount(operations)}</td>
<td class="number">${verified} of ${result.faults.length}</td>
<td>${link === undefined ? seed : html`<a href="${link}">${seed}</a>`}</td>
<td>${result.verdict === 'pass' ? '' : result.sentence}</td></tr>`;
}

function footer(): Html {
  return html`<footer>Written by Umpire. One file, no network: keep it, mail it, attach it.
<b>ok</b> happened, <b>fail</b> certainly did not happen, <b>info</b> may have happened.</footer>`;
}
