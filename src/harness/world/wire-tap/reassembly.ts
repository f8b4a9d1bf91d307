/**
 * From captured segments to tapped connections. Segments are seen where they are sent, so that those of one
 * direction come in order but for what is sent again; what the capture missed and nobody sent again is a
 * gap. A connection begins with the SYN of its dialler.
 */
import type { Segment } from './pcap.ts';
import type { ConnectionTap } from './wire-tap.ts';

type Direction = 'forward' | 'backward';

interface Half {
  /** Of the next byte; undefined before the SYN. */
  next: number | undefined;
  /** Beyond a hole, by sequence number. */
  readonly ahead: Map<number, Uint8Array>;
  hasEnded: boolean;
}

interface Flow {
  readonly tap: ConnectionTap;
  /** Tells a SYN that is sent again from one that begins anew at the same ports. */
  readonly begin: number;
  readonly halves: Readonly<Record<Direction, Half>>;
  isClosed: boolean;
}

/** More than this behind a hole will not be waited for. */
const MAX_AHEAD = 1000;

export class Reassembly {
  readonly #open: (from: string, to: string) => ConnectionTap | undefined;
  readonly #flows = new Map<string, Flow>();

  /** `open` says whose connection it is, by `address:port` of the dialler and of the listener. */
  constructor(open: (from: string, to: string) => ConnectionTap | undefined) {
    this.#open = open;
  }

  push(segment: Segment): void {
    const { from, to, isSyn, isAck, sequence } = segment;
    if (isSyn && !isAck) this.#begin(from, to, sequence);
    const forward = this.#flows.get(`${from} ${to}`);
    if (forward !== undefined) this.#take(forward, 'forward', segment);
    const backward = this.#flows.get(`${to} ${from}`);
    if (backward !== undefined) this.#take(backward, 'backward', segment);
  }

  /** Nothing more will come. */
  end(): void {
    for (const flow of this.#flows.values()) {
      for (const direction of ['forward', 'backward'] as const) {
        if (flow.halves[direction].ahead.size > 0) missed(flow, direction);
      }
    }
  }

  #begin(from: string, to: string, sequence: number): void {
    const name = `${from} ${to}`;
    const known = this.#flows.get(name);
    // A refusal that a partition has swallowed ends nothing: its dialler goes on asking.
    if (known?.begin === sequence && !known.isClosed) return;
    if (known !== undefined) close(known);
    this.#flows.delete(name);
    const tap = this.#open(from, to);
    if (tap === undefined) return;
    const half = (): Half => ({ next: undefined, ahead: new Map(), hasEnded: false });
    const halves = { forward: half(), backward: half() };
    this.#flows.set(name, { tap, begin: sequence, halves, isClosed: false });
  }

  #take(flow: Flow, direction: Direction, segment: Segment): void {
    if (flow.isClosed) return;
    const half = flow.halves[direction];
    const { isSyn, isFin, isReset, sequence, payload } = segment;
    if (isSyn) half.next ??= (sequence + 1) >>> 0;
    if (payload.length > 0) deliver(flow, direction, sequence, payload);
    if (isFin) half.hasEnded = true;
    if (isReset || (flow.halves.forward.hasEnded && flow.halves.backward.hasEnded)) close(flow);
  }
}

function deliver(flow: Flow, direction: Direction, sequence: number, payload: Uint8Array): void {
  const half = flow.halves[direction];
  if (half.next === undefined) {
    missed(flow, direction);
    return;
  }
  // Modulo 2^32: how far the segment lies beyond what is known.
  const beyond = (sequence - half.next) | 0;
  if (beyond > 0) {
    half.ahead.set(sequence, payload);
    if (half.ahead.size > MAX_AHEAD) missed(flow, direction);
    return;
  }
  if (-beyond >= payload.length) return;
  flow.tap.bytes(direction, payload.subarray(-beyond));
  half.next = (sequence + payload.length) >>> 0;
  const following = half.ahead.get(half.next);
  if (following === undefined) return;
  half.ahead.delete(half.next);
  deliver(flow, direction, half.next, following);
}

function missed(flow: Flow, direction: Direction): void {
  flow.tap.gap(direction, 'the capture missed packets');
  close(flow);
}

function close(flow: Flow): void {
  if (!flow.isClosed) flow.tap.closed();
  flow.isClosed = true;
}
