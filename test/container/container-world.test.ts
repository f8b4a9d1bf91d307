import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zk } from '../../src/client/core/zk.ts';
import { ContainerWorld } from '../../src/harness/world/container/container-world.ts';
import { sweep } from '../../src/harness/world/container/docker.ts';
import type { DockerHost } from '../../src/harness/world/container/docker-host.ts';
import { OWNER_LABEL, RUN_LABEL } from '../../src/harness/world/container/labels.ts';
import { engineMissing, type Lab, namesOf, openLab } from '../support/container/lab.ts';
import { rigCluster, rigSids, run, until, WorldRig } from '../support/world-rig.ts';

const openRig = (host: DockerHost): WorldRig<ContainerWorld> =>
  new WorldRig(new ContainerWorld({ cluster: rigCluster, seed: '5eed', host }));

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
    const rig = openRig(lab.host);
    try {
      await rig.start();
      const client = rig.client(1, rigSids);
      expect(await run(client, zk.create('/a', new Uint8Array([1])))).toMatchObject({ ok: true });

      await rig.inject({ action: 'cut', from: 1, to: 2 });
      expect(await rig.link(1, 2)).toBe('blocked');
      expect(await rig.link(2, 1)).toBe('open');
      await rig.inject({ action: 'join', from: 1, to: 2 });
      expect(await rig.link(1, 2)).toBe('open');

      await rig.inject({ action: 'pause', node: 3 });
      await rig.awaitProcess(3, 'paused');
      await rig.inject({ action: 'resume', node: 3 });
      await rig.awaitProcess(3, 'running');

      await rig.inject({ action: 'kill', node: 2 });
      await rig.awaitProcess(2, 'dead');
      await rig.inject({ action: 'start', node: 2 });
      await rig.awaitServing(rigSids);
      // A killed server that was cut off is cut off still when it comes back.
      await rig.inject({ action: 'cut', from: 2, to: 3 });
      await rig.inject({ action: 'kill', node: 3 });
      await rig.inject({ action: 'start', node: 3 });
      expect(await rig.link(2, 3)).toBe('blocked');
      await rig.inject({ action: 'join', from: 2, to: 3 });
      await rig.awaitServing(rigSids);
      const reader = rig.client(2, [2]);
      expect(await run(reader, zk.getData('/a'))).toMatchObject({
        ok: true,
        value: { data: new Uint8Array([1]), server: 2 },
      });
      expect(rig.world.exits()).toEqual([]);
    } finally {
      const files = await rig.stop();
      expect([...files.keys()]).toEqual(rigSids);
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
    const rig = openRig(lab.host);
    try {
      await rig.start();
      await rig.inject({ action: 'set-clock', node: 2, offsetMs: -3500 });
      const moved = await rig.probe({ probe: 'clock', node: 2 });
      expect(Math.abs(moved.wallOffsetMs + 3500)).toBeLessThan(250);
      expect(Math.abs(moved.monotonicDriftMs)).toBeLessThan(500);
      await rig.inject({ action: 'set-clock', node: 2, offsetMs: 0 });
      const healed = await rig.probe({ probe: 'clock', node: 2 });
      expect(Math.abs(healed.wallOffsetMs)).toBeLessThan(250);
    } finally {
      await rig.stop();
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
