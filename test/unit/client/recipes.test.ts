import { describe, expect, it } from 'vitest';
import type { Program } from '../../../src/client/core/program.ts';
import {
  counterValue,
  increment,
  NotAttemptedError,
} from '../../../src/client/core/recipes/counter.ts';
import { acquireLock, type HeldLock, releaseLock } from '../../../src/client/core/recipes/lock.ts';
import { toText, zk } from '../../../src/client/core/zk.ts';
import { FakeEnsemble } from './fake-ensemble.ts';

const DIR = '/lock';

function lockable(options: ConstructorParameters<typeof FakeEnsemble>[0] = {}): FakeEnsemble {
  const fake = new FakeEnsemble(options);
  fake.fates = ['ok'];
  fake.run(99, zk.create(DIR));
  return fake;
}

function* mustAcquire(id: string): Program<HeldLock> {
  const held = yield* acquireLock(zk, DIR, { id });
  if (held === undefined) throw new Error('acquired nothing');
  return held;
}

describe('lock', () => {
  it('is held by one at a time, whatever is lost, and leaves nothing behind', () => {
    for (let seed = 0; seed < 60; seed++) {
      const fake = lockable({ seed: `lock-${seed}`, lossPerMille: 100 });
      let holder: string | undefined;
      const fences: bigint[] = [];
      function* contend(client: number): Program<void> {
        for (let round = 0; round < 4; round++) {
          const id = `${client}.${round}`;
          const held = yield* mustAcquire(id);
          expect(holder).toBeUndefined();
          holder = id;
          fences.push(held.fence);
          expect(fake.nodes.get(held.path)?.czxid).toBe(held.fence);
          yield* zk.sleep(10);
          holder = undefined;
          expect(yield* releaseLock(zk, held)).toBe('released');
        }
      }
      let ended = 0;
      for (let client = 0; client < 5; client++) {
        fake.start(client, contend(client), ({ error }) => {
          if (error !== undefined) throw error;
          ended++;
        });
      }
      fake.settle();
      expect(ended).toBe(5);
      expect(fences).toHaveLength(20);
      expect([...fences].sort((a, b) => (a < b ? -1 : 1))).toEqual(fences);
      expect(fake.children(DIR)).toEqual([]);
    }
  });

  it('wakes exactly one contender: each node has at most one watcher', () => {
    const fake = lockable({ seed: 'herd' });
    const held = fake.run(0, mustAcquire('holder'));
    const acquired: number[] = [];
    for (let client = 1; client <= 6; client++) {
      fake.start(client, mustAcquire(`c${client}`), () => acquired.push(client));
    }
    while (fake.turn());
    expect(acquired).toEqual([]);
    const watchers = fake.children(DIR).map((name) => fake.watchersOf(`${DIR}/${name}`));
    expect(watchers.sort()).toEqual([0, 1, 1, 1, 1, 1, 1]);
    expect(fake.watchersOf(DIR)).toBe(0);
    const before = fake.sent.length;
    fake.run(0, releaseLock(zk, held));
    while (fake.turn());
    expect(acquired).toHaveLength(1);
    // The delete, and the look of the one that was woken.
    expect(fake.sent.length - before).toBe(2);
  });

  it('finds its own node where the answer of the create was lost', () => {
    const fake = lockable();
    fake.fates = ['lost-after'];
    const held = fake.run(1, mustAcquire('me'));
    expect(fake.children(DIR)).toEqual(['_c_me-lock-0000000000']);
    expect(held.fence).toBe(fake.nodes.get(held.path)?.czxid);
    // A create that never arrived is tried again.
    fake.fates = ['lost-before', 'ok', 'lost-before'];
    fake.start(2, mustAcquire('other'));
    while (fake.turn());
    expect(fake.children(DIR)).toHaveLength(2);
  });

  it('takes the lower of two own nodes, so that nobody waits for itself', () => {
    const fake = lockable();
    fake.run(1, zk.create(`${DIR}/_c_me-lock-`, null, { mode: 'ephemeralSequential' }));
    fake.start(2, mustAcquire('between'));
    while (fake.turn());
    const held = fake.run(1, mustAcquire('me'));
    expect(held).toMatchObject({ path: `${DIR}/_c_me-lock-0000000000`, fence: 2n });
  });

  it('leaves the queue at its timeout, when cancelled, and when ZooKeeper refuses', () => {
    const fake = lockable();
    const held = fake.run(0, mustAcquire('holder'));
    fake.fates = [];
    expect(fake.run(1, acquireLock(zk, DIR, { id: 'late', timeoutMs: 50 }))).toBeUndefined();
    expect(fake.now).toBe(50);
    expect(fake.children(DIR)).toHaveLength(1);
    const waiting = fake.start(2, mustAcquire('cancelled'));
    while (fake.turn());
    expect(fake.children(DIR)).toHaveLength(2);
    waiting.cancel();
    fake.settle();
    expect(fake.children(DIR)).toHaveLength(1);
    // Cancelled while the create is on its way: it happened, and is undone.
    const early = fake.start(3, mustAcquire('early'));
    fake.turn();
    expect(fake.children(DIR)).toHaveLength(2);
    early.cancel();
    fake.settle();
    expect(fake.children(DIR)).toHaveLength(1);
    expect(fake.run(0, releaseLock(zk, held))).toBe('released');
    expect(() => fake.run(0, acquireLock(zk, '/nowhere', { id: 'x' }))).toThrow(/NoNode/);
  });

  it('passes on when a holder or a waiter loses its session', () => {
    const fake = lockable();
    fake.run(1, mustAcquire('dying'));
    let error: unknown;
    fake.start(2, mustAcquire('dying-too'), (outcome) => {
      error = outcome.error;
    });
    let held: HeldLock | undefined;
    fake.start(3, mustAcquire('living'), (outcome) => {
      held = outcome.value;
    });
    while (fake.turn());
    fake.expire(2);
    while (fake.turn());
    expect(error).toMatchObject({ code: 'SessionExpired' });
    expect(held).toBeUndefined();
    fake.expire(1);
    while (fake.turn());
    expect(held).toMatchObject({ id: 'living' });
  });

  it('is released even when the program is cancelled halfway, and says when it had been lost', () => {
    const fake = lockable();
    const held = fake.run(1, mustAcquire('me'));
    fake.fates = ['lost-before'];
    const releasing = fake.start(1, releaseLock(zk, held));
    fake.turn();
    releasing.cancel();
    fake.settle();
    expect(fake.children(DIR)).toEqual([]);
    expect(fake.run(1, releaseLock(zk, held))).toBe('gone');
    const again = fake.run(1, mustAcquire('again'));
    fake.fates = ['lost-after'];
    expect(fake.run(1, releaseLock(zk, again))).toBe('released');
  });
});

