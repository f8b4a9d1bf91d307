/** One holder at a time: an exclusive lock that guards a fenced store (fenced-lock.ts has the operations). */
import { fencedLock } from './fenced-lock.ts';

export const lock = fencedLock({
  name: 'lock',
  title: 'An exclusive lock whose holders write to a separate fenced store',
  acquisitions: { acquire: 'exclusive' },
});
