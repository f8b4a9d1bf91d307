/**
 * One life of one simulated server: its core, its place on the machine's disk, and its end. A kill may
 * come between any two effects: it is armed with a number of effects that the server may still have, and
 * strikes in the middle of a turn, or when the server stays idle.
 */
import type { ConnectionId, Core } from '../../../base/core.ts';
import { type Prng, prngStream } from '../../../base/prng.ts';
import type { ProtocolEvent } from '../../../base/protocol-event.ts';
import type { ServerEffect, ServerEvent, ServerInput } from '../../../server/core/seam.ts';
import type { SimulatedDisk } from './disk.ts';
import { CoreHost, type Stage } from './host.ts';
import type { Machine, Socket } from './network.ts';

export interface ServerClock {
  /** The machine's monotonic clock ran for so long before simulated time 0. */
  readonly uptimeMs: number;
  /** What the wall clock is off by at `sinceUs`, and how fast it has run since. */
  wall: { readonly offsetMs: number; readonly ratePerMille: number; readonly sinceUs: number };
}

export interface ServerHostOptions {
  readonly stage: Stage;
  readonly machine: Machine;
  readonly sid: number;
  readonly incarnation: number;
  readonly core: Core<ServerEvent, ServerEffect>;
  readonly disk: SimulatedDisk;
  readonly clock: ServerClock;
  readonly onTrace: (event: ProtocolEvent) => void;
  readonly onLog: (line: string) => void;
  /** The process ended by itself. */
  readonly onExit: (code: number, reason: string, isCrash: boolean) => void;
}

/** How long an armed kill waits for a turn to strike in, at most. */
const ARMED_US = 4000;
const CRASH_EXIT_CODE = 70;

export class ServerHost extends CoreHost<ServerInput, ServerEffect> {
  readonly #options: ServerHostOptions;
  readonly #kills: Prng;
  #nextAccepted = 1;
  #armed: { effectsLeft: number; strike: () => void } | undefined;

  constructor(options: ServerHostOptions) {
    const { stage, machine, sid, incarnation, core } = options;
    super(stage, machine, sid, `server/${sid}/${incarnation}`, core);
    this.#options = options;
    this.#kills = prngStream(stage.seed, `kill/${sid}/${incarnation}`);
    this.enqueue({ type: 'started', incarnation, seed: stage.seed });
  }

  /** Ends the process between two effects soon; `done` is called when it is gone. */
  kill(done: () => void): void {
    let isDone = false;
    const strike = (): void => {
      if (isDone) return;
      isDone = true;
      this.#armed = undefined;
      if (!this.isDead) {
        // The output of an interrupted turn may have left already.
        if (this.#kills.chance(500)) this.flushSockets();
        this.end();
      }
      done();
    };
    if (this.isDead || this.isPaused || this.#kills.chance(400)) {
      strike();
      return;
    }
    this.#armed = { effectsLeft: this.#kills.int(0, 8), strike };
    this.stage.queue.after(this.#kills.int(0, ARMED_US), strike);
  }

  protected override mayGoOn(): boolean {
    const armed = this.#armed;
    if (armed === undefined) return true;
    if (armed.effectsLeft > 0) {
      armed.effectsLeft--;
      return true;
    }
    armed.strike();
    return false;
  }

  override monotonicMs(): number {
    return this.#options.clock.uptimeMs + Math.floor(this.stage.queue.nowUs / 1000);
  }

  override wallMs(): number {
    const { nowUs } = this.stage.queue;
    const { offsetMs, ratePerMille, sinceUs } = this.#options.clock.wall;
    const gainedUs = ((nowUs - sinceUs) * (ratePerMille - 1000)) / 1000;
    return this.stage.epochMs + offsetMs + Math.floor((nowUs + gainedUs) / 1000);
  }

  protected override timeOfUs(atMs: number): number {
    return (atMs - this.#options.clock.uptimeMs) * 1000;
  }

  protected override crashed(error: unknown): void {
    this.end();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.onExit(CRASH_EXIT_CODE, text, true);
  }

  protected override carryOutOwn(effect: ServerEffect): void {
    const { disk, onTrace, onLog, onExit } = this.#options;
    switch (effect.type) {
      case 'listen':
        this.#listen(effect.listener, effect.port);
        return;
      case 'unlisten':
        this.#unlisten(effect.listener);
        return;
      case 'file':
        disk.request(effect.operation, effect.request, (operation, result) => {
          this.enqueue({ type: 'file-completed', operation, result });
        });
        return;
      case 'trace':
        onTrace(effect.event);
        return;
      case 'log':
        if (effect.level === 'warn' || effect.level === 'error') {
          onLog(`${effect.level}: ${effect.message} ${JSON.stringify(effect.fields, jsonValue)}`);
        }
        return;
      case 'halt':
        this.flushSockets();
        this.end();
        onExit(effect.code, effect.reason, false);
        return;
      default:
        throw new Error(`the effect ${effect.type} has no meaning here`);
    }
  }

  readonly #ports = new Map<string, number>();

  #listen(listener: string, port: number): void {
    const { listeners } = this.machine;
    if (listeners.has(port)) {
      this.enqueue({ type: 'listen-failed', listener, reason: `port ${port} is in use` });
      return;
    }
    this.#ports.set(listener, port);
    listeners.set(port, (socket, remote) => this.#accept(listener, socket, remote));
    this.enqueue({ type: 'listening', listener });
  }

  #unlisten(listener: string): void {
    const port = this.#ports.get(listener);
    this.#ports.delete(listener);
    if (port !== undefined) this.machine.listeners.delete(port);
  }

  #accept(listener: string, socket: Socket, remote: string): ReturnType<typeof this.owner> {
    const connection = this.#nextAccepted as ConnectionId;
    this.#nextAccepted += 2;
    this.sockets.set(connection, socket);
    this.enqueue({ type: 'connection-accepted', connection, listener, remote });
    return this.owner(connection, () => socket);
  }
}

function jsonValue(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${BigInt.asUintN(64, value).toString(16)}` : value;
}
