/**
 * What one server and its world say to each other. The same `Server` core runs in the simulator, in a
 * real process and under golden transcripts; only the world around it differs.
 */
import type {
  Clocks,
  ConnectionEffect,
  ConnectionEvent,
  ListenerEffect,
  ListenerEvent,
  TimerEffect,
  TimerEvent,
} from '../../base/core.ts';
import type { FileEffect, FileEvent } from '../../base/file.ts';
import type { ProtocolEvent } from '../../base/protocol-event.ts';

export type ServerInput =
  /** First event of a life. `seed` feeds what may differ between servers (snapshot jitter). */
  | { readonly type: 'started'; readonly incarnation: number; readonly seed: string }
  | ConnectionEvent
  | ListenerEvent
  | TimerEvent
  | FileEvent
  /** SIGTERM: close connections, flush, halt with code 0. */
  | { readonly type: 'stop-requested' };

/** `now` is the server's own monotonic clock in integer milliseconds. */
export type ServerEvent = ServerInput & Clocks;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type ServerEffect =
  | ConnectionEffect
  | ListenerEffect
  | TimerEffect
  | FileEffect
  /** Emitted in the tick of the change, before the sends that it explains. */
  | { readonly type: 'trace'; readonly event: ProtocolEvent }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** The server ends; the world drops the core. Codes are upstream's ExitCode. */
  | { readonly type: 'halt'; readonly code: number; readonly reason: string };

/** Listener names of `connection-accepted`. */
export const Listener = { client: 'client', quorum: 'quorum', election: 'election' } as const;
