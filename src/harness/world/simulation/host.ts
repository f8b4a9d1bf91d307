/**
 * What runs one core in the simulator: an inbox of events, named timers, and sockets. The server and the
 * client host add their own effects.
 *
 * A turn takes a drawn number of waiting events, steps the core with each, carries out its effects after
 * every step, and lets all output leave at the end, as the real driver does. Everything that reports back
 * only joins the inbox, so a step is never re-entered. A paused process keeps its inbox; its timers become
 * due late and are delivered in order when it goes on.
 */
import type { ConnectionEffect, ConnectionId, Core, TimerEffect } from '../../../base/core.ts';
import { type Prng, prngStream } from '../../../base/prng.ts';
import type { EventQueue, Scheduled } from './event-queue.ts';
import type { Machine, Network, Socket, SocketOwner } from './network.ts';
import type { TraceHash } from './trace-hash.ts';

export interface Stage {
  readonly queue: EventQueue;
  readonly network: Network;
  readonly hash: TraceHash;
  readonly seed: string;
  /** Wall milliseconds at simulated time 0. */
  readonly epochMs: number;
}

interface Timer {
  readonly atMs: number;
  readonly scheduled: Scheduled;
}

interface Waiting<Input> {
  readonly input: Timed<Input>;
  /** Dropped where the core has closed it meanwhile. */
  readonly socket: Socket | undefined;
  /** Dropped where it was moved or cancelled meanwhile. */
  readonly timer: Timer | undefined;
  readonly sizeBytes: number;
}

/** Its clocks are filled in when its turn comes. */
export type Timed<Input> = Input & { now: number; wallMs: number };

/** A turn begins so many microseconds after what woke it. */
const TURN_DELAY_US = [5, 150] as const;
const MAX_BATCH = 16;
/** A process that does not read for so long is broken, not slow: the bounds of TCP hold the rest. */
const MAX_INBOX = 200_000;

export abstract class CoreHost<
  Input extends { readonly type: string },
  Effect extends { readonly type: string },
