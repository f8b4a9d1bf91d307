/**
 * One server in a container, over all its lives. Its network namespace is its agent's; its directory is one
 * of this host's, mounted: configuration goes in there, data, events and the offset of its clock.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { messageOf } from '../../../base/thrown.ts';
import {
  type ClockSetting,
  clockEnvironment,
  TRUE_CLOCK,
  writeClock,
} from '../process/clock-fault.ts';
import { readMode } from '../process/probes.ts';
import type { ModeResult, ProcessState, RealServer } from '../process/real-world.ts';
import { ServerLog } from '../process/server-log.ts';
import type { ServerExit } from '../world.ts';
import { FAKETIME_LIBRARY, MOUNT } from './agent-protocol.ts';
import type { ContainerAgent } from './container-agent.ts';
import { attach, type Streams, startPod } from './pod.ts';

/** What runs in the container: this project's server, or another one. */
export interface ServerImage {
  readonly image: string;
  /** After the image's entry point. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Further mounts, read-only: host path to container path. */
  readonly files: ReadonlyMap<string, string>;
  /** Lines of zoo.cfg that only it wants. */
  readonly config: readonly string[];
  /** It writes protocol events, by which its clocks can be read. */
  readonly isTraced: boolean;
}

export interface ServerContainerOptions {
  readonly docker: Docker;
  readonly sid: number;
  /** Its own; exists. */
  readonly directory: string;
  readonly agent: ContainerAgent;
  /** In the network namespace. */
  readonly clientPort: number;
  readonly server: ServerImage;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly zooCfg: string;
  readonly hasFaketime: boolean;
  readonly onExit: (exit: Omit<ServerExit, 'time'>) => void;
}

type Done = (error?: string) => void;

const CLOCK_FILE = 'clock-offset';
/** From here on an exit code is 128 and a signal. */
const SIGNAL_BASE = 128;

interface Life {
  readonly streams: Streams;
  isKilled: boolean;
}

export class ServerContainer implements RealServer {
  readonly sid: number;
  readonly dataDir: string;
  readonly tracePath: string;
  readonly log: ServerLog;
  readonly #options: ServerContainerOptions;
  #id: string | undefined;
  #life: Life | undefined;

  constructor(options: ServerContainerOptions) {
    const { directory, sid, zooCfg } = options;
    this.#options = options;
    this.sid = sid;
    this.dataDir = join(directory, 'data');
    this.tracePath = join(directory, 'trace.ndjson');
    this.log = new ServerLog(join(directory, 'server.log'));
    mkdirSync(this.dataDir, { recursive: true });
    writeFileSync(join(this.dataDir, 'myid'), `${sid}\n`);
    writeFileSync(join(directory, 'zoo.cfg'), zooCfg);
    writeClock(join(directory, CLOCK_FILE), TRUE_CLOCK);
  }

  get clientPort(): number {
    return this.#options.agent.port;
  }

  start(done: Done): void {
    if (this.#life !== undefined) done(`server ${this.sid} runs already`);
    else settle(this.#id === undefined ? this.#create() : this.#restart(this.#id), done);
  }

  kill(done: Done): void {
    const life = this.#life;
    if (life === undefined || this.#id === undefined) {
      done();
      return;
    }
    life.isKilled = true;
    // Gone in between, or paused: the end of its streams tells which.
    const container = this.#options.docker.getContainer(this.#id);
    const killed = container
      .kill({ signal: 'SIGKILL' })
      .catch(() => container.unpause().then(() => container.kill({ signal: 'SIGKILL' })))
      .catch(() => undefined);
    settle(
      killed.then(() => life.streams.ended),
      done,
    );
  }

  pause(done: Done): void {
    settle(this.#container().pause(), done);
  }

  resume(done: Done): void {
    settle(this.#container().unpause(), done);
  }

  setClock(setting: ClockSetting): void {
    writeClock(join(this.#options.directory, CLOCK_FILE), setting);
  }

  /** By what it does at its port, not by what the engine was told: a stopped process accepts and is silent. */
  probeProcess(done: (state: ProcessState) => void): void {
    const states = { answered: 'running', silent: 'paused', refused: 'dead' } as const;
    this.#options.agent.ask(this.#options.clientPort, 'srvr').then(
      ({ outcome }) => done(states[outcome]),
      () => done('unknown'),
    );
  }

  probeMode(done: (result: ModeResult) => void): void {
    this.#options.agent.ask(this.#options.clientPort, 'srvr').then(
      ({ text }) => done(readMode(text)),
      () => done({ probe: 'mode', mode: 'unreachable' }),
    );
  }

  async #create(): Promise<void> {
    const { server, name, labels, directory, agent, hasFaketime } = this.#options;
    const { uid = -1, gid = -1 } = { uid: process.getuid?.(), gid: process.getgid?.() };
    const library = hasFaketime ? FAKETIME_LIBRARY : undefined;
    const clock = library === undefined ? {} : clockEnvironment(`${MOUNT}/${CLOCK_FILE}`, library);
    const environment = { ...server.environment, ...clock };
    await startPod(server.image, {
      name,
      labels,
      networkMode: `container:${agent.id}`,
      create: {
        Cmd: [...server.command],
        WorkingDir: MOUNT,
        Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
        // What it writes belongs to whoever runs the harness.
        ...(uid >= 0 ? { User: `${uid}:${gid}` } : {}),
      },
      host: {
        Binds: [
          `${directory}:${MOUNT}`,
          ...[...server.files].map(([from, to]) => `${from}:${to}:ro`),
        ],
      },
      onCreated: async (id) => {
        this.#id = id;
        await this.#attach(id);
      },
    });
  }

  async #restart(id: string): Promise<void> {
    await this.#attach(id);
    await this.#options.docker.getContainer(id).start();
  }

  async #attach(id: string): Promise<void> {
    const onErrorLine = (line: string): void => this.log.add(line);
    const streams = await attach(this.#options.docker, id, { onErrorLine, onLine: onErrorLine });
    const life: Life = { streams, isKilled: false };
    this.#life = life;
    void streams.ended.then(() => this.#ended(id, life));
  }

  async #ended(id: string, life: Life): Promise<void> {
    if (this.#life === life) this.#life = undefined;
    if (life.isKilled) return;
    const container = this.#options.docker.getContainer(id);
    const code = await container.inspect().then(
      ({ State }) => State.ExitCode,
      () => -1,
    );
    const signal = code > SIGNAL_BASE ? String(code - SIGNAL_BASE) : undefined;
    this.#options.onExit(this.log.describeExit(this.sid, code, signal));
  }

  #container(): Docker.Container {
    return this.#options.docker.getContainer(this.#id ?? '');
  }
}

function settle(work: Promise<unknown>, done: Done): void {
  work.then(
    () => done(),
    (error: unknown) => done(messageOf(error)),
  );
}
