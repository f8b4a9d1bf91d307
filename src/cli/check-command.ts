/**
 * `check`: a recorded history of any system against a model, a whole index of histories against what is
 * known of them, or a stored run with the checkers as they are now.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { messageOf } from '../base/thrown.ts';
import {
  type CheckOptions,
  check,
  detectFormat,
  type History,
  HistoryFormatError,
  type HistoryVerdict,
  historyReader,
  type Model,
  ModelOptionError,
  misfitOf,
  modelByName,
  modelNames,
  type ReadOptions,
  tellVerdict,
  verdictJson,
} from '../checker/index.ts';
import type { CheckPageInput } from '../report/check/input.ts';
import { renderCheckPage } from '../report/check/page.ts';
import { parseDuration, unknownName } from './arguments.ts';
import { checkPageInput } from './check-page.ts';
import { UsageError } from './errors.ts';
import { type Shell, shownPath } from './shell.ts';
import { checkStoredRun } from './stored-commands.ts';

export interface CheckCommandOptions {
  readonly model?: string;
  /** JSON: options of the model, and `independent` for values that are [key, value]. */
  readonly options?: string;
  readonly html?: string;
  readonly index?: string;
  readonly engine?: string;
  readonly budget?: string;
}

const engines = ['auto', 'fast', 'jit', 'wgl', 'plain'] as const;
type Engine = (typeof engines)[number];
/** `--engine all`: without reductions most histories are out of reach. */
const comparedEngines = engines.filter((engine) => engine !== 'plain');
const exitCodes = { linearizable: 0, 'non-linearizable': 1, unknown: 2 } as const;
const DEFAULT_BUDGET = '60s';

export function checkCommand(
  path: string,
  options: CheckCommandOptions,
  shell: Shell,
): Promise<number> | number {
  if (options.index !== undefined) return checkIndex(options.index, options, shell);
  if (options.model !== undefined) return checkFile(path, options.model, options, shell);
  const isHistory = existsSync(path) && statSync(path).isFile() && !path.endsWith('plan.json');
  if (!isHistory) return checkStoredRun(path, shell);
  throw new UsageError({
    code: 'no-model',
    what: `${path} is a history; what it should be judged by is not said.`,
    why: `There are: ${modelNames.join(', ')}.`,
    next: 'Name one with --model.',
  });
}

function checkFile(path: string, name: string, options: CheckCommandOptions, shell: Shell): number {
  const { independent = false, ...modelOptions } = parseOptions(options.options);
  const model = modelOf(name, modelOptions);
  const history = readFile(path, model, { isIndependent: independent === true });
  const engine = engineOf(options.engine ?? 'auto');
  const { verdict, cpuMs } = timed(history, model, engine, options.budget ?? DEFAULT_BUDGET);
  shell.print(tellVerdict(verdict, history, model));
  const json = { file: path, cpuMs, ...(verdictJson(verdict, history, model) as object) };
  if (options.html !== undefined) {
    const title = basename(path);
    writePage(options.html, checkPageInput({ title, verdict, history, model, cpuMs }));
    shell.print(`page  ${shownPath(options.html)}`);
  }
  shell.printJson(json);
  return exitCodes[verdict.verdict];
}

function writePage(path: string, input: CheckPageInput): void {
  try {
    writeFileSync(path, renderCheckPage(input));
  } catch (thrown) {
    throw new UsageError({
      code: 'page-unwritable',
      what: `${path} can not be written.`,
      why: messageOf(thrown),
    });
  }
}

interface IndexEntry {
  readonly file: string;
  readonly model: string;
  readonly expected?: string;
  readonly [option: string]: unknown;
}

interface IndexRow {
  readonly file: string;
  readonly verdict: string;
  readonly expected: string;
  readonly engine: string;
  readonly cpuMs: number;
  readonly confirmedBy: string;
}

/** Every entry by every engine that was asked for. */
function checkIndex(path: string, options: CheckCommandOptions, shell: Shell): number {
  const entries = parseIndex(path);
  const chosen =
    options.engine === 'all' ? comparedEngines : [engineOf(options.engine ?? 'auto', ['all'])];
  const counts = { checked: 0, agree: 0, decided: 0, mismatches: 0, unknown: 0 };
  for (const entry of entries) {
    const model = modelOf(entry.model, optionsOfEntry(entry));
    const history = readFile(join(dirname(path), entry.file), model, { lostCalls: 'crash' });
    for (const engine of chosen) {
      const row = indexRow(entry, history, model, engine, options.budget ?? DEFAULT_BUDGET);
      // A fast path that does not apply says nothing about the history.
      if (engine === 'fast' && row.verdict === 'unknown') continue;
      count(counts, row);
      const { file, verdict, expected, cpuMs, confirmedBy } = row;
      const mark = isMismatch(row) ? '  MISMATCH' : '';
      shell.print(
        `${file.padEnd(52)} ${verdict.padEnd(16)} ${expected.padEnd(16)} ` +
          `${row.engine.padEnd(12)} ${cpuMs.toFixed(2).padStart(9)} ms  ${confirmedBy}${mark}`,
      );
      shell.printJson(row);
    }
  }
  const { checked, agree, decided, mismatches, unknown } = counts;
  shell.print(
    `${entries.length} histories, ${checked} verdicts: ${agree} as expected, ` +
      `${decided} without expectation, ${unknown} unknown, ${mismatches} mismatches`,
  );
  shell.printJson({ summary: { histories: entries.length, ...counts } });
  if (mismatches > 0) return 1;
  return unknown > 0 && chosen.length === 1 ? 2 : 0;
}

const isMismatch = ({ verdict, expected }: IndexRow): boolean =>
  expected !== 'undecided' && verdict !== 'unknown' && verdict !== expected;

