/** What the actions of the system model say about messages and roles. */
import { range } from '../../kernel/value.ts';
import { positionOf } from './history.ts';
import {
  type Budget,
  head,
  type Message,
  type MessageOf,
  receive,
  type Server,
  type Sid,
  type State,
  type SystemScope,
  send,
  sidsOf,
} from './system-state.ts';

export type One = { readonly i: Sid };
export type Two = { readonly i: Sid; readonly j: Sid };

/** A guard: the scope allows one more. */
export const left = (budget: SystemScope, name: Budget) => ({
  [`${name} are left`]: (s: State) => s.used[name] < budget[name],
});

/** What i gets next from its leader, if it is of this type. */
export const fromLeader = <T extends Message['type']>(s: State, i: Sid, type: T) => {
  const { leader } = s.servers[i];
  const message = leader === null ? undefined : head(s, leader, i);
  return message?.type === type ? (message as MessageOf<T>) : undefined;
};

export const fromLearner = <T extends Message['type']>(s: State, { i, j }: Two, type: T) => {
  const message = s.servers[i].handlers[j] === null ? undefined : head(s, j, i);
  return message?.type === type ? (message as MessageOf<T>) : undefined;
};

export const arrivedAtLearner = (type: Message['type'], ...phases: readonly Server['phase'][]) => ({
  [`${type} has arrived, in time`]: (s: State, { i }: One) =>
    s.servers[i].role === 'following' &&
    phases.includes(s.servers[i].phase) &&
    fromLeader(s, i, type) !== undefined,
});

export const arrivedAtLeader = (type: Message['type']) => ({
  [`${type} has arrived`]: (s: State, link: Two) => fromLearner(s, link, type) !== undefined,
});

export const taken = (s: State, i: Sid): State => receive(s, s.servers[i].leader as Sid, i);

export const answer = (s: State, i: Sid, message: Message): State =>
  send(s, i, s.servers[i].leader as Sid, message);

export const isIn =
  (role: Server['role'], ...phases: readonly Server['phase'][]) =>
  (s: State, { i }: One): boolean =>
    s.servers[i].role === role && phases.includes(s.servers[i].phase);

export const isBroadcasting = (s: State, { i }: One): boolean => s.servers[i].phase === 'broadcast';

/** Every position in any log, 0 included. */
export const positions = (s: State): readonly number[] =>
  range(Math.max(...sidsOf(s).map((i) => s.servers[i].log.length)) + 1);

/** The disk does not have that transaction, or cannot be recovered without what came later. */
export function cannotTruncate({ log, phase, snapshots, target }: Server): boolean {
  if (phase !== 'truncating') return false;
  const place = positionOf(log, target);
  return place === undefined || place < (snapshots[0] ?? 0);
}
