/**
 * What every part of the server core is given: the configuration, the clocks of the current event, and
 * doors to effects. One object per server life; parts keep no clock of their own.
 */
import type { ConnectionId } from '../../base/core.ts';
import type { FileRequest, FileResult } from '../../base/file.ts';
import type { Prng } from '../../base/prng.ts';
import type { ProtocolAct, ProtocolActs } from '../../base/protocol-event.ts';
import type { ServerConfig } from './config.ts';
import type { LogLevel } from './seam.ts';

export interface CoreContext {
  readonly config: ServerConfig;
  /** Monotonic milliseconds of the event being handled. */
  now(): number;
  wallMs(): number;
  /** Draws that may differ between servers (snapshot jitter). */
  readonly prng: Prng;

  /** Dials; the answer is `connection-established` or `connection-closed`. Returns the new id. */
  dial(host: string, port: number): ConnectionId;
  send(connection: ConnectionId, bytes: Uint8Array): void;
  close(connection: ConnectionId): void;
  pauseReading(connection: ConnectionId): void;
  resumeReading(connection: ConnectionId): void;
  listen(listener: string, host: string, port: number): void;
  unlisten(listener: string): void;
  /** Setting a named timer again moves it; `fire` runs in the event of the timer. */
  setTimer(timer: string, afterMs: number, fire: () => void): void;
  cancelTimer(timer: string): void;
  /** `done` runs in the event of the completion; dropped when the server's life ends. */
  file(request: FileRequest, done: (result: FileResult) => void): void;

  trace<A extends ProtocolAct>(act: A, args: ProtocolActs[A]): void;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Stops the server; nothing may be done afterwards in this event. */
  halt(code: number, reason: string): void;
}
