import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Program, ProgramOutcome } from '../../src/client/core/program.ts';
import { zk } from '../../src/client/core/zk.ts';
import { ContainerWorld } from '../../src/harness/world/container/container-world.ts';
import { sweep } from '../../src/harness/world/container/docker.ts';
import type { DockerHost } from '../../src/harness/world/container/docker-host.ts';
import { OWNER_LABEL, RUN_LABEL } from '../../src/harness/world/container/labels.ts';
import type {
  Injection,
  Probe,
  ProbeResult,
  ServerFiles,
  WorldClient,
} from '../../src/harness/world/world.ts';
import { engineMissing, type Lab, namesOf, openLab } from '../support/container/lab.ts';

const cluster = {
  nodes: 3,
  tickTimeMs: 200,
  initLimit: 10,
  syncLimit: 5,
  snapCount: 1000,
  commitLogCount: 500,
};
const sids = [1, 2, 3];

async function until(sentence: string, condition: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > 30_000) throw new Error(`never: ${sentence}`);
    await new Promise((passed) => setTimeout(passed, 100));
  }
}

class Harness {
  readonly world: ContainerWorld;

  constructor(host: DockerHost) {
    this.world = new ContainerWorld({ cluster, seed: '5eed', host });
  }

  async start(): Promise<void> {
    const error = await new Promise((started) => this.world.start(started));
    expect(error).toBeUndefined();
    await this.awaitServing(sids);
  }

  async inject(injection: Injection): Promise<void> {
    const error = await new Promise((done) => this.world.inject(injection, done));
    expect(error).toBeUndefined();
  }

  probe<P extends Probe['probe']>(
    probe: Extract<Probe, { probe: P }>,
  ): Promise<Extract<ProbeResult, { probe: P }>> {
    return new Promise((done) => {
      this.world.probe(probe, (result) => done(result as Extract<ProbeResult, { probe: P }>));
    });
  }

  link(from: number, to: number): Promise<string> {
    return this.probe({ probe: 'link', from, to }).then(({ state }) => state);
  }

  async awaitProcess(node: number, state: string): Promise<void> {
    await until(`server ${node} is ${state}`, async () => {
      return (await this.probe({ probe: 'process', node })).state === state;
    });
  }

  async modes(): Promise<string[]> {
    const asked = sids.map((node) => this.probe({ probe: 'mode', node }));
    return (await Promise.all(asked)).map(({ mode }) => mode);
  }

  async awaitServing(expected: readonly number[]): Promise<void> {
    await until(`${expected} serve`, async () => {
      const modes = await this.modes();
      const own = expected.map((sid) => modes[sid - 1] ?? '');
      return own.every((mode) => /leader|follower/.test(mode)) && own.includes('leader');
    });
  }

  client(id: number, servers: readonly number[]): WorldClient {
    return this.world.openClient({ id, servers, sessionTimeoutMs: 4000, label: `c${id}` });
  }

  stop(): Promise<ReadonlyMap<number, ServerFiles>> {
    return new Promise((stopped) => this.world.stop(stopped));
  }
}

function run(client: WorldClient, program: Program<unknown>): Promise<ProgramOutcome> {
  return new Promise((done) => {
    client.run(program, done);
  });
}

const title = engineMissing === undefined ? '' : ` (not here: ${engineMissing})`;