function count(
  counts: { checked: number; agree: number; decided: number; mismatches: number; unknown: number },
  row: IndexRow,
): void {
  counts.checked++;
  if (row.verdict === 'unknown') counts.unknown++;
  else if (row.expected === 'undecided') counts.decided++;
  else if (isMismatch(row)) counts.mismatches++;
  else counts.agree++;
}

function indexRow(
  entry: IndexEntry,
  history: History,
  model: Model,
  engine: Engine,
  budget: string,
): IndexRow {
  const { verdict, cpuMs } = timed(history, model, engine, budget);
  const telling = verdict.parts.find((part) => part.verdict === verdict.verdict);
  return {
    file: entry.file,
    verdict: verdict.verdict,
    expected: entry.expected ?? 'undecided',
    engine: telling?.engine ?? engine,
    cpuMs,
    confirmedBy: confirmation(verdict, history, model),
  };
}

/** The second opinion on a verdict. */
function confirmation(verdict: HistoryVerdict, history: History, model: Model): string {
  if (verdict.verdict === 'unknown') return '';
  if (verdict.verdict === 'non-linearizable') {
    const failed = verdict.parts.find((part) => part.verdict === 'non-linearizable');
    const explanation =
      failed?.verdict === 'non-linearizable' ? failed.violation.explanation : undefined;
    const core = `core of ${explanation?.core.length ?? 0}`;
    return `${core}, ${explanation?.confirmedBy ?? 'not confirmed'}`;
  }
  // The order steers the other engine, which has to accept it by its own rules.
  const hint = new Float64Array(history.count).fill(Number.NaN);
  let at = 0;
  for (const part of verdict.parts) {
    if (part.verdict === 'linearizable') for (const row of part.order) hint[row] = at++;
  }
  const budget = { maxSteps: 100 * history.count + 10_000 };
  const second = check(history.with({ hint }), model, { engine: 'wgl', budget });
  return second.verdict === 'linearizable' ? 'order replayed, wgl' : 'order replayed';
}

function timed(
  history: History,
  model: Model,
  engine: Engine,
  budgetText: string,
): { readonly verdict: HistoryVerdict; readonly cpuMs: number } {
  const budgetMs = parseDuration(budgetText, '--budget');
  const begun = process.cpuUsage();
  const usedMs = (): number => {
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1000;
  };
  const options: CheckOptions = {
    engine,
    budget: { maxSteps: Number.MAX_SAFE_INTEGER, isPastDeadline: () => usedMs() > budgetMs },
  };
  const verdict = check(history, model, options);
  return { verdict, cpuMs: usedMs() };
}

function engineOf(text: string, others: readonly string[] = []): Engine {
  if (engines.includes(text as Engine)) return text as Engine;
  throw unknownName(text, '--engine', [...engines, ...others]);
}

function parseOptions(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new UsageError({
    code: 'bad-options',
    what: `--options ${JSON.stringify(text)} is no JSON object.`,
    next: 'Write for example --options \'{"init": 0, "failedCas": "observed"}\'.',
  });
}

function modelOf(name: string, options: Readonly<Record<string, unknown>>): Model {
  try {
    return modelByName(name, options);
  } catch (thrown) {
    if (!(thrown instanceof ModelOptionError)) throw thrown;
    throw new UsageError({
      code: 'bad-model',
      what: `${thrown.message}.`,
      next: 'See: npm run check -- --help',
    });
  }
}

/** An index names what all of its models might want; each takes what it knows. */
function optionsOfEntry({ model, init, failedCas, nilReads, permits }: IndexEntry) {
  const known: Readonly<Record<string, unknown>> = { init, failedCas, nilReads, permits };
  const isContainer = Array.isArray(init) || (init === null && !model.includes('register'));
  return Object.fromEntries(
    Object.entries(known).filter(([name, value]) => {
      return value !== undefined && !(name === 'init' && isContainer);
    }),
  );
}

function parseIndex(path: string): readonly IndexEntry[] {
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(path, 'utf8'));
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
  if (Array.isArray(entries)) return entries as readonly IndexEntry[];
  throw new UsageError({
    code: 'bad-index',
    what: `${path} is no list of histories.`,
    next: 'An index is a JSON array of {"file", "model", "expected", …}.',
  });
}

const CHUNK_BYTES = 1 << 20;

/** In chunks: histories may be longer than a string can be. */
function readFile(path: string, { name }: Model, options: ReadOptions): History {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
  try {
    const bytes = Buffer.alloc(CHUNK_BYTES);
    const decoder = new StringDecoder('utf8');
    let text = decoder.write(bytes.subarray(0, readSync(file, bytes)));
    const reader = historyReader(detectFormat(text), {
      ...options,
      misfitOf: (event) => misfitOf(name, event),
    });
    for (;;) {
      reader.feed(text);
      const size = readSync(file, bytes);
      if (size === 0) break;
      text = decoder.write(bytes.subarray(0, size));
    }
    return nonEmpty(path, reader.end());
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    if (!(thrown instanceof HistoryFormatError)) throw unreadable(path, thrown);
    throw new UsageError({
      code: 'bad-history',
      what: `${path} is no history of a ${name}: ${thrown.message}.`,
      next: 'docs/checkers.md describes the formats and the models.',
    });
  } finally {
    closeSync(file);
  }
}

/** Nothing at all would be linearizable. */
function nonEmpty(path: string, history: History): History {
  if (history.count > 0) return history;
  throw new UsageError({
    code: 'empty-history',
    what: `${path} holds no operation.`,
    next: 'docs/checkers.md describes the formats.',
  });
}

function unreadable(path: string, thrown: unknown): UsageError {
  return new UsageError({
    code: 'unreadable',
    what: `${path} can not be read.`,
    why: messageOf(thrown),
  });
}
