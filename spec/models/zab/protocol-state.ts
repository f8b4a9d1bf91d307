/** The state of the ZAB protocol, and the few changes that several of its actions share. */
import type { ScopeRecord } from '../../kernel/model.ts';
import { exclude, has, include, type Name, names, put, putIn, record } from '../../kernel/value.ts';
import { holds, isAfter, lastZxid, type Txn, ZERO, type Zxid } from './history.ts';

/** Budgets as in Zab.tla; a restart counts as a timeout too. */
export interface ProtocolScope extends ScopeRecord {
  readonly servers: number;
  readonly timeouts: number;
  readonly txns: number;
  readonly epochs: number;
  readonly restarts: number;
}

export type Sid = Name<'s'>;
export type Phase = 'election' | 'discovery' | 'synchronization' | 'broadcast';

/** A transaction as logged: who has acknowledged it counts at its leader only. */
export interface LoggedTxn extends Txn {
  readonly acks: readonly Sid[];
  readonly epoch: number;
}
export type History = readonly LoggedTxn[];

/** What a leader remembers of each server that it heard from; who left stays, disconnected. */
export interface Heard {
  readonly sid: Sid;
  readonly connected: boolean;
}
interface HeardEpoch extends Heard {
  readonly epoch: number;
}
export interface HeardHistory extends Heard {
  readonly epoch: number;
  readonly history: History;
}

export interface Server {
  readonly role: 'looking' | 'following' | 'leading';
  readonly phase: Phase;
  /** f.p of the paper: the last epoch proposed to this server that it took part in. On disk. */
  readonly acceptedEpoch: number;
  /** f.a: the last epoch whose leader's history it has adopted. On disk. */
  readonly currentEpoch: number;
  /** On disk. */
  readonly history: History;
  /** In memory: a restart forgets it. */
  readonly lastCommitted: { readonly index: number; readonly zxid: Zxid };
  /** Follower: whom it is connected to. */
  readonly leader: Sid | null;
  /** Leader: who is connected, itself included; and who has sent CEPOCH, ACKEPOCH, ACKLD. */
  readonly learners: readonly Sid[];
  readonly cepochs: readonly HeardEpoch[];
  readonly ackEpochs: readonly HeardHistory[];
  readonly ackLeaders: readonly Heard[];
  /** Leader: how many transactions of its epoch it has proposed. */
  readonly proposed: number;
}

export type Message =
  | { readonly type: 'CEPOCH'; readonly epoch: number }
  | { readonly type: 'NEWEPOCH'; readonly epoch: number }
  | { readonly type: 'ACKEPOCH'; readonly epoch: number; readonly history: History }
  | { readonly type: 'NEWLEADER'; readonly epoch: number; readonly history: History }
  | { readonly type: 'ACKLD'; readonly zxid: Zxid }
  | { readonly type: 'COMMITLD'; readonly zxid: Zxid }
  | { readonly type: 'PROPOSE'; readonly zxid: Zxid; readonly value: number }
  | { readonly type: 'ACK'; readonly zxid: Zxid }
  | { readonly type: 'COMMIT'; readonly zxid: Zxid };
export type MessageOf<T extends Message['type']> = Extract<Message, { readonly type: T }>;

/** A transaction as broadcast by the primary of an epoch. */
export interface Broadcast extends Txn {
  readonly source: Sid;
  readonly epoch: number;
}

export interface State {
  readonly servers: Readonly<Record<Sid, Server>>;
  /** Whom the oracle names. */
  readonly oracle: Sid | null;
  /** messages[i][j]: on the way from i to j, oldest first. */
  readonly messages: Readonly<Record<Sid, Readonly<Record<Sid, readonly Message[]>>>>;
  /** Every leader that an epoch ever had, and everything that was ever broadcast. */
  readonly epochLeaders: Readonly<Record<number, readonly Sid[]>>;
  readonly broadcasts: readonly Broadcast[];
  /** What has been used up of the scope. */
  readonly used: {
    readonly timeouts: number;
    readonly restarts: number;
    readonly txns: number;
    readonly epochs: number;
    readonly requests: number;
  };
  /** Ghost: the last action and its servers. */
  readonly last: readonly [action: string, ...servers: Sid[]];
  /** Ghost: everything that any server ever delivered. */
  readonly delivered: readonly Txn[];
  /** Ghost: everything that a later epoch was established without. */
  readonly skipped: readonly Txn[];
}

