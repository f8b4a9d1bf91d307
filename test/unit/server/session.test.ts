import { describe, expect, it } from 'vitest';
import {
  initialSessionId,
  isCorrectPassword,
  SessionIdSource,
  sessionPassword,
} from '../../../src/server/core/session/session-id.ts';
import { SessionTracker } from '../../../src/server/core/session/session-tracker.ts';
import { TouchTable } from '../../../src/server/core/session/touch-table.ts';

const hexOf = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

describe('session passwords', () => {
  it.each([
    [0x1n, '054cc74a37327db215e702e20c73f005'],
    [-0x7fffffffffffffffn, '054cc74a37327db215e702e20c73f005'],
    [0x100000000000000n, 'f22acd4a97e69d6d20a49bb638eadb38'],
    [0x1000012345670000n, '4be494d27cc739baa123244a251a7415'],
    [0x300abcdef0120003n, '89adcd0d590639a9e52526369740ef12'],
    [0x7fffffffffffffffn, '20f62cb5648dc2d771471c8a2486a9ee'],
    [0x1000019be260000n, '78fef0c6a55a71ac16a2d091f60f5f9d'],
    [0x100003bf70b0000n, 'f7061925b81233b22d14313cc14d24ee'],
  ])('of %s are Java’s', (sessionId, password) => {
    expect(hexOf(sessionPassword(sessionId))).toBe(password);
    expect(isCorrectPassword(sessionId, sessionPassword(sessionId))).toBe(true);
  });

  it('must be complete and right', () => {
    const password = sessionPassword(5n);
    expect(isCorrectPassword(5n, password.slice(0, 15))).toBe(false);
    expect(isCorrectPassword(5n, null)).toBe(false);
    expect(isCorrectPassword(6n, password)).toBe(false);
    expect(isCorrectPassword(0n, sessionPassword(0n))).toBe(false);
    password[15] = (password[15] as number) ^ 1;
    expect(isCorrectPassword(5n, password)).toBe(false);
  });
});

describe('session ids', () => {
  it('hold the server, the time and a counter', () => {
    expect(initialSessionId(1, 0x3bf70b)).toBe(0x0100003bf70b0000n);
    expect(initialSessionId(0x103, 1)).toBe(0x0300000000010000n);
    // 41 bits of time: the highest is cut off.
    expect(initialSessionId(1, 2 ** 40 + 5)).toBe(0x0100000000050000n);
    expect(initialSessionId(0x80, 0)).toBe(-0x7fffffffffffffffn);
  });

  it('start above everything seen of the same server, whatever the clock says', () => {
    const seen = [0x0100000000090007n, 0x0100000000090003n, 0x02ffffffffffffffn];
    const source = new SessionIdSource(1, 5, seen);
    expect(source.next()).toBe(0x0100000000090008n);
    expect(source.next()).toBe(0x0100000000090009n);
    expect(new SessionIdSource(1, 10, seen).next()).toBe(0x01000000000a0000n);
    expect(new SessionIdSource(2, 1, []).next()).toBe(0x0200000000010000n);
  });

  it('are never those with a meaning', () => {
    expect(new SessionIdSource(0, 0, []).next()).toBe(1n);
    expect(new SessionIdSource(0, 0, [0x00ffffffffffffffn]).next()).toBe(1n);
    expect(new SessionIdSource(0x80, 0, []).next()).toBe(-0x7fffffffffffffffn);
  });
});

describe('the session tracker', () => {
  it('rounds deadlines up to whole ticks', () => {
    const tracker = new SessionTracker(2000);
    tracker.add(1n, 4000, 1999);
    expect(tracker.nextDeadline()).toBe(6000);
    expect(tracker.touch(1n, 4000, 2000)).toBe(true);
    expect(tracker.nextDeadline()).toBe(8000);
    // A shorter timeout, negotiated on reconnect, moves the deadline back.
    expect(tracker.touch(1n, 2000, 2001)).toBe(true);
    expect(tracker.nextDeadline()).toBe(6000);
    expect(tracker.expired(5999, 10)).toEqual([]);
    expect(tracker.expired(6000, 10)).toEqual([1n]);
    expect(tracker.nextDeadline()).toBeUndefined();
  });

  it('expires in pieces, earliest first', () => {
    const tracker = new SessionTracker(1000);
    for (let id = 1n; id <= 5n; id++) tracker.add(id, id === 5n ? 1000 : 4000, 0);
    expect(tracker.expired(9000, 3)).toEqual([5n, 1n, 2n]);
    expect(tracker.nextDeadline()).toBe(5000);
    expect(tracker.expired(9000, 3)).toEqual([3n, 4n]);
    expect(tracker.expired(9000, 3)).toEqual([]);
  });

  it('lets a closing session neither be touched nor used', () => {
    const tracker = new SessionTracker(1000);
    tracker.add(1n, 4000, 0);
    tracker.setOwner(1n, 'local');
    expect(tracker.expired(60_000, 1)).toEqual([1n]);
    expect(tracker.touch(1n, 4000, 60_000)).toBe(false);
    expect(tracker.checkSession(1n, 'local')).toBe('expired');
    tracker.add(1n, 4000, 60_000);
    expect(tracker.checkSession(1n, 'local')).toBe('expired');
    expect(tracker.count).toBe(1);
    tracker.remove(1n);
    expect(tracker.count).toBe(0);
    tracker.add(1n, 4000, 60_000);
    expect(tracker.touch(1n, 4000, 60_000)).toBe(true);
  });

  it('closes a live session before its time', () => {
    const tracker = new SessionTracker(1000);
    tracker.add(1n, 4000, 0);
    tracker.setClosing(1n);
    tracker.setClosing(9n);
    expect(tracker.nextDeadline()).toBeUndefined();
    expect(tracker.expired(60_000, 9)).toEqual([]);
  });

  it('knows through whom a session comes', () => {
    const tracker = new SessionTracker(1000);
    tracker.add(1n, 4000, 0);
    expect(tracker.checkSession(1n, 'learner/2')).toBe('ok');
    expect(tracker.checkSession(1n, 'local')).toBe('moved');
    tracker.setOwner(1n, 'local');
    expect(tracker.checkSession(1n, 'local')).toBe('ok');
    expect(tracker.checkSession(1n, 'learner/2')).toBe('moved');
    expect(tracker.checkSession(2n, 'local')).toBe('expired');
    expect(tracker.touch(2n, 4000, 0)).toBe(false);
  });
});

describe('the touch table', () => {
  it('tells each session once, with its latest timeout, and is empty then', () => {
    const table = new TouchTable();
    table.touch(2n, 4000);
    table.touch(1n, 5000);
    table.touch(2n, 6000);
    expect(table.take()).toEqual([
      { sessionId: 2n, timeoutMs: 6000 },
      { sessionId: 1n, timeoutMs: 5000 },
    ]);
    expect(table.take()).toEqual([]);
  });
});