describe.skipIf(engineMissing !== undefined)(`container world${title}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab?.remove());

  test('what this host cannot inject has been tried out', () => {
    expect([...lab.host.missing.keys()]).toContain('power-loss');
    for (const reason of lab.host.missing.values()) expect(reason).not.toBe('');
  });

  test('an ensemble serves; each fault is seen by its probe and heals', async () => {
    const harness = new Harness(lab.host);
    try {
      await harness.start();
      const client = harness.client(1, sids);
      expect(await run(client, zk.create('/a', new Uint8Array([1])))).toMatchObject({ ok: true });

      await harness.inject({ action: 'cut', from: 1, to: 2 });
      expect(await harness.link(1, 2)).toBe('blocked');
      expect(await harness.link(2, 1)).toBe('open');
      await harness.inject({ action: 'join', from: 1, to: 2 });
      expect(await harness.link(1, 2)).toBe('open');

      await harness.inject({ action: 'pause', node: 3 });
      await harness.awaitProcess(3, 'paused');
      await harness.inject({ action: 'resume', node: 3 });
      await harness.awaitProcess(3, 'running');

      await harness.inject({ action: 'kill', node: 2 });
      await harness.awaitProcess(2, 'dead');
      await harness.inject({ action: 'start', node: 2 });
      await harness.awaitServing(sids);
      // A killed server that was cut off is cut off still when it comes back.
      await harness.inject({ action: 'cut', from: 2, to: 3 });
      await harness.inject({ action: 'kill', node: 3 });
      await harness.inject({ action: 'start', node: 3 });
      expect(await harness.link(2, 3)).toBe('blocked');
      await harness.inject({ action: 'join', from: 2, to: 3 });
      await harness.awaitServing(sids);
      const reader = harness.client(2, [2]);
      expect(await run(reader, zk.getData('/a'))).toMatchObject({
        ok: true,
        value: { data: new Uint8Array([1]), server: 2 },
      });
      expect(harness.world.exits()).toEqual([]);
    } finally {
      const files = await harness.stop();
      expect([...files.keys()]).toEqual(sids);
      for (const names of files.values()) {
        expect([...names.keys()]).toContain('version-2/currentEpoch');
        expect([...names.keys()]).toContain('server.log');
        expect([...names.keys()].some((name) => name.startsWith('version-2/log.'))).toBe(true);
      }
    }
  });

  test('a wall clock moves and comes back; the monotonic clock does not notice', async (context) => {
    const why = lab.host.missing.get('set-clock');
    if (why !== undefined) context.skip(why);
    const harness = new Harness(lab.host);
    try {
      await harness.start();
      await harness.inject({ action: 'set-clock', node: 2, offsetMs: -3500 });
      const moved = await harness.probe({ probe: 'clock', node: 2 });
      expect(Math.abs(moved.wallOffsetMs + 3500)).toBeLessThan(250);
      expect(Math.abs(moved.monotonicDriftMs)).toBeLessThan(500);
      await harness.inject({ action: 'set-clock', node: 2, offsetMs: 0 });
      const healed = await harness.probe({ probe: 'clock', node: 2 });
      expect(Math.abs(healed.wallOffsetMs)).toBeLessThan(250);
    } finally {
      await harness.stop();
    }
  });

  test('nothing outlives a harness that is killed, not even a paused server', async () => {
    const script = join(import.meta.dirname, '../support/container/orphan-harness.ts');
    const harness = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((read) => {
      harness.stdout.once('data', (chunk: Buffer) => read(chunk.toString()));
    });
    const id = JSON.parse(line) as string;
    expect(id).not.toBe('');
    const left = () => namesOf(lab.engine, (name) => name === id);
    // Two servers, two agents, one network.
    expect(await left()).toHaveLength(5);
    harness.kill('SIGKILL');
    await until('its containers and network are gone', async () => (await left()).length === 0);
  });

  test('a start sweeps what a dead run left, and nothing of the living', async () => {
    const { docker } = lab.engine;
    const network = async (run: string, owner: string) => {
      const Labels = { [RUN_LABEL]: run, [OWNER_LABEL]: owner };
      await docker.createNetwork({ Name: `umpire-${run}`, Labels });
    };
    const [dead, living] = [`test-dead-${process.pid}`, `test-living-${process.pid}`];
    const { ownerOf } = await import('../../src/harness/world/container/labels.ts');
    await network(dead, 'an-earlier-boot/1/1');
    await network(living, ownerOf(process.pid));
    try {
      const swept = await sweep(docker);
      expect(swept.networks).toContain(`umpire-${dead}`);
      expect(await namesOf(lab.engine, (run) => run === dead)).toEqual([]);
      expect(await namesOf(lab.engine, (run) => run === living)).toEqual([`umpire-${living}`]);
    } finally {
      await docker.getNetwork(`umpire-${living}`).remove();
    }
  });
});
