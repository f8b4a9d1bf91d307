/**
 * One server core to which nothing happens by itself: its disk stands still, its timers do not fire and
 * its connections are silent until a schedule says so. Every effect that waits is kept in sight.
 */
import type { Core } from '../../src/base/core.ts';
import type { FileOperationId, FileRequest } from '../../src/base/file.ts';
import { Prng } from '../../src/base/prng.ts';
import type { ProtocolAct, ProtocolEvent, ProtocolState } from '../../src/base/protocol-event.ts';
import type { ServerConfig } from '../../src/server/core/config.ts';
import type { ServerEffect, ServerEvent, ServerInput } from '../../src/server/core/seam.ts';
import { encodeLogHeader, LOG_HEADER_SIZE_BYTES, LogReader } from '../../src/wire/storage.ts';
import type { CrashDisk } from './crash-disk.ts';

export type ServerCore = Core<ServerEvent, ServerEffect>;
export type MakeServer = (config: ServerConfig) => ServerCore;

/** A core that did not do what the model does, or could not be made to. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

interface HeldFile {
  readonly operation: FileOperationId;
  readonly request: FileRequest;
}

/** Connections and listeners are the network's business. */
export type NetworkEffect = Extract<
  ServerEffect,
  { readonly type: 'dial' | 'send' | 'close' | 'listen' | 'unlisten' }
>;

const WALL_MS = 1_700_000_000_000;

export class ScheduledServer {
  readonly config: ServerConfig;
  readonly disk: CrashDisk;
  readonly #makeServer: MakeServer;
  readonly #onNetwork: (server: ScheduledServer, effect: NetworkEffect) => void;
  readonly #timers = new Map<string, number>();
  readonly #inbox: ServerInput[] = [];
  #core: ServerCore | undefined;
  #held: HeldFile[] = [];
  #events: ProtocolEvent[] = [];
  #isStepping = false;
  #incarnation = 0;
  #now = 0;
  #nextAccepted = 1;

  constructor(options: {
    readonly config: ServerConfig;
    readonly disk: CrashDisk;
    readonly makeServer: MakeServer;
    readonly onNetwork: (server: ScheduledServer, effect: NetworkEffect) => void;
  }) {
    this.config = options.config;
    this.disk = options.disk;
    this.#makeServer = options.makeServer;
    this.#onNetwork = options.onNetwork;
  }

  get sid(): number {
    return this.config.sid;
  }
  get isUp(): boolean {
    return this.#core !== undefined;
  }
  /** Ids of accepted connections are the world's to give: odd, and never again in this life. */
  nextAccepted(): number {
    const id = this.#nextAccepted;
    this.#nextAccepted += 2;
    return id;
  }

  // --- life --------------------------------------------------------------------------------------

  start(): void {
    this.#core = this.#makeServer(this.config);
    this.#incarnation++;
    this.give({ type: 'started', incarnation: this.#incarnation, seed: 'schedule' });
  }

  /**
   * Power loss. Of the group that the disk was writing the first `kept` transactions arrive; nothing else that
   * was not flushed does.
   */
  crash(): void {
    this.#core = undefined;
    this.#timers.clear();
    this.disk.crash('flushed-only', new Prng(1));
  }

  keep(count: number): void {
    const group = this.#held.find(({ request }) => isLogWrite(request, this.config))?.request;
    this.#held = [];
    if (count === 0) return;
    if (group?.kind !== 'append') throw new Refusal(`server ${this.sid} gave its disk nothing`);
    this.disk.execute({ ...group, bytes: group.bytes.subarray(0, endOf(group.bytes, count)) });
  }

  // --- what happens to it ------------------------------------------------------------------------

  /** Events that a step sets off are given afterwards: a core is never entered twice. */
  give(input: ServerInput): void {
    this.#inbox.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      this.#step(next);
    }
    this.#isStepping = false;
  }

  #step(input: ServerInput): void {
    const effects: ServerEffect[] = [];
    this.#core?.step({ ...input, now: this.#now, wallMs: WALL_MS }, effects);
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ServerEffect): void {
    switch (effect.type) {
      case 'file':
        this.#hold(effect);
        return;
      case 'set-timer':
        this.#timers.set(effect.timer, effect.atMs);
        return;
      case 'cancel-timer':
        this.#timers.delete(effect.timer);
        return;
      case 'trace':
        this.#events.push(effect.event);
        return;
      case 'halt':
        if (effect.code === 0) return;
        throw new Refusal(`server ${this.sid} halts: ${effect.reason}`);
      case 'log':
      case 'pause-reading':
      case 'resume-reading':
        return;
      default:
        this.#onNetwork(this, effect);
    }
  }

