/**
 * Wrong traces made of right ones: one event of a server is deleted, told twice, exchanged with a later one, or
 * changed in one value of its arguments or of what it says of the server. The others keep their numbers, as in
 * a log that lost a line; or all are numbered anew, so that a gap in the numbers gives nothing away.
 */

import type { EventsByNode } from '../../spec/conform/index.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';

export type Mutation = 'deleted' | 'repeated' | 'swapped' | 'changed';
export const mutations: readonly Mutation[] = ['deleted', 'repeated', 'swapped', 'changed'];

/** Undefined where that cannot be done here. */
export function mutated(
  events: EventsByNode,
  target: ProtocolEvent,
  { mutation, numbers }: { readonly mutation: Mutation; readonly numbers: 'kept' | 'new' },
  prng: Prng,
): EventsByNode | undefined {
  const list = events.get(target.node) ?? [];
  const at = list.indexOf(target);
  const changed = changedList(list, at, mutation, prng);
  if (changed === undefined) return undefined;
  const told = numbers === 'new' ? renumbered(changed) : changed;
  return new Map([...events, [target.node, told]]);
}

function changedList(
  list: readonly ProtocolEvent[],
  at: number,
  mutation: Mutation,
  prng: Prng,
): readonly ProtocolEvent[] | undefined {
  const [event, next] = [list[at], list[at + 1]];
  if (event === undefined) return undefined;
  switch (mutation) {
    case 'deleted':
      // The last of a life may not have been written any more.
      return next?.incarnation === event.incarnation ? list.toSpliced(at, 1) : undefined;
    case 'repeated':
      return list.toSpliced(at, 0, event);
    case 'swapped':
      return swapped(list, at);
    case 'changed':
      return list.with(at, changedEvent(event, prng));
  }
}

/** With the next one that tells another state: two that tell the same may come in either order. */
function swapped(list: readonly ProtocolEvent[], at: number): readonly ProtocolEvent[] | undefined {
  const event = list[at] as ProtocolEvent;
  const said = JSON.stringify(event.post);
  const other = list.findIndex(({ post }, index) => index > at && JSON.stringify(post) !== said);
  const partner = list[other];
  if (partner?.incarnation !== event.incarnation) return undefined;
  return list.with(at, partner).with(other, event);
}

function renumbered(list: readonly ProtocolEvent[]): readonly ProtocolEvent[] {
  let [incarnation, n] = [0, 0];
  return list.map((event) => {
    n = event.incarnation === incarnation ? n + 1 : 1;
    incarnation = event.incarnation;
    return { ...event, n };
  });
}

function changedEvent(event: ProtocolEvent, prng: Prng): ProtocolEvent {
  const fields = [
    // A reason is for people.
    ...Object.keys(event.args).flatMap((key) => (key === 'reason' ? [] : [['args', key] as const])),
    ...Object.keys(event.post).map((key) => ['post', key] as const),
  ];
  const [part, key] = prng.pick(fields);
  const values = event[part] as unknown as Readonly<Record<string, unknown>>;
  return { ...event, [part]: { ...values, [key]: other(values[key], prng) } } as ProtocolEvent;
}

const words: readonly (readonly string[])[] = [
  ['looking', 'following', 'leading'],
  ['DIFF', 'TRUNC', 'SNAP'],
  ['create', 'setData', 'delete', 'createSession', 'closeSession'],
];

function other(value: unknown, prng: Prng): unknown {
  if (typeof value === 'number') return value + (value > 0 && prng.chance(500) ? -1 : 1);
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return prng.chance(500) ? value.slice(1) : [...value, 9];
  const text = String(value);
  if (text.startsWith('0x')) {
    const number = BigInt(text);
    const by = prng.chance(500) && number > 0n ? -1n : 1n;
    return `0x${(number + by).toString(16)}`;
  }
  const list = words.find((candidates) => candidates.includes(text)) ?? [];
  const others = list.filter((word) => word !== text);
  return others.length > 0 ? prng.pick(others) : `${text}'`;
}
