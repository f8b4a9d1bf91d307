/**
 * Runs in a Docker engine. One run is a network, and for each server two containers: the agent, which owns
 * the network namespace, and the server itself.
 *
 * Three things keep the engine clean: `release` at the end of a run, a watchdog process that does the same
 * when the harness dies, and a sweep at every start of what dead runs left all the same.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { messageOf } from '../../../base/thrown.ts';
import { writeZooCfg } from '../process/peer-links.ts';
import type { Injection } from '../world.ts';
import type { Examination } from './agent-protocol.ts';
import { MOUNT } from './agent-protocol.ts';
import { Capture } from './capture.ts';
import { ContainerAgent } from './container-agent.ts';
import { ContainerNetwork } from './container-network.ts';
import type { ContainerHost, Launched, LaunchRequest } from './container-world.ts';
import { type Engine, removeRun, sweep } from './docker.ts';
import { OWNER_LABEL, ownerOf, RUN_LABEL, readBootId } from './labels.ts';
import { RunWatchdog } from './run-watchdog.ts';
import { ServerContainer, type ServerImage } from './server-container.ts';

export interface DockerHostOptions {
  readonly engine: Engine;
  /** The image of agents. */
  readonly toolsImage: string;
  /** What runs as server `sid`. */
  readonly serverOf: (sid: number) => ServerImage;
  /** The bundle of watchdog-main.ts. */
  readonly watchdogFile: string;
  /** Why clocks may not be moved, beside what the host lacks. */
  readonly clockMissing?: string;
}

const CLIENT_PORT = 2181;
const QUORUM_PORT = 2888;
const ELECTION_PORT = 3888;
const PEER_PORTS = new Map([
  [QUORUM_PORT, 'quorum'],
  [ELECTION_PORT, 'election'],
] as const);
const REAPER_IMAGE = 'testcontainers/ryuk';

/** This project's server in its image, or another bundle of it in the place of the image's. */
export function umpireServer(image: string, serverFile?: string): ServerImage {
  return {
    image,
    command: ['zoo.cfg'],
    environment: { UMPIRE_TRACE: `${MOUNT}/trace.ndjson` },
    files: new Map(serverFile === undefined ? [] : [[serverFile, '/opt/umpire/main.mjs']]),
    config: [],
    isTraced: true,
  };
}

export class DockerHost implements ContainerHost {
  readonly missing: ReadonlyMap<Injection['action'], string>;
  /** Why links cannot be delayed here; undefined where they can. */
  readonly netemMissing: string | undefined;
  /** Why the wires between peers cannot be tapped here; undefined where they can. */
  readonly captureMissing: string | undefined;
  readonly #options: DockerHostOptions;

  private constructor(options: DockerHostOptions, examination: Findings) {
    this.#options = options;
    this.missing = missingOf(examination, options.clockMissing);
    this.netemMissing = examination.netem;
    this.captureMissing = examination.capture;
  }

  /** Sweeps, and tries out what faults can be had in a container of this host. */
  static async open(options: DockerHostOptions): Promise<DockerHost> {
    const { docker } = options.engine;
    await decideReaper(docker);
    await sweep(docker);
    const run = new Run(options);
    try {
      const agent = await run.startAgent('examined', 'bridge');
      const examination = await agent.examine();
      const pause = await examinePause(docker.getContainer(agent.id));
      return new DockerHost(options, { ...examination, ...(pause === undefined ? {} : { pause }) });
    } finally {
      await run.release();
    }
  }

