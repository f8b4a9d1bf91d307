/**
 * Processor time of the checkers: `npx tsx bench/checkers/run.ts [INDEX.json] [MANIFEST.json]
 * [--porcupine COMMAND] [--json]`.
 *
 * INDEX is an index of recorded histories as `umpire check --index` takes it, MANIFEST one of generated
 * ones. Reading is left out; of several repetitions in one warm process the least counts. Beside ours stands
 * our plain Wing–Gong–Lowe search in the same run, and porcupine: by default the figures that the index
 * carries (measured once, dated in docs/checkers.md), with --porcupine those of a program that is given a
 * model's name and a history's path and prints `VERDICT CPU-MILLISECONDS`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type CheckOptions,
  check,
  type History,
  type HistoryVerdict,
  type Model,
  modelByName,
  readHistory,
} from '../../src/checker/index.ts';
import { millionQueueOperations, millionRegisterOperations } from './million.ts';

interface Entry {
  readonly file: string;
  readonly model: string;
  readonly expected: string;
  readonly porcupineCpuMs?: number;
  readonly [option: string]: unknown;
}

interface Measured {
  readonly verdict: string;
  readonly engine: string;
  readonly ms: number;
}

const REPETITIONS = 60;
const SLOW_MS = 50;
const LIMIT_MS = 10_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { porcupine: { type: 'string' }, json: { type: 'boolean' } },
});

const print = (line: string): void => {
  if (flags.json !== true) process.stdout.write(`${line}\n`);
};
const results: Record<string, unknown> = {};

function cpuMs(since: NodeJS.CpuUsage = { user: 0, system: 0 }): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** Quick ones many times; the clock of the process is too coarse for them, so that time stands in. */
function measure(history: History, model: Model, options: CheckOptions): Measured {
  const begun = process.cpuUsage();
  const budget = {
    maxSteps: Number.MAX_SAFE_INTEGER,
    isPastDeadline: () => cpuMs(begun) > LIMIT_MS,
  };
  const run = (): HistoryVerdict => check(history, model, { ...options, budget });
  const found = run();
  let least = cpuMs(begun);
  if (least < SLOW_MS) {
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const from = performance.now();
      run();
      least = Math.min(least, performance.now() - from);
    }
  }
  const telling = found.parts.find(({ verdict }) => verdict === found.verdict);
  return { verdict: found.verdict, engine: telling?.engine ?? '', ms: least };
}

function load(directory: string, entry: Entry): { history: History; model: Model } {
  const history = readHistory(readFileSync(join(directory, entry.file), 'utf8'), {
    lostCalls: 'crash',
  });
  const { model, init, failedCas, nilReads } = entry;
  const hasInit = model.includes('register') || model === 'mutex' || model === 'kv';
  const options = {
    ...(hasInit && init !== undefined ? { init } : {}),
    ...(failedCas === undefined ? {} : { failedCas }),
    ...(nilReads === undefined ? {} : { nilReads }),
  };
  return { history, model: modelByName(model, options) };
}

function porcupineMs(directory: string, { model, file, porcupineCpuMs }: Entry): number {
  if (flags.porcupine === undefined) return porcupineCpuMs ?? Number.NaN;
  const said = execFileSync(flags.porcupine, [model, join(directory, file)], { encoding: 'utf8' });
  return Number(said.trim().split(/\s+/)[1]);
}

const ms = (value: number): string => value.toFixed(3).padStart(11);
const times = (value: number): string => `${value.toFixed(1).padStart(9)}×`;

