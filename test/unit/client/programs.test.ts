import { describe, expect, it } from 'vitest';
import type { Program, WatchHandle } from '../../../src/client/core/program.ts';
import { WatchTable } from '../../../src/client/core/watch-table.ts';
import { zk } from '../../../src/client/core/zk.ts';
import {
  GetChildren2Response,
  GetDataResponse,
  MultiResponse,
  OpCode,
  PathRequest,
  SetWatchesRequest,
  StatResponse,
  WatchEventType,
  Xid,
} from '../../../src/wire/client.ts';
import { ScriptedWorld, STAT } from './scripted-server.ts';

function* watching(path: string, timeoutMs?: number): Program<unknown> {
  const { watch } = yield* zk.getData(path, true);
  return yield* zk.awaitWatch(watch, timeoutMs);
}

describe('programs', () => {
  it('are resumed one after the other within the step that brings their answers', () => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(
      (function* () {
        const startMs = yield* zk.now();
        yield* zk.sync('/');
        yield* zk.sleep(250);
        const { state } = yield* zk.session();
        return { state, elapsedMs: (yield* zk.now()) - startMs };
      })(),
    );
    world.reply(1, 1n, PathRequest, { path: '/' });
    world.advance(249);
    expect(world.outcomes.size).toBe(0);
    world.advance(1);
    expect(world.value(program)).toEqual({ state: 'connected', elapsedMs: 250 });
  });

  it('end with what they throw, and can catch what is thrown into them', () => {
    const world = new ScriptedWorld();
    world.connect();
    const bug = new Error('a bug');
    const thrower = world.submit(
      (function* () {
        yield* zk.now();
        throw bug;
      })(),
    );
    expect(world.error(thrower)).toBe(bug);
    const catcher = world.submit(
      (function* () {
        try {
          yield* zk.delete('/a');
        } catch (error) {
          return error;
        }
        return 'nothing';
      })(),
    );
    world.refuse(1, 1n, -101);
    expect(world.value(catcher)).toMatchObject({ code: 'NoNode' });
  });

  it('wait for a connection, which may be there already', () => {
    const world = new ScriptedWorld();
    world.step({ type: 'started' });
    const early = world.submit(zk.connected());
    expect(world.outcomes.size).toBe(0);
    world.connect();
    expect(world.value(early)).toBeUndefined();
    expect(world.value(world.submit(zk.connected()))).toBeUndefined();
  });

  it('ask services outside, and hear their failures', () => {
    const world = new ScriptedWorld();
    const asking = world.submit(zk.external('store', { token: '0x1' }));
    const failing = world.submit(zk.external('store', 2));
    const asked = world.effects.flatMap((effect) =>
      effect.type === 'external-requested' ? [effect] : [],
    );
    expect(asked).toMatchObject([{ target: 'store', value: { token: '0x1' } }, { value: 2 }]);
    const [first, second] = asked.map(({ external }) => external);
    world.step({ type: 'external-completed', external: first ?? 0, value: 'yes' });
    const error = new Error('no such store');
    world.step({ type: 'external-failed', external: second ?? 0, error });
    expect(world.value(asking)).toBe('yes');
    expect(world.error(failing)).toBe(error);
  });

  it('that never wait are stopped', () => {
    const world = new ScriptedWorld();
    const stuck = world.submit(
      (function* () {
        for (;;) yield* zk.now();
      })(),
    );
    expect(String(world.error(stuck))).toMatch(/without waiting/);
  });
});

describe('cancelling', () => {
  it('takes back what was not sent, and ignores the answer of what was', () => {
    const world = new ScriptedWorld();
    world.step({ type: 'started' });
    const unsent = world.submit(zk.delete('/never'));
    world.step({ type: 'program-cancelled', program: unsent });
    world.connect();
    expect(world.requests()).toEqual([]);
    const sent = world.submit(zk.delete('/sent'));
    world.step({ type: 'program-cancelled', program: sent });
    const next = world.submit(zk.delete('/next'));
    world.refuse(1, 1n, -101);
    world.reply(2, 2n);
    expect(world.outcomes.has(sent)).toBe(false);
    expect(world.value(next)).toMatchObject({ zxid: 2n });
  });

  it('runs what stands in finally, unseen', () => {
    const world = new ScriptedWorld();
    world.connect();
    const steps: string[] = [];
    const program = world.submit(
      (function* () {
        try {
          yield* zk.sleep(100);
          steps.push('woken');
        } finally {
          yield* zk.delete('/mine');
          steps.push('cleaned');
        }
      })(),
    );
    world.step({ type: 'program-cancelled', program });
    expect(world.requests()).toMatchObject([{ type: OpCode.delete }]);
    world.advance(200);
    expect(steps).toEqual([]);
    world.reply(1, 1n);
    expect(steps).toEqual(['cleaned']);
    expect(world.outcomes.size).toBe(0);
  });

  it('does nothing to a program that has ended or never was', () => {
    const world = new ScriptedWorld();
    const program = world.submit(zk.now());
    world.step({ type: 'program-cancelled', program });
    world.step({ type: 'program-cancelled', program });
    expect(world.value(program)).toBe(1000);
  });
});

