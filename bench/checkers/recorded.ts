/**
 * Recorded histories: ours against our own plain Wing–Gong–Lowe search in the same run, and porcupine. Like
 * porcupine, both stop at the first part that fails and explain nothing. Porcupine's figures are those that the
 * index carries, or those of a program that is given an entry of the index as JSON and its history's path and
 * prints `VERDICT CPU-MILLISECONDS`; an `unsupported` verdict leaves the index's figure.
 */
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { check } from '../../src/checker/index.ts';
import { checkWithin, engineOf, entriesOf, type Loaded, load } from './data.ts';
import { cpuMs, type Goal, leastCpuMs, quantile } from './measure.ts';

const PLAIN_LIMIT_MS = 10_000;
const WARM_UP_ROUNDS = 20;
const PORCUPINE_RUNS = 3;
const options = { isExplained: false, effort: 'first' } as const;

interface Row {
  readonly file: string;
  readonly ours: number;
  readonly plain: number;
  readonly porcupine: number;
}

/** What is promised against porcupine: a family's sum, or one file. */
const promised: readonly (readonly [path: string, ratio: number])[] = [
  ['porcupine-etcd', 50],
  ['porcupine-etcd/etcd_002.jsonl', 500],
  ['porcupine-etcd/etcd_057.jsonl', 100],
  ['porcupine-etcd/etcd_099.jsonl', 100],
  ['porcupine-kv/c50-bad.jsonl', 20],
];

export function benchRecorded(
  index: string,
  porcupine: string | undefined,
  print: (line: string) => void,
): Goal[] {
  const entries = entriesOf(index).filter(({ porcupineCpuMs = 0 }) => porcupineCpuMs > 0);
  const loaded = entries.map((entry) => load(index, entry));
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    for (const { history, model } of loaded) check(history, model, options);
  }
  print(columns('history', 'ours ms', 'plain ms', 'porcupine ms', 'ratio'));
  const rows = loaded.map((one) => {
    const row = measure(one, porcupine);
    const found = check(one.history, one.model, options);
    print(`${tell(row)} ${engineOf(found)} ${found.verdict}`);
    return row;
  });
  const families = sums(rows);
  for (const [name, row] of families) {
    const count = rows.filter(({ file }) => dirname(file) === name).length;
    print(tell({ ...row, file: `${count} of ${name}` }));
  }
  return promised.flatMap(([path, bound]) => {
    const row = families.get(path) ?? rows.find(({ file }) => file === path);
    if (row === undefined) return [];
    const what = `${path} against porcupine`;
    return [{ what, value: row.porcupine / row.ours, bound, is: 'least', unit: '×' } as const];
  });
}

function measure(one: Loaded, porcupine: string | undefined): Row {
  const { history, model, entry } = one;
  return {
    file: entry.file,
    ours: leastCpuMs(() => check(history, model, options)),
    plain: leastCpuMs(() => checkWithin(PLAIN_LIMIT_MS, one, { ...options, engine: 'plain' })),
    porcupine: porcupine === undefined ? (entry.porcupineCpuMs ?? 0) : run(porcupine, one),
  };
}

function run(porcupine: string, { entry, path }: Loaded): number {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < PORCUPINE_RUNS; turn++) {
    const [verdict, spent] = execFileSync(porcupine, [JSON.stringify(entry), path], {
      encoding: 'utf8',
    })
      .trim()
      .split(/\s+/);
    if (verdict === 'unsupported') return entry.porcupineCpuMs ?? 0;
    if (verdict !== entry.expected) throw new Error(`${porcupine} says ${verdict} of ${path}`);
    least = Math.min(least, Number(spent));
  }
  return least;
}

function sums(rows: readonly Row[]): Map<string, Row> {
  const families = new Map<string, Row>();
  for (const { file, ours, plain, porcupine } of rows) {
    const name = dirname(file);
    const before = families.get(name) ?? { ours: 0, plain: 0, porcupine: 0 };
    families.set(name, {
      file: name,
      ours: before.ours + ours,
      plain: before.plain + plain,
      porcupine: before.porcupine + porcupine,
    });
  }
  return families;
}

const columns = (name: string, ...rest: readonly string[]): string =>
  name.padEnd(44) + rest.map((text) => text.padStart(13)).join('');

const tell = ({ file, ours, plain, porcupine }: Row): string =>
  columns(
    file,
    ...[ours, plain, porcupine].map((value) => value.toFixed(3)),
    `${(porcupine / ours).toFixed(1)}×`,
  );

/** Violations explained: how large their cores are, and what finding and explaining one costs. */
export function benchCores(index: string, print: (line: string) => void): Goal[] {
  const bad = entriesOf(index).filter(({ expected }) => expected === 'non-linearizable');
  const sizes: number[] = [];
  const costs: number[] = [];
  let unconfirmed = 0;
  for (const entry of bad) {
    const { history, model } = load(index, entry);
    check(history, model);
    const begun = process.cpuUsage();
    const found = check(history, model);
    costs.push(cpuMs(begun));
    for (const part of found.parts) {
      if (part.verdict !== 'non-linearizable') continue;
      const { explanation } = part.violation;
      sizes.push(explanation?.core.length ?? Number.POSITIVE_INFINITY);
      if (explanation?.confirmedBy === undefined) unconfirmed++;
    }
  }
  print(
    `cores of ${costs.length} violations: median ${quantile(sizes, 0.5)} operations ` +
      `(p90 ${quantile(sizes, 0.9)}) in ${quantile(costs, 0.5).toFixed(1)} ms ` +
      `(p90 ${quantile(costs, 0.9).toFixed(1)}, most ${quantile(costs, 1).toFixed(1)}), ` +
      `${unconfirmed} not confirmed by a second engine`,
  );
  return [
    {
      what: 'operations of a core, median',
      value: quantile(sizes, 0.5),
      ...{ bound: 6, is: 'most', unit: '' },
    },
    {
      what: 'finding and explaining a violation, median',
      value: quantile(costs, 0.5),
      ...{ bound: 50, is: 'most', unit: ' ms' },
    },
  ];
}
