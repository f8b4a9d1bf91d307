/**
 * A world runs one ensemble and its clients. Everything is callback-based and never awaited, so that the
 * simulation stays synchronous; the process world calls back from its event loop. Callbacks are never
 * called re-entrantly from within the method that takes them.
 */
import type { ProtocolEvent } from '../../base/protocol-event.ts';
import type { Program, ProgramOutcome, SessionView } from '../../client/core/program.ts';
import type { SessionObserver } from '../../client/core/session-observation.ts';
import type { TapRecording } from './wire-tap/wire-tap.ts';

export type WorldName = 'simulation' | 'process' | 'container';

/** One primitive fault; the nemesis composes its kinds from these. */
export type Injection =
  /** Nothing passes on the directed peer link; bytes in flight stall, connections stay. */
  | { readonly action: 'cut'; readonly from: number; readonly to: number }
  | { readonly action: 'join'; readonly from: number; readonly to: number }
  /** kill -9: what was not flushed is gone. */
  | { readonly action: 'kill'; readonly node: number }
  /** As kill, and the machine's caches are lost, torn or reordered too (simulation only). */
  | { readonly action: 'power-loss'; readonly node: number }
  | { readonly action: 'start'; readonly node: number }
  | { readonly action: 'pause'; readonly node: number }
  | { readonly action: 'resume'; readonly node: number }
  /** The node's wall clock is off by so much from now on, and runs at that rate (1000 by default). */
  | {
      readonly action: 'set-clock';
      readonly node: number;
      readonly offsetMs: number;
      readonly ratePerMille?: number;
    };

/** A question to the victim's side, answered on a path that does not ask the injector. */
export type Probe =
  /** Can bytes from `from` reach `to`? Through the very link that `from`'s peer traffic takes. */
  | { readonly probe: 'link'; readonly from: number; readonly to: number }
  | { readonly probe: 'process'; readonly node: number }
  /** Difference of the server's own wallMs and the true wall clock, and of its monotonic rate, from its events. */
  | { readonly probe: 'clock'; readonly node: number }
  /** `srvr` over the client port: is it serving, and in which mode? */
  | { readonly probe: 'mode'; readonly node: number };

export type ProbeResult =
  /** Unknown: whoever was to ask on the victim's side did not answer. No expectation accepts it. */
  | { readonly probe: 'link'; readonly state: 'open' | 'blocked' | 'unknown' }
  | { readonly probe: 'process'; readonly state: 'running' | 'paused' | 'dead' | 'unknown' }
  | { readonly probe: 'clock'; readonly wallOffsetMs: number; readonly monotonicDriftMs: number }
  | {
      readonly probe: 'mode';
      readonly mode: 'leader' | 'follower' | 'standalone' | 'not-serving' | 'unreachable';
      readonly zxid?: string;
    };

export interface WorldClient {
  readonly id: number;
  /** Runs a program on the client's session; `done` is called once unless the run is cancelled. */
  run(program: Program<unknown>, done: (outcome: ProgramOutcome) => void): { cancel(): void };
  session(): SessionView;
  /** Drops the client without closing its session, as a crashed process would. */
  drop(): void;
}

export interface ClientSpec {
  readonly id: number;
  /** sids in host-list order; one entry pins the client to a server. */
  readonly servers: readonly number[];
  readonly sessionTimeoutMs: number;
  /** Label of the client's random stream. */
  readonly label: string;
  /** Sees whatever passes between the client and its servers. */
  readonly observed?: SessionObserver;
}

/** A server process that ended without having been killed by the nemesis. */
export interface ServerExit {
  readonly node: number;
  /** Nanoseconds on the world's clock. */
  readonly time: number;
  /** Upstream's exit codes; 70 for a broken invariant. */
  readonly code: number;
  readonly reason: string;
  /** A thrown exception or a broken invariant, not a decision of the server to stop. */
  readonly isCrash: boolean;
}

/** Files of one server after the run, by name below its data directory (`version-2/log.100000001`). */
export type ServerFiles = ReadonlyMap<string, Uint8Array>;

export interface World {
  readonly name: WorldName;
  /** Fault primitives that this host cannot inject, with the reason. */
  readonly missing: ReadonlyMap<Injection['action'], string>;
  /** Nanoseconds since the world began, monotonic, a safe integer. */
  nowNs(): number;
  /** Calls back once after `delayMs`. */
  schedule(delayMs: number, action: () => void): { cancel(): void };
  /** Starts every server; does not wait for a leader. */
  start(done: (error?: string) => void): void;
  /** The monotonic clock of every client is `nowNs`, in milliseconds: what they believe can be compared. */
  openClient(spec: ClientSpec): WorldClient;
  inject(injection: Injection, done: (error?: string) => void): void;
  probe(probe: Probe, done: (result: ProbeResult) => void): void;
  /** Services outside the ensemble that programs reach by `external` calls. */
  serve(target: string, answer: (value: unknown, client: number) => unknown): void;
  onEvent(listener: (event: ProtocolEvent) => void): void;
  /** How long the harness's own event loop was late at most since the last call; 0 in simulation. */
  takeLagMs(): number;
  /** Lines that servers logged at `warn` or above, newest last, bounded. */
  logs(node: number): readonly string[];
  /** Servers that ended by themselves so far, in order. */
  exits(): readonly ServerExit[];
  /**
   * Stops every server (the hard way) and hands over its files. Nothing runs afterwards. With an error the
   * files are those that could be had.
   */
  stop(done: (files: ReadonlyMap<number, ServerFiles>, error?: string) => void): void;
  /** Rolling hash of every event and effect in simulation, hex; null elsewhere. */
  traceHash(): string | null;
  /** What passed on the wires, where this world taps them; after `stop` all of it. */
  wires?(): TapRecording | undefined;
  /** Facts of the surroundings that a reader of the result may want, in words. */
  environment?(): Readonly<Record<string, string>>;
}