> {
  protected readonly stage: Stage;
  readonly machine: Machine;
  protected readonly core: Core<Timed<Input>, Effect>;
  readonly #turns: Prng;
  readonly #id: number;
  #inbox: Waiting<Input>[] = [];
  readonly #timers = new Map<string, Timer>();
  protected readonly sockets = new Map<ConnectionId, Socket>();
  readonly #dirty = new Set<Socket>();
  #isTurnScheduled = false;
  #isPaused = false;
  isDead = false;

  constructor(
    stage: Stage,
    machine: Machine,
    id: number,
    label: string,
    core: Core<Timed<Input>, Effect>,
  ) {
    this.stage = stage;
    this.machine = machine;
    this.core = core;
    this.#id = id;
    this.#turns = prngStream(stage.seed, `turn/${label}`);
  }

  abstract monotonicMs(): number;
  abstract wallMs(): number;
  /** When this host's monotonic clock shows `atMs`, in simulated microseconds. */
  protected abstract timeOfUs(atMs: number): number;
  /** Effects beyond connections and timers. */
  protected abstract carryOutOwn(effect: Effect): void;
  /** The core threw. */
  protected abstract crashed(error: unknown): void;
  /** Asked between any two effects; false ends the turn, the host being dead. */
  protected abstract mayGoOn(): boolean;

  enqueue(input: Input): void {
    const timed: Timed<Input> = { ...input, now: 0, wallMs: 0 };
    this.#wait({ input: timed, socket: undefined, timer: undefined, sizeBytes: 0 });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#inbox.length > 0) this.#scheduleTurn();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The process is gone: nothing of it happens any more. What its kernel does is the caller's. */
  end(): void {
    this.isDead = true;
    this.#inbox = [];
    for (const timer of this.#timers.values()) timer.scheduled.cancel();
    this.#timers.clear();
    this.sockets.clear();
    this.#dirty.clear();
  }

  /** Hands what was sent so far to the network. */
  flushSockets(): void {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const socket of dirty) socket.pump();
  }

  protected owner(connection: ConnectionId, socket: () => Socket): SocketOwner {
    const wait = (input: unknown, sizeBytes: number): void =>
      this.#wait({
        input: input as Timed<Input>,
        socket: socket(),
        timer: undefined,
        sizeBytes,
      });
    // Whole literals, not spreads: these are most of all events.
    const clocks = { now: 0, wallMs: 0 };
    return {
      established: () => wait({ type: 'connection-established', connection, ...clocks }, 0),
      received: (bytes) =>
        wait({ type: 'bytes-received', connection, bytes, now: 0, wallMs: 0 }, bytes.length),
      drained: (sizeBytes) =>
        wait({ type: 'bytes-drained', connection, sizeBytes, now: 0, wallMs: 0 }, 0),
      closed: (reason) => wait({ type: 'connection-closed', connection, reason, ...clocks }, 0),
    };
  }

  #wait(waiting: Waiting<Input>): void {
    if (this.isDead) return;
    if (this.#inbox.length >= MAX_INBOX) {
      this.crashed(new Error(`more than ${MAX_INBOX} events wait for ${this.machine.name}`));
      return;
    }
    this.#inbox.push(waiting);
    this.#scheduleTurn();
  }

  #scheduleTurn(): void {
    if (this.#isTurnScheduled || this.#isPaused || this.isDead) return;
    this.#isTurnScheduled = true;
    const delayUs = this.#turns.int(TURN_DELAY_US[0], TURN_DELAY_US[1]);
    this.stage.queue.after(delayUs, () => {
      this.#isTurnScheduled = false;
      if (!this.#isPaused && !this.isDead) this.#turn();
    });
  }

  #turn(): void {
    const waiting = Math.min(this.#inbox.length, MAX_BATCH);
    const count = waiting > 1 ? this.#turns.int(1, waiting) : waiting;
    const batch = this.#inbox.splice(0, count);
    for (const item of batch) {
      this.#take(item);
      if (this.isDead) return;
    }
    this.flushSockets();
    if (this.#inbox.length > 0) this.#scheduleTurn();
  }

  #take({ input, socket, timer, sizeBytes }: Waiting<Input>): void {
    const { hash, queue } = this.stage;
    if (socket !== undefined) {
      if (sizeBytes > 0) socket.consumed(sizeBytes);
      const { connection } = input as unknown as { connection: ConnectionId };
      if (this.sockets.get(connection) !== socket) return;
      if (input.type === 'connection-closed') this.sockets.delete(connection);
    }
    if (timer !== undefined) {
      const name = (input as unknown as { timer: string }).timer;
      if (this.#timers.get(name) !== timer) return;
      this.#timers.delete(name);
    }
    input.now = this.monotonicMs();
    input.wallMs = this.wallMs();
    hash.int(this.#id);
    hash.number(queue.nowUs);
    hash.value(input);
    const effects: Effect[] = [];
    try {
      this.core.step(input, effects);
    } catch (error) {
      this.crashed(error);
      return;
    }
    for (const effect of effects) {
      if (!this.mayGoOn()) return;
      hash.value(effect);
      this.#carryOut(effect);
      if (this.isDead) return;
    }
  }

  #carryOut(effect: Effect): void {
    const common = effect as unknown as ConnectionEffect | TimerEffect;
    switch (common.type) {
      case 'dial':
        this.#dial(common);
        return;
      case 'send': {
        const socket = this.sockets.get(common.connection);
        if (socket === undefined) return;
        socket.send(common.bytes);
        this.#dirty.add(socket);
        return;
      }
      case 'close': {
        const socket = this.sockets.get(common.connection);
        this.sockets.delete(common.connection);
        socket?.close();
        return;
      }
      case 'pause-reading':
        this.sockets.get(common.connection)?.pause();
        return;
      case 'resume-reading':
        this.sockets.get(common.connection)?.resume();
        return;
      case 'set-timer':
        this.#setTimer(common.timer, common.atMs);
        return;
      case 'cancel-timer':
        this.#timers.get(common.timer)?.scheduled.cancel();
        this.#timers.delete(common.timer);
        return;
      default:
        this.carryOutOwn(effect);
    }
  }

  #dial(effect: Extract<ConnectionEffect, { type: 'dial' }>): void {
    const { connection, host, port, timeoutMs } = effect;
    const owner = this.owner(connection, () => socket);
    const socket: Socket = this.stage.network.dial(this.machine, host, port, timeoutMs, owner);
    this.sockets.set(connection, socket);
  }

  #setTimer(name: string, atMs: number): void {
    this.#timers.get(name)?.scheduled.cancel();
    const scheduled = this.stage.queue.at(this.timeOfUs(atMs), () => {
      const event = { type: 'timer-fired', timer: name, now: 0, wallMs: 0 };
      const input = event as unknown as Timed<Input>;
      this.#wait({ input, socket: undefined, timer, sizeBytes: 0 });
    });
    const timer: Timer = { atMs, scheduled };
    this.#timers.set(name, timer);
  }
}
