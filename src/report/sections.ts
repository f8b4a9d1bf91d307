/** The parts of the page that stand without JavaScript. */

import type { HistoryEntry } from '../checker/history.ts';
import type { Anomaly, CheckResult } from '../checker/verdict.ts';
import type { FaultRecord, RunResult } from '../harness/result.ts';
import { valueText } from './build-payload.ts';
import { formatCount, formatDuration, formatShare, formatTime, plural } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportInput } from './input.ts';
import { availability, pairOperations, type ReportOperation } from './operations.ts';
import { verdictBadge } from './verdict-badge.ts';

/** More anomalies of one checker than this are counted, not listed. */
const ANOMALIES_LISTED_MAX = 20;
/** Checkers whose first anomaly is shown without a click. */
const CHECKERS_OPEN_MAX = 3;
const OPERATIONS_PER_ANOMALY_MAX = 12;

export function whySection(input: ReportInput): Html {
  const { result } = input;
  const operations = pairOperations(input.history);
  const byEntry = new Map<number, ReportOperation>();
  for (const operation of operations) {
    byEntry.set(operation.invoke.index, operation);
    if (operation.completion !== undefined) byEntry.set(operation.completion.index, operation);
  }
  let number = 0;
  const cards: Html[] = [];
  for (const [rank, check] of result.checks.filter(hasAnomalies).entries()) {
    const listed = check.anomalies
      .slice(0, ANOMALIES_LISTED_MAX)
      .map((anomaly, position) => anomalyCard(check, anomaly, number + position, byEntry));
    number += check.anomalies.length;
    // One of each of the first checkers tells the story; the rest is one click away.
    const open = rank < CHECKERS_OPEN_MAX ? 1 : 0;
    cards.push(...listed.slice(0, open), moreAnomalies(check, listed.slice(open), open));
  }
  // The sentence above says the first reason already, and the cards say those of the checkers.
  const told = result.checks.flatMap(({ anomalies }) => anomalies.map(({ message }) => message));
  const reasons = result.reasons.filter(
    (reason) => reason !== result.sentence && !told.some((message) => reason.endsWith(message)),
  );
  if (reasons.length === 0 && cards.length === 0) return html``;
  return html`<section id="why"><h2>Why</h2>
${reasons.length === 0 ? '' : html`<ul class="reasons">${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}
${cards}</section>`;
}

const hasAnomalies = ({ anomalies }: CheckResult): boolean => anomalies.length > 0;

function moreAnomalies(check: CheckResult, cards: readonly Html[], shown: number): Html {
  if (cards.length === 0) return html``;
  const count = check.anomalies.length - shown;
  const unlisted = count - cards.length;
  const name = shown === 0 ? plural(count, 'anomaly', 'anomalies') : `${formatCount(count)} more`;
  return html`<details class="more"><summary>${name} of ${check.checker}</summary>${cards}
${unlisted > 0 ? html`<p class="quiet">… and ${formatCount(unlisted)} more, in the timeline and in <code>result.json</code>.</p>` : ''}
</details>`;
}

function anomalyCard(
  check: CheckResult,
  anomaly: Anomaly,
  number: number,
  byEntry: ReadonlyMap<number, ReportOperation>,
): Html {
  const shown = new Set<ReportOperation>();
  for (const index of anomaly.entries) {
    const operation = byEntry.get(index);
    if (operation !== undefined) shown.add(operation);
  }
  const rows = [...shown].slice(0, OPERATIONS_PER_ANOMALY_MAX);
  const facts = [
    anomaly.time === undefined ? undefined : html`at <b>${formatTime(anomaly.time)}</b>`,
    anomaly.path === undefined ? undefined : html`path <code>${anomaly.path}</code>`,
    anomaly.zxid === undefined ? undefined : html`zxid <code>${anomaly.zxid}</code>`,
    anomaly.nodes === undefined || anomaly.nodes.length === 0
      ? undefined
      : html`server <b>${anomaly.nodes.join(', ')}</b>`,
  ].filter((fact) => fact !== undefined);
  return html`<article class="anomaly" id="anomaly-${number + 1}">
<header><span class="flag">${number + 1}</span><h3>${anomaly.kind}</h3>
<span class="quiet">${check.checker}</span>
<button class="script" data-anomaly="${number}">Show in timeline</button></header>
<p class="message">${anomaly.message}</p>
${facts.length === 0 ? '' : html`<p class="facts">${facts.map((fact) => html`<span>${fact}</span>`)}</p>`}
${anomaly.story === undefined ? '' : html`<pre class="story">${anomaly.story.join('\n')}</pre>`}
${rows.length === 0 ? '' : operationTable(rows)}
${shown.size > rows.length ? html`<p class="quiet">… and ${plural(shown.size - rows.length, 'more operation')}.</p>` : ''}
</article>`;
}

function operationTable(operations: readonly ReportOperation[]): Html {
  return html`<div class="scroll"><table class="operations"><thead><tr><th class="number">Invoked</th>
<th class="number">Took</th><th class="number">Client</th><th>Operation</th><th>Outcome</th>
<th class="number">Server</th><th>zxid</th><th class="number">Index</th></tr></thead>
<tbody>${operations.map(operationRow)}</tbody></table></div>`;
}

function operationRow({ invoke, completion, client, outcome }: ReportOperation): Html {
  const asked = valueText(invoke.value);
  const got = valueText(completion?.value);
  const answer = got === asked ? undefined : got;
  return html`<tr><td class="number">${formatTime(invoke.time)}</td>
<td class="number">${completion === undefined ? '—' : formatDuration(completion.time - invoke.time)}</td>
<td class="number">${client}</td><td><b>${invoke.f}</b> ${keyCode(invoke)}
${asked === undefined ? '' : html`<code>${asked}</code>`}</td>
<td><span class="outcome ${outcome}">${outcome}</span> ${completion?.error ?? ''}
${answer === undefined ? '' : html`<code>${answer}</code>`}</td>
<td class="number">${completion?.node ?? '—'}</td><td><code>${completion?.zxid ?? '—'}</code></td>
<td class="number"><a class="script" href="#op=${invoke.index}">${invoke.index}</a>
<noscript>${invoke.index}</noscript></td></tr>`;
}

function keyCode(entry: HistoryEntry): Html | string {
  return entry.key === undefined ? '' : html`<code>${entry.key}</code>`;
}

export function checkersSection(result: RunResult): Html {
  if (result.checks.length === 0) return html``;
  const times = result.checkMs ?? {};
  const hasTimes = result.checks.some(({ checker }) => times[checker] !== undefined);
  const rows = result.checks.map((check) => {
    const ms = times[check.checker];
    const findings = Object.entries(check.findings ?? {});
    return html`<tr><th scope="row">${check.checker}</th><td>${verdictBadge(check.verdict)}</td>
<td class="number">${formatCount(check.looked)}</td><td>${check.items}</td>
${hasTimes ? html`<td class="number">${ms === undefined ? '—' : (ms / 1000).toFixed(2)}</td>` : ''}
<td>${check.summary}${
      findings.length === 0
        ? ''
        : html`<br><span class="quiet">Allowed, counted: ${findings
            .map(([name, count]) => `${formatCount(count)} ${name}`)
            .join(', ')}</span>`
    }</td></tr>`;
  });
  return html`<section id="checkers"><h2>Checkers</h2><div class="scroll"><table>
<thead><tr><th>Checker</th><th>Verdict</th><th class="number">Looked at</th><th>Items</th>
${hasTimes ? html`<th class="number">Seconds</th>` : ''}<th>Summary</th></tr></thead>
<tbody>${rows}</tbody></table></div>${checkTimes(times)}</section>`;
}

function checkTimes(times: Readonly<Record<string, number>>): Html {
  const parts = Object.entries(times).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`);
  return parts.length === 0
    ? html``
    : html`<p class="quiet">Time spent checking: ${parts.join(', ')}.</p>`;
}

