/** Commands over what is stored already: `check`, `report`, `clean`. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { judge, type Workload } from '../harness/index.ts';
import { writeRunReports } from '../report/index.ts';
import { parseCount } from './arguments.ts';
import { importEngine } from './engine-bundle.ts';
import { UsageError } from './errors.ts';
import { countsOf, replayCommands, tell } from './outcome.ts';
import { type Shell, shownPath } from './shell.ts';
import { loadRun, reportInput } from './stored-run.ts';
import { exitCodeOf } from './verdicts.ts';

/** Judges a recorded run again, with the checkers as they are now. */
export async function checkStoredRun(path: string, shell: Shell): Promise<number> {
  const { directory, plan, result, recording } = loadRun(path);
  // Bugs of the zoo belong to the run; its checkers are the sound ones.
  const engine = await importEngine();
  const workload = engine.workloads.get(plan.workload) as Workload;
  const judged = judge(plan, workload, recording, () => Date.now());
  const { verdict, sentence, reasons, checks, goals, faults, checkMs } = judged;
  const again = { ...result, verdict, sentence, reasons, checks, goals, faults, checkMs };
  const isSame = verdict === result.verdict;
  shell.progress.line(
    isSame ? `checked again: still ${verdict}` : `checked again: ${result.verdict} → ${verdict}`,
  );
  for (const check of checks) {
    shell.print(
      `${check.verdict.padEnd(14)} ${check.checker.padEnd(24)} ${check.looked} ${check.items}`,
    );
    for (const { message, story } of check.anomalies) {
      if (story === undefined) continue;
      shell.print(`    ${message}`);
      for (const line of story) shell.print(`    ${line}`);
    }
  }
  directory.writeResult(again);
  const report = writeRunReports(directory.path, reportInput(plan, again, recording));
  return tell(shell, {
    verdict,
    sentence,
    reasons,
    seed: result.seed,
    planHash: result.planHash,
    traceHash: result.traceHash,
    counts: countsOf([again]),
    exitCode: exitCodeOf(verdict),
    paths: { directory: shownPath(directory.path), report: shownPath(report) },
    next: replayCommands(directory.path, plan, again),
  });
}

/** Renders the report of a stored run again. */
export function reportCommand(path: string, shell: Shell): number {
  const { directory, plan, result, recording } = loadRun(path);
  const report = shownPath(writeRunReports(directory.path, reportInput(plan, result, recording)));
  shell.print(`report  ${report}`);
  shell.printJson({ verdict: result.verdict, paths: { report } });
  return 0;
}

export interface CleanOptions {
  readonly keep?: string;
  readonly dryRun?: boolean;
}

/**
 * Removes run directories: what holds neither a plan nor a result stays. And from a Docker engine, where
 * one answers, what dead runs left and the images that nobody uses.
 */
export async function cleanCommand(options: CleanOptions, shell: Shell): Promise<number> {
  const keep = options.keep === undefined ? 0 : parseCount(options.keep, '--keep', 0, 100_000);
  const root = resolve(shell.options.out);
  const runs = runsBelow(root).sort((a, b) => (a.name < b.name ? 1 : -1));
  const removed = runs.slice(keep);
  for (const { path } of removed) {
    shell.print(`${options.dryRun === true ? 'would remove' : 'removed'} ${shownPath(path)}`);
    if (options.dryRun !== true) rmSync(path, { recursive: true, force: true });
  }
  if (options.dryRun !== true) removeEmpty(root);
  shell.print(
    `${removed.length} of ${runs.length} runs ${options.dryRun === true ? 'would go' : 'are gone'}.`,
  );
  const inEngine = await cleanEngine(options.dryRun === true);
  for (const name of inEngine) {
    shell.print(`${options.dryRun === true ? 'would remove' : 'removed'} ${name}`);
  }
  shell.printJson({ removed: [...removed.map(({ path }) => shownPath(path)), ...inEngine] });
  return 0;
}

async function cleanEngine(isDry: boolean): Promise<string[]> {
  const { findEngine, removeImages, sweep } = await import('../harness/world/container/docker.ts');
  const engine = await findEngine();
  if (typeof engine === 'string') return [];
  const { containers, networks } = await sweep(engine.docker, { isDry });
  const images = await removeImages(engine.docker, { isDry });
  return [
    ...containers.map((name) => `container ${name}`),
    ...networks.map((name) => `network ${name}`),
    ...images.map((tag) => `image ${tag}`),
  ];
}

interface StoredDirectory {
  readonly path: string;
  /** The time in its name. */
  readonly name: string;
}

function runsBelow(root: string): StoredDirectory[] {
  if (!existsSync(root)) return [];
  if (!lstatSync(root).isDirectory()) {
    throw new UsageError({
      code: 'no-store',
      what: `${root} is no directory.`,
      next: 'Name the directory of the runs with --out.',
    });
  }
  return foldersIn(root).flatMap((parent) =>
    foldersIn(parent.path).filter(
      ({ path, name }) =>
        /^\d{4}-\d\d-\d\dT/.test(name) &&
        (existsSync(join(path, 'plan.json')) || existsSync(join(path, 'result.json'))),
    ),
  );
}

/** Directories, not links to them. */
function foldersIn(path: string): StoredDirectory[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(path, name), name }));
}

function removeEmpty(root: string): void {
  if (!existsSync(root)) return;
  for (const { path } of foldersIn(root)) {
    if (readdirSync(path).length === 0) rmSync(path, { recursive: true });
  }
  const latest = join(root, 'latest');
  const isDangling = lstatSync(latest, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (isDangling && !existsSync(latest)) rmSync(latest);
}
