/** What every world promises to a core; see base/core.ts and base/file.ts for the sentences. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionId } from '../../../src/base/core.ts';
import type { FileOperationId, FileRequest, FileResult } from '../../../src/base/file.ts';
import type { ServerEffect } from '../../../src/server/core/seam.ts';
import type { ContractHost, ContractWorld } from './contract-world.ts';

export function describeContract(name: string, open: () => Promise<ContractWorld>): void {
  describe(`environment contract: ${name}`, () => {
    let world: ContractWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.stop());
    describeConnections(() => world);
    describeFiles(() => world);
    describeTimers(() => world);
  });
}

function act(host: ContractHost, ...effects: readonly ServerEffect[]): void {
  host.core.perform(...effects);
  host.poke();
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** Everything that one connection has received, in order. */
function received(host: ContractHost, connection: ConnectionId): Uint8Array {
  const chunks = host.core.of('bytes-received').filter((each) => each.connection === connection);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, offset);
    offset += chunk.bytes.length;
  }
  return bytes;
}

function receivedBytes(host: ContractHost, connection: ConnectionId): number {
  return host.core
    .of('bytes-received')
    .filter((each) => each.connection === connection)
    .reduce((sum, each) => sum + each.bytes.length, 0);
}

function drainedBytes(host: ContractHost, connection: ConnectionId): number {
  return host.core
    .of('bytes-drained')
    .filter((each) => each.connection === connection)
    .reduce((sum, each) => sum + each.sizeBytes, 0);
}

const DIALLED = 2 as ConnectionId;

interface Pair {
  readonly dialler: ContractHost;
  readonly listener: ContractHost;
  readonly accepted: ConnectionId;
  readonly port: number;
}

async function connectPair(world: ContractWorld): Promise<Pair> {
  const dialler = world.host('dialler');
  const listener = world.host('listener');
  const port = await world.freePort();
  act(listener, { type: 'listen', listener: 'door', host: listener.address, port });
  await world.until('it listens', () => listener.core.of('listening').length === 1);
  const { address: host } = listener;
  act(dialler, { type: 'dial', connection: DIALLED, host, port, timeoutMs: 2000 });
  await world.until(
    'both ends know the connection',
    () =>
      dialler.core.of('connection-established').length === 1 &&
      listener.core.of('connection-accepted').length === 1,
  );
  const accepted = listener.core.of('connection-accepted')[0]?.connection as ConnectionId;
  return { dialler, listener, accepted, port };
}