function step(fault: FaultRecord, time: number | undefined, name: string): Html {
  if (time === undefined) return html`<td class="missing">not ${name}</td>`;
  const delay = time - fault.requested;
  const text = name === 'requested' ? formatTime(time) : `+${formatDuration(Math.max(0, delay))}`;
  return html`<td class="number" title="${formatTime(time)}">${text}</td>`;
}

export function faultsSection(result: RunResult): Html {
  const rows = result.faults.map(
    (fault) => html`<tr><th scope="row">${fault.kind}<br><span class="quiet">${fault.id}</span></th>
<td>${fault.nodes.join(', ') || '—'}</td>${step(fault, fault.requested, 'requested')}
${step(fault, fault.applied, 'applied')}${step(fault, fault.verified, 'verified')}
${step(fault, fault.healed, 'healed')}${step(fault, fault.healVerified, 'verified healed')}
<td class="number">${formatCount(fault.overlappedOperations)}</td><td>${fault.evidence}</td></tr>`,
  );
  return html`<section id="faults"><h2>Faults</h2>
${
  rows.length === 0
    ? html`<p class="quiet">No fault was injected in this run.</p>`
    : html`<div class="scroll"><table><thead><tr><th>Fault</th><th>Servers</th>
<th class="number">Requested</th><th class="number">Applied</th><th class="number">Verified</th>
<th class="number">Healed</th><th class="number">Heal verified</th>
<th class="number">Operations during it</th><th>Evidence</th></tr></thead><tbody>${rows}</tbody></table></div>`
}
${notInjectedList(result.notInjected)}</section>`;
}

