/**
 * What can be compared between the model and real servers: the promises on disk, how far the log is
 * written, flushed and applied, the roles, and every message that is on its way.
 */
import type { Txn, Zxid } from '../models/zab/history.ts';
import { lastZxid } from '../models/zab/history.ts';
import { type Message, type Sid, type State, sidsOf } from '../models/zab/system-state.ts';

/** `-`: says nothing now, for example while memory is not read back yet. */
export interface ServerView {
  readonly role: 'down' | 'looking' | 'following' | 'leading';
  readonly acceptedEpoch: string;
  readonly currentEpoch: string;
  readonly lastLogged: string;
  readonly lastFlushed: string;
  readonly lastApplied: string;
}

export interface View {
  readonly servers: Readonly<Record<string, ServerView>>;
  /** `s1→s2`: what s1 sent to s2 and has not arrived, oldest first. Empty channels are left out. */
  readonly channels: Readonly<Record<string, readonly string[]>>;
}

export const zxidText = ([epoch, counter]: Zxid): string => `${epoch}.${counter}`;

/** The field that no server can tell while it is down or reads its disk. */
const UNKNOWN = '-';

export function viewOf(s: State): View {
  const sids = sidsOf(s);
  const servers = Object.fromEntries(sids.map((i) => [i, serverView(s, i)]));
  const channels = sids.flatMap((from) =>
    sids
      .map((to) => [`${from}→${to}`, s.messages[from][to].map(messageText)] as const)
      .filter(([, messages]) => messages.length > 0),
  );
  return { servers, channels: Object.fromEntries(channels) };
}

function serverView(s: State, i: Sid): ServerView {
  const { acceptedEpoch, applied, currentEpoch, flushed, log, phase, role } = s.servers[i];
  if (role === 'down') return nothing('down');
  const isStale = role === 'recovering' || phase === 'truncated';
  const last = (txns: readonly Txn[]): string => (isStale ? UNKNOWN : zxidText(lastZxid(txns)));
  return {
    role: role === 'recovering' ? 'looking' : role,
    acceptedEpoch: String(acceptedEpoch),
    currentEpoch: String(currentEpoch),
    lastLogged: last(log),
    lastFlushed: last(log.slice(0, flushed)),
    lastApplied: phase === 'loading' ? UNKNOWN : last(log.slice(0, applied)),
  };
}

export function nothing(role: ServerView['role']): ServerView {
  return {
    role,
    acceptedEpoch: UNKNOWN,
    currentEpoch: UNKNOWN,
    lastLogged: UNKNOWN,
    lastFlushed: UNKNOWN,
    lastApplied: UNKNOWN,
  };
}

export function messageText(message: Message): string {
  switch (message.type) {
    case 'ACKEPOCH':
      return `ACKEPOCH ${message.epoch ?? 'known'} ${zxidText(message.zxid)}`;
    case 'FOLLOWERINFO':
    case 'LEADERINFO':
    case 'NEWLEADER':
      return `${message.type} ${message.epoch}`;
    case 'PROPOSAL':
      return `PROPOSAL ${zxidText(message.txn.zxid)} = ${message.txn.value}`;
    case 'UPTODATE':
      return message.type;
    default:
      return `${message.type} ${zxidText(message.zxid)}`;
  }
}

/** Where a server differs from the model, in words; fields that the model knows nothing of are passed over. */
export function differences(model: View, server: View): readonly string[] {
  const found: string[] = [];
  for (const [sid, expected] of Object.entries(model.servers)) {
    const actual = server.servers[sid];
    for (const [field, value] of Object.entries(expected)) {
      const told = actual?.[field as keyof ServerView];
      if (value !== UNKNOWN && told !== value) {
        found.push(`${sid} ${field}: the model says ${value}, the server ${told}`);
      }
    }
  }
  const links = new Set([...Object.keys(model.channels), ...Object.keys(server.channels)]);
  for (const link of [...links].sort()) {
    const expected = (model.channels[link] ?? []).join(', ');
    const actual = (server.channels[link] ?? []).join(', ');
    if (expected !== actual) {
      found.push(`${link}: the model sends [${expected}], the server [${actual}]`);
    }
  }
  return found;
}
