/**
 * Who belongs to the ensemble and which sets of them decide. A value: a change of the membership
 * makes a new verifier, and everything that counts votes or acknowledgements names the verifier
 * that it counts with. Its text travels in notifications and NEWLEADER and is the data of
 * /zookeeper/config:
 *
 *   server.1=127.0.0.1:2888:3888:participant;0.0.0.0:2181
 *   …                                         one line per member, ascending by sid
 *   version=100000000                         lowercase hex, no newline behind it
 *
 * Upstream: QuorumVerifier, QuorumMaj, QuorumPeer.QuorumServer.
 */
import { MalformedError } from '../../wire/jute.ts';
import type { ServerAddress } from './config.ts';

export class QuorumVerifier {
  /** Participants and observers, ascending by sid. */
  readonly members: ReadonlyMap<number, ServerAddress>;
  /** Zxid of the transaction that made this configuration; 0 for the one of the files. */
  readonly version: bigint;
  /** Sids of the participants, ascending. */
  readonly voters: readonly number[];
  readonly #voterSet: ReadonlySet<number>;

  constructor(servers: Iterable<ServerAddress>, version = 0n) {
    const sorted = [...servers].sort((a, b) => a.sid - b.sid);
    this.members = new Map(sorted.map((server) => [server.sid, server]));
    this.version = version;
    this.voters = [...this.members.values()]
      .filter((server) => server.role === 'participant')
      .map((server) => server.sid);
    this.#voterSet = new Set(this.voters);
  }

  isVoter(sid: number): boolean {
    return this.#voterSet.has(sid);
  }

  /** Strictly more than half of the participants; other sids and repetitions count nothing. */
  containsQuorum(sids: Iterable<number>): boolean {
    const counted = new Set<number>();
    for (const sid of sids) if (this.isVoter(sid)) counted.add(sid);
    return counted.size * 2 > this.voters.length;
  }

  withVersion(version: bigint): QuorumVerifier {
    return new QuorumVerifier(this.members.values(), version);
  }

  equals(other: QuorumVerifier): boolean {
    return this.toText() === other.toText();
  }

  toText(): string {
    const lines = [...this.members.values()].map((server) => {
      const { key, value } = formatServerLine(server);
      return `${key}=${value}`;
    });
    return [...lines, `version=${BigInt.asUintN(64, this.version).toString(16)}`].join('\n');
  }
}

/** Throws MalformedError: the text may come from a peer. Keys that nobody knows are skipped. */
export function parseQuorumVerifier(text: string): QuorumVerifier {
  const servers = new Map<number, ServerAddress>();
  let version = 0n;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const at = trimmed.indexOf('=');
    if (at < 0) fail(trimmed, 'a line has no "="');
    const key = trimmed.slice(0, at).trim();
    const value = trimmed.slice(at + 1).trim();
    if (key.startsWith('server.')) {
      const server = parseServerLine(key, value);
      if (servers.has(server.sid)) fail(key, 'the server is named twice');
      servers.set(server.sid, server);
    } else if (key === 'version') {
      if (!/^[0-9a-f]{1,16}$/i.test(value)) fail(key, `"${value}" is not hex`);
      version = BigInt.asIntN(64, BigInt(`0x${value}`));
    } else if (key.startsWith('group.') || key.startsWith('weight.')) {
      fail(key, 'hierarchical quorums are not supported');
    }
  }
  return new QuorumVerifier(servers.values(), version);
}

/**
 * `server.N` and `host:quorumPort:electionPort:role[;clientHost:clientPort]`, as upstream prints.
 */
export function formatServerLine(server: ServerAddress): { key: string; value: string } {
  const { host, quorumPort, electionPort, role } = server;
  const client =
    server.clientPort === undefined
      ? ''
      : `;${formatHost(server.clientHost ?? '0.0.0.0')}:${server.clientPort}`;
  return {
    key: `server.${server.sid}`,
    value: `${formatHost(host)}:${quorumPort}:${electionPort}:${role}${client}`,
  };
}

/**
 * Reads `server.N` =
 * `host:quorumPort:electionPort[:participant|observer][;[clientHost:]clientPort]`; an IPv6 host
 * stands in brackets. Throws MalformedError whose field is the key.
 */
export function parseServerLine(key: string, value: string): ServerAddress {
  const sid = /^server\.(\d{1,15})$/.exec(key.trim())?.[1];
  if (sid === undefined) fail(key, 'the key is not "server." and a number');
  if (value.includes('|')) fail(key, 'several addresses for one server are not supported');
  const [ensemble = '', client, ...rest] = value.trim().split(';');
  if (rest.length > 0) fail(key, 'there is more than one ";"');
  const { host, rest: ports } = splitHost(key, ensemble);
  const [quorumPort, electionPort, role = 'participant', ...more] = ports;
  if (quorumPort === undefined || electionPort === undefined || more.length > 0) {
    fail(key, `"${value}" is not host:quorumPort:electionPort[:role][;[clientHost:]clientPort]`);
  }
  return {
    sid: Number(sid),
    host,
    quorumPort: parsePort(key, quorumPort),
    electionPort: parsePort(key, electionPort),
    role: parseRole(key, role),
    ...(client === undefined ? {} : parseClient(key, client)),
  };
}

function parseClient(
  key: string,
  text: string,
): Required<Pick<ServerAddress, 'clientHost' | 'clientPort'>> {
  if (!text.includes(':')) return { clientHost: '0.0.0.0', clientPort: parsePort(key, text) };
  const { host, port } = parseHostAndPort(key, text);
  return { clientHost: host, clientPort: port };
}

/** Reads `host:port`, an IPv6 host in brackets; `field` is named in the MalformedError. */
export function parseHostAndPort(field: string, text: string): { host: string; port: number } {
  const { host, rest } = splitHost(field, text);
  const [port, ...more] = rest;
  if (port === undefined || more.length > 0) fail(field, `"${text}" is not host:port`);
  return { host, port: parsePort(field, port) };
}

function splitHost(key: string, text: string): { host: string; rest: string[] } {
  const trimmed = text.trim();
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(trimmed);
  if (bracketed !== null) {
    return { host: bracketed[1] ?? '', rest: bracketed[2]?.split(':') ?? [] };
  }
  const [host = '', ...rest] = trimmed.split(':');
  if (host.trim() === '') fail(key, 'the host is empty');
  return { host: host.trim(), rest };
}

function parseRole(key: string, text: string): ServerAddress['role'] {
  const role = text.trim().toLowerCase();
  if (role !== 'participant' && role !== 'observer') fail(key, `"${text}" is not a role`);
  return role;
}

function parsePort(key: string, text: string): number {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65535)) fail(key, `"${text}" is not a port`);
  return port;
}

/** The host of a text form: an IPv6 address stands in brackets. */
export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function fail(field: string, problem: string): never {
  throw new MalformedError(problem, { record: 'QuorumVerifier', field, offset: 0 });
}
