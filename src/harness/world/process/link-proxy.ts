/**
 * A TCP proxy in one link. Either direction of its connections can be cut: bytes, ends and resets of that
 * direction stall here and go on after the join, in order; connections stay. So a cut looks to both ends
 * like a network that has gone silent, not like a peer that has died.
 *
 * A user-space proxy cannot let a connect stall or refuse it for the target: the kernel completes the
 * handshake. So the proxy between peers announces, by one byte, that it has reached the target, and a
 * server that was given a dial map takes the connection for established only then (server/runtime/
 * sockets.ts). While the forward direction is cut the target is not dialled; while the backward
 * direction is cut the announcement stalls.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ConnectionTap } from '../wire-tap/wire-tap.ts';

/** `forward` is from the side that dials to the target. */
export type Direction = 'forward' | 'backward';

/** Bytes that one direction of one connection holds while it is cut; the rest waits in the sender. */
const HELD_LIMIT_BYTES = 64 * 1024;

const ANNOUNCEMENT = Buffer.from([0x06]);

type Stalled = { readonly kind: 'end' } | { readonly kind: 'reset' };

/** One direction of one connection. */
interface Pipe {
  readonly source: Socket;
  readonly sink: Socket;
  held: Buffer[];
  heldBytes: number;
  stalled: Stalled | undefined;
}

interface Link {
  readonly dialler: Socket;
  target: Socket | undefined;
  pipes: Partial<Record<Direction, Pipe>>;
  hasTargetEnded: boolean;
  readonly tap: ConnectionTap | undefined;
}

export class LinkProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #announces: boolean;
  readonly #cut = new Set<Direction>();
  readonly #links = new Set<Link>();
  /** The target's reaction by source port of the dialler; bounded by forgetting the oldest. */
  readonly #endedByPort = new Set<number>();

  readonly #tap: (() => ConnectionTap) | undefined;

  /**
   * `announces`: the dialler waits for a byte that says that the target was reached. `tap` is told of each
   * connection and of all bytes, as their sender sent them, also while they stall.
   */
  constructor(
    targetPort: number,
    options: { readonly announces: boolean; readonly tap?: () => ConnectionTap },
  ) {
    this.#targetPort = targetPort;
    this.#tap = options.tap;
    this.#announces = options.announces;
    // Paused until the target answers, so that no byte is read before there is a place for it.
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
  }

  /** Resolves with the port that stands for the target. */
  open(): Promise<number> {
    return new Promise((opened, failed) => {
      this.#server.on('error', failed);
      this.#server.listen({ host: '127.0.0.1', port: 0 }, () => {
        const address = this.#server.address();
        if (typeof address === 'object' && address !== null) opened(address.port);
        else failed(new Error('the proxy has no port'));
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const { dialler, target } of this.#links) {
      dialler.destroy();
      target?.destroy();
    }
    this.#links.clear();
  }

  cut(direction: Direction): void {
    this.#cut.add(direction);
  }

  join(direction: Direction): void {
    if (!this.#cut.delete(direction)) return;
    for (const link of [...this.#links]) {
      if (direction === 'forward' && link.target === undefined) this.#dial(link);
      const pipe = link.pipes[direction];
      if (pipe !== undefined) this.#release(link, pipe);
    }
  }

  /** Whether the target itself ended the connection that was dialled from this port. */
  hasTargetEnded(sourcePort: number): boolean {
    return this.#endedByPort.has(sourcePort);
  }

  #accept(dialler: Socket): void {
    const tap = this.#tap?.();
    const link: Link = { dialler, target: undefined, pipes: {}, hasTargetEnded: false, tap };
    this.#links.add(link);
    dialler.on('error', () => {});
    dialler.on('close', () => this.#forgetWhenOver(link));
    if (!this.#cut.has('forward')) this.#dial(link);
  }

  #dial(link: Link): void {
    if (link.dialler.destroyed) return;
    const target = connect({
      host: '127.0.0.1',
      port: this.#targetPort,
      allowHalfOpen: true,
      noDelay: true,
    });
    link.target = target;
    target.on('close', () => this.#forgetWhenOver(link));
    const refused = (): void => {
      link.dialler.resetAndDestroy();
    };
    target.on('error', refused);
    target.on('connect', () => {
      target.off('error', refused);
      this.#join(link, target);
    });
  }

  #join(link: Link, target: Socket): void {
    const { dialler } = link;
    const sourcePort = dialler.remotePort ?? 0;
    this.#endedByPort.delete(sourcePort);
    const forward = this.#pipe(link, 'forward', dialler, target);
    const backward = this.#pipe(link, 'backward', target, dialler);
    link.pipes = { forward, backward };
    const targetEnded = (): void => {
      this.#endedByPort.add(sourcePort);
      const [oldest] = this.#endedByPort;
      if (this.#endedByPort.size > 1000 && oldest !== undefined) this.#endedByPort.delete(oldest);
    };
    target.on('end', targetEnded);
    target.on('error', targetEnded);
    if (this.#announces) this.#forward('backward', backward, ANNOUNCEMENT);
    dialler.resume();
  }

  #pipe(link: Link, direction: Direction, source: Socket, sink: Socket): Pipe {
    const pipe: Pipe = { source, sink, held: [], heldBytes: 0, stalled: undefined };
    source.on('data', (chunk: Buffer) => {
      link.tap?.bytes(direction, chunk);
      this.#forward(direction, pipe, chunk);
    });
    sink.on('drain', () => {
      if (pipe.held.length === 0) source.resume();
    });
    const stall = (stalled: Stalled): void => {
      pipe.stalled = stalled;
      if (!this.#cut.has(direction)) this.#release(link, pipe);
    };
    source.on('end', () => stall({ kind: 'end' }));
    source.on('error', () => stall({ kind: 'reset' }));
    return pipe;
  }

  #forward(direction: Direction, pipe: Pipe, chunk: Buffer): void {
    const { source, sink } = pipe;
    if (this.#cut.has(direction) || pipe.held.length > 0) {
      pipe.held.push(chunk);
      pipe.heldBytes += chunk.length;
      if (pipe.heldBytes >= HELD_LIMIT_BYTES) source.pause();
    } else if (!sink.destroyed && !sink.write(chunk)) source.pause();
  }

  /** What stalled in a direction goes on. */
  #release(link: Link, pipe: Pipe): void {
    const { source, sink, stalled } = pipe;
    for (const chunk of pipe.held) if (!sink.destroyed) sink.write(chunk);
    pipe.held = [];
    pipe.heldBytes = 0;
    if (stalled === undefined) {
      source.resume();
      return;
    }
    if (stalled.kind === 'end') sink.end();
    else {
      sink.resetAndDestroy();
      source.destroy();
    }
    this.#forgetWhenOver(link);
  }

  #forgetWhenOver(link: Link): void {
    const isStalling = Object.values(link.pipes).some(
      (pipe) => pipe.stalled !== undefined && !pipe.sink.writableEnded && !pipe.sink.destroyed,
    );
    if (isStalling) return;
    if (link.dialler.destroyed && (link.target === undefined || link.target.destroyed)) {
      this.#links.delete(link);
      link.tap?.closed();
    }
  }
}
