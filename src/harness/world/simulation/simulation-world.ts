/**
 * The simulation world: an ensemble and its clients as objects in one process, on simulated network, disks
 * and clocks. Everything that happens is an entry of one queue, drawn from streams that are split by label,
 * so that the plan alone decides it; the trace hash is the proof.
 */
import type { Core } from '../../../base/core.ts';
import { prngStream } from '../../../base/prng.ts';
import type { ProtocolEvent } from '../../../base/protocol-event.ts';
import { defaultConfig, type ServerConfig } from '../../../server/core/config.ts';
import type { ServerEffect, ServerEvent } from '../../../server/core/seam.ts';
import type { Plan } from '../../plan.ts';
import type { TapLink } from '../wire-tap/tap-event.ts';
import { type ConnectionTap, type TapRecording, WireTap } from '../wire-tap/wire-tap.ts';
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
import { ClientHost, type Service } from './client-host.ts';
import { askWord } from './dialogue.ts';
import { SimulatedDisk } from './disk.ts';
import { EventQueue } from './event-queue.ts';
import type { Stage } from './host.ts';
import { type Machine, Network } from './network.ts';
import { type ServerClock, ServerHost } from './server-host.ts';
import { TraceHash } from './trace-hash.ts';

export type MakeServer = (config: ServerConfig) => Core<ServerEvent, ServerEffect>;

export interface SimulationOptions {
  readonly plan: Plan;
  readonly makeServer: MakeServer;
  /** A run that takes more queue entries than this is a runaway. */
  readonly maxEvents?: number;
  /** Decodes what passes on the simulated wires; costs time, and changes nothing. */
  readonly isTapped?: boolean;
}

interface Node {
  readonly sid: number;
  readonly machine: Machine;
  readonly disk: SimulatedDisk;
  readonly clock: ServerClock;
  incarnation: number;
  life: ServerHost | undefined;
  readonly log: string[];
  /** First and last event of this life, with the simulated time of each. */
  firstEvent: SeenEvent | undefined;
  lastEvent: SeenEvent | undefined;
}

interface SeenEvent {
  readonly now: number;
  readonly wallMs: number;
  readonly trueMs: number;
}

export const CLIENT_PORT = 2181;
const tappedLinks = new Map<number, TapLink>([
  [CLIENT_PORT, 'client'],
  [2888, 'quorum'],
  [3888, 'election'],
]);
const DATA_DIR = '/data';
const MAX_EVENTS = 30_000_000;
const MAX_LOG_LINES = 200;
const WORD_TIMEOUT_MS = 1000;
const LINK_PROBE_MS = 500;
/** 2026-01-01T00:00:00Z: wall clocks of simulated machines begin here. */
const EPOCH_MS = 1_767_225_600_000;

export class SimulationWorld implements World {
  readonly name = 'simulation';
  readonly missing = new Map<Injection['action'], string>();
  readonly #plan: Plan;
  readonly #makeServer: MakeServer;
  readonly #maxEvents: number;
  readonly #stage: Stage;
  readonly #nodes = new Map<number, Node>();
  /** Where probes come from; no fault reaches its links. */
  readonly #observer: Machine;
  readonly #services = new Map<string, Service>();
  readonly #listeners: Array<(event: ProtocolEvent) => void> = [];
  readonly #exits: ServerExit[] = [];
  readonly #tap: WireTap | undefined;
  #nextHostId = 1000;
  #isStopped = false;
  #failure: string | undefined;
  #eventCount = 0;

  constructor(options: SimulationOptions) {
    const { plan, makeServer, maxEvents = MAX_EVENTS } = options;
    this.#plan = plan;
    this.#makeServer = makeServer;
    this.#maxEvents = maxEvents;
    const { seed } = plan;
    const queue = new EventQueue();
    const { networkLatencyMs, splitPerMille } = plan.knobs.simulation;
    if (options.isTapped === true) {
      this.#tap = new WireTap([...tappedLinks.values()], () => this.nowNs());
    }
    const network = new Network({
      queue,
      seed,
      latencyUs: rangeUs(networkLatencyMs),
      splitPerMille,
      tap: (...ends) => this.#tapped(...ends),
    });
    this.#stage = { queue, network, hash: new TraceHash(), seed, epochMs: EPOCH_MS };
    this.#observer = this.#addMachine('observer', '10.0.255.1');
    for (let sid = 1; sid <= plan.cluster.nodes; sid++) this.#addNode(sid);
  }

