/**
 * Servers are interchangeable in the protocol: the oracle names whom it likes, and no id is
 * compared.
 *
 * One state stands for all that differ by names, the least of them. TLC compares states variable by
 * variable, in the order of its symbol table, and the last action takes part in that although the
 * view drops it afterwards. So where the variables before it do not single a state out, states of
 * one orbit reached by different actions have different representatives and count apart: 78 where
 * there are 77 orbits, 974 for 870. That is sound, and `order` does the same, so that the numbers
 * can be compared.
 */
import type { Rename } from '../../kernel/model.ts';
import { setOf } from '../../kernel/value.ts';
import {
  type Heard,
  type History,
  type Message,
  type Server,
  type Sid,
  type State,
  sidsOf,
} from './protocol-state.ts';

export function permute(s: State, to: Rename): State {
  const orNull = (sid: Sid | null): Sid | null => (sid === null ? null : to(sid));
  const row = <T>(entries: Readonly<Record<Sid, T>>, of: (entry: T) => T) => ({
    ...entries,
    ...Object.fromEntries(sidsOf(s).map((i) => [to(i), of(entries[i])])),
  });
  const set = (sids: readonly Sid[]): readonly Sid[] => setOf(sids.map(to));
  const heard = <H extends Heard>(all: readonly H[]): readonly H[] =>
    setOf(all.map((one) => ({ ...one, sid: to(one.sid) })));
  const history = (txns: History): History => txns.map((txn) => ({ ...txn, acks: set(txn.acks) }));
  const message = (one: Message): Message =>
    'history' in one ? { ...one, history: history(one.history) } : one;
  return {
    ...s,
    servers: row(s.servers, (server) => ({
      ...server,
      history: history(server.history),
      leader: orNull(server.leader),
      learners: set(server.learners),
      cepochs: heard(server.cepochs),
      ackEpochs: heard(server.ackEpochs.map((one) => ({ ...one, history: history(one.history) }))),
      ackLeaders: heard(server.ackLeaders),
    })),
    oracle: orNull(s.oracle),
    messages: row(s.messages, (inputs) => row(inputs, (queue) => queue.map(message))),
    last: [s.last[0], ...s.last.slice(1).map((sid) => to(sid as Sid))],
    epochLeaders: Object.fromEntries(
      Object.entries(s.epochLeaders).map(([epoch, leaders]) => [epoch, set(leaders)]),
    ),
    broadcasts: setOf(s.broadcasts.map((one) => ({ ...one, source: to(one.source) }))),
  };
}

// --- TLC's order ---------------------------------------------------------------------------------

type Key = number | string | boolean | readonly Key[];

const isList = (key: Key): key is readonly Key[] => Array.isArray(key);

/** Shorter sequences and smaller sets come first. */
function compareKeys(a: Key, b: Key): number {
  if (!isList(a) || !isList(b)) return a === b ? 0 : a < b ? -1 : 1;
  if (a.length !== b.length) return a.length - b.length;
  for (let index = 0; index < a.length; index++) {
    const difference = compareKeys(a[index] as Key, b[index] as Key);
    if (difference !== 0) return difference;
  }
  return 0;
}

const PHASES = ['election', 'discovery', 'synchronization', 'broadcast'];
const ROLES = ['looking', 'following', 'leading'];
const TYPES = 'CEPOCH NEWEPOCH ACKEPOCH NEWLEADER ACKLD COMMITLD PROPOSE ACK COMMIT'.split(' ');

const orNone = (sid: Sid | null): Key => sid ?? '';
const ofHistory = (history: History): Key =>
  history.map(({ zxid, value, epoch, acks }) => [zxid, value, epoch, acks]);
const ofSet = (elements: readonly Key[]): Key => [...elements].sort(compareKeys);
const ofHeard = <H extends Heard>(all: readonly H[], rest: (one: H) => readonly Key[]): Key =>
  ofSet(all.map((one) => [one.connected, one.sid, ...rest(one)]));

/** Records of fewer fields first; of as many, those with an epoch before those with a zxid. */
function ofMessage(message: Message): Key {
  const fields = [Object.keys(message).length, 'zxid' in message, TYPES.indexOf(message.type)];
  if ('history' in message) return [...fields, message.epoch, ofHistory(message.history)];
  if ('value' in message) return [...fields, message.zxid, message.value];
  return [...fields, 'zxid' in message ? message.zxid : message.epoch];
}

const each =
  (of: (server: Server) => Key) =>
  (s: State): Key =>
    sidsOf(s).map((i) => of(s.servers[i]));

const VARIABLES: readonly ((s: State) => Key)[] = [
  each(({ leader }) => orNone(leader)),
  (s) => sidsOf(s).map((i) => sidsOf(s).map((j) => s.messages[i][j].map(ofMessage))),
  each(({ history }) => ofHistory(history)),
  each(({ phase }) => PHASES.indexOf(phase)),
  (s) => s.last,
  each(({ acceptedEpoch }) => acceptedEpoch),
  (s) => ofSet(s.broadcasts.map(({ zxid, epoch, source, value }) => [zxid, epoch, source, value])),
  each(({ lastCommitted: { zxid, index } }) => [zxid, index]),
  each(({ proposed }) => proposed),
  each(({ ackEpochs }) => ofHeard(ackEpochs, (one) => [one.epoch, ofHistory(one.history)])),
  each(({ currentEpoch }) => currentEpoch),
  each(({ learners }) => learners),
  each(({ cepochs }) => ofHeard(cepochs, ({ epoch }) => [epoch])),
  (s) => orNone(s.oracle),
  each(({ role }) => ROLES.indexOf(role)),
  each(({ ackLeaders }) => ofHeard(ackLeaders, () => [])),
  (s) => Object.values(s.epochLeaders),
];

export function order(a: State, b: State): number {
  for (const variable of VARIABLES) {
    const difference = compareKeys(variable(a), variable(b));
    if (difference !== 0) return difference;
  }
  return 0;
}
