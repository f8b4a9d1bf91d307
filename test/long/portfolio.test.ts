/**
 * Five thousand simulated seeds of the default portfolio on the unpatched server: no violation, no seed with
 * two traces, every goal reached. `UMPIRE_SEEDS` changes the number, `UMPIRE_SEED` the master seed, and
 * `UMPIRE_TWICE_PER_MILLE` how many of them run twice: by default all.
 */
import { writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runPortfolio } from '../../src/harness/index.ts';
import { Server } from '../../src/server/core/server.ts';
import { workloads } from '../../workloads/index.ts';

const TWICE_PER_MILLE = Number(process.env.UMPIRE_TWICE_PER_MILLE ?? 1000);

test('five thousand seeds', () => {
  const problems: string[] = [];
  let runs = 0;
  const outcome = runPortfolio(
    {
      seed: process.env.UMPIRE_SEED ?? '1a57',
      workloads: [...workloads.values()],
      concurrency: 4,
      timeLimitMs: 8000,
      maxRuns: Number(process.env.UMPIRE_SEEDS ?? 5000),
      mayGoOn: () => true,
      twicePerMille: TWICE_PER_MILLE,
      onRun: ({ result }) => {
        runs += 1;
        // The test never awaits, so its console would be heard only at the end.
        if (runs % 250 === 0) writeSync(2, `${runs} runs, ${problems.length} problems\n`);
        if (result.verdict === 'pass' || result.verdict === 'not-exercised') return;
        const problem = `${result.seed} ${result.workload} ${result.verdict}: ${result.sentence}`;
        problems.push(problem);
        writeSync(2, `${problem}\n`);
      },
    },
    { now: () => Date.now(), commit: null, makeServer: (config) => new Server(config) },
  );
  console.log(
    `${outcome.runs} runs (${outcome.ranTwice} twice), ${outcome.operations} operations, verdicts`,
    outcome.verdicts,
  );
  expect(problems).toEqual([]);
  expect(outcome.nondeterministic).toEqual([]);
  if (TWICE_PER_MILLE >= 1000) expect(outcome.ranTwice).toBe(outcome.runs);
  else expect(outcome.ranTwice).toBeGreaterThan(0);
  expect(outcome.goals.filter(({ count }) => count === 0)).toEqual([]);
  expect(outcome.verdicts.pass).toBeGreaterThan(0.95 * outcome.runs);
});
