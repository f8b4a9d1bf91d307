/**
 * The seam between decisions and the world. A core is a pure, synchronous state machine: `step` takes
 * one event and pushes effects, never waits, and is never re-entered. The world carries the effects
 * out in order and answers with further events. Dropping a core object is `kill -9`.
 */
export interface Effects<Effect> {
  push(effect: Effect): void;
}

export interface Core<Event, Effect> {
  step(event: Event, effects: Effects<Effect>): void;
}

/**
 * One incarnation of a connection; never reused, so that events of a closed one can be dropped.
 * A core picks the ids that it dials (even numbers), the world those that it accepts (odd numbers).
 */
export type ConnectionId = number & { readonly __brand: 'connection' };

/** What the world tells about connections. Chunks are arbitrary pieces of the byte stream. */
export type ConnectionEvent =
  | {
      readonly type: 'connection-accepted';
      readonly connection: ConnectionId;
      readonly listener: string;
      /** `host:port` of the other end. */
      readonly remote: string;
    }
  | { readonly type: 'connection-established'; readonly connection: ConnectionId }
  | {
      readonly type: 'bytes-received';
      readonly connection: ConnectionId;
      readonly bytes: Uint8Array;
    }
  /** Bytes handed over by `send` that have left; gives credit back. */
  | {
      readonly type: 'bytes-drained';
      readonly connection: ConnectionId;
      readonly sizeBytes: number;
    }
  /** The end of a connection, also the answer to a dial that failed. Comes once, also after `close`-less ends; never after our own `close`. */
  | {
      readonly type: 'connection-closed';
      readonly connection: ConnectionId;
      readonly reason: string;
    };

export type ListenerEvent =
  | { readonly type: 'listening'; readonly listener: string }
  | { readonly type: 'listen-failed'; readonly listener: string; readonly reason: string };

export type TimerEvent = { readonly type: 'timer-fired'; readonly timer: string };

export type ConnectionEffect =
  | {
      readonly type: 'dial';
      readonly connection: ConnectionId;
      readonly host: string;
      readonly port: number;
      readonly timeoutMs: number;
    }
  /** The bytes belong to the world until `bytes-drained` counts them. */
  | { readonly type: 'send'; readonly connection: ConnectionId; readonly bytes: Uint8Array }
  /** Bytes sent before are still delivered (FIN, not RST). No event follows for this connection. */
  | { readonly type: 'close'; readonly connection: ConnectionId }
  | { readonly type: 'pause-reading'; readonly connection: ConnectionId }
  | { readonly type: 'resume-reading'; readonly connection: ConnectionId };

export type ListenerEffect =
  | {
      readonly type: 'listen';
      readonly listener: string;
      readonly host: string;
      readonly port: number;
    }
  | { readonly type: 'unlisten'; readonly listener: string };

/** A timer is named; setting it again moves it. `atMs` is on the core's own monotonic clock. */
export type TimerEffect =
  | { readonly type: 'set-timer'; readonly timer: string; readonly atMs: number }
  | { readonly type: 'cancel-timer'; readonly timer: string };

/** Two clocks on purpose: timeouts use `now`, only stored stamps use `wallMs`. Both are integers. */
export type Clocks = { readonly now: number; readonly wallMs: number };
