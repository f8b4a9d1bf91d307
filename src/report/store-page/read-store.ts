/**
 * What a store holds: every directory below it with a result, or with a plan whose run never came to one.
 * Results of single runs, of portfolios and of `tolerance` differ; only what they share is read here.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from '../../harness/result.ts';

export interface StoreEntry {
  /** Below the store, with `/`. */
  readonly path: string;
  readonly name: string;
  /** Undefined: the run was stopped before its end. */
  readonly verdict: Verdict | undefined;
  readonly sentence: string;
  readonly world: string;
  readonly workload: string;
  readonly faults: readonly string[];
  readonly nodes: number | undefined;
  readonly seed: string;
  readonly date: string;
  readonly durationMs: number | undefined;
  /** A single run, which can be compared with another. */
  readonly isRun: boolean;
  readonly hasReport: boolean;
}

/** Runs of a portfolio stand two levels below it. */
const MAX_DEPTH = 6;
/** Of a run; nothing in them is a run. */
const inner = new Set(['events', 'servers']);

/** The newest first. */
export function readStore(root: string): StoreEntry[] {
  const entries: StoreEntry[] = [];
  visit(root, '', 0, entries);
  return entries.sort((a, b) => (a.date === b.date ? order(a, b) : a.date < b.date ? 1 : -1));
}

function order(a: StoreEntry, b: StoreEntry): number {
  return a.path < b.path ? -1 : 1;
}

function visit(root: string, path: string, depth: number, entries: StoreEntry[]): void {
  const directory = join(root, path);
  if (path !== '') {
    const entry = readEntry(directory, path);
    if (entry !== undefined) entries.push(entry);
  }
  if (depth === MAX_DEPTH) return;
  for (const item of readdirSync(directory, { withFileTypes: true })) {
    // Links are left alone: `latest` names what is listed anyway.
    if (!item.isDirectory() || inner.has(item.name)) continue;
    visit(root, path === '' ? item.name : `${path}/${item.name}`, depth + 1, entries);
  }
}

function readEntry(directory: string, path: string): StoreEntry | undefined {
  const file = join(directory, 'result.json');
  const hasReport = existsSync(join(directory, 'report.html'));
  if (!existsSync(file)) {
    if (!existsSync(join(directory, 'plan.json'))) return undefined;
    return unfinished(path, statSync(directory).mtime.toISOString(), hasReport);
  }
  const result = parse(readFileSync(file, 'utf8'));
  if (result === undefined) return unfinished(path, statSync(file).mtime.toISOString(), hasReport);
  const faults = Array.isArray(result.nemesis) ? result.nemesis.map(String) : [];
  return {
    path,
    name: text(result.name) || path,
    verdict: verdictOf(result.verdict),
    sentence: text(result.sentence),
    world: text(result.world),
    workload: text(result.workload),
    faults,
    nodes: typeof result.nodes === 'number' ? result.nodes : undefined,
    seed: text(result.seed),
    date: text(result.date),
    durationMs: typeof result.durationMs === 'number' ? result.durationMs : undefined,
    isRun: existsSync(join(directory, 'history.ndjson')),
    hasReport,
  };
}

function unfinished(path: string, date: string, hasReport: boolean): StoreEntry {
  return {
    ...{ path, name: path, verdict: undefined, sentence: 'The run did not come to its end.' },
    ...{ world: '', workload: '', faults: [], nodes: undefined, seed: '', date },
    ...{ durationMs: undefined, isRun: false, hasReport },
  };
}

function parse(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const verdicts: readonly Verdict[] = [
  'violation',
  'harness-error',
  'not-exercised',
  'unknown',
  'pass',
];

function verdictOf(value: unknown): Verdict | undefined {
  return verdicts.find((verdict) => verdict === value);
}
