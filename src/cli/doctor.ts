/** `umpire doctor`: what this host has, and what each thing is for. Probes; assumes nothing. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../base/thrown.ts';
import type { DockerHost } from '../harness/world/container/docker-host.ts';

export interface Finding {
  readonly name: string;
  readonly isFound: boolean;
  /** Without it nothing runs at all. */
  readonly isNeeded: boolean;
  readonly what: string;
  readonly purpose: string;
  /** How to get it. */
  readonly remedy?: string;
}

const PROBE_TIMEOUT_MS = 5_000;

/** Standard output and error of a program; undefined where it is missing or fails. */
function ask(program: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return error !== undefined || status !== 0 ? undefined : `${stdout}\n${stderr}`.trim();
}

function firstLine(text: string | undefined): string {
  return text?.split('\n')[0] ?? 'not found';
}

export async function examineHost(storeDirectory: string): Promise<Finding[]> {
  return [
    nodeVersion(),
    writableStore(storeDirectory),
    await loopbackPorts(),
    processSignals(),
    faketime(),
    iptables(),
    ...(await containers()),
    java(),
    chromium(),
  ];
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return {
    name: 'node',
    isFound: major > 20 || (major === 20 && minor >= 19),
    isNeeded: true,
    what: `${process.version}, ${availableParallelism()} cores`,
    purpose: 'runs everything',
    remedy: 'install Node.js 20.19 or newer',
  };
}

function writableStore(directory: string): Finding {
  const base = {
    name: 'store',
    isNeeded: true,
    purpose: 'run directories: plan, history, events, report',
    remedy: 'choose another directory with --out',
  };
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return { ...base, isFound: true, what: `${directory} is writable` };
  } catch (error) {
    return { ...base, isFound: false, what: messageOf(error) };
  }
}

async function loopbackPorts(): Promise<Finding> {
  const base = {
    name: 'ports',
    isNeeded: false,
    purpose: 'process world: servers and proxies listen on loopback',
    remedy: 'allow this user to listen on 127.0.0.1',
  };
  const servers = Array.from({ length: 8 }, () => createServer());
  const listen = (server: ReturnType<typeof createServer>) =>
    new Promise<string | undefined>((resolve) => {
      server.once('error', (error) => resolve(error.message));
      server.listen(0, '127.0.0.1', () => resolve(undefined));
    });
  const failures = (await Promise.all(servers.map(listen))).filter((text) => text !== undefined);
  for (const server of servers) if (server.listening) server.close();
  const isFound = failures.length === 0;
  return { ...base, isFound, what: isFound ? '127.0.0.1 has free ports' : String(failures[0]) };
}

function processSignals(): Finding {
  return {
    name: 'signals',
    isFound: process.platform !== 'win32',
    isNeeded: false,
    what: `${process.platform} ${process.arch}`,
    purpose: 'process world: kill, kill-all and pause (SIGKILL, SIGSTOP)',
    remedy: 'use Linux or macOS; the simulation runs everywhere',
  };
}

const faketimePaths = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
  '/usr/local/lib/faketime/libfaketime.so.1',
  '/opt/homebrew/lib/faketime/libfaketime.1.dylib',
];

function faketime(): Finding {
  const path = faketimePaths.find((candidate) => existsSync(candidate));
  return {
    name: 'libfaketime',
    isFound: path !== undefined,
    isNeeded: false,
    what: path ?? 'not found',
    purpose: 'process world: clock-bump and clock-strobe; the simulation has its own clocks',
    remedy: 'apt-get install faketime',
  };
}

/** What faults can be had in a container is tried out in one. */
async function containers(): Promise<Finding[]> {
  const { findEngine } = await import('../harness/world/container/docker.ts');
  const engine = await findEngine();
  const found: Finding = {
    name: 'docker',
    isFound: typeof engine !== 'string',
    isNeeded: false,
    what: typeof engine === 'string' ? engine : `engine ${engine.version}`,
    purpose: 'container world: servers in containers',
    remedy: 'install docker.io and start dockerd',
  };
  if (typeof engine === 'string') return [found];
  try {
    const { openDockerHost } = await import('./real-worlds.ts');
    const { images, host } = await openDockerHost(engine, { zoo: [], system: 'umpire' }, () => {});
    return [found, ...containerFindings(images.base, host)];
  } catch (error) {
    const what = messageOf(error);
    const purpose = 'container world: servers, and the tools of faults beside them';
    return [found, { name: 'images', isFound: false, isNeeded: false, what, purpose }];
  }
}

function containerFindings(base: string, host: DockerHost): Finding[] {
  const finding = (name: string, reason: string | undefined, purpose: string): Finding => ({
    name,
    isFound: reason === undefined,
    isNeeded: false,
    what: reason ?? 'works in a container',
    purpose: `container world: ${purpose}`,
  });
  const { missing, netemMissing, captureMissing } = host;
  return [
    { ...finding('images', undefined, 'servers and their agents'), what: `made from ${base}` },
    finding('packet filter', missing.get('cut'), 'partitions'),
    finding('container clock', missing.get('set-clock'), 'clock faults'),
    finding('tc netem', netemMissing, 'links that are slow'),
    finding('tcpdump', captureMissing, 'the tap on the wires between servers'),
  ];
}

function iptables(): Finding {
  const rules = ask('iptables', ['-w', '1', '-S', 'INPUT']);
  return {
    name: 'iptables',
    isFound: rules !== undefined,
    isNeeded: false,
    what: rules === undefined ? 'not usable by this user' : 'rules can be read',
    purpose: 'goes into a base image that is packed from this host',
    remedy: 'apt-get install iptables, and the right to use it',
  };
}

const apacheFolders = ['/usr/share/java', '/usr/share/zookeeper', '/opt/zookeeper/lib'];

function java(): Finding {
  const version = ask('java', ['-version']);
  const jar = apacheFolders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .find((path) => /\/zookeeper(-\d[\d.]*)?\.jar$/.test(path));
  return {
    name: 'apache zookeeper',
    isFound: version !== undefined && jar !== undefined,
    isNeeded: false,
    what: `java: ${firstLine(version)}; jar: ${jar ?? 'not found'}`,
    purpose: 'the control of conformance tests, and peer of mixed ensembles',
    remedy: 'apt-get install zookeeper',
  };
}

function chromium(): Finding {
  const version = ['chromium', 'chromium-browser', 'google-chrome']
    .map((program) => ask(program, ['--version']))
    .find((text) => text !== undefined);
  return {
    name: 'chromium',
    isFound: version !== undefined,
    isNeeded: false,
    what: firstLine(version),
    purpose: 'tests of the report page; any browser opens a report',
    remedy: 'apt-get install chromium',
  };
}

export function describeFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines: string[] = [];
  for (const { name, isFound, isNeeded, what, purpose, remedy } of findings) {
    const sign = isFound ? '✓' : isNeeded ? '✕' : '–';
    lines.push(`${sign} ${name.padEnd(width)}  ${what}`);
    lines.push(`  ${' '.repeat(width)}  for: ${purpose}`);
    if (!isFound && remedy !== undefined) {
      lines.push(`  ${' '.repeat(width)}  get: ${remedy}`);
    }
  }
  return lines.join('\n');
}
