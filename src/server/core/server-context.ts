/**
 * The one CoreContext of a server life: turns calls into effects, and completions back into
 * continuations. Timers carry their due time so that a late one (a paused process, a starved loop)
 * gives waiting input one turn before it may expire a session or depose a leader.
 */
import { assert } from '../../base/assert.ts';
import type { ConnectionId, Effects } from '../../base/core.ts';
import type { FileEvent, FileOperationId, FileRequest, FileResult } from '../../base/file.ts';
import { type Prng, prngStream } from '../../base/prng.ts';
import {
  PROTOCOL_EVENT_VERSION,
  type ProtocolAct,
  type ProtocolActs,
  type ProtocolEvent,
  type ProtocolState,
} from '../../base/protocol-event.ts';
import type { ServerConfig } from './config.ts';
import type { CoreContext } from './context.ts';
import type { LogLevel, ServerEffect } from './seam.ts';

interface Timer {
  readonly dueMs: number;
  readonly fire: () => void;
  readonly isDeferred: boolean;
}

export class ServerContext implements CoreContext {
  readonly config: ServerConfig;
  readonly prng: Prng;
  readonly #incarnation: number;
  readonly #state: () => ProtocolState;
  readonly #timers = new Map<string, Timer>();
  readonly #files = new Map<FileOperationId, (result: FileResult) => void>();
  #effects: Effects<ServerEffect> | undefined;
  #nowMs = 0;
  #wallMs = 0;
  #nextConnection = 2;
  #nextFileOperation = 1;
  #nextTrace = 1;
  isHalted = false;

  constructor(
    config: ServerConfig,
    life: { readonly incarnation: number; readonly seed: string },
    state: () => ProtocolState,
  ) {
    this.config = config;
    this.prng = prngStream(life.seed, `server/${config.sid}/${life.incarnation}`);
    this.#incarnation = life.incarnation;
    this.#state = state;
  }

  /** Binds the clocks and the effect list of one step. */
  enter(nowMs: number, wallMs: number, effects: Effects<ServerEffect>): void {
    assert(nowMs >= this.#nowMs, 'monotonic time never goes back', { nowMs, was: this.#nowMs });
    this.#nowMs = nowMs;
    this.#wallMs = wallMs;
    this.#effects = effects;
  }

  leave(): void {
    this.#effects = undefined;
  }

  now(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#wallMs;
  }

  #push(effect: ServerEffect): void {
    assert(this.#effects !== undefined, 'effects are pushed only within a step');
    if (!this.isHalted) this.#effects.push(effect);
  }

  dial(host: string, port: number): ConnectionId {
    const connection = this.#nextConnection as ConnectionId;
    this.#nextConnection += 2;
    this.#push({ type: 'dial', connection, host, port, timeoutMs: this.config.connectTimeoutMs });
    return connection;
  }
  send(connection: ConnectionId, bytes: Uint8Array): void {
    this.#push({ type: 'send', connection, bytes });
  }
  close(connection: ConnectionId): void {
    this.#push({ type: 'close', connection });
  }
  pauseReading(connection: ConnectionId): void {
    this.#push({ type: 'pause-reading', connection });
  }
  resumeReading(connection: ConnectionId): void {
    this.#push({ type: 'resume-reading', connection });
  }
  listen(listener: string, host: string, port: number): void {
    this.#push({ type: 'listen', listener, host, port });
  }
  unlisten(listener: string): void {
    this.#push({ type: 'unlisten', listener });
  }

  setTimer(timer: string, afterMs: number, fire: () => void): void {
    const dueMs = this.#nowMs + Math.max(0, Math.ceil(afterMs));
    this.#timers.set(timer, { dueMs, fire, isDeferred: false });
    this.#push({ type: 'set-timer', timer, atMs: dueMs });
  }
  cancelTimer(timer: string): void {
    if (this.#timers.delete(timer)) this.#push({ type: 'cancel-timer', timer });
  }
  timerFired(name: string): void {
    const timer = this.#timers.get(name);
    // A timer that was moved or cancelled in the same turn may still be delivered.
    if (timer === undefined || timer.dueMs > this.#nowMs) return;
    if (this.#nowMs - timer.dueMs > this.config.tickTimeMs && !timer.isDeferred) {
      this.#timers.set(name, { ...timer, isDeferred: true });
      this.#push({ type: 'set-timer', timer: name, atMs: this.#nowMs });
      return;
    }
    this.#timers.delete(name);
    timer.fire();
  }

  file(request: FileRequest, done: (result: FileResult) => void): void {
    const operation = this.#nextFileOperation++ as FileOperationId;
    this.#files.set(operation, done);
    this.#push({ type: 'file', operation, request });
  }
  fileCompleted(event: FileEvent): void {
    const done = this.#files.get(event.operation);
    assert(done !== undefined, 'a file operation completes once', { operation: event.operation });
    this.#files.delete(event.operation);
    done(event.result);
  }

  trace<A extends ProtocolAct>(act: A, args: ProtocolActs[A]): void {
    if (!this.config.isTraced) return;
    const event = {
      v: PROTOCOL_EVENT_VERSION,
      node: this.config.sid,
      incarnation: this.#incarnation,
      n: this.#nextTrace++,
      now: this.#nowMs,
      wallMs: this.#wallMs,
      act,
      args,
      post: this.#state(),
    };
    this.#push({ type: 'trace', event: event as unknown as ProtocolEvent });
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#push({ type: 'log', level, message, fields });
  }

  halt(code: number, reason: string): void {
    this.#push({ type: 'halt', code, reason });
    this.isHalted = true;
  }
}
