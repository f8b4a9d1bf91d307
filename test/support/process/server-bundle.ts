/** The bundled server for process tests, and directories that vanish after them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleServer } from '../../../src/harness/bundle.ts';

export interface ServerBundle {
  readonly serverFile: string;
  /** A fresh one. */
  directory(): string;
  remove(): void;
}

export async function openServerBundle(): Promise<ServerBundle> {
  const root = mkdtempSync(join(tmpdir(), 'umpire-process-test-'));
  const serverFile = await bundleServer({ outputFile: join(root, 'main.mjs') });
  return {
    serverFile,
    directory: () => mkdtempSync(join(root, 'run-')),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
