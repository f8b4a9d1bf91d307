/**
 * `zoo.cfg` and `myid` → ServerConfig. Key names, defaults and refusals are upstream's
 * (QuorumPeerConfig); keys that this server does not use are accepted with a warning, so that an
 * existing file works unchanged.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { MalformedError } from '../../wire/jute.ts';
import { defaultConfig, type ServerAddress, type ServerConfig } from '../core/config.ts';
import { parseServerLine } from '../core/quorum-verifier.ts';
import { type Property, parseProperties } from './java-properties.ts';
import { ServerExitCode, StartupError } from './startup-error.ts';

export interface LoadedConfig {
  readonly config: ServerConfig;
  readonly warnings: readonly string[];
}

/** Reads the configuration file, the dynamic file that it may name, and `myid`. */
export function loadServerConfig(path: string): LoadedConfig {
  const file = resolve(path);
  const text = readText(file, 'the configuration file');
  return parseServerConfig(text, {
    file,
    readDynamicConfig: (name) => {
      const dynamicFile = isAbsolute(name) ? name : join(dirname(file), name);
      return readText(dynamicFile, 'the dynamic configuration file');
    },
    readMyId: (dataDir) => readMyId(dataDir),
  });
}

export interface ConfigSources {
  /** Shown in messages; its directory is not used to resolve `dataDir`, as upstream. */
  readonly file: string;
  readonly readDynamicConfig: (name: string) => string;
  readonly readMyId: (dataDir: string) => string;
}

export function parseServerConfig(text: string, sources: ConfigSources): LoadedConfig {
  const entries = new Entries(text, sources.file);
  const servers = readServers(entries, sources);
  const dataDir = resolve(entries.required('dataDir'));
  const dataLogDir = resolve(entries.text('dataLogDir') ?? dataDir);
  const isReplicated = isQuorum(entries, servers);
  const sid = isReplicated ? findSid(entries, servers, sources.readMyId(dataDir), dataDir) : 1;
  const own = servers.find((server) => server.sid === sid);
  const tickTimeMs = entries.integer('tickTime', defaultConfig.tickTimeMs, 1);
  const config: ServerConfig = {
    sid,
    dataDir,
    dataLogDir,
    ...clientAddress(entries, isReplicated ? own : undefined),
    tickTimeMs,
    initLimit: ticks(entries, 'initLimit', isReplicated, defaultConfig.initLimit),
    syncLimit: ticks(entries, 'syncLimit', isReplicated, defaultConfig.syncLimit),
    ...sessionTimeouts(entries, tickTimeMs),
    maxClientConnections: entries.integer('maxClientCnxns', defaultConfig.maxClientConnections, 0),
    servers: isReplicated ? servers : [],
    commitLogCount: entries.integer('commitLogCount', defaultConfig.commitLogCount, 0),
    snapCount: entries.integer('snapCount', defaultConfig.snapCount, 2),
    preallocationSizeBytes:
      entries.integer('preAllocSize', defaultConfig.preallocationSizeBytes / 1024, 0) * 1024,
    maxFrameSizeBytes: entries.integer('jute.maxbuffer', defaultConfig.maxFrameSizeBytes, 1024),
    connectTimeoutMs: entries.integer('cnxTimeout', defaultConfig.connectTimeoutMs, 1),
    fourLetterWords: fourLetterWords(entries),
    version: defaultConfig.version,
    isTraced: defaultConfig.isTraced,
  };
  checkFixedChoices(entries);
  return { config, warnings: [...entries.warnings(), ...ensembleWarnings(config)] };
}

