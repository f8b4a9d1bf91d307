/**
 * What is seen on the wires between servers whose own events are not known, and what all of it together tells
 * of one moment: which reign a connection belongs to, how its learner was brought up to date, and what a
 * server shows at its next appearance to have kept. Looking ahead spares a search: each is told by the record
 * itself, only later.
 */
import type { Zxid } from '../models/zab/history.ts';
import { ZxidReader } from './told.ts';

/** One message of a learner's connection, as the wire tap tells of it; zxids are hex. */
export type Observation = {
  readonly n: number;
  readonly time?: number;
  readonly link?: string;
  readonly connection: number;
  readonly from: number;
  readonly to: number;
} & (
  | { readonly message: 'FOLLOWERINFO'; readonly acceptedEpoch: number; readonly sid?: number }
  | { readonly message: 'ACKEPOCH'; readonly zxid: string; readonly currentEpoch: number }
  | { readonly message: 'LEADERINFO' | 'NEWLEADER'; readonly epoch: number }
  | { readonly message: 'DIFF' | 'TRUNC' | 'SNAP' | 'COMMIT' | 'ACK'; readonly zxid: string }
  | {
      readonly message: 'PROPOSAL';
      readonly zxid: string;
      readonly session: string;
      readonly cxid: number;
      readonly op: string;
    }
  | { readonly message: 'UPTODATE' }
  /** Bytes that could not be read. */
  | { readonly message: 'gap'; readonly reason: string }
);

export type Seen<M extends Observation['message']> = Observation & { readonly message: M };
export type BlockMessage = Seen<'DIFF' | 'TRUNC' | 'SNAP' | 'PROPOSAL' | 'COMMIT'>;

/** DIFF, TRUNC or SNAP and all that follows up to NEWLEADER, or as far as it was seen. */
export interface Block {
  readonly messages: readonly BlockMessage[];
  /** Number of its last message; NEWLEADER if it is whole. */
  readonly endsAt: number;
  readonly isWhole: boolean;
  /** Names of the transactions that it proposes, and commits. */
  readonly proposed: ReadonlySet<string>;
  readonly committed: ReadonlySet<string>;
  /** What a snapshot has needs no proposal. */
  readonly covered: Zxid | undefined;
}

/** One connection of a learner to its leader. */
export interface Wire {
  readonly learner: number;
  readonly leader: number;
  /** Of the reign that heard of it; undefined if none did. */
  readonly epoch: number | undefined;
  readonly block: Block | undefined;
  /** Number of UPTODATE. */
  readonly upToDateAt: number;
  /** Number of the last message of the leader. */
  readonly leaderEndsAt: number;
}

/** What a server shows to have on its disk when it is next heard of. */
export interface Testimony {
  readonly acceptedEpoch?: number;
  readonly currentEpoch?: number;
  /** Where its log ends; a counter of 0 says: with the last transaction before this epoch. */
  readonly end?: Zxid;
}

export class WireRecord {
  readonly #zxids = new ZxidReader();
  readonly #wires = new Map<number, Wire>();
  /** Of each server: what it sent that tells of its disk, and its blocks. */
  readonly #shown = new Map<number, Observation[]>();

  constructor(observations: readonly Observation[], servers: number) {
    const byConnection = new Map<number, Observation[]>();
    for (const one of observations) {
      const list = byConnection.get(one.connection) ?? [];
      byConnection.set(one.connection, list);
      list.push(one);
      if (isShowing(one)) {
        const shown = this.#shown.get(one.from) ?? [];
        this.#shown.set(one.from, shown);
        shown.push(one);
      }
    }
    for (const [id, list] of byConnection) {
      const wire = this.#wireOf(list);
      if (wire !== undefined) this.#wires.set(id, wire);
    }
    this.#countUnanswered(byConnection, servers);
  }

  zxid(text: string): Zxid {
    return this.#zxids.read(text);
  }

  /** Undefined for one that was not seen from its beginning. */
  wire(connection: number): Wire | undefined {
    return this.#wires.get(connection);
  }

  /** What server `sid` shows from message `n` on, apart from its reign of this epoch. */
  testimony(sid: number, n: number, reign: number): Testimony {
    const told: { -readonly [K in keyof Testimony]: Testimony[K] } = {};
    let hasLed = false;
    for (const one of this.#from(sid, n)) {
      if ('epoch' in one && one.epoch === reign) continue;
      // From now on its epochs may be those of this reign.
      if (one.message === 'LEADERINFO') hasLed = true;
      if (one.message === 'FOLLOWERINFO' && !hasLed) told.acceptedEpoch ??= one.acceptedEpoch;
      if (one.message === 'ACKEPOCH') {
        told.end = this.zxid(one.zxid);
        if (one.currentEpoch !== -1 && !hasLed) told.currentEpoch = one.currentEpoch;
        return told;
      }
      const end = one.message === 'NEWLEADER' ? this.#endOf(one) : undefined;
      if (end !== undefined) return { ...told, end };
    }
    return told;
  }

