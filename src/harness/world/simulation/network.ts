/**
 * Simulated TCP. A connection is two sockets and two pipes; a pipe is a FIFO of segments over one directed
 * link with a bounded window of bytes that the receiver has not read yet.
 *
 *   - A cut link loses nothing: its segments stall and go on after the heal at the next retransmission
 *     (200 ms, doubling), as a kernel's would. Connections stay open.
 *   - A killed process resets its connections; a machine without power is silent, and answers with
 *     resets once it is back. Connecting and writing to a paused process succeeds until its window is full.
 *   - `drained` reports bytes that the window took, so that credit returns only as the receiver reads.
 *   - Chunks are cut at random boundaries, and latencies are drawn from the stream of their link.
 */
import { type Prng, prngStream } from '../../../base/prng.ts';
import type { ConnectionTap } from '../wire-tap/wire-tap.ts';
import type { EventQueue } from './event-queue.ts';

/** What a socket tells its owner. `received` bytes hold the window until the owner calls `consumed`. */
export interface SocketOwner {
  established(): void;
  received(bytes: Uint8Array): void;
  drained(sizeBytes: number): void;
  closed(reason: string): void;
}

export type Accept = (socket: Socket, remote: string) => SocketOwner;

/** A machine. Its process may be dead while the machine answers for it. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  isPowered: boolean;
  readonly listeners: Map<number, Accept>;
}

export interface NetworkOptions {
  readonly queue: EventQueue;
  readonly seed: string;
  readonly latencyUs: readonly [number, number];
  readonly splitPerMille: number;
  /** Asked for each connection; told of the bytes that its ends send. */
  readonly tap?: (dialler: string, acceptor: string, port: number) => ConnectionTap | undefined;
}

type Segment =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'accept' | 'fin' | 'reset' };

const WINDOW_BYTES = 256 * 1024;
const RETRANSMISSION_US = 200_000;
const MAX_BACKOFF_US = 8_000_000;
const SYN_RETRY_US = 1_000_000;
const MAX_SOCKETS_PER_MACHINE = 4096;

export class Network {
  readonly queue: EventQueue;
  readonly #options: NetworkOptions;
  readonly #machines = new Map<string, Machine>();
  readonly #streams = new Map<string, Prng>();
  readonly #cuts = new Set<string>();
  readonly #sockets = new Set<Socket>();
  /** Those with segments that wait for a heal, also when nobody stands behind them any more. */
  readonly #stalled = new Set<Socket>();
  #nextPort = 32768;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.queue = options.queue;
  }

  addMachine(machine: Machine): void {
    this.#machines.set(machine.address, machine);
  }

  cut(from: string, to: string): void {
    this.#cuts.add(linkName(from, to));
  }

  join(from: string, to: string): void {
    if (!this.#cuts.delete(linkName(from, to))) return;
    for (const socket of this.#stalled) {
      if (socket.machine.name === from && socket.remote.name === to) socket.retransmit();
    }
  }

  powerOn(machine: Machine): void {
    machine.isPowered = true;
    for (const socket of this.#stalled) {
      if (socket.remote === machine) socket.retransmit();
    }
  }

  /** The process of a machine ended; its kernel resets what it had open. */
  resetAll(machine: Machine): void {
    machine.listeners.clear();
    for (const socket of [...this.#sockets]) {
      if (socket.machine === machine && !socket.isAbandoned) socket.reset();
    }
  }

  /** The machine is gone without a word. */
  powerOff(machine: Machine): void {
    machine.isPowered = false;
    machine.listeners.clear();
    for (const socket of [...this.#sockets]) {
      if (socket.machine === machine) this.forget(socket);
    }
  }

  /** Does a single packet sent now arrive within `timeoutUs`? Answers once. */
  ping(from: Machine, to: Machine, timeoutUs: number, done: (arrived: boolean) => void): void {
    let isAnswered = false;
    const answer = (arrived: boolean): void => {
      if (isAnswered) return;
      isAnswered = true;
      done(arrived);
    };
    this.queue.after(this.latencyUs(from, to), () => {
      if (!this.isCut(from, to)) answer(true);
    });
    this.queue.after(timeoutUs, () => answer(false));
  }

  dial(
    machine: Machine,
    host: string,
    port: number,
    timeoutMs: number,
    owner: SocketOwner,
  ): Socket {
    const target = this.#machines.get(host);
    const socket = new Socket(this, machine, target ?? machine, owner);
    this.#sockets.add(socket);
    if (target === undefined) {
      this.queue.after(0, () => socket.fail(`unknown host ${host}`));
      return socket;
    }
    this.queue.after(timeoutMs * 1000, () => {
      if (!socket.isOpen) socket.fail(`no connection to ${host}:${port} within ${timeoutMs} ms`);
    });
    this.#knock(socket, port, SYN_RETRY_US);
    return socket;
  }

  /** SYN, and again after a back-off until it is answered or the dial has ended. */
  #knock(socket: Socket, port: number, retryUs: number): void {
    const { machine, remote } = socket;
    const again = (): void => {
      this.queue.after(retryUs, () => {
        if (!socket.isEnded) this.#knock(socket, port, 2 * retryUs);
      });
    };
    this.queue.after(this.latencyUs(machine, remote), () => {
      if (socket.isEnded) return;
      // A lost SYN and a lost answer look alike to the one who dials.
      const isLost = this.isCut(machine, remote) || this.isCut(remote, machine);
      if (isLost || !remote.isPowered || this.#isFull(remote)) {
        again();
        return;
      }
      const accept = remote.listeners.get(port);
      this.queue.after(this.latencyUs(remote, machine), () => {
        if (socket.isEnded) return;
        if (accept === undefined) {
          socket.fail(`connection to ${remote.address}:${port} refused`);
          return;
        }
        this.#connect(socket, accept, port);
      });
    });
  }

  #isFull(machine: Machine): boolean {
    let count = 0;
    for (const socket of this.#sockets) if (socket.machine === machine) count++;
    return count >= MAX_SOCKETS_PER_MACHINE;
  }

  #connect(socket: Socket, accept: Accept, port: number): void {
    const remote = `${socket.machine.address}:${this.#nextPort++}`;
    const other = new Socket(this, socket.remote, socket.machine, undefined);
    this.#sockets.add(other);
    socket.pair(other);
    const tap = this.#options.tap?.(socket.machine.name, other.machine.name, port);
    if (tap !== undefined) {
      socket.tap = (bytes) => tap.bytes('forward', bytes);
      other.tap = (bytes) => tap.bytes('backward', bytes);
    }
    other.acceptor = (self) => {
      const isListening = [...other.machine.listeners.values()].includes(accept);
      return isListening ? accept(self, remote) : undefined;
    };
    socket.establish();
  }

  stall(socket: Socket, isStalled: boolean): void {
    if (isStalled) this.#stalled.add(socket);
    else this.#stalled.delete(socket);
  }

  forget(socket: Socket): void {
    socket.isAbandoned = true;
    socket.owner = undefined;
    this.#sockets.delete(socket);
  }

  isCut(from: Machine, to: Machine): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(linkName(from.name, to.name));
  }

  isBlocked(from: Machine, to: Machine): boolean {
    return !to.isPowered || this.isCut(from, to);
  }

  latencyUs(from: Machine, to: Machine): number {
    const [low, high] = this.#options.latencyUs;
    return this.stream(from, to).int(low, high);
  }

  /** A random place to cut a chunk, or its whole length. */
  splitAt(from: Machine, to: Machine, sizeBytes: number): number {
    const { splitPerMille } = this.#options;
    if (sizeBytes < 2 || splitPerMille === 0) return sizeBytes;
    const stream = this.stream(from, to);
    return stream.chance(splitPerMille) ? stream.int(1, sizeBytes - 1) : sizeBytes;
  }

  stream(from: Machine, to: Machine): Prng {
    const name = linkName(from.name, to.name);
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = prngStream(this.#options.seed, `link/${name}`);
      this.#streams.set(name, stream);
    }
    return stream;
  }
}

