/**
 * Every engine against the definition: ten thousand small histories of each object, some of them with
 * crashed callers and falsified answers, judged by the fast paths, both exact engines and the oracle.
 */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { fuzz } from '../unit/checker/linearizability/fuzz.ts';
import { subjects } from '../unit/checker/linearizability/objects.ts';

describe('all engines agree with the definition', () => {
  test.each(subjects)('$name', (subject) => {
    const { good, bad, fast, disagreement } = fuzz(subject, prngStream('engines', subject.name), {
      histories: 10_000,
    });
    expect(disagreement).toBeUndefined();
    // Both verdicts came up often, and where there is a fast path it was at work.
    expect(Math.min(good, bad)).toBeGreaterThan(300);
    if (subject.model.fastPaths !== undefined) expect(fast).toBeGreaterThan(300);
  });
});
