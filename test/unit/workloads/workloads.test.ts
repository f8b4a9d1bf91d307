import { describe, expect, it } from 'vitest';
import { prngStream } from '../../../src/base/prng.ts';
import { toBytes, toText, zk } from '../../../src/client/core/zk.ts';
import type { PlanOperation } from '../../../src/harness/plan.ts';
import type {
  OperationContext,
  OperationResult,
  WorkloadParams,
} from '../../../src/harness/workload.ts';
import {
  counter,
  election,
  lock,
  readWriteLock,
  register,
  registration,
  workloads,
} from '../../../workloads/index.ts';
import { FakeEnsemble } from '../client/fake-ensemble.ts';

const params = (seed: string, timeLimitMs = 10_000): WorkloadParams => ({
  concurrency: 4,
  nodes: 3,
  timeLimitMs,
  prng: (label) => prngStream(seed, label),
});

function contextOf(client: number, memory = new Map<string, unknown>()): OperationContext {
  return { client, prng: prngStream('context', String(client)), memory };
}

function op(f: string, rest: Partial<PlanOperation> = {}): PlanOperation {
  return { id: `op-${f}`, f, ...rest };
}

describe.each([...workloads.values()])('the plan of $name', (workload) => {
  it('depends on the seed only, and differs with it', () => {
    expect(workload.plan(params('1'))).toEqual(workload.plan(params('1')));
    expect(workload.plan(params('1'))).not.toEqual(workload.plan(params('2')));
  });

  it('gives every client every kind that is owed, under ids of their own', () => {
    const { clients } = workload.plan(params('ids'));
    expect(clients.map(({ id }) => id)).toEqual([0, 1, 2, 3]);
    for (const { ops } of clients) {
      expect(new Set(ops.map(({ f }) => f))).toEqual(new Set(workload.owedKinds));
    }
    const ids = clients.flatMap(({ ops }) => ops.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('grows with the time limit', () => {
    const count = (timeLimitMs: number): number =>
      workload.plan(params('1', timeLimitMs)).clients[0]?.ops.length ?? 0;
    expect(count(60_000)).toBeGreaterThan(5 * count(10_000) * 0.9);
  });

  it('runs in a plain ensemble, setup to final reads, without an error', () => {
    const { clients, workloadParams } = workload.plan(params('run', 4000));
    const services = workload.services?.();
    const fake = new FakeEnsemble({ seed: 'run', ...(services && { services }) });
    fake.run(50, workload.setup(workloadParams));
    fake.run(51, workload.setup(workloadParams));
    const results: Array<{ f: string; result: OperationResult }> = [];
    for (const { id, ops } of clients) {
      const context = contextOf(id);
      fake.start(
        id,
        (function* () {
          for (const operation of ops) {
            yield* zk.sleep(operation.after ?? 0);
            const result = yield* workload.operation(operation, context);
            results.push({ f: operation.f, result });
          }
        })(),
        ({ error }) => {
          if (error !== undefined) throw error;
        },
      );
    }
    fake.settle();
    for (const kind of workload.owedKinds) {
      const good = results.filter(({ f, result }) => f === kind && result.type === 'ok');
      expect(good.length, kind).toBeGreaterThan(4);
    }
    const final = workload.final(workloadParams);
    expect(final.length).toBeGreaterThan(0);
    for (const operation of final) {
      const result = fake.run(52, workload.operation(operation, contextOf(52)));
      expect(result).toMatchObject({ type: 'ok', zxid: expect.stringMatching(/^0x[0-9a-f]+$/) });
    }
  });

  it('knows no other operations', () => {
    const fake = new FakeEnsemble();
    expect(() => fake.run(1, workload.operation(op('dance'), contextOf(1)))).toThrow(/dance/);
  });
});

describe('register', () => {
  function prepared(): FakeEnsemble {
    const fake = new FakeEnsemble();
    fake.run(0, register.setup({ keys: 2, clients: 2 }));
    return fake;
  }
  const run = (fake: FakeEnsemble, operation: PlanOperation): OperationResult =>
    fake.run(1, register.operation(operation, contextOf(1)));

  it('plans no value twice, and compare-and-sets that can match', () => {
    const { clients, workloadParams } = register.plan(params('values', 30_000));
    const values: unknown[] = [];
    const keys = new Set<string | undefined>();
    let matching = 0;
    for (const { ops } of clients) {
      const newest = new Map<string | undefined, unknown>();
      for (const { f, key, value } of ops) {
        keys.add(key);
        if (f === 'cas') {
          const [from, to] = value as [string, string];
          if (newest.get(key) === from) matching++;
          values.push(to);
          newest.set(key, to);
        } else if (f === 'write') {
          values.push(value);
          newest.set(key, value);
        }
      }
    }
    expect(new Set(values).size).toBe(values.length);
    expect(matching).toBeGreaterThan(100);
    expect(keys.size).toBe(workloadParams.keys);
    expect(register.final(workloadParams).map(({ key }) => key)).toContain('/r/0');
  });

  it('writes, and reads behind a write of its own session', () => {
    const fake = prepared();
    const written = run(fake, op('write', { key: 'r1', value: 'v' }));
    const mzxid = `0x${fake.zxid.toString(16)}`;
    expect(written).toEqual({ type: 'ok', value: 'v', zxid: mzxid });
    fake.sent.length = 0;
    const read = run(fake, op('read', { key: 'r1' }));
    expect(read).toMatchObject({ type: 'ok', value: { value: 'v', mzxid, version: 1 } });
    expect(fake.sent.map(({ request }) => request)).toMatchObject([
      { op: 'setData', path: '/sync/1' },
      { op: 'getData', path: '/r/1' },
    ]);
    expect(run(fake, op('plain-read', { key: 'r0' }))).toMatchObject({
      type: 'ok',
      value: { value: null, version: 0 },
    });
  });

  it('compares and sets: ok, no match, lost race, unknown', () => {
    const fake = prepared();
    run(fake, op('write', { key: 'r0', value: 'a' }));
    const cas = (from: string, to: string): PlanOperation =>
      op('cas', { key: 'r0', value: [from, to] });
    expect(run(fake, cas('a', 'b'))).toMatchObject({ type: 'ok', value: ['a', 'b'] });
    expect(run(fake, cas('a', 'c'))).toMatchObject({ type: 'fail', error: 'ValueMismatch' });
    fake.fates = ['ok', 'BadVersion'];
    expect(run(fake, cas('b', 'c'))).toMatchObject({ type: 'fail', error: 'BadVersion' });
    fake.fates = ['lost-before'];
    expect(run(fake, cas('b', 'c'))).toMatchObject({ type: 'fail', error: 'ConnectionLoss' });
    fake.fates = ['ok', 'lost-after'];
    expect(() => run(fake, cas('b', 'c'))).toThrow(/ConnectionLoss/);
    expect(toText(fake.nodes.get('/r/0')?.data ?? null)).toBe('c');
    // Guarded by the version that was read, not only by the value.
    const guarded = fake.sent.flatMap(({ request }) =>
      request.op === 'setData' && request.path === '/r/0' ? [request.version] : [],
    );
    expect(guarded).toEqual([-1, 1, 2, 2]);
  });

  it('fails a read without an answer, but passes on the end of the session', () => {
    const fake = prepared();
    for (const fates of [['lost-before'], ['ok', 'lost-after']] as const) {
      fake.fates = [...fates];
      const result = run(fake, op('read', { key: 'r0' }));
      expect(result).toEqual({ type: 'fail', error: 'ConnectionLoss' });
    }
    fake.expire(1);
    for (const f of ['read', 'plain-read', 'write']) {
      expect(() => run(fake, op(f, { key: 'r0', value: 'x' }))).toThrow(/SessionExpired/);
    }
  });
});

describe('counter', () => {
  it('is exact about what may have counted', () => {
    const fake = new FakeEnsemble();
    fake.run(0, counter.setup({ clients: 2 }));
    const run = (): OperationResult =>
      fake.run(1, counter.operation(op('increment'), contextOf(1)));
    expect(run()).toMatchObject({ type: 'ok', value: 1 });
    fake.fates = ['lost-before'];
    expect(run()).toEqual({ type: 'fail', error: 'ConnectionLoss' });
    fake.fates = ['ok', 'lost-after'];
    expect(run).toThrow(/ConnectionLoss/);
    expect(fake.run(1, counter.operation(op('read'), contextOf(1)))).toMatchObject({
      type: 'ok',
      value: 2,
    });
    fake.expire(1);
    expect(run).toThrow(/SessionExpired/);
  });
});

describe('lock', () => {
  function prepared(): FakeEnsemble {
    const services = lock.services?.();
    const fake = new FakeEnsemble(services === undefined ? {} : { services });
    fake.run(0, lock.setup({}));
    return fake;
  }

  it('carries token and belief from acquire to release', () => {
    const fake = prepared();
    const context = contextOf(1);
    const run = (operation: PlanOperation): OperationResult =>
      fake.run(1, lock.operation(operation, context));
    expect(run(op('store'))).toEqual({ type: 'fail', error: 'NotHeld' });
    expect(run(op('release'))).toEqual({ type: 'fail', error: 'NotHeld' });
    fake.now = 100;
    const token = `0x${(fake.zxid + 1n).toString(16)}`;
    // 4000 ms of the session timeout less a quarter.
    const acquired = { type: 'ok', value: { token, belief: { fromMs: 100, untilMs: 3100 } } };
    expect(run(op('acquire'))).toMatchObject(acquired);
    expect(run(op('acquire'))).toEqual({ type: 'fail', error: 'AlreadyHeld' });
    fake.now = 200;
    expect(run(op('store', { value: { blind: false } }))).toEqual({
      type: 'ok',
      value: { token, accepted: true, highest: token, belief: { fromMs: 100, untilMs: 3200 } },
    });
    fake.now = 300;
    expect(run(op('release'))).toEqual({
      type: 'ok',
      value: { token, belief: { fromMs: 100, untilMs: 300 } },
    });
    expect(run(op('store'))).toEqual({ type: 'fail', error: 'NotHeld' });
  });

  it('gives up waiting, and can try again', () => {
    const fake = prepared();
    const holder = contextOf(1);
    fake.run(1, lock.operation(op('acquire', { id: 'first' }), holder));
    const waiter = contextOf(2);
    const acquire = op('acquire', { id: 'second' });
    expect(fake.run(2, lock.operation(acquire, waiter))).toEqual({
      type: 'fail',
      error: 'LockTimeout',
    });
    expect(fake.children('/lock')).toHaveLength(1);
    fake.run(1, lock.operation(op('release'), holder));
    const again = op('acquire', { id: 'third' });
    expect(fake.run(2, lock.operation(again, waiter))).toMatchObject({ type: 'ok' });
  });

  it('lets a store see a stale token, which refuses it', () => {
    const fake = prepared();
    const [stale, fresh] = [contextOf(1), contextOf(2)];
    fake.run(1, lock.operation(op('acquire', { id: 'first' }), stale));
    const { path } = (stale.memory.get('lock') as { lock: { path: string } }).lock;
    // As if the session had ended without the client knowing.
    fake.run(3, zk.delete(path));
    fake.run(2, lock.operation(op('acquire', { id: 'second' }), fresh));
    const newer = fake.run(2, lock.operation(op('store'), fresh));
    const older = fake.run(1, lock.operation(op('store', { value: { blind: true } }), stale));
    expect(newer).toMatchObject({ value: { accepted: true } });
    expect(older).toMatchObject({
      type: 'ok',
      value: { accepted: false, highest: (newer.value as { token: string }).token },
    });
    expect(fake.run(1, lock.operation(op('release'), stale))).toMatchObject({
      type: 'fail',
      error: 'NoNode',
    });
  });

  it('has a store that compares tokens as numbers and starts anew with each run', () => {
    const store = lock.services?.().get('fenced-store');
    const put = (token: string): unknown => store?.({ token, value: 'x' }, 0);
    expect(put('0x9')).toEqual({ accepted: true, highest: '0x9' });
    expect(put('0x10')).toEqual({ accepted: true, highest: '0x10' });
    expect(put('0x9')).toEqual({ accepted: false, highest: '0x10' });
    expect(put('0x10')).toEqual({ accepted: true, highest: '0x10' });
    expect(lock.services?.().get('fenced-store')?.({ token: '0x1' }, 0)).toMatchObject({
      accepted: true,
    });
  });
});

describe('read-write-lock', () => {
  it('has a store that compares loads with stores only', () => {
    const store = readWriteLock.services?.().get('fenced-store');
    const ask = (use: string, token: string): unknown => store?.({ use, token, value: 'x' }, 0);
    expect(ask('load', '0x9')).toEqual({ accepted: true, highest: '0x9' });
    expect(ask('load', '0x7')).toEqual({ accepted: true, highest: '0x7' });
    expect(ask('store', '0x8')).toEqual({ accepted: false, highest: '0x9' });
    expect(ask('store', '0xa')).toEqual({ accepted: true, highest: '0xa' });
    expect(ask('load', '0x9')).toEqual({ accepted: false, highest: '0xa' });
    expect(ask('load', '0xb')).toEqual({ accepted: true, highest: '0xb' });
  });
});

describe('registration', () => {
  it('withdraws its oldest, and watches what happens meanwhile', () => {
    const fake = new FakeEnsemble();
    fake.run(0, registration.setup({ clients: 3 }));
    const context = contextOf(1);
    const run = (operation: PlanOperation): OperationResult =>
      fake.run(1, registration.operation(operation, context));
    expect(run(op('withdraw'))).toEqual({ type: 'fail', error: 'NotRegistered' });
    const first = run(op('register', { id: 'a' }));
    expect(first).toMatchObject({ type: 'ok', value: { name: 'a' } });
    run(op('register', { id: 'b' }));
    let watched: OperationResult | undefined;
    const watch = op('watch', { value: { forMs: 500 } });
    fake.start(2, registration.operation(watch, contextOf(2)), ({ value }) => {
      watched = value;
    });
    while (fake.now < 300) fake.turn();
    expect(run(op('withdraw'))).toMatchObject({ type: 'ok', value: { name: 'a', isExact: true } });
    fake.settle();
    const zxid = expect.stringMatching(/^0x[0-9a-f]+$/);
    expect(watched?.value).toEqual({
      views: [
        { state: { children: ['a', 'b'], pzxid: zxid }, zxid, confirmed: zxid },
        { state: { children: ['b'], pzxid: zxid }, zxid, confirmed: zxid },
      ],
    });
    run(op('withdraw'));
    expect(fake.children('/services')).toEqual([]);
    run(op('register', { id: 'c' }));
    fake.run(3, zk.delete('/services/c'));
    expect(run(op('withdraw'))).toMatchObject({ type: 'fail', error: 'NoNode' });
  });
});

describe('election', () => {
  it('tells a leader that it was deposed when it acts', () => {
    const fake = new FakeEnsemble();
    fake.run(0, election.setup({ clients: 2 }));
    const context = contextOf(1);
    const run = (operation: PlanOperation): OperationResult =>
      fake.run(1, election.operation(operation, context));
    expect(run(op('act'))).toEqual({ type: 'fail', error: 'NotHeld' });
    const won = run(op('campaign', { id: 'first' }));
    const { token } = won.value as { readonly token: string };
    expect(run(op('leader'))).toMatchObject({ value: { value: `first ${token}` } });
    expect(run(op('act'))).toMatchObject({ type: 'ok', value: { token } });
    const [node] = fake.children('/election');
    fake.run(3, zk.delete(`/election/${node}`));
    expect(run(op('act'))).toEqual({ type: 'fail', error: 'Deposed' });
    expect(run(op('resign'))).toEqual({ type: 'fail', error: 'NotHeld' });
  });
});

it('leaves nodes that exist already as they are', () => {
  const fake = new FakeEnsemble();
  fake.run(0, counter.setup({ clients: 1 }));
  fake.run(0, zk.setData('/counter', toBytes('7')));
  fake.fates = ['lost-after', 'lost-before'];
  fake.run(1, counter.setup({ clients: 1 }));
  expect(toText(fake.nodes.get('/counter')?.data ?? null)).toBe('7');
});
