/**
 * A million small histories of each object against the definition. UMPIRE_HISTORIES_PER_OBJECT shortens it
 * (or makes it longer).
 */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { fuzz } from '../unit/checker/linearizability/fuzz.ts';
import { subjects } from '../unit/checker/linearizability/objects.ts';

const total = Number(process.env.UMPIRE_HISTORIES_PER_OBJECT ?? 1_000_000);
const PIECE = 20_000;

describe(`${total} histories of each object`, () => {
  test.each(subjects)('$name', (subject) => {
    for (let done = 0; done < total; done += PIECE) {
      const histories = Math.min(PIECE, total - done);
      // One stream per piece, so that a failure can be found again quickly.
      const stream = prngStream('long', `${subject.name}/${done}`);
      expect(fuzz(subject, stream, { histories }).disagreement, `piece ${done}`).toBeUndefined();
    }
  });
});
