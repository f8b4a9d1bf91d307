import { describe, expect, it } from 'vitest';
import type { Host } from '../../../src/client/core/program.ts';
import { zk } from '../../../src/client/core/zk.ts';
import {
  Create2Response,
  CreateRequest,
  encodeFrame,
  encodeReply,
  GetDataResponse,
  OpCode,
  PathRequest,
  StatResponse,
  Xid,
} from '../../../src/wire/client.ts';
import { ScriptedWorld, STAT } from './scripted-server.ts';

const hosts: readonly Host[] = [
  { host: 'a', port: 1, server: 1 },
  { host: 'b', port: 2, server: 2 },
  { host: 'c', port: 3, server: 3 },
];

describe('handshake', () => {
  it('asks for a new session and takes what the server grants', () => {
    const world = new ScriptedWorld();
    world.step({ type: 'started' });
    expect(world.core.session.state).toBe('connecting');
    expect(world.accept()).toEqual({
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeoutMs: 3000,
      sessionId: 0n,
      password: new Uint8Array(16),
      readOnly: false,
    });
    world.confirm({ timeoutMs: 2400 });
    expect(world.core.session).toEqual({
      state: 'connected',
      sessionId: 0x77n,
      negotiatedTimeoutMs: 2400,
      lastContactMs: 1000,
      lastAnsweredSendMs: 1000,
      server: 1,
    });
    expect(world.sessions).toHaveLength(1);
  });

  it('gives each host its share of the timeout, then tries the next', () => {
    const world = new ScriptedWorld({ hosts });
    world.step({ type: 'started' });
    world.advance(999);
    expect(world.dials).toHaveLength(1);
    world.advance(1);
    expect(world.closed).toEqual([2]);
    world.advance(400);
    world.breakConnection();
    world.advance(400);
    world.accept();
    // A server that is behind closes without an answer.
    world.breakConnection();
    world.advance(400);
    expect(world.dials.map(({ connection }) => connection)).toEqual([2, 4, 6, 8]);
    const [first, second, third, fourth] = world.dials.map(({ host }) => host);
    expect(new Set([first, second, third])).toEqual(new Set(['a', 'b', 'c']));
    expect(fourth).toBe(first);
  });

  it('pauses longer after each failure, but never longer than an eighth of the timeout', () => {
    const world = new ScriptedWorld({ sessionTimeoutMs: 80_000 });
    world.step({ type: 'started' });
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 40; attempt++) {
      const before = world.now;
      world.breakConnection();
      world.advance(1001);
      pauses.push((world.dials.at(-1)?.atMs ?? 0) - before);
    }
    expect(Math.max(...pauses.slice(0, 2))).toBeLessThanOrEqual(20);
    expect(Math.max(...pauses)).toBeGreaterThan(500);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1000);
    const short = new ScriptedWorld({ sessionTimeoutMs: 80 });
    short.step({ type: 'started' });
    for (let attempt = 0; attempt < 20; attempt++) {
      short.breakConnection();
      short.advance(10);
      expect(short.dials).toHaveLength(attempt + 2);
    }
  });
});

