/** Bundles of the engine and of the server, with or without bugs of the zoo; gone when the process is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../base/thrown.ts';
import { bundleServer, type SourcePatch } from '../harness/bundle.ts';
import { patchesOf, zooEntries } from '../systems/zoo.ts';
import type * as EngineModule from './engine.ts';
import { EnvironmentError } from './errors.ts';

export type Engine = typeof EngineModule;

let folder: string | undefined;
const made = new Map<string, Promise<string>>();

function temporaryFolder(): string {
  if (folder === undefined) {
    const created = mkdtempSync(join(tmpdir(), 'umpire-cli-'));
    process.once('exit', () => rmSync(created, { recursive: true, force: true }));
    folder = created;
  }
  return folder;
}

function bundle(entryPoint: string, zoo: readonly string[], name: string): Promise<string> {
  return bundlePatched(entryPoint, () => patchesOf(zooEntries(zoo)), name, zoo);
}

function bundlePatched(
  entryPoint: string,
  patches: () => readonly SourcePatch[],
  name: string,
  faults: readonly string[],
): Promise<string> {
  const key = [name, ...faults].join('+');
  const known = made.get(key);
  if (known !== undefined) return known;
  const building = bundleServer({
    entryPoint,
    patches: patches(),
    outputFile: join(temporaryFolder(), `${key.replaceAll('+', '-')}.mjs`),
  }).catch((error: unknown) => {
    throw new EnvironmentError({
      code: 'bundle-failed',
      what: `The ${name} cannot be bundled${faults.length > 0 ? ` with ${faults.join(', ')}` : ''}.`,
      why: messageOf(error),
      next: 'If a text to patch is gone, bring the zoo entry up to the sources.',
    });
  });
  made.set(key, building);
  return building;
}

/** A file that simulation workers run and that `importEngine` imports. */
export function engineFile(zoo: readonly string[] = []): Promise<string> {
  return bundle('src/cli/engine.ts', zoo, 'engine');
}

/**
 * A file that `node` runs as one server. Bugs that are only in clients or workloads don't reach it, and
 * a patch whose file is not in the bundle is refused; so those are left out.
 */
export function serverFile(zoo: readonly string[] = []): Promise<string> {
  const own = zooEntries(zoo)
    .filter(({ file }) => !/^(src\/client|workloads)\//.test(file))
    .map(({ id }) => id);
  return bundle('src/server/main.ts', own, 'server');
}

/** A program that cleans up after a harness that died. */
export function watchdogFile(): Promise<string> {
  return bundle('src/harness/world/container/watchdog-main.ts', [], 'watchdog');
}

export async function importEngine(zoo: readonly string[] = []): Promise<Engine> {
  if (zoo.length === 0) return await import('./engine.ts');
  return (await import(pathToFileURL(await engineFile(zoo)).href)) as Engine;
}

/** A file that workers run to check models. */
export function specFile(): Promise<string> {
  return bundle('src/cli/spec-worker.ts', [], 'spec');
}

/** The experiments on claims with one fault in the sources: what `npm run evidence` must then see. */
export function experimentsFile(
  fault: string,
  patches: () => readonly SourcePatch[],
): Promise<string> {
  return bundlePatched('src/cli/evidence-experiments/index.ts', patches, 'experiments', [fault]);
}
