import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import type { Program, ProgramOutcome } from '../../src/client/core/program.ts';
import { zk } from '../../src/client/core/zk.ts';
import { faketimeLibrary } from '../../src/harness/world/process/clock-fault.ts';
import { ProcessWorld } from '../../src/harness/world/process/process-world.ts';
import type {
  Injection,
  Probe,
  ProbeResult,
  ServerFiles,
  WorldClient,
} from '../../src/harness/world/world.ts';
import { openServerBundle, type ServerBundle } from '../support/process/server-bundle.ts';

const cluster = {
  nodes: 3,
  tickTimeMs: 200,
  initLimit: 10,
  syncLimit: 5,
  snapCount: 1000,
  commitLogCount: 500,
};
const sids = [1, 2, 3];

let bundle: ServerBundle;
beforeAll(async () => {
  bundle = await openServerBundle();
});
afterAll(() => bundle.remove());

const pass = (durationMs: number): Promise<void> =>
  new Promise((passed) => {
    setTimeout(passed, durationMs);
  });

async function until(sentence: string, condition: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > 20_000) throw new Error(`never: ${sentence}`);
    await pass(50);
  }
}

class Harness {
  readonly world: ProcessWorld;
  readonly events: ProtocolEvent[] = [];

  constructor() {
    this.world = new ProcessWorld({ cluster, seed: '5eed', serverFile: bundle.serverFile });
    this.world.onEvent((event) => this.events.push(event));
  }

  async start(): Promise<void> {
    const error = await new Promise((started) => {
      this.world.start(started);
    });
    expect(error).toBeUndefined();
    await this.awaitServing(sids);
  }

