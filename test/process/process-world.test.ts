import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zk } from '../../src/client/core/zk.ts';
import { faketimeLibrary } from '../../src/harness/world/process/clock-fault.ts';
import { ProcessWorld } from '../../src/harness/world/process/process-world.ts';
import { openServerBundle, type ServerBundle } from '../support/process/server-bundle.ts';
import { rigCluster, rigSids, run, until, WorldRig } from '../support/world-rig.ts';

let bundle: ServerBundle;
beforeAll(async () => {
  bundle = await openServerBundle();
});
afterAll(() => bundle.remove());

const openRig = (): WorldRig<ProcessWorld> =>
  new WorldRig(
    new ProcessWorld({ cluster: rigCluster, seed: '5eed', serverFile: bundle.serverFile }),
  );

describe('process world', () => {
  test('an ensemble serves; each fault is seen by its probe and heals', async () => {
    const rig = openRig();
    try {
      await rig.start();
      const client = rig.client(1, rigSids);
      expect(await run(client, zk.create('/a', new Uint8Array([1])))).toMatchObject({ ok: true });

      expect(await rig.link(1, 2)).toBe('open');
      await rig.inject({ action: 'cut', from: 1, to: 2 });
      expect(await rig.link(1, 2)).toBe('blocked');
      expect(await rig.link(2, 1)).toBe('open');
      await rig.inject({ action: 'join', from: 1, to: 2 });
      expect(await rig.link(1, 2)).toBe('open');

      await rig.inject({ action: 'pause', node: 3 });
      expect(await rig.probe({ probe: 'process', node: 3 })).toMatchObject({ state: 'paused' });
      expect(await rig.link(1, 3)).toBe('blocked');
      await rig.inject({ action: 'resume', node: 3 });
      expect(await rig.probe({ probe: 'process', node: 3 })).toMatchObject({
        state: 'running',
      });

      await rig.inject({ action: 'kill', node: 2 });
      expect(await rig.probe({ probe: 'process', node: 2 })).toMatchObject({ state: 'dead' });
      expect(await rig.probe({ probe: 'mode', node: 2 })).toMatchObject({
        mode: 'unreachable',
      });
      await rig.inject({ action: 'start', node: 2 });
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
        expect([...names.keys()].some((name) => name.startsWith('version-2/log.'))).toBe(true);
      }
    }
    const lives = rig.events.filter(({ act, node }) => act === 'Recovered' && node === 2);
    expect(lives.map(({ incarnation }) => incarnation)).toEqual([1, 2]);
    for (const node of rigSids) {
      let last: readonly [number, number] = [0, 0];
      for (const event of rig.events.filter((each) => each.node === node)) {
        const { incarnation, n } = event;
        expect(incarnation === last[0] ? n === last[1] + 1 : n === 1).toBe(true);
        last = [incarnation, n];
      }
    }
  });

  test('a leader cut off from both others is replaced, and follows after the heal', async () => {
    const rig = openRig();
    try {
      await rig.start();
      const old = (await rig.leader()) as number;
      const others = rigSids.filter((sid) => sid !== old);
      for (const other of others) {
        await rig.inject({ action: 'cut', from: old, to: other });
        await rig.inject({ action: 'cut', from: other, to: old });
      }
      await rig.awaitServing(others);
      await until('the old leader steps down', async () => {
        return (await rig.probe({ probe: 'mode', node: old })).mode === 'not-serving';
      });
      const client = rig.client(1, others);
      expect(await run(client, zk.create('/b', new Uint8Array([2])))).toMatchObject({ ok: true });
      for (const other of others) {
        await rig.inject({ action: 'join', from: old, to: other });
        await rig.inject({ action: 'join', from: other, to: old });
      }
      await rig.awaitServing(rigSids);
      expect(await rig.leader()).not.toBe(old);
      const reader = rig.client(2, [old]);
      expect(await run(reader, zk.getData('/b'))).toMatchObject({ ok: true });
    } finally {
      await rig.stop();
    }
  });

  test.skipIf(faketimeLibrary === undefined)(
    'a wall clock moves and comes back; the monotonic clock does not notice',
    async () => {
      const rig = openRig();
      try {
        await rig.start();
        await rig.inject({ action: 'set-clock', node: 2, offsetMs: -3500 });
        const moved = await rig.probe({ probe: 'clock', node: 2 });
        expect(Math.abs(moved.wallOffsetMs + 3500)).toBeLessThan(50);
        expect(Math.abs(moved.monotonicDriftMs)).toBeLessThan(500);
        await rig.inject({ action: 'set-clock', node: 2, offsetMs: 0 });
        const healed = await rig.probe({ probe: 'clock', node: 2 });
        expect(Math.abs(healed.wallOffsetMs)).toBeLessThan(50);
      } finally {
        await rig.stop();
      }
    },
  );

  test('kill -9 of all servers loses nothing that was acknowledged', async () => {
    const rig = openRig();
    try {
      await rig.start();
      const client = rig.client(1, rigSids);
      await run(client, zk.create('/c', new Uint8Array([0])));
      for (let value = 1; value <= 20; value++) {
        const outcome = await run(client, zk.setData('/c', new Uint8Array([value])));
        expect(outcome.ok).toBe(true);
      }
      for (const node of rigSids) await rig.inject({ action: 'kill', node });
      for (const node of rigSids) await rig.inject({ action: 'start', node });
      await rig.awaitServing(rigSids);
      for (const node of rigSids) {
        const reader = rig.client(10 + node, [node]);
        const outcome = await run(reader, zk.getData('/c'));
        expect(outcome).toMatchObject({ ok: true, value: { data: new Uint8Array([20]) } });
      }
    } finally {
      await rig.stop();
    }
  });

  test('nothing outlives a harness that is killed, not even a stopped server', async () => {
    const directory = bundle.directory();
    const script = join(import.meta.dirname, '../support/process/orphan-harness.ts');
    const harness = spawn(
      process.execPath,
      ['--import', 'tsx', script, bundle.serverFile, directory],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const line = await new Promise<string>((read) => {
      harness.stdout.once('data', (chunk: Buffer) => read(chunk.toString()));
    });
    const pids = JSON.parse(line) as number[];
    expect(pids).toHaveLength(2);
    harness.kill('SIGKILL');
    await until('all servers are gone', async () => pids.every((pid) => !isAlive(pid)));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
