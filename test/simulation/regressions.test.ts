/**
 * Bugs that were found in our own server and in how it is judged, each with the shrunk plan that showed it and
 * a line of why. The plan passes on the present sources; with the bug put back, it or one of its reseeded twins
 * must fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type * as EngineModule from '../../src/cli/engine.ts';
import { bundleServer, projectRoot } from '../../src/harness/bundle.ts';
import { type Plan, parsePlan, type RunResult, runSimulated } from '../../src/harness/index.ts';
import type { Workload } from '../../src/harness/workload.ts';
import { makeUmpireServer } from '../../src/systems/umpire.ts';
import { workloads } from '../../workloads/index.ts';

const folder = join(projectRoot, 'test/regressions');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const schema = z.strictObject({
  why: z.string().min(1),
  /** What the sources said when the bug was in them. */
  bug: z.strictObject({ file: z.string(), find: z.string(), replace: z.string() }),
  plan: z.looseObject({}),
});
/** The moment of a fault moves whenever the code does; so the bug gets a few more chances. */
const TWINS = 40;

function read(name: string) {
  const { bug, plan } = schema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
  return { bug, plan: parsePlan(JSON.stringify(plan), name) };
}

function run(plan: Plan, engine?: typeof EngineModule): RunResult {
  const settings = { now: () => Date.now(), commit: null };
  if (engine === undefined) {
    const workload = workloads.get(plan.workload) as Workload;
    return runSimulated(plan, workload, { ...settings, makeServer: makeUmpireServer }).result;
  }
  const reply = engine.simulate({ type: 'run', plan, isTwice: false, keep: 'never' }, null);
  if (reply.type !== 'ran') throw new Error(JSON.stringify(reply));
  return reply.result;
}

test('there are regressions to look at', () => {
  expect(files.length).toBeGreaterThanOrEqual(2);
});

describe.each(files)('%s', (name) => {
  const { bug, plan } = read(name);

  test('is mended', () => {
    const { verdict, sentence } = run(plan);
    expect(`${verdict} ${sentence}`).not.toMatch(/^(violation|harness-error|unknown)/);
  });

  test('would be found again', async () => {
    const { file, find, replace } = bug;
    const bundle = await bundleServer({
      entryPoint: 'src/cli/engine.ts',
      patches: [{ file, find, replacement: replace }],
    });
    const engine = (await import(pathToFileURL(bundle).href)) as typeof EngineModule;
    for (let twin = 0; twin < TWINS; twin++) {
      const { verdict } = run(
        twin === 0 ? plan : { ...plan, seed: `${plan.seed}-${twin}` },
        engine,
      );
      if (verdict === 'violation') return;
    }
    expect.fail(`${TWINS} runs with the bug put back, and none failed`);
  });
});
