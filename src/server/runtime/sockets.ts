/**
 * TCP for one core: listeners, dials, chunks in, writes out.
 *
 * Output of one loop turn is collected per connection and leaves in one write; `bytes-drained` follows
 * from the callback of that write, when the kernel has taken the bytes. `close` is graceful: what was
 * sent before is still delivered, then FIN; input that arrives meanwhile is read and thrown away, because
 * closing a socket with unread input makes the kernel send RST, which can destroy the last answer on its
 * way. After the core's own close no event of that connection is delivered, not even a queued one.
 *
 * The dial map (tests only, `UMPIRE_DIAL_MAP`) sends a dial to another address than the one that the
 * configuration names, so that the harness's proxies stand in every link while the addresses that travel
 * in the protocols stay true. Such a proxy accepts before it knows whether the target would; so it sends one
 * byte once it has reached the target, and only that byte makes the connection established here. Thus a
 * dial over a cut link stalls until its timeout, and a dial to a dead server is refused, as on a network.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import type { ConnectionId } from '../../base/core.ts';
import type { Deliver } from './driver.ts';

/** "host:port" → "host:port". */
export type DialMap = ReadonlyMap<string, string>;

interface Connection {
  readonly id: ConnectionId;
  readonly socket: Socket;
  readonly output: Uint8Array[];
  outputBytes: number;
  isEstablished: boolean;
  isDirty: boolean;
  connectTimer: NodeJS.Timeout | undefined;
}

/** What a proxy of the dial map sends once it has reached its target. */
const PROXY_ANNOUNCEMENT_BYTES = 1;
/** Below this a turn's output is copied into one buffer; above it, the kernel gathers the pieces. */
const CONCAT_LIMIT_BYTES = 64 * 1024;
/** How long a closed connection may take to deliver its last bytes before it is torn down. */
const LINGER_MS = 2000;
/** How long a halting server waits for that. */
const HALT_LINGER_MS = 250;

export class Sockets {
  readonly #deliver: Deliver;
  readonly #dialMap: DialMap;
  readonly #listeners = new Map<string, Server>();
  readonly #connections = new Map<ConnectionId, Connection>();
  /** Sockets that outlive their connection until their last bytes have left. */
  readonly #lingering = new Set<Socket>();
  #dirty: Connection[] = [];
  /** Accepted connections have odd ids; the core gives even ones to its dials. */
  #nextAcceptedId = 1;

  constructor(deliver: Deliver, dialMap: DialMap = new Map()) {
    this.#deliver = deliver;
    this.#dialMap = dialMap;
  }

