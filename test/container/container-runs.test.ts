import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  generatePlan,
  type Plan,
  type RunOutcome,
  runPlan,
  runSimulated,
  type Workload,
  type World,
} from '../../src/harness/index.ts';
import {
  type ContainerHost,
  ContainerWorld,
} from '../../src/harness/world/container/container-world.ts';
import { DockerHost, umpireServer } from '../../src/harness/world/container/docker-host.ts';
import { ProcessWorld } from '../../src/harness/world/process/process-world.ts';
import { prepareApacheImage } from '../../src/systems/image-apache.ts';
import { makeUmpireServer } from '../../src/systems/umpire.ts';
import { workloads } from '../../workloads/index.ts';
import { apacheMissing } from '../support/apache.ts';
import { engineMissing, type Lab, openLab } from '../support/container/lab.ts';
import { openServerBundle, type ServerBundle } from '../support/process/server-bundle.ts';

const settings = { now: () => Date.now(), commit: null };
const SEED = '5eed';
const apacheIsMissing = apacheMissing();

function workloadNamed(name: string): Workload {
  return workloads.get(name) as Workload;
}

function runIn(world: World, plan: Plan): Promise<RunOutcome> {
  return new Promise((ended) => {
    runPlan(plan, world, workloadNamed(plan.workload), settings, ended);
  });
}

const title = engineMissing === undefined ? '' : ` (not here: ${engineMissing})`;

describe.skipIf(engineMissing !== undefined)(`runs in containers${title}`, () => {
  let lab: Lab;
  let bundle: ServerBundle;
  beforeAll(async () => {
    lab = await openLab();
    bundle = await openServerBundle();
  });
  afterAll(() => {
    lab?.remove();
    bundle?.remove();
  });

  test.each(['register', 'counter'])(
    'a plan of one %s client without faults gives the same results in all three worlds',
    async (name) => {
      const plan = firstOperations(name, 25);
      const { cluster } = plan;
      const makeServer = makeUmpireServer;
      const simulated = runSimulated(plan, workloadNamed(name), { ...settings, makeServer });
      const { serverFile } = bundle;
      const inProcesses = await runIn(new ProcessWorld({ cluster, seed: SEED, serverFile }), plan);
      const { host } = lab;
      const inContainers = await runIn(new ContainerWorld({ cluster, seed: SEED, host }), plan);
      const expected = resultsOf(simulated);
      expect(expected.length).toBeGreaterThanOrEqual(25);
      expect(resultsOf(inProcesses)).toEqual(expected);
      expect(resultsOf(inContainers)).toEqual(expected);
      for (const { result } of [simulated, inProcesses, inContainers]) {
        expect(result.checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
      }
      expect(inContainers.result.world).toBe('container');
      expect(lookedOnWires(inContainers)).toBeGreaterThan(25);
    },
  );

  test.skipIf(apacheIsMissing !== undefined).each(['apache', 'mixed'] as const)(
    'the same plan gives the same results with a system that is %s',
    async (system) => {
      const plan: Plan = { ...firstOperations('register', 25), system };
      const apache = await prepareApacheImage(lab.engine.docker, () => {});
      const own = umpireServer(lab.images.server);
      const host = await DockerHost.open({
        ...lab.options,
        serverOf: (sid) => (system === 'mixed' && sid % 2 === 1 ? own : apache),
      });
      const world = new ContainerWorld({ cluster: plan.cluster, seed: SEED, host });
      const outcome = await runIn(world, plan);
      const makeServer = makeUmpireServer;
      const expected = runSimulated(plan, workloadNamed('register'), { ...settings, makeServer });
      expect(resultsOf(outcome)).toEqual(resultsOf(expected));
      const { checks } = outcome.result;
      expect(checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
      expect(checks.map(({ checker }) => checker)).toContain('tree-agreement');
      expect(lookedOnWires(outcome)).toBeGreaterThan(25);
    },
  );

  test('a packet filter that does nothing ends as a harness error', async () => {
    const plan = generatePlan({
      seed: SEED,
      workload: workloadNamed('register'),
      nemesis: ['partition-one'],
      nodes: 3,
      concurrency: 2,
      timeLimitMs: 3000,
      world: 'container',
    });
    expect(plan.faults).not.toEqual([]);
    const host = withInertFilter(lab.host);
    const world = new ContainerWorld({ cluster: plan.cluster, seed: SEED, host });
    const { result } = await runIn(world, plan);
    expect(result.verdict).toBe('harness-error');
    expect(result.sentence).toMatch(/could not be verified: link \d→\d blocked: seen open/);
  });

  test('a host whose packet filter does nothing says so before any run', async () => {
    const { docker } = lab.engine;
    const context = mkdtempSync(join(tmpdir(), 'umpire-inert-'));
    const tag = `umpire-test-inert:${process.pid}`;
    try {
      writeFileSync(join(context, 'iptables'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      const lines = [`FROM ${lab.images.tools}`, 'COPY iptables /usr/sbin/iptables'];
      writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
      const src = ['Dockerfile', 'iptables'];
      const stream = await docker.buildImage({ context, src }, { t: tag, rm: true });
      await new Promise((built) => docker.modem.followProgress(stream, built));
      const host = await DockerHost.open({ ...lab.options, toolsImage: tag });
      expect(host.missing.get('cut')).toBe('packet filter: iptables takes rules that do nothing');
    } finally {
      rmSync(context, { recursive: true, force: true });
      await docker.getImage(tag).remove({ force: true });
    }
  });
});

/** One client: nothing is concurrent, so that only the servers decide what it sees. */
function firstOperations(workload: string, count: number): Plan {
  const plan = generatePlan({
    seed: SEED,
    workload: workloadNamed(workload),
    nemesis: [],
    nodes: 3,
    concurrency: 1,
    timeLimitMs: 60_000,
    world: 'process',
  });
  const clients = plan.clients.map(({ id, ops }) => ({ id, ops: ops.slice(0, count) }));
  return { ...plan, clients };
}

/** What clients saw, without what depends on elections and time: zxids, sessions, servers. */
function resultsOf({ recording }: RunOutcome): unknown[] {
  return recording.history
    .filter(({ process, type }) => process !== 'nemesis' && type !== 'invoke')
    .map(({ op, f, key, type, value, error }) => ({
      op,
      f,
      key,
      type,
      value: plain(value),
      error,
    }));
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const rest: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) if (!/zxid/.test(name)) rest[name] = part;
  return rest;
}

/** What the tap between the servers saw of writes. */
function lookedOnWires({ result }: RunOutcome): number {
  return result.checks.find(({ checker }) => checker === 'tap-broadcast')?.looked ?? 0;
}

function withInertFilter(host: ContainerHost): ContainerHost {
  return {
    missing: host.missing,
    captureMissing: host.captureMissing,
    launch: async (request) => {
      const launched = await host.launch(request);
      const inert = (_: number, __: number, done: () => void): void => done();
      const { network } = launched;
      const probe = network.probe.bind(network);
      return { ...launched, network: { cut: inert, join: inert, probe } };
    },
  };
}