  async inject(injection: Injection): Promise<void> {
    const error = await new Promise((done) => {
      this.world.inject(injection, done);
    });
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

  async leader(): Promise<number | undefined> {
    const modes = await Promise.all(sids.map((node) => this.probe({ probe: 'mode', node })));
    return sids.find((_, index) => modes[index]?.mode === 'leader');
  }

  async awaitServing(expected: readonly number[]): Promise<void> {
    await until(`${expected} serve`, async () => {
      const modes = await Promise.all(expected.map((node) => this.probe({ probe: 'mode', node })));
      const serving = modes.filter(({ mode }) => mode === 'leader' || mode === 'follower');
      return serving.length === expected.length && modes.some(({ mode }) => mode === 'leader');
    });
  }

  client(id: number, servers: readonly number[]): WorldClient {
    return this.world.openClient({ id, servers, sessionTimeoutMs: 4000, label: `c${id}` });
  }

  stop(): Promise<ReadonlyMap<number, ServerFiles>> {
    return new Promise((stopped) => {
      this.world.stop(stopped);
    });
  }
}

function run(client: WorldClient, program: Program<unknown>): Promise<ProgramOutcome> {
  return new Promise((done) => {
    client.run(program, done);
  });
}

describe('process world', () => {
  test('an ensemble serves; each fault is seen by its probe and heals', async () => {
    const harness = new Harness();
    try {
      await harness.start();
      const client = harness.client(1, sids);
      expect(await run(client, zk.create('/a', new Uint8Array([1])))).toMatchObject({ ok: true });

      expect(await harness.link(1, 2)).toBe('open');
      await harness.inject({ action: 'cut', from: 1, to: 2 });
      expect(await harness.link(1, 2)).toBe('blocked');
      expect(await harness.link(2, 1)).toBe('open');
      await harness.inject({ action: 'join', from: 1, to: 2 });
      expect(await harness.link(1, 2)).toBe('open');

      await harness.inject({ action: 'pause', node: 3 });
      expect(await harness.probe({ probe: 'process', node: 3 })).toMatchObject({ state: 'paused' });
      expect(await harness.link(1, 3)).toBe('blocked');
      await harness.inject({ action: 'resume', node: 3 });
      expect(await harness.probe({ probe: 'process', node: 3 })).toMatchObject({
        state: 'running',
      });

      await harness.inject({ action: 'kill', node: 2 });
      expect(await harness.probe({ probe: 'process', node: 2 })).toMatchObject({ state: 'dead' });
      expect(await harness.probe({ probe: 'mode', node: 2 })).toMatchObject({
        mode: 'unreachable',
      });
      await harness.inject({ action: 'start', node: 2 });
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
        expect([...names.keys()].some((name) => name.startsWith('version-2/log.'))).toBe(true);
      }
    }
    const lives = harness.events.filter(({ act, node }) => act === 'Recovered' && node === 2);
    expect(lives.map(({ incarnation }) => incarnation)).toEqual([1, 2]);
    for (const node of sids) {
      let last: readonly [number, number] = [0, 0];
      for (const event of harness.events.filter((each) => each.node === node)) {
        const { incarnation, n } = event;
        expect(incarnation === last[0] ? n === last[1] + 1 : n === 1).toBe(true);
        last = [incarnation, n];
      }
    }
  });

  test('a leader cut off from both others is replaced, and follows after the heal', async () => {
    const harness = new Harness();
    try {
      await harness.start();
      const old = (await harness.leader()) as number;
      const others = sids.filter((sid) => sid !== old);
      for (const other of others) {
        await harness.inject({ action: 'cut', from: old, to: other });
        await harness.inject({ action: 'cut', from: other, to: old });
      }
      await harness.awaitServing(others);
      await until('the old leader steps down', async () => {
        return (await harness.probe({ probe: 'mode', node: old })).mode === 'not-serving';
      });
      const client = harness.client(1, others);
      expect(await run(client, zk.create('/b', new Uint8Array([2])))).toMatchObject({ ok: true });
      for (const other of others) {
        await harness.inject({ action: 'join', from: old, to: other });
        await harness.inject({ action: 'join', from: other, to: old });
      }
      await harness.awaitServing(sids);
      expect(await harness.leader()).not.toBe(old);
      const reader = harness.client(2, [old]);
      expect(await run(reader, zk.getData('/b'))).toMatchObject({ ok: true });
    } finally {
      await harness.stop();
    }
  });

  test.skipIf(faketimeLibrary === undefined)(
    'a wall clock moves and comes back; the monotonic clock does not notice',
    async () => {
      const harness = new Harness();
      try {
        await harness.start();
        await harness.inject({ action: 'set-clock', node: 2, offsetMs: -3500 });
        const moved = await harness.probe({ probe: 'clock', node: 2 });
        expect(Math.abs(moved.wallOffsetMs + 3500)).toBeLessThan(50);
        expect(Math.abs(moved.monotonicDriftMs)).toBeLessThan(500);
        await harness.inject({ action: 'set-clock', node: 2, offsetMs: 0 });
        const healed = await harness.probe({ probe: 'clock', node: 2 });
        expect(Math.abs(healed.wallOffsetMs)).toBeLessThan(50);
      } finally {
        await harness.stop();
      }
    },
  );

  test('kill -9 of all servers loses nothing that was acknowledged', async () => {
    const harness = new Harness();
    try {
      await harness.start();
      const client = harness.client(1, sids);
      await run(client, zk.create('/c', new Uint8Array([0])));
      for (let value = 1; value <= 20; value++) {
        const outcome = await run(client, zk.setData('/c', new Uint8Array([value])));
        expect(outcome.ok).toBe(true);
      }
      for (const node of sids) await harness.inject({ action: 'kill', node });
      for (const node of sids) await harness.inject({ action: 'start', node });
      await harness.awaitServing(sids);
      for (const node of sids) {
        const reader = harness.client(10 + node, [node]);
        const outcome = await run(reader, zk.getData('/c'));
        expect(outcome).toMatchObject({ ok: true, value: { data: new Uint8Array([20]) } });
      }
    } finally {
      await harness.stop();
    }
  });

  test('nothing outlives a harness that is killed, not even a stopped server', async () => {
    const directory = bundle.directory();
    const script = join(import.meta.dirname, '../support/process/orphan-harness.ts');
    const harness = spawn(
      process.execPath,
      ['--import', 'tsx', script, bundle.serverFile, directory],
      { stdio: ['ignore', 'pipe', 'inherit'] },
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
