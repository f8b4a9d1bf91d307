/**
 * Plain data for states: sets are sorted arrays without duplicates, bags are sorted arrays, queues are
 * arrays, functions from names are records. Everything returns new values and keeps what did not change.
 */

/** 0 … count − 1. */
export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

type Digit = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
/** `a1`, `a2`, …: up to nine names, so that a record by name needs no check for a missing one. */
export type Name<Prefix extends string> = `${Prefix}${Digit}`;

export function names<Prefix extends string>(
  prefix: Prefix,
  count: number,
): readonly Name<Prefix>[] {
  return range(count).map((index) => `${prefix}${index + 1}` as Name<Prefix>);
}

/** A record with one entry per name. */
export function record<K extends string, T>(
  keys: readonly K[],
  valueOf: (key: K) => T,
): Readonly<Record<K, T>> {
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<K, T>;
}

/** A record with one entry replaced; partial changes are merged into an entry that is a record. */
export function put<K extends string, T>(
  entries: Readonly<Record<K, T>>,
  key: NoInfer<K>,
  change: T extends object ? Partial<T> : T,
): Readonly<Record<K, T>> {
  const old = entries[key];
  const isMerged = typeof old === 'object' && old !== null && !Array.isArray(old);
  // Assigned, for V8 is slow to define a computed key behind a spread.
  const result: Record<K, unknown> = { ...entries };
  result[key] = isMerged ? { ...old, ...(change as object) } : change;
  return result as Record<K, T>;
}

/** A record of records with one entry of one of them replaced. */
export function putIn<R extends string, C extends string, T>(
  table: Readonly<Record<R, Readonly<Record<C, T>>>>,
  row: NoInfer<R>,
  column: NoInfer<C>,
  value: NoInfer<T>,
): Readonly<Record<R, Readonly<Record<C, T>>>> {
  const entries: Record<C, T> = { ...table[row] };
  entries[column] = value;
  const result: Record<R, Readonly<Record<C, T>>> = { ...table };
  result[row] = entries;
  return result;
}

/** How a state is asked for another one if it is to hear of it (memo.ts). */
export const EXCEPT = Symbol('except');

/** [state EXCEPT …]: some fields replaced. Unlike a spread this does not read the others. */
export function except<S extends object>(state: S, change: Partial<S>): S {
  const lent = state as { [EXCEPT]?(change: Partial<S>): S };
  return lent[EXCEPT]?.(change) ?? { ...state, ...change };
}

export function keysOf<K extends string>(entries: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(entries) as K[];
}

/** A record with its keys renamed. */
export function rekey<K extends string, T>(
  entries: Readonly<Record<K, T>>,
  rename: (key: K) => K,
): Readonly<Record<K, T>> {
  const renamed = Object.entries(entries).map(([key, value]) => [rename(key as K), value]);
  return Object.fromEntries(renamed) as Record<K, T>;
}

/** An array with one element replaced. */
export function putAt<T>(row: readonly T[], index: number, value: T): readonly T[] {
  if (row[index] === value) return row;
  const copy = row.slice();
  copy[index] = value;
  return copy;
}

/** The element at an index that is known to exist. */
export function at<T>(row: readonly T[], index: number): T {
  if (index < 0 || index >= row.length) throw new RangeError(`no element ${index}`);
  return row[index] as T;
}

/**
 * A total order over plain data: null, booleans, numbers, strings, arrays, records. Records compare by
 * `type` if they have one, then by their keys and values in the order of the sorted keys.
 */
export function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    if (Array.isArray(a)) return Array.isArray(b) ? compareArrays(a, b) : -1;
    return Array.isArray(b) ? 1 : compareRecords(a as Fields, b as Fields);
  }
  if (typeof a === typeof b && a !== null && b !== null)
    return (a as number) < (b as number) ? -1 : 1;
  return rankOf(a) - rankOf(b);
}

type Fields = Readonly<Record<string, unknown>>;

function rankOf(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number') return 2;
  return typeof value === 'string' ? 3 : 4;
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const order = compare(a[index], b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareRecords(a: Fields, b: Fields): number {
  if (a.type !== b.type) return compare(a.type ?? null, b.type ?? null);
  // With equal keys the least key whose values differ decides, in whatever order they are listed.
  let decisive: string | undefined;
  let decision = 0;
  let count = 0;
  for (const key in a) {
    const other = b[key];
    if (other === undefined) return compareEntries(a, b);
    count++;
    const order = compare(a[key], other);
    if (order === 0 || (decisive !== undefined && decisive < key)) continue;
    decisive = key;
    decision = order;
  }
  for (const _ in b) count--;
  return count === 0 ? decision : compareEntries(a, b);
}

function compareEntries(a: Fields, b: Fields): number {
  const sorted = (fields: Fields) => Object.entries(fields).sort(([x], [y]) => (x < y ? -1 : 1));
  return compareArrays(sorted(a), sorted(b));
}

export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b) === 0;
}

/** Where `value` stands in a sorted array, or where it would, as −index − 1. */
function search<T>(sorted: readonly T[], value: T): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compare(sorted[middle], value);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -low - 1;
}

/** The set of these values. */
export function setOf<T>(values: Iterable<T>): readonly T[] {
  const sorted = [...values].sort(compare);
  return sorted.filter((value, index) => index === 0 || !equal(value, sorted[index - 1]));
}

export function has<T>(set: readonly T[], value: T): boolean {
  return search(set, value) >= 0;
}

/** The set with these values. */
export function include<T>(set: readonly T[], ...values: readonly T[]): readonly T[] {
  let result = set;
  for (const value of values) {
    const found = search(result, value);
    if (found < 0) result = insertAt(result, -found - 1, value);
  }
  return result;
}

/** The set, or bag, without one occurrence of each of these values. */
export function exclude<T>(set: readonly T[], ...values: readonly T[]): readonly T[] {
  let result = set;
  for (const value of values) {
    const found = search(result, value);
    if (found >= 0) result = [...result.slice(0, found), ...result.slice(found + 1)];
  }
  return result;
}

/** The bag with one more of each of these values. */
export function add<T>(bag: readonly T[], ...values: readonly T[]): readonly T[] {
  let result = bag;
  for (const value of values) {
    const found = search(result, value);
    result = insertAt(result, found < 0 ? -found - 1 : found, value);
  }
  return result;
}

function insertAt<T>(sorted: readonly T[], index: number, value: T): readonly T[] {
  const result = sorted.slice();
  result.push(value);
  for (let at = result.length - 1; at > index; at--) result[at] = result[at - 1] as T;
  result[index] = value;
  return result;
}

/** All subsets, the empty one first. */
export function subsets<T>(values: readonly T[]): readonly (readonly T[])[] {
  const [first, ...rest] = values;
  if (first === undefined) return [[]];
  const without = subsets(rest);
  return [...without, ...without.map((subset) => [first, ...subset])];
}

/** All subsets with more than half of the values. */
export function majorities<T>(values: readonly T[]): readonly (readonly T[])[] {
  return subsets(values).filter((subset) => 2 * subset.length > values.length);
}

export function permutations<T>(values: readonly T[]): readonly (readonly T[])[] {
  if (values.length === 0) return [[]];
  return values.flatMap((value, index) =>
    permutations([...values.slice(0, index), ...values.slice(index + 1)]).map((rest) => [
      value,
      ...rest,
    ]),
  );
}
