/** The state of the system-level ZAB, and the few changes that several of its actions share. */
import type { ScopeRecord } from '../../kernel/model.ts';
import { has, include, type Name, names, put, putIn, record } from '../../kernel/value.ts';
import { compareZxids, holds, lastZxid, sameZxid, type Txn, ZERO, type Zxid } from './history.ts';

export interface SystemScope extends ScopeRecord {
  readonly servers: number;
  readonly txns: number;
  readonly epochs: number;
  readonly crashes: number;
  readonly timeouts: number;
  readonly partitions: number;
  readonly snapshots: number;
  /** How many committed transactions a leader remembers at least for DIFF. */
  readonly window: number;
  /** Whether only who has the best vote of a quorum is elected, or anybody by anybody. */
  readonly election: 'best' | 'any';
}

export type Sid = Name<'s'>;

/** What survives a crash; of the log only the first `flushed` transactions surely do. */
export interface Disk {
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly log: readonly Txn[];
  readonly flushed: number;
  /** Positions of the snapshots, oldest first. What is before the first cannot be cut back to. */
  readonly snapshots: readonly number[];
}

/** A transaction that is not applied yet. */
export interface Pending {
  readonly txn: Txn;
  readonly isCommitted: boolean;
  /** At its leader: the followers that acknowledged it. */
  readonly acks: readonly Sid[];
}

/** A leader's end of the connection of one learner. */
export interface Handler {
  readonly phase: 'arriving' | 'epoch' | 'syncing' | 'acking' | 'live';
  readonly zxid: Zxid;
  /** It gets every PROPOSAL and COMMIT from now on. */
  readonly isForwarding: boolean;
}

export type Phase =
  | 'none'
  // of a learner
  | 'connecting'
  | 'discovery'
  | 'synchronization'
  | 'truncating'
  | 'truncated'
  | 'loading'
  | 'logging'
  | 'saved'
  | 'waiting'
  // of a leader
  | 'acknowledgement'
  // of both
  | 'broadcast';

export interface Server extends Disk {
  readonly role: 'down' | 'recovering' | 'looking' | 'following' | 'leading';
  readonly phase: Phase;
  /** The epoch that leader and learners agree on; 0 before. */
  readonly epoch: number;
  /** How far the tree has come; equal to the log's length after a recovery. */
  readonly applied: number;
  /**
   * Where the window of committed transactions in memory begins; before the log, where that is
   * kept short (`spec/conform`).
   */
  readonly window: number;
  /** A leader's TRUNC could not be done: only a snapshot helps. */
  readonly needsSnapshot: boolean;
  readonly pending: readonly Pending[];
  /** Learner: its leader; what the leader wants it cut back to; how far it has acknowledged. */
  readonly leader: Sid | null;
  readonly target: Zxid;
  readonly acked: number;
  /** Leader: what it brought into the election, whom it has heard, and its learners. */
  readonly summary: { readonly epoch: number; readonly zxid: Zxid };
  readonly accepted: readonly { readonly sid: Sid; readonly epoch: number }[];
  readonly epochAcks: readonly Sid[];
  readonly newLeaderAcks: readonly Sid[];
  readonly handlers: Readonly<Record<Sid, Handler | null>>;
}

export type Message =
  | { readonly type: 'FOLLOWERINFO'; readonly epoch: number }
  | { readonly type: 'LEADERINFO'; readonly epoch: number }
  /** Without an epoch: accepted before, perhaps from another leader. */
  | { readonly type: 'ACKEPOCH'; readonly epoch: number | null; readonly zxid: Zxid }
  | { readonly type: 'DIFF'; readonly zxid: Zxid }
  | { readonly type: 'TRUNC'; readonly zxid: Zxid }
  | { readonly type: 'SNAP'; readonly zxid: Zxid; readonly txns: readonly Txn[] }
  | { readonly type: 'PROPOSAL'; readonly txn: Txn }
  | { readonly type: 'COMMIT'; readonly zxid: Zxid }
  | { readonly type: 'NEWLEADER'; readonly epoch: number }
  | { readonly type: 'ACK'; readonly zxid: Zxid }
  | { readonly type: 'UPTODATE' };
