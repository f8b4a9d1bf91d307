/** `umpire serve`: shows the store in a browser until it is interrupted. */
import { resolve } from 'node:path';
import { parseCount } from './arguments.ts';
import { serveStore } from './serve-store.ts';
import { type Shell, shownPath } from './shell.ts';

export interface ServeOptions {
  readonly port: string;
}

export const DEFAULT_PORT = '7070';

export async function serveCommand(options: ServeOptions, shell: Shell): Promise<number> {
  const port = parseCount(options.port, '--port', 0, 65_535);
  const root = resolve(shell.options.out);
  const server = await serveStore(root, port);
  shell.print(`${shownPath(root)} is shown at ${server.url} until Ctrl-C.`);
  shell.printJson({ url: server.url });
  await new Promise<void>((interrupted) => {
    if (shell.signal.aborted) interrupted();
    shell.signal.addEventListener('abort', () => interrupted(), { once: true });
  });
  await server.close();
  return 0;
}
