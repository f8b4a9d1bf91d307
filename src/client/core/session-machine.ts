/**
 * One ZooKeeper session and the connection that carries it now: host list, handshake, pings, the FIFO of
 * requests, re-establishment and expiry.
 *
 *   idle → waiting → dialing → handshaking → connected → (waiting → …) → lost
 *
 * Requests in flight when a connection ends fail with ConnectionLoss, because nobody knows what became
 * of them. Requests that were never sent stay queued while the session lives. Upstream: ClientCnxn, of
 * which the timers are: connect within timeout / hosts; a connection is dead after 2/3 of the timeout
 * without a byte; pings keep it busy; a session is given up after 4/3 without hearing from any server.
 */
import type { ConnectionEvent, ConnectionId, Effects } from '../../base/core.ts';
import {
  SESSION_NONE,
  type SessionId,
  sessionIdFrom,
  ZXID_ZERO,
  type Zxid,
  zxidFrom,
} from '../../base/zxid.ts';
import {
  ConnectRequest,
  ConnectResponse,
  encodeFrame,
  encodeRequest,
  OpCode,
  type ReplyHeader,
  readReply,
  SetWatchesRequest,
  WatcherEvent,
  Xid,
} from '../../wire/client.ts';
import { FrameReader } from '../../wire/frame-reader.ts';
import { decode, type JuteReader, MalformedError } from '../../wire/jute.ts';
import { HostList } from './host-list.ts';
import {
  type AccessRequest,
  type ClientEffect,
  type ClientOptions,
  type Host,
  type SessionView,
  ZkError,
  type ZkReply,
  type ZkRequest,
} from './program.ts';
import { decodeZkReply, encodeZkRequest, localError, pathOf } from './request-codec.ts';
import type { SessionObserver } from './session-observation.ts';
import type { WatchBatch } from './watch-table.ts';

/** The time of one step and where its effects go. */
export interface Turn {
  readonly now: number;
  readonly effects: Effects<ClientEffect>;
}

/** What the session tells its owner, always within a step. */
export interface SessionListener {
  answered(token: number, request: ZkRequest, answer: ZkReply | ZkError): void;
  watchEventReceived(event: WatcherEvent): void;
  /** Watches that a new connection has to be told about. */
  watchBatches(): readonly WatchBatch[];
  stateChanged(view: SessionView): void;
  /** Sees everything that passes; for journals only. */
  readonly observed?: SessionObserver | undefined;
}

interface PendingRequest {
  readonly token: number;
  readonly request: ZkRequest;
}
type InFlight =
  | (PendingRequest & { readonly xid: number; readonly sentMs: number })
  | { readonly token: undefined; readonly xid: number; readonly sentMs: number };

type AuthRequest = Extract<ZkRequest, { readonly op: 'addAuth' }>;
type State = 'idle' | 'waiting' | 'dialing' | 'handshaking' | 'connected' | 'lost';

/** Requests that are queued or in flight; one more is refused as ThrottledOp. */
const MAX_REQUESTS = 10_000;
/** Bytes handed to the world and not yet drained, above which requests stay queued. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** A reply: generous, since the children of one node have no bound of their own. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const MAX_PING_INTERVAL_MS = 10_000;
/** A timer that fires later than this gives input that waits one turn before a connection is dropped. */
const LATE_TIMER_MS = 100;
const LAST_XID = 0x7fffffff;

export class SessionMachine {
  readonly #options: ClientOptions;
  readonly #listener: SessionListener;
  readonly #hosts: HostList;
  #state: State = 'idle';
  #host: Host | undefined;
  #connection: ConnectionId | undefined;
  /** Even numbers are the dialling side's; an id is never used twice. */
  #nextConnection = 2;
  #frames = new FrameReader(MAX_REPLY_BYTES);
  #sessionId: SessionId = SESSION_NONE;
  #password: Uint8Array = new Uint8Array(16);
  #negotiatedTimeoutMs: number;
  #lastZxidSeen: bigint = ZXID_ZERO;
  #lastContactMs = 0;
  #lastSentMs = 0;
  #lastAnsweredSendMs = 0;
  #queued: PendingRequest[] = [];
  #inFlight: InFlight[] = [];
  /** Identities of this session, for each connection anew, and those whose answer is awaited. */
  #identities: AuthRequest[] = [];
  #authsInFlight: { readonly token: number | undefined; readonly request: AuthRequest }[] = [];
  /** Send times of pings without an answer. */
  #pings: number[] = [];
  #handshakeSentMs = 0;
  #xid = 0;
  #outgoing: Uint8Array[] = [];
  #undrainedBytes = 0;
  #isClosing = false;
  #isReadTimeoutLate = false;