export type MessageOf<T extends Message['type']> = Extract<Message, { readonly type: T }>;

export interface State {
  readonly servers: Readonly<Record<Sid, Server>>;
  /** messages[i][j]: sent by i on its connection with j, oldest first. */
  readonly messages: Readonly<Record<Sid, Readonly<Record<Sid, readonly Message[]>>>>;
  /** Pairs of servers that cannot reach each other. */
  readonly cuts: readonly (readonly [Sid, Sid])[];
  readonly used: Readonly<Record<Budget, number>>;
  /** Ghosts: to whom a quorum promised each epoch; what was proposed, delivered, skipped. */
  readonly leaders: Readonly<Record<number, readonly Sid[]>>;
  readonly broadcasts: readonly (Txn & { readonly source: Sid; readonly epoch: number })[];
  readonly delivered: readonly Txn[];
  readonly skipped: readonly Txn[];
}
export type Budget = 'txns' | 'crashes' | 'timeouts' | 'partitions' | 'snapshots';

const MEMORY = {
  phase: 'none',
  epoch: 0,
  applied: 0,
  window: 0,
  pending: [],
  leader: null,
  target: ZERO,
  acked: 0,
  summary: { epoch: 0, zxid: ZERO },
  accepted: [],
  epochAcks: [],
  newLeaderAcks: [],
} as const;

export function initialState(count: number): State {
  const sids = names('s', count);
  const server: Server = {
    role: 'looking',
    acceptedEpoch: 0,
    currentEpoch: 0,
    log: [],
    flushed: 0,
    snapshots: [0],
    needsSnapshot: false,
    ...MEMORY,
    handlers: record(sids, () => null),
  };
  return {
    servers: record(sids, () => server),
    messages: record(sids, () => record(sids, () => [])),
    cuts: [],
    used: { txns: 0, crashes: 0, timeouts: 0, partitions: 0, snapshots: 0 },
    leaders: {},
    broadcasts: [],
    delivered: [],
    skipped: [],
  };
}

export function sidsOf(s: State): readonly Sid[] {
  return Object.keys(s.servers) as Sid[];
}

export function change(s: State, i: Sid, fields: Partial<Server>): State {
  return { ...s, servers: put(s.servers, i, fields) };
}

export function spend(s: State, budget: Budget): State {
  return { ...s, used: { ...s.used, [budget]: s.used[budget] + 1 } };
}

// --- connections ---------------------------------------------------------------------------------

export function head(s: State, from: Sid, to: Sid): Message | undefined {
  return s.messages[from][to][0];
}

export function isCut(s: State, i: Sid, j: Sid): boolean {
  return has(s.cuts, i < j ? [i, j] : [j, i]);
}

/** Learner j thinks that it is connected to i. */
export function isConnected({ role, phase, leader }: Server, i: Sid): boolean {
  return role === 'following' && leader === i && phase !== 'connecting';
}

function setChannel(s: State, i: Sid, j: Sid, queue: readonly Message[]): State {
  return { ...s, messages: putIn(s.messages, i, j, queue) };
}

/** What is sent to an end that is closed already is lost. */
export function send(s: State, i: Sid, j: Sid, ...messages: readonly Message[]): State {
  const isOpen = s.servers[j].handlers[i] !== null || isConnected(s.servers[j], i);
  return isOpen ? setChannel(s, i, j, [...s.messages[i][j], ...messages]) : s;
}

export function receive(s: State, i: Sid, j: Sid): State {
  return setChannel(s, i, j, s.messages[i][j].slice(1));
}

export function setHandler(s: State, i: Sid, j: Sid, fields: Partial<Handler>): State {
  const handler = { ...(s.servers[i].handlers[j] as Handler), ...fields };
  return change(s, i, { handlers: { ...s.servers[i].handlers, [j]: handler } });
}

