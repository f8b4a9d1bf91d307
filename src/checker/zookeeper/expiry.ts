/**
 * A session is not expired before its timeout has passed since a server last heard of it. What a server
 * heard reaches the leader with its next ping only, so that an early expiry is a breach only where the
 * server of the client stayed with one leader, undisturbed, all the while. Late is allowed.
 */
import { Findings, formatTime } from '../report.ts';
import type { Calls, Session, Sessions } from './sessions.ts';

/** An expiry as a server tells it. */
export interface Expiry {
  readonly session: string;
  /** Nanoseconds on the journal's clock. */
  readonly time: number;
  readonly node: number;
}

export interface ExpiryEvidence {
  readonly expiries: readonly Expiry[];
  /** Did this server stay with one leader, without any fault, between those times? */
  readonly isUndisturbed: (node: number, fromNs: number, toNs: number) => boolean;
}

/** Servers and clients count whole milliseconds. */
const SLACK_NS = 10e6;

export function judgeExpiry({ sessions, calls }: Sessions, evidence: ExpiryEvidence): Findings {
  const findings = new Findings();
  for (const { session: id, time, node } of evidence.expiries) {
    const session = sessions.get(id);
    if (session === undefined) continue;
    findings.looked++;
    const heardNs = lastHeardBefore(session, calls, time);
    if (time + SLACK_NS >= heardNs + session.timeoutMs * 1e6) continue;
    const server = serverAt(session, time);
    if (server === undefined || !evidence.isUndisturbed(server, heardNs, time)) {
      findings.count('early expiries that a disturbance may excuse');
      continue;
    }
    findings.add({
      ...{ kind: 'session-expired-too-early', entries: [], time, nodes: [node] },
      message:
        `session ${id} of ${session.client} was expired by server ${node} at ${formatTime(time)}, ` +
        `although server ${server} heard of it at ${formatTime(heardNs)} or later ` +
        `and its timeout is ${session.timeoutMs} ms`,
    });
  }
  return findings;
}

/** A leader that is deposed may tell of an expiry that never comes to pass: the session moves on. */
function serverAt({ connections }: Session, time: number): number | undefined {
  return connections.findLast((connection) => connection.time <= time)?.node;
}

/** What was sent after the expiry was answered by a server that did not know of it yet. */
function lastHeardBefore(session: Session, calls: Calls, time: number): number {
  if (session.lastHeardTime <= time) return session.lastHeardTime;
  let newest = 0;
  for (const { time: opened } of session.connections) if (opened <= time) newest = opened;
  for (const { connection, isAnswered, startTime } of calls) {
    if (startTime > time) break;
    if (isAnswered && connection.session === session) newest = Math.max(newest, startTime);
  }
  return newest;
}
