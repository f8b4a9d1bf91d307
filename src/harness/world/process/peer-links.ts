/** The proxies between peers, and the configuration that the peers share. */
import type { ClusterSpec } from '../../plan.ts';
import type { WireTap } from '../wire-tap/wire-tap.ts';
import { LinkProxy } from './link-proxy.ts';
import { probeLink } from './probes.ts';
import type { LinkState, PeerNetwork } from './real-world.ts';

export interface PeerAddress {
  readonly sid: number;
  readonly host: string;
  /** The address that its client port is bound to. */
  readonly clientHost: string;
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

export class PeerLinks implements PeerNetwork {
  readonly #links: readonly DirectedLink[];

  private constructor(links: readonly DirectedLink[]) {
    this.#links = links;
  }

  static async open(peers: readonly PeerAddress[], tap: WireTap): Promise<PeerLinks> {
    const links: DirectedLink[] = [];
    for (const { sid: from } of peers) {
      for (const to of peers) {
        if (to.sid === from) continue;
        const quorum = new LinkProxy(to.quorumPort, {
          announces: true,
          tap: () => tap.connection('quorum', from, to.sid),
        });
        const election = new LinkProxy(to.electionPort, {
          announces: true,
          tap: () => tap.connection('election', from, to.sid),
        });
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
      map[`${link.to.host}:${link.to.quorumPort}`] = `127.0.0.1:${link.quorumProxyPort}`;
      map[`${link.to.host}:${link.to.electionPort}`] = `127.0.0.1:${link.electionProxyPort}`;
    }
    return map;
  }

  /** Bytes from `from` to `to` stall, on connections that either of them dialled. */
  cut(from: number, to: number, done: () => void): void {
    for (const proxy of this.#between(from, to)) proxy.cut('forward');
    for (const proxy of this.#between(to, from)) proxy.cut('backward');
    done();
  }

  join(from: number, to: number, done: () => void): void {
    for (const proxy of this.#between(from, to)) proxy.join('forward');
    for (const proxy of this.#between(to, from)) proxy.join('backward');
    done();
  }

  probe(from: number, to: number, done: (state: LinkState) => void): void {
    const link = this.#links.find((each) => each.from === from && each.to.sid === to);
    if (link === undefined) done('blocked');
    else probeLink(link.election, link.electionProxyPort, done);
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
    lines.push(`clientPortAddress=${own.clientHost}`, `clientPort=${own.clientPort}`);
  } else {
    for (const { sid, host, clientHost, clientPort, quorumPort, electionPort } of peers) {
      const ports = `${quorumPort}:${electionPort}:participant;${clientHost}:${clientPort}`;
      lines.push(`server.${sid}=${host}:${ports}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
