/**
 * Which connections a leader heard of. Nothing in FOLLOWERINFO tells one connection of a learner from its
 * next, and of some the leader never reads a byte: it was paused, or dead. A connection that was answered was
 * heard; of the others, as many as there are FollowerInfoReceived left for.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';

type Connected = Extract<ProtocolEvent, { readonly act: 'Connected' }>;

interface Link {
  /** Events of the leader about this learner that no connection was found for yet. */
  heard: number;
  /** Connections still to come that the leader answered. */
  answered: number;
}

export class Connections {
  readonly #links = new Map<string, Link>();
  readonly #answered = new Set<ProtocolEvent>();

  constructor(events: Iterable<readonly ProtocolEvent[]>) {
    for (const list of events) this.#count(list);
  }

  /** Told in turn, once each: whether the leader is going to hear of it. */
  isHeard(connected: Connected): boolean {
    const link = this.#link(connected.node, connected.args.leader);
    return this.#answered.has(connected) || link.heard > link.answered;
  }

  made(connected: Connected, isHeard: boolean): void {
    const link = this.#link(connected.node, connected.args.leader);
    if (this.#answered.has(connected)) link.answered--;
    if (isHeard) link.heard--;
  }

  #count(list: readonly ProtocolEvent[]): void {
    let open: Connected | undefined;
    for (const event of list) {
      if (event.act === 'FollowerInfoReceived') this.#link(event.args.from, event.node).heard++;
      if (event.act === 'ClockTicked') continue;
      const isAnswer = event.act === 'AcceptedEpochSaved' || event.act === 'EpochKnown';
      if (open !== undefined && isAnswer) {
        this.#answered.add(open);
        this.#link(open.node, open.args.leader).answered++;
      }
      open = event.act === 'Connected' ? event : undefined;
    }
  }

  #link(learner: number, leader: number): Link {
    const key = `${learner}→${leader}`;
    const link = this.#links.get(key) ?? { heard: 0, answered: 0 };
    this.#links.set(key, link);
    return link;
  }
}
