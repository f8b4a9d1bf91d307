/** Two runs side by side: what differs is marked. */
import type { HistoryEntry } from '../../checker/history.ts';
import type { FaultRecord, RunResult } from '../../harness/result.ts';
import { formatCount, formatDuration, formatShare, formatTime } from '../format.ts';
import { type Html, html } from '../html.ts';
import { missingStep } from '../junit.ts';
import { availability, pairOperations } from '../operations.ts';
import { verdictBadge } from '../verdict-badge.ts';
import { type Latency, latenciesOf } from './latency.ts';
import { page } from './page.ts';

export interface ComparedRun {
  readonly path: string;
  readonly result: RunResult;
  readonly history: readonly HistoryEntry[];
}

type Cell = Html | string;

export function comparePage(a: ComparedRun, b: ComparedRun): string {
  const sections: readonly (readonly [string, Html])[] = [
    ['Verdict', facts(a, b)],
    ['Checkers', checkers(a.result, b.result)],
    ['Faults', faults(a.result, b.result)],
    ['Goals', goals(a.result, b.result)],
    ['Operations', operations(a, b)],
    ['Latency of operations that ended ok', latencies(a, b)],
  ];
  return page(
    'Umpire: two runs',
    html`<span>two runs</span><span><a href="/">back to the store</a></span>`,
    html`${sections.map(
      ([title, body]) =>
        html`<section><h2>${title}</h2><div class="scroll">${body}</div></section>`,
    )}`,
  );
}

interface Row {
  readonly name: string;
  readonly cells: readonly [Cell, Cell];
  /** Compared instead of the cells. */
  readonly keys?: readonly [string, string];
}

