/**
 * A million small histories of each object against the definition, a seed for each piece of them. An hour
 * and more in all; one object alone is `-t 'queue'`.
 *
 *   UMPIRE_HISTORIES_PER_OBJECT   how many; default 1 000 000
 *   UMPIRE_SEED                   other histories; default `long`
 */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { fuzz } from '../unit/checker/linearizability/fuzz.ts';
import { subjects } from '../unit/checker/linearizability/objects.ts';

const total = Number(process.env.UMPIRE_HISTORIES_PER_OBJECT ?? 1_000_000);
const seed = process.env.UMPIRE_SEED ?? 'long';
const PIECE = 20_000;

describe(`${total} histories of each object`, () => {
  test.each(subjects)('$name', (subject) => {
    const counts = { histories: 0, linearizable: 0, 'non-linearizable': 0, 'by fast paths': 0 };
    const engines: Record<string, number> = {};
    const before = process.cpuUsage();
    for (let done = 0; done < total; done += PIECE) {
      const histories = Math.min(PIECE, total - done);
      // One stream per piece, so that a failure can be found again quickly.
      const label = `${subject.name}/${done}`;
      const found = fuzz(subject, prngStream(seed, label), { histories });
      expect(found.disagreement, `seed ${seed}, stream ${label}`).toBeUndefined();
      counts.histories += histories;
      counts.linearizable += found.good;
      counts['non-linearizable'] += found.bad;
      counts['by fast paths'] += found.fast;
      for (const [name, runs] of found.runs) engines[name] = (engines[name] ?? 0) + runs;
    }
    const { user, system } = process.cpuUsage(before);
    const cpuSeconds = Math.round((user + system) / 1e6);
    console.log(JSON.stringify({ object: subject.name, seed, ...counts, engines, cpuSeconds }));
  });
});