/** The properties of a file, with a memory of which were asked for. */
class Entries {
  readonly #values = new Map<string, Property>();
  readonly #used = new Set<string>();
  readonly #warnings: string[] = [];
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#file = file;
    for (const property of parseProperties(text)) {
      if (this.#values.has(property.key)) {
        this.#warnings.push(`${property.key} is set twice; line ${property.line} wins`);
      }
      this.#values.set(property.key, property);
    }
  }

  text(key: string): string | undefined {
    this.#used.add(key);
    const value = this.#values.get(key)?.value.trim();
    return value === '' ? undefined : value;
  }

  required(key: string): string {
    const value = this.text(key);
    if (value === undefined) {
      this.fail(key, `${key} is not set`, `add a line such as "${key}=${examples[key] ?? '…'}"`);
    }
    return value;
  }

  integer(key: string, preset: number, minimum: number): number {
    const text = this.text(key);
    if (text === undefined) return preset;
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || value < minimum || value > 0x7fffffff) {
      const range = `a whole number from ${minimum} to ${0x7fffffff}`;
      this.fail(key, `${key}=${text} is not ${range}`, `give ${key} ${range}`);
    }
    return value;
  }

  isTrue(key: string, preset: boolean): boolean {
    const text = this.text(key)?.toLowerCase();
    if (text === undefined) return preset;
    if (text !== 'true' && text !== 'false') {
      this.fail(key, `${key}=${text} is neither true nor false`, `set ${key} to true or false`);
    }
    return text === 'true';
  }

  take(prefix: string): Property[] {
    const found = [...this.#values.values()].filter(({ key }) => key.startsWith(prefix));
    for (const { key } of found) this.#used.add(key);
    return found;
  }

  warn(sentence: string): void {
    this.#warnings.push(sentence);
  }

  warnings(): string[] {
    const unused = [...this.#values.values()].filter(({ key }) => !this.#used.has(key));
    return [
      ...this.#warnings,
      ...unused.map(({ key, line }) => `${key} (line ${line}) is not used by this server`),
    ];
  }

  fail(key: string, why: string, whatToDo: string): never {
    const line = this.#values.get(key)?.line;
    const where = line === undefined ? this.#file : `${this.#file}, line ${line}`;
    throw new StartupError('CONFIG_INVALID', ServerExitCode.badInvocation, {
      what: `the configuration cannot be used (${where})`,
      why,
      whatToDo,
    });
  }
}

const examples: Readonly<Record<string, string>> = {
  dataDir: '/var/lib/zookeeper',
  clientPort: '2181',
  initLimit: '10',
  syncLimit: '5',
};

/** Upstream's bound where extended types are on, as they always are here: EphemeralType.validateServerId. */
const MAX_SID = 254;

function readServers(entries: Entries, sources: ConfigSources): ServerAddress[] {
  let lines = entries.take('server.');
  const dynamicFile = entries.text('dynamicConfigFile');
  if (dynamicFile !== undefined) {
    if (lines.length > 0) {
      const why = 'server lines stand in the static and in the dynamic file';
      entries.fail('dynamicConfigFile', why, 'keep the server lines in one of the two files');
    }
    const dynamic = parseProperties(sources.readDynamicConfig(dynamicFile));
    lines = dynamic.filter(({ key }) => key.startsWith('server.'));
  }
  for (const { key } of [...entries.take('group.'), ...entries.take('weight.')]) {
    entries.fail(key, 'hierarchical quorums are not supported', `remove ${key}`);
  }
  return lines
    .map(({ key, value }) => readServerLine(entries, key, value))
    .sort((a, b) => a.sid - b.sid);
}

function readServerLine(entries: Entries, key: string, value: string): ServerAddress {
  const server = parse(entries, key, value);
  if (server.sid > MAX_SID) {
    const why = `${key}: the top byte of a session id is the server's, and 255 there marks TTL nodes`;
    entries.fail(key, why, `use server ids from 1 to ${MAX_SID}`);
  }
  return server;
}

function parse(entries: Entries, key: string, value: string): ServerAddress {
  try {
    return parseServerLine(key, value);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const form = 'server.N=host:quorumPort:electionPort[:role][;[clientHost:]clientPort]';
    return entries.fail(key, `${key}: ${error.message}`, `write it as ${form}`);
  }
}

/** One voter alone is a standalone server unless standaloneEnabled=false. */
function isQuorum(entries: Entries, servers: readonly ServerAddress[]): boolean {
  const isStandaloneEnabled = entries.isTrue('standaloneEnabled', true);
  const voters = servers.filter(({ role }) => role === 'participant').length;
  const observers = servers.length - voters;
  if (servers.length > 0 && voters === 0) {
    const [first] = servers;
    entries.fail(`server.${first?.sid}`, 'every server is an observer', 'name a participant');
  }
  if (voters > 1 || (voters === 1 && !isStandaloneEnabled)) return true;
  if (observers > 0) {
    const key = `server.${servers[0]?.sid}`;
    const why = 'observers cannot stand beside a standalone server';
    entries.fail(key, why, 'remove them or set standaloneEnabled=false');
  }
  return false;
}

function findSid(
  entries: Entries,
  servers: readonly ServerAddress[],
  text: string,
  dataDir: string,
): number {
  const file = join(dataDir, 'myid');
  const trimmed = text.trim();
  const sids = servers.map(({ sid }) => sid).join(', ');
  if (!/^\d{1,15}$/.test(trimmed)) {
    const why = `${file} holds ${JSON.stringify(trimmed)}, which is not a number`;
    entries.fail('dataDir', why, `write one of ${sids} into it`);
  }
  const sid = Number(trimmed);
  const own = servers.find((server) => server.sid === sid);
  if (own === undefined) {
    const why = `${file} says ${sid}, but there is no server.${sid} line (known: ${sids})`;
    entries.fail('dataDir', why, `add server.${sid} or correct ${file}`);
  }
  const peerType = entries.text('peerType');
  if (peerType !== undefined && peerType !== own.role) {
    entries.warn(`peerType=${peerType} is ignored: server.${sid} says ${own.role}`);
  }
  return sid;
}

function clientAddress(
  entries: Entries,
  own: ServerAddress | undefined,
): Pick<ServerConfig, 'clientHost' | 'clientPort'> {
  const host = entries.text('clientPortAddress');
  const portText = entries.text('clientPort');
  if (portText === undefined && own?.clientPort !== undefined) {
    if (host !== undefined) {
      const why = 'clientPortAddress is set without clientPort';
      entries.fail('clientPortAddress', why, 'add clientPort=2181');
    }
    return {
      clientHost: own.clientHost ?? defaultConfig.clientHost,
      clientPort: own.clientPort,
    };
  }
  entries.required('clientPort');
  const clientPort = entries.integer('clientPort', 0, 0);
  if (clientPort > 65535) {
    entries.fail('clientPort', `${clientPort} is not a TCP port`, 'choose one up to 65535');
  }
  if (own?.clientPort !== undefined && own.clientPort !== clientPort) {
    const why = `clientPort=${clientPort} and server.${own.sid} (${own.clientPort}) disagree`;
    entries.fail('clientPort', why, 'make them equal or remove one of them');
  }
  return { clientHost: host ?? own?.clientHost ?? defaultConfig.clientHost, clientPort };
}

function ticks(entries: Entries, key: string, isRequired: boolean, preset: number): number {
  if (isRequired) entries.required(key);
  return entries.integer(key, preset, 1);
}

function sessionTimeouts(
  entries: Entries,
  tickTimeMs: number,
): Pick<ServerConfig, 'minSessionTimeoutMs' | 'maxSessionTimeoutMs'> {
  // -1 stands for the default, as upstream.
  const minimum = entries.integer('minSessionTimeout', -1, -1);
  const maximum = entries.integer('maxSessionTimeout', -1, -1);
  const minSessionTimeoutMs = minimum === -1 ? 2 * tickTimeMs : minimum;
  const maxSessionTimeoutMs = maximum === -1 ? 20 * tickTimeMs : maximum;
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const why = `minSessionTimeout ${minSessionTimeoutMs} exceeds maxSessionTimeout ${maxSessionTimeoutMs}`;
    entries.fail('minSessionTimeout', why, 'raise the maximum or lower the minimum');
  }
  return { minSessionTimeoutMs, maxSessionTimeoutMs };
}