function describeConnections(world: () => ContractWorld): void {
  test('accepted connections have odd ids, the name of their listener and the remote end', async () => {
    const { listener } = await connectPair(world());
    const [accepted] = listener.core.of('connection-accepted');
    expect(accepted?.listener).toBe('door');
    expect((accepted?.connection ?? 0) % 2).toBe(1);
    expect(accepted?.remote).toMatch(/^.+:\d+$/);
  });

  test('bytes arrive complete and in order in both directions, whatever the chunks', async () => {
    const { dialler, listener, accepted } = await connectPair(world());
    const big = new Uint8Array(300_000).map((_, index) => (index * 31) % 251);
    const send = (connection: ConnectionId, bytes: Uint8Array): ServerEffect => ({
      type: 'send',
      connection,
      bytes,
    });
    act(
      dialler,
      send(DIALLED, bytesOf('one ')),
      send(DIALLED, bytesOf('two ')),
      send(DIALLED, big),
    );
    act(listener, send(accepted, bytesOf('back')));
    await world().until(
      'all has arrived',
      () =>
        received(listener, accepted).length === big.length + 8 &&
        received(dialler, DIALLED).length === 4,
    );
    const all = received(listener, accepted);
    expect(textOf(all.subarray(0, 8))).toBe('one two ');
    expect(Buffer.compare(all.subarray(8), big)).toBe(0);
    await world().until('all is drained', () => drainedBytes(dialler, DIALLED) >= big.length + 8);
    expect(drainedBytes(dialler, DIALLED)).toBe(big.length + 8);
  });

  test('what is sent while a dial is under way arrives', async () => {
    const { listener, dialler } = await connectPair(world());
    const port = await world().freePort();
    act(listener, { type: 'listen', listener: 'second', host: listener.address, port });
    await world().until('it listens', () => listener.core.of('listening').length === 2);
    const connection = 4 as ConnectionId;
    act(
      dialler,
      { type: 'dial', connection, host: listener.address, port, timeoutMs: 2000 },
      { type: 'send', connection, bytes: bytesOf('early') },
    );
    await world().until('it arrives', () =>
      listener.core.of('bytes-received').some(({ bytes }) => textOf(bytes) === 'early'),
    );
  });

  test('a reader that does not read stops the draining, and loses nothing', async () => {
    const { dialler, listener, accepted } = await connectPair(world());
    act(listener, { type: 'pause-reading', connection: accepted });
    await world().pass(50);
    const chunks = 64;
    const chunk = new Uint8Array(world().overwhelmingBytes / chunks).fill(7);
    for (let index = 0; index < chunks; index++) {
      dialler.core.perform({ type: 'send', connection: DIALLED, bytes: chunk });
      dialler.poke();
      await world().pass(1);
    }
    await world().pass(300);
    expect(drainedBytes(dialler, DIALLED)).toBeLessThan(chunks * chunk.length);
    act(listener, { type: 'resume-reading', connection: accepted });
    await world().until(
      'everything arrives in the end',
      () => receivedBytes(listener, accepted) === chunks * chunk.length,
    );
    await world().until(
      'everything is drained in the end',
      () => drainedBytes(dialler, DIALLED) === chunks * chunk.length,
    );
  });

  test('close delivers what was sent, ends the other side once, and is silent on its own', async () => {
    const { dialler, listener, accepted } = await connectPair(world());
    act(
      dialler,
      { type: 'send', connection: DIALLED, bytes: bytesOf('last words') },
      { type: 'close', connection: DIALLED },
    );
    const before = dialler.core.events.length;
    await world().until(
      'the other side sees the end',
      () => listener.core.of('connection-closed').length > 0,
    );
    await world().pass(50);
    expect(textOf(received(listener, accepted))).toBe('last words');
    const kinds = listener.core.events.map(({ type }) => type);
    expect(kinds.lastIndexOf('bytes-received')).toBeLessThan(kinds.indexOf('connection-closed'));
    expect(listener.core.of('connection-closed')).toHaveLength(1);
    const after = dialler.core.events.slice(before + 1);
    expect(after.filter((event) => 'connection' in event)).toEqual([]);
  });

  test('close delivers even what does not fit into the buffers at once', async () => {
    const { dialler, listener, accepted } = await connectPair(world());
    const bytes = new Uint8Array(world().overwhelmingBytes / 4).fill(3);
    act(
      dialler,
      { type: 'send', connection: DIALLED, bytes },
      { type: 'close', connection: DIALLED },
    );
    await world().until(
      'the other side sees the end',
      () => listener.core.of('connection-closed').length > 0,
    );
    expect(receivedBytes(listener, accepted)).toBe(bytes.length);
  });

  test('no event of a connection follows its own close, not even one that was on its way', async () => {
    const { dialler, listener, accepted } = await connectPair(world());
    listener.core.react = (event, effects) => {
      if (event.type !== 'bytes-received') return;
      effects.push({ type: 'close', connection: accepted });
    };
    const big = new Uint8Array(1 << 20);
    act(dialler, { type: 'send', connection: DIALLED, bytes: big });
    await world().until(
      'the dialler sees the end',
      () => dialler.core.of('connection-closed').length === 1,
    );
    await world().pass(50);
    expect(listener.core.of('bytes-received')).toHaveLength(1);
    expect(listener.core.of('connection-closed')).toHaveLength(0);
  });

  test('an answer to bytes that came with the end of the stream is still delivered', async () => {
    const { dialler, listener, accepted } = await connectPair(world());
    listener.core.react = (event, effects) => {
      if (event.type !== 'bytes-received') return;
      effects.push({ type: 'send', connection: accepted, bytes: bytesOf('answer') });
      effects.push({ type: 'close', connection: accepted });
    };
    act(dialler, { type: 'send', connection: DIALLED, bytes: bytesOf('word') });
    await world().until(
      'the answer and the end arrive',
      () => dialler.core.of('connection-closed').length === 1,
    );
    expect(textOf(received(dialler, DIALLED))).toBe('answer');
  });

  test('a killed host ends its connections and refuses new ones', async () => {
    const { dialler, listener, port } = await connectPair(world());
    listener.kill();
    await world().until(
      'the other side sees the end',
      () => dialler.core.of('connection-closed').length === 1,
    );
    expect(dialler.core.of('connection-closed')[0]?.connection).toBe(DIALLED);
    const connection = 4 as ConnectionId;
    act(dialler, { type: 'dial', connection, host: listener.address, port, timeoutMs: 2000 });
    await world().until(
      'the dial fails',
      () => dialler.core.of('connection-closed').at(-1)?.connection === connection,
    );
    expect(dialler.core.of('connection-established')).toHaveLength(1);
  });

  test('a dial that nobody answers is closed with a reason, and never established', async () => {
    const dialler = world().host('dialler');
    const { address: host } = world().host('listener');
    const port = await world().freePort();
    act(dialler, { type: 'dial', connection: DIALLED, host, port, timeoutMs: 500 });
    await world().until('it fails', () => dialler.core.of('connection-closed').length === 1);
    expect(dialler.core.of('connection-closed')[0]?.reason).not.toBe('');
    expect(dialler.core.of('connection-established')).toEqual([]);
  });

  test('a port that is in use is answered, and unlisten frees it', async () => {
    const { listener } = await connectPair(world());
    const port = await world().freePort();
    const door = (name: string): ServerEffect => ({
      type: 'listen',
      listener: name,
      host: listener.address,
      port,
    });
    act(listener, door('first'));
    await world().until('it listens', () => listener.core.of('listening').length === 2);
    act(listener, door('second'));
    await world().until('it is refused', () => listener.core.of('listen-failed').length === 1);
    expect(listener.core.of('listen-failed')[0]?.listener).toBe('second');
    act(listener, { type: 'unlisten', listener: 'first' });
    await world().pass(50);
    act(listener, door('third'));
    await world().until('the port is free', () => listener.core.of('listening').length === 3);
  });
}

