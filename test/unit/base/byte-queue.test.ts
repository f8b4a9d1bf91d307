import { describe, expect, test } from 'vitest';
import { ByteQueue, ByteQueueFullError } from '../../../src/base/byte-queue.ts';

const unread = (queue: ByteQueue) => [...queue.bytes.subarray(queue.offset)];

describe('a byte queue', () => {
  test('joins chunks and drops what was consumed', () => {
    const queue = new ByteQueue();
    queue.push(Uint8Array.of(1, 2, 3));
    queue.push(Uint8Array.of(4));
    queue.consume(2);
    queue.push(Uint8Array.of(5, 6));
    expect(unread(queue)).toEqual([3, 4, 5, 6]);
    expect(queue.sizeBytes).toBe(4);
    queue.consume(4);
    expect(queue.sizeBytes).toBe(0);
    expect(unread(queue)).toEqual([]);
  });

  test('does not alias the chunks', () => {
    const queue = new ByteQueue();
    const chunk = Uint8Array.of(1, 2);
    queue.push(chunk);
    chunk.fill(9);
    expect(unread(queue)).toEqual([1, 2]);
  });

  test('refuses what exceeds its bound, and keeps what it had', () => {
    const queue = new ByteQueue(4);
    queue.push(Uint8Array.of(1, 2, 3));
    expect(() => queue.push(Uint8Array.of(4, 5))).toThrow(ByteQueueFullError);
    queue.consume(1);
    queue.push(Uint8Array.of(4, 5));
    expect(unread(queue)).toEqual([2, 3, 4, 5]);
  });

  test('works inside a fixed buffer while little is unread, and gives a large one back', () => {
    const queue = new ByteQueue();
    const buffers = new Set<ArrayBufferLike>();
    for (let round = 0; round < 10_000; round++) {
      queue.push(new Uint8Array(100).fill(round));
      if (round % 3 !== 0) queue.consume(round % 2 === 0 ? 130 : 170);
      buffers.add(queue.bytes.buffer);
      expect(queue.sizeBytes).toBeLessThan(1000);
    }
    expect(buffers.size).toBeLessThan(5);
    queue.push(new Uint8Array(1_000_000));
    expect(queue.bytes.buffer.byteLength).toBeGreaterThanOrEqual(1_000_000);
    queue.consume(queue.sizeBytes);
    expect(queue.bytes.buffer.byteLength).toBe(0);
  });

  test('leaves room behind what is unread, so that it seldom has to be moved', () => {
    const queue = new ByteQueue();
    queue.push(new Uint8Array(1000));
    queue.consume(10);
    queue.push(new Uint8Array(1005));
    expect(queue.sizeBytes).toBe(1995);
    expect(queue.bytes.buffer.byteLength).toBeGreaterThanOrEqual(2 * 1995);
  });

  test('takes a megabyte byte by byte without moving everything each time', () => {
    const queue = new ByteQueue();
    const one = new Uint8Array(1);
    let capacities = 0;
    let buffer: ArrayBufferLike | undefined;
    for (let count = 0; count < 1_000_000; count++) {
      queue.push(one);
      if (queue.bytes.buffer !== buffer) capacities++;
      buffer = queue.bytes.buffer;
    }
    expect(capacities).toBeLessThan(15);
  });
});
