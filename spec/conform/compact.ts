/**
 * Keeps the model's state small however long a run is: what every server has on its disk, has applied and
 * will never be asked for again is cut off, but for its last transaction. Positions are counted from there.
 *
 * Nothing is lost by it. A server goes back behind what it flushed only if it is told to (TRUNC), and
 * whoever would tell it has the same beginning; one that asked for it anyway would name a place that no
 * log has any more, and be refused.
 */
import { compareZxids, sameTxn, type Txn } from '../models/zab/history.ts';
import {
  type Message,
  type Server,
  type Sid,
  type State,
  sidsOf,
} from '../models/zab/system-state.ts';

/** Cut off at least so many at once; so many stay, for what is told of late, as a snapshot is. */
const BLOCK = 24;
const MARGIN = 8;

export function compact(s: State): State {
  const sids = sidsOf(s);
  const cut = Math.min(...sids.map((i) => settledCount(s.servers[i]))) - MARGIN;
  if (cut < BLOCK) return s;
  const kept = s.servers.s1.log[cut] as Txn;
  if (!isCommon(s, sids, cut)) return s;
  const isLater = ({ zxid }: Txn): boolean => compareZxids(zxid, kept.zxid) >= 0;
  const servers = sids.map((i) => [i, shortened(s.servers[i], cut)] as const);
  const messages = sids.map((i) => [i, shortenedRow(s.messages[i], cut)] as const);
  return {
    ...s,
    servers: Object.fromEntries(servers) as State['servers'],
    messages: Object.fromEntries(messages) as State['messages'],
    broadcasts: s.broadcasts.filter(isLater),
    delivered: s.delivered.filter(isLater),
    skipped: s.skipped.filter(isLater),
  };
}

/** How much of its log is safe on its disk and will be neither applied nor acknowledged any more. */
function settledCount({ acked, applied, flushed, phase, role }: Server): number {
  if (role !== 'leading' && role !== 'following') return flushed;
  const done = Math.min(applied, flushed);
  return role === 'following' && phase === 'broadcast' ? Math.min(done, acked) : done;
}

function isCommon(s: State, sids: readonly Sid[], cut: number): boolean {
  const { log } = s.servers.s1;
  return sids.every((i) => {
    const other = s.servers[i].log;
    for (let at = 0; at <= cut; at++) {
      if (log[at] !== other[at] && !sameTxn(log[at] as Txn, other[at] as Txn)) return false;
    }
    return true;
  });
}

const less = (position: number, cut: number): number => Math.max(0, position - cut);

function shortened(server: Server, cut: number): Server {
  return {
    ...server,
    log: server.log.slice(cut),
    flushed: less(server.flushed, cut),
    applied: less(server.applied, cut),
    // Below 0 these are places before the log.
    window: server.window - cut,
    snapshots: server.snapshots.map((position) => position - cut),
    acked: less(server.acked, cut),
  };
}

function shortenedRow(
  row: Readonly<Record<Sid, readonly Message[]>>,
  cut: number,
): Readonly<Record<Sid, readonly Message[]>> {
  const entries = Object.entries(row).map(([to, queue]) => [
    to,
    queue.some(({ type }) => type === 'SNAP') ? queue.map((one) => shortSnap(one, cut)) : queue,
  ]);
  return Object.fromEntries(entries) as Record<Sid, readonly Message[]>;
}

function shortSnap(message: Message, cut: number): Message {
  return message.type === 'SNAP' ? { ...message, txns: message.txns.slice(cut) } : message;
}