let nextOperation = 1;

/** Performs file requests in one step and answers their results in the order of the requests. */
async function files(
  world: ContractWorld,
  host: ContractHost,
  ...requests: readonly FileRequest[]
): Promise<FileResult[]> {
  const operations = requests.map(() => nextOperation++ as FileOperationId);
  requests.forEach((request, index) => {
    const operation = operations[index] as FileOperationId;
    host.core.perform({ type: 'file', operation, request });
  });
  host.poke();
  const find = (operation: FileOperationId): FileResult | undefined =>
    host.core.of('file-completed').find((event) => event.operation === operation)?.result;
  await world.until('the disk answers', () => operations.every((each) => find(each) !== undefined));
  return operations.map((each) => find(each) as FileResult);
}

const read = (path: string, offset = 0, sizeBytes = 1000): FileRequest => ({
  kind: 'read',
  path,
  offset,
  sizeBytes,
});
const append = (path: string, text: string): FileRequest => ({
  kind: 'append',
  path,
  bytes: bytesOf(text),
});

function contentOf(result: FileResult | undefined): string {
  if (result?.ok !== true) throw new Error(`the read failed: ${JSON.stringify(result)}`);
  return textOf(result.bytes);
}

function describeFiles(world: () => ContractWorld): void {
  const open = (): { host: ContractHost; directory: string; path: string } => {
    const host = world().host('disk');
    const directory = `${host.directory}/version-2`;
    return { host, directory, path: `${directory}/file` };
  };

  test('a missing directory is made by list, a missing file is not found', async () => {
    const { host, directory, path } = open();
    const [listed] = await files(world(), host, { kind: 'list', path: directory });
    expect(listed).toMatchObject({ ok: true, names: [] });
    const [opened] = await files(world(), host, { kind: 'open', path });
    expect(opened).toMatchObject({ ok: false, error: 'not-found' });
    const [readBack] = await files(world(), host, read(path));
    expect(readBack).toMatchObject({ ok: false, error: 'not-found' });
  });

  test('operations on one file complete in order, and reads see what is not flushed', async () => {
    const { host, directory, path } = open();
    await files(world(), host, { kind: 'list', path: directory });
    const results = await files(
      world(),
      host,
      { kind: 'create', path },
      append(path, 'hello world'),
      read(path),
      { kind: 'write-at', path, offset: 6, bytes: bytesOf('there') },
      read(path, 3, 5),
      { kind: 'truncate', path, sizeBytes: 5 },
      read(path),
      append(path, '!'),
      { kind: 'flush', path },
      append(path, '?'),
      read(path),
      { kind: 'open', path },
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(contentOf(results[2])).toBe('hello world');
    expect(contentOf(results[4])).toBe('lo th');
    expect(contentOf(results[6])).toBe('hello');
    expect(contentOf(results[10])).toBe('hello!?');
    expect(results[11]).toMatchObject({ ok: true, sizeBytes: 7 });
    const order = host.core.of('file-completed').map(({ operation }) => operation);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test('a file grows with zeros, by truncate and by a write behind its end', async () => {
    const { host, directory, path } = open();
    await files(world(), host, { kind: 'list', path: directory });
    const results = await files(
      world(),
      host,
      { kind: 'create', path },
      append(path, 'abcdef'),
      { kind: 'truncate', path, sizeBytes: 2 },
      { kind: 'truncate', path, sizeBytes: 4 },
      { kind: 'write-at', path, offset: 6, bytes: bytesOf('z') },
      read(path),
      { kind: 'flush', path },
      read(path),
    );
    expect(contentOf(results[5])).toBe('ab\0\0\0\0z');
    expect(contentOf(results[7])).toBe('ab\0\0\0\0z');
  });

  test('names: rename replaces, unlink removes, list is sorted, create empties', async () => {
    const { host, directory, path } = open();
    await files(world(), host, { kind: 'list', path: directory });
    const other = `${directory}/another`;
    await files(world(), host, { kind: 'create', path: other }, append(other, 'old'), {
      kind: 'flush',
      path: other,
    });
    await files(world(), host, { kind: 'create', path }, append(path, 'new'));
    const [renamed] = await files(world(), host, { kind: 'rename', path, to: other });
    expect(renamed).toMatchObject({ ok: true });
    expect(contentOf((await files(world(), host, read(other)))[0])).toBe('new');
    const [gone] = await files(world(), host, { kind: 'open', path });
    expect(gone).toMatchObject({ ok: false, error: 'not-found' });
    await files(world(), host, { kind: 'create', path: `${directory}/Zed` });
    const [listed] = await files(world(), host, { kind: 'list', path: directory });
    expect(listed).toMatchObject({ names: ['Zed', 'another'] });
    const [emptied] = await files(world(), host, { kind: 'create', path: other });
    expect(emptied).toMatchObject({ ok: true });
    expect(contentOf((await files(world(), host, read(other)))[0])).toBe('');
    const results = await files(world(), host, { kind: 'unlink', path: other });
    expect(results[0]).toMatchObject({ ok: true });
    const [again] = await files(world(), host, { kind: 'unlink', path: other });
    expect(again).toMatchObject({ ok: false, error: 'not-found' });
    const [flushed] = await files(world(), host, { kind: 'flush-directory', path: directory });
    expect(flushed).toMatchObject({ ok: true });
  });

  test('kill -9 loses what was not flushed, and nothing that was', async () => {
    const { host, directory, path } = open();
    await files(world(), host, { kind: 'list', path: directory });
    await files(world(), host, { kind: 'create', path }, append(path, 'kept'), {
      kind: 'flush',
      path,
    });
    await files(world(), host, { kind: 'flush-directory', path: directory });
    await files(world(), host, append(path, ' lost'), {
      kind: 'write-at',
      path,
      offset: 0,
      bytes: bytesOf('K'),
    });
    host.kill();
    host.start();
    expect(contentOf((await files(world(), host, read(path)))[0])).toBe('kept');
  });

  test('a renamed file keeps its flushed content over kill -9', async () => {
    const { host, directory, path } = open();
    const to = `${directory}/currentEpoch`;
    await files(world(), host, { kind: 'list', path: directory });
    await files(world(), host, { kind: 'create', path }, append(path, '7'), {
      kind: 'flush',
      path,
    });
    await files(world(), host, { kind: 'rename', path, to });
    await files(world(), host, { kind: 'flush-directory', path: directory });
    host.kill();
    host.start();
    expect(contentOf((await files(world(), host, read(to)))[0])).toBe('7');
  });
}

function describeTimers(world: () => ContractWorld): void {
  const fired = (host: ContractHost): string[] =>
    host.core
      .of('timer-fired')
      .map(({ timer }) => timer)
      .filter((timer) => !timer.startsWith('contract/'));

  /** Sets timers relative to the host's own clock, within one step. */
  async function setTimers(
    host: ContractHost,
    ...timers: readonly [string, number][]
  ): Promise<number> {
    let setAt: number | undefined;
    host.core.react = (event, effects) => {
      if (setAt !== undefined) return;
      setAt = event.now;
      for (const [timer, afterMs] of timers) {
        effects.push({ type: 'set-timer', timer, atMs: event.now + afterMs });
      }
    };
    host.poke();
    await world().until('they are set', () => setAt !== undefined);
    return setAt ?? 0;
  }

  test('timers fire once, in order of their time and then of their setting, never early', async () => {
    const host = world().host('clock');
    const setAt = await setTimers(host, ['late', 60], ['soon', 20], ['tie', 60], ['now', 0]);
    await world().until('all have fired', () => fired(host).length === 4);
    expect(fired(host)).toEqual(['now', 'soon', 'late', 'tie']);
    const late = host.core.of('timer-fired').find(({ timer }) => timer === 'late');
    expect((late?.now ?? 0) - setAt).toBeGreaterThanOrEqual(60);
    await world().pass(100);
    expect(fired(host)).toHaveLength(4);
  });

  test('a moved timer fires at its new time only, a cancelled one never', async () => {
    const host = world().host('clock');
    await setTimers(host, ['moved', 20], ['cancelled', 40], ['end', 150]);
    host.core.react = undefined;
    const now = host.core.events.at(-1)?.now ?? 0;
    act(
      host,
      { type: 'set-timer', timer: 'moved', atMs: now + 100 },
      { type: 'cancel-timer', timer: 'cancelled' },
    );
    await world().until('the end has come', () => fired(host).includes('end'));
    expect(fired(host)).toEqual(['moved', 'end']);
  });

  test('a timer that is cancelled by the event before it does not fire', async () => {
    const host = world().host('clock');
    await setTimers(host, ['first', 30], ['second', 30], ['end', 80]);
    host.core.react = (event, effects) => {
      if (event.type !== 'timer-fired' || event.timer !== 'first') return;
      effects.push({ type: 'cancel-timer', timer: 'second' });
    };
    await world().until('the end has come', () => fired(host).includes('end'));
    expect(fired(host)).toEqual(['first', 'end']);
  });

  test('clocks are integers and the monotonic one never goes back', async () => {
    const host = world().host('clock');
    await setTimers(host, ['a', 5], ['b', 10], ['c', 15]);
    await world().until('all have fired', () => fired(host).length === 3);
    let last = 0;
    for (const { now, wallMs } of host.core.events) {
      expect(Number.isInteger(now) && Number.isInteger(wallMs)).toBe(true);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
}
