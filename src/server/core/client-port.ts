/**
 * The client port: connections, the connect handshake, four-letter words, and the way of a request from
 * its frame to its reply. What must be committed goes to the role; everything else is answered from the
 * replica, in the order in which each session asked.
 * Upstream: NIOServerCnxn, ZooKeeperServer (processConnectRequest, processPacket), FinalRequestProcessor.
 */
import type { ConnectionEvent, ConnectionId } from '../../base/core.ts';
import { formatHex } from '../../base/zxid.ts';
import {
  ConnectRequest,
  ConnectResponse,
  encodeFrame,
  encodeReply,
  OpCode,
  ReplyHeader,
  RequestHeader,
  WatcherEvent,
  Xid,
} from '../../wire/client.ts';
import { ErrorCode } from '../../wire/error-code.ts';
import { JuteReader, type JuteWriter, MalformedError } from '../../wire/jute.ts';
import { ClientConnection } from './client-connection.ts';
import type { CoreContext } from './context.ts';
import type { Applied } from './database.ts';
import { type LocalRequest, LocalRequests } from './local-requests.ts';
import { authenticate } from './pipeline/auth.ts';
import { answerRead } from './pipeline/read.ts';
import { writeReply } from './pipeline/reply.ts';
import { type Request, requestKind } from './pipeline/request.ts';
import type { DecidedTxn, Replica } from './replica.ts';
import { Listener } from './seam.ts';
import type { ServingRole } from './serving.ts';
import { isCorrectPassword, SessionIdSource, sessionPassword } from './session/session-id.ts';
import { WatchManager } from './watch/watch-manager.ts';

/** Upstream globalOutstandingLimit: beyond it the server stops reading. */
const WAITING_LIMIT = 1000;
const SESSIONLESS_TIMEOUT_MS = 10_000;
const EMPTY_PASSWORD = new Uint8Array(16);

export interface ClientPortStats {
  received: number;
  sent: number;
  latencyCount: number;
  totalLatencyMs: number;
  minLatencyMs: number;
  maxLatencyMs: number;
}

export class ClientPort {
  readonly connections = new Map<ConnectionId, ClientConnection>();
  readonly watches = new WatchManager();
  readonly stats: ClientPortStats = {
    received: 0,
    sent: 0,
    latencyCount: 0,
    totalLatencyMs: 0,
    minLatencyMs: 0,
    maxLatencyMs: 0,
  };
  readonly #context: CoreContext;
  readonly #replica: Replica;
  readonly #fourLetterWord: (word: string) => string | undefined;
  readonly #local: LocalRequests;
  readonly #bySession = new Map<bigint, ClientConnection>();
  readonly #arrivals = new WeakMap<Request, number>();
  readonly #throttled = new Set<ClientConnection>();
  #sessionIds: SessionIdSource | undefined;
  #role: ServingRole | undefined;

