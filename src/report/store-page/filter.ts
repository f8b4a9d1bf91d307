/** Which entries of a store are asked for: words that all must occur, and exact values. */
import type { StoreEntry } from './read-store.ts';

export interface StoreFilter {
  /** Words with blanks between them; each must occur somewhere, whatever its case. */
  readonly q: string;
  readonly verdict: string;
  readonly world: string;
  readonly workload: string;
}

export function filterOf(query: URLSearchParams): StoreFilter {
  const value = (name: string): string => query.get(name) ?? '';
  return {
    q: value('q'),
    verdict: value('verdict'),
    world: value('world'),
    workload: value('workload'),
  };
}

export function filterStore(entries: readonly StoreEntry[], filter: StoreFilter): StoreEntry[] {
  const words = filter.q
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return entries.filter((entry) => {
    const { verdict = 'unfinished', world, workload } = entry;
    if (filter.verdict !== '' && filter.verdict !== verdict) return false;
    if (filter.world !== '' && filter.world !== world) return false;
    if (filter.workload !== '' && filter.workload !== workload) return false;
    const text = [
      entry.path,
      entry.name,
      entry.sentence,
      entry.seed,
      ...entry.faults,
      world,
      workload,
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
