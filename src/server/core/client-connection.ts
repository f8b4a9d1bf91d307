/** One connection of a client: its framing, its session, its credit. Upstream: ServerCnxn. */
import type { ConnectionId } from '../../base/core.ts';
import type { Id } from '../../wire/client.ts';
import { FrameReader } from '../../wire/frame-reader.ts';
import type { CoreContext } from './context.ts';

/** Replies and watch events beyond this stop the reading of further requests … */
const CREDIT_BYTES = 1 << 20;
/** … and beyond this the client is too slow to be kept. */
const OUTPUT_LIMIT_BYTES = 64 << 20;

/** fresh: nothing parsed yet · confirming: the session is being created or revalidated · open. */
export type ConnectionPhase = 'fresh' | 'confirming' | 'open';

export interface ConnectionStats {
  received: number;
  sent: number;
  lastOperation: number;
  lastCxid: number;
  lastZxid: bigint;
  lastResponseMs: number;
  lastLatencyMs: number;
  minLatencyMs: number;
  maxLatencyMs: number;
  totalLatencyMs: number;
}

export class ClientConnection {
  readonly id: ConnectionId;
  /** `host:port` of the client. */
  readonly remote: string;
  readonly establishedMs: number;
  readonly establishedWallMs: number;
  readonly frames: FrameReader;
  readonly #context: CoreContext;
  /** The first bytes, until it is known whether they are a four-letter word. */
  opening: Uint8Array | undefined = new Uint8Array(0);
  phase: ConnectionPhase = 'fresh';
  sessionId = 0n;
  timeoutMs = 0;
  /** Whether the client sent, and therefore expects, the readOnly flag. */
  hasReadOnlyFlag = false;
  authinfo: Id[];
  lastHeardMs: number;
  readonly stats: ConnectionStats;
  #inFlightBytes = 0;
  #pauseReasons = 0;

  constructor(context: CoreContext, id: ConnectionId, remote: string) {
    this.#context = context;
    this.id = id;
    this.remote = remote;
    this.establishedMs = context.now();
    this.establishedWallMs = context.wallMs();
    this.lastHeardMs = context.now();
    this.frames = new FrameReader(context.config.maxFrameSizeBytes);
    this.authinfo = [{ scheme: 'ip', id: this.host }];
    this.stats = {
      received: 0,
      sent: 0,
      lastOperation: 0,
      lastCxid: 0,
      lastZxid: 0n,
      lastResponseMs: 0,
      lastLatencyMs: 0,
      minLatencyMs: 0,
      maxLatencyMs: 0,
      totalLatencyMs: 0,
    };
  }

  get host(): string {
    return this.remote.slice(0, this.remote.lastIndexOf(':'));
  }

  /** False when the client has let too much output pile up. */
  send(bytes: Uint8Array): boolean {
    this.#inFlightBytes += bytes.length;
    this.stats.sent++;
    this.#context.send(this.id, bytes);
    if (this.#inFlightBytes > CREDIT_BYTES) this.pause('credit');
    return this.#inFlightBytes <= OUTPUT_LIMIT_BYTES;
  }

  drained(sizeBytes: number): void {
    this.#inFlightBytes -= sizeBytes;
    if (this.#inFlightBytes <= CREDIT_BYTES / 2) this.resume('credit');
  }

  get isPaused(): boolean {
    return this.#pauseReasons !== 0;
  }

  pause(reason: keyof typeof pauseBits): void {
    if (this.#pauseReasons === 0) this.#context.pauseReading(this.id);
    this.#pauseReasons |= pauseBits[reason];
  }

  resume(reason: keyof typeof pauseBits): void {
    if (this.#pauseReasons === 0) return;
    this.#pauseReasons &= ~pauseBits[reason];
    if (this.#pauseReasons === 0) this.#context.resumeReading(this.id);
  }

  answered(cxid: number, type: number, zxid: bigint, latencyMs: number): void {
    const { stats } = this;
    stats.lastCxid = cxid;
    stats.lastOperation = type;
    stats.lastZxid = zxid;
    stats.lastResponseMs = this.#context.wallMs();
    stats.lastLatencyMs = latencyMs;
    stats.minLatencyMs = stats.received <= 1 ? latencyMs : Math.min(stats.minLatencyMs, latencyMs);
    stats.maxLatencyMs = Math.max(stats.maxLatencyMs, latencyMs);
    stats.totalLatencyMs += latencyMs;
  }
}

/** Why a connection is not read: output credit, session not confirmed, too many requests waiting. */
const pauseBits = { credit: 1, confirming: 2, throttle: 4 } as const;
