/** A world of three real servers for tests: its callbacks as promises, and what servers should come to. */
import { expect } from 'vitest';
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import type { Program, ProgramOutcome } from '../../src/client/core/program.ts';
import type {
  Injection,
  Probe,
  ProbeResult,
  ServerFiles,
  World,
  WorldClient,
} from '../../src/harness/world/world.ts';

export const rigCluster = {
  nodes: 3,
  tickTimeMs: 200,
  initLimit: 10,
  syncLimit: 5,
  snapCount: 1000,
  commitLogCount: 500,
};
export const rigSids: readonly number[] = [1, 2, 3];

const LIMIT_MS = 30_000;

const pass = (durationMs: number): Promise<void> =>
  new Promise((passed) => {
    setTimeout(passed, durationMs);
  });

export async function until(sentence: string, condition: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > LIMIT_MS) throw new Error(`never: ${sentence}`);
    await pass(50);
  }
}

export function run(client: WorldClient, program: Program<unknown>): Promise<ProgramOutcome> {
  return new Promise((done) => {
    client.run(program, done);
  });
}

export class WorldRig<W extends World> {
  readonly world: W;
  readonly events: ProtocolEvent[] = [];

  constructor(world: W) {
    this.world = world;
    world.onEvent((event) => this.events.push(event));
  }

  async start(): Promise<void> {
    const error = await new Promise((started) => {
      this.world.start(started);
    });
    expect(error).toBeUndefined();
    await this.awaitServing(rigSids);
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
    const modes = await this.#modes(rigSids);
    return rigSids.find((_, index) => modes[index] === 'leader');
  }

  async awaitProcess(node: number, state: string): Promise<void> {
    await until(`server ${node} is ${state}`, async () => {
      return (await this.probe({ probe: 'process', node })).state === state;
    });
  }

  async awaitServing(expected: readonly number[]): Promise<void> {
    await until(`${expected} serve`, async () => {
      const modes = await this.#modes(expected);
      return modes.every((mode) => /leader|follower/.test(mode)) && modes.includes('leader');
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

  async #modes(nodes: readonly number[]): Promise<readonly string[]> {
    const asked = nodes.map((node) => this.probe({ probe: 'mode', node }));
    return (await Promise.all(asked)).map(({ mode }) => mode);
  }
}
