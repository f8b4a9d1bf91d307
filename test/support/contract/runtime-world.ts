/** The real runtime as a contract world: drivers in this process on loopback and a temporary directory. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/server/runtime/clock.ts';
import { Driver } from '../../../src/server/runtime/driver.ts';
import { silentLog } from '../../../src/server/runtime/log.ts';
import { type ContractHost, type ContractWorld, POKE, ScriptedCore } from './contract-world.ts';

class RuntimeHost implements ContractHost {
  readonly address = '127.0.0.1';
  readonly directory: string;
  core = new ScriptedCore();
  #driver: Driver;
  #lives = 0;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory);
    this.#driver = this.#open();
  }

  poke(): void {
    this.#driver.enqueue({ type: 'timer-fired', timer: POKE });
  }

  kill(): void {
    this.#driver.abandon();
  }

  start(): void {
    this.core = new ScriptedCore();
    this.#driver = this.#open();
  }

  #open(): Driver {
    const driver = new Driver({
      core: this.core,
      clock: systemClock,
      log: silentLog,
      lateTimerMs: 1000,
      onHalt: (_code, reason) => {
        throw new Error(reason);
      },
    });
    driver.start(++this.#lives, 'contract');
    return driver;
  }
}

export async function openRuntimeWorld(): Promise<ContractWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'umpire-contract-'));
  const hosts = new Map<string, RuntimeHost>();
  const pass = (durationMs: number): Promise<void> =>
    new Promise((passed) => {
      setTimeout(passed, durationMs);
    });
  return {
    overwhelmingBytes: 64 << 20,
    host(name) {
      const known = hosts.get(name);
      if (known !== undefined) return known;
      const host = new RuntimeHost(join(directory, name));
      hosts.set(name, host);
      return host;
    },
    async until(sentence, condition) {
      const startedMs = performance.now();
      while (!condition()) {
        if (performance.now() - startedMs > 10_000) throw new Error(`never: ${sentence}`);
        await pass(2);
      }
    },
    pass,
    freePort: () =>
      new Promise((found) => {
        const probe = createServer();
        probe.listen({ host: '127.0.0.1', port: 0 }, () => {
          const address = probe.address();
          const port = typeof address === 'object' && address !== null ? address.port : 0;
          probe.close(() => found(port));
        });
      }),
    async stop() {
      for (const host of hosts.values()) host.kill();
      await pass(20);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