  listen(listener: string, host: string, port: number): void {
    assert(!this.#listeners.has(listener), 'a listener is opened once', { listener });
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    this.#listeners.set(listener, server);
    const isCurrent = (): boolean => this.#listeners.get(listener) === server;
    server.on('connection', (socket) => {
      if (isCurrent()) this.#accept(listener, socket);
      else socket.destroy();
    });
    server.on('listening', () => {
      this.#deliver(() => (isCurrent() ? { type: 'listening', listener } : undefined));
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      const reason = `${host}:${port}: ${error.code ?? error.message}`;
      this.#deliver(() => {
        if (!isCurrent()) return undefined;
        this.#listeners.delete(listener);
        return { type: 'listen-failed', listener, reason };
      });
    });
    server.listen({ host, port });
  }

  unlisten(listener: string): void {
    const server = this.#listeners.get(listener);
    this.#listeners.delete(listener);
    server?.close();
  }

  isListening(listener: string): boolean {
    return this.#listeners.get(listener)?.listening ?? false;
  }

  dial(id: ConnectionId, host: string, port: number, timeoutMs: number): void {
    assert(id % 2 === 0 && !this.#connections.has(id), 'a dial has a fresh even id', { id });
    const { isProxied, ...target } = this.#route(host, port);
    const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const connection = this.#adopt(id, socket, false);
    connection.connectTimer = setTimeout(() => {
      this.#lose(connection, `no connection to ${host}:${port} within ${timeoutMs} ms`);
    }, timeoutMs);
    if (!isProxied) socket.once('connect', () => this.#established(connection));
  }

  send(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.#connections.get(id);
    // The other side may be gone already, with its connection-closed still in the queue.
    if (connection === undefined || bytes.length === 0) return;
    connection.output.push(bytes);
    connection.outputBytes += bytes.length;
    this.#markDirty(connection);
  }

  close(id: ConnectionId): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#connections.delete(id);
    clearTimeout(connection.connectTimer);
    this.#finish(connection);
  }

  pauseReading(id: ConnectionId): void {
    this.#connections.get(id)?.socket.pause();
  }

  resumeReading(id: ConnectionId): void {
    this.#connections.get(id)?.socket.resume();
  }

  /** The end of a turn: one write per connection that has output. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) {
      connection.isDirty = false;
      if (connection.isEstablished) this.#write(connection);
    }
  }

  /** Closes everything gracefully; `done` once the last bytes left or the time for it is over. */
  endAll(done: () => void): void {
    for (const listener of [...this.#listeners.keys()]) this.unlisten(listener);
    for (const id of [...this.#connections.keys()]) this.close(id);
    const startedMs = performance.now();
    const poll = (): void => {
      if (this.#lingering.size > 0 && performance.now() - startedMs < HALT_LINGER_MS) {
        setTimeout(poll, 5);
        return;
      }
      for (const socket of this.#lingering) socket.destroy();
      done();
    };
    poll();
  }

  /** As the kernel does for a killed process. */
  destroyAll(): void {
    for (const listener of [...this.#listeners.keys()]) this.unlisten(listener);
    for (const connection of this.#connections.values()) {
      clearTimeout(connection.connectTimer);
      connection.socket.destroy();
    }
    this.#connections.clear();
    for (const socket of this.#lingering) socket.destroy();
  }

  #route(host: string, port: number): { host: string; port: number; isProxied: boolean } {
    const mapped = this.#dialMap.get(`${host}:${port}`);
    if (mapped === undefined) return { host, port, isProxied: false };
    const colon = mapped.lastIndexOf(':');
    const proxyPort = Number(mapped.slice(colon + 1));
    return { host: mapped.slice(0, colon), port: proxyPort, isProxied: true };
  }

  #established(connection: Connection): void {
    clearTimeout(connection.connectTimer);
    if (this.#connections.get(connection.id) !== connection) return;
    connection.isEstablished = true;
    this.#deliver(() =>
      this.#connections.get(connection.id) === connection
        ? { type: 'connection-established', connection: connection.id }
        : undefined,
    );
    // What was sent while the dial was under way leaves with the turn of that event.
    this.#markDirty(connection);
  }

  #accept(listener: string, socket: Socket): void {
    const id = this.#nextAcceptedId as ConnectionId;
    this.#nextAcceptedId += 2;
    const remote = formatRemote(socket);
    const connection = this.#adopt(id, socket, true);
    this.#deliver(() =>
      this.#connections.get(id) === connection
        ? { type: 'connection-accepted', connection: id, listener, remote }
        : undefined,
    );
  }

  #adopt(id: ConnectionId, socket: Socket, isEstablished: boolean): Connection {
    const connection: Connection = {
      id,
      socket,
      output: [],
      outputBytes: 0,
      isEstablished,
      isDirty: false,
      connectTimer: undefined,
    };
    this.#connections.set(id, connection);
    socket.on('data', (chunk: Buffer) => {
      const skipped = connection.isEstablished ? 0 : PROXY_ANNOUNCEMENT_BYTES;
      if (skipped > 0) this.#established(connection);
      if (chunk.length === skipped) return;
      const { buffer, byteOffset, byteLength } = chunk;
      const bytes = new Uint8Array(buffer, byteOffset + skipped, byteLength - skipped);
      this.#deliver(() =>
        this.#connections.get(id) === connection
          ? { type: 'bytes-received', connection: id, bytes }
          : undefined,
      );
    });
    socket.on('end', () => this.#lose(connection, 'end of stream'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lose(connection, error.code ?? error.message);
    });
    socket.on('close', () => {
      this.#lingering.delete(socket);
      this.#lose(connection, 'closed');
    });
    return connection;
  }

  /**
   * The connection has ended from outside. It stays open towards the core until the core learns of it:
   * what the core answers to bytes that came before the end is still written (`echo ruok | nc`).
   */
  #lose(connection: Connection, reason: string): void {
    clearTimeout(connection.connectTimer);
    this.#deliver(() => {
      if (this.#connections.get(connection.id) !== connection) return undefined;
      this.#connections.delete(connection.id);
      this.#finish(connection);
      return { type: 'connection-closed', connection: connection.id, reason };
    });
  }

  #finish(connection: Connection): void {
    const { socket } = connection;
    if (!connection.isEstablished || socket.destroyed) {
      socket.destroy();
      return;
    }
    this.#write(connection);
    this.#lingering.add(socket);
    socket.removeAllListeners('data');
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.on('close', () => clearTimeout(timer));
  }

  #markDirty(connection: Connection): void {
    if (connection.isDirty) return;
    connection.isDirty = true;
    this.#dirty.push(connection);
  }

  #write(connection: Connection): void {
    const { id, output, outputBytes: sizeBytes, socket } = connection;
    if (sizeBytes === 0 || socket.destroyed || socket.writableEnded) return;
    connection.outputBytes = 0;
    const drained = (error?: Error | null): void => {
      if (error) return;
      this.#deliver(() =>
        this.#connections.get(id) === connection
          ? { type: 'bytes-drained', connection: id, sizeBytes }
          : undefined,
      );
    };
    if (output.length === 1) {
      socket.write(output[0] as Uint8Array, drained);
    } else if (sizeBytes <= CONCAT_LIMIT_BYTES) {
      socket.write(Buffer.concat(output, sizeBytes), drained);
    } else {
      socket.cork();
      for (const bytes of output.slice(0, -1)) socket.write(bytes);
      socket.write(output.at(-1) as Uint8Array, drained);
      socket.uncork();
    }
    output.length = 0;
  }
}

/** `host:port`, IPv4 in its own form even on a dual-stack listener. */
function formatRemote(socket: Socket): string {
  const address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
  return `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort ?? 0}`;
}