function linkName(from: string, to: string): string {
  return `${from}→${to}`;
}

/** One end of a connection, with the pipe that leads to the other end. */
export class Socket {
  readonly machine: Machine;
  readonly remote: Machine;
  readonly #network: Network;
  owner: SocketOwner | undefined;
  /** Set at the accepting end until the first segment arrives. */
  acceptor: ((self: Socket) => SocketOwner | undefined) | undefined;
  /** Sees what this end sends. */
  tap: ((bytes: Uint8Array) => void) | undefined;
  #peer: Socket | undefined;
  isOpen = false;
  /** The owner has heard the end, or has closed. */
  isEnded = false;
  /** Nobody stands behind this end any more; whatever arrives is answered with a reset. */
  isAbandoned = false;
  /** Sent by the owner, not yet taken by the window. */
  readonly #output: Uint8Array[] = [];
  /** Taken by the window, not yet consumed at the other end. */
  #unreadBytes = 0;
  #lastArrivalUs = 0;
  readonly #stalled: Segment[] = [];
  #stalledSinceUs = 0;
  #hasFinQueued = false;
  readonly #input: Segment[] = [];
  #isReadingPaused = false;

  constructor(network: Network, machine: Machine, remote: Machine, owner: SocketOwner | undefined) {
    this.#network = network;
    this.machine = machine;
    this.remote = remote;
    this.owner = owner;
  }

  pair(other: Socket): void {
    this.#peer = other;
    other.#peer = this;
  }

  establish(): void {
    this.isOpen = true;
    this.#transmit({ kind: 'accept' });
    this.owner?.established();
    this.pump();
  }

  fail(reason: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const { owner } = this;
    this.#network.forget(this);
    owner?.closed(reason);
  }

  /** The bytes leave at the next `pump`. */
  send(bytes: Uint8Array): void {
    if (this.isEnded || bytes.length === 0) return;
    this.#output.push(bytes);
  }

