/**
 * The images of the container world, built where they are missing (docker/Dockerfile): `server` is what is
 * shipped, `tools` stands beside it in tests. Tags name the content, so that nothing stale is ever run.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { messageOf } from '../base/thrown.ts';
import { bundleServer, projectRoot } from '../harness/bundle.ts';
import { HarnessError } from '../harness/index.ts';
import { type Engine, removeImages } from '../harness/world/container/docker.ts';
import { IMAGE_LABEL } from '../harness/world/container/labels.ts';
import { hostBaseTag, nodePackage, packHostBase } from './image-base.ts';

export interface ImageOptions {
  /** `host` packs one from this host; default: the Dockerfile's where it can be had, else `host`. */
  readonly base?: string;
  /** A line for every step that takes long. */
  readonly say?: (text: string) => void;
}

export interface Images {
  readonly base: string;
  readonly server: string;
  readonly tools: string;
}

const AGENT = 'src/harness/world/container/agent.ts';
const WATCHDOG = 'src/harness/world/container/watchdog-main.ts';
const SERVER = 'src/server/main.ts';
const OLD_AFTER_MS = 60 * 60_000;

/** The Dockerfile says it once. */
function defaultBase(dockerfile: string): string {
  const found = /^ARG BASE_IMAGE=(\S+)$/m.exec(dockerfile)?.[1];
  if (found === undefined) throw new Error('docker/Dockerfile names no BASE_IMAGE');
  return found;
}

export async function prepareImages({ docker }: Engine, options: ImageOptions): Promise<Images> {
  const { say = () => {} } = options;
  const dockerfile = readFileSync(join(projectRoot, 'docker/Dockerfile'), 'utf8');
  const base = await findBase(docker, dockerfile, options, say);
  const context = mkdtempSync(join(tmpdir(), 'umpire-image-'));
  try {
    copyFileSync(join(projectRoot, 'docker/Dockerfile'), join(context, 'Dockerfile'));
    const bundles = { server: 'main.mjs', tools: 'agent.mjs' } as const;
    await bundleServer({ entryPoint: SERVER, outputFile: join(context, bundles.server) });
    await bundleServer({ entryPoint: AGENT, outputFile: join(context, bundles.tools) });
    const { Id: baseId } = await docker.getImage(base).inspect();
    const tags: Record<string, string> = {};
    let hasBuilt = false;
    for (const target of ['server', 'tools'] as const) {
      const content = readFileSync(join(context, bundles[target]));
      const hash = createHash('sha256').update(baseId).update(dockerfile).update(content);
      const tag = `umpire-${target}:${hash.digest('hex').slice(0, 12)}`;
      tags[target] = tag;
      if (await exists(docker, tag)) continue;
      say(`building ${tag} from ${base}`);
      await build(docker, context, target, tag, base);
      hasBuilt = true;
    }
    const images = { base, server: tags.server as string, tools: tags.tools as string };
    if (hasBuilt) await removeOld(docker, Object.values(images));
    return images;
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Images of earlier sources; a run that has just begun may still want a young one. */
async function removeOld(docker: Docker, current: readonly string[]): Promise<void> {
  const youngMs = Date.now() - OLD_AFTER_MS;
  const keep = (tag: string, createdMs: number): boolean =>
    current.includes(tag) || createdMs > youngMs;
  await removeImages(docker, { isDry: false, keep });
}

/** The program that cleans up after a dead harness. */
export function bundleWatchdog(outputFile: string): Promise<string> {
  return bundleServer({ entryPoint: WATCHDOG, outputFile });
}

async function findBase(
  docker: Docker,
  dockerfile: string,
  options: ImageOptions,
  say: (text: string) => void,
): Promise<string> {
  const wanted = options.base ?? process.env.UMPIRE_BASE_IMAGE;
  if (wanted !== undefined && wanted !== 'host') {
    if (await exists(docker, wanted)) return wanted;
    say(`pulling ${wanted}`);
    const error = await pull(docker, wanted);
    if (error === undefined) return wanted;
    throw new HarnessError(
      'base-image-missing',
      `the base image ${wanted} is not here and cannot be pulled: ${error}`,
      'umpire image --base host packs one from this host',
    );
  }
  const usual = defaultBase(dockerfile);
  if (wanted === undefined && (await exists(docker, usual))) return usual;
  const packed = hostBaseTag(nodePackage);
  if (await exists(docker, packed)) return packed;
  if (wanted === undefined) {
    say(`pulling ${usual}`);
    const error = await pull(docker, usual);
    if (error === undefined) return usual;
    say(`${usual} cannot be pulled (${error}): packing a base image from this host`);
  }
  return await packHostBase(docker, nodePackage);
}

async function exists(docker: Docker, tag: string): Promise<boolean> {
  try {
    await docker.getImage(tag).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/** Undefined where it worked, else why not. */
async function pull(docker: Docker, image: string): Promise<string | undefined> {
  try {
    const stream = (await docker.pull(image)) as NodeJS.ReadableStream;
    await follow(docker, stream);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function build(
  docker: Docker,
  context: string,
  target: string,
  tag: string,
  base: string,
): Promise<void> {
  const src = ['Dockerfile', 'main.mjs', 'agent.mjs'];
  const stream = await docker.buildImage(
    { context, src },
    {
      t: tag,
      target,
      buildargs: { BASE_IMAGE: base },
      labels: { [IMAGE_LABEL]: target },
      rm: true,
      forcerm: true,
    },
  );
  try {
    await follow(docker, stream);
  } catch (error) {
    const reason = messageOf(error);
    throw new HarnessError(
      'image-not-built',
      `the image ${tag} cannot be built from ${base}: ${reason}`,
      'see docker/Dockerfile; another base can be named with umpire image --base NAME',
    );
  }
}

/** The engine reports failures in the stream of progress, not by its status. */
function follow(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((ended, failed) => {
    docker.modem.followProgress(stream, (error, output: readonly { error?: string }[]) => {
      const failure = output?.find((line) => line.error !== undefined)?.error;
      if (error) failed(error);
      else if (failure !== undefined) failed(new Error(failure));
      else ended();
    });
  });
}
