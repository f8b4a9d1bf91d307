/**
 * A session ends with its client. A client that was dropped sends nothing any more, so a leader that reigns
 * in quiet must close its session: after the timeout, and half of it more for the rounding to ticks, the
 * touches that followers pass on late, and the commit: `session-outlived-its-client`.
 *
 * The end shows as an event. It does not where a leader fell before it could commit the end that it had
 * proposed, and the next one found it in its log: what is recovered is not told again. A late expiry without a stable leader is none. Quiet is a stretch of one leader's reign, by its own
 * events, in which it ticked all the time and no fault was in force.
 */
import type { ProtocolEvent } from '../../base/protocol-event.ts';
import { faultWindows } from '../fault-windows.ts';
import type { HistoryEntry } from '../history.ts';
import { clientOf, Findings, field, formatTime, hexOf } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';

/** Nanoseconds on the harness's clock. */
interface Stretch {
  readonly leader: number;
  readonly from: number;
  readonly until: number;
}

const GRACE_NS = 500e6;
/** A leader whose events are further apart was not running all the time. */
const MAX_GAP_NS = 2e9;

export function checkSessionExpiry(evidence: ServerEvidence): CheckResult {
  const findings = new Findings();
  const { history, events } = evidence;
  findings.looked = new Set(history.flatMap(({ session }) => session ?? [])).size;
  const stretches = quietReigns(evidence);
  const { timeouts, closed, proposed } = sessionFacts(events);
  for (const entry of droppedClients(history)) {
    const { session = '', time } = entry;
    const timeoutNs = timeouts.get(session);
    if (timeoutNs === undefined) continue;
    const boundNs = 1.5 * timeoutNs + GRACE_NS;
    const judge = stretches.find(({ from, until }) => Math.max(from, time) + boundNs <= until);
    if (judge === undefined) {
      findings.count('dropped sessions that no leader had the quiet to expire');
      continue;
    }
    const dueNs = Math.max(judge.from, time) + boundNs;
    if ((closed.get(session) ?? Infinity) <= dueNs) {
      findings.count('dropped sessions that expired in time');
      continue;
    }
    const end = proposed.get(session);
    if (end !== undefined && end <= lastLoggedBy(events.get(judge.leader) ?? [], dueNs)) {
      findings.count('dropped sessions whose end was recovered from a log');
      continue;
    }
    findings.add({
      kind: 'session-outlived-its-client',
      message:
        `session ${session} of ${clientOf(entry)}, which was gone at ${formatTime(time)}, was not ` +
        `closed by ${formatTime(dueNs)}, though server ${judge.leader} had led in quiet since ` +
        `${formatTime(judge.from)} and the session's timeout is ${timeoutNs / 1e6} ms`,
      entries: [entry.index],
      time: dueNs,
      nodes: [judge.leader],
    });
  }
  return findings.result('session-expiry', 'sessions', 'Every session ended with its client');
}

/** A client whose operation ran out of time is dropped with its session. */
function droppedClients(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  return history.filter(({ type, error, session }) => {
    return type === 'info' && error === 'timeout' && session !== undefined;
  });
}

const timeOf = (event: ProtocolEvent): number | undefined => {
  const time = field(event, 'time');
  return typeof time === 'number' ? time : undefined;
};

function sessionFacts(events: ServerEvidence['events']): {
  readonly timeouts: ReadonlyMap<string, number>;
  /** When the first server closed it. */
  readonly closed: ReadonlyMap<string, number>;
  /** The zxid under which its end was first proposed. */
  readonly proposed: ReadonlyMap<string, bigint>;
} {
  const timeouts = new Map<string, number>();
  const closed = new Map<string, number>();
  const proposed = new Map<string, bigint>();
  for (const event of [...events.values()].flat()) {
    if (event.act === 'SessionCreated') {
      timeouts.set(event.args.session, event.args.timeoutMs * 1e6);
    } else if (event.act === 'SessionClosed') {
      const { session } = event.args;
      closed.set(session, Math.min(closed.get(session) ?? Infinity, timeOf(event) ?? Infinity));
    } else if (event.act === 'ProposalSent' && event.args.op === 'closeSession') {
      const { session } = event.args;
      const zxid = hexOf(event.args.zxid) ?? -1n;
      const known = proposed.get(session);
      if (known === undefined || zxid < known) proposed.set(session, zxid);
    }
  }
  return { timeouts, closed, proposed };
}

function lastLoggedBy(sequence: readonly ProtocolEvent[], timeNs: number): bigint {
  const last = sequence.findLast((event) => (timeOf(event) ?? Infinity) <= timeNs);
  return hexOf(last?.post.lastLogged) ?? -1n;
}

function quietReigns({ history, events }: ServerEvidence): readonly Stretch[] {
  let stretches = [...events].flatMap(([node, sequence]) => reigns(node, sequence));
  for (const fault of faultWindows(history)) {
    stretches = stretches.flatMap(({ leader, from, until }) => {
      if (fault.from > until || fault.until < from) return [{ leader, from, until }];
      const parts = [
        { leader, from, until: fault.from },
        { leader, from: fault.until, until },
      ];
      return parts.filter((part) => part.from < part.until);
    });
  }
  return stretches.sort((a, b) => a.from - b.from);
}

/** Stretches of a node's own events in which it led and went on ticking. */
function reigns(leader: number, sequence: readonly ProtocolEvent[]): readonly Stretch[] {
  const found: Stretch[] = [];
  let from: number | undefined;
  let last = 0;
  const end = (): void => {
    if (from !== undefined && last > from) found.push({ leader, from, until: last });
    from = undefined;
  };
  let incarnation = -1;
  for (const event of sequence) {
    const time = timeOf(event);
    if (time === undefined) continue;
    const isInterrupted = event.incarnation !== incarnation || time - last > MAX_GAP_NS;
    const goesOn = from !== undefined && event.incarnation === incarnation;
    if (isInterrupted) end();
    incarnation = event.incarnation;
    last = time;
    if (event.act === 'LeaderEstablished' || (isInterrupted && goesOn)) from = time;
    if (event.act === 'RoleEnded') end();
  }
  end();
  return found;
}
