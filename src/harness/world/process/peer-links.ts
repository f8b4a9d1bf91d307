/** The proxies between peers, and the configuration that the peers share. */
import type { ClusterSpec } from '../../plan.ts';
import { LinkProxy } from './link-proxy.ts';

export interface PeerAddress {
  readonly sid: number;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
}

interface DirectedLink {
  readonly from: number;
  readonly to: PeerAddress;
  readonly quorum: LinkProxy;
  readonly quorumProxyPort: number;
  readonly election: LinkProxy;
  readonly electionProxyPort: number;
}

export class PeerLinks {
  readonly #links: readonly DirectedLink[];

  private constructor(links: readonly DirectedLink[]) {
    this.#links = links;
  }

  static async open(peers: readonly PeerAddress[]): Promise<PeerLinks> {
    const links: DirectedLink[] = [];
    for (const { sid: from } of peers) {
      for (const to of peers) {
        if (to.sid === from) continue;
        const quorum = new LinkProxy(to.quorumPort, { announces: true });
        const election = new LinkProxy(to.electionPort, { announces: true });
        const quorumProxyPort = await quorum.open();
        const electionProxyPort = await election.open();
        links.push({ from, to, quorum, quorumProxyPort, election, electionProxyPort });
      }
    }
    return new PeerLinks(links);
  }

  /** What `from` finds at the addresses of the others. */
  dialMap(from: number): Record<string, string> {
    const map: Record<string, string> = {};
    for (const link of this.#links) {
      if (link.from !== from) continue;
      map[`127.0.0.1:${link.to.quorumPort}`] = `127.0.0.1:${link.quorumProxyPort}`;
      map[`127.0.0.1:${link.to.electionPort}`] = `127.0.0.1:${link.electionProxyPort}`;
    }
    return map;
  }

  /** Bytes from `from` to `to` stall, on connections that either of them dialled. */
  cut(from: number, to: number): void {
    for (const proxy of this.#between(from, to)) proxy.cut('forward');
    for (const proxy of this.#between(to, from)) proxy.cut('backward');
  }

  join(from: number, to: number): void {
    for (const proxy of this.#between(from, to)) proxy.join('forward');
    for (const proxy of this.#between(to, from)) proxy.join('backward');
  }

  electionProxy(from: number, to: number): { proxy: LinkProxy; port: number } | undefined {
    const link = this.#links.find((each) => each.from === from && each.to.sid === to);
    return link === undefined ? undefined : { proxy: link.election, port: link.electionProxyPort };
  }

  close(): void {
    for (const { quorum, election } of this.#links) {
      quorum.close();
      election.close();
    }
  }

  #between(from: number, to: number): LinkProxy[] {
    return this.#links
      .filter((link) => link.from === from && link.to.sid === to)
      .flatMap(({ quorum, election }) => [quorum, election]);
  }
}

/** The same text for every peer, but that a single server has its client port in a key of its own. */
export function writeZooCfg(
  cluster: ClusterSpec,
  peers: readonly PeerAddress[],
  own: PeerAddress,
): string {
  const lines = [
    `tickTime=${cluster.tickTimeMs}`,
    `initLimit=${cluster.initLimit}`,
    `syncLimit=${cluster.syncLimit}`,
    `snapCount=${cluster.snapCount}`,
    `commitLogCount=${cluster.commitLogCount}`,
    'preAllocSize=64',
    'maxClientCnxns=0',
    '4lw.commands.whitelist=*',
    'dataDir=data',
  ];
  if (peers.length === 1) {
    lines.push('clientPortAddress=127.0.0.1', `clientPort=${own.clientPort}`);
  } else {
    for (const { sid, clientPort, quorumPort, electionPort } of peers) {
      const ports = `${quorumPort}:${electionPort}:participant;127.0.0.1:${clientPort}`;
      lines.push(`server.${sid}=127.0.0.1:${ports}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
