/**
 * How fast models are checked: `npx tsx bench/spec/speed.ts [--json]`. Each model is searched in turns in the
 * same run, by the kernel and by a plain breadth-first search that keeps states as JSON text; the least of
 * the turns counts, for whatever else a machine does only adds to it. TLC's figures stand beside them with their
 * date. Exit 1 where a bound is missed.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { dirname } from 'node:path';
import { models } from '../../spec/models/index.ts';
import { bundleServer } from '../../src/harness/bundle.ts';
import type { Measured } from './variant.ts';

interface Case {
  readonly model: string;
  readonly scope: Readonly<Record<string, number>>;
  /** Null: all of them. */
  readonly invariants: readonly string[] | null;
  readonly distinct: number;
  readonly mostSeconds: number;
  readonly mostMegabytes?: number;
  readonly tlc: string;
}

const cases: readonly Case[] = [
  {
    model: 'paxos',
    scope: { acceptors: 3, values: 2, ballots: 3 },
    invariants: ['agreement'],
    distinct: 185_369,
    mostSeconds: 3,
    mostMegabytes: 250,
    tlc: '29 s, 2.7 GB (one worker, 2026-11)',
  },
  {
    model: 'zab',
    scope: { servers: 3, timeouts: 1, txns: 2, epochs: 2, restarts: 0 },
    invariants: null,
    distinct: 351_844,
    mostSeconds: 60,
    tlc: '83 CPU s, 3.4 GB (2026-11)',
  },
];

const LEAST_RATIO = 2;
const TURNS = 3;
const asJson = process.argv.includes('--json');
const file = await bundleServer({ entryPoint: 'bench/spec/variant.ts' });

function measure(variant: 'kernel' | 'json', { model, scope, invariants }: Case): Measured {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=8192', file, JSON.stringify([variant, model, scope, invariants])],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Measured;
}

const least = (turns: readonly Measured[]): Measured => ({
  ...(turns[0] as Measured),
  wallSeconds: Math.min(...turns.map(({ wallSeconds }) => wallSeconds)),
  cpuSeconds: Math.min(...turns.map(({ cpuSeconds }) => cpuSeconds)),
  peakMegabytes: Math.max(...turns.map(({ peakMegabytes }) => peakMegabytes)),
});

const show = ({ wallSeconds, cpuSeconds, peakMegabytes }: Measured): string =>
  `${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s, ${peakMegabytes.toFixed(0)} MB`;

const known = cases.filter(({ model }) => models.has(model));
const results = known.map((one) => {
  const turns = Array.from({ length: TURNS }, () => ({
    kernel: measure('kernel', one),
    json: measure('json', one),
  }));
  const kernel = least(turns.map((turn) => turn.kernel));
  const json = least(turns.map((turn) => turn.json));
  // CPU time, because it suffers less from what else the machine does.
  const ratio = json.cpuSeconds / kernel.cpuSeconds;
  const problems = [
    ...(kernel.distinct === one.distinct ? [] : [`${kernel.distinct} states, not ${one.distinct}`]),
    ...(json.distinct === kernel.distinct ? [] : [`the plain search finds ${json.distinct}`]),
    ...(kernel.wallSeconds <= one.mostSeconds ? [] : [`slower than ${one.mostSeconds} s`]),
    ...(kernel.peakMegabytes <= (one.mostMegabytes ?? Number.POSITIVE_INFINITY)
      ? []
      : [`more than ${one.mostMegabytes} MB`]),
    ...(ratio >= LEAST_RATIO ? [] : [`only ${ratio.toFixed(1)} times as fast as the plain search`]),
  ];
  if (!asJson) {
    process.stdout.write(
      `${one.model} ${JSON.stringify(one.scope)}, ${one.invariants?.join(', ') ?? 'all invariants'}\n` +
        `  ${kernel.distinct} states, depth ${kernel.depth}\n` +
        `  kernel      ${show(kernel)}\n` +
        `  plain JSON  ${show(json)}: ${ratio.toFixed(1)} times the CPU time\n` +
        `  TLC         ${one.tlc}\n` +
        problems.map((problem) => `  MISSED: ${problem}\n`).join(''),
    );
  }
  return { ...one, kernel, json, ratio, problems };
});
const machine = { cores: availableParallelism(), load: loadavg()[0], node: process.version };
if (asJson) process.stdout.write(`${JSON.stringify({ machine, results })}\n`);
else process.stdout.write(`${JSON.stringify(machine)}\n`);
rmSync(dirname(file), { recursive: true });
process.exitCode = results.some(({ problems }) => problems.length > 0) ? 1 : 0;
