import { describe, expect, test } from 'vitest';
import type { ContainerAgent } from '../../../src/harness/world/container/container-agent.ts';
import { ContainerNetwork } from '../../../src/harness/world/container/container-network.ts';

/** Two agents on a wire that loses datagrams or connects, or whose first agent has died. */
class Wire {
  readonly filtered: string[] = [];
  isHeard = true;
  isReached = true;
  isFirstDead = false;
  readonly #heard = new Set<string>();

  agent(sid: number): ContainerAgent {
    const agent: Pick<ContainerAgent, 'address' | 'filter' | 'hasHeard' | 'reach'> = {
      address: `10.0.0.${sid}`,
      filter: async (task, from) => {
        this.filtered.push(`${task} at ${sid} from ${from}`);
        if (this.isFirstDead && sid === 1) throw new Error('has ended');
      },
      hasHeard: (nonce) => this.#heard.has(nonce),
      reach: async (_, __, nonce) => {
        if (this.isFirstDead && sid === 1) throw new Error('has ended');
        if (this.isHeard) this.#heard.add(nonce);
        return this.isReached;
      },
    };
    return agent as ContainerAgent;
  }

  readonly network = new ContainerNetwork(
    new Map([1, 2].map((sid) => [sid, this.agent(sid)] as const)),
    3888,
    undefined,
  );

  probe(): Promise<string> {
    return new Promise((done) => this.network.probe(1, 2, done));
  }
}

describe('packet filters between containers', () => {
  test('a cut drops the sender in the namespace of the one who should hear', async () => {
    const wire = new Wire();
    const { network } = wire;
    await new Promise<void>((done) => network.cut(1, 2, () => done()));
    await new Promise<void>((done) => network.join(1, 2, () => done()));
    expect(wire.filtered).toEqual(['drop at 2 from 10.0.0.1', 'accept at 2 from 10.0.0.1']);
  });

  test('an error of the filter is told', async () => {
    const wire = new Wire();
    wire.isFirstDead = true;
    const error = await new Promise((done) => wire.network.cut(2, 1, done));
    expect(error).toBe('has ended');
  });

  test('a link is open where anything comes through, and blocked only where nothing does', async () => {
    const wire = new Wire();
    expect(await wire.probe()).toBe('open');
    // Only the answers are lost: one direction is open still.
    wire.isReached = false;
    expect(await wire.probe()).toBe('open');
    wire.isHeard = false;
    expect(await wire.probe()).toBe('blocked');
    wire.isReached = true;
    expect(await wire.probe()).toBe('open');
  });

  test('a prober that has died proves no cut', async () => {
    const wire = new Wire();
    wire.isFirstDead = true;
    wire.isHeard = false;
    expect(await wire.probe()).toBe('unknown');
  });
});
