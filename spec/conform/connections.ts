/**
 * Which connections a leader heard of. Nothing in FOLLOWERINFO tells one connection of a learner from its
 * next, and of some the leader never reads a byte: it was paused, or dead, or cut off. A connection that was
 * answered was heard, and one whose ACKEPOCH was read had been answered; for the rest, as many of both sides
 * as possible belong together, in order. A FOLLOWERINFO that is left over then came late, by a connection
 * that its learner had long given up for a newer one. So may one whose own connection had to be made before the
 * older one was heard of: two came, and the learner has only the newer.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';

type Connected = Extract<ProtocolEvent, { readonly act: 'Connected' }>;
type FollowerInfoReceived = Extract<ProtocolEvent, { readonly act: 'FollowerInfoReceived' }>;

interface Made {
  readonly event: Connected;
  isAnswered: boolean;
}

interface Heard {
  readonly event: FollowerInfoReceived;
  isAcknowledged: boolean;
}

/** The connections of one learner to one leader, told by either. */
interface Link {
  readonly made: Made[];
  readonly heard: Heard[];
}

export class Connections {
  readonly #links = new Map<string, Link>();
  readonly #heard = new Set<ProtocolEvent>();
  readonly #late = new Set<ProtocolEvent>();
  /** By link: made and not heard of yet; and those of them that a newer one has replaced. */
  readonly #waiting = new Map<string, Connected>();
  readonly #replaced = new Map<string, Connected[]>();

  constructor(events: Iterable<readonly ProtocolEvent[]>) {
    for (const list of events) this.#collect(list);
    for (const link of this.#links.values()) this.#pair(link);
  }

  /** Whether the leader hears of it, as the learner's newest. */
  isHeard(connected: Connected): boolean {
    return this.#heard.has(connected);
  }

  /** Whether it came by a connection that a newer one has replaced. */
  isLate(heard: FollowerInfoReceived): boolean {
    return this.#late.has(heard);
  }

  made(connected: Connected): void {
    const key = keyOf(connected.node, connected.args.leader);
    const older = this.#waiting.get(key);
    if (older !== undefined) this.#replaced.set(key, [...(this.#replaced.get(key) ?? []), older]);
    this.#waiting.set(key, connected);
  }

  hears(heard: FollowerInfoReceived): void {
    if (!this.isLate(heard)) this.#waiting.delete(keyOf(heard.args.from, heard.node));
  }

  /** Whether it is explained as one that came late, by a connection that was replaced. */
  comesLate(heard: FollowerInfoReceived, isExplained: () => boolean): boolean {
    const replaced = this.#replaced.get(keyOf(heard.args.from, heard.node)) ?? [];
    const at = replaced.findIndex(({ post }) => post.acceptedEpoch === heard.args.epoch);
    if (at < 0) return false;
    this.#late.add(heard);
    if (isExplained()) {
      replaced.splice(at, 1);
      return true;
    }
    this.#late.delete(heard);
    return false;
  }

  #collect(list: readonly ProtocolEvent[]): void {
    let open: Made | undefined;
    for (const event of list) {
      if (event.act === 'ClockTicked') continue;
      const isAnswer = event.act === 'AcceptedEpochSaved' || event.act === 'EpochKnown';
      if (open !== undefined && isAnswer) open.isAnswered = true;
      open = undefined;
      if (event.act === 'Connected') {
        open = { event, isAnswered: false };
        this.#link(event.node, event.args.leader).made.push(open);
      } else if (event.act === 'FollowerInfoReceived') {
        this.#link(event.args.from, event.node).heard.push({ event, isAcknowledged: false });
      } else if (event.act === 'EpochAckReceived') {
        const last = this.#link(event.args.from, event.node).heard.at(-1);
        if (last !== undefined) last.isAcknowledged = true;
      }
    }
  }

  #link(learner: number, leader: number): Link {
    const key = keyOf(learner, leader);
    const link = this.#links.get(key) ?? { made: [], heard: [] };
    this.#links.set(key, link);
    return link;
  }

  #pair(link: Link): void {
    const pairs = pairsOf(link);
    const left = new Set(link.made.filter(({ isAnswered }) => !isAnswered));
    for (const one of pairs.values()) {
      this.#heard.add(one.event);
      left.delete(one);
    }
    for (const other of link.heard) {
      if (pairs.has(other)) continue;
      const givenUp = [...left].find((one) => agree(one, other));
      if (givenUp === undefined) continue;
      left.delete(givenUp);
      this.#late.add(other.event);
    }
  }
}

const keyOf = (learner: number, leader: number): string => `${learner}→${leader}`;

const agree = (one: Made, other: Heard): boolean =>
  one.event.post.acceptedEpoch === other.event.args.epoch;

const mayPair = (one: Made, other: Heard): boolean =>
  agree(one, other) && (one.isAnswered || !other.isAcknowledged);

/** What is known to belong together outweighs all that may. */
const CERTAIN = 1e6;

/** As many as possible, in the order of both sides; of equal ways the one with the earliest connections. */
function pairsOf({ made, heard }: Link): ReadonlyMap<Heard, Made> {
  // best[i][j]: what the connections made from i on and those heard of from j on can be worth together.
  const best = Array.from({ length: made.length + 1 }, () => new Float64Array(heard.length + 1));
  const at = (i: number, j: number): number => best[i]?.[j] ?? 0;
  const paired = (i: number, j: number): number => {
    const [one, other] = [made[i] as Made, heard[j] as Heard];
    if (!mayPair(one, other)) return -1;
    const weight = 1 + (one.isAnswered ? CERTAIN : 0) + (other.isAcknowledged ? CERTAIN : 0);
    return weight + at(i + 1, j + 1);
  };
  for (let i = made.length - 1; i >= 0; i--) {
    const row = best[i] as Float64Array;
    for (let j = heard.length - 1; j >= 0; j--) {
      row[j] = Math.max(at(i + 1, j), at(i, j + 1), paired(i, j));
    }
  }
  const pairs = new Map<Heard, Made>();
  for (let i = 0, j = 0; i < made.length && j < heard.length; ) {
    if (at(i, j) === paired(i, j)) pairs.set(heard[j++] as Heard, made[i++] as Made);
    else if (at(i, j) === at(i, j + 1)) j++;
    else i++;
  }
  return pairs;
}
