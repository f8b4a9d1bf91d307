/**
 * The connections of the election port: exactly one per pair of servers, opened by the larger sid.
 *
 * A smaller sid can only knock: it dials, says who it is and hangs up, whereupon the larger one
 * dials back. That settles without a word who keeps the connection when both dial at once.
 * Afterwards both sides send frames. Per peer at most one notification waits to be sent: a newer
 * one replaces it, since only the latest vote means anything. A lost connection is not redialled by
 * itself; the next notification to that peer dials.
 *
 * Where upstream repeats the last message on a new connection, which may be long out of date, we
 * ask the receiver (`connected`) to say its current vote; and a knock that is overtaken by the
 * connection that it asked for is dropped rather than delivered, since it would tear that
 * connection down.
 *
 * Bounds: MAX_STRANGERS connections that have not said who they are, each for a handshake timeout
 * and with at most one chunk beyond the initial message; one link per member and MAX_OUTSIDERS
 * links of sids outside the configuration (joiners); CREDIT_BYTES in flight and one message waiting
 * per link; frames of at most MAX_ELECTION_FRAME_BYTES, handled as they arrive, so nothing queues
 * behind them.
 *
 * Upstream: QuorumCnxManager.
 */

import { assert } from '../../../base/assert.ts';
import { ByteQueue, ByteQueueFullError } from '../../../base/byte-queue.ts';
import type { ConnectionEvent, ConnectionId } from '../../../base/core.ts';
import {
  encodeInitialMessage,
  type InitialMessage,
  MAX_ELECTION_FRAME_BYTES,
  tryReadInitialMessage,
} from '../../../wire/election.ts';
import { FrameReader } from '../../../wire/frame-reader.ts';
import { JuteWriter, MalformedError } from '../../../wire/jute.ts';
import type { ServerAddress } from '../config.ts';
import type { CoreContext } from '../context.ts';
import { formatHost, parseHostAndPort, type QuorumVerifier } from '../quorum-verifier.ts';
import { Listener } from '../seam.ts';

const MAX_STRANGERS = 64;
const MAX_OUTSIDERS = 16;
/** Sent and not yet drained; about what a socket's buffer would take. */
const CREDIT_BYTES = 64 * 1024;
const STRANGER_BYTES = 1024 * 1024;

/** Where a server outside the configuration says that it can be dialled. */
type HostAndPort = ReturnType<typeof parseHostAndPort>;

/** Accepted, but the initial message has not arrived in full. */
interface Stranger {
  readonly remote: string;
  readonly input: ByteQueue;
}

interface Link {
  readonly sid: number;
  readonly connection: ConnectionId;
  readonly frames: FrameReader;
  inFlightBytes: number;
  lastHeardMs: number;
}

/** What the algorithm above the connections is told. */
export interface ElectionReceiver {
  /** A link to `sid` has come up. */
  connected(sid: number): void;
  received(sid: number, payload: Uint8Array): void;
}

export class ElectionConnections {
  readonly #context: CoreContext;
  readonly #sid: number;
  readonly #own: ServerAddress;
  readonly #verifier: QuorumVerifier;
  readonly #receiver: ElectionReceiver;
  readonly #strangers = new Map<ConnectionId, Stranger>();
  /** Dials under way; at most one per peer. */
  readonly #dials = new Map<ConnectionId, number>();
  readonly #links = new Map<number, Link>();
  readonly #linkSids = new Map<ConnectionId, number>();
  /** When we last knocked at a larger sid, until it has dialled back. */
  readonly #knocks = new Map<number, number>();
  /** The one message per peer that waits for a link or for credit. */
  readonly #waiting = new Map<number, Uint8Array>();

