/**
 * A client core and the world around it, driven by hand: the test plays the servers, byte for byte, and
 * the clock.
 */
import type { ConnectionId } from '../../../src/base/core.ts';
import { ClientCore } from '../../../src/client/core/client-core.ts';
import type {
  ClientEffect,
  ClientInput,
  ClientOptions,
  Program,
  ProgramId,
  ProgramOutcome,
  SessionView,
} from '../../../src/client/core/program.ts';
import {
  ConnectRequest,
  ConnectResponse,
  encodeFrame,
  encodeReply,
  RequestHeader,
  type Stat,
  WatcherEvent,
  Xid,
} from '../../../src/wire/client.ts';
import { FrameReader } from '../../../src/wire/frame-reader.ts';
import { type Codec, decode, JuteReader } from '../../../src/wire/jute.ts';

export const STAT: Stat = {
  czxid: 1n,
  mzxid: 2n,
  ctime: 3n,
  mtime: 4n,
  version: 5,
  cversion: 6,
  aversion: 7,
  ephemeralOwner: 0n,
  dataLength: 8,
  numChildren: 9,
  pzxid: 10n,
};

export interface ReceivedRequest {
  readonly xid: number;
  readonly type: number;
  readonly body: JuteReader;
}

export interface Dialled {
  readonly connection: ConnectionId;
  readonly host: string;
  readonly port: number;
  readonly atMs: number;
}

export class ScriptedWorld {
  readonly core: ClientCore;
  readonly effects: ClientEffect[] = [];
  readonly dials: Dialled[] = [];
  readonly closed: ConnectionId[] = [];
  readonly outcomes = new Map<ProgramId, ProgramOutcome>();
  readonly sessions: SessionView[] = [];
  now = 1000;
  /** Drains what is sent at once, unless a test holds it back. */
  isDraining = true;
  /** How many bytes one chunk from the server has at most. */
  chunkBytes = Number.POSITIVE_INFINITY;
  readonly #timers = new Map<string, number>();
  readonly #readers = new Map<ConnectionId, FrameReader>();
  #nextProgram = 1;

  constructor(options: Partial<ClientOptions> = {}) {
    this.core = new ClientCore({
      hosts: [{ host: 'a', port: 1, server: 1 }],
      sessionTimeoutMs: 3000,
      seed: 'test',
      ...options,
    });
  }

  // ------------------------------------------------------------- the world

  step(input: ClientInput): void {
    const effects: ClientEffect[] = [];
    this.core.step({ ...input, now: this.now, wallMs: 0 }, effects);
    this.effects.push(...effects);
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ClientEffect): void {
    switch (effect.type) {
      case 'dial':
        this.dials.push({ ...effect, atMs: this.now });
        this.#readers.set(effect.connection, new FrameReader(1 << 24));
        break;
      case 'send':
        this.#readers.get(effect.connection)?.push(effect.bytes);
        if (this.isDraining) {
          this.step({
            type: 'bytes-drained',
            connection: effect.connection,
            sizeBytes: effect.bytes.length,
          });
        }
        break;
      case 'close':
        this.closed.push(effect.connection);
        break;
      case 'set-timer':
        this.#timers.set(effect.timer, effect.atMs);
        break;
      case 'cancel-timer':
        this.#timers.delete(effect.timer);
        break;
      case 'program-ended':
        this.outcomes.set(effect.program, effect.outcome);
        break;
      case 'session-changed':
        this.sessions.push(effect.session);
        break;
      default:
    }
  }

  /** Lets time pass, firing timers when they are due. */
  advance(durationMs: number): void {
    const untilMs = this.now + durationMs;
    for (;;) {
      const due = [...this.#timers].filter(([, atMs]) => atMs <= untilMs);
      const [next] = due.sort(([, a], [, b]) => a - b);
      if (next === undefined) break;
      this.now = Math.max(this.now, next[1]);
      this.fire(next[0]);
    }
    this.now = untilMs;
  }

  fire(timer: string): void {
    this.#timers.delete(timer);
    this.step({ type: 'timer-fired', timer });
  }

  timer(name: string): number | undefined {
    return this.#timers.get(name);
  }

  submit(body: Program<unknown>): ProgramId {
    const program = this.#nextProgram++ as ProgramId;
    this.step({ type: 'program-submitted', program, body });
    return program;
  }

  value(program: ProgramId): unknown {
    const outcome = this.outcomes.get(program);
    if (outcome === undefined) throw new Error(`program ${program} has not ended`);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  error(program: ProgramId): unknown {
    const outcome = this.outcomes.get(program);
    return outcome === undefined || outcome.ok ? undefined : outcome.error;
  }

  // ------------------------------------------------------------ the server

  get connection(): ConnectionId {
    const dialled = this.dials.at(-1);
    if (dialled === undefined) throw new Error('nothing was dialled');
    return dialled.connection;
  }

  /** Accepts the newest dial and answers what the client asked for. */
  accept(): ConnectRequest {
    this.step({ type: 'connection-established', connection: this.connection });
    const frame = this.#readers.get(this.connection)?.next();
    if (frame === undefined) throw new Error('no connect request came');
    return decode(ConnectRequest, frame);
  }

  confirm(response: Partial<ConnectResponse> = {}): void {
    const full: ConnectResponse = {
      protocolVersion: 0,
      timeoutMs: 3000,
      sessionId: 0x77n,
      password: new Uint8Array(16).fill(9),
      readOnly: false,
      ...response,
    };
    this.deliver(encodeFrame((writer) => ConnectResponse.write(writer, full)));
  }

  /** From start to an established session. */
  connect(response: Partial<ConnectResponse> = {}): void {
    if (this.dials.length === 0) this.step({ type: 'started' });
    this.accept();
    this.confirm(response);
  }

  requests(connection = this.connection): ReceivedRequest[] {
    const received: ReceivedRequest[] = [];
    const reader = this.#readers.get(connection);
    for (let frame = reader?.next(); frame !== undefined; frame = reader?.next()) {
      const body = new JuteReader(frame);
      received.push({ ...RequestHeader.read(body), body });
    }
    return received;
  }

  reply<T>(xid: number, zxid: bigint, codec?: Codec<T>, body?: T): void {
    this.deliver(encodeReply({ xid, zxid, err: 0 }, codec, body));
  }
  refuse(xid: number, zxid: bigint, err: number): void {
    this.deliver(encodeReply({ xid, zxid, err }));
  }
  notify(type: number, path: string): void {
    const header = { xid: Xid.notification, zxid: -1n, err: 0 };
    this.deliver(encodeReply(header, WatcherEvent, { type, state: 3, path }));
  }

  deliver(bytes: Uint8Array, connection = this.connection): void {
    for (let at = 0; at < bytes.length; at += this.chunkBytes) {
      const chunk = bytes.slice(at, Math.min(bytes.length, at + this.chunkBytes));
      this.step({ type: 'bytes-received', connection, bytes: chunk });
    }
  }

  breakConnection(): void {
    const { connection } = this;
    this.step({ type: 'connection-closed', connection, reason: 'reset' });
  }
}