/** Leader i closes its end of the connection of j. */
export function dropHandler(s: State, i: Sid, j: Sid): State {
  const closed = change(s, i, { handlers: { ...s.servers[i].handlers, [j]: null } });
  return setChannel(closed, j, i, []);
}

/** A new connection; an older one of the same two servers is gone with all that was on it. */
export function connect(s: State, i: Sid, j: Sid): State {
  const fresh = setChannel(setChannel(s, i, j, []), j, i, []);
  const handler: Handler = { phase: 'arriving', zxid: ZERO, isForwarding: false };
  return setHandler(change(fresh, j, { phase: 'discovery' }), i, j, handler);
}

/** To every learner that gets live traffic. */
export function forward(s: State, i: Sid, message: Message): State {
  const targets = sidsOf(s).filter((j) => s.servers[i].handlers[j]?.isForwarding === true);
  return targets.reduce((sent, j) => send(sent, i, j, message), s);
}

// --- roles ---------------------------------------------------------------------------------------

/** The end of a role, by choice or by a crash. What i has sent may still arrive. */
export function end(s: State, i: Sid, role: 'down' | 'recovering'): State {
  const sids = sidsOf(s);
  const { needsSnapshot } = s.servers[i];
  const stopped = change(s, i, {
    ...MEMORY,
    role,
    needsSnapshot: role === 'recovering' && needsSnapshot,
    handlers: record(sids, () => null),
  });
  return sids.reduce((before, j) => setChannel(before, j, i, []), stopped);
}

export function quorumOf(s: State, sids: readonly Sid[]): boolean {
  return 2 * sids.length > sidsOf(s).length;
}

/** Higher epoch, then more history, then larger id. */
export function isBetter(s: State, i: Sid, j: Sid): boolean {
  const [one, other] = [s.servers[i], s.servers[j]];
  const difference =
    one.currentEpoch - other.currentEpoch || compareZxids(lastZxid(one.log), lastZxid(other.log));
  return difference > 0 || (difference === 0 && i > j);
}

// --- the log -------------------------------------------------------------------------------------

/** How many of the pending transactions are in the log. */
export function loggedCount({ log, applied }: Server): number {
  return log.length - applied;
}

export function lastQueued({ log, pending }: Server): Zxid {
  return pending.at(-1)?.txn.zxid ?? lastZxid(log);
}

/** Who acknowledged the pending transaction: the leader itself when its disk has it. */
export function acksOf(
  { pending, applied, flushed }: Server,
  i: Sid,
  index: number,
): readonly Sid[] {
  const acks = pending[index]?.acks ?? [];
  return flushed > applied + index ? include(acks, i) : acks;
}

/** The first pending transaction is applied. The window is trimmed in blocks of its limit. */
export function applyFirst(s: State, i: Sid, limit: number): State {
  const { applied, pending, window } = s.servers[i];
  const next = applied + 1;
  const moved = next - window > 2 * limit ? next - limit : window;
  return change(s, i, { applied: next, window: moved, pending: pending.slice(1) });
}

/**
 * What a server that serves has applied may have been seen by a client. What it applied before
 * position `from` was delivered before.
 */
export function deliver(s: State, i: Sid, from = 0): State {
  const { applied, log, phase } = s.servers[i];
  if (phase !== 'broadcast') return s;
  return { ...s, delivered: include(s.delivered, ...log.slice(from, applied)) };
}

/**
 * Leader i is established: what earlier epochs proposed and it does not have will never be
 * delivered.
 */
export function establish(s: State, i: Sid): State {
  const { epoch, log } = s.servers[i];
  const others = s.broadcasts
    .filter((txn) => txn.zxid[0] < epoch && !holds(log, txn))
    .map(({ zxid, value }): Txn => ({ zxid, value }));
  return deliver({ ...s, skipped: include(s.skipped, ...others) }, i);
}

export function indexOfPending({ pending }: Server, zxid: Zxid): number {
  return pending.findIndex(({ txn }) => sameZxid(txn.zxid, zxid));
}
