/**
 * What holds on every session, whatever it asks: replies in the order of the requests, zxids that never go
 * back (also when it moves to another server), ids that are nobody else's, no life after the end. And what
 * holds across sessions: a sync brings its server up to the leader.
 */
import { Findings, formatTime } from '../report.ts';
import { Call, hex, type Irregularity, type Session, type Sessions } from './sessions.ts';
import { isWrite } from './transactions.ts';
import { callText, eventText, factsOf, factsOfEvent } from './words.ts';

const outOfTurn: ReadonlySet<Irregularity['kind']> = new Set([
  'reply-out-of-order',
  'reply-to-nothing',
]);

export function judgeOrder({ sessions, irregularities }: Sessions): Findings {
  const findings = new Findings();
  for (const irregularity of irregularities) {
    if (outOfTurn.has(irregularity.kind)) report(findings, irregularity);
  }
  for (const session of sessions.values()) judgeZxids(findings, session);
  return findings;
}

function judgeZxids(findings: Findings, session: Session): void {
  let seen = 0;
  for (const connection of session.connections) {
    seen = Math.max(seen, connection.lastZxidSeen);
    for (const item of connection.stream) {
      findings.looked++;
      const { zxid } = item;
      // 0 and -1 say that the server does not tell.
      if (zxid <= 0 || zxid >= seen) {
        seen = Math.max(seen, zxid);
        continue;
      }
      const [text, facts] =
        item instanceof Call
          ? [callText(item), factsOf(item)]
          : [eventText(item, connection), factsOfEvent(item, connection)];
      findings.add({
        ...facts,
        kind: 'session-went-back',
        message: `${text}: session ${session.id} had seen zxid ${hex(seen)} before`,
      });
    }
  }
}

export function judgeSessions({ sessions, irregularities }: Sessions): Findings {
  const findings = new Findings();
  findings.looked = sessions.size;
  for (const irregularity of irregularities) {
    if (!outOfTurn.has(irregularity.kind)) report(findings, irregularity);
  }
  for (const { closed, connections, id } of sessions.values()) {
    if (closed === undefined) continue;
    for (const { stream } of connections) {
      for (const item of stream) {
        if (!(item instanceof Call) || item.reply === undefined) continue;
        if (item.end <= closed.end) continue;
        findings.add({
          ...factsOf(item),
          kind: 'answered-after-close',
          message: `${callText(item)}: session ${id} had been closed at zxid ${hex(closed.zxid)}`,
        });
      }
    }
  }
  return findings;
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
export function judgeSync({ calls }: Sessions): Findings {
  const findings = new Findings();
  const lastWriteSent = new Map<number, number>();
  for (const call of calls) {
    if (call.reply === undefined || !isWrite(call)) continue;
    const epoch = epochOf(call.zxid);
    lastWriteSent.set(epoch, Math.max(lastWriteSent.get(epoch) ?? -1, call.start));
  }
  for (const call of calls) {
    if (call.request.op !== 'sync' || call.reply?.error !== undefined) continue;
    if (call.reply === undefined) continue;
    findings.looked++;
    if (call.zxid >= call.floor) continue;
    if (isOfOneLeader(call, lastWriteSent)) {
      findings.add({
        ...factsOf(call),
        kind: 'sync-missed-a-write',
        message: `${callText(call)}: zxid ${hex(call.floor)} had been told to a client before`,
      });
    } else {
      findings.count('stale syncs that another leader may excuse');
    }
  }
  return findings;
}

function isOfOneLeader(call: Call, lastWriteSent: ReadonlyMap<number, number>): boolean {
  const epoch = epochOf(call.floor);
  return epochOf(call.zxid) === epoch && (lastWriteSent.get(epoch) ?? -1) > call.floorAt;
}

function epochOf(zxid: number): number {
  return Math.floor(zxid / 2 ** 32);
}
