/** `host:port,host:port`, as ZooKeeper's clients take it; IPv6 addresses stand in brackets. */
import type { Host } from './core/program.ts';

const DEFAULT_PORT = 2181;

export function parseHosts(hosts: string | readonly (string | Host)[]): readonly Host[] {
  const entries = typeof hosts === 'string' ? hosts.split(',') : hosts;
  if (entries.length === 0) throw new TypeError('the host list is empty');
  return entries.map((entry) => (typeof entry === 'string' ? parseHost(entry.trim()) : entry));
}

function parseHost(text: string): Host {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new TypeError(`"${text}" is not host:port (a chroot suffix is not supported)`);
  }
  return { host, port };
}
