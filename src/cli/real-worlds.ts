/** The worlds of real servers on this host: processes, and containers where a Docker engine answers. */
import { HarnessError, type SystemName, type World, type WorldName } from '../harness/index.ts';
import type { ContainerHost } from '../harness/world/container/container-world.ts';
import type { Engine as DockerEngine } from '../harness/world/container/docker.ts';
import type { DockerHost } from '../harness/world/container/docker-host.ts';
import type { ServerImage } from '../harness/world/container/server-container.ts';
import type { RealWorldOptions } from '../harness/world/process/real-world.ts';
import type { Images } from '../systems/image.ts';
import { type Engine, serverFile, watchdogFile } from './engine-bundle.ts';
import { EnvironmentError } from './errors.ts';
import type { Shell } from './shell.ts';

export type RealWorldName = Exclude<WorldName, 'simulation'>;
export const WORLDS = ['simulation', 'process', 'container'] as const satisfies WorldName[];

export async function makeRealWorld(
  world: RealWorldName,
  engine: Engine,
  { zoo, system }: UnderTest,
  shell: Shell,
  options: RealWorldOptions,
): Promise<World> {
  if (world === 'container') {
    const host = await containerHost({ zoo, system }, shell);
    return engine.makeContainerWorld({ ...options, host });
  }
  if (system === 'umpire') {
    return engine.makeProcessWorld({ ...options, serverFile: await serverFile(zoo) });
  }
  throw new EnvironmentError({
    code: 'system-not-here',
    what: `The system ${system} runs only in containers.`,
    why: 'Processes on one loopback address reach each other only as our own servers can.',
    next: 'Use --world container.',
  });
}

/** What runs as servers. */
export interface UnderTest {
  readonly system: SystemName;
  readonly zoo: readonly string[];
}

export function describeWorld(world: RealWorldName): string {
  return world === 'process' ? 'real processes' : 'containers';
}

/** Containers where they can be had, else processes; and why. */
export async function chooseRealWorld(
  shell: Shell,
): Promise<{ readonly world: RealWorldName; readonly why: string }> {
  try {
    await containerHost({ zoo: [], system: 'umpire' }, shell);
    return { world: 'container', why: 'a Docker engine answers' };
  } catch (error) {
    if (!(error instanceof EnvironmentError || error instanceof HarnessError)) throw error;
    const reason = error instanceof EnvironmentError ? (error.why ?? error.message) : error.message;
    return { world: 'process', why: reason };
  }
}

const hosts = new Map<string, Promise<ContainerHost>>();

/** One for the whole command: engine, images and what can be injected are looked at once. */
function containerHost(tested: UnderTest, shell: Shell): Promise<ContainerHost> {
  const key = [tested.system, ...tested.zoo].join(',');
  const opening = hosts.get(key) ?? openContainerHost(tested, shell);
  hosts.set(key, opening);
  return opening;
}

/** Docker's packages are loaded only where they are used. */
async function openContainerHost(tested: UnderTest, shell: Shell): Promise<ContainerHost> {
  const { findEngine } = await import('../harness/world/container/docker.ts');
  const found = await findEngine();
  if (typeof found === 'string') {
    throw new EnvironmentError({
      code: 'no-docker-engine',
      what: 'Servers cannot run in containers here.',
      why: found,
      next: 'Start dockerd, or use --world process. See: npm run doctor',
    });
  }
  const { host } = await openDockerHost(found, tested, (text) => shell.progress.line(text));
  return host;
}

export async function openDockerHost(
  found: DockerEngine,
  { zoo, system }: UnderTest,
  say: (text: string) => void,
): Promise<{ readonly images: Images; readonly host: DockerHost }> {
  const { prepareImages } = await import('../systems/image.ts');
  const { DockerHost, umpireServer } = await import('../harness/world/container/docker-host.ts');
  const images = await prepareImages(found, { say });
  // A bug of the zoo stands in a bundle of its own, which is laid over the image's.
  const patched = zoo.length === 0 ? undefined : await serverFile(zoo);
  const own = umpireServer(images.server, patched);
  const serverOf = system === 'umpire' ? () => own : await withApache(found, system, own, say);
  const host = await DockerHost.open({
    engine: found,
    toolsImage: images.tools,
    serverOf,
    watchdogFile: await watchdogFile(),
    ...(system === 'umpire'
      ? {}
      : { clockMissing: 'Apache ZooKeeper tells no clock to verify it by' }),
  });
  return { images, host };
}

/** In a mixed ensemble every second server is Apache's. */
async function withApache(
  { docker }: DockerEngine,
  system: SystemName,
  own: ServerImage,
  say: (text: string) => void,
): Promise<(sid: number) => ServerImage> {
  const { prepareApacheImage } = await import('../systems/image-apache.ts');
  const apache = await prepareApacheImage(docker, say);
  return (sid) => (system === 'mixed' && sid % 2 === 1 ? own : apache);
}
