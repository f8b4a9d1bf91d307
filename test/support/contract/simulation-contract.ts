/** The simulator's parts as a contract world; time passes only while a test waits. */
import { prngStream } from '../../../src/base/prng.ts';
import { SimulatedDisk } from '../../../src/harness/world/simulation/disk.ts';
import { EventQueue } from '../../../src/harness/world/simulation/event-queue.ts';
import type { Stage } from '../../../src/harness/world/simulation/host.ts';
import { type Machine, Network } from '../../../src/harness/world/simulation/network.ts';
import { ServerHost } from '../../../src/harness/world/simulation/server-host.ts';
import { TraceHash } from '../../../src/harness/world/simulation/trace-hash.ts';
import { type ContractHost, type ContractWorld, POKE, ScriptedCore } from './contract-world.ts';

const MAX_EVENTS = 1_000_000;

class SimulatedHost implements ContractHost {
  readonly address: string;
  readonly directory = '/data';
  core = new ScriptedCore();
  readonly #stage: Stage;
  readonly #sid: number;
  readonly #machine: Machine;
  readonly #disk: SimulatedDisk;
  #life: ServerHost;
  #lives = 0;

  constructor(stage: Stage, sid: number) {
    this.#stage = stage;
    this.#sid = sid;
    this.address = `10.0.0.${sid}`;
    this.#machine = {
      name: `${sid}`,
      address: this.address,
      isPowered: true,
      listeners: new Map(),
    };
    stage.network.addMachine(this.#machine);
    this.#disk = new SimulatedDisk({
      queue: stage.queue,
      prng: prngStream(stage.seed, `disk/${sid}`),
      flushLatencyUs: [500, 5000],
      chances: { tornPerMille: 0, lostPerMille: 1000 },
    });
    this.#life = this.#open();
  }

  poke(): void {
    this.#life.enqueue({ type: 'timer-fired', timer: POKE });
  }

  kill(): void {
    this.#life.end();
    this.#stage.network.resetAll(this.#machine);
    this.#disk.kill();
  }

  start(): void {
    this.core = new ScriptedCore();
    this.#life = this.#open();
  }

  #open(): ServerHost {
    return new ServerHost({
      stage: this.#stage,
      machine: this.#machine,
      sid: this.#sid,
      incarnation: ++this.#lives,
      core: this.core,
      disk: this.#disk,
      clock: {
        uptimeMs: 1000 * this.#sid,
        wall: { offsetMs: 0, ratePerMille: 1000, sinceUs: 0 },
      },
      onTrace: () => {},
      onLog: () => {},
      onExit: (_code, reason) => {
        throw new Error(reason);
      },
    });
  }
}

export async function openSimulationWorld(seed: string): Promise<ContractWorld> {
  const queue = new EventQueue();
  const network = new Network({ queue, seed, latencyUs: [50, 2000], splitPerMille: 300 });
  const stage: Stage = { queue, network, hash: new TraceHash(), seed, epochMs: 1_767_225_600_000 };
  const hosts = new Map<string, SimulatedHost>();
  let nextPort = 4000;
  const drive = (isDone: () => boolean): boolean => {
    for (let taken = 0; taken < MAX_EVENTS; taken++) {
      if (isDone()) return true;
      const action = queue.take();
      if (action === undefined) return isDone();
      action();
    }
    return false;
  };
  return {
    overwhelmingBytes: 2 << 20,
    host(name) {
      const known = hosts.get(name);
      if (known !== undefined) return known;
      const host = new SimulatedHost(stage, hosts.size + 1);
      hosts.set(name, host);
      return host;
    },
    async until(sentence, condition) {
      if (!drive(condition)) throw new Error(`never: ${sentence}`);
    },
    async pass(durationMs) {
      let isOver = false;
      queue.after(durationMs * 1000, () => {
        isOver = true;
      });
      drive(() => isOver);
    },
    freePort: async () => nextPort++,
    async stop() {
      queue.clear();
    },
  };
}
