/**
 * The process world: servers are child processes on loopback with real sockets and files, clients live in
 * the harness's process. A user-space proxy stands in every directed link between peers and between a
 * client and a server. All servers have the same zoo.cfg, with their true addresses in it; a dial map
 * per server leads its outgoing connections to its own proxies.
 *
 * Replay here means the same operations and faults, not the same interleaving.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { unreachable } from '../../../base/assert.ts';
import type { ProtocolEvent } from '../../../base/protocol-event.ts';
import type { ClusterSpec } from '../../plan.ts';
import type {
  ClientSpec,
  Injection,
  Probe,
  ProbeResult,
  ServerExit,
  ServerFiles,
  World,
  WorldClient,
} from '../world.ts';
import { faketimeLibrary } from './clock-fault.ts';
import { EventTail } from './event-tail.ts';
import { findFreePorts } from './free-ports.ts';
import { LagMeter } from './lag-meter.ts';
import { type PeerAddress, PeerLinks, writeZooCfg } from './peer-links.ts';
import { type ClockReading, compareClocks, probeLink, probeMode } from './probes.ts';
import { ProcessClient } from './process-client.ts';
import { ServerProcess } from './server-process.ts';
import { Watchdog } from './watchdog.ts';

export interface ProcessWorldOptions {
  readonly cluster: ClusterSpec;
  readonly seed: string;
  /** The bundled server (bundle.ts). */
  readonly serverFile: string;
  /** Servers' directories are made in it and stay; default: a temporary one that `stop` removes. */
  readonly directory?: string;
}

interface Peer {
  readonly address: PeerAddress;
  readonly server: ServerProcess;
  readonly tail: EventTail;
  /** First event of the present life, and the newest. */
  firstReading: ClockReading | undefined;
  lastReading: ClockReading | undefined;
}

const TAIL_INTERVAL_MS = 20;
const CLOCK_PROBE_TICKS = 4;

export class ProcessWorld implements World {
  readonly name = 'process';
  readonly missing: ReadonlyMap<Injection['action'], string>;
  readonly #options: ProcessWorldOptions;
  readonly #directory: string;
  readonly #startedNs = process.hrtime.bigint();
  readonly #watchdog = new Watchdog();
  readonly #lag = new LagMeter();
  readonly #peers = new Map<number, Peer>();
  readonly #clients = new Set<ProcessClient>();
  readonly #services = new Map<string, (value: unknown, client: number) => unknown>();
  readonly #listeners: ((event: ProtocolEvent) => void)[] = [];
  readonly #exits: ServerExit[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #killAll = (): void => this.#killServers();
  #links: PeerLinks | undefined;
  #tailTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ProcessWorldOptions) {
    this.#options = options;
    if (options.directory !== undefined) mkdirSync(options.directory, { recursive: true });
    this.#directory = options.directory ?? mkdtempSync(join(tmpdir(), 'umpire-world-'));
    const missing = new Map<Injection['action'], string>([
      ['power-loss', 'a process cannot lose what the kernel holds for it'],
    ]);
    if (faketimeLibrary === undefined) missing.set('set-clock', 'libfaketime is not installed');
    this.missing = missing;
    process.on('exit', this.#killAll);
  }

