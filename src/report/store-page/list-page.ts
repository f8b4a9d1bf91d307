/** The list of a store: filter, open, choose two to compare. Works without a script. */
import type { Verdict } from '../../harness/result.ts';
import { formatDuration, plural } from '../format.ts';
import { type Html, html } from '../html.ts';
import { verdictBadge, verdictWord } from '../verdict-badge.ts';
import type { StoreFilter } from './filter.ts';
import { page } from './page.ts';
import { type StoreEntry, verdicts } from './read-store.ts';

/** More rows say nothing; the filter finds the others. */
const MAX_ROWS = 500;

export function listPage(
  root: string,
  all: readonly StoreEntry[],
  shown: readonly StoreEntry[],
  filter: StoreFilter,
): string {
  const rows = shown.slice(0, MAX_ROWS);
  return page(
    'Umpire: store',
    html`<span>store</span><span><code>${root}</code></span>`,
    html`<section id="store"><h2>Runs</h2>${filterForm(all, filter)}
<p class="quiet" id="count">${plural(shown.length, 'entry', 'entries')} of ${all.length}${
      shown.length > rows.length ? `; the newest ${rows.length} are shown` : ''
    }</p>
${rows.length === 0 ? emptyNote(all) : table(rows)}</section>`,
  );
}

function emptyNote(all: readonly StoreEntry[]): Html {
  return all.length === 0
    ? html`<p>Nothing has been stored yet. <code>npm run jepsen</code> makes a first run.</p>`
    : html`<p>Nothing matches. <a href="/">Show all</a></p>`;
}

function filterForm(all: readonly StoreEntry[], filter: StoreFilter): Html {
  const values = (of: (entry: StoreEntry) => string): string[] =>
    [...new Set(all.map(of))].filter((value) => value !== '').sort();
  const verdictOptions = [...verdicts, 'unfinished'].map(
    (name) => [name, verdictWord[name as Verdict] ?? 'Unfinished'] as const,
  );
  const named = (names: readonly string[]) => names.map((name) => [name, name] as const);
  return html`<form class="filter" method="get" action="/" role="search">
<label>Words<input type="search" name="q" value="${filter.q}" placeholder="seed, fault, sentence…" spellcheck="false"></label>
${select('verdict', 'Verdict', verdictOptions, filter.verdict)}
${select('world', 'World', named(values(({ world }) => world)), filter.world)}
${select('workload', 'Workload', named(values(({ workload }) => workload)), filter.workload)}
<button type="submit">Filter</button><a href="/">Clear</a></form>`;
}

function select(
  name: string,
  label: string,
  options: readonly (readonly [string, string])[],
  chosen: string,
): Html {
  return html`<label>${label}<select name="${name}"><option value="">any</option>${options.map(
    ([value, word]) =>
      value === chosen
        ? html`<option value="${value}" selected>${word}</option>`
        : html`<option value="${value}">${word}</option>`,
  )}</select></label>`;
}

function table(rows: readonly StoreEntry[]): Html {
  return html`<form method="get" action="/compare"><div class="scroll"><table class="store"><thead><tr>
<th>A</th><th>B</th><th>Verdict</th><th>Run</th><th>World</th><th>Workload</th><th>Faults</th>
<th class="number">Servers</th><th class="number">Took</th><th>Date</th><th>Finding</th></tr></thead><tbody>${rows.map(
    row,
  )}</tbody></table></div><div class="compare-bar"><button type="submit">Compare A with B</button>
<span class="quiet">choose two single runs</span></div></form>`;
}

function row(entry: StoreEntry): Html {
  const { path, name, verdict, sentence, world, workload, faults, nodes, durationMs, date } = entry;
  const pick = (side: 'a' | 'b'): Html =>
    entry.isRun
      ? html`<input type="radio" name="${side}" value="${path}" required aria-label="${side.toUpperCase()}: ${name}">`
      : html``;
  const link = `/run/${path.split('/').map(encodeURIComponent).join('/')}`;
  return html`<tr><td class="pick">${pick('a')}</td><td class="pick">${pick('b')}</td>
<td>${verdict === undefined ? html`<span class="quiet">unfinished</span>` : verdictBadge(verdict)}</td>
<td class="run">${entry.hasReport ? html`<a href="${link}/report.html">${name}</a>` : name}<br>
<span class="quiet"><code>${path}</code></span></td><td>${world || '—'}</td><td>${workload || '—'}</td>
<td class="wide">${faults.join(', ') || '—'}</td><td class="number">${nodes ?? '—'}</td>
<td class="number">${durationMs === undefined ? '—' : formatDuration(durationMs * 1e6)}</td>
<td>${date.slice(0, 16).replace('T', ' ')}</td><td class="finding" title="${sentence}"><div>${sentence}</div></td></tr>`;
}
