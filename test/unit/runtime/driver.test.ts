import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { assert } from '../../../src/base/assert.ts';
import type { ConnectionId } from '../../../src/base/core.ts';
import type { ProtocolEvent } from '../../../src/base/protocol-event.ts';
import type { ServerEffect, ServerEvent } from '../../../src/server/core/seam.ts';
import { systemClock } from '../../../src/server/runtime/clock.ts';
import { CRASH_EXIT_CODE, Driver } from '../../../src/server/runtime/driver.ts';
import { silentLog } from '../../../src/server/runtime/log.ts';
import { openTraceFile } from '../../../src/server/runtime/trace-file.ts';
import { ScriptedCore } from '../../support/contract/contract-world.ts';

const pass = (durationMs: number): Promise<void> =>
  new Promise((passed) => {
    setTimeout(passed, durationMs);
  });

const drivers: Driver[] = [];
afterEach(() => {
  for (const driver of drivers.splice(0)) driver.abandon();
});

function open(options: Partial<ConstructorParameters<typeof Driver>[0]> = {}): {
  core: ScriptedCore;
  driver: Driver;
  halts: { code: number; reason: string }[];
} {
  const core = new ScriptedCore();
  const halts: { code: number; reason: string }[] = [];
  const driver = new Driver({
    core,
    clock: systemClock,
    log: silentLog,
    lateTimerMs: 20,
    onHalt: (code, reason) => halts.push({ code, reason }),
    ...options,
  });
  drivers.push(driver);
  return { core, driver, halts };
}

function blockFor(durationMs: number): void {
  const startedMs = performance.now();
  while (performance.now() - startedMs < durationMs);
}

const event = (n: number): ProtocolEvent => ({
  v: 1,
  node: 1,
  incarnation: 1,
  n,
  now: 0,
  wallMs: 0,
  act: 'ClockTicked',
  args: {},
  post: {
    role: 'looking',
    acceptedEpoch: 0,
    currentEpoch: 0,
    lastLogged: '0x0',
    lastFlushed: '0x0',
    lastApplied: '0x0',
  },
});