export function initialState(count: number): State {
  const sids = names('s', count);
  const server: Server = {
    role: 'looking',
    phase: 'election',
    acceptedEpoch: 0,
    currentEpoch: 0,
    history: [],
    lastCommitted: { index: 0, zxid: ZERO },
    leader: null,
    learners: [],
    cepochs: [],
    ackEpochs: [],
    ackLeaders: [],
    proposed: 0,
  };
  return {
    servers: record(sids, () => server),
    oracle: null,
    messages: record(sids, () => record(sids, () => [])),
    epochLeaders: {},
    broadcasts: [],
    used: { timeouts: 0, restarts: 0, txns: 0, epochs: 0, requests: 0 },
    last: ['Init'],
    delivered: [],
    skipped: [],
  };
}

export function sidsOf(s: State): readonly Sid[] {
  return Object.keys(s.servers) as Sid[];
}

/** The state with some fields of server i changed. */
export function change(s: State, i: Sid, fields: Partial<Server>): State {
  return { ...s, servers: put(s.servers, i, fields) };
}

export function spend(s: State, ...budgets: readonly (keyof State['used'])[]): State {
  const used = { ...s.used };
  for (const budget of budgets) used[budget]++;
  return { ...s, used };
}

// --- channels ------------------------------------------------------------------------------------

export function head(s: State, from: Sid, to: Sid): Message | undefined {
  return s.messages[from][to][0];
}

function setChannel(s: State, from: Sid, to: Sid, queue: readonly Message[]): State {
  return { ...s, messages: putIn(s.messages, from, to, queue) };
}

export function send(s: State, from: Sid, to: Sid, message: Message): State {
  return setChannel(s, from, to, [...s.messages[from][to], message]);
}

/** Takes the oldest message from the channel. */
export function receive(s: State, from: Sid, to: Sid): State {
  return setChannel(s, from, to, s.messages[from][to].slice(1));
}

export function reply(s: State, i: Sid, j: Sid, message: Message): State {
  return send(receive(s, j, i), i, j, message);
}

/** To every learner that is connected among those heard from. */
export function broadcast(s: State, i: Sid, heard: readonly Heard[], message: Message): State {
  const { learners } = s.servers[i];
  const targets = heard.filter(({ sid, connected }) => connected && has(learners, sid));
  return targets.reduce((sent, { sid }) => (sid === i ? sent : send(sent, i, sid, message)), s);
}

/** What is on the way to any of these servers is lost. */
function dropInput(s: State, targets: readonly Sid[]): State {
  const isTarget = (sid: Sid): boolean => targets.includes(sid);
  const sids = sidsOf(s);
  const kept = (i: Sid) => record(sids, (j) => (isTarget(j) ? [] : s.messages[i][j]));
  return { ...s, messages: record(sids, kept) };
}

// --- roles ---------------------------------------------------------------------------------------

/** Replaces what was heard from the same server before. */
export function hear<H extends Heard>(heard: readonly H[], news: H): readonly H[] {
  const old = heard.filter(({ sid }) => sid === news.sid);
  return include(exclude(heard, ...old), news);
}

function unhear<H extends Heard>(heard: readonly H[], sid: Sid): readonly H[] {
  const old = heard.find((other) => other.sid === sid);
  return old === undefined ? heard : hear(heard, { ...old, connected: false });
}

