/**
 * Lists of children as they were told. Two lists of one node differ by a few names: what both have at their
 * beginnings and at their ends is neither hashed nor kept again.
 */
import { NameSum } from './name-hash.ts';

/** So many lists may stand on one that is kept whole. */
const MAX_CHAIN = 64;

export interface NameList {
  readonly length: number;
  readonly sum: NameSum;
  /** Between so many names at the beginning and at the end of the list before. */
  readonly middle: readonly string[];
  readonly before: NameList | undefined;
  readonly head: number;
  readonly tail: number;
}

/** The newest list of a node. */
interface Newest {
  readonly list: NameList;
  readonly names: readonly string[];
  /** How many lists it stands on. */
  readonly chain: number;
}

const nothing: Newest = {
  list: { length: 0, sum: new NameSum(), middle: [], before: undefined, head: 0, tail: 0 },
  names: [],
  chain: MAX_CHAIN,
};

export class NameLists {
  readonly #newest = new Map<number, Newest>();

  /** The names are kept as they are: they must not change any more. */
  add(path: number, names: readonly string[]): NameList {
    const { list: before, names: old, chain } = this.#newest.get(path) ?? nothing;
    const shorter = Math.min(names.length, old.length);
    let head = 0;
    while (head < shorter && names[head] === old[head]) head++;
    const shift = old.length - names.length;
    let end = names.length;
    while (end > head && end + shift > head && names[end - 1] === old[end - 1 + shift]) end--;

    const { length } = names;
    const sum = new NameSum(before.sum);
    for (let at = head; at < end + shift; at++) sum.add(old[at] as string, -1);
    for (let at = head; at < end; at++) sum.add(names[at] as string);
    const isWhole = chain === MAX_CHAIN;
    const list: NameList = isWhole
      ? { length, sum, middle: names, before: undefined, head: 0, tail: 0 }
      : { length, sum, middle: names.slice(head, end), before, head, tail: length - end };
    this.#newest.set(path, { list, names, chain: isWhole ? 0 : chain + 1 });
    return list;
  }
}

export function namesOf({ middle, before, head, tail }: NameList): readonly string[] {
  if (before === undefined) return middle;
  const names = namesOf(before);
  return [...names.slice(0, head), ...middle, ...names.slice(names.length - tail)];
}