  /** Moves what the window has room for onto the link, as one segment. */
  pump(): void {
    if (!this.isOpen) return;
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    let room = WINDOW_BYTES - this.#unreadBytes;
    while (room > 0) {
      const next = this.#output[0];
      if (next === undefined) break;
      if (next.length > room) {
        chunks.push(next.slice(0, room));
        this.#output[0] = next.subarray(room);
      } else {
        // A copy: the bytes are the owner's again once they are drained.
        chunks.push(next.slice());
        this.#output.shift();
      }
      const taken = (chunks.at(-1) as Uint8Array).length;
      room -= taken;
      sizeBytes += taken;
    }
    if (sizeBytes > 0) {
      this.#unreadBytes += sizeBytes;
      const bytes = concat(chunks, sizeBytes);
      this.tap?.(bytes);
      this.#transmit({ kind: 'data', bytes });
      if (!this.isEnded) this.owner?.drained(sizeBytes);
    }
    if (this.#hasFinQueued && this.#output.length === 0) {
      this.#hasFinQueued = false;
      this.#transmit({ kind: 'fin' });
      this.#network.forget(this);
    }
  }

  /** Graceful: what was sent is delivered first. The owner hears nothing more. */
  close(): void {
    if (this.isEnded) {
      this.#network.forget(this);
      return;
    }
    this.isEnded = true;
    this.owner = undefined;
    if (!this.isOpen) {
      this.#network.forget(this);
      return;
    }
    this.#hasFinQueued = true;
    // Nobody reads any more: what the other end sends must not fill the window for ever.
    this.resume();
    this.pump();
  }

  /** The process died: what it had not handed over is gone, what is on its way arrives, then a reset. */
  reset(): void {
    const wasOpen = this.isOpen;
    this.isEnded = true;
    this.#output.length = 0;
    this.#network.forget(this);
    if (wasOpen) this.#transmit({ kind: 'reset' });
  }

  pause(): void {
    this.#isReadingPaused = true;
  }

  resume(): void {
    this.#isReadingPaused = false;
    if (this.#input.length === 0) return;
    for (const segment of this.#input.splice(0)) this.#read(segment);
  }

  /** The owner has taken bytes that it received: the other end may send more. */
  consumed(sizeBytes: number): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    peer.#unreadBytes -= sizeBytes;
    if (peer.#output.length === 0) return;
    const delayUs = this.#network.latencyUs(this.machine, this.remote);
    this.#network.queue.after(delayUs, () => peer.pump());
  }

  /** After a heal: stalled segments go on at the next retransmission after now. */
  retransmit(): void {
    if (this.#stalled.length === 0) return;
    const { queue } = this.#network;
    let stepUs = RETRANSMISSION_US;
    let atUs = this.#stalledSinceUs + stepUs;
    while (atUs < queue.nowUs) {
      stepUs = Math.min(2 * stepUs, MAX_BACKOFF_US);
      atUs += stepUs;
    }
    queue.at(atUs, () => {
      if (this.#network.isBlocked(this.machine, this.remote)) return;
      this.#network.stall(this, false);
      for (const segment of this.#stalled.splice(0)) this.#arrive(segment);
    });
  }

  #transmit(segment: Segment): void {
    const { queue } = this.#network;
    const latencyUs = this.#network.latencyUs(this.machine, this.remote);
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, queue.nowUs + latencyUs);
    queue.at(this.#lastArrivalUs, () => {
      if (this.#stalled.length > 0 || this.#network.isBlocked(this.machine, this.remote)) {
        if (this.#stalled.length === 0) this.#stalledSinceUs = queue.nowUs;
        this.#stalled.push(segment);
        this.#network.stall(this, true);
        return;
      }
      this.#arrive(segment);
    });
  }

  #arrive(segment: Segment): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    if (peer.isAbandoned) {
      // A reset is never answered, and neither is the end of a conversation that both have left.
      if (segment.kind !== 'reset' && segment.kind !== 'fin' && !this.isAbandoned) {
        peer.#transmit({ kind: 'reset' });
      }
      return;
    }
    if (segment.kind === 'accept') {
      peer.#accept();
    } else if (segment.kind === 'reset') {
      peer.#input.length = 0;
      peer.#end('reset by the other end');
    } else if (peer.#isReadingPaused) {
      peer.#input.push(segment);
    } else {
      peer.#read(segment);
    }
  }

  #accept(): void {
    const owner = this.acceptor?.(this);
    this.acceptor = undefined;
    if (owner === undefined) {
      this.reset();
      this.#transmit({ kind: 'reset' });
      return;
    }
    this.owner = owner;
    this.isOpen = true;
  }

  #read(segment: Segment): void {
    if (segment.kind !== 'data') {
      this.#end('closed by the other end');
      return;
    }
    const { bytes } = segment;
    if (this.owner === undefined) {
      this.consumed(bytes.length);
      return;
    }
    const at = this.#network.splitAt(this.remote, this.machine, bytes.length);
    this.owner.received(at === bytes.length ? bytes : bytes.slice(0, at));
    if (at < bytes.length) this.owner?.received(bytes.slice(at));
  }

  #end(reason: string): void {
    const { owner } = this;
    const wasEnded = this.isEnded;
    this.isEnded = true;
    this.#output.length = 0;
    this.#network.forget(this);
    if (!wasEnded) owner?.closed(reason);
  }
}

function concat(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
