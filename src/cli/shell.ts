/** What the commands share: output, progress, where results go, Ctrl-C, and facts about this host. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { projectRoot } from '../harness/bundle.ts';
import { ExitCode } from '../harness/index.ts';
import { makeProgress, type Progress } from './progress.ts';

export interface GlobalOptions {
  readonly out: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

export class Shell {
  readonly options: GlobalOptions;
  readonly progress: Progress;
  /** Aborted by the first Ctrl-C; the second one ends the process at once. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #onInterrupt = (): void => {
    if (this.#controller.signal.aborted) process.exit(ExitCode.interrupted);
    this.progress.line('Interrupted: writing what there is. Again to quit at once.');
    this.#controller.abort();
  };

  constructor(options: GlobalOptions) {
    this.options = options;
    this.progress = makeProgress(options.quiet);
    this.signal = this.#controller.signal;
    process.on('SIGINT', this.#onInterrupt);
    process.on('SIGTERM', this.#onInterrupt);
  }

  /** For people: to standard output, or to standard error where that belongs to `--json`. */
  print(text: string): void {
    if (this.options.quiet) return;
    const stream = this.options.json ? process.stderr : process.stdout;
    stream.write(`${text}\n`);
  }

  /** The one last line of `--json`. */
  printJson(value: unknown): void {
    if (this.options.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  close(): void {
    this.progress.done();
    process.off('SIGINT', this.#onInterrupt);
    process.off('SIGTERM', this.#onInterrupt);
  }
}

export const cores = availableParallelism();

/** Short paths where the working directory is above them. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}

export function readVersion(): string {
  const manifest = readFileSync(join(projectRoot, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

/** The commit of the sources, `-dirty` where they were changed; null without git. */
export function readCommit(): string | null {
  const { status, stdout } = spawnSync(
    'git',
    ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'],
    { cwd: projectRoot, encoding: 'utf8', timeout: 3_000, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return status === 0 ? stdout.trim() : null;
}

export function describeEnvironment(): Record<string, string> {
  return {
    umpire: readVersion(),
    'node version': process.version,
    platform: `${process.platform} ${process.arch}, ${cores} cores`,
  };
}
