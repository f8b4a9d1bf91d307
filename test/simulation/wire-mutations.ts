/**
 * Wrong records made of right ones: one message on a wire is deleted, seen twice, exchanged with the next of its
 * direction that says something else, or changed in one value. All are numbered anew.
 */
import type { Observation } from '../../spec/conform/index.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Mutation } from './conform-mutations.ts';

/** Undefined where that cannot be done here, or changes nothing that can be seen. */
export function mutatedWires(
  seen: readonly Observation[],
  at: number,
  mutation: Mutation,
  prng: Prng,
): readonly Observation[] | undefined {
  return changedList(seen, at, mutation, prng)?.map((one, index) => ({ ...one, n: index + 1 }));
}

function changedList(
  seen: readonly Observation[],
  at: number,
  mutation: Mutation,
  prng: Prng,
): readonly Observation[] | undefined {
  const one = seen[at] as Observation;
  const later = seen.findIndex((other, index) => index > at && isSameDirection(one, other));
  switch (mutation) {
    case 'deleted':
      // The last one of a connection may have been lost with it.
      return later < 0 ? undefined : seen.toSpliced(at, 1);
    case 'repeated':
      return seen.toSpliced(at, 0, one);
    case 'swapped':
      return swapped(seen, at, later);
    case 'changed':
      return changed(seen, at, prng);
  }
}

const isSameDirection = (one: Observation, other: Observation): boolean =>
  one.connection === other.connection && one.from === other.from;

function swapped(
  seen: readonly Observation[],
  at: number,
  later: number,
): readonly Observation[] | undefined {
  const [one, other] = [seen[at], seen[later]];
  if (one === undefined || other === undefined) return undefined;
  const isSame =
    JSON.stringify({ ...one, n: 0, time: 0 }) === JSON.stringify({ ...other, n: 0, time: 0 });
  return isSame ? undefined : seen.with(at, other).with(later, one);
}

const unchangeable: ReadonlySet<string> = new Set(['n', 'time', 'link', 'connection', 'message']);

function changed(
  seen: readonly Observation[],
  at: number,
  prng: Prng,
): readonly Observation[] | undefined {
  const one = seen[at] as Observation;
  const values = one as unknown as Readonly<Record<string, unknown>>;
  const fields = Object.keys(values).filter((key) => {
    // UPTODATE says nothing but who is told.
    return !unchangeable.has(key) && key !== 'from' && key !== 'to';
  });
  if (fields.length === 0) return undefined;
  const key = prng.pick(fields);
  return seen.with(at, { ...values, [key]: other(values[key], prng) } as unknown as Observation);
}

function other(value: unknown, prng: Prng): unknown {
  const isLess = prng.chance(500);
  if (typeof value === 'number') return value > 0 && isLess ? value - 1 : value + 1;
  const text = String(value);
  if (!text.startsWith('0x')) return text === 'setData' ? 'delete' : 'setData';
  const number = BigInt(text);
  return `0x${(number + (isLess && number > 0n ? -1n : 1n)).toString(16)}`;
}