  constructor(
    context: CoreContext,
    replica: Replica,
    fourLetterWord: (word: string) => string | undefined,
  ) {
    this.#context = context;
    this.#replica = replica;
    this.#fourLetterWord = fourLetterWord;
    this.#local = new LocalRequests({
      answer: (local) => this.#answer(local),
      refuse: (local, err) => this.#refuse(local, err),
    });
  }

  get isServing(): boolean {
    return this.#role !== undefined;
  }
  get outstandingCount(): number {
    return this.#local.waitingCount;
  }

  listen(): void {
    const { clientHost, clientPort } = this.#context.config;
    this.#context.listen(Listener.client, clientHost, clientPort);
    this.#scheduleSweep();
  }

  /** From here on clients are served by `role`. */
  serve(role: ServingRole): void {
    this.#role = role;
    const seen = this.#replica.database.sessionIdsSeen();
    // One source for the whole life of the server: a later role goes on where this one stopped.
    this.#sessionIds ??= new SessionIdSource(
      this.#context.config.sid,
      this.#replica.storage.sessionIdsFromMs,
      [],
    );
    // Nothing that the history shows either, should the file of the mark be lost.
    for (const sessionId of seen) this.#sessionIds.observe(sessionId);
    this.#replica.onApplied = (decided, applied) => this.#committed(decided, applied);
  }

  /** Loss of the role: every connection is closed at once, pending requests get no reply. */
  stopServing(): void {
    this.#role = undefined;
    this.#replica.onApplied = undefined;
    this.#local.clear();
    this.#throttled.clear();
    for (const connection of [...this.connections.values()]) this.#close(connection);
  }

  owns(connection: ConnectionId): boolean {
    return this.connections.has(connection);
  }

  accepted(id: ConnectionId, remote: string): void {
    const connection = new ClientConnection(this.#context, id, remote);
    const limit = this.#context.config.maxClientConnections;
    if (limit > 0) {
      let count = 0;
      for (const other of this.connections.values()) if (other.host === connection.host) count++;
      if (count >= limit) {
        this.#context.log('warn', 'too many connections from one address', { remote, limit });
        this.#context.close(id);
        return;
      }
    }
    this.connections.set(id, connection);
  }

  handle(event: ConnectionEvent): void {
    const connection = this.connections.get(event.connection);
    if (connection === undefined) return;
    switch (event.type) {
      case 'bytes-received':
        connection.lastHeardMs = this.#context.now();
        this.#guard(connection, () => this.#received(connection, event.bytes));
        break;
      case 'bytes-drained':
        connection.drained(event.sizeBytes);
        this.#guard(connection, () => this.#pump(connection));
        break;
      case 'connection-closed':
        this.#forget(connection);
        break;
      default:
    }
  }

  /** Malformed bytes of a client close its connection and nothing else. */
  #guard(connection: ClientConnection, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const { remote } = connection;
      this.#context.log('warn', 'a client sent bytes that do not parse', {
        remote,
        why: error.message,
      });
      this.#close(connection);
    }
  }

  #received(connection: ClientConnection, bytes: Uint8Array): void {
    if (connection.opening === undefined) {
      connection.frames.push(bytes);
      this.#pump(connection);
      return;
    }
    const opening = new Uint8Array(connection.opening.length + bytes.length);
    opening.set(connection.opening);
    opening.set(bytes, connection.opening.length);
    connection.opening = opening;
    if (opening.length < 4) return;
    connection.opening = undefined;
    const word = String.fromCharCode(...opening.subarray(0, 4));
    const answer = /^[a-z]{4}$/.test(word) ? this.#fourLetterWord(word) : undefined;
    if (answer !== undefined) {
      if (answer.length > 0) connection.send(new TextEncoder().encode(answer));
      this.#close(connection);
      return;
    }
    if (this.#role === undefined) {
      this.#close(connection);
      return;
    }
    connection.frames.push(opening);
    this.#pump(connection);
  }

  #pump(connection: ClientConnection): void {
    while (!connection.isPaused && this.connections.has(connection.id)) {
      const frame = connection.frames.next();
      if (frame === undefined) return;
      this.stats.received++;
      connection.stats.received++;
      if (connection.phase === 'open') this.#request(connection, frame);
      else this.#connect(connection, frame);
    }
  }

  #connect(connection: ClientConnection, frame: Uint8Array): void {
    const role = this.#role;
    const { config } = this.#context;
    const request = ConnectRequest.read(new JuteReader(frame));
    const { lastProcessed } = this.#replica;
    if (role === undefined || request.lastZxidSeen > lastProcessed) {
      // The client has seen more than this server: it must try another one.
      this.#context.log('info', 'refused a client that is ahead of this server', {
        remote: connection.remote,
        lastZxidSeen: formatHex(request.lastZxidSeen),
        lastProcessed: formatHex(lastProcessed),
      });
      this.#close(connection);
      return;
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = config;
    const asked = Math.max(request.timeoutMs, minSessionTimeoutMs);
    connection.timeoutMs = Math.min(asked, maxSessionTimeoutMs);
    connection.hasReadOnlyFlag = request.readOnly !== undefined;
    connection.phase = 'confirming';
    connection.pause('confirming');
    if (request.sessionId === 0n) this.#createSession(connection, role);
    else this.#reopenSession(connection, role, request);
  }

  #createSession(connection: ClientConnection, role: ServingRole): void {
    connection.sessionId = (this.#sessionIds as SessionIdSource).next();
    this.#bySession.set(connection.sessionId, connection);
    const body = new Uint8Array(4);
    new DataView(body.buffer).setInt32(0, connection.timeoutMs);
    const request = this.#requestOf(connection, 0, OpCode.createSession, body);
    this.#local.add({ request, connection: connection.id }, { needsCommit: true });
    role.submitWrite(request);
  }

  #reopenSession(connection: ClientConnection, role: ServingRole, request: ConnectRequest): void {
    const { sessionId } = request;
    const existing = this.#bySession.get(sessionId);
    if (existing !== undefined) this.#close(existing);
    connection.sessionId = sessionId;
    if (!isCorrectPassword(sessionId, request.password)) {
      this.#confirm(connection, false);
      return;
    }
    this.#bySession.set(sessionId, connection);
    role.reopen(sessionId, connection.timeoutMs, (isValid) => {
      if (this.connections.get(connection.id) !== connection) return;
      this.#guard(connection, () => this.#confirm(connection, isValid));
    });
  }

  #confirm(connection: ClientConnection, isValid: boolean): void {
    const response = {
      protocolVersion: 0,
      timeoutMs: isValid ? connection.timeoutMs : 0,
      sessionId: isValid ? connection.sessionId : 0n,
      password: isValid ? sessionPassword(connection.sessionId) : EMPTY_PASSWORD,
      ...(connection.hasReadOnlyFlag ? { readOnly: false } : {}),
    };
    this.#send(
      connection,
      encodeFrame((writer) => ConnectResponse.write(writer, response)),
    );
    if (!isValid) {
      this.#close(connection);
      return;
    }
    connection.phase = 'open';
    connection.resume('confirming');
    this.#pump(connection);
  }

  #requestOf(connection: ClientConnection, cxid: number, type: number, body: Uint8Array): Request {
    const request: Request = {
      origin: { kind: 'local', connection: connection.id },
      sessionId: connection.sessionId,
      cxid,
      type,
      body,
      authinfo: connection.authinfo,
    };
    this.#arrivals.set(request, this.#context.now());
    return request;
  }

  #request(connection: ClientConnection, frame: Uint8Array): void {
    const role = this.#role;
    if (role === undefined) return;
    const reader = new JuteReader(frame);
    const { xid, type } = RequestHeader.read(reader);
    if (type === OpCode.auth) {
      this.#authenticate(connection, reader);
      return;
    }
    if (!role.touch(connection.sessionId, connection.timeoutMs)) return;
    const request = this.#requestOf(connection, xid, type, frame.slice(reader.offset));
    const local = { request, connection: connection.id };
    switch (requestKind(type)) {
      case 'refused':
        this.#local.add(local, { needsCommit: false, err: ErrorCode.Unimplemented });
        return;
      case 'write':
      case 'session':
        this.#submitWrite(role, local);
        break;
      case 'sync':
        this.#local.add(local, { needsCommit: role.submitSync(request) });
        break;
      default:
        this.#submitRead(role, local);
    }
    if (this.#local.waitingCount >= WAITING_LIMIT) {
      connection.pause('throttle');
      this.#throttled.add(connection);
    }
  }

  #submitWrite(role: ServingRole, local: LocalRequest): void {
    const err = role.submitWrite(local.request);
    this.#local.add(local, err === undefined ? { needsCommit: true } : { needsCommit: false, err });
  }

  #submitRead(role: ServingRole, local: LocalRequest): void {
    const check = role.checkSession(local.request);
    if (check === 'ok') this.#local.add(local, { needsCommit: false });
    else {
      const err = check === 'moved' ? ErrorCode.SessionMoved : ErrorCode.SessionExpired;
      this.#local.add(local, { needsCommit: false, err });
    }
  }

  #authenticate(connection: ClientConnection, reader: JuteReader): void {
    const outcome = authenticate(reader, connection.host);
    if (outcome.ok) connection.authinfo = [...connection.authinfo, outcome.id];
    const err = outcome.ok ? 0 : ErrorCode.AuthFailed;
    this.#send(connection, encodeReply({ xid: Xid.auth, zxid: 0n, err }));
    if (!outcome.ok) this.#close(connection);
  }

  /** The commit that a sync of a learner's client waited for has come. */
  syncAnswered(request: Request): void {
    const local = this.#local.takeCommitted(request.sessionId, request.cxid);
    if (local === undefined) return;
    this.#answer(local);
    this.#released(request.sessionId);
  }

  /** Watches first, then the reply: an event precedes every reply that reflects its change. */
  #committed(decided: DecidedTxn, applied: Applied): void {
    for (const trigger of applied.events) {
      for (const fired of this.watches.trigger(trigger, (id) => this.#authinfo(id))) {
        this.#notify(fired.connection, fired.type, fired.path, decided.zxid);
      }
    }
    const { clientId, cxid } = decided.txn.header;
    const local = this.#local.takeCommitted(clientId, cxid);
    if (local !== undefined) this.#reply(local, decided, applied);
    if (applied.closedSession !== undefined) this.#sessionClosed(applied.closedSession);
    this.#released(clientId);
  }

  #authinfo(id: ConnectionId): ClientConnection['authinfo'] {
    return this.connections.get(id)?.authinfo ?? [];
  }

  #released(sessionId: bigint): void {
    this.#local.release(sessionId);
    if (this.#throttled.size === 0 || this.#local.waitingCount > WAITING_LIMIT / 2) return;
    const waiting = [...this.#throttled];
    this.#throttled.clear();
    for (const connection of waiting) {
      connection.resume('throttle');
      this.#guard(connection, () => this.#pump(connection));
    }
  }

  #notify(id: ConnectionId, type: number, path: string, zxid: bigint): void {
    const connection = this.connections.get(id);
    if (connection === undefined) return;
    const frame = encodeFrame((writer) => {
      ReplyHeader.write(writer, { xid: Xid.notification, zxid, err: 0 });
      WatcherEvent.write(writer, { type, state: 3, path });
    });
    this.#send(connection, frame);
  }

  #reply(local: LocalRequest, decided: DecidedTxn, applied: Applied): void {
    const connection = this.connections.get(local.connection);
    if (connection === undefined) return;
    const { type } = local.request;
    if (type === OpCode.createSession) {
      this.#guard(connection, () => this.#confirm(connection, applied.err === 0));
      return;
    }
    if (applied.err === ErrorCode.SessionMoved) {
      // Never told to the client: its old connection just ends.
      this.#context.trace('SessionMoved', { session: formatHex(local.request.sessionId) });
      this.#close(connection);
      return;
    }
    const { err, write } = writeReply(type, applied);
    this.#sendReply(local, err, decided.zxid, write);
    if (type === OpCode.closeSession) this.#close(connection);
  }

  #answer(local: LocalRequest): void {
    const connection = this.connections.get(local.connection);
    if (connection === undefined) return;
    const { request } = local;
    const { lastProcessed, database } = this.#replica;
    if (request.type === OpCode.ping) {
      this.#send(connection, encodeReply({ xid: Xid.ping, zxid: lastProcessed, err: 0 }));
      return;
    }
    const answer = answerRead(database, this.watches, request, connection.id);
    for (const event of answer.events ?? [])
      this.#notify(connection.id, event.type, event.path, -1n);
    this.#sendReply(local, answer.err, lastProcessed, answer.write);
  }

  #refuse(local: LocalRequest, err: number): void {
    const connection = this.connections.get(local.connection);
    if (connection === undefined) return;
    if (err === ErrorCode.SessionMoved) {
      this.#close(connection);
      return;
    }
    const isRefused = requestKind(local.request.type) === 'refused';
    this.#sendReply(local, err, isRefused ? -1n : this.#replica.lastProcessed);
    if (isRefused) this.#close(connection);
  }

  #sendReply(
    local: LocalRequest,
    err: number,
    zxid: bigint,
    write?: (writer: JuteWriter) => void,
  ): void {
    const connection = this.connections.get(local.connection);
    if (connection === undefined) return;
    const { request } = local;
    const frame = encodeFrame((writer) => {
      ReplyHeader.write(writer, { xid: request.cxid, zxid, err });
      if (err === 0) write?.(writer);
    });
    const arrivedMs = this.#arrivals.get(request) ?? this.#context.now();
    const latencyMs = this.#context.now() - arrivedMs;
    const { stats } = this;
    stats.minLatencyMs =
      stats.latencyCount === 0 ? latencyMs : Math.min(stats.minLatencyMs, latencyMs);
    stats.maxLatencyMs = Math.max(stats.maxLatencyMs, latencyMs);
    stats.totalLatencyMs += latencyMs;
    stats.latencyCount++;
    connection.answered(request.cxid, request.type, zxid, latencyMs);
    this.#send(connection, frame);
  }

  #send(connection: ClientConnection, frame: Uint8Array): void {
    if (!this.connections.has(connection.id)) return;
    this.stats.sent++;
    if (connection.send(frame)) return;
    this.#context.log('warn', 'a client does not read its replies', { remote: connection.remote });
    this.#close(connection);
  }

  #sessionClosed(sessionId: bigint): void {
    const connection = this.#bySession.get(sessionId);
    if (connection !== undefined) this.#close(connection);
  }

  #close(connection: ClientConnection): void {
    if (!this.connections.has(connection.id)) return;
    this.#context.close(connection.id);
    this.#forget(connection);
  }

  #forget(connection: ClientConnection): void {
    this.connections.delete(connection.id);
    this.#throttled.delete(connection);
    this.watches.removeConnection(connection.id);
    if (this.#bySession.get(connection.sessionId) === connection) {
      this.#bySession.delete(connection.sessionId);
    }
  }

  /** Connections that say nothing: without a session after 10 s, with one after its timeout. */
  #scheduleSweep(): void {
    this.#context.setTimer('client/sweep', this.#context.config.tickTimeMs, () => {
      const now = this.#context.now();
      for (const connection of [...this.connections.values()]) {
        const limitMs =
          connection.phase === 'fresh' ? SESSIONLESS_TIMEOUT_MS : connection.timeoutMs;
        // Our own pause is no silence of the client.
        if (
          !connection.isPaused &&
          now - connection.lastHeardMs > limitMs + this.#context.config.tickTimeMs
        ) {
          this.#close(connection);
        }
      }
      this.#scheduleSweep();
    });
  }
}
