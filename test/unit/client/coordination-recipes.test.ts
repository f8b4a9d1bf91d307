import { describe, expect, it } from 'vitest';
import { type Program, ZkError } from '../../../src/client/core/program.ts';
import {
  asLeader,
  campaign,
  type Leadership,
  readLeader,
  resign,
} from '../../../src/client/core/recipes/election.ts';
import { acquireLock, releaseLock } from '../../../src/client/core/recipes/lock.ts';
import { observe } from '../../../src/client/core/recipes/observe.ts';
import { put, take } from '../../../src/client/core/recipes/queue.ts';
import { register, withdraw } from '../../../src/client/core/recipes/registration.ts';
import { nextId } from '../../../src/client/core/recipes/unique-id.ts';
import { part, toText, zk } from '../../../src/client/core/zk.ts';
import {
  Counter,
  Election,
  IdSource,
  Lock,
  type ProgramRunner,
  Queue,
  Service,
  WatchedNode,
} from '../../../src/client/index.ts';
import { FakeEnsemble } from './fake-ensemble.ts';

const DIR = '/dir';

function prepared(options: ConstructorParameters<typeof FakeEnsemble>[0] = {}): FakeEnsemble {
  const fake = new FakeEnsemble(options);
  fake.fates = ['ok'];
  fake.run(99, zk.create(DIR));
  return fake;
}

describe('a shared lock', () => {
  it('is held together by readers and alone by a writer, whatever is lost', () => {
    let together = 0;
    for (let seed = 0; seed < 40; seed++) {
      const fake = prepared({ seed: `shared-${seed}`, lossPerMille: 80 });
      const holders = new Map<string, 'shared' | 'exclusive'>();
      function* contend(client: number): Program<void> {
        for (let round = 0; round < 4; round++) {
          const id = `${client}.${round}`;
          const mode = (client + round) % 3 === 0 ? 'exclusive' : 'shared';
          const held = yield* acquireLock(zk, DIR, { id, mode });
          if (held === undefined) throw new Error('acquired nothing');
          const others = [...holders.values()];
          if (mode === 'exclusive') expect(others).toEqual([]);
          else expect(others).not.toContain('exclusive');
          if (others.length > 0) together++;
          holders.set(id, mode);
          yield* zk.sleep(10);
          holders.delete(id);
          expect(yield* releaseLock(zk, held)).toBe('released');
        }
      }
      for (let client = 0; client < 5; client++) {
        fake.start(client, contend(client), ({ error }) => {
          if (error !== undefined) throw error;
        });
      }
      fake.settle();
      expect(fake.children(DIR)).toEqual([]);
    }
    expect(together).toBeGreaterThan(40);
  });

  it('makes a later reader wait for a writer that waits', () => {
    const fake = prepared();
    const first = fake.run(1, acquireLock(zk, DIR, { id: 'r1', mode: 'shared' }));
    const granted: string[] = [];
    fake.start(2, acquireLock(zk, DIR, { id: 'w' }), () => granted.push('writer'));
    while (fake.turn());
    fake.start(3, acquireLock(zk, DIR, { id: 'r2', mode: 'shared' }), () => granted.push('reader'));
    while (fake.turn());
    expect(granted).toEqual([]);
    if (first !== undefined) fake.run(1, releaseLock(zk, first));
    while (fake.turn());
    expect(granted).toEqual(['writer']);
  });
});

describe('an election', () => {
  const leaderIn = (fake: FakeEnsemble) => readLeader(fake.nodes.get(DIR)?.data ?? null);

  it('records who leads, and fences its writes', () => {
    const fake = prepared();
    fake.run(99, zk.create('/state'));
    expect(leaderIn(fake)).toBeUndefined();
    const won = fake.run(1, campaign(zk, DIR, { id: 'one' })) as Leadership;
    expect(leaderIn(fake)).toEqual({ id: 'one', fence: won.fence });
    const write = (session: number, leadership: Leadership, data: string): unknown =>
      fake.run(session, asLeader(zk, leadership, [part.setData('/state', data)]));
    write(1, won, 'by one');
    expect(toText(fake.nodes.get('/state')?.data ?? null)).toBe('by one');
    expect(fake.run(2, campaign(zk, DIR, { id: 'two', timeoutMs: 10 }))).toBeUndefined();
    // As if the session had ended without the leader knowing.
    fake.run(3, zk.delete(won.path));
    const next = fake.run(2, campaign(zk, DIR, { id: 'two' })) as Leadership;
    expect(next.fence > won.fence).toBe(true);
    expect(leaderIn(fake)?.id).toBe('two');
    expect(() => write(1, won, 'too late')).toThrow(/NoNode/);
    expect(toText(fake.nodes.get('/state')?.data ?? null)).toBe('by one');
    expect(fake.run(1, resign(zk, won))).toBe('gone');
    expect(fake.run(2, resign(zk, next))).toBe('released');
    expect(fake.children(DIR)).toEqual([]);
  });

  it('records once more after a lost answer, and withdraws where it cannot record', () => {
    const fake = prepared();
    // Enter the queue, look, record.
    fake.fates = ['ok', 'ok', 'lost-after', 'ok'];
    const won = fake.run(1, campaign(zk, DIR, { id: 'one' }));
    expect(won?.recorded).toBe(fake.zxid);
    if (won !== undefined) fake.run(1, resign(zk, won));
    fake.fates = ['ok', 'ok', 'NoAuth'];
    expect(() => fake.run(1, campaign(zk, DIR, { id: 'again' }))).toThrow(/NoAuth/);
    expect(fake.children(DIR)).toEqual([]);
  });

  it('reads no leader from anything else', () => {
    for (const text of ['', 'one', 'one token']) {
      expect(readLeader(new TextEncoder().encode(text))).toBeUndefined();
    }
    expect(readLeader(null)).toBeUndefined();
  });
});