describe('the stream', () => {
  it.each([1, 2, 3, 7, 64])('is the same in chunks of %i bytes', (chunkBytes) => {
    const world = new ScriptedWorld();
    world.chunkBytes = chunkBytes;
    world.connect();
    const read = world.submit(zk.getData('/a'));
    const made = world.submit(zk.create('/b-', 'x', { mode: 'ephemeralSequential' }));
    const [first, second] = world.requests();
    expect([first?.type, second?.type]).toEqual([OpCode.getData, OpCode.create2]);
    expect(second === undefined ? undefined : CreateRequest.read(second.body)).toMatchObject({
      path: '/b-',
      flags: 3,
    });
    world.reply(1, 5n, GetDataResponse, { data: new Uint8Array([1]), stat: STAT });
    world.reply(2, 6n, Create2Response, { path: '/b-0000000001', stat: STAT });
    expect(world.value(read)).toEqual({
      zxid: 5n,
      data: new Uint8Array([1]),
      stat: STAT,
      server: 1,
    });
    expect(world.value(made)).toMatchObject({ path: '/b-0000000001', zxid: 6n });
  });

  it('takes several frames from one chunk', () => {
    const world = new ScriptedWorld();
    world.connect();
    const programs = ['/a', '/b', '/c'].map((path) => world.submit(zk.exists(path)));
    const frames = [1, 2, 3].map((xid) =>
      encodeReply({ xid, zxid: BigInt(xid), err: 0 }, StatResponse, { stat: STAT }),
    );
    world.deliver(Uint8Array.from(frames.flatMap((frame) => [...frame])));
    expect(programs.map((program) => world.value(program))).toMatchObject([
      { zxid: 1n },
      { zxid: 2n },
      { zxid: 3n },
    ]);
  });

  it('closes in the middle of a frame: what was in flight is lost, what was not sent stays', () => {
    const world = new ScriptedWorld({ hosts });
    world.connect();
    const first = world.submit(zk.sync('/a'));
    world.reply(1, 0x500n, PathRequest, { path: '/a' });
    expect(world.value(first)).toMatchObject({ zxid: 0x500n });
    const lost = world.submit(zk.setData('/a', 'x'));
    const bytes = encodeReply({ xid: 2, zxid: 9n, err: 0 }, StatResponse, { stat: STAT });
    world.deliver(bytes.slice(0, bytes.length - 1));
    world.breakConnection();
    expect(world.error(lost)).toMatchObject({ code: 'ConnectionLoss', definite: false });
    expect(world.core.session.state).toBe('disconnected');

    const waiting = world.submit(zk.exists('/later'));
    world.advance(375);
    expect(world.outcomes.has(waiting)).toBe(false);
    // The session moves to another host and says what it has seen and who it is.
    expect(world.dials[1]?.host).not.toBe(world.dials[0]?.host);
    expect(world.accept()).toMatchObject({
      lastZxidSeen: 0x500n,
      sessionId: 0x77n,
      password: new Uint8Array(16).fill(9),
    });
    world.confirm();
    const [request] = world.requests();
    expect(request).toMatchObject({ type: OpCode.exists, xid: 3 });
    world.refuse(3, 0x501n, -101);
    expect(world.value(waiting)).toMatchObject({ stat: null, zxid: 0x501n });
  });

  it('ignores what still comes from a connection that was given up', () => {
    const world = new ScriptedWorld({ hosts });
    world.step({ type: 'started' });
    const { connection } = world;
    world.advance(1000);
    world.advance(375);
    expect(world.connection).not.toBe(connection);
    world.step({ type: 'connection-established', connection });
    world.deliver(new Uint8Array([0, 0, 0, 1, 7]), connection);
    world.step({ type: 'connection-closed', connection, reason: 'late' });
    world.step({ type: 'bytes-drained', connection, sizeBytes: 99 });
    world.connect();
    expect(world.core.session.state).toBe('connected');
  });

  it.each([
    ['an xid out of order', false, encodeReply({ xid: 7, zxid: 1n, err: 0 })],
    ['a frame with a negative length', false, new Uint8Array([255, 255, 255, 255])],
    ['a body that does not parse', true, encodeReply({ xid: 1, zxid: 1n, err: 0 })],
    ['a header that is cut short', false, encodeFrame((writer) => writer.int(1))],
  ])('drops the connection after %s', (_, isBodyRead, bytes) => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(isBodyRead ? zk.getData('/a') : zk.sync('/a'));
    world.deliver(bytes);
    expect(world.error(program)).toMatchObject({ code: 'ConnectionLoss', path: '/a' });
    expect(world.closed).toEqual([2]);
    world.advance(375);
    expect(world.dials).toHaveLength(2);
  });

  it('hears nothing more of a connection that it has just dropped', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.submit(zk.sync('/a'));
    const wrong = encodeReply({ xid: 7, zxid: 1n, err: 0 });
    world.deliver(Uint8Array.from([...wrong, ...wrong]));
    const pauses = world.effects.filter(
      (effect) => effect.type === 'set-timer' && effect.timer === 'reconnect',
    );
    expect(pauses).toHaveLength(1);
  });

  it('turns error codes into their rows, unknown ones into nothing definite', () => {
    const world = new ScriptedWorld();
    world.connect();
    const known = world.submit(zk.delete('/a', 3));
    const unknown = world.submit(zk.delete('/b'));
    world.refuse(1, 8n, -103);
    world.refuse(2, 9n, -9999);
    expect(world.error(known)).toMatchObject({
      code: 'BadVersion',
      definite: true,
      path: '/a',
      zxid: 8n,
    });
    expect(world.error(unknown)).toMatchObject({ code: 'SystemError', definite: false });
  });
});

