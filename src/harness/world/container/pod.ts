/**
 * Containers as this harness wants them: started by testcontainers, which knows the engines of this world,
 * with their standard streams attached before they run, and with this run's labels.
 */

import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import { GenericContainer, type StartedTestContainer, type WaitStrategy } from 'testcontainers';

export interface Streams {
  write(line: string): void;
  /** The container's process has ended, or the engine has. */
  readonly ended: Promise<void>;
}

export interface StreamHandlers {
  readonly onLine?: (line: string) => void;
  readonly onErrorLine?: (line: string) => void;
}

/** Attached before a start, nothing that it says is missed and its end is seen. */
export async function attach(
  docker: Docker,
  id: string,
  handlers: StreamHandlers,
  options = { hasInput: false },
): Promise<Streams> {
  const { hasInput } = options;
  const stream = await docker.getContainer(id).attach({
    stream: true,
    stdout: true,
    stderr: true,
    hijack: true,
    stdin: hasInput,
  });
  const output = new PassThrough();
  const errors = new PassThrough();
  docker.modem.demuxStream(stream, output, errors);
  createInterface({ input: output }).on('line', (line) => handlers.onLine?.(line));
  const errorLines = createInterface({ input: errors });
  errorLines.on('line', (line) => handlers.onErrorLine?.(line));
  const ended = new Promise<void>((end) => {
    const finish = (): void => {
      output.end();
      errors.end();
    };
    errorLines.on('close', () => end());
    stream.on('end', finish);
    stream.on('close', finish);
    stream.on('error', finish);
  });
  return {
    write: (line) => {
      stream.write(`${line}\n`);
    },
    ended,
  };
}

/** What readiness means is said by those who started it. */
const noWait: WaitStrategy = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => noWait,
  isStartupTimeoutSet: () => false,
  getStartupTimeout: () => 0,
};

export interface PodSettings {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly create?: ContainerCreateOptions;
  readonly host: HostConfig;
  readonly networkMode: string;
  /** Published at a free port of loopback. */
  readonly publishedPort?: number;
  /** The container exists and does not run yet. */
  readonly onCreated: (id: string) => Promise<void>;
}

class Pod extends GenericContainer {
  readonly #onCreated: PodSettings['onCreated'];

  constructor(image: string, settings: PodSettings) {
    super(image);
    const { name, labels, create, host, networkMode, publishedPort } = settings;
    this.#onCreated = settings.onCreated;
    this.withName(name).withLabels(labels).withNetworkMode(networkMode).withWaitStrategy(noWait);
    if (publishedPort !== undefined) this.withExposedPorts(publishedPort);
    Object.assign(this.createOpts, create);
    // Nothing is kept of what it says: it is read while it is said.
    Object.assign(this.hostConfig, { LogConfig: { Type: 'none', Config: {} }, ...host });
    if (publishedPort !== undefined) {
      const binding = { HostIp: '127.0.0.1', HostPort: '0' };
      this.hostConfig.PortBindings = { [`${publishedPort}/tcp`]: [binding] };
    }
  }

  protected override async containerCreated(id: string): Promise<void> {
    await this.#onCreated(id);
  }
}

export function startPod(image: string, settings: PodSettings): Promise<StartedTestContainer> {
  return new Pod(image, settings).start();
}