  /** A new log file with its header is no step of any model: nothing is in it yet. */
  #hold(file: HeldFile): void {
    const isWaiting = this.#held.some(({ request }) => isLog(request.path, this.config));
    if (!isWaiting && isLogBeginning(file.request, this.config)) this.#complete(file);
    else this.#held.push(file);
  }

  #complete({ operation, request }: HeldFile): void {
    this.give({ type: 'file-completed', operation, result: this.disk.execute(request) });
  }

  /** Completes the first request of these; undefined if there is none. */
  #completeFirst(isOne: (request: FileRequest) => boolean): FileRequest | undefined {
    const index = this.#held.findIndex(({ request }) => isOne(request));
    const [first] = index < 0 ? [] : this.#held.splice(index, 1);
    if (first !== undefined) this.#complete(first);
    return first?.request;
  }

  /** The disk goes on until the core has told of this act, and no further. */
  runDiskUntil(act: ProtocolAct): void {
    const from = this.#events.length;
    // An epoch may be saved while the log is being written.
    const isOne = ({ path }: FileRequest): boolean =>
      !isEpochSave(act) || !isLog(path, this.config);
    while (!this.hasTold(act, from)) {
      if (this.#completeFirst(isOne) === undefined) {
        throw new Refusal(`server ${this.sid} has nothing to do on its disk that ends in ${act}`);
      }
    }
  }

  /** The group of transactions that the log is writing becomes durable. */
  flushLog(): void {
    for (;;) {
      const request = this.#completeFirst(({ path }) => isLog(path, this.config));
      if (request === undefined) throw new Refusal(`server ${this.sid} is flushing no log`);
      if (request.kind === 'flush') return;
    }
  }

  /** Time stands at the moment of this timer when it fires. */
  fire(timer: string): void {
    const atMs = this.#timers.get(timer);
    if (atMs === undefined) throw new Refusal(`server ${this.sid} waits for no ${timer}`);
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, atMs);
    this.give({ type: 'timer-fired', timer });
    // Late by more than a tick: other input would have had its turn first.
    if ((this.#timers.get(timer) ?? Number.POSITIVE_INFINITY) <= this.#now) this.fire(timer);
  }

  hasTimer(timer: string): boolean {
    return this.#timers.has(timer);
  }

  // --- what it tells -----------------------------------------------------------------------------

  hasTold(act: ProtocolAct, since = 0): boolean {
    return this.#events.slice(since).some((event) => event.act === act);
  }
  get eventCount(): number {
    return this.#events.length;
  }

  lastEvent<A extends ProtocolAct>(act: A): Extract<ProtocolEvent, { readonly act: A }> {
    const found = this.#events.findLast((event) => event.act === act);
    if (found === undefined) throw new Refusal(`server ${this.sid} never told of ${act}`);
    return found as Extract<ProtocolEvent, { readonly act: A }>;
  }

  /** Once a tick every server tells its state, whatever it does. */
  state(): ProtocolState {
    this.fire('clock-tick');
    return this.lastEvent('ClockTicked').post;
  }
}

const isEpochSave = (act: ProtocolAct): boolean => /^(Accepted|Current)Epoch|^EpochP/.test(act);

/** Files and the directory itself. */
const isLog = (path: string, { dataLogDir }: ServerConfig): boolean =>
  path.startsWith(`${dataLogDir}/`);

function isLogBeginning(request: FileRequest, config: ServerConfig): boolean {
  if (!isLog(request.path, config)) return false;
  if (request.kind === 'append') return request.bytes.length === LOG_HEADER_SIZE_BYTES;
  return ['create', 'flush', 'flush-directory'].includes(request.kind);
}

function isLogWrite(request: FileRequest, config: ServerConfig): boolean {
  return request.kind === 'append' && isLog(request.path, config);
}

/** How long the first `count` transactions of a group are. */
function endOf(group: Uint8Array, count: number): number {
  const reader = new LogReader();
  reader.push(encodeLogHeader());
  reader.push(group);
  let end = 0;
  for (let read = 0; read < count; read++) {
    const item = reader.next();
    if (item?.kind !== 'entry') throw new Refusal(`the disk was given fewer than ${count} entries`);
    end = item.end - LOG_HEADER_SIZE_BYTES;
  }
  return end;
}