describe('time', () => {
  it('pings an idle connection and knows when it was heard', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.advance(999);
    expect(world.requests()).toEqual([]);
    world.advance(1);
    expect(world.requests()).toMatchObject([{ xid: Xid.ping, type: OpCode.ping }]);
    world.advance(300);
    world.reply(Xid.ping, 0n);
    expect(world.core.session).toMatchObject({ lastContactMs: 2300, lastAnsweredSendMs: 2000 });
  });

  it('does not ping while requests keep the connection busy', () => {
    const world = new ScriptedWorld();
    world.connect();
    for (let xid = 1; xid <= 10; xid++) {
      world.advance(500);
      world.submit(zk.sync('/'));
      world.reply(xid, 1n, PathRequest, { path: '/' });
    }
    expect(world.requests().every(({ type }) => type === OpCode.sync)).toBe(true);
  });

  it('gives up a silent connection after two thirds of the timeout', () => {
    const world = new ScriptedWorld();
    world.connect();
    const program = world.submit(zk.sync('/'));
    world.advance(1999);
    expect(world.core.session.state).toBe('connected');
    world.advance(1);
    expect(world.core.session.state).toBe('disconnected');
    expect(world.error(program)).toMatchObject({ code: 'ConnectionLoss' });
  });

  it('tries a server that accepts and says nothing again, in time to save the session', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.breakConnection();
    world.advance(10);
    world.accept();
    expect(world.core.session.state).toBe('disconnected');
    world.advance(1010);
    expect(world.timer('reconnect') ?? world.timer('connect')).toBeDefined();
    world.advance(10);
    world.accept();
    world.confirm();
    expect(world.core.session.state).toBe('connected');
  });

  it('lets input that waits be heard before a late timer counts', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.now += 2500;
    world.fire('read');
    expect(world.core.session.state).toBe('connected');
    world.reply(Xid.ping, 0n);
    world.advance(0);
    expect(world.core.session.state).toBe('connected');
    world.now += 2500;
    world.fire('read');
    world.advance(0);
    expect(world.core.session.state).toBe('disconnected');
  });

  it('expires by its own clock after four thirds of the timeout without contact', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.breakConnection();
    const queued = world.submit(zk.exists('/a'));
    const waiting = world.submit(zk.connected());
    world.advance(3999);
    expect(world.core.session.state).toBe('disconnected');
    expect(world.outcomes.size).toBe(0);
    world.advance(1);
    expect(world.core.session.state).toBe('lost');
    for (const program of [queued, waiting, world.submit(zk.exists('/b'))]) {
      expect(world.error(program)).toMatchObject({ code: 'SessionExpired', definite: false });
    }
    const dials = world.dials.length;
    world.advance(60_000);
    expect(world.dials).toHaveLength(dials);
  });

  it('counts towards expiry from the last contact, and no longer once it is back', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.advance(1500);
    world.breakConnection();
    expect(world.timer('expiry')).toBe(5000);
    world.advance(375);
    world.accept();
    world.confirm();
    expect(world.timer('expiry')).toBeUndefined();
  });

  it('pauses briefly again once a server has answered', () => {
    const world = new ScriptedWorld({ sessionTimeoutMs: 80_000 });
    world.step({ type: 'started' });
    for (let round = 0; round < 20; round++) {
      for (let attempt = 0; attempt < 8; attempt++) {
        world.breakConnection();
        world.advance(1000);
      }
      world.connect({ timeoutMs: 80_000 });
      world.breakConnection();
      expect((world.timer('reconnect') ?? 0) - world.now).toBeLessThanOrEqual(10);
      world.advance(1000);
    }
  });

  it('never expires before it had a session', () => {
    const world = new ScriptedWorld();
    world.step({ type: 'started' });
    for (let round = 0; round < 20; round++) {
      world.advance(3000);
      world.breakConnection();
    }
    expect(world.core.session.state).toBe('connecting');
  });
});