describe('counter', () => {
  const PATH = '/counter';
  function counting(options: ConstructorParameters<typeof FakeEnsemble>[0] = {}): FakeEnsemble {
    const fake = new FakeEnsemble(options);
    fake.run(0, zk.create(PATH, '0'));
    return fake;
  }
  const valueOf = (fake: FakeEnsemble): string | null => toText(fake.nodes.get(PATH)?.data ?? null);

  it('loses no increment among concurrent clients', () => {
    const fake = counting({ seed: 'counter' });
    const values: number[] = [];
    for (let client = 0; client < 5; client++) {
      for (let round = 0; round < 4; round++) {
        fake.start(client, increment(zk, PATH), ({ value }) => values.push(value?.value ?? 0));
      }
    }
    fake.settle();
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(valueOf(fake)).toBe('20');
  });

  it('never repeats a write whose answer was lost', () => {
    const fake = counting();
    fake.fates = ['ok', 'lost-after'];
    expect(() => fake.run(1, increment(zk, PATH))).toThrow(/ConnectionLoss/);
    expect(valueOf(fake)).toBe('1');
    expect(fake.sent.filter(({ request }) => request.op === 'setData')).toHaveLength(1);
  });

  it('says that nothing was written where it could not even read', () => {
    const fake = counting();
    fake.fates = ['lost-before'];
    expect(() => fake.run(1, increment(zk, PATH))).toThrow(NotAttemptedError);
    fake.fates = ['ok', 'BadVersion', 'lost-after'];
    expect(() => fake.run(1, increment(zk, PATH))).toThrow(NotAttemptedError);
    expect(valueOf(fake)).toBe('0');
  });

  it('gives up after so many lost races', () => {
    const fake = counting();
    fake.fates = ['ok', 'BadVersion', 'ok', 'BadVersion', 'ok', 'ok'];
    expect(() => fake.run(1, increment(zk, PATH, { attempts: 2 }))).toThrow(/BadVersion/);
    expect(fake.fates).toEqual(['ok', 'ok']);
  });

  it('reads only whole numbers', () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(counterValue(null)).toBe(0);
    expect(counterValue(bytes('12'))).toBe(12);
    expect(() => counterValue(bytes('many'))).toThrow(/not a counter/);
  });
});