  nowNs(): number {
    return Number(process.hrtime.bigint() - this.#startedNs);
  }

  schedule(delayMs: number, action: () => void): { cancel(): void } {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        clearTimeout(timer);
      },
    };
  }

  start(done: (error?: string) => void): void {
    this.#prepare().then(
      () => {
        let open = this.#peers.size;
        let failure: string | undefined;
        for (const { server } of this.#peers.values()) {
          server.start((error) => {
            failure ??= error;
            if (--open === 0) done(failure);
          });
        }
      },
      (error: unknown) => done(error instanceof Error ? error.message : String(error)),
    );
  }

  openClient(spec: ClientSpec): WorldClient {
    const client = new ProcessClient({
      spec,
      seed: this.#options.seed,
      monotonicMs: () => this.nowNs() / 1e6,
      clientPortOf: (sid) => this.#peer(sid).address.clientPort,
      external: (target, value) => {
        const answer = this.#services.get(target);
        if (answer === undefined) throw new Error(`no service is called ${target}`);
        return answer(value, spec.id);
      },
    });
    this.#clients.add(client);
    return client;
  }

  inject(injection: Injection, done: (error?: string) => void): void {
    const finish = (error?: string): void => {
      setImmediate(() => done(error));
    };
    const why = this.missing.get(injection.action);
    const links = this.#links;
    if (why !== undefined) finish(`${injection.action} cannot be injected here: ${why}`);
    else if (links === undefined) finish('the world has not been started');
    else if (injection.action === 'cut' || injection.action === 'join') {
      links[injection.action](injection.from, injection.to);
      finish();
    } else this.#injectIntoServer(injection, this.#peer(injection.node), finish);
  }

  probe(probe: Probe, done: (result: ProbeResult) => void): void {
    switch (probe.probe) {
      case 'link': {
        const link = this.#links?.electionProxy(probe.from, probe.to);
        if (link === undefined) {
          setImmediate(() => done({ probe: 'link', state: 'blocked' }));
          return;
        }
        probeLink(link.proxy, link.port, (state) => done({ probe: 'link', state }));
        return;
      }
      case 'process': {
        const state = this.#peer(probe.node).server.processState();
        setImmediate(() => done({ probe: 'process', state }));
        return;
      }
      case 'clock':
        this.#probeClock(this.#peer(probe.node), done);
        return;
      case 'mode':
        probeMode(this.#peer(probe.node).address.clientPort, done);
    }
  }

  serve(target: string, answer: (value: unknown, client: number) => unknown): void {
    this.#services.set(target, answer);
  }

  onEvent(listener: (event: ProtocolEvent) => void): void {
    this.#listeners.push(listener);
  }

  takeLagMs(): number {
    return this.#lag.take();
  }

  logs(node: number): readonly string[] {
    return this.#peer(node).server.logs;
  }

  exits(): readonly ServerExit[] {
    return this.#exits;
  }

  stop(done: (files: ReadonlyMap<number, ServerFiles>) => void): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const client of this.#clients) client.drop();
    const finish = (): void => {
      this.#readTails();
      this.#release();
      const files = new Map<number, ServerFiles>();
      for (const [sid, { server }] of this.#peers) files.set(sid, readFiles(server.dataDir));
      if (this.#options.directory === undefined) {
        rmSync(this.#directory, { recursive: true, force: true });
      }
      done(files);
    };
    let open = this.#peers.size;
    if (open === 0) setImmediate(finish);
    for (const { server } of this.#peers.values()) {
      server.kill(() => {
        if (--open === 0) setImmediate(finish);
      });
    }
  }

  traceHash(): null {
    return null;
  }

  async #prepare(): Promise<void> {
    const { cluster, serverFile } = this.#options;
    const ports = await findFreePorts(cluster.nodes * 3);
    const addresses: PeerAddress[] = [];
    for (let sid = 1; sid <= cluster.nodes; sid++) {
      const [clientPort = 0, quorumPort = 0, electionPort = 0] = ports.slice(3 * (sid - 1));
      addresses.push({ sid, clientPort, quorumPort, electionPort });
    }
    this.#links = await PeerLinks.open(addresses);
    for (const address of addresses) {
      const { sid } = address;
      const server = new ServerProcess({
        sid,
        directory: join(this.#directory, `server-${sid}`),
        serverFile,
        zooCfg: writeZooCfg(cluster, addresses, address),
        dialMap: this.#links.dialMap(sid),
        watchdog: this.#watchdog,
        onExit: (exit) => this.#exits.push({ ...exit, time: this.nowNs() }),
      });
      const tail = new EventTail(server.tracePath, (event) => this.#eventRead(sid, event));
      this.#peers.set(sid, {
        address,
        server,
        tail,
        firstReading: undefined,
        lastReading: undefined,
      });
    }
    this.#tailTimer = setInterval(() => this.#readTails(), TAIL_INTERVAL_MS);
  }

  #injectIntoServer(
    injection: Exclude<Injection, { action: 'cut' | 'join' }>,
    peer: Peer,
    done: (error?: string) => void,
  ): void {
    const { server } = peer;
    switch (injection.action) {
      case 'kill':
        server.kill(done);
        break;
      case 'start':
        this.#restart(peer, done);
        break;
      case 'pause':
        server.pause(done);
        break;
      case 'resume':
        server.resume(done);
        break;
      case 'set-clock':
        server.setClock(injection.offsetMs);
        done();
        break;
      case 'power-loss':
        done(this.missing.get('power-loss'));
        break;
      default:
        unreachable(injection);
    }
  }

  #restart(peer: Peer, done: (error?: string) => void): void {
    peer.tail.read();
    peer.tail.restarted();
    peer.server.start(done);
  }

  #readTails(): void {
    for (const { tail } of this.#peers.values()) tail.read();
  }

  #eventRead(sid: number, event: ProtocolEvent): void {
    const peer = this.#peer(sid);
    const reading = { event, readMonotonicMs: monotonicMs() };
    const isSameLife = peer.firstReading?.event.incarnation === event.incarnation;
    if (!isSameLife) peer.firstReading = reading;
    peer.lastReading = reading;
    for (const listener of this.#listeners) listener(event);
  }

  /** Waits for an event that is younger than the question: clocks are ticked once a tick. */
  #probeClock(peer: Peer, done: (result: ProbeResult) => void): void {
    const askedMs = monotonicMs();
    const waitMs = CLOCK_PROBE_TICKS * this.#options.cluster.tickTimeMs;
    const look = (): void => {
      const { firstReading: first, lastReading: last } = peer;
      const isFresh = last !== undefined && last.event.now >= askedMs;
      if (!isFresh && monotonicMs() - askedMs < waitMs && !this.#isStopped) {
        setTimeout(look, TAIL_INTERVAL_MS);
      } else if (first === undefined || last === undefined || !isFresh) {
        // Nothing was seen: not a number, which no expectation accepts.
        done({ probe: 'clock', wallOffsetMs: Number.NaN, monotonicDriftMs: Number.NaN });
      } else done(compareClocks(first, last, { monotonicMs, wallMs: () => Date.now() }));
    };
    setTimeout(look, TAIL_INTERVAL_MS);
  }

  #peer(sid: number): Peer {
    const peer = this.#peers.get(sid);
    if (peer === undefined) throw new Error(`there is no server ${sid}`);
    return peer;
  }

  #killServers(): void {
    for (const { server } of this.#peers.values()) server.kill(() => {});
  }

  #release(): void {
    process.off('exit', this.#killAll);
    clearInterval(this.#tailTimer);
    this.#lag.close();
    this.#links?.close();
    for (const { tail } of this.#peers.values()) tail.close();
    this.#watchdog.close();
  }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function readFiles(directory: string): ServerFiles {
  const files = new Map<string, Uint8Array>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(directory, name);
    if (!statSync(path).isFile()) continue;
    files.set(relative(directory, path).split(sep).join('/'), new Uint8Array(readFileSync(path)));
  }
  return files;
}