export function lead(s: State, i: Sid): State {
  const { acceptedEpoch, currentEpoch, history } = s.servers[i];
  const self = { sid: i, connected: true };
  return change(s, i, {
    role: 'leading',
    phase: 'discovery',
    learners: [i],
    cepochs: [{ ...self, epoch: acceptedEpoch }],
    ackEpochs: [{ ...self, epoch: currentEpoch, history }],
    ackLeaders: [self],
    proposed: 0,
  });
}

const LOOKING = { role: 'looking', phase: 'election', leader: null } as const;

/** The leader, and with it all its learners, look for a leader again. */
function stopLeading(s: State, i: Sid): State {
  const { learners } = s.servers[i];
  const stopped = learners.reduce(
    (before, j) => change(before, j, LOOKING),
    dropInput(s, learners),
  );
  return change(stopped, i, { learners: [] });
}

/** Follower j leaves leader i; their connection is lost with what is on it. */
export function leave(s: State, i: Sid, j: Sid): State {
  const { learners, cepochs, ackEpochs, ackLeaders } = s.servers[i];
  const removed = change(s, i, {
    learners: exclude(learners, j),
    cepochs: unhear(cepochs, j),
    ackEpochs: unhear(ackEpochs, j),
    ackLeaders: unhear(ackLeaders, j),
  });
  return setChannel(setChannel(change(removed, j, LOOKING), i, j, []), j, i, []);
}

/** Leader i loses follower j, and stops if the rest is no quorum. */
export function lose(s: State, i: Sid, j: Sid, isQuorum: (sids: readonly Sid[]) => boolean): State {
  const isEnough = isQuorum(exclude(s.servers[i].learners, j));
  return isEnough ? leave(s, i, j) : stopLeading(s, i);
}

/** Whatever i is, it looks for a leader again. */
export function stop(s: State, i: Sid, isQuorum: (sids: readonly Sid[]) => boolean): State {
  const { role, leader } = s.servers[i];
  if (role === 'leading') return stopLeading(s, i);
  if (role === 'looking') return s;
  if (leader !== null) return lose(s, leader, i, isQuorum);
  return change(dropInput(s, [i]), i, LOOKING);
}

// --- histories -----------------------------------------------------------------------------------

/** The history with everything up to `zxid` acknowledged by `sid`. */
export function acknowledge(history: History, sid: Sid, zxid: Zxid): History {
  return history.map((txn) =>
    isAfter(txn.zxid, zxid) ? txn : { ...txn, acks: include(txn.acks, sid) },
  );
}

/** What server i has delivered. */
export function committed({ history, lastCommitted }: Server): History {
  return history.slice(0, lastCommitted.index);
}

/** Server i delivers everything up to position `index`. */
export function commit(s: State, i: Sid, index: number, zxid: Zxid): State {
  const moved = change(s, i, { lastCommitted: { index, zxid } });
  const txns = committed(moved.servers[i]).map(({ zxid, value }): Txn => ({ zxid, value }));
  return { ...moved, delivered: include(s.delivered, ...txns) };
}

/** The primary of an epoch has broadcast these. */
export function recordBroadcasts(s: State, i: Sid, epoch: number, txns: readonly Txn[]): State {
  const news = txns.map(({ zxid, value }): Broadcast => ({ source: i, epoch, zxid, value }));
  return { ...s, broadcasts: include(s.broadcasts, ...news) };
}

/**
 * Leader i is established: what others have of earlier epochs and it has not will never be
 * delivered.
 */
export function skipOthers(s: State, i: Sid): State {
  const { currentEpoch, history } = s.servers[i];
  const known = [...sidsOf(s).flatMap((j) => s.servers[j].history), ...s.broadcasts];
  const others = known.filter((txn) => txn.zxid[0] < currentEpoch && !holds(history, txn));
  const txns = others.map(({ zxid, value }): Txn => ({ zxid, value }));
  return { ...s, skipped: include(s.skipped, ...txns) };
}

export function lastZxidOf(server: Server): Zxid {
  return lastZxid(server.history);
}