export function notInjectedList(reasons: RunResult['notInjected']): Html {
  const rows = Object.entries(reasons);
  if (rows.length === 0) return html``;
  return html`<h3>Not injected here</h3><dl class="facts-list">${rows.map(
    ([name, reason]) => html`<dt>${name}</dt><dd>${reason}</dd>`,
  )}</dl>`;
}

export function goalsSection(result: Pick<RunResult, 'goals'>, id = 'goals'): Html {
  if (result.goals.length === 0) return html``;
  const rank = (goal: RunResult['goals'][number]) => (goal.count > 0 ? 2 : goal.isOwed ? 0 : 1);
  const goals = [...result.goals].sort((a, b) => rank(a) - rank(b));
  const missed = goals.filter((goal) => goal.count === 0).length;
  const rows = goals.map((goal) => {
    const state = goal.count > 0 ? 'reached' : goal.isOwed ? 'owed, missed' : 'not seen';
    return html`<tr class="${goal.count > 0 ? '' : 'absent'}"><th scope="row">${goal.name}</th>
<td><span class="goal ${goal.count > 0 ? 'reached' : goal.isOwed ? 'missed' : 'unseen'}">${state}</span></td>
<td class="number">${formatCount(goal.count)}</td></tr>`;
  });
  return html`<section id="${id}"><h2>Goals</h2><p>${
    missed === 0
      ? `All ${plural(goals.length, 'goal')} reached.`
      : `${formatCount(goals.length - missed)} of ${plural(goals.length, 'goal')} reached; what was not exercised comes first.`
  }</p><div class="scroll"><table class="compact"><thead><tr><th>Goal</th><th>State</th><th class="number">Times</th></tr>
</thead><tbody>${rows}</tbody></table></div></section>`;
}

export function operationsSection(input: ReportInput): Html {
  const counts = Object.entries(input.result.counts);
  const { share, longestGapNs, gapStart } = availability(pairOperations(input.history));
  const rows = counts.map(
    ([f, { ok, fail, info }]) => html`<tr><th scope="row">${f}</th>
<td class="number">${formatCount(ok)}</td><td class="number">${formatCount(fail)}</td>
<td class="number">${formatCount(info)}</td></tr>`,
  );
  return html`<section id="operations"><h2>Operations</h2>${
    share === null
      ? html`<p class="quiet">No operation completed.</p>`
      : html`<p>${formatShare(share)} of the completed operations were answered; the longest time
without any answer was ${formatDuration(longestGapNs)}, from ${formatTime(gapStart)} on.</p>`
  }<div class="scroll"><table class="compact"><thead><tr><th>Operation</th><th class="number">ok</th>
<th class="number">fail <span class="quiet">did not happen</span></th>
<th class="number">info <span class="quiet">may have happened</span></th></tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

export function replaySection(commands: readonly string[]): Html {
  if (commands.length === 0) return html``;
  return html`<section id="replay"><h2>Run it again</h2>${commands.map(
    (command) => html`<div class="command"><code>${command}</code><button class="script"
 data-copy="${command}">Copy</button></div>`,
  )}</section>`;
}

export function environmentSection(input: ReportInput): Html {
  const { result, plan } = input;
  const facts: [string, string][] = [
    ['seed', result.seed],
    ['plan hash', result.planHash],
    ['trace hash', result.traceHash ?? 'none: only the simulation has one'],
    ['commit', result.commit ?? 'unknown'],
    ['date', result.date],
    ['result version', String(result.v)],
    ...Object.entries(result.environment ?? {}),
  ];
  const planText = JSON.stringify(plan, null, 1);
  return html`<section id="environment"><h2>Seed, plan and environment</h2>
<dl class="facts-list">${facts.map(([name, value]) => html`<dt>${name}</dt><dd><code>${value}</code></dd>`)}</dl>
<details><summary>Plan: ${plural(plan.clients.length, 'client')},
${plural(
  plan.clients.reduce((sum, { ops }) => sum + ops.length, 0),
  'operation',
)},
${plural(plan.faults.length, 'fault')}, ${formatCount(planText.length)} bytes</summary>
${planExcerpt(planText)}</details></section>`;
}

const PLAN_TEXT_MAX = 200_000;

function planExcerpt(text: string): Html {
  if (text.length <= PLAN_TEXT_MAX) return html`<pre class="plan">${text}</pre>`;
  return html`<pre class="plan">${text.slice(0, PLAN_TEXT_MAX)}</pre>
<p class="quiet">Cut here; <code>plan.json</code> beside this file has the rest.</p>`;
}
