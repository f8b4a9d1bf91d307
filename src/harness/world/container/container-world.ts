/**
 * The container world: servers are Docker containers on a network of their own, clients live in the
 * harness's process and reach them by ports published on loopback, through a proxy per client and server.
 *
 * Everything that speaks to Docker is behind `ContainerHost` (docker-host.ts), so that this file can be in
 * one bundle with patched clients and workloads.
 */
import type { ClusterSpec } from '../../plan.ts';
import {
  type PeerNetwork,
  type RealServer,
  RealWorld,
  type RealWorldOptions,
} from '../process/real-world.ts';
import type { Injection, ServerExit } from '../world.ts';

export interface LaunchRequest {
  readonly cluster: ClusterSpec;
  /** Directories of the servers are made in it. */
  readonly directory: string;
  readonly onExit: (exit: Omit<ServerExit, 'time'>) => void;
}

/** Containers of one run, made and not yet serving. */
export interface Launched {
  readonly servers: readonly RealServer[];
  readonly network: PeerNetwork;
  /** Removes all of it from the engine. */
  release(): Promise<void>;
}

export interface ContainerHost {
  readonly missing: ReadonlyMap<Injection['action'], string>;
  /** Why the wires between peers cannot be tapped; undefined where they can. */
  readonly captureMissing: string | undefined;
  /** Where it fails it leaves nothing behind. */
  launch(request: LaunchRequest): Promise<Launched>;
}

export interface ContainerWorldOptions extends RealWorldOptions {
  readonly host: ContainerHost;
}

export class ContainerWorld extends RealWorld {
  readonly name = 'container';
  readonly #containerOptions: ContainerWorldOptions;
  #launched: Launched | undefined;

  constructor(options: ContainerWorldOptions) {
    super(options);
    this.#containerOptions = options;
  }

  get missing(): ReadonlyMap<Injection['action'], string> {
    return this.#containerOptions.host.missing;
  }

  environment(): Readonly<Record<string, string>> {
    const { captureMissing } = this.#containerOptions.host;
    const peers = captureMissing === undefined ? ', election, quorum' : ` alone: ${captureMissing}`;
    return { 'wires tapped': `client${peers}` };
  }

  protected async prepare(): Promise<Launched> {
    const { host, cluster } = this.#containerOptions;
    const { directory } = this;
    const onExit = (exit: Omit<ServerExit, 'time'>): void => this.serverEnded(exit);
    this.#launched = await host.launch({ cluster, directory, onExit });
    return this.#launched;
  }

  protected async release(): Promise<void> {
    await this.#launched?.release();
  }
}
