/** The wire tap on simulated wires: silent about right servers, and naming the peer where one is wrong. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { Anomaly } from '../../src/checker/verdict.ts';
import { bundleServer, type SourcePatch } from '../../src/harness/bundle.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import { interpret, type Recording } from '../../src/harness/interpreter.ts';
import {
  type MakeServer,
  SimulationWorld,
} from '../../src/harness/world/simulation/simulation-world.ts';
import { checkWireTap } from '../../src/harness/world/wire-tap/tap-checks.ts';
import { makeUmpireServer } from '../../src/systems/umpire.ts';
import { patchesOf, zooEntries } from '../../src/systems/zoo.ts';
import { register } from '../../workloads/register.ts';

const folder = mkdtempSync(join(tmpdir(), 'umpire-tap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly seed: string;
  readonly nemesis: readonly string[];
  readonly nodes: number;
}

function record({ seed, nemesis, nodes }: Run, makeServer: MakeServer): Recording {
  const plan = generatePlan({
    ...{ seed, nemesis, nodes, workload: register },
    ...{ concurrency: 5, timeLimitMs: 5000, world: 'simulation' },
  });
  const world = new SimulationWorld({ plan, makeServer, isTapped: true });
  let recording: Recording | undefined;
  interpret(plan, world, register, (ended) => {
    recording = ended;
  });
  const failure = world.drive(() => recording !== undefined);
  if (recording === undefined) throw new Error(failure);
  return recording;
}

function check(run: Run, makeServer: MakeServer = makeUmpireServer) {
  const { wires } = record(run, makeServer);
  if (wires === undefined) throw new Error('nothing was tapped');
  return checkWireTap(wires, run.nodes);
}

let bundles = 0;
/** A server with its sources changed. */
async function mutant(...patches: SourcePatch[]): Promise<MakeServer> {
  const outputFile = join(folder, `${bundles++}.mjs`);
  const entryPoint = 'src/systems/umpire.ts';
  await bundleServer({ entryPoint, patches, outputFile });
  const module = (await import(pathToFileURL(outputFile).href)) as {
    readonly makeUmpireServer: MakeServer;
  };
  return module.makeUmpireServer;
}

/** The first anomaly of these kinds over some seeds. */
function firstOf(kinds: readonly string[], runs: readonly Run[], make: MakeServer): Anomaly {
  for (const run of runs) {
    const anomalies = check(run, make).flatMap((result) => result.anomalies);
    const found = anomalies.find(({ kind }) => kinds.includes(kind));
    if (found !== undefined) return found;
  }
  throw new Error(`no ${kinds.join(' or ')} in ${runs.length} runs`);
}

const seeds = (count: number, nemesis: readonly string[], nodes: number): Run[] =>
  Array.from({ length: count }, (_, index) => ({ seed: `${index + 1}`, nemesis, nodes }));

describe('the wire tap in simulation', () => {
  test('right servers under partitions, kills and power losses break no rule on the wire', () => {
    const runs: readonly Run[] = [
      { seed: 'a1', nemesis: ['partition-halves', 'kill'], nodes: 3 },
      { seed: 'a2', nemesis: ['power-loss', 'partition-one-way'], nodes: 5 },
      { seed: 'a3', nemesis: ['kill-all', 'pause'], nodes: 4 },
    ];
    for (const run of runs) {
      for (const result of check(run)) {
        expect(result).toMatchObject({ verdict: 'pass', anomalies: [] });
      }
    }
  });

  test('the tap changes nothing', () => {
    const hash = (isTapped: boolean): string => {
      const plan = generatePlan({
        ...{ seed: '7', nemesis: ['kill'], nodes: 3, workload: register },
        ...{ concurrency: 3, timeLimitMs: 2000, world: 'simulation' },
      });
      const world = new SimulationWorld({ plan, makeServer: makeUmpireServer, isTapped });
      let isOver = false;
      interpret(plan, world, register, () => {
        isOver = true;
      });
      world.drive(() => isOver);
      return world.traceHash();
    };
    expect(hash(true)).toBe(hash(false));
  });

  test('half is enough: a leader without a quorum is named', async () => {
    const make = await mutant(...patchesOf(zooEntries(['half-is-enough'])));
    const kinds = ['leader-without-quorum', 'commit-without-quorum', 'two-leaders'];
    const found = firstOf(kinds, seeds(10, ['partition-halves'], 4), make);
    expect(found.nodes?.length).toBeGreaterThan(0);
  });

  test('a leader that commits with the first acknowledgement is named', async () => {
    const make = await mutant({
      file: 'src/server/core/leader.ts',
      find: 'if (this.#isEnded || !proposal.verifier.containsQuorum(proposal.acks)) return;',
      replacement: 'if (this.#isEnded || proposal.acks.size === 0) return;',
    });
    const found = firstOf(['commit-without-quorum'], seeds(3, [], 5), make);
    expect(found.message).toMatch(/leader \d committed 0x\w+ to server \d when beside itself only/);
  });

  test('a leader that activates learners before a quorum of them is named', async () => {
    const make = await mutant({
      file: 'src/server/core/leader.ts',
      find: 'if (!this.#verifier.containsQuorum(this.#newLeaderAcks)) return;',
      replacement: 'if (this.#newLeaderAcks.size < 2) return;',
    });
    const found = firstOf(['leader-without-quorum'], seeds(8, ['kill-all'], 5), make);
    expect(found.nodes).toHaveLength(1);
  });

  test('a server that acknowledges what it has not flushed is named when it has lost it', async () => {
    const make = await mutant(...patchesOf(zooEntries(['ack-before-flush'])));
    const found = firstOf(['acknowledgement-forgotten'], seeds(10, ['power-loss'], 3), make);
    expect(found.message).toContain('after it had acknowledged');
  });
});
