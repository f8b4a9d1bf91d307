/**
 * What every world of real servers has in common, whether they are child processes or containers: real
 * time, clients in the harness's own process, servers that keep files in a directory which the harness can
 * read and write protocol events into a file there.
 *
 * Replay in such a world means the same operations and faults, not the same interleaving.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { unreachable } from '../../../base/assert.ts';
import type { ProtocolEvent } from '../../../base/protocol-event.ts';
import { messageOf } from '../../../base/thrown.ts';
import type { ClusterSpec } from '../../plan.ts';
import type { TapLink } from '../wire-tap/tap-event.ts';
import { mergeRecordings, type TapRecording, WireTap } from '../wire-tap/wire-tap.ts';
import type {
  ClientSpec,
  Injection,
  Probe,
  ProbeResult,
  ServerExit,
  ServerFiles,
  World,
  WorldClient,
  WorldName,
} from '../world.ts';
import type { ClockSetting } from './clock-fault.ts';
import { EventTail } from './event-tail.ts';
import { LagMeter } from './lag-meter.ts';
import { type ClockReading, compareClocks } from './probes.ts';
import { ProcessClient } from './process-client.ts';
import type { ServerLog } from './server-log.ts';

export interface RealWorldOptions {
  readonly cluster: ClusterSpec;
  readonly seed: string;
  /** Servers' directories are made in it and stay; default: a temporary one that `stop` removes. */
  readonly directory?: string;
}

type Done = (error?: string) => void;
export type ModeResult = Extract<ProbeResult, { probe: 'mode' }>;
export type ProcessState = Extract<ProbeResult, { probe: 'process' }>['state'];
export type LinkState = Extract<ProbeResult, { probe: 'link' }>['state'];

/** One server that a world runs, over all its lives. */
export interface RealServer {
  readonly sid: number;
  readonly dataDir: string;
  readonly tracePath: string;
  readonly log: ServerLog;
  /** Where clients of this host reach it on loopback. */
  readonly clientPort: number;
  start(done: Done): void;
  /** SIGKILL; calls back when it is gone, also where it was gone before. */
  kill(done: Done): void;
  pause(done: Done): void;
  resume(done: Done): void;
  setClock(setting: ClockSetting): void;
  probeProcess(done: (state: ProcessState) => void): void;
  probeMode(done: (result: ModeResult) => void): void;
}

/** The directed links between peers. */
export interface PeerNetwork {
  cut(from: number, to: number, done: Done): void;
  join(from: number, to: number, done: Done): void;
  probe(from: number, to: number, done: (state: LinkState) => void): void;
  /**
   * Where bytes between peers do not pass through this process: what was captured of them up to now.
   * `worldTime` turns nanoseconds of this host's wall clock into those of the world's.
   */
  wires?(worldTime: (wallNs: bigint) => number): Promise<TapRecording | undefined>;
}

interface Peer {
  readonly server: RealServer;
  readonly tail: EventTail;
  /** First event of the present life, and the newest. */
  firstReading: ClockReading | undefined;
  lastReading: ClockReading | undefined;
}

interface Ensemble {
  readonly servers: readonly RealServer[];
  readonly network: PeerNetwork;
}

const TAIL_INTERVAL_MS = 20;
const CLOCK_PROBE_TICKS = 4;

export abstract class RealWorld implements World {
  abstract readonly name: WorldName;
  abstract readonly missing: ReadonlyMap<Injection['action'], string>;
  protected readonly directory: string;
  protected readonly tap: WireTap;
  readonly #options: RealWorldOptions;
  readonly #startedNs = process.hrtime.bigint();
  readonly #startedWallNs = wallNs();
  readonly #lag = new LagMeter();
  readonly #peers = new Map<number, Peer>();
  readonly #clients = new Set<ProcessClient>();
  readonly #services = new Map<string, (value: unknown, client: number) => unknown>();
  readonly #listeners: ((event: ProtocolEvent) => void)[] = [];
  readonly #exits: ServerExit[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #network: PeerNetwork | undefined;
  #preparing: Promise<Ensemble> | undefined;
  #tailTimer: NodeJS.Timeout | undefined;
  #captured: TapRecording | undefined;
  #isStopped = false;