  #addMachine(name: string, address: string): Machine {
    const machine: Machine = { name, address, isPowered: true, listeners: new Map() };
    this.#stage.network.addMachine(machine);
    return machine;
  }

  #addNode(sid: number): void {
    const { seed, knobs } = this.#plan;
    this.#nodes.set(sid, {
      sid,
      machine: this.#addMachine(`${sid}`, addressOf(sid)),
      disk: new SimulatedDisk({
        queue: this.#stage.queue,
        prng: prngStream(seed, `disk/${sid}`),
        flushLatencyUs: rangeUs(knobs.simulation.diskLatencyMs),
        chances: knobs.simulation,
      }),
      clock: {
        uptimeMs: prngStream(seed, `clock/${sid}`).int(0, 100_000_000),
        wall: { offsetMs: 0, ratePerMille: 1000, sinceUs: 0 },
      },
      incarnation: 0,
      life: undefined,
      log: [],
      firstEvent: undefined,
      lastEvent: undefined,
    });
  }

  /** Queue entries taken so far. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /**
   * Lets simulated time pass until `isDone`. Undefined when it is; otherwise why it cannot go on. The
   * harness sits on the same queue, so that nothing happens between its decisions.
   */
  drive(isDone: () => boolean): string | undefined {
    const { queue } = this.#stage;
    while (!isDone()) {
      if (this.#failure !== undefined) return this.#failure;
      const action = queue.take();
      if (action === undefined) return 'nothing is left to happen, and the run has not ended';
      if (++this.#eventCount > this.#maxEvents) {
        const atMs = Math.floor(queue.nowUs / 1000);
        return `the run took more than ${this.#maxEvents} events, at ${atMs} ms of simulated time`;
      }
      action();
    }
    return this.#failure;
  }

  nowNs(): number {
    return this.#stage.queue.nowUs * 1000;
  }

  schedule(delayMs: number, action: () => void): { cancel(): void } {
    return this.#stage.queue.after(Math.round(delayMs * 1000), action);
  }

  start(done: (error?: string) => void): void {
    for (const node of this.#nodes.values()) this.#startNode(node);
    this.#soon(done);
  }

  openClient(spec: ClientSpec): WorldClient {
    const hostId = this.#nextHostId++;
    const address = `10.1.${(hostId - 1000) >> 8}.${(hostId - 1000) & 0xff}`;
    return new ClientHost({
      stage: this.#stage,
      machine: this.#addMachine(`c${spec.label}`, address),
      hostId,
      spec,
      addressOf,
      clientPort: CLIENT_PORT,
      services: this.#services,
      serviceLatencyUs: rangeUs(this.#plan.knobs.simulation.networkLatencyMs),
      onCrash: (error) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#failure ??= `the client core of ${spec.label} threw: ${text}`;
      },
    });
  }

  inject(injection: Injection, done: (error?: string) => void): void {
    this.#stage.hash.value(injection);
    if (injection.action === 'cut' || injection.action === 'join') {
      this.#stage.network[injection.action](`${injection.from}`, `${injection.to}`);
      this.#soon(done);
      return;
    }
    const node = this.#node(injection.node);
    switch (injection.action) {
      case 'kill':
        this.#kill(node, false, done);
        return;
      case 'power-loss':
        this.#kill(node, true, done);
        return;
      case 'start': {
        const isRunning = node.life !== undefined;
        if (!isRunning) this.#startNode(node);
        this.#soon(done, isRunning ? `server ${node.sid} runs already` : undefined);
        return;
      }
      case 'pause':
      case 'resume': {
        const { life } = node;
        if (injection.action === 'pause') life?.pause();
        else life?.resume();
        this.#soon(done, life === undefined ? `server ${node.sid} does not run` : undefined);
        return;
      }
      case 'set-clock': {
        const { offsetMs, ratePerMille = 1000 } = injection;
        node.clock.wall = { offsetMs, ratePerMille, sinceUs: this.#stage.queue.nowUs };
        this.#soon(done);
      }
    }
  }

  probe(probe: Probe, done: (result: ProbeResult) => void): void {
    switch (probe.probe) {
      case 'link': {
        const from = this.#node(probe.from).machine;
        const to = this.#node(probe.to).machine;
        const timeoutUs =
          LINK_PROBE_MS * 1000 + rangeUs(this.#plan.knobs.simulation.networkLatencyMs)[1];
        this.#stage.network.ping(from, to, timeoutUs, (arrived) =>
          done({ probe: 'link', state: arrived ? 'open' : 'blocked' }),
        );
        return;
      }
      case 'process':
        this.#ask(probe.node, 'ruok', (end) => {
          const state =
            end.kind === 'answered' ? 'running' : end.kind === 'refused' ? 'dead' : 'paused';
          // A machine without power is as silent as a paused process; only its address tells them apart.
          const isOff = !this.#node(probe.node).machine.isPowered;
          done({ probe: 'process', state: isOff ? 'dead' : state });
        });
        return;
      case 'mode':
        this.#ask(probe.node, 'srvr', (end) =>
          done(
            end.kind === 'answered' ? readMode(end.text) : { probe: 'mode', mode: 'unreachable' },
          ),
        );
        return;
      case 'clock':
        this.#probeClock(this.#node(probe.node), done);
    }
  }

  #ask(sid: number, word: string, done: Parameters<typeof askWord>[4]): void {
    const question = { from: this.#observer, host: addressOf(sid), port: CLIENT_PORT };
    askWord(this.#stage.network, question, word, WORD_TIMEOUT_MS, done);
  }

  /** Waits for the server's next event: its tick writes one at least. */
  #probeClock(node: Node, done: (result: ProbeResult) => void): void {
    const waitUs = 3 * this.#plan.cluster.tickTimeMs * 1000;
    this.#stage.queue.after(waitUs, () => {
      const { firstEvent: first, lastEvent: last } = node;
      if (first === undefined || last === undefined) {
        done({ probe: 'clock', wallOffsetMs: 0, monotonicDriftMs: 0 });
        return;
      }
      done({
        probe: 'clock',
        wallOffsetMs: last.wallMs - (EPOCH_MS + last.trueMs),
        monotonicDriftMs: last.now - first.now - (last.trueMs - first.trueMs),
      });
    });
  }

  serve(target: string, answer: Service): void {
    this.#services.set(target, answer);
  }

  onEvent(listener: (event: ProtocolEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Simulated time stands still while the harness works. */
  takeLagMs(): number {
    return 0;
  }

  logs(node: number): readonly string[] {
    return this.#node(node).log;
  }

  exits(): readonly ServerExit[] {
    return this.#exits;
  }

  stop(done: (files: ReadonlyMap<number, ServerFiles>) => void): void {
    const files = new Map<number, ServerFiles>();
    for (const node of this.#nodes.values()) {
      node.life?.end();
      node.life = undefined;
      node.disk.kill();
      files.set(node.sid, node.disk.filesBelow(DATA_DIR));
    }
    this.#isStopped = true;
    this.#stage.queue.clear();
    this.#soon(() => done(files));
  }

  traceHash(): string {
    return this.#stage.hash.hex();
  }

  wires(): TapRecording | undefined {
    return this.#tap?.recording();
  }

  /** Only what peers and clients say; four-letter words come from the observer. */
  #tapped(dialler: string, acceptor: string, port: number): ConnectionTap | undefined {
    const link = tappedLinks.get(port);
    if (this.#tap === undefined || link === undefined) return undefined;
    if (dialler === this.#observer.name) return undefined;
    const from = link === 'client' ? dialler : Number(dialler);
    return this.#tap.connection(link, from, Number(acceptor));
  }

  #soon(done: (error?: string) => void, error?: string): void {
    this.#stage.queue.after(0, () => (error === undefined ? done() : done(error)));
  }

  #node(sid: number): Node {
    const node = this.#nodes.get(sid);
    if (node === undefined) throw new Error(`there is no server ${sid}`);
    return node;
  }

  #startNode(node: Node): void {
    if (this.#isStopped) return;
    const { sid, machine, disk, clock } = node;
    this.#stage.network.powerOn(machine);
    node.incarnation++;
    node.firstEvent = undefined;
    node.lastEvent = undefined;
    const life = new ServerHost({
      stage: this.#stage,
      machine,
      sid,
      incarnation: node.incarnation,
      core: this.#makeServer(serverConfig(this.#plan, sid)),
      disk,
      clock,
      onTrace: (event) => this.#traced(node, event),
      onLog: (line) => {
        node.log.push(line);
        if (node.log.length > MAX_LOG_LINES) node.log.shift();
      },
      onExit: (code, reason, isCrash) => {
        this.#exits.push({ node: sid, time: this.nowNs(), code, reason, isCrash });
        if (node.life === life) this.#processGone(node);
      },
    });
    node.life = life;
  }

  #traced(node: Node, event: ProtocolEvent): void {
    const trueMs = Math.floor(this.#stage.queue.nowUs / 1000);
    const seen = { now: event.now, wallMs: event.wallMs, trueMs };
    node.firstEvent ??= seen;
    node.lastEvent = seen;
    for (const listener of this.#listeners) listener(event);
  }

  #processGone(node: Node): void {
    node.life = undefined;
    node.disk.kill();
    this.#stage.network.resetAll(node.machine);
  }

  #kill(node: Node, losesPower: boolean, done: (error?: string) => void): void {
    const { life } = node;
    const finish = (error?: string): void => {
      if (losesPower) {
        node.disk.losePower();
        this.#stage.network.powerOff(node.machine);
      }
      this.#soon(done, error);
    };
    if (life === undefined) {
      finish(losesPower ? undefined : `server ${node.sid} does not run`);
      return;
    }
    life.kill(() => {
      node.life = undefined;
      if (!losesPower) {
        node.disk.kill();
        this.#stage.network.resetAll(node.machine);
      }
      finish();
    });
  }
}

