/**
 * The verdict on one history as one self-contained HTML file that needs no script: what contradicts what and
 * why each way out is closed, or the order that was found, drawn over the operations it orders.
 */
import { Html, html } from '../html.ts';
import { verdictIcon } from '../verdict-badge.ts';
import type { CheckPageInput, PagePart, PageWayOut } from './input.ts';
import { drawLanes } from './lanes.ts';
import { checkStyle } from './style.ts';

type Verdict = CheckPageInput['verdict'];
type Part<V extends Verdict> = Extract<PagePart, { readonly verdict: V }>;

const icons = {
  linearizable: 'pass',
  'non-linearizable': 'violation',
  unknown: 'unknown',
} as const;
const words = {
  linearizable: 'linearizable',
  'non-linearizable': 'not linearizable',
  unknown: 'unknown',
} as const;

/** Parts that are drawn; the table has all. */
const MAX_DRAWN = { linearizable: 4, 'non-linearizable': 12, unknown: 12 };

export function renderCheckPage(input: CheckPageInput): string {
  const { title, model, verdict, operations, parts, steps, cpuMs } = input;
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  const bad = parts
    .filter((part) => part.verdict === 'non-linearizable')
    .slice(0, MAX_DRAWN['non-linearizable']);
  const open = parts.filter((part) => part.verdict === 'unknown').slice(0, MAX_DRAWN.unknown);
  const good = parts
    .filter((part) => part.verdict === 'linearizable')
    .slice(0, MAX_DRAWN.linearizable);
  const drawn = bad.length + open.length + good.length;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><title>${title}: ${words[verdict]}</title>
<link rel="icon" href="data:,"><style>${new Html(checkStyle)}</style></head><body><main>
<h1>${title} ${badge(verdict)}</h1>
<div class="facts">${count(operations, 'operation')} against the model <code>${model}</code>
· ${count(parts.length, 'part')} · ${count(steps, 'search step')} · ${cpuMs.toFixed(1)} ms of CPU</div>
${sentence(input)}
${bad.map(violation)}
${open.map(undecided)}
${good.map(certificate)}
${drawn === parts.length ? '' : html`<p class="facts">${drawn} of ${count(parts.length, 'part')} are drawn.</p>`}
${parts.length > 1 ? partTable(parts) : ''}
</main></body></html>
`.text;
}

function count(number: number, name: string): string {
  return `${number.toLocaleString('en')} ${name}${number === 1 ? '' : 's'}`;
}

const badge = (verdict: Verdict): Html =>
  html`<span class="badge ${verdict}">${verdictIcon(icons[verdict])}${words[verdict]}</span>`;

function sentence({ verdict, parts }: CheckPageInput): Html {
  if (verdict === 'linearizable') {
    return html`<p>An order of all operations was found that fits real time and the model. It was replayed
step by step by a validator that shares no code with the engines.</p>`;
  }
  if (verdict === 'unknown') {
    return html`<p>The budget ended before a verdict was reached. This is not a pass.</p>`;
  }
  const failed = parts.filter((part) => part.verdict === 'non-linearizable').length;
  return parts.length === 1
    ? html`<p>No order of the operations fits real time and the model.</p>`
    : html`<p>${failed} of ${count(parts.length, 'part')} cannot be ordered; parts are independent, so
that one is enough.</p>`;
}

function heading(part: PagePart): Html {
  const { key, engine, operations, crashed } = part;
  const crashes = crashed === 0 ? '' : `, ${crashed} without an answer`;
  return html`<h2>${key === '' ? 'The history' : html`Part <code>${key}</code>`} ${badge(part.verdict)}
<span class="quiet">${count(operations, 'operation')}${crashes} · ${engine}</span></h2>`;
}

function violation(part: Part<'non-linearizable'>): Html {
  const { reasons, core, around, waysOut, blocked, confirmedBy, isIrreducible, isProjected } = part;
  const others = isProjected ? 'with other values left out' : 'whatever the others did';
  const bars = core.map((operation) => {
    return { operation, kind: operation.row === blocked ? 'blocked' : 'core' } as const;
  });
  const proof = [
    confirmedBy === null ? 'Not confirmed by a second engine' : `Confirmed by ${confirmedBy}`,
    ...(isIrreducible ? ['nothing of it can be spared'] : []),
  ];
  return html`<section class="card non-linearizable">${heading(part)}
<p class="why">${reasons[0] ?? 'No order fits.'}</p>
${core.length === 0 ? '' : html`<h3>${coreTitle(core.length)}, ${others}</h3>${drawLanes({ bars, label: 'The operations that contradict one another' })}`}
${ways(waysOut)}
<p class="facts">${proof.join('; ')}.</p>
${
  around.length === 0
    ? ''
    : html`<details><summary>With ${count(around.length, 'operation')} around</summary>
${drawLanes({
  bars: [...around.map((operation) => ({ operation, kind: 'around' }) as const), ...bars],
  label: 'The contradiction and what ran beside it',
})}</details>`
}
${
  reasons.length <= 1
    ? ''
    : html`<details><summary>In every state that the operations before can lead to</summary>
<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></details>`
}</section>`;
}

const coreTitle = (size: number): string =>
  size === 1 ? 'This operation is impossible' : `These ${size} operations contradict one another`;

function ways(waysOut: readonly PageWayOut[]): Html {
  if (waysOut.length === 0) return html``;
  return html`<h3>Why each way out is closed</h3><ol class="ways">${waysOut.map(
    ({ order, next, reason }) =>
      html`<li>${order.map(
        ({ text, isOfCore }) =>
          html`<span class="op${isOfCore ? '' : ' perhaps'}">${isOfCore ? '' : 'perhaps '}${text}</span><span class="then">then</span>`,
      )}<span class="op stuck">${next}</span><span>but ${reason}</span></li>`,
  )}</ol>`;
}

function undecided(part: Part<'unknown'>): Html {
  const { cause, passed, total, steps } = part;
  const share = total === 0 ? 0 : Math.round((100 * passed) / total);
  return html`<section class="card unknown">${heading(part)}
<p class="why">${cause}</p><div class="meter"><div style="width:${share}%"></div></div>
<p class="facts">${passed} of ${count(total, 'answer')} passed in ${count(steps, 'step')}.</p></section>`;
}

function certificate(part: Part<'linearizable'>): Html {
  const { order, orderLength, leftOut } = part;
  const operations = order.map(({ operation }) => operation);
  const bars = [
    ...leftOut.map((operation) => ({ operation, kind: 'around' }) as const),
    ...operations.map((operation) => ({ operation, kind: 'plain' }) as const),
  ];
  const isWhole = order.length === orderLength;
  const shown = isWhole ? '' : `The first ${order.length} of ${count(orderLength, 'operation')}. `;
  return html`<section class="card linearizable">${heading(part)}
<p class="facts">${shown}A point is the moment at which an operation takes effect; the line is the order.
${leftOut.length === 0 ? '' : 'Grey operations have none: they did not happen, or nobody can tell.'}</p>
${drawLanes({ bars, points: operations, label: 'A linearization' })}
<details><summary>The order, step by step</summary><table>
<tr><th class="number">#</th><th>process</th><th>operation</th><th>state behind it</th></tr>
${order.map(
  ({ operation, state }, at) =>
    html`<tr><td class="number">${at + 1}</td><td>${operation.process}</td>
<td class="op">${operation.text}</td><td class="state">${state}</td></tr>`,
)}</table></details></section>`;
}

function partTable(parts: readonly PagePart[]): Html {
  return html`<details><summary>All ${parts.length} parts</summary><table>
<tr><th>part</th><th>verdict</th><th class="number">operations</th><th class="number">without answer</th>
<th class="number">steps</th><th>engine</th></tr>
${parts.map(
  ({ key, verdict, operations, crashed, steps, engine }) =>
    html`<tr><td><code>${key}</code></td><td class="verdict ${verdict}">${words[verdict]}</td>
<td class="number">${operations}</td><td class="number">${crashed}</td><td class="number">${steps}</td><td>${engine}</td></tr>`,
)}</table></details>`;
}