describe('the end', () => {
  it('is told by the server: a timeout of 0 means expired', () => {
    const world = new ScriptedWorld();
    world.connect();
    const watcher = world.submit(
      (function* () {
        const { watch } = yield* zk.exists('/a', true);
        return yield* zk.awaitWatch(watch);
      })(),
    );
    world.refuse(1, 3n, -101);
    world.breakConnection();
    const queued = world.submit(zk.exists('/b'));
    world.advance(375);
    world.accept();
    world.confirm({ timeoutMs: 0, sessionId: 0n, password: new Uint8Array(16) });
    expect(world.core.session).toMatchObject({ state: 'lost', sessionId: 0x77n });
    expect(world.error(queued)).toMatchObject({ code: 'SessionExpired' });
    expect(world.value(watcher)).toEqual({ type: 'session', path: '/a' });
    expect(world.sessions.map(({ state }) => state)).toEqual(['connected', 'disconnected', 'lost']);
  });

  it('comes by close, behind what was asked before', () => {
    const world = new ScriptedWorld();
    world.connect();
    const before = world.submit(zk.sync('/'));
    const close = world.submit(zk.close());
    const after = world.submit(zk.sync('/'));
    expect(world.error(after)).toMatchObject({ code: 'SessionExpired' });
    expect(world.requests().map(({ type }) => type)).toEqual([OpCode.sync, OpCode.closeSession]);
    world.reply(1, 4n, PathRequest, { path: '/' });
    world.reply(2, 5n);
    expect(world.value(before)).toMatchObject({ zxid: 4n });
    expect(world.value(close)).toMatchObject({ zxid: 5n });
    expect(world.core.session.state).toBe('lost');
    expect(world.closed).toEqual([2]);
  });

  it('is unknown where the connection breaks during close', () => {
    const world = new ScriptedWorld();
    world.connect();
    const close = world.submit(zk.close());
    world.breakConnection();
    expect(world.error(close)).toMatchObject({ code: 'ConnectionLoss' });
    expect(world.core.session.state).toBe('lost');
  });

  it('is at once without a connection', () => {
    const fresh = new ScriptedWorld();
    fresh.step({ type: 'started' });
    const waiting = fresh.submit(zk.sync('/'));
    expect(fresh.value(fresh.submit(zk.close()))).toMatchObject({ zxid: 0n });
    expect(fresh.error(waiting)).toMatchObject({ code: 'SessionExpired' });
    const cut = new ScriptedWorld();
    cut.connect();
    cut.breakConnection();
    expect(cut.error(cut.submit(zk.close()))).toMatchObject({ code: 'ConnectionLoss' });
  });
});

describe('bounds', () => {
  it('stops sending at high water until bytes have left', () => {
    const world = new ScriptedWorld();
    world.connect();
    world.isDraining = false;
    const data = new Uint8Array(700_000);
    for (let count = 0; count < 4; count++) world.submit(zk.setData('/a', data));
    expect(world.requests()).toHaveLength(2);
    const { connection } = world;
    world.step({ type: 'bytes-drained', connection, sizeBytes: 700_000 });
    expect(world.requests()).toHaveLength(1);
    world.step({ type: 'bytes-drained', connection, sizeBytes: 1_400_000 });
    expect(world.requests()).toHaveLength(1);
  });

  it('refuses more than ten thousand requests or programs, definitely', () => {
    const world = new ScriptedWorld();
    world.connect();
    for (let count = 0; count < 10_000; count++) {
      // Sent and cancelled: nobody waits for the answer, but it is still owed.
      world.step({ type: 'program-cancelled', program: world.submit(zk.exists('/a')) });
    }
    const request = world.submit(zk.exists('/more'));
    expect(world.error(request)).toMatchObject({ code: 'ThrottledOp', definite: true });
    expect(String(world.error(request))).toMatch(/requests/);
    for (let count = 0; count < 10_000; count++) world.submit(zk.sleep(1000));
    const program = world.submit(zk.now());
    expect(String(world.error(program))).toMatch(/programs/);
  });
});

it('does the same with the same seed, and another order with another', () => {
  const run = (seed: string): unknown => {
    const world = new ScriptedWorld({ hosts, seed });
    world.step({ type: 'started' });
    for (let attempt = 0; attempt < 5; attempt++) {
      world.breakConnection();
      world.advance(375);
    }
    return world.effects;
  };
  expect(run('one')).toEqual(run('one'));
  expect(run('one')).not.toEqual(run('two'));
});
