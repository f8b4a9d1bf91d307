/** The Docker engine of this host: where it answers, and what of ours is in it. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import Docker, { type ImageInfo } from 'dockerode';
import { messageOf } from '../../../base/thrown.ts';
import { IMAGE_LABEL, isOwnerAlive, OWNER_LABEL, RUN_LABEL } from './labels.ts';

export interface Engine {
  readonly docker: Docker;
  readonly socketPath: string;
  readonly version: string;
}

const PING_TIMEOUT_MS = 3000;

/** Only local sockets: directories and clocks are shared with the containers. */
function findSocket(): string | undefined {
  const named = process.env.DOCKER_HOST;
  if (named !== undefined && named !== '') {
    return named.startsWith('unix://') ? named.slice('unix://'.length) : undefined;
  }
  const runtime = process.env.XDG_RUNTIME_DIR;
  const candidates = [
    '/var/run/docker.sock',
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
    join(homedir(), '.docker/run/docker.sock'),
  ];
  return candidates.find((path) => existsSync(path));
}

/** The engine, or why there is none. */
export async function findEngine(): Promise<Engine | string> {
  const socketPath = findSocket();
  if (socketPath === undefined) {
    return process.env.DOCKER_HOST?.startsWith('tcp') === true
      ? 'DOCKER_HOST names another machine; servers share directories and clocks with the harness'
      : 'no Docker engine has a socket here';
  }
  const docker = new Docker({ socketPath });
  try {
    const asked = docker.version();
    const { Version: version } = await Promise.race([asked, rejectAfter(PING_TIMEOUT_MS)]);
    return { docker, socketPath, version };
  } catch (error) {
    const reason = messageOf(error);
    return `no Docker engine answers at ${socketPath}: ${reason}`;
  }
}

function rejectAfter(timeoutMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs).unref();
  });
}

/** True for what is gone already or is being removed by somebody else. */
function isGone(error: unknown): boolean {
  const { statusCode } = error as { readonly statusCode?: number };
  return statusCode === 404 || statusCode === 409;
}

async function unlessGone(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

export interface Leftovers {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** Containers first, then the networks that they were in. */
async function removeWhere(
  docker: Docker,
  isWanted: (labels: Labels) => boolean,
  isDry: boolean,
): Promise<Leftovers> {
  const filters = { label: [RUN_LABEL] };
  const containers = (await docker.listContainers({ all: true, filters })).filter(({ Labels }) =>
    isWanted(Labels),
  );
  const networks = (await docker.listNetworks({ filters })).filter(({ Labels }) =>
    isWanted(Labels ?? {}),
  );
  if (!isDry) {
    const removed = containers.map(({ Id }) =>
      unlessGone(docker.getContainer(Id).remove({ force: true, v: true })),
    );
    await Promise.all(removed);
    await Promise.all(networks.map(({ Id }) => unlessGone(docker.getNetwork(Id).remove())));
  }
  return {
    containers: containers.map(({ Names, Id }) => Names[0]?.replace('/', '') ?? Id),
    networks: networks.map(({ Name }) => Name),
  };
}

export async function removeRun(docker: Docker, run: string): Promise<void> {
  await removeWhere(docker, (labels) => labels[RUN_LABEL] === run, false);
}

/** What runs left whose harness is dead. */
export function sweep(docker: Docker, options = { isDry: false }): Promise<Leftovers> {
  const isLeft = (labels: Labels): boolean => !isOwnerAlive(labels[OWNER_LABEL] ?? '');
  return removeWhere(docker, isLeft, options.isDry);
}

/** Images of ours, by tag or else by id, but those that `keep` names and those in use. */
export async function removeImages(
  docker: Docker,
  options: {
    readonly isDry: boolean;
    readonly keep?: (tag: string, createdMs: number) => boolean;
  },
): Promise<string[]> {
  const { isDry, keep = () => false } = options;
  const images = await docker.listImages({ filters: { label: [IMAGE_LABEL] } });
  // Newest first: what was built on a base goes before it.
  const tags = images
    .sort((a, b) => b.Created - a.Created)
    .flatMap((image) => namesOf(image).filter((name) => !keep(name, image.Created * 1000)));
  if (isDry) return tags;
  const removed: string[] = [];
  for (const tag of tags) {
    if (await unlessGone(docker.getImage(tag).remove())) removed.push(tag);
  }
  return removed;
}

/** Of two that are built at once for one tag the earlier is left without; older engines name it so. */
function namesOf({ Id, RepoTags }: ImageInfo): readonly string[] {
  const tags = (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
  return tags.length > 0 ? tags : [Id];
}
