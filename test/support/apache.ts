/**
 * Starts real Apache ZooKeeper servers (Debian's package `zookeeper`, 3.8.0), standalone or members of
 * an ensemble, as the control of conformance questions. Each server is a child process of the test with
 * a directory of its own; `stop` ends that process and nothing else.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const JARS = '/usr/share/java';
const MAIN_CLASS = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
/** The manifest of zookeeper.jar names the rest; only a logger has to be chosen. */
const CLASS_PATH = ['zookeeper.jar', 'slf4j-simple.jar'].map((jar) => join(JARS, jar));

/** Why no Apache server can be started on this host, or undefined where it can. */
export function apacheMissing(): string | undefined {
  for (const jar of CLASS_PATH) {
    if (!existsSync(jar)) return `${jar} is missing (apt-get install zookeeper)`;
  }
  const java = spawnSync('java', ['-version'], { stdio: 'ignore' });
  return java.error === undefined ? undefined : `java cannot be run: ${java.error.message}`;
}

export interface ApacheOptions {
  /** Holds zoo.cfg, the log and `data`; made where it does not exist. */
  readonly dir: string;
  readonly clientPort: number;
  /** Lines of zoo.cfg beyond dataDir and clientPort: `server.1=…`, `tickTime=…`. */
  readonly config?: Readonly<Record<string, string | number>>;
  readonly myid?: number;
  /** Where the data directory is not `dir`/data. */
  readonly dataDir?: string;
  readonly systemProperties?: Readonly<Record<string, string>>;
}

export interface ApacheServer {
  readonly clientPort: number;
  readonly dataDir: string;
  readonly pid: number;
  /** SIGKILL unless told otherwise; resolves when the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  log(): string;
}

/** Starts the process and waits until it answers `srvr` as a serving server, unless told not to. */
export async function startApache(
  options: ApacheOptions,
  wait: { readonly untilServing: boolean } = { untilServing: true },
): Promise<ApacheServer> {
  const { dir, clientPort, myid } = options;
  const dataDir = options.dataDir ?? join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const config = { tickTime: 500, dataDir, clientPort, 'admin.enableServer': 'false' };
  const lines = Object.entries({ ...config, '4lw.commands.whitelist': '*', ...options.config });
  const configFile = join(dir, 'zoo.cfg');
  writeFileSync(configFile, lines.map(([key, value]) => `${key}=${value}\n`).join(''));
  if (myid !== undefined) writeFileSync(join(dataDir, 'myid'), `${myid}\n`);
  const child = spawnServer(configFile, join(dir, 'server.log'), options.systemProperties ?? {});
  const server = handleOf(child, { clientPort, dataDir, logFile: join(dir, 'server.log') });
  if (wait.untilServing) await untilServing(server, child);
  return server;
}

function spawnServer(
  configFile: string,
  logFile: string,
  systemProperties: Readonly<Record<string, string>>,
): ChildProcess {
  const properties = Object.entries({
    'org.slf4j.simpleLogger.showDateTime': 'true',
    'zookeeper.jmx.log4j.disable': 'true',
    ...systemProperties,
  }).map(([name, value]) => `-D${name}=${value}`);
  const log = openSync(logFile, 'a');
  try {
    const args = ['-Xmx256m', '-XX:+UseSerialGC', ...properties, '-cp', CLASS_PATH.join(':')];
    return spawn('java', [...args, MAIN_CLASS, configFile], { stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

function handleOf(
  child: ChildProcess,
  facts: { readonly clientPort: number; readonly dataDir: string; readonly logFile: string },
): ApacheServer {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    clientPort: facts.clientPort,
    dataDir: facts.dataDir,
    pid: child.pid ?? -1,
    stop: async (signal = 'SIGKILL') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await gone;
    },
    log: () => readFileSync(facts.logFile, 'utf8'),
  };
}

const START_TIMEOUT_MS = 60_000;

async function untilServing(server: ApacheServer, child: ChildProcess): Promise<void> {
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fourLetterWord(server.clientPort, 'srvr').catch(() => '');
    if (/^Mode: /m.test(answer)) return;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > giveUpMs) {
      await server.stop();
      throw new Error(`Apache ZooKeeper did not start:\n${server.log().slice(-4000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2000 });
    let answer = '';
    socket.on('connect', () => socket.write(word));
    socket.on('data', (bytes) => {
      answer += bytes.toString('utf8');
    });
    socket.on('timeout', () => socket.destroy(new Error(`no answer to ${word} on port ${port}`)));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

/** Loopback ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            if (address === null || typeof address === 'string') reject(new Error('no port'));
            else resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