describe('a queue', () => {
  it('delivers every item once and in order to takers that race', () => {
    for (let seed = 0; seed < 40; seed++) {
      const fake = prepared({ seed: `queue-${seed}` });
      const taken: string[] = [];
      function* produce(): Program<void> {
        for (let item = 0; item < 20; item++) {
          yield* put(zk, DIR, String(item));
          yield* zk.sleep(item % 3);
        }
      }
      function* consume(): Program<void> {
        for (;;) {
          const item = yield* take(zk, DIR, { timeoutMs: 50 });
          if (item === undefined) return;
          taken.push(item.name);
        }
      }
      fake.start(1, produce());
      for (let client = 2; client < 6; client++) fake.start(client, consume());
      fake.settle();
      expect(new Set(taken).size).toBe(20);
      expect(taken).toHaveLength(20);
      expect(fake.children(DIR)).toEqual([]);
    }
  });

  it('tells when it does not know, and asks again only what may be asked again', () => {
    const fake = prepared();
    fake.run(1, put(zk, DIR, 'a'));
    expect(() => {
      fake.fates = ['lost-after'];
      fake.run(1, put(zk, DIR, 'b'));
    }).toThrow(/ConnectionLoss/);
    // The list and the data are read again; the deletion is not done again.
    fake.fates = ['lost-before', 'ok', 'lost-after', 'ok', 'lost-after'];
    expect(() => fake.run(2, take(zk, DIR))).toThrow(/ConnectionLoss/);
    expect(fake.children(DIR)).toHaveLength(1);
    expect(toText(fake.run(2, take(zk, DIR))?.data ?? null)).toBe('b');
    expect(fake.run(2, take(zk, DIR))).toBeUndefined();
    expect(fake.watchersOf(DIR)).toBe(0);
  });
});

describe('registration', () => {
  it('knows its own node after a lost answer, and refuses a name of somebody else', () => {
    const fake = prepared();
    fake.fates = ['lost-after'];
    const entry = fake.run(1, register(zk, DIR, 'a', 'data'));
    expect(entry).toEqual({ path: `${DIR}/a`, zxid: fake.nodes.get(`${DIR}/a`)?.czxid });
    expect(() => fake.run(2, register(zk, DIR, 'a'))).toThrow(/NodeExists/);
    fake.fates = ['lost-after'];
    const removed = fake.run(1, withdraw(zk, entry));
    expect(removed).toMatchObject({ outcome: 'removed', isExact: false });
    expect(fake.run(1, withdraw(zk, entry))).toMatchObject({ outcome: 'gone' });
    fake.run(2, register(zk, DIR, 'a'));
    fake.expire(2);
    expect(fake.children(DIR)).toEqual([]);
    expect(() => fake.run(2, register(zk, DIR, 'b'))).toThrow(/SessionExpired/);
  });
});

describe('unique ids', () => {
  it('are never given twice, whatever is lost', () => {
    for (let seed = 0; seed < 30; seed++) {
      const fake = prepared({ seed: `ids-${seed}`, lossPerMille: 150 });
      const ids: string[] = [];
      function* draw(): Program<void> {
        for (let index = 0; index < 8; index++) ids.push((yield* nextId(zk, DIR)).id);
      }
      for (let client = 1; client < 5; client++) fake.start(client, draw());
      fake.settle();
      expect(ids).toHaveLength(32);
      expect(new Set(ids).size).toBe(32);
      expect(ids.every((id) => /^\d{10}$/.test(id))).toBe(true);
    }
  });
});