  *#from(sid: number, n: number): Iterable<Observation> {
    const list = this.#shown.get(sid) ?? [];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((list[middle] as Observation).n < n) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < list.length; at++) yield list[at] as Observation;
  }

  /** The first whole block of a reign ends where its leader's history does. */
  #endOf({ connection }: Observation): Zxid | undefined {
    const messages = this.wire(connection)?.block?.messages ?? [];
    const last = messages.findLast(({ message }) => message !== 'COMMIT');
    return last === undefined ? undefined : this.zxid(last.zxid);
  }

  #wireOf(list: readonly Observation[]): Wire | undefined {
    const [first] = list;
    if (first?.message !== 'FOLLOWERINFO') return undefined;
    const info = list.find(({ message }) => message === 'LEADERINFO');
    return {
      learner: first.from,
      leader: first.to,
      epoch: info?.message === 'LEADERINFO' ? info.epoch : undefined,
      block: this.#blockOf(list),
      upToDateAt: list.find(({ message }) => message === 'UPTODATE')?.n ?? Number.POSITIVE_INFINITY,
      leaderEndsAt: list.findLast(({ from }) => from === first.to)?.n ?? 0,
    };
  }

  #blockOf(list: readonly Observation[]): Block | undefined {
    const messages: BlockMessage[] = [];
    let end: Observation | undefined;
    for (const one of list) {
      if (one.message === 'NEWLEADER') end = one;
      if (end !== undefined) break;
      if (isOfBlock(one)) messages.push(one);
    }
    const [head, ...rest] = messages;
    if (head === undefined) return undefined;
    const named = (type: string) =>
      new Set(rest.filter(({ message }) => message === type).map(({ zxid }) => zxid));
    return {
      messages,
      endsAt: (end ?? (messages.at(-1) as BlockMessage)).n,
      isWhole: end !== undefined,
      proposed: named('PROPOSAL'),
      committed: named('COMMIT'),
      covered: head.message === 'SNAP' ? this.zxid(head.zxid) : undefined,
    };
  }

  /**
   * A learner may be counted for a new epoch and never hear of it. It is believed to have been where without it
   * there was no quorum; or where a server has accepted an epoch that nobody was seen to propose to it, so that
   * it must have been about to propose it itself.
   */
  #countUnanswered(byConnection: ReadonlyMap<number, readonly Observation[]>, servers: number) {
    const infos = [...byConnection.values()].flat().filter(({ message }) => {
      return message === 'LEADERINFO' || message === 'FOLLOWERINFO';
    });
    infos.sort((one, other) => one.n - other.n);
    const accepted = new Map<number, number>();
    for (const [at, info] of infos.entries()) {
      const before = infos.slice(0, at);
      if (info.message === 'LEADERINFO') {
        const { epoch, from, to } = info;
        const isFirst = !before.some((one) => isLeaderInfo(one, from, epoch));
        if (isFirst) this.#fillQuorum(before, from, epoch, servers);
        for (const sid of [from, to]) accepted.set(sid, Math.max(epoch, accepted.get(sid) ?? 0));
      } else if (info.message === 'FOLLOWERINFO') {
        const { acceptedEpoch, from } = info;
        const isUnseen = acceptedEpoch > (accepted.get(from) ?? 0);
        if (isUnseen) this.#fillQuorum(before, from, acceptedEpoch, servers);
        accepted.set(from, acceptedEpoch);
      }
    }
  }

  #fillQuorum(before: readonly Observation[], leader: number, epoch: number, servers: number) {
    const since = before.findLastIndex((one) => one.from === leader) + 1;
    const arrived = before.slice(since).filter((one) => {
      return one.message === 'FOLLOWERINFO' && one.to === leader;
    });
    const counted = new Set([leader]);
    const left: Observation[] = [];
    for (const one of arrived) {
      if (this.wire(one.connection)?.epoch === epoch) counted.add(one.from);
      else left.push(one);
    }
    for (const { connection, from } of left.reverse()) {
      if (2 * counted.size > servers) return;
      const wire = this.wire(connection);
      if (counted.has(from) || wire === undefined || wire.epoch !== undefined) continue;
      counted.add(from);
      this.#wires.set(connection, { ...wire, epoch });
    }
  }
}

function isShowing({ message }: Observation): boolean {
  return ['FOLLOWERINFO', 'LEADERINFO', 'ACKEPOCH', 'NEWLEADER'].includes(message);
}

function isOfBlock(one: Observation): one is BlockMessage {
  return ['DIFF', 'TRUNC', 'SNAP', 'PROPOSAL', 'COMMIT'].includes(one.message);
}

function isLeaderInfo(one: Observation, from: number, epoch: number): boolean {
  return one.message === 'LEADERINFO' && one.from === from && one.epoch === epoch;
}