describe('watches', () => {
  it('fire once, whether awaited before or after', () => {
    const world = new ScriptedWorld();
    world.connect();
    const before = world.submit(watching('/a'));
    world.reply(1, 1n, GetDataResponse, { data: null, stat: STAT });
    world.notify(WatchEventType.nodeDataChanged, '/a');
    expect(world.value(before)).toEqual({ type: 'nodeDataChanged', path: '/a' });
    const after = world.submit(
      (function* () {
        const { watch } = yield* zk.getChildren('/a', true);
        yield* zk.sleep(100);
        const fired = yield* zk.awaitWatch(watch);
        let again: unknown;
        try {
          yield* zk.awaitWatch(watch);
        } catch (error) {
          again = error;
        }
        return { fired, again };
      })(),
    );
    world.reply(2, 2n, GetChildren2Response, { children: [], stat: STAT });
    // Not of the child table, hence not for this watch.
    world.notify(WatchEventType.nodeDataChanged, '/a');
    world.notify(WatchEventType.nodeChildrenChanged, '/a');
    world.advance(100);
    expect(world.value(after)).toMatchObject({
      fired: { type: 'nodeChildrenChanged', path: '/a' },
      again: { code: 'NoWatcher' },
    });
  });

  it('only ask a watch whether it has fired, with no time to wait', () => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(
      (function* () {
        const { watch } = yield* zk.getData('/a', true);
        const before = yield* zk.awaitWatch(watch, 0);
        yield* zk.sync('/');
        return [before, yield* zk.awaitWatch(watch, 0)];
      })(),
    );
    world.reply(1, 1n, GetDataResponse, { data: null, stat: STAT });
    expect(world.outcomes.size).toBe(0);
    world.notify(WatchEventType.nodeDeleted, '/a');
    world.reply(2, 2n, PathRequest, { path: '/' });
    expect(world.value(program)).toEqual([undefined, { type: 'nodeDeleted', path: '/a' }]);
  });

  it('can be awaited again after a timeout', () => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(
      (function* () {
        const { watch } = yield* zk.getData('/a', true);
        const first = yield* zk.awaitWatch(watch, 50);
        return [first, yield* zk.awaitWatch(watch, 5000)];
      })(),
    );
    world.reply(1, 1n, GetDataResponse, { data: null, stat: STAT });
    world.advance(60);
    world.notify(WatchEventType.nodeDeleted, '/a');
    expect(world.value(program)).toEqual([undefined, { type: 'nodeDeleted', path: '/a' }]);
    expect([...world.effects].reverse().find(({ type }) => type === 'cancel-timer')).toBeDefined();
  });

  it('on children end with the node, and are not set again once they have fired', () => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(
      (function* () {
        const { watch } = yield* zk.getChildren('/a', true);
        const fired = yield* zk.awaitWatch(watch);
        yield* zk.sleep(2000);
        return fired;
      })(),
    );
    world.reply(1, 1n, GetChildren2Response, { children: [], stat: STAT });
    world.notify(WatchEventType.nodeDeleted, '/a');
    world.breakConnection();
    world.advance(375);
    world.accept();
    world.confirm();
    expect(world.requests()).toEqual([]);
    world.advance(1800);
    expect(world.value(program)).toEqual({ type: 'nodeDeleted', path: '/a' });
  });

  it('are not left by a read that failed', () => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(watching('/a'));
    world.refuse(1, 1n, -101);
    expect(world.error(program)).toMatchObject({ code: 'NoNode' });
    world.breakConnection();
    world.advance(375);
    world.accept();
    world.confirm();
    expect(world.requests()).toEqual([]);
  });

  it('are set again on a new connection, before any request, each in its table', () => {
    const world = new ScriptedWorld();
    world.connect();
    const paths = ['/data', '/there', '/absent', '/parent', '/forgotten'];
    const reads: ReadonlyArray<(path: string) => Program<{ watch?: WatchHandle }>> = [
      (path) => zk.getData(path, true),
      (path) => zk.exists(path, true),
      (path) => zk.exists(path, true),
      (path) => zk.getChildren(path, true),
      (path) => zk.getData(path, true),
    ];
    const programs = paths.map((path, index) =>
      world.submit(
        (function* () {
          const { watch } = yield* (reads[index] as (typeof reads)[number])(path);
          if (path === '/forgotten') return undefined;
          return yield* zk.awaitWatch(watch as WatchHandle);
        })(),
      ),
    );
    world.reply(1, 11n, GetDataResponse, { data: null, stat: STAT });
    world.reply(2, 12n, StatResponse, { stat: STAT });
    world.refuse(3, 13n, -101);
    world.reply(4, 14n, GetChildren2Response, { children: [], stat: STAT });
    world.reply(5, 15n, GetDataResponse, { data: null, stat: STAT });
    world.breakConnection();
    const queued = world.submit(zk.sync('/'));
    world.advance(375);
    world.accept();
    world.confirm();
    const [setWatches, sync] = world.requests();
    expect(setWatches).toMatchObject({ xid: Xid.setWatches, type: OpCode.setWatches });
    expect(setWatches && SetWatchesRequest.read(setWatches.body)).toEqual({
      relativeZxid: 15n,
      dataWatches: ['/data', '/there'],
      existWatches: ['/absent'],
      childWatches: ['/parent'],
    });
    expect(sync).toMatchObject({ type: OpCode.sync, xid: 6 });
    // What was missed comes before the answer of setWatches.
    world.notify(WatchEventType.nodeDataChanged, '/data');
    world.reply(Xid.setWatches, 20n);
    world.reply(6, 20n, PathRequest, { path: '/' });
    world.notify(WatchEventType.nodeCreated, '/absent');
    expect(world.value(programs[0] as never)).toMatchObject({ type: 'nodeDataChanged' });
    expect(world.value(programs[2] as never)).toMatchObject({ type: 'nodeCreated' });
    expect(world.outcomes.has(programs[1] as never)).toBe(false);
    expect(world.value(queued)).toMatchObject({ zxid: 20n });
  });

  it('travel in batches of bounded size', () => {
    const table = new WatchTable();
    const long = 'x'.repeat(999);
    for (let index = 100; index < 400; index++) table.add('data', `/${long}${index}`);
    for (let index = 100; index < 200; index++) table.add('child', `/${long}${index}`);
    const batches = table.batches();
    const sizes = batches.map((batch) =>
      Object.values(batch)
        .flat()
        .reduce((sum: number, path: string) => sum + path.length, 0),
    );
    expect(sizes.every((size) => size <= 128 * 1024)).toBe(true);
    expect(batches.flatMap(({ dataWatches }) => dataWatches)).toHaveLength(300);
    expect(batches.flatMap(({ childWatches }) => childWatches)).toHaveLength(100);
    expect(batches).toHaveLength(4);
  });

  it('are bounded', () => {
    const world = new ScriptedWorld();
    world.connect();
    const hoarder = world.submit(
      (function* () {
        for (;;) yield* zk.exists('/a', true);
      })(),
    );
    for (let xid = 1; xid <= 100_000; xid++) world.refuse(xid, 1n, -101);
    expect(world.error(hoarder)).toMatchObject({ code: 'ThrottledOp', path: '/a' });
    expect(String(world.error(hoarder))).toMatch(/watches/);
  });

  it('of several handles on one path fire together, and die with their program', () => {
    const world = new ScriptedWorld();
    world.connect();
    const [first, second] = [world.submit(watching('/a')), world.submit(watching('/a'))];
    world.reply(1, 1n, GetDataResponse, { data: null, stat: STAT });
    world.reply(2, 1n, GetDataResponse, { data: null, stat: STAT });
    world.step({ type: 'program-cancelled', program: first });
    world.notify(WatchEventType.nodeDataChanged, '/a');
    expect(world.outcomes.has(first)).toBe(false);
    expect(world.value(second)).toMatchObject({ type: 'nodeDataChanged' });
  });
});

describe('multi', () => {
  it('throws the error of the operation that failed', () => {
    const world = new ScriptedWorld();
    world.connect();
    const operations = ['/a', '/b', '/c'].map((path) => ({
      type: OpCode.check,
      request: { path, version: 1 },
    }));
    const program = world.submit(zk.multi(operations));
    world.reply(1, 7n, MultiResponse, [
      { type: -1, err: 0 },
      { type: -1, err: -103 },
      { type: -1, err: -2 },
    ]);
    expect(world.error(program)).toMatchObject({
      code: 'BadVersion',
      definite: true,
      path: '/b',
      zxid: 7n,
    });
    const good = world.submit(zk.multi([]));
    world.reply(2, 8n, MultiResponse, []);
    expect(world.value(good)).toMatchObject({ results: [], zxid: 8n });
  });
});
