/** Starts the watchdog of a run (watchdog-main.ts) and holds its pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import { RUN_LABEL } from './labels.ts';

export class RunWatchdog {
  readonly #child: ChildProcess;

  /** `file`: the bundle of watchdog-main.ts. */
  constructor(file: string, socketPath: string, run: string) {
    this.#child = spawn(process.execPath, [file, socketPath, `${RUN_LABEL}=${run}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
  }

  close(): void {
    this.#child.stdin?.end();
  }
}
