/**
 * The process world: servers are child processes on loopback with real sockets and files, clients live in
 * the harness's process. A user-space proxy stands in every directed link between peers and between a
 * client and a server. All servers have the same zoo.cfg, with their true addresses in it; a dial map
 * per server leads its outgoing connections to its own proxies.
 */
import { join } from 'node:path';
import type { Injection } from '../world.ts';
import { faketimeLibrary } from './clock-fault.ts';
import { findFreePorts } from './free-ports.ts';
import { type PeerAddress, PeerLinks, writeZooCfg } from './peer-links.ts';
import { RealWorld, type RealWorldOptions } from './real-world.ts';
import { ServerProcess } from './server-process.ts';
import { Watchdog } from './watchdog.ts';

export interface ProcessWorldOptions extends RealWorldOptions {
  /** The bundled server (bundle.ts). */
  readonly serverFile: string;
}

const LOOPBACK = '127.0.0.1';

export class ProcessWorld extends RealWorld {
  readonly name = 'process';
  readonly missing: ReadonlyMap<Injection['action'], string>;
  readonly #processOptions: ProcessWorldOptions;
  readonly #watchdog = new Watchdog();
  readonly #servers: ServerProcess[] = [];
  readonly #killAll = (): void => {
    for (const server of this.#servers) server.kill(() => {});
  };
  #links: PeerLinks | undefined;

  constructor(options: ProcessWorldOptions) {
    super(options, ['client', 'election', 'quorum']);
    this.#processOptions = options;
    const missing = new Map<Injection['action'], string>([
      ['power-loss', 'a process cannot lose what the kernel holds for it'],
    ]);
    if (faketimeLibrary === undefined) missing.set('set-clock', 'libfaketime is not installed');
    this.missing = missing;
    process.on('exit', this.#killAll);
  }

  protected async prepare(): Promise<{ servers: ServerProcess[]; network: PeerLinks }> {
    const { cluster, serverFile } = this.#processOptions;
    const ports = await findFreePorts(cluster.nodes * 3);
    const addresses: PeerAddress[] = [];
    for (let sid = 1; sid <= cluster.nodes; sid++) {
      const [clientPort = 0, quorumPort = 0, electionPort = 0] = ports.slice(3 * (sid - 1));
      addresses.push({
        sid,
        host: LOOPBACK,
        clientHost: LOOPBACK,
        clientPort,
        quorumPort,
        electionPort,
      });
    }
    const links = await PeerLinks.open(addresses, this.tap);
    this.#links = links;
    for (const address of addresses) {
      const { sid, clientPort } = address;
      const server = new ServerProcess({
        sid,
        directory: join(this.directory, `server-${sid}`),
        clientPort,
        serverFile,
        zooCfg: writeZooCfg(cluster, addresses, address),
        dialMap: links.dialMap(sid),
        watchdog: this.#watchdog,
        onExit: (exit) => this.serverEnded(exit),
      });
      this.#servers.push(server);
    }
    return { servers: this.#servers, network: links };
  }

  protected async release(): Promise<void> {
    process.off('exit', this.#killAll);
    this.#links?.close();
    this.#watchdog.close();
  }
}
