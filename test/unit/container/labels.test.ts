import { describe, expect, test } from 'vitest';
import { isOwnerAlive, ownerOf } from '../../../src/harness/world/container/labels.ts';

describe('owners of containers', () => {
  test('this process lives', () => {
    expect(isOwnerAlive(ownerOf(process.pid))).toBe(true);
  });

  test('another boot, a reused pid and nonsense are dead', () => {
    const [boot, pid, ticks] = ownerOf(process.pid).split('/');
    expect(isOwnerAlive(`an-earlier-${boot}/${pid}/${ticks}`)).toBe(false);
    expect(isOwnerAlive(`${boot}/${pid}/${Number(ticks) + 1}`)).toBe(false);
    expect(isOwnerAlive('')).toBe(false);
  });
});