/** Recorded histories: ours, our plain search, and porcupine. */
function benchRecorded(path: string): void {
  const directory = dirname(path);
  const entries = (JSON.parse(readFileSync(path, 'utf8')) as Entry[]).filter(
    ({ porcupineCpuMs = 0 }) => porcupineCpuMs > 0,
  );
  // Like porcupine, ours stops at the first part that fails, and explains nothing.
  const options = { isExplained: false, effort: 'first' } as const;
  const loaded = entries.map((entry) => ({ entry, ...load(directory, entry) }));
  // The engines are warmed up on all of them before anything counts.
  for (const { history, model } of loaded) {
    for (let round = 0; round < 20; round++) check(history, model, { ...options, engine: 'auto' });
  }
  print(
    'history                                          ours ms     plain ms porcupine ms      ratio',
  );
  const rows = loaded.map(({ entry, history, model }) => {
    const ours = measure(history, model, options);
    const plain = measure(history, model, { ...options, engine: 'plain' });
    const porcupine = porcupineMs(directory, entry);
    const row = { file: entry.file, ours: ours.ms, plain: plain.ms, porcupine };
    print(
      `${entry.file.padEnd(42)} ${ms(row.ours)}  ${ms(row.plain)}  ${ms(porcupine)} ` +
        `${times(porcupine / row.ours)} ${ours.engine} ${ours.verdict}`,
    );
    return row;
  });
  const families = new Map<string, typeof rows>();
  for (const row of rows) {
    const family = dirname(row.file);
    families.set(family, [...(families.get(family) ?? []), row]);
  }
  for (const [family, members] of families) {
    const sum = (of: 'ours' | 'plain' | 'porcupine'): number =>
      members.reduce((total, row) => total + row[of], 0);
    const [ours, plain, porcupine] = [sum('ours'), sum('plain'), sum('porcupine')];
    print(
      `${`${members.length} of ${family}`.padEnd(42)} ${ms(ours)}  ${ms(plain)}  ${ms(porcupine)} ` +
        `${times(porcupine / ours)}`,
    );
    results[family] = { histories: members.length, ours, plain, porcupine };
  }
}

/** Violations explained: cores and what they cost. */
function benchCores(path: string): void {
  const directory = dirname(path);
  const entries = JSON.parse(readFileSync(path, 'utf8')) as Entry[];
  const sizes: number[] = [];
  const costs: number[] = [];
  for (const entry of entries.filter(({ expected }) => expected === 'non-linearizable')) {
    const { history, model } = load(directory, entry);
    check(history, model, {});
    const begun = process.cpuUsage();
    const found = check(history, model, {});
    costs.push(cpuMs(begun));
    for (const part of found.parts) {
      if (part.verdict !== 'non-linearizable') continue;
      sizes.push(part.violation.explanation?.core.length ?? 0);
    }
  }
  const at = (values: number[], share: number): number =>
    values.sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;
  const cores = {
    violations: costs.length,
    medianSize: at(sizes, 0.5),
    p90Size: at(sizes, 0.9),
    medianMs: at(costs, 0.5),
    p90Ms: at(costs, 0.9),
  };
  results.cores = cores;
  print(
    `cores of ${cores.violations} violations: median ${cores.medianSize} operations (p90 ` +
      `${cores.p90Size}) in ${cores.medianMs.toFixed(1)} ms (p90 ${cores.p90Ms.toFixed(1)})`,
  );
}

/** Generated histories, each within ten seconds or honestly unknown. */
function benchGenerated(path: string): void {
  const directory = dirname(path);
  const entries = JSON.parse(readFileSync(path, 'utf8')) as Entry[];
  let unknown = 0;
  let wrong = 0;
  for (const entry of entries) {
    const { history, model } = load(directory, { failedCas: 'observed', ...entry });
    const ours = measure(history, model, { isExplained: false });
    if (ours.verdict === 'unknown') unknown++;
    else if (entry.expected !== 'undecided' && ours.verdict !== entry.expected) wrong++;
    print(`${entry.file.padEnd(42)} ${ms(ours.ms)}  ${ours.engine.padEnd(12)} ${ours.verdict}`);
  }
  results.generated = { histories: entries.length, unknown, wrong };
  print(`${entries.length} generated histories: ${unknown} unknown, ${wrong} wrong`);
}

function benchMillion(): void {
  for (const [name, make, model] of [
    ['register', millionRegisterOperations, 'register'],
    ['queue', millionQueueOperations, 'queue'],
  ] as const) {
    let begun = process.cpuUsage();
    const history = make();
    const pushed = cpuMs(begun);
    begun = process.cpuUsage();
    const { verdict, parts } = check(history, modelByName(model));
    const checked = cpuMs(begun);
    const rssMb = process.resourceUsage().maxRSS / 1024;
    results[`million ${name}`] = { verdict, pushed, checked, rssMb };
    print(
      `1 000 000 operations of a ${name}: pushed in ${pushed.toFixed(0)} ms, ${verdict} by ` +
        `${parts[0]?.engine} in ${checked.toFixed(0)} ms, at most ${rssMb.toFixed(0)} MB`,
    );
  }
}

const [index, manifest] = positionals;
benchMillion();
if (index !== undefined) {
  benchRecorded(index);
  benchCores(index);
}
if (manifest !== undefined) benchGenerated(manifest);
if (flags.json === true) process.stdout.write(`${JSON.stringify(results)}\n`);
