/** `umpire image`: the images of the container world, built where they are missing. */
import { EnvironmentError } from './errors.ts';
import type { Shell } from './shell.ts';

export interface ImageCommandOptions {
  readonly base?: string;
}

export async function imageCommand(options: ImageCommandOptions, shell: Shell): Promise<number> {
  const { findEngine } = await import('../harness/world/container/docker.ts');
  const engine = await findEngine();
  if (typeof engine === 'string') {
    throw new EnvironmentError({
      code: 'no-docker-engine',
      what: 'No image can be built here.',
      why: engine,
      next: 'Start dockerd.',
    });
  }
  const { prepareImages } = await import('../systems/image.ts');
  const images = await prepareImages(engine, {
    ...options,
    say: (text) => shell.progress.line(text),
  });
  shell.print(`base    ${images.base}`);
  shell.print(`server  ${images.server}`);
  shell.print(`tools   ${images.tools}`);
  shell.printJson(images);
  return 0;
}
