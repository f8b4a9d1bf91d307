/**
 * Many readers or one writer: a lock that is shared by those who load from a fenced store and excludes
 * those who store (fenced-lock.ts has the operations).
 */
import { sharedHolds } from '../src/checker/index.ts';
import { fencedLock } from './fenced-lock.ts';

export const readWriteLock = fencedLock({
  name: 'read-write-lock',
  title: 'A shared and exclusive lock: its readers load from a fenced store, its writers store',
  acquisitions: { 'acquire-shared': 'shared', 'acquire-exclusive': 'exclusive' },
  sometimes: { 'two readers held a lock at once': sharedHolds },
});