  constructor(options: ClientOptions, listener: SessionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#hosts = new HostList(options.hosts, options.seed);
    this.#negotiatedTimeoutMs = options.sessionTimeoutMs;
  }

  get view(): SessionView {
    return {
      state: this.#publicState(),
      sessionId: this.#sessionId,
      negotiatedTimeoutMs: this.#negotiatedTimeoutMs,
      lastContactMs: this.#lastContactMs,
      lastAnsweredSendMs: this.#lastAnsweredSendMs,
      server: this.#state === 'connected' ? this.#host?.server : undefined,
    };
  }

  #publicState(): SessionView['state'] {
    if (this.#state === 'connected' || this.#state === 'lost') return this.#state;
    return this.#sessionId === SESSION_NONE ? 'connecting' : 'disconnected';
  }

  get #readTimeoutMs(): number {
    return Math.max(1, Math.floor((this.#negotiatedTimeoutMs * 2) / 3));
  }
  get #pingIntervalMs(): number {
    const half = Math.max(1, Math.floor(this.#readTimeoutMs / 2));
    // Long intervals leave a second for the ping to arrive.
    return Math.min(MAX_PING_INTERVAL_MS, half > 2000 ? half - 1000 : half);
  }

  start(turn: Turn): void {
    if (this.#state === 'idle') this.#dial(turn);
  }

  /** Takes a request, or says at once why not. */
  submit(turn: Turn, token: number, request: ZkRequest): ZkError | undefined {
    const path = pathOf(request);
    if (this.#state === 'lost' || this.#isClosing) {
      return localError('SessionExpired', 'the session has ended', path);
    }
    if (this.#queued.length + this.#inFlight.length >= MAX_REQUESTS) {
      return localError('ThrottledOp', `${MAX_REQUESTS} requests of this client wait`, path);
    }
    if (request.op === 'close') return this.#close(turn, token);
    this.#queued.push({ token, request });
    return undefined;
  }

  /** A close is sent behind what is queued; without a connection the session is only abandoned. */
  #close(turn: Turn, token: number): ZkError | undefined {
    this.#isClosing = true;
    if (this.#state === 'connected') {
      this.#queued.push({ token, request: { op: 'close' } });
      return undefined;
    }
    const hadSession = this.#sessionId !== SESSION_NONE;
    this.#end(turn);
    if (hadSession) {
      return localError('ConnectionLoss', 'not connected: the session was left to expire');
    }
    this.#listener.answered(token, { op: 'close' }, { zxid: ZXID_ZERO });
    return undefined;
  }

  /** Takes back a request that was not sent yet; false where it was. */
  withdraw(token: number): boolean {
    const index = this.#queued.findIndex((pending) => pending.token === token);
    if (index < 0) return false;
    this.#queued.splice(index, 1);
    return true;
  }

  // ---------------------------------------------------------------- events

  connectionEvent(turn: Turn, event: ConnectionEvent): void {
    // Whatever still comes from a connection that was given up is about nobody.
    if (event.connection !== this.#connection || this.#state === 'lost') return;
    switch (event.type) {
      case 'connection-established':
        this.#shakeHands(turn);
        break;
      case 'bytes-received':
        this.#lastContactMs = turn.now;
        this.#isReadTimeoutLate = false;
        this.#bytesReceived(turn, event.bytes);
        break;
      case 'bytes-drained':
        this.#undrainedBytes = Math.max(0, this.#undrainedBytes - event.sizeBytes);
        break;
      case 'connection-closed':
        this.#connection = undefined;
        this.#connectionLost(turn);
        break;
      case 'connection-accepted':
        break;
    }
  }

  timerFired(turn: Turn, timer: string): void {
    switch (timer) {
      case 'reconnect':
        if (this.#state === 'waiting') this.#dial(turn);
        break;
      case 'connect':
        if (this.#state === 'dialing' || this.#state === 'handshaking') this.#connectionLost(turn);
        break;
      case 'ping':
        if (this.#state === 'connected') this.#pingTimerFired(turn);
        break;
      case 'read':
        if (this.#state === 'connected') this.#readTimerFired(turn);
        break;
      case 'expiry':
        if (this.#state !== 'connected' && this.#state !== 'lost') this.#end(turn);
        break;
      default:
    }
  }

  #pingTimerFired(turn: Turn): void {
    let dueMs = this.#lastSentMs + this.#pingIntervalMs;
    if (turn.now >= dueMs) {
      this.#pings.push(turn.now);
      this.#listener.observed?.({ type: 'requested', xid: Xid.ping, request: { op: 'ping' } });
      this.#queueBytes(turn, encodeRequest({ xid: Xid.ping, type: OpCode.ping }));
      dueMs = turn.now + this.#pingIntervalMs;
    }
    setTimer(turn, 'ping', dueMs);
  }

  #readTimerFired(turn: Turn): void {
    const dueMs = this.#lastContactMs + this.#readTimeoutMs;
    if (turn.now < dueMs) {
      setTimer(turn, 'read', dueMs);
    } else if (turn.now - dueMs > LATE_TIMER_MS && !this.#isReadTimeoutLate) {
      // This process was away, perhaps not the server: look at what has arrived meanwhile first.
      this.#isReadTimeoutLate = true;
      setTimer(turn, 'read', turn.now);
    } else {
      this.#connectionLost(turn);
    }
  }

  // ------------------------------------------------------------ connection

  #dial(turn: Turn): void {
    const host = this.#hosts.next();
    // A server that accepts and never answers must not cost a live session its whole time: Apache's 3.8
    // can forget a connection that came while it started (NIOServerCnxn.close, a NullPointerException).
    const attempts = Math.max(this.#hosts.size, this.#sessionId === SESSION_NONE ? 1 : 3);
    const timeoutMs = Math.max(1, Math.floor(this.#negotiatedTimeoutMs / attempts));
    this.#host = host;
    this.#connection = this.#nextConnection as ConnectionId;
    this.#nextConnection += 2;
    this.#frames = new FrameReader(MAX_REPLY_BYTES);
    this.#state = 'dialing';
    setTimer(turn, 'connect', turn.now + timeoutMs);
    turn.effects.push({
      type: 'dial',
      connection: this.#connection,
      host: host.host,
      port: host.port,
      timeoutMs,
    });
  }

  #shakeHands(turn: Turn): void {
    if (this.#state !== 'dialing') return;
    this.#state = 'handshaking';
    this.#handshakeSentMs = turn.now;
    const request: ConnectRequest = {
      protocolVersion: 0,
      lastZxidSeen: this.#lastZxidSeen,
      timeoutMs: this.#options.sessionTimeoutMs,
      sessionId: this.#sessionId,
      password: this.#password,
      readOnly: false,
    };
    this.#listener.observed?.({
      type: 'connecting',
      sessionId: this.#sessionId,
      lastZxidSeen: this.#lastZxidSeen,
      timeoutMs: request.timeoutMs,
      server: this.#host?.server,
    });
    this.#queueBytes(
      turn,
      encodeFrame((writer) => ConnectRequest.write(writer, request)),
    );
  }

  #handshakeAnswered(turn: Turn, frame: Uint8Array): void {
    const response = decode(ConnectResponse, frame);
    if (response.timeoutMs <= 0) {
      this.#listener.observed?.({ type: 'refused', sessionId: this.#sessionId });
      this.#end(turn);
      return;
    }
    this.#sessionId = sessionIdFrom(response.sessionId);
    this.#password = response.password ?? new Uint8Array(16);
    this.#negotiatedTimeoutMs = response.timeoutMs;
    this.#listener.observed?.({
      type: 'connected',
      sessionId: this.#sessionId,
      timeoutMs: response.timeoutMs,
    });
    this.#lastAnsweredSendMs = this.#handshakeSentMs;
    this.#state = 'connected';
    this.#hosts.succeeded();
    this.#isReadTimeoutLate = false;
    cancelTimers(turn, ['connect', 'expiry']);
    setTimer(turn, 'ping', turn.now + this.#pingIntervalMs);
    setTimer(turn, 'read', turn.now + this.#readTimeoutMs);
    for (const request of this.#identities) this.#sendAuth(turn, undefined, request);
    // Before any request: what changed since lastZxidSeen must be told before newer replies.
    for (const batch of this.#listener.watchBatches()) {
      const body = { relativeZxid: this.#lastZxidSeen, ...batch };
      const header = { xid: Xid.setWatches, type: OpCode.setWatches };
      this.#listener.observed?.({
        type: 'requested',
        xid: Xid.setWatches,
        request: { op: 'setWatches', ...body },
      });
      this.#inFlight.push({ token: undefined, xid: Xid.setWatches, sentMs: turn.now });
      this.#queueBytes(turn, encodeRequest(header, SetWatchesRequest, body));
    }
    this.#listener.stateChanged(this.view);
  }

  /** The connection is of no more use; the session may go on elsewhere. */
  #connectionLost(turn: Turn): void {
    const wasConnected = this.#state === 'connected';
    this.#dropConnection(turn);
    this.#state = 'waiting';
    this.#failInFlight();
    if (this.#isClosing) {
      this.#end(turn);
      return;
    }
    setTimer(turn, 'reconnect', turn.now + this.#hosts.drawPauseMs(this.#negotiatedTimeoutMs));
    if (!wasConnected) return;
    const graceMs = Math.floor((this.#negotiatedTimeoutMs * 4) / 3);
    setTimer(turn, 'expiry', Math.max(turn.now, this.#lastContactMs + graceMs));
    this.#listener.stateChanged(this.view);
  }

  #dropConnection(turn: Turn): void {
    this.#listener.observed?.({ type: 'disconnected' });
    if (this.#connection !== undefined) {
      turn.effects.push({ type: 'close', connection: this.#connection });
      this.#connection = undefined;
    }
    cancelTimers(turn, ['connect', 'ping', 'read']);
    this.#outgoing = [];
    this.#undrainedBytes = 0;
    this.#pings = [];
  }

  #failInFlight(): void {
    const failed = [...this.#inFlight, ...this.#authsInFlight];
    this.#inFlight = [];
    this.#authsInFlight = [];
    for (const entry of failed) {
      if (entry.token === undefined) continue;
      const error = localError('ConnectionLoss', 'the connection was lost', pathOf(entry.request));
      this.#listener.answered(entry.token, entry.request, error);
    }
  }

  /** The session is over: expired, refused or closed. */
  #end(turn: Turn): void {
    // What was sent by a close is still delivered: the world closes behind it.
    this.#flushBytes(turn);
    this.#dropConnection(turn);
    cancelTimers(turn, ['reconnect', 'expiry']);
    this.#state = 'lost';
    this.#failInFlight();
    const queued = this.#queued;
    this.#queued = [];
    for (const { token, request } of queued) {
      const error = localError('SessionExpired', 'the session has ended', pathOf(request));
      this.#listener.answered(token, request, error);
    }
    this.#listener.stateChanged(this.view);
  }

  // ---------------------------------------------------------------- replies

  #bytesReceived(turn: Turn, bytes: Uint8Array): void {
    const connection = this.#connection;
    try {
      this.#frames.push(bytes);
      for (;;) {
        const frame = this.#frames.next();
        if (frame === undefined) return;
        if (this.#state === 'handshaking') this.#handshakeAnswered(turn, frame);
        else this.#replyReceived(turn, frame);
        // A frame may end this connection; the rest of its bytes then concerns nobody.
        if (this.#connection !== connection) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#connectionLost(turn);
    }
  }

  #replyReceived(turn: Turn, frame: Uint8Array): void {
    const { header, body } = readReply(frame);
    switch (header.xid) {
      case Xid.notification:
        this.#notified(zxidFrom(header.zxid), WatcherEvent.read(body));
        return;
      case Xid.ping:
        this.#observeAnswer(header, undefined);
        this.#lastAnsweredSendMs = Math.max(this.#lastAnsweredSendMs, this.#pings.shift() ?? 0);
        return;
      case Xid.auth:
        this.#authAnswered(header, body);
        return;
      default:
        this.#requestAnswered(turn, header, body);
    }
  }

  /** A refused identity is not tried again; the server closes the connection behind its answer. */
  #authAnswered(header: ReplyHeader, body: JuteReader): void {
    const head = this.#authsInFlight.shift();
    if (head === undefined) return;
    const { token, request } = head;
    if (header.err !== 0) this.#identities = this.#identities.filter((one) => one !== request);
    const answer = decodeZkReply(request, header, body);
    if (token !== undefined) this.#listener.answered(token, request, answer);
  }

  #notified(zxid: Zxid, event: WatcherEvent): void {
    this.#listener.observed?.({ type: 'notified', zxid, event });
    this.#listener.watchEventReceived(event);
  }

  #observeAnswer({ xid, zxid }: ReplyHeader, answer: ZkReply | ZkError | undefined): void {
    this.#listener.observed?.({ type: 'answered', xid, zxid: zxidFrom(zxid), answer });
  }

  #requestAnswered(turn: Turn, header: ReplyHeader, body: JuteReader): void {
    const head = this.#inFlight[0];
    if (head === undefined || head.xid !== header.xid) {
      this.#observeAnswer(header, undefined);
      // Replies come in the order of the requests: this stream can no longer be trusted.
      this.#connectionLost(turn);
      return;
    }
    const answer = head.token === undefined ? undefined : decodeZkReply(head.request, header, body);
    if (head.token === undefined || isObserved(head.request)) this.#observeAnswer(header, answer);
    this.#inFlight.shift();
    if (header.zxid > this.#lastZxidSeen) this.#lastZxidSeen = header.zxid;
    this.#lastAnsweredSendMs = Math.max(this.#lastAnsweredSendMs, head.sentMs);
    if (head.token === undefined || answer === undefined) return;
    const server = this.#host?.server;
    const hasServer = server !== undefined && !(answer instanceof ZkError);
    this.#listener.answered(head.token, head.request, hasServer ? { ...answer, server } : answer);
    if (head.request.op === 'close') this.#end(turn);
  }

  // ----------------------------------------------------------------- output

  /** Sends what the step has gathered, in one write. */
  flush(turn: Turn): void {
    if (this.#state === 'connected') this.#sendQueued(turn);
    this.#flushBytes(turn);
  }

  #sendQueued(turn: Turn): void {
    let sent = 0;
    for (const { token, request } of this.#queued) {
      if (this.#undrainedBytes >= HIGH_WATER_BYTES) break;
      sent++;
      if (request.op === 'addAuth') {
        this.#identities.push(request);
        this.#sendAuth(turn, token, request);
        continue;
      }
      this.#xid = this.#xid === LAST_XID ? 1 : this.#xid + 1;
      this.#inFlight.push({ token, request, xid: this.#xid, sentMs: turn.now });
      if (isObserved(request)) {
        this.#listener.observed?.({ type: 'requested', xid: this.#xid, request });
      }
      this.#queueBytes(turn, encodeZkRequest(this.#xid, request));
    }
    this.#queued.splice(0, sent);
  }

  #sendAuth(turn: Turn, token: number | undefined, request: AuthRequest): void {
    this.#authsInFlight.push({ token, request });
    this.#queueBytes(turn, encodeZkRequest(Xid.auth, request));
  }

  #queueBytes(turn: Turn, bytes: Uint8Array): void {
    this.#outgoing.push(bytes);
    this.#undrainedBytes += bytes.length;
    this.#lastSentMs = turn.now;
  }

  #flushBytes(turn: Turn): void {
    const connection = this.#connection;
    if (connection === undefined || this.#outgoing.length === 0) return;
    turn.effects.push({ type: 'send', connection, bytes: concat(this.#outgoing) });
    this.#outgoing = [];
  }
}

function isObserved(request: ZkRequest): request is Exclude<ZkRequest, AccessRequest> {
  return request.op !== 'getAcl' && request.op !== 'setAcl' && request.op !== 'addAuth';
}

function setTimer(turn: Turn, timer: string, atMs: number): void {
  turn.effects.push({ type: 'set-timer', timer, atMs });
}

function cancelTimers(turn: Turn, timers: readonly string[]): void {
  for (const timer of timers) turn.effects.push({ type: 'cancel-timer', timer });
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
