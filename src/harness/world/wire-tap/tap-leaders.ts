/** From outside: one leader per epoch, established by a quorum, and epochs that never go back. */

import { parseHex } from '../../../base/zxid.ts';
import { Findings, formatTime, quorumOf, serversOf } from '../../../checker/report.ts';
import type { CheckResult } from '../../../checker/verdict.ts';
import type { TapEvent } from './tap-event.ts';

interface Reign {
  readonly leader: number;
  /** Learners that acknowledged its NEWLEADER. */
  readonly followers: Set<number>;
}

interface Connection {
  /** What the learner claimed, and what the leader then proposed. */
  acceptedEpoch?: number;
  proposedEpoch?: number;
  /** Of its NEWLEADER. */
  epoch?: number;
}

export function checkTapLeaders(events: readonly TapEvent[], servers: number): CheckResult {
  const check = new LeadersCheck(servers);
  for (const event of events) if (event.link === 'quorum') check.see(event);
  return check.findings.result(
    'tap-leaders',
    'claims about epochs',
    'On the wire every epoch had one leader, which a quorum had acknowledged',
  );
}

class LeadersCheck {
  readonly findings = new Findings();
  readonly #servers: number;
  readonly #connections = new Map<number, Connection>();
  readonly #reigns = new Map<number, Reign>();
  readonly #accepted = new Map<number, number>();

  constructor(servers: number) {
    this.#servers = servers;
  }

  see(event: TapEvent): void {
    const { connection: id, from, to } = event;
    if (typeof from !== 'number' || typeof to !== 'number') return;
    const connection = this.#connections.get(id) ?? {};
    this.#connections.set(id, connection);
    switch (event.message) {
      case 'FOLLOWERINFO':
        connection.acceptedEpoch = event.acceptedEpoch;
        this.#accept(event, from, event.acceptedEpoch);
        break;
      case 'LEADERINFO':
        connection.proposedEpoch = event.epoch;
        this.#proposed(event, from, to, connection);
        break;
      case 'ACKEPOCH':
        if (connection.proposedEpoch !== undefined) {
          this.#accept(event, from, connection.proposedEpoch);
        }
        break;
      case 'NEWLEADER':
        connection.epoch = event.epoch;
        this.#claimed(event, from, event.epoch);
        break;
      case 'ACK':
        this.#acknowledged(event.zxid, from, connection);
        break;
      case 'UPTODATE':
        if (connection.epoch !== undefined) this.#established(event, from, connection.epoch);
        break;
      case 'closed':
        this.#connections.delete(id);
        break;
      default:
    }
  }

  /** An accepted epoch is a promise on disk. */
  #accept(event: TapEvent, sid: number, epoch: number): void {
    this.findings.looked++;
    const before = this.#accepted.get(sid) ?? 0;
    if (epoch < before) {
      this.findings.add({
        kind: 'accepted-epoch-went-back',
        message:
          `server ${sid} claimed the accepted epoch ${epoch} at ${formatTime(event.time)}, ` +
          `after it had accepted ${before}`,
        entries: [],
        time: event.time,
        nodes: [sid],
      });
    }
    this.#accepted.set(sid, Math.max(before, epoch));
  }

  /** Two who want to lead may propose the same epoch; who is accepted by a quorum decides. */
  #proposed(event: TapEvent, leader: number, learner: number, connection: Connection): void {
    const { acceptedEpoch, proposedEpoch = 0 } = connection;
    if (acceptedEpoch === undefined || proposedEpoch >= acceptedEpoch) return;
    this.findings.add({
      kind: 'epoch-not-above',
      message:
        `server ${leader} proposed the epoch ${proposedEpoch} at ${formatTime(event.time)} to ` +
        `server ${learner}, which had accepted ${acceptedEpoch}`,
      entries: [],
      time: event.time,
      nodes: [leader],
    });
  }

  #claimed(event: TapEvent, leader: number, epoch: number): void {
    this.findings.looked++;
    const reign = this.#reigns.get(epoch);
    if (reign === undefined) {
      this.#reigns.set(epoch, { leader, followers: new Set() });
    } else if (reign.leader !== leader) {
      this.findings.add({
        kind: 'two-leaders',
        message:
          `servers ${reign.leader} and ${leader} both sent NEWLEADER for epoch ${epoch}, ` +
          `the second at ${formatTime(event.time)}`,
        entries: [],
        time: event.time,
        nodes: [reign.leader, leader],
      });
    }
  }

  #acknowledged(hex: string, learner: number, connection: Connection): void {
    const zxid = parseHex(hex) ?? 0n;
    if (connection.epoch === undefined || zxid !== BigInt(connection.epoch) << 32n) return;
    this.#reigns.get(connection.epoch)?.followers.add(learner);
  }

  #established(event: TapEvent, leader: number, epoch: number): void {
    this.findings.looked++;
    const reign = this.#reigns.get(epoch);
    if (reign === undefined || reign.leader !== leader) return;
    const count = reign.followers.size + 1;
    if (count >= quorumOf(this.#servers)) return;
    this.findings.add({
      kind: 'leader-without-quorum',
      message:
        `server ${leader} sent UPTODATE for epoch ${epoch} at ${formatTime(event.time)} when only ` +
        `${serversOf(reign.followers)} of ${this.#servers} had acknowledged it`,
      entries: [],
      time: event.time,
      nodes: [leader],
    });
  }
}