function fourLetterWords(entries: Entries): ReadonlySet<string> {
  const text = entries.text('4lw.commands.whitelist');
  if (text === undefined) return defaultConfig.fourLetterWords;
  return new Set(
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  );
}

/** Keys with one value that this server has; another one would change what the user gets. */
function checkFixedChoices(entries: Entries): void {
  const electionAlgorithm = entries.integer('electionAlg', 3, 0);
  if (electionAlgorithm !== 3) {
    const why = `electionAlg=${electionAlgorithm}: only 3 (fast leader election) exists`;
    entries.fail('electionAlg', why, 'remove the line');
  }
  for (const key of ['sslQuorum', 'reconfigEnabled', 'quorum.auth.enableSasl'] as const) {
    if (!entries.isTrue(key, false)) continue;
    entries.fail(key, `${key}=true is not supported by this version`, 'remove the line');
  }
  if (entries.text('secureClientPort') !== undefined) {
    const why = 'TLS is not supported by this version';
    entries.fail('secureClientPort', why, 'remove the line and use clientPort');
  }
}

function ensembleWarnings(config: ServerConfig): string[] {
  const voters = config.servers.filter(({ role }) => role === 'participant').length;
  if (voters === 0 || voters % 2 === 1) return [];
  const tolerated = voters / 2 - 1;
  return [
    `${voters} voting servers tolerate ${tolerated} failure${tolerated === 1 ? '' : 's'}, ` +
      `no more than ${voters - 1} would`,
  ];
}

function readText(file: string, title: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartupError('CONFIG_UNREADABLE', ServerExitCode.badInvocation, {
      what: `${title} cannot be read (${file})`,
      why: (error as Error).message,
      whatToDo: 'give the path of a readable zoo.cfg: node dist/server/main.js PATH/zoo.cfg',
    });
  }
}

function readMyId(dataDir: string): string {
  const file = join(dataDir, 'myid');
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartupError('MYID_MISSING', ServerExitCode.badInvocation, {
      what: `the server does not know which of the ensemble it is (${file} cannot be read)`,
      why: (error as Error).message,
      whatToDo: `write the N of this host's server.N line into ${file}`,
    });
  }
}