function rangeUs([lowMs, highMs]: readonly [number, number]): readonly [number, number] {
  const low = Math.max(20, Math.round(lowMs * 1000));
  return [low, Math.max(low, Math.round(highMs * 1000))];
}

export function addressOf(sid: number): string {
  return `10.0.0.${sid}`;
}

function readMode(text: string): ProbeResult {
  const mode = /^Mode: (leader|follower|standalone)$/m.exec(text)?.[1];
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(text)?.[1];
  if (mode !== 'leader' && mode !== 'follower' && mode !== 'standalone') {
    const isAnswer = text.includes('not currently serving');
    return { probe: 'mode', mode: isAnswer ? 'not-serving' : 'unreachable' };
  }
  return { probe: 'mode', mode, ...(zxid === undefined ? {} : { zxid }) };
}

/** The configuration of one server as its `zoo.cfg` would give it. */
export function serverConfig(plan: Plan, sid: number): ServerConfig {
  const { nodes, tickTimeMs, initLimit, syncLimit, snapCount, commitLogCount } = plan.cluster;
  const servers = Array.from({ length: nodes }, (_, index) => ({
    sid: index + 1,
    host: addressOf(index + 1),
    quorumPort: 2888,
    electionPort: 3888,
    role: 'participant' as const,
    clientHost: '0.0.0.0',
    clientPort: CLIENT_PORT,
  }));
  return {
    ...defaultConfig,
    sid,
    dataDir: DATA_DIR,
    dataLogDir: DATA_DIR,
    clientPort: CLIENT_PORT,
    tickTimeMs,
    initLimit,
    syncLimit,
    minSessionTimeoutMs: 2 * tickTimeMs,
    maxSessionTimeoutMs: 20 * tickTimeMs,
    maxClientConnections: 0,
    servers: nodes === 1 ? [] : servers,
    commitLogCount,
    snapCount,
    preallocationSizeBytes: 0,
    fourLetterWords: new Set(['*']),
    isTraced: true,
  };
}
