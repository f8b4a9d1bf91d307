/**
 * What the checkers cost: `npx tsx bench/checkers/main.ts [SECTION…] [--data PATH] [--porcupine PROGRAM] [--json]`.
 *
 * PATH holds `histories/index.json`, an index as `umpire check --index` takes it, and `synthetic/`, either with
 * a `manifest.json` in the same format or with a `suite.mjs` that writes one and its histories into a directory.
 * All figures are processor time; exit 1 where a promised one is missed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleServer } from '../../src/harness/bundle.ts';
import { benchGenerated } from './generated.ts';
import { type Goal, isMet, tellGoal } from './measure.ts';
import type { MillionResult, Subject } from './million-run.ts';
import { benchCores, benchRecorded } from './recorded.ts';

const RUNS = 3;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    porcupine: { type: 'string' },
    json: { type: 'boolean' },
  },
});

const lines: string[] = [];
const print = (line: string): void => {
  lines.push(line);
  if (flags.json !== true) process.stdout.write(`${line}\n`);
};

function skipped(section: string): Goal[] {
  print(`${section}: skipped: give --data PATH`);
  return [];
}

function fromIndex(section: string, bench: (index: string) => Goal[]): Goal[] {
  const index = flags.data === undefined ? undefined : join(flags.data, 'histories/index.json');
  return index === undefined ? skipped(section) : bench(index);
}

function generated(): Goal[] {
  if (flags.data === undefined) return skipped('generated');
  const manifest = join(flags.data, 'synthetic/manifest.json');
  if (existsSync(manifest)) return benchGenerated(manifest, print);
  const directory = mkdtempSync(join(tmpdir(), 'umpire-histories-'));
  try {
    const suite = join(flags.data, 'synthetic/suite.mjs');
    const { status, stderr } = spawnSync(process.execPath, [suite, directory], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return benchGenerated(join(directory, 'manifest.json'), print);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function million(): Promise<Goal[]> {
  const file = await bundleServer({ entryPoint: 'bench/checkers/million-run.ts' });
  const goals: Goal[] = [];
  for (const [subject, bound] of [
    ['register', 2],
    ['queue', 2],
    ['zookeeper', 5],
  ] as const) {
    const runs = Array.from({ length: RUNS }, () => runMillion(file, subject));
    const { madeMs, pushedMs, firstMs, checkedMs, verdict, engine, peakMegabytes } = runs.reduce(
      (a, b) => (b.checkedMs < a.checkedMs ? b : a),
    );
    const pushed = pushedMs === undefined ? '' : ` (pushed: ${pushedMs.toFixed(0)} ms)`;
    print(
      `1 000 000 operations of ${subject}: made and pushed in ${madeMs.toFixed(0)} ms${pushed}, ${verdict} by ${engine} ` +
        `in ${checkedMs.toFixed(0)} ms (first turn ${firstMs.toFixed(0)} ms), at most ${peakMegabytes.toFixed(0)} MB`,
    );
    const what = `a million operations of ${subject}`;
    goals.push({ what, value: checkedMs / 1000, bound, is: 'most', unit: ' s' });
    if (subject === 'zookeeper') continue;
    goals.push({ what, value: peakMegabytes, bound: 500, is: 'most', unit: ' MB' });
  }
  rmSync(dirname(file), { recursive: true });
  return goals;
}

function runMillion(file: string, subject: Subject): MillionResult {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=8192', file, subject],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as MillionResult;
}

const sections: Readonly<Record<string, () => Goal[] | Promise<Goal[]>>> = {
  recorded: () => fromIndex('recorded', (index) => benchRecorded(index, flags.porcupine, print)),
  cores: () => fromIndex('cores', (index) => benchCores(index, print)),
  generated,
  million,
};

const goals: Goal[] = [];
for (const name of positionals.length === 0 ? Object.keys(sections) : positionals) {
  const section = sections[name];
  if (section === undefined) {
    process.stderr.write(`no section ${name}; there are ${Object.keys(sections).join(', ')}\n`);
    process.exit(64);
  }
  goals.push(...(await section()));
}
const machine = { cores: availableParallelism(), load: loadavg()[0], node: process.version };
if (flags.json === true) process.stdout.write(`${JSON.stringify({ machine, goals, lines })}\n`);
else for (const line of [...goals.map(tellGoal), JSON.stringify(machine)]) print(line);
process.exitCode = goals.every(isMet) ? 0 : 1;
