/**
 * Runs a client core in real time: node:net sockets, timers and clocks. The core is never re-entered;
 * whatever happens during a step is queued behind it.
 */
import { connect, type Socket } from 'node:net';
import type { ConnectionId } from '../base/core.ts';
import type { ClientCore } from './core/client-core.ts';
import type {
  ClientEffect,
  ClientInput,
  ProgramId,
  ProgramOutcome,
  SessionView,
} from './core/program.ts';

/** Called from within the driver's own loop: they must not throw. */
export interface DriverHandlers {
  programEnded(program: ProgramId, outcome: ProgramOutcome): void;
  sessionChanged(session: SessionView): void;
  /** The promise's value goes to the program; a rejection is thrown into it. */
  external(target: string, value: unknown): Promise<unknown>;
}

export interface DriverClocks {
  /** Monotonic milliseconds; a fraction is cut off. */
  monotonicMs(): number;
  wallMs(): number;
}

const systemClocks: DriverClocks = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** How long a closed connection may take to deliver its last bytes. */
const LINGER_MS = 1000;

export class SocketDriver {
  readonly #core: ClientCore;
  readonly #handlers: DriverHandlers;
  readonly #clocks: DriverClocks;
  readonly #sockets = new Map<ConnectionId, Socket>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #inputs: ClientInput[] = [];
  #isStepping = false;
  #isStopped = false;

  constructor(core: ClientCore, handlers: DriverHandlers, clocks: DriverClocks = systemClocks) {
    this.#core = core;
    this.#handlers = handlers;
    this.#clocks = clocks;
  }

  /** Milliseconds on the core's own clock. */
  nowMs(): number {
    return Math.floor(this.#clocks.monotonicMs());
  }

  dispatch(input: ClientInput): void {
    if (this.#isStopped) return;
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const effects: ClientEffect[] = [];
        this.#core.step({ ...next, now: this.nowMs(), wallMs: this.#clocks.wallMs() }, effects);
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  /** Drops sockets and timers at once, as a crash would; the session is left to expire. */
  stop(): void {
    this.#isStopped = true;
    this.#inputs = [];
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }

  #perform(effect: ClientEffect): void {
    if (this.#isStopped) return;
    switch (effect.type) {
      case 'dial':
        this.#dial(effect.connection, effect.host, effect.port);
        break;
      case 'send':
        this.#send(effect.connection, effect.bytes);
        break;
      case 'close':
        this.#close(effect.connection);
        break;
      case 'pause-reading':
        this.#sockets.get(effect.connection)?.pause();
        break;
      case 'resume-reading':
        this.#sockets.get(effect.connection)?.resume();
        break;
      case 'set-timer':
        this.#setTimer(effect.timer, effect.atMs);
        break;
      case 'cancel-timer':
        clearTimeout(this.#timers.get(effect.timer));
        this.#timers.delete(effect.timer);
        break;
      case 'program-ended':
        this.#handlers.programEnded(effect.program, effect.outcome);
        break;
      case 'session-changed':
        this.#handlers.sessionChanged(effect.session);
        break;
      case 'external-requested': {
        const { external, target, value } = effect;
        this.#handlers.external(target, value).then(
          (answer) => this.dispatch({ type: 'external-completed', external, value: answer }),
          (error: unknown) => this.dispatch({ type: 'external-failed', external, error }),
        );
        break;
      }
    }
  }

  /** The core's own connect timer bounds the attempt: it closes what takes too long. */
  #dial(connection: ConnectionId, host: string, port: number): void {
    const socket = connect({ host, port, noDelay: true });
    this.#sockets.set(connection, socket);
    let reason = 'closed by the other end';
    socket.on('connect', () => this.dispatch({ type: 'connection-established', connection }));
    socket.on('data', (bytes: Uint8Array) =>
      this.dispatch({ type: 'bytes-received', connection, bytes }),
    );
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => {
      if (this.#sockets.delete(connection)) {
        this.dispatch({ type: 'connection-closed', connection, reason });
      }
    });
  }

  #send(connection: ConnectionId, bytes: Uint8Array): void {
    this.#sockets.get(connection)?.write(bytes, (error) => {
      if (error !== undefined && error !== null) return;
      this.dispatch({ type: 'bytes-drained', connection, sizeBytes: bytes.length });
    });
  }

  /** Ends the connection behind the bytes that were sent; nothing is reported about it any more. */
  #close(connection: ConnectionId): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined) return;
    this.#sockets.delete(connection);
    socket.removeAllListeners('data');
    socket.resume();
    if (socket.connecting) {
      socket.destroy();
      return;
    }
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.on('close', () => clearTimeout(linger));
    socket.end();
  }

  #setTimer(timer: string, atMs: number): void {
    clearTimeout(this.#timers.get(timer));
    const fire = (): void => {
      // Node's timers may run a fraction early on the clock that the core sees.
      if (this.nowMs() < atMs) {
        this.#setTimer(timer, atMs);
        return;
      }
      this.#timers.delete(timer);
      this.dispatch({ type: 'timer-fired', timer });
    };
    this.#timers.set(timer, setTimeout(fire, Math.max(0, atMs - this.nowMs())));
  }
}