describe('driver', () => {
  test('input that waited during a long stall comes before the timers that it made late', async () => {
    const { core, driver } = open();
    core.perform({ type: 'listen', listener: 'client', host: '127.0.0.1', port: 21_987 });
    driver.start(1, 'seed');
    while (core.of('listening').length + core.of('listen-failed').length === 0) await pass(1);
    const socket = connect({ host: '127.0.0.1', port: 21_987 });
    while (core.of('connection-accepted').length === 0) await pass(1);
    core.perform({ type: 'set-timer', timer: 'expiry', atMs: systemClock.now() + 10 });
    driver.enqueue({ type: 'timer-fired', timer: 'poke' });
    await new Promise((written) => {
      setImmediate(() => setImmediate(written));
    });
    await new Promise((written) => {
      socket.write('ping', written);
    });
    blockFor(100);
    while (core.of('timer-fired').length < 2) await pass(1);
    const kinds = core.events.map((each) => (each.type === 'timer-fired' ? each.timer : each.type));
    expect(kinds.indexOf('bytes-received')).toBeGreaterThan(0);
    expect(kinds.indexOf('bytes-received')).toBeLessThan(kinds.indexOf('expiry'));
    socket.destroy();
  });

  test('an event that is ready at once joins the queue and never re-enters the step', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'umpire-driver-'));
    const path = join(directory, 'file');
    const { core, driver } = open();
    let operation = 0;
    core.react = (each, effects) => {
      if (each.type !== 'started' && each.type !== 'file-completed') return;
      if (++operation > 100) return;
      const request =
        operation === 1
          ? ({ kind: 'create', path } as const)
          : ({ kind: 'append', path, bytes: new Uint8Array(1) } as const);
      effects.push({ type: 'file', operation: operation as never, request });
    };
    driver.start(1, 'seed');
    while (core.of('file-completed').length < 100) await pass(1);
    expect(core.of('file-completed').every(({ result }) => result.ok)).toBe(true);
    rmSync(directory, { recursive: true });
  });

  test('trace lines are in the file before any other effect of their step', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'umpire-driver-'));
    const path = join(directory, 'trace');
    const traceFile = openTraceFile(path);
    let seen = '';
    const { core, driver } = open({
      traceFile,
      log: {
        write: () => {
          seen = readFileSync(path, 'utf8');
        },
        dump: () => {},
      },
    });
    core.perform(
      { type: 'log', level: 'info', message: 'stands for a send', fields: {} },
      { type: 'trace', event: event(1) },
    );
    driver.start(1, 'seed');
    while (seen === '') await pass(1);
    expect(JSON.parse(seen)).toMatchObject({ n: 1, act: 'ClockTicked' });
    rmSync(directory, { recursive: true });
  });

  test('halt ends everything and reports the code once', async () => {
    const { core, driver, halts } = open();
    core.perform(
      { type: 'set-timer', timer: 'never', atMs: 0 },
      { type: 'halt', code: 14, reason: 'port' },
      { type: 'log', level: 'info', message: 'never', fields: {} },
    );
    driver.start(1, 'seed');
    driver.enqueue({ type: 'stop-requested' });
    await pass(50);
    expect(halts).toEqual([{ code: 14, reason: 'port' }]);
    expect(core.events.map(({ type }) => type)).toEqual(['started']);
  });

  test('a broken invariant dumps the state and ends with code 70', async () => {
    const dumps: Record<string, unknown>[] = [];
    const core = {
      step(each: ServerEvent): void {
        assert(each.type === 'started', 'only starting works', { zxid: 5n });
      },
    };
    const { driver, halts } = open({
      core,
      describeState: () => ({ mode: 'leader' }),
      log: { write: () => {}, dump: (state) => dumps.push({ ...state }) },
    });
    driver.start(1, 'seed');
    driver.enqueue({ type: 'stop-requested' });
    await pass(30);
    expect(halts).toHaveLength(1);
    expect(halts[0]?.code).toBe(CRASH_EXIT_CODE);
    expect(dumps[0]).toMatchObject({
      crash: 'only starting works (zxid=0x5)',
      state: { mode: 'leader' },
      recentEvents: ['started', 'stop-requested'],
    });
  });

  test('dials go where the dial map says, and are established when the proxy says so', async () => {
    const { core, driver } = open({
      dialMap: new Map([['zk.example:2888', '127.0.0.1:21988']]),
    });
    const connection = 2 as ConnectionId;
    const effects: ServerEffect[] = [
      { type: 'listen', listener: 'quorum', host: '127.0.0.1', port: 21_988 },
    ];
    core.perform(...effects);
    driver.start(1, 'seed');
    while (core.of('listening').length === 0) await pass(1);
    core.perform({ type: 'dial', connection, host: 'zk.example', port: 2888, timeoutMs: 1000 });
    driver.enqueue({ type: 'timer-fired', timer: 'poke' });
    while (core.of('connection-accepted').length === 0) await pass(1);
    const accepted = core.of('connection-accepted')[0];
    expect(accepted?.listener).toBe('quorum');
    await pass(30);
    expect(core.of('connection-established')).toEqual([]);
    core.perform({
      type: 'send',
      connection: accepted?.connection as ConnectionId,
      bytes: new Uint8Array([6, 1, 2]),
    });
    driver.enqueue({ type: 'timer-fired', timer: 'poke' });
    while (core.of('bytes-received').length === 0) await pass(1);
    const kinds = core.events.map(({ type }) => type);
    expect(kinds.indexOf('connection-established')).toBeLessThan(kinds.indexOf('bytes-received'));
    expect(core.of('bytes-received')[0]?.bytes).toEqual(new Uint8Array([1, 2]));
  });
});

describe('trace file', () => {
  test('counts incarnations and cuts a torn last line', () => {
    const directory = mkdtempSync(join(tmpdir(), 'umpire-trace-'));
    const path = join(directory, 'trace');
    const first = openTraceFile(path);
    expect(first.incarnation).toBe(1);
    first.add(event(1));
    first.close();
    const second = openTraceFile(path);
    expect(second.incarnation).toBe(2);
    second.add({ ...event(1), incarnation: 2 });
    second.flush();
    second.add({ ...event(2), incarnation: 2 });
    second.close();
    const torn = readFileSync(path, 'utf8').slice(0, -10);
    rmSync(path);
    const third = openTraceFile(path);
    third.add({ ...event(1), incarnation: 2 });
    third.close();
    expect(openTraceFile(path).incarnation).toBe(3);
    expect(torn.split('\n')).toHaveLength(3);
    rmSync(directory, { recursive: true });
  });
});
