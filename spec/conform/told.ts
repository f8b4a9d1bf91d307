/**
 * What servers have told so far, apart from the model's state: what an event says is often about the event
 * before it. `Told` is one server's, `Common` is what all of them must agree on.
 */
import type { ProtocolAct, ProtocolEvent, ProtocolState } from '../../src/base/protocol-event.ts';
import { ZERO, type Zxid } from '../models/zab/history.ts';

export interface Candidate {
  readonly leader: number;
  readonly zxid: string;
  readonly peerEpoch: number;
  readonly round: number;
}

export interface Told {
  readonly incarnation: number;
  /** Number of the last event in this incarnation. */
  readonly n: number;
  readonly post: ProtocolState | undefined;
  /** Memory has been read back at least once in this incarnation. */
  readonly isUp: boolean;
  /** The role has ended; memory is read back from disk. */
  readonly isEnding: boolean;
  /** Its connection was never seen by the leader that it dialled. */
  readonly isUnheard: boolean;
  /** The last transaction that it has told to be flushed. */
  readonly flushed: Zxid;
  /** The snapshot that is being written. */
  readonly snapshot: string | undefined;
  readonly round: number;
  /** Its vote in this round; undefined while it has none. */
  readonly vote: Candidate | undefined;
  /** Its last decision. */
  readonly elected: Candidate | undefined;
  /** What the next event must be, as far as it is certain. */
  readonly next: Expected | undefined;
}

export interface Expected {
  readonly act: ProtocolAct;
  readonly because: string;
  says?(event: ProtocolEvent): boolean;
}

export const UNBORN: Told = {
  incarnation: 0,
  n: 0,
  post: undefined,
  isUp: false,
  isEnding: false,
  isUnheard: false,
  flushed: ZERO,
  snapshot: undefined,
  round: 0,
  vote: undefined,
  elected: undefined,
  next: undefined,
};

/** What is the same wherever it happens, by name; and what has happened at all. */
export class Common {
  readonly #facts = new Map<string, string>();

  knows(name: string): boolean {
    return this.#facts.has(name);
  }

  valueOf(name: string): string | undefined {
    return this.#facts.get(name);
  }

  note(name: string, value = ''): void {
    this.#facts.set(name, value);
  }
}

/** `0x300000007` → [3, 7]. */
export class ZxidReader {
  readonly #known = new Map<string, Zxid>();

  read(text: string): Zxid {
    let zxid = this.#known.get(text);
    if (zxid === undefined) {
      const digits = text.replace(/^0x/, '').padStart(16, '0');
      zxid = [Number.parseInt(digits.slice(0, 8), 16), Number.parseInt(digits.slice(8), 16)];
      this.#known.set(text, zxid);
    }
    return zxid;
  }
}

export function showZxid([epoch, counter]: Zxid): string {
  return `${epoch}.${counter}`;
}