  constructor(context: CoreContext, verifier: QuorumVerifier, receiver: ElectionReceiver) {
    this.#context = context;
    this.#sid = context.config.sid;
    this.#verifier = verifier;
    const own = verifier.members.get(this.#sid);
    assert(own !== undefined, 'a server is a member of its own ensemble', { sid: this.#sid });
    this.#own = own;
    this.#receiver = receiver;
  }

  owns(connection: ConnectionId): boolean {
    return (
      this.#strangers.has(connection) ||
      this.#dials.has(connection) ||
      this.#linkSids.has(connection)
    );
  }

  isLinked(sid: number): boolean {
    return this.#links.has(sid);
  }

  /** Sends to a peer, dialling it first where there is no link. */
  send(sid: number, payload: Uint8Array): void {
    const link = this.#links.get(sid);
    const member = this.#verifier.members.get(sid);
    if (link === undefined && member === undefined) return;
    this.#waiting.set(sid, payload);
    if (link !== undefined) this.#pump(link);
    else if (member !== undefined) this.#dial(sid, member.host, member.electionPort);
  }

  /**
   * Gives up links to voters that said nothing for `limitMs`, counted from `sinceMs` at the
   * earliest. Behind a healed cut TCP may retransmit only after minutes; a new connection comes up
   * at once.
   */
  dropSilent(limitMs: number, sinceMs: number): void {
    const now = this.#context.now();
    for (const link of this.#links.values()) {
      const isSilent = Math.max(link.lastHeardMs, sinceMs) + limitMs <= now;
      if (isSilent && this.#verifier.isVoter(link.sid)) this.#drop(link, 'silent for too long');
    }
  }

  stop(): void {
    const ids = [...this.#strangers.keys(), ...this.#dials.keys(), ...this.#linkSids.keys()];
    for (const connection of this.#strangers.keys()) this.#cancelHandshake(connection);
    for (const connection of ids) this.#context.close(connection);
    this.#strangers.clear();
    this.#dials.clear();
    this.#links.clear();
    this.#linkSids.clear();
    this.#waiting.clear();
    this.#knocks.clear();
  }

  handle(event: ConnectionEvent): void {
    switch (event.type) {
      case 'connection-accepted':
        if (event.listener === Listener.election) this.#accepted(event.connection, event.remote);
        return;
      case 'connection-established':
        this.#established(event.connection);
        return;
      case 'bytes-received':
        this.#received(event.connection, event.bytes);
        return;
      case 'bytes-drained':
        this.#drained(event.connection, event.sizeBytes);
        return;
      case 'connection-closed':
        this.#closed(event.connection, event.reason);
        return;
    }
  }

  #dial(sid: number, host: string, port: number): void {
    if ([...this.#dials.values()].includes(sid)) return;
    // A second knock before the answer to the first has had time would undo that answer.
    const knockedMs = this.#knocks.get(sid);
    const { tickTimeMs } = this.#context.config;
    if (knockedMs !== undefined && this.#context.now() - knockedMs < tickTimeMs) return;
    this.#dials.set(this.#context.dial(host, port), sid);
  }

  #established(connection: ConnectionId): void {
    const sid = this.#dials.get(connection);
    if (sid === undefined) return;
    this.#dials.delete(connection);
    if (this.#sid < sid && this.#links.has(sid)) {
      this.#context.close(connection);
      return;
    }
    const { host, electionPort } = this.#own;
    const address = `${formatHost(host)}:${electionPort}`;
    const bytes = encodeInitialMessage({ sid: BigInt(this.#sid), address });
    this.#context.send(connection, bytes);
    if (this.#sid > sid) {
      this.#link(sid, connection, bytes.length);
      return;
    }
    this.#context.close(connection);
    this.#knocks.set(sid, this.#context.now());
  }

  #accepted(connection: ConnectionId, remote: string): void {
    if (this.#strangers.size >= MAX_STRANGERS) {
      // The oldest has had the most time to say who it is.
      const [oldest] = this.#strangers.keys();
      if (oldest !== undefined) this.#refuse(oldest, 'too many connections without an identity');
    }
    this.#strangers.set(connection, { remote, input: new ByteQueue(STRANGER_BYTES) });
    const { tickTimeMs, syncLimit } = this.#context.config;
    this.#context.setTimer(handshakeTimer(connection), tickTimeMs * syncLimit, () =>
      this.#refuse(connection, 'no initial message in time'),
    );
  }

  #refuse(connection: ConnectionId, problem: string): void {
    const remote = this.#strangers.get(connection)?.remote ?? '';
    this.#context.log('warn', 'election connection refused', { remote, problem });
    this.#cancelHandshake(connection);
    this.#strangers.delete(connection);
    this.#context.close(connection);
  }

  #cancelHandshake(connection: ConnectionId): void {
    this.#context.cancelTimer(handshakeTimer(connection));
  }

  #received(connection: ConnectionId, bytes: Uint8Array): void {
    const stranger = this.#strangers.get(connection);
    if (stranger !== undefined) {
      this.#introduced(connection, stranger, bytes);
      return;
    }
    const link = this.#links.get(this.#linkSids.get(connection) ?? Number.NaN);
    if (link !== undefined) this.#read(link, bytes);
  }

  #introduced(connection: ConnectionId, stranger: Stranger, bytes: Uint8Array): void {
    let read: ReturnType<typeof tryReadInitialMessage>;
    let address: HostAndPort | undefined;
    try {
      stranger.input.push(bytes);
      read = tryReadInitialMessage(stranger.input.bytes, stranger.input.offset);
      if (read === undefined) return;
      address = dialBackAddress(read.message);
    } catch (error) {
      if (!(error instanceof MalformedError || error instanceof ByteQueueFullError)) throw error;
      this.#refuse(connection, error.message);
      return;
    }
    const sid = Number(read.message.sid);
    if (!Number.isSafeInteger(sid) || sid < 0) {
      this.#refuse(connection, `sid ${read.message.sid} is not one of a server`);
      return;
    }
    if (sid === this.#sid) {
      this.#refuse(connection, 'the other end claims our own sid');
      return;
    }
    this.#cancelHandshake(connection);
    this.#strangers.delete(connection);
    if (sid < this.#sid) {
      this.#knocked(connection, sid, address);
      return;
    }
    const rest = stranger.input.bytes.slice(read.next);
    const link = this.#link(sid, connection, 0);
    if (link !== undefined && rest.length > 0) this.#read(link, rest);
  }

  /** The knock tells that the other end has no working link, whatever we believe. */
  #knocked(connection: ConnectionId, sid: number, address: HostAndPort | undefined): void {
    this.#context.close(connection);
    const link = this.#links.get(sid);
    if (link !== undefined) this.#drop(link, 'the peer asks for a new connection');
    const member = this.#verifier.members.get(sid);
    if (member !== undefined) this.#dial(sid, member.host, member.electionPort);
    else if (address !== undefined && this.#hasRoomFor(sid)) {
      this.#dial(sid, address.host, address.port);
    }
  }

  #hasRoomFor(sid: number): boolean {
    if (this.#verifier.members.has(sid)) return true;
    const outsiders = new Set([...this.#links.keys(), ...this.#dials.values()]);
    for (const member of this.#verifier.members.keys()) outsiders.delete(member);
    return outsiders.has(sid) || outsiders.size < MAX_OUTSIDERS;
  }

  #link(sid: number, connection: ConnectionId, inFlightBytes: number): Link | undefined {
    const older = this.#links.get(sid);
    if (older !== undefined) this.#drop(older, 'replaced by a new connection');
    if (!this.#hasRoomFor(sid)) {
      this.#context.log('warn', 'too many election connections of unknown servers', { sid });
      this.#context.close(connection);
      return undefined;
    }
    const link: Link = {
      sid,
      connection,
      frames: new FrameReader(MAX_ELECTION_FRAME_BYTES, 1),
      inFlightBytes,
      lastHeardMs: this.#context.now(),
    };
    this.#links.set(sid, link);
    this.#knocks.delete(sid);
    this.#linkSids.set(connection, sid);
    this.#context.log('debug', 'election link up', { sid });
    this.#receiver.connected(sid);
    this.#pump(link);
    return link;
  }

  #read(link: Link, bytes: Uint8Array): void {
    link.lastHeardMs = this.#context.now();
    try {
      link.frames.push(bytes);
      for (;;) {
        const payload = link.frames.next();
        if (payload === undefined) return;
        this.#receiver.received(link.sid, payload);
        // What a message sets off may end the link that brought it.
        if (this.#links.get(link.sid) !== link) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#drop(link, error.message);
    }
  }

  #pump(link: Link): void {
    const payload = this.#waiting.get(link.sid);
    if (payload === undefined || link.inFlightBytes >= CREDIT_BYTES) return;
    this.#waiting.delete(link.sid);
    const writer = new JuteWriter(payload.length + 4);
    writer.buffer(payload);
    const bytes = writer.finish();
    link.inFlightBytes += bytes.length;
    this.#context.send(link.connection, bytes);
  }

  #drained(connection: ConnectionId, sizeBytes: number): void {
    const link = this.#links.get(this.#linkSids.get(connection) ?? Number.NaN);
    if (link === undefined) return;
    link.inFlightBytes -= sizeBytes;
    this.#pump(link);
  }

  #drop(link: Link, reason: string): void {
    this.#context.close(link.connection);
    this.#forget(link, reason);
  }

  #forget(link: Link, reason: string): void {
    this.#links.delete(link.sid);
    this.#linkSids.delete(link.connection);
    this.#context.log('debug', 'election link down', { sid: link.sid, reason });
  }

  #closed(connection: ConnectionId, reason: string): void {
    if (this.#strangers.delete(connection)) this.#cancelHandshake(connection);
    this.#dials.delete(connection);
    const link = this.#links.get(this.#linkSids.get(connection) ?? Number.NaN);
    if (link !== undefined) this.#forget(link, reason);
  }
}

function handshakeTimer(connection: ConnectionId): string {
  return `election/handshake/${connection}`;
}

/** Undefined where the initial message names no host that can be dialled. */
function dialBackAddress(message: InitialMessage): HostAndPort | undefined {
  const usable = (message.address ?? '')
    .split('|')
    .filter((text) => text !== '')
    .map((text) => parseHostAndPort('address', text))
    .filter(({ host }) => host !== '0.0.0.0' && !/^[0:]+$/.test(host));
  return usable[0];
}