  async launch(request: LaunchRequest): Promise<Launched> {
    const run = new Run(this.#options);
    try {
      return await run.launch(request, {
        hasClock: !this.missing.has('set-clock'),
        hasCapture: this.captureMissing === undefined,
      });
    } catch (error) {
      await run.release();
      throw error;
    }
  }
}

/** What the agent found, and whether the engine can freeze a container. */
type Findings = Examination & { readonly pause?: string };

async function examinePause(container: Docker.Container): Promise<string | undefined> {
  try {
    await container.pause();
    await container.unpause();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function missingOf(
  examination: Findings,
  clockMissing: string | undefined,
): Map<Injection['action'], string> {
  const { filter, faketime, pause, bootId } = examination;
  const missing = new Map<Injection['action'], string>([
    ['power-loss', 'a container cannot lose what the kernel holds for it'],
  ]);
  if (filter !== undefined) {
    for (const action of ['cut', 'join'] as const) missing.set(action, `packet filter: ${filter}`);
  }
  if (pause !== undefined) {
    for (const action of ['pause', 'resume'] as const)
      missing.set(action, `docker pause: ${pause}`);
  }
  const isOtherKernel = bootId !== readBootId();
  if (clockMissing !== undefined) missing.set('set-clock', clockMissing);
  else if (faketime !== undefined) missing.set('set-clock', faketime);
  else if (isOtherKernel) {
    missing.set('set-clock', 'containers run on another kernel, whose clocks cannot be compared');
  }
  return missing;
}

/** Ryuk, the reaper of testcontainers, helps where it is at hand; it is not pulled for it. */
async function decideReaper(docker: Docker): Promise<void> {
  if (process.env.TESTCONTAINERS_RYUK_DISABLED !== undefined) return;
  const images = await docker.listImages({ filters: { reference: [REAPER_IMAGE] } });
  if (images.length === 0) process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
}

class Run {
  readonly #options: DockerHostOptions;
  readonly #id = randomBytes(4).toString('hex');
  readonly #labels: Readonly<Record<string, string>>;
  readonly #watchdog: RunWatchdog;

  constructor(options: DockerHostOptions) {
    this.#options = options;
    const { engine, watchdogFile } = options;
    this.#labels = { [RUN_LABEL]: this.#id, [OWNER_LABEL]: ownerOf(process.pid) };
    this.#watchdog = new RunWatchdog(watchdogFile, engine.socketPath, this.#id);
  }

  startAgent(
    name: string,
    network: string,
    more: { readonly binds?: readonly string[]; readonly publishedPort?: number } = {},
  ): Promise<ContainerAgent> {
    const { engine, toolsImage } = this.#options;
    return ContainerAgent.start({
      docker: engine.docker,
      image: toolsImage,
      name: `umpire-${this.#id}-${name}`,
      labels: this.#labels,
      network,
      ...more,
    });
  }

  async launch(
    request: LaunchRequest,
    { hasClock, hasCapture }: { readonly hasClock: boolean; readonly hasCapture: boolean },
  ): Promise<Launched> {
    const { cluster } = request;
    const sids = Array.from({ length: cluster.nodes }, (_, index) => index + 1);
    const network = `umpire-${this.#id}`;
    await this.#options.engine.docker.createNetwork({ Name: network, Labels: this.#labels });
    const directoryOf = (sid: number): string => join(request.directory, `server-${sid}`);
    const started = sids.map(async (sid) => {
      mkdirSync(directoryOf(sid), { recursive: true });
      return await this.startAgent(`${sid}-agent`, network, {
        binds: [`${directoryOf(sid)}:${MOUNT}`],
        publishedPort: CLIENT_PORT,
      });
    });
    // All of them, also where one fails: what is under way must not start after a release.
    const agents = new Map<number, ContainerAgent>();
    for (const [index, result] of (await Promise.allSettled(started)).entries()) {
      if (result.status === 'rejected') throw result.reason;
      agents.set(sids[index] as number, result.value);
    }
    const servers = sids.map((sid) =>
      this.#makeServer(sid, directoryOf(sid), agents, request, hasClock),
    );
    const capture = hasCapture ? await Capture.start(agents, PEER_PORTS) : undefined;
    return {
      servers,
      network: new ContainerNetwork(agents, ELECTION_PORT, capture),
      release: () => this.release(),
    };
  }

  async release(): Promise<void> {
    try {
      await removeRun(this.#options.engine.docker, this.#id);
    } finally {
      this.#watchdog.close();
    }
  }

  #makeServer(
    sid: number,
    directory: string,
    agents: ReadonlyMap<number, ContainerAgent>,
    { cluster, onExit }: LaunchRequest,
    hasClock: boolean,
  ): ServerContainer {
    const peers = [...agents].map(([peer, { address }]) => ({
      sid: peer,
      host: address,
      clientHost: '0.0.0.0',
      clientPort: CLIENT_PORT,
      quorumPort: QUORUM_PORT,
      electionPort: ELECTION_PORT,
    }));
    const server = this.#options.serverOf(sid);
    const own = peers.find((peer) => peer.sid === sid) as (typeof peers)[number];
    return new ServerContainer({
      docker: this.#options.engine.docker,
      sid,
      directory,
      agent: agents.get(sid) as ContainerAgent,
      clientPort: CLIENT_PORT,
      server,
      name: `umpire-${this.#id}-${sid}`,
      labels: this.#labels,
      zooCfg: [writeZooCfg(cluster, peers, own), ...server.config, ''].join('\n'),
      hasFaketime: server.isTraced && hasClock,
      onExit,
    });
  }
}
