/**
 * Leaders and epochs per server, from its protocol events: which role it had between which moments of
 * the run, and the few steps worth a mark (elections, synchronization, expiry).
 *
 * Events carry the server's own clocks. Where the harness noted when it saw a line, that is the time;
 * elsewhere the server's monotonic milliseconds are laid on the axis so that the earliest event of
 * the run is at its start.
 */
import type { ProtocolEvent, RoleName } from '../base/protocol-event.ts';
import type { TimedEvent } from './input.ts';
import type { ServerMark, ServerRole, ServerSpan } from './payload.ts';

const NS_PER_MS = 1_000_000;
const MARKS_PER_NODE_MAX = 4_000;

export interface ServerTimeline {
  readonly spans: readonly ServerSpan[];
  readonly marks: readonly ServerMark[];
}

export function serverTimeline(
  events: ReadonlyMap<number, readonly TimedEvent[]>,
  end: number,
): ServerTimeline {
  const timeOf = timeReader(events);
  const spans: ServerSpan[] = [];
  const marks: ServerMark[] = [];
  for (const [node, lines] of [...events].sort(([a], [b]) => a - b)) {
    spans.push(...spansOf(node, lines, timeOf, end));
    let count = 0;
    for (const line of lines) {
      const text = markText(line);
      if (text === undefined || count++ >= MARKS_PER_NODE_MAX) continue;
      marks.push({ node, time: timeOf(line), text });
    }
  }
  return { spans, marks };
}

function timeReader(
  events: ReadonlyMap<number, readonly TimedEvent[]>,
): (event: TimedEvent) => number {
  let originMs = Number.POSITIVE_INFINITY;
  for (const lines of events.values()) {
    for (const line of lines) originMs = Math.min(originMs, line.now);
  }
  return (event) => event.time ?? Math.max(0, (event.now - originMs) * NS_PER_MS);
}

function roleOf(role: RoleName): ServerRole {
  return role === 'stopped' ? 'down' : role;
}

function spansOf(
  node: number,
  lines: readonly TimedEvent[],
  timeOf: (event: TimedEvent) => number,
  end: number,
): ServerSpan[] {
  const spans: ServerSpan[] = [];
  let role: ServerRole = 'down';
  let epoch = 0;
  let from = 0;
  let incarnation = 0;
  let last = 0;
  const close = (to: number) => {
    // Before its first event nothing is known of a server.
    if (to > from && incarnation !== 0) spans.push({ node, from, to, role, epoch });
    from = to;
  };
  for (const line of lines) {
    const time = Math.max(from, timeOf(line));
    if (line.incarnation !== incarnation) {
      // The previous incarnation was last heard of at `last`; from there on it was down.
      if (incarnation === 0) from = time;
      else close(Math.max(from, last));
      role = 'down';
      incarnation = line.incarnation;
    }
    last = time;
    const next = roleOf(line.post.role);
    if (next === role && (role === 'down' || line.post.currentEpoch === epoch)) continue;
    close(time);
    role = next;
    epoch = line.post.currentEpoch;
  }
  close(end);
  return spans;
}

type MarkTable = {
  readonly [A in ProtocolEvent['act']]?: (
    args: Extract<ProtocolEvent, { act: A }>['args'],
  ) => string;
};

const markTable: MarkTable = {
  Recovered: (args) => `recovered to ${args.lastZxid}, epoch ${args.currentEpoch}`,
  ElectionStarted: (args) => `election round ${args.round} started`,
  Elected: (args) => `elected server ${args.leader} with ${args.zxid}`,
  EpochProposed: (args) => `epoch ${args.epoch} proposed`,
  SyncChosen: (args) => `${args.mode} chosen for server ${args.learner} at ${args.learnerZxid}`,
  SyncReceived: (args) => `${args.mode} received, to ${args.zxid}`,
  Truncated: (args) => `log truncated to ${args.zxid}`,
  SnapshotInstalled: (args) => `snapshot installed at ${args.zxid}`,
  LeaderEstablished: (args) => `leader of epoch ${args.epoch}, quorum ${args.quorum.join(' ')}`,
  LearnerActivated: (args) => `follows server ${args.leader} in epoch ${args.epoch}`,
  SessionExpired: (args) => `session ${args.session} expired`,
  SessionMoved: (args) => `session ${args.session} moved`,
  RoleEnded: (args) => `stopped ${args.role}: ${args.reason}`,
};

function markText(event: ProtocolEvent): string | undefined {
  const describe = markTable[event.act] as ((args: unknown) => string) | undefined;
  return describe?.(event.args);
}
