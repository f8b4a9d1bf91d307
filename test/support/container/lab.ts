/** The container world as its tests want it: engine, images and host, made once for a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, findEngine } from '../../../src/harness/world/container/docker.ts';
import {
  DockerHost,
  type DockerHostOptions,
  umpireServer,
} from '../../../src/harness/world/container/docker-host.ts';
import { RUN_LABEL } from '../../../src/harness/world/container/labels.ts';
import { bundleWatchdog, type Images, prepareImages } from '../../../src/systems/image.ts';

const found = await findEngine();

/** Why nothing can be tested here; undefined where a Docker engine answers. */
export const engineMissing = typeof found === 'string' ? found : undefined;

export interface Lab {
  readonly engine: Engine;
  readonly images: Images;
  readonly host: DockerHost;
  readonly options: DockerHostOptions;
  remove(): void;
}

export async function openLab(): Promise<Lab> {
  if (typeof found === 'string') throw new Error(found);
  const images = await prepareImages(found, {});
  const folder = mkdtempSync(join(tmpdir(), 'umpire-lab-'));
  const options: DockerHostOptions = {
    engine: found,
    toolsImage: images.tools,
    serverOf: () => umpireServer(images.server),
    watchdogFile: await bundleWatchdog(join(folder, 'watchdog.mjs')),
  };
  return {
    engine: found,
    images,
    options,
    host: await DockerHost.open(options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Names of containers and networks of these runs that are in the engine. */
export async function namesOf(engine: Engine, isOurs: (run: string) => boolean): Promise<string[]> {
  const filters = { label: [RUN_LABEL] };
  const containers = await engine.docker.listContainers({ all: true, filters });
  const networks = await engine.docker.listNetworks({ filters });
  return [
    ...containers.map(({ Names, Labels }) => [Names[0] ?? '', Labels[RUN_LABEL] ?? ''] as const),
    ...networks.map(({ Name, Labels }) => [Name, Labels?.[RUN_LABEL] ?? ''] as const),
  ].flatMap(([name, run]) => (isOurs(run) ? [name] : []));
}
