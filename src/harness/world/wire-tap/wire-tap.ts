/**
 * Collects what passes on the wires of one run. A world opens a tap for each connection that it carries and
 * gives it the bytes of either direction as their sender sent them; what comes out is one list of events in
 * the order of sending, which the checks read after the run.
 */
import { clientStream } from './client-stream.ts';
import { electionStream } from './election-stream.ts';
import { quorumStream } from './quorum-stream.ts';
import { type Parser, StreamParser } from './stream-parser.ts';
import type { Endpoint, TapEvent, TapLink, TapMessage } from './tap-event.ts';

/** More events than this are not kept; the checks are told so. */
const MAX_EVENTS = 1_000_000;

export interface ConnectionTap {
  /** `forward`: sent by the one who dialled. */
  bytes(direction: 'forward' | 'backward', chunk: Uint8Array): void;
  /** Bytes of that direction were not seen: nothing more of it can be read. */
  gap(direction: 'forward' | 'backward', reason: string): void;
  /** Nothing more will come. */
  closed(): void;
}

/** What a world hands over after the run. */
export interface TapRecording {
  /** Which wires were tapped at all. */
  readonly links: readonly TapLink[];
  readonly events: readonly TapEvent[];
  /** Events that were seen and not kept. */
  readonly dropped: number;
}

export class WireTap {
  readonly #nowNs: () => number;
  readonly #links: readonly TapLink[];
  readonly #events: TapEvent[] = [];
  #count = 0;
  #connections = 0;

  constructor(links: readonly TapLink[], nowNs: () => number) {
    this.#links = links;
    this.#nowNs = nowNs;
  }

  recording(): TapRecording {
    const dropped = this.#count - this.#events.length;
    return { links: this.#links, events: this.#events, dropped };
  }

  connection(link: TapLink, dialler: Endpoint, acceptor: Endpoint): ConnectionTap {
    const connection = ++this.#connections;
    const emit = (from: Endpoint, to: Endpoint) => (message: TapMessage) =>
      this.#emit({ ...message, n: 0, time: 0, link, connection, from, to });
    const forward = emit(dialler, acceptor);
    const backward = emit(acceptor, dialler);
    forward({ message: 'opened' });
    const [there, back] = parsersOf(link, forward, backward);
    const streams = { forward: new StreamParser(there), backward: new StreamParser(back) };
    let isClosed = false;
    return {
      bytes: (direction, chunk) => {
        if (!isClosed) streams[direction].push(chunk);
      },
      gap: (direction, reason) => {
        if (!isClosed) (direction === 'forward' ? forward : backward)({ message: 'gap', reason });
      },
      closed: () => {
        if (!isClosed) forward({ message: 'closed' });
        isClosed = true;
      },
    };
  }

  #emit(event: TapEvent): void {
    this.#count++;
    if (this.#events.length >= MAX_EVENTS) return;
    this.#events.push({ ...event, n: this.#count, time: this.#nowNs() });
  }
}

/** One recording of two, in the order of time. */
export function mergeRecordings(one: TapRecording, other: TapRecording): TapRecording {
  const shift = one.events.reduce((most, { connection }) => Math.max(most, connection), 0);
  const shifted = other.events.map((event) => ({
    ...event,
    connection: event.connection + shift,
  }));
  const events = [...one.events, ...shifted]
    .sort((a, b) => a.time - b.time)
    .map((event, index) => ({ ...event, n: index + 1 }));
  const links = [...new Set([...one.links, ...other.links])];
  return { links, events, dropped: one.dropped + other.dropped };
}

type Emit = (message: TapMessage) => void;

function parsersOf(link: TapLink, forward: Emit, backward: Emit): readonly [Parser, Parser] {
  switch (link) {
    case 'client':
      return [clientStream('request', forward), clientStream('reply', backward)];
    case 'election':
      return [electionStream('dialler', forward), electionStream('acceptor', backward)];
    case 'quorum':
      // Learners dial.
      return [quorumStream('to-leader', forward), quorumStream('to-learner', backward)];
  }
}
