/** The promise façade and the socket driver, on real sockets against a server of a few lines. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WatchFired, ZooKeeper, zk } from '../../../src/client/index.ts';
import {
  ConnectRequest,
  ConnectResponse,
  encodeFrame,
  encodeReply,
  OpCode,
  PathWatchRequest,
  RequestHeader,
  WatchEventType,
  WatcherEvent,
  Xid,
} from '../../../src/wire/client.ts';
import { FrameReader } from '../../../src/wire/frame-reader.ts';
import { decode, JuteReader } from '../../../src/wire/jute.ts';

class TinyServer {
  readonly handshakes: ConnectRequest[] = [];
  readonly sockets = new Set<Socket>();
  /** Paths whose requests get no answer. */
  readonly silent = new Set<string>();
  isExpired = false;
  readonly #server: Server;
  #zxid = 0n;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  dropConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    const frames = new FrameReader(1 << 20);
    let isOpen = false;
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      frames.push(bytes);
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        if (isOpen) this.#answer(socket, new JuteReader(frame));
        else this.#shakeHands(socket, frame);
        isOpen = true;
      }
    });
  }

  #shakeHands(socket: Socket, frame: Uint8Array): void {
    this.handshakes.push(decode(ConnectRequest, frame));
    const response: ConnectResponse = {
      protocolVersion: 0,
      timeoutMs: this.isExpired ? 0 : 3000,
      sessionId: this.isExpired ? 0n : 5n,
      password: new Uint8Array(16),
      readOnly: false,
    };
    socket.write(encodeFrame((writer) => ConnectResponse.write(writer, response)));
  }

  #answer(socket: Socket, body: JuteReader): void {
    const { xid, type } = RequestHeader.read(body);
    this.#zxid++;
    const zxid = this.#zxid;
    if (type === OpCode.ping) socket.write(encodeReply({ xid: Xid.ping, zxid, err: 0 }));
    else if (type === OpCode.closeSession) socket.end(encodeReply({ xid, zxid, err: 0 }));
    else if (type === OpCode.exists) {
      const { path } = PathWatchRequest.read(body);
      if (!this.silent.has(path ?? '')) socket.write(encodeReply({ xid, zxid, err: -101 }));
    } else socket.write(encodeReply({ xid, zxid, err: -6 }));
  }

  notifyCreated(path: string): void {
    const event = { type: WatchEventType.nodeCreated, state: 3, path };
    const header = { xid: Xid.notification, zxid: -1n, err: 0 };
    for (const socket of this.sockets) socket.write(encodeReply(header, WatcherEvent, event));
  }
}

describe('the façade', () => {
  let server: TinyServer;
  let port: number;
  let client: ZooKeeper;

  beforeEach(async () => {
    server = new TinyServer();
    port = await server.listen();
    client = await ZooKeeper.connect(`127.0.0.1:${port}`, {
      sessionTimeoutMs: 3000,
      externals: { double: (value) => Number(value) * 2 },
    });
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it('opens, asks and closes', async () => {
    expect(client.session).toMatchObject({ state: 'connected', sessionId: 5n });
    expect(await client.exists('/a')).toMatchObject({ stat: null });
    await expect(client.sync('/a')).rejects.toMatchObject({ code: 'Unimplemented', path: '/a' });
    const waiting = client.run(zk.sleep(60_000));
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'SessionExpired' });
    await client.close();
    await outcome;
    await client.close();
    await expect(client.exists('/a')).rejects.toMatchObject({ code: 'SessionExpired' });
  });

  it('tells of lost and new connections, and keeps its session', async () => {
    const states: string[] = [];
    client.on('disconnected', () => states.push('disconnected'));
    const back = new Promise<void>((resolve) => {
      client.on('connected', () => {
        states.push('connected');
        resolve();
      });
    });
    server.silent.add('/slow');
    const lost = client.exists('/slow');
    await client.exists('/slow', { signal: AbortSignal.timeout(20) }).catch(() => {});
    server.dropConnections();
    await expect(lost).rejects.toMatchObject({ code: 'ConnectionLoss', definite: false });
    expect(await client.exists('/a')).toMatchObject({ stat: null });
    await back;
    expect(states).toEqual(['disconnected', 'connected']);
    expect(server.handshakes.map(({ sessionId }) => sessionId)).toEqual([0n, 5n]);
  });

  it('tells of its end, and a watch does too', async () => {
    const expired = new Promise((resolve) => client.once('expired', resolve));
    const fired = new Promise<WatchFired>((resolve) => {
      void client.exists('/a', { watch: resolve });
    });
    await client.exists('/b');
    server.isExpired = true;
    server.dropConnections();
    await expired;
    expect(await fired).toEqual({ type: 'session', path: '/a' });
    expect(client.session.state).toBe('lost');
  });

  it('calls a watch after the answer, unless its signal was aborted', async () => {
    const fired: string[] = [];
    const controller = new AbortController();
    await client.exists('/a', { watch: ({ type }) => fired.push(`kept ${type}`) });
    await client.exists('/a', {
      watch: () => fired.push('ended'),
      signal: controller.signal,
    });
    controller.abort();
    server.notifyCreated('/a');
    server.notifyCreated('/a');
    await expect.poll(() => fired).toEqual(['kept nodeCreated']);
  });

  it('asks external services, whose failures and absence reach the program', async () => {
    expect(await client.run(zk.external('double', 21))).toBe(42);
    await expect(client.run(zk.external('triple', 1))).rejects.toThrow(/"triple"/);
  });

  it('rejects with the reason of an abort', async () => {
    server.silent.add('/slow');
    const controller = new AbortController();
    const call = client.exists('/slow', { signal: controller.signal });
    controller.abort(new Error('too slow'));
    await expect(call).rejects.toThrow('too slow');
    await expect(client.exists('/a', { signal: controller.signal })).rejects.toThrow('too slow');
  });
});

it('gives up a first connection when told to', async () => {
  const server = new TinyServer();
  const port = await server.listen();
  await server.close();
  const signal = AbortSignal.timeout(150);
  await expect(ZooKeeper.connect(`127.0.0.1:${port}`, { signal })).rejects.toThrow();
});