describe('an observer', () => {
  const read = () => zk.getData(DIR, true);

  it('sees the last state, and confirms what it holds', () => {
    for (let seed = 0; seed < 30; seed++) {
      const fake = prepared({ seed: `observe-${seed}`, lossPerMille: 50 });
      const seen: (string | null)[] = [];
      const confirmed: { zxid: bigint; held: string | null }[] = [];
      fake.start(
        1,
        observe(
          zk,
          read,
          {
            changed: ({ data }) => seen.push(toText(data)),
            confirmed: (zxid) => confirmed.push({ zxid, held: seen.at(-1) ?? null }),
          },
          { durationMs: 200, confirmEveryMs: 7 },
        ),
      );
      const written = new Map<string, bigint>();
      function* write(): Program<void> {
        for (let value = 0; value < 10; value++) {
          const { zxid } = yield* zk.setData(DIR, String(value));
          written.set(String(value), zxid);
          yield* zk.sleep(13);
        }
      }
      const other = fake.start(2, write(), ({ error }) => {
        // Lost on the way: what was written so far is all there is.
        if (error !== undefined && !(error instanceof ZkError)) throw error;
      });
      fake.settle();
      other.cancel();
      expect(seen.at(-1)).toBe(toText(fake.nodes.get(DIR)?.data ?? null));
      for (const { zxid, held } of confirmed) {
        const newer = [...written].filter(
          ([value, at]) => at <= zxid && Number(value) > Number(held ?? -1),
        );
        expect(newer).toEqual([]);
      }
    }
  });

  it('ends with its session, and with a node that is gone', () => {
    const fake = prepared();
    const errors: unknown[] = [];
    fake.start(1, observe(zk, read, { changed: () => {} }), ({ error }) => errors.push(error));
    while (fake.turn());
    fake.expire(1);
    while (fake.turn());
    fake.start(2, observe(zk, read, { changed: () => {} }), ({ error }) => errors.push(error));
    while (fake.turn());
    fake.run(3, zk.delete(DIR));
    while (fake.turn());
    expect(errors.map(String)).toEqual([
      expect.stringContaining('session of a watch has ended'),
      expect.stringContaining('NoNode'),
    ]);
  });
});

describe('the recipes as promises', () => {
  function runnerOf(fake: FakeEnsemble, session: number): ProgramRunner {
    return {
      run: (program, { signal } = {}) =>
        new Promise((resolve, reject) => {
          const running = fake.start(session, program, ({ value, error }) => {
            if (error === undefined) resolve(value as never);
            else reject(error);
          });
          signal?.addEventListener('abort', () => {
            running.cancel();
            reject(signal.reason);
          });
          while (fake.turn());
        }),
    };
  }

  it('do what their programs do', async () => {
    const fake = prepared();
    for (const path of ['/lock', '/election', '/queue', '/ids', '/counter', '/service']) {
      fake.run(99, zk.create(path, path === '/counter' ? '0' : null));
    }
    const client = runnerOf(fake, 1);
    const lock = new Lock(client, '/lock');
    const held = await lock.acquire({ mode: 'shared', timeoutMs: 100 });
    expect(fake.children('/lock')[0]).toMatch(/-read-\d{10}$/);
    if (held !== undefined) expect(await lock.release(held)).toBe('released');
    const election = new Election(client, '/election');
    expect(await election.leader()).toBeUndefined();
    const won = await election.campaign('me');
    expect((await election.leader())?.id).toBe('me');
    if (won !== undefined) {
      await election.act(won, [part.setData('/counter', '5')]);
      await election.resign(won);
    }
    const queue = new Queue(client, '/queue');
    await queue.put('item');
    expect(toText((await queue.take())?.data ?? null)).toBe('item');
    expect(await queue.take({ timeoutMs: 10 })).toBeUndefined();
    expect((await new IdSource(client, '/ids').next()).id).toBe('0000000000');
    expect(await new Counter(client, '/counter').increment()).toBe(6);
    const service = new Service(client, '/service');
    const entry = await service.register('one');
    const ending = new AbortController();
    const lists: string[][] = [];
    const watching = service.watch(({ children }) => lists.push([...children]), ending.signal);
    const values: (string | null)[] = [];
    const node = new WatchedNode(client, '/counter');
    const observing = node.watch(({ data }) => values.push(toText(data)), ending.signal);
    await service.withdraw(entry);
    await new Counter(client, '/counter').increment();
    await Promise.resolve();
    ending.abort(new Error('enough'));
    await expect(watching).rejects.toThrow('enough');
    await expect(observing).rejects.toThrow('enough');
    expect(lists).toEqual([['one'], []]);
    expect(values).toEqual(['6', '7']);
  });
});
