/**
 * Starts this project's servers as child processes from the sources. Each has a directory of its own;
 * `stop` ends that process and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fourLetterWord } from './apache.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface UmpireServer {
  readonly clientPort: number;
  readonly dataDir: string;
  readonly pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
  log(): string;
}

export function startUmpire(options: {
  readonly dir: string;
  readonly clientPort: number;
  readonly myid?: number;
  readonly dataDir?: string;
  readonly config?: Readonly<Record<string, string | number>>;
}): UmpireServer {
  const { dir, clientPort, myid } = options;
  const dataDir = options.dataDir ?? join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const config = {
    tickTime: 500,
    dataDir,
    clientPort,
    clientPortAddress: '127.0.0.1',
    '4lw.commands.whitelist': '*',
    ...options.config,
  };
  const configFile = join(dir, 'zoo.cfg');
  const lines = Object.entries(config).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(configFile, lines.join(''));
  if (myid !== undefined) writeFileSync(join(dataDir, 'myid'), `${myid}\n`);
  const logFile = join(dir, 'server.log');
  const log = openSync(logFile, 'a');
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', join(root, 'src/server/main.ts'), configFile],
    { cwd: root, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  return {
    clientPort,
    dataDir,
    pid: child.pid ?? -1,
    stop: async (signal = 'SIGKILL') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await gone;
    },
    log: () => readFileSync(logFile, 'utf8'),
  };
}

/** `leader`, `follower` or `standalone`, once the server serves. */
export async function untilMode(clientPort: number, timeoutMs = 60_000): Promise<string> {
  const giveUpMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await fourLetterWord(clientPort, 'srvr').catch(() => '');
    const mode = /^Mode: (\w+)/m.exec(answer)?.[1];
    if (mode !== undefined) return mode;
    if (performance.now() > giveUpMs) throw new Error(`port ${clientPort} does not serve`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
