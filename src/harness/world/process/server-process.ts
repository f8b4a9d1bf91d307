/** One server as a child process: its directory, its lives, its signals, its warnings, its events. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ServerExit } from '../world.ts';
import { type ClockSetting, clockEnvironment, TRUE_CLOCK, writeClock } from './clock-fault.ts';
import { probeMode } from './probes.ts';
import type { ModeResult, ProcessState, RealServer } from './real-world.ts';
import { ServerLog } from './server-log.ts';
import type { Watchdog } from './watchdog.ts';

export interface ServerProcessOptions {
  readonly sid: number;
  /** Its own; made here. */
  readonly directory: string;
  readonly clientPort: number;
  /** What `node` runs: the bundled server. */
  readonly serverFile: string;
  /** Relative `dataDir`s in it are below `directory`. */
  readonly zooCfg: string;
  readonly dialMap: Readonly<Record<string, string>>;
  readonly watchdog: Watchdog;
  /** It ended without having been killed from here. */
  readonly onExit: (exit: Omit<ServerExit, 'time'>) => void;
}

const SIGNAL_WAIT_MS = 1000;

export class ServerProcess implements RealServer {
  readonly sid: number;
  readonly clientPort: number;
  readonly dataDir: string;
  readonly tracePath: string;
  readonly log: ServerLog;
  readonly #options: ServerProcessOptions;
  readonly #clockFile: string;
  #child: ChildProcess | undefined;
  readonly #killed = new WeakSet<ChildProcess>();
  #isPaused = false;

  constructor(options: ServerProcessOptions) {
    const { directory, sid } = options;
    this.#options = options;
    this.sid = sid;
    this.clientPort = options.clientPort;
    this.dataDir = join(directory, 'data');
    this.tracePath = join(directory, 'trace.ndjson');
    this.#clockFile = join(directory, 'clock-offset');
    this.log = new ServerLog(join(directory, 'server.log'));
    mkdirSync(this.dataDir, { recursive: true });
    writeFileSync(join(this.dataDir, 'myid'), `${sid}\n`);
    writeFileSync(join(directory, 'zoo.cfg'), options.zooCfg);
    writeFileSync(join(directory, 'dial-map.json'), JSON.stringify(options.dialMap));
    writeClock(this.#clockFile, TRUE_CLOCK);
  }

  start(done: (error?: string) => void): void {
    if (this.#child !== undefined) {
      done(`server ${this.sid} runs already`);
      return;
    }
    const { directory, serverFile } = this.#options;
    const child = spawn(process.execPath, [serverFile, 'zoo.cfg'], {
      cwd: directory,
      stdio: ['pipe', 'ignore', 'pipe'],
      // In a group of its own: an interrupt from the terminal is for the harness alone.
      detached: true,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        ...clockEnvironment(this.#clockFile),
        UMPIRE_TRACE: this.tracePath,
        UMPIRE_DIAL_MAP: join(directory, 'dial-map.json'),
        UMPIRE_PARENT_PIPE: '1',
      },
    });
    this.#child = child;
    this.#isPaused = false;
    child.stdin?.on('error', () => {});
    child.once('spawn', () => done());
    child.once('error', (error) => {
      if (this.#child === child) this.#child = undefined;
      done(error.message);
    });
    // After `close` nothing more comes from its stderr.
    child.once('close', (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      if (!this.#killed.has(child)) this.#ended(code, signal);
    });
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => this.log.add(line));
    }
  }

  /** SIGKILL; calls back when the process is gone. */
  kill(done: (error?: string) => void): void {
    const child = this.#child;
    if (child === undefined) {
      done();
      return;
    }
    this.#unwatch(child);
    this.#killed.add(child);
    child.once('close', () => done());
    child.kill('SIGKILL');
  }

  pause(done: (error?: string) => void): void {
    const child = this.#child;
    if (child?.pid === undefined) {
      done(`server ${this.sid} does not run`);
      return;
    }
    this.#options.watchdog.add(child.pid);
    this.#isPaused = true;
    child.kill('SIGSTOP');
    this.#awaitState('paused', done);
  }

  resume(done: (error?: string) => void): void {
    const child = this.#child;
    if (child === undefined) {
      done(`server ${this.sid} does not run`);
      return;
    }
    child.kill('SIGCONT');
    this.#unwatch(child);
    this.#awaitState('running', done);
  }

  /** Signals take effect when the kernel next schedules the process. */
  #awaitState(state: 'running' | 'paused', done: (error?: string) => void, waitedMs = 0): void {
    if (this.#processState() === state) done();
    else if (waitedMs >= SIGNAL_WAIT_MS) done(`server ${this.sid} is not ${state}`);
    else setTimeout(() => this.#awaitState(state, done, waitedMs + 5), 5);
  }

  setClock(setting: ClockSetting): void {
    writeClock(this.#clockFile, setting);
  }

  probeProcess(done: (state: ProcessState) => void): void {
    done(this.#processState());
  }

  /** At the client port itself, past every proxy. */
  probeMode(done: (result: ModeResult) => void): void {
    probeMode(this.clientPort, done);
  }

  /** From the kernel's process table, not from what was injected. */
  #processState(): ProcessState {
    const pid = this.#child?.pid;
    if (pid === undefined) return 'dead';
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
      if (state === 'T' || state === 't') return 'paused';
      return state === 'Z' || state === 'X' ? 'dead' : 'running';
    } catch {
      return 'dead';
    }
  }

  #unwatch(child: ChildProcess): void {
    if (this.#isPaused && child.pid !== undefined) this.#options.watchdog.remove(child.pid);
    this.#isPaused = false;
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const exit = this.log.describeExit(this.sid, code ?? -1, signal ?? undefined);
    this.#options.onExit(exit);
  }
}