function pair(rows: readonly Row[]): Html {
  if (rows.length === 0) return html`<p class="quiet">None in either run.</p>`;
  return html`<table class="pair"><thead><tr><th></th><td>A</td><td>B</td></tr></thead><tbody>${rows.map(
    ({ name, cells, keys }) => {
      const [one, other] = keys ?? cells.map(textOf);
      return html`<tr class="${one === other ? '' : 'differs'}"><th scope="row">${name}</th>
<td>${cells[0]}</td><td>${cells[1]}</td></tr>`;
    },
  )}</tbody></table>`;
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

function facts(a: ComparedRun, b: ComparedRun): Html {
  const row = (name: string, of: (run: ComparedRun) => Cell): Row => ({
    name,
    cells: [of(a), of(b)],
  });
  const link = ({ path, result }: ComparedRun): Html =>
    html`<a href="/run/${path.split('/').map(encodeURIComponent).join('/')}/report.html">${result.name}</a>`;
  return pair([
    { ...row('run', link), keys: ['', ''] },
    row('verdict', ({ result }) => verdictBadge(result.verdict)),
    // What two passes looked at differs always, and says nothing.
    { ...row('finding', ({ result }) => result.sentence), keys: [findingOf(a), findingOf(b)] },
    row('world', ({ result }) => result.world),
    row('workload', ({ result }) => result.workload),
    row('nemesis', ({ result }) => result.nemesis.join(', ')),
    row('servers', ({ result }) => String(result.nodes)),
    row('seed', ({ result }) => result.seed),
    row('plan', ({ result }) => result.planHash.slice(0, 16)),
    row('trace', ({ result }) => result.traceHash?.slice(0, 16) ?? 'only in simulation'),
    row('commit', ({ result }) => result.commit ?? 'unknown'),
    {
      ...row('took', ({ result }) => formatDuration(result.durationMs * 1e6)),
      keys: ['', isTwice(a.result.durationMs, b.result.durationMs) ? 'far' : ''],
    },
  ]);
}

function findingOf({ result }: ComparedRun): string {
  return result.verdict === 'pass' ? '' : result.sentence;
}

/** Names of both, those of A first. */
function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

function checkers(a: RunResult, b: RunResult): Html {
  const names = union(
    a.checks.map(({ checker }) => checker),
    b.checks.map(({ checker }) => checker),
  );
  const find = (result: RunResult, name: string) =>
    result.checks.find(({ checker }) => checker === name);
  const cell = (result: RunResult, name: string): Cell => {
    const check = find(result, name);
    return check === undefined
      ? '—'
      : html`${verdictBadge(check.verdict)}<br><span class="quiet">${check.summary}</span>`;
  };
  return pair(
    names.map((name) => ({
      name,
      cells: [cell(a, name), cell(b, name)],
      keys: [find(a, name)?.verdict ?? '', find(b, name)?.verdict ?? ''],
    })),
  );
}

function faults(a: RunResult, b: RunResult): Html {
  const longest = Math.max(a.faults.length, b.faults.length);
  const cell = (fault: FaultRecord | undefined): Cell => {
    if (fault === undefined) return '—';
    const missing = missingStep(fault);
    const held =
      fault.applied === undefined || fault.healed === undefined
        ? ''
        : `, held ${formatDuration(fault.healed - fault.applied)}`;
    return html`<b>${fault.kind}</b> of ${fault.nodes.join(', ') || '—'} at ${formatTime(fault.requested)}${held};
${fault.overlappedOperations} operations; ${missing ?? 'verified, healed'}`;
  };
  const key = (fault: FaultRecord | undefined): string =>
    fault === undefined ? '' : `${fault.kind} ${fault.nodes.join(' ')} ${missingStep(fault) ?? ''}`;
  return pair(
    Array.from({ length: longest }, (_, index) => ({
      name: a.faults[index]?.id ?? b.faults[index]?.id ?? '',
      cells: [cell(a.faults[index]), cell(b.faults[index])],
      keys: [key(a.faults[index]), key(b.faults[index])],
    })),
  );
}

function goals(a: RunResult, b: RunResult): Html {
  const names = union(
    a.goals.map(({ name }) => name),
    b.goals.map(({ name }) => name),
  );
  const count = (result: RunResult, name: string): number | undefined =>
    result.goals.find((goal) => goal.name === name)?.count;
  const words = (found: number | undefined): string =>
    found === undefined ? '—' : found === 0 ? 'not reached' : formatCount(found);
  const key = (found: number | undefined): string => (found === undefined ? '' : `${found > 0}`);
  return pair(
    names.map((name) => {
      const [one, other] = [count(a, name), count(b, name)];
      return { name, cells: [words(one), words(other)], keys: [key(one), key(other)] };
    }),
  );
}

function operations(a: ComparedRun, b: ComparedRun): Html {
  const names = union(Object.keys(a.result.counts), Object.keys(b.result.counts));
  const cell = ({ result }: ComparedRun, name: string): string => {
    const counts = result.counts[name];
    return counts === undefined
      ? '—'
      : `${formatCount(counts.ok)} ok, ${formatCount(counts.fail)} fail, ${formatCount(counts.info)} info`;
  };
  const served = ({ history }: ComparedRun): string => {
    const { share, longestGapNs } = availability(pairOperations(history));
    return share === null
      ? '—'
      : `${formatShare(share)} answered, longest gap ${formatDuration(longestGapNs)}`;
  };
  return pair([
    ...names.map((name): Row => ({ name, cells: [cell(a, name), cell(b, name)], keys: ['', ''] })),
    { name: 'availability', cells: [served(a), served(b)], keys: ['', ''] },
  ]);
}

/** Worth a mark only where one is twice the other. */
function latencies(a: ComparedRun, b: ComparedRun): Html {
  const [one, other] = [latenciesOf(a.history), latenciesOf(b.history)];
  const names = union(
    one.map(({ f }) => f),
    other.map(({ f }) => f),
  );
  const quantiles = ['p50', 'p95', 'p99', 'max'] as const;
  const rows = names.flatMap((f) => {
    const [left, right] = [one.find((item) => item.f === f), other.find((item) => item.f === f)];
    return quantiles.map((quantile): Row => {
      const value = (item: Latency | undefined): string =>
        item === undefined ? '—' : formatDuration(item[quantile]);
      const isFar = isTwice(left?.[quantile], right?.[quantile]);
      return {
        name: `${f} ${quantile}`,
        cells: [value(left), value(right)],
        keys: ['', isFar ? 'far' : ''],
      };
    });
  });
  return pair(rows);
}

function isTwice(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return one !== other;
  return Math.max(one, other) > 2 * Math.min(one, other);
}