  /** `tapped`: the wires whose bytes pass through proxies of this world. */
  constructor(options: RealWorldOptions, tapped: readonly TapLink[] = ['client']) {
    this.#options = options;
    this.tap = new WireTap(tapped, () => this.nowNs());
    if (options.directory !== undefined) mkdirSync(options.directory, { recursive: true });
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'umpire-world-'));
  }

  /** Everything up to the moment at which servers can be started. */
  protected abstract prepare(): Promise<Ensemble>;
  /** Lets go of what `prepare` took; servers are dead by now. Called once, also after a failure. */
  protected abstract release(): Promise<void>;

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

  start(done: Done): void {
    this.#preparing = this.prepare();
    this.#preparing.then(
      ({ servers, network }) => {
        if (this.#isStopped) return;
        this.#network = network;
        for (const server of servers) this.#watch(server);
        this.#tailTimer = setInterval(() => this.#readTails(), TAIL_INTERVAL_MS);
        let open = servers.length;
        let failure: string | undefined;
        for (const server of servers) {
          server.start((error) => {
            failure ??= error;
            if (--open === 0) done(failure);
          });
        }
      },
      (error: unknown) => {
        if (!this.#isStopped) done(messageOf(error));
      },
    );
  }

  openClient(spec: ClientSpec): WorldClient {
    const client = new ProcessClient({
      spec,
      seed: this.#options.seed,
      monotonicMs: () => this.nowNs() / 1e6,
      clientPortOf: (sid) => this.#peer(sid).server.clientPort,
      tap: this.tap,
      external: (target, value) => {
        const answer = this.#services.get(target);
        if (answer === undefined) throw new Error(`no service is called ${target}`);
        return answer(value, spec.id);
      },
    });
    this.#clients.add(client);
    return client;
  }

  inject(injection: Injection, done: Done): void {
    const finish = (error?: string): void => {
      setImmediate(() => done(error));
    };
    const why = this.missing.get(injection.action);
    const network = this.#network;
    if (why !== undefined) finish(`${injection.action} cannot be injected here: ${why}`);
    else if (network === undefined) finish('the world has not been started');
    else if (injection.action === 'cut' || injection.action === 'join') {
      network[injection.action](injection.from, injection.to, finish);
    } else this.#injectIntoServer(injection, this.#peer(injection.node), finish);
  }

  probe(probe: Probe, done: (result: ProbeResult) => void): void {
    const finish = (result: ProbeResult): void => {
      setImmediate(() => done(result));
    };
    switch (probe.probe) {
      case 'link': {
        const asked = (state: LinkState): void => finish({ probe: 'link', state });
        if (this.#network === undefined) asked('blocked');
        else this.#network.probe(probe.from, probe.to, asked);
        return;
      }
      case 'process':
        this.#peer(probe.node).server.probeProcess((state) => finish({ probe: 'process', state }));
        return;
      case 'clock':
        this.#probeClock(this.#peer(probe.node), done);
        return;
      case 'mode':
        this.#peer(probe.node).server.probeMode(finish);
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
    return this.#peers.get(node)?.server.log.warnings ?? [];
  }

  exits(): readonly ServerExit[] {
    return this.#exits;
  }

  stop(done: (files: ReadonlyMap<number, ServerFiles>, error?: string) => void): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const client of this.#clients) client.drop();
    const files = new Map<number, ServerFiles>();
    this.#stop(files).then(
      () => setImmediate(() => done(files)),
      (error: unknown) => setImmediate(() => done(files, messageOf(error))),
    );
  }

  traceHash(): null {
    return null;
  }

  wires(): TapRecording {
    const own = this.tap.recording();
    return this.#captured === undefined ? own : mergeRecordings(own, this.#captured);
  }

  /** A server ended without having been killed from here. */
  protected serverEnded(exit: Omit<ServerExit, 'time'>): void {
    if (!this.#isStopped) this.#exits.push({ ...exit, time: this.nowNs() });
  }

  async #stop(files: Map<number, ServerFiles>): Promise<void> {
    // What is half prepared is prepared to its end, so that all of it can be released.
    await this.#preparing?.catch(() => undefined);
    try {
      await this.#collect(files);
    } finally {
      await this.release();
      if (this.#options.directory === undefined) {
        rmSync(this.directory, { recursive: true, force: true });
      }
    }
  }

  async #collect(files: Map<number, ServerFiles>): Promise<void> {
    const servers = [...this.#peers.values()].map(({ server }) => server);
    await Promise.all(servers.map((server) => new Promise((killed) => server.kill(killed))));
    clearInterval(this.#tailTimer);
    this.#readTails();
    this.#lag.close();
    for (const { tail } of this.#peers.values()) tail.close();
    for (const { sid, dataDir, log } of servers) {
      const own = readFiles(dataDir);
      if (existsSync(log.path)) own.set('server.log', new Uint8Array(readFileSync(log.path)));
      files.set(sid, own);
    }
    const sinceStart = (wall: bigint): number => Number(wall - this.#startedWallNs);
    this.#captured = await this.#network?.wires?.(sinceStart);
  }

  #watch(server: RealServer): void {
    const { sid } = server;
    const tail = new EventTail(server.tracePath, (event) => this.#eventRead(sid, event));
    this.#peers.set(sid, { server, tail, firstReading: undefined, lastReading: undefined });
  }

  #injectIntoServer(
    injection: Exclude<Injection, { action: 'cut' | 'join' }>,
    peer: Peer,
    done: Done,
  ): void {
    const { server } = peer;
    switch (injection.action) {
      case 'kill':
        server.kill(done);
        break;
      case 'start':
        peer.tail.read();
        peer.tail.restarted();
        server.start(done);
        break;
      case 'pause':
        server.pause(done);
        break;
      case 'resume':
        server.resume(done);
        break;
      case 'set-clock': {
        const { offsetMs, ratePerMille = 1000 } = injection;
        const ageMs = monotonicMs() - (peer.firstReading?.event.now ?? monotonicMs());
        server.setClock({ offsetMs, ratePerMille, ageMs });
        done();
        break;
      }
      case 'power-loss':
        done(this.missing.get('power-loss'));
        break;
      default:
        unreachable(injection);
    }
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
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** To the microsecond, which `Date.now` is not. */
function wallNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

function readFiles(directory: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(directory, name);
    if (!statSync(path).isFile()) continue;
    files.set(relative(directory, path).split(sep).join('/'), new Uint8Array(readFileSync(path)));
  }
  return files;
}
