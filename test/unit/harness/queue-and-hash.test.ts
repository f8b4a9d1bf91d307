import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../src/base/prng.ts';
import { EventQueue } from '../../../src/harness/world/simulation/event-queue.ts';
import { TraceHash } from '../../../src/harness/world/simulation/trace-hash.ts';

describe('the event queue', () => {
  test('gives actions by time, then in the order of asking, and skips cancelled ones', () => {
    const queue = new EventQueue();
    const seen: string[] = [];
    queue.at(20, () => seen.push('c'));
    queue.at(10, () => seen.push('a'));
    const cancelled = queue.at(15, () => seen.push('never'));
    queue.at(10, () => seen.push('b'));
    cancelled.cancel();
    for (let action = queue.take(); action !== undefined; action = queue.take()) action();
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(queue.nowUs).toBe(20);
  });

  test('orders ten thousand random entries as a stable sort does', () => {
    const queue = new EventQueue();
    const prng = prngStream('1', 'queue');
    const expected: Array<readonly [number, number]> = [];
    const seen: Array<readonly [number, number]> = [];
    for (let index = 0; index < 10_000; index++) {
      const at = prng.int(0, 500);
      expected.push([at, index]);
      queue.at(at, () => seen.push([at, index]));
    }
    for (let action = queue.take(); action !== undefined; action = queue.take()) action();
    expect(seen).toEqual(expected.sort((a, b) => a[0] - b[0]));
  });

  test('the past is now', () => {
    const queue = new EventQueue();
    queue.at(50, () => undefined);
    queue.take();
    queue.at(10, () => undefined);
    queue.take();
    expect(queue.nowUs).toBe(50);
  });
});

describe('the trace hash', () => {
  const hashOf = (...values: readonly unknown[]): string => {
    const hash = new TraceHash();
    for (const value of values) hash.value(value);
    return hash.hex();
  };

  test('is the same for the same values, in any process', () => {
    const values = [{ type: 'send', bytes: Uint8Array.of(1, 2, 3), n: 7n }, [true, null, 'x'], 2.5];
    expect(hashOf(...values)).toBe(hashOf(...values));
    expect(hashOf({ type: 'timer-fired', timer: 'tick' }, 12)).toBe('199d77a827c4baf6');
  });

  test.each([
    [
      [1, 2],
      [2, 1],
    ],
    [['1'], [1]],
    [[true], [false]],
    [[1n], [1]],
    [
      [[1, 2], 3],
      [[1], [2, 3]],
    ],
    [[Uint8Array.of(0)], [Uint8Array.of(0, 0)]],
    [[{ a: 1 }], [{ b: 1 }]],
    [[undefined], [null]],
    [[0x1_0000_0000n], [0n]],
    [[2 ** 40], [2 ** 41]],
  ] as const)('tells the pair of case %# apart', (one, other) => {
    expect(hashOf(...one)).not.toBe(hashOf(...other));
  });
});
