/**
 * What holds on every session, whatever it asks: replies in the order of the requests, zxids that never go
 * back (also when it moves to another server), ids that are nobody else's, no life after the end. And what
 * holds across sessions: a sync brings its server up to the leader.
 */
import { Findings, formatTime } from '../report.ts';
import {
  type Call,
  type Connection,
  hex,
  type Irregularity,
  type SeenEvent,
  type Sessions,
} from './sessions.ts';
import { isWrite } from './transactions.ts';
import { callText, eventText, type Facts, factsOf, factsOfEvent } from './words.ts';

const outOfTurn: ReadonlySet<Irregularity['kind']> = new Set([
  'reply-out-of-order',
  'reply-to-nothing',
]);

/** Replies come in the order of the requests, and zxids never go back. */
export class OrderJudge {
  readonly findings = new Findings();

  constructor({ irregularities }: Sessions) {
    for (const irregularity of irregularities) {
      if (outOfTurn.has(irregularity.kind)) report(this.findings, irregularity);
    }
  }

  reply(call: Call, seen: number): void {
    if (!this.#goesBack(call.zxid, seen)) return;
    this.#report(call.connection, seen, callText(call), factsOf(call));
  }

  event(event: SeenEvent, seen: number): void {
    if (!this.#goesBack(event.zxid, seen)) return;
    this.#report(event.connection, seen, eventText(event), factsOfEvent(event));
  }

  #goesBack(zxid: number, seen: number): boolean {
    this.findings.looked++;
    // 0 and -1 say that the server does not tell.
    return zxid > 0 && zxid < seen;
  }

  #report({ session }: Connection, seen: number, text: string, facts: Facts): void {
    this.findings.add({
      ...facts,
      kind: 'session-went-back',
      message: `${text}: session ${session.id} had seen zxid ${hex(seen)} before`,
    });
  }
}

/** No session gets the id of another, and none lives on after its end. */
export class SessionJudge {
  readonly findings = new Findings();

  constructor({ sessions, irregularities }: Sessions) {
    this.findings.looked = sessions.size;
    for (const irregularity of irregularities) {
      if (!outOfTurn.has(irregularity.kind)) report(this.findings, irregularity);
    }
  }

  reply(call: Call): void {
    const { closed, id } = call.connection.session;
    if (closed === undefined || call.end <= closed.end) return;
    this.findings.add({
      ...factsOf(call),
      kind: 'answered-after-close',
      message: `${callText(call)}: session ${id} had been closed at zxid ${hex(closed.zxid)}`,
    });
  }
}

function report(
  findings: Findings,
  { kind, client, session, node, time, what }: Irregularity,
): void {
  const from = node === undefined ? '' : ` by server ${node}`;
  findings.add({
    ...{ kind, entries: [], time },
    message: `session ${session} of ${client}${from} at ${formatTime(time)}: ${what}`,
    ...(node === undefined ? {} : { nodes: [node] }),
  });
}

/**
 * Sync has the strength that Apache gives it: the leader of the server that answers has handled everything
 * it committed before. It asks no quorum, so that a leader which was deposed without knowing may answer an
 * old state. Where what was missed is of the answer's own epoch, and that epoch's leader committed a write
 * that was sent even later, no other leader can be the excuse.
 */
export class SyncJudge {
  readonly findings = new Findings();
  readonly #stale: Call[] = [];
  /** By epoch: when the last of its writes was sent. */
  readonly #lastWriteSent = new Map<number, number>();

  reply(call: Call): void {
    if (isWrite(call)) {
      const epoch = epochOf(call.zxid);
      const last = this.#lastWriteSent.get(epoch) ?? -1;
      if (call.start > last) this.#lastWriteSent.set(epoch, call.start);
    } else if (call.op === 'sync' && call.error === undefined) {
      this.findings.looked++;
      if (call.zxid < call.floor) this.#stale.push(call);
    }
  }

  finish(): void {
    for (const call of this.#stale) {
      if (!this.#isOfOneLeader(call)) {
        this.findings.count('stale syncs that another leader may excuse');
        continue;
      }
      this.findings.add({
        ...factsOf(call),
        kind: 'sync-missed-a-write',
        message: `${callText(call)}: zxid ${hex(call.floor)} had been told to a client before`,
      });
    }
  }

  #isOfOneLeader(call: Call): boolean {
    const epoch = epochOf(call.floor);
    return epochOf(call.zxid) === epoch && (this.#lastWriteSent.get(epoch) ?? -1) > call.floorAt;
  }
}

function epochOf(zxid: number): number {
  return Math.floor(zxid / 2 ** 32);
}
