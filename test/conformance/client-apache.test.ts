/**
 * The client against a real Apache ZooKeeper. What holds there is what the protocol means; the same
 * client then judges our own server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acquireLock,
  increment,
  releaseLock,
  toText,
  type WatchFired,
  ZkError,
  ZooKeeper,
  zk,
} from '../../src/client/index.ts';
import { type ApacheServer, apacheMissing, freePorts, startApache } from '../support/apache.ts';

const missing = apacheMissing();
if (missing !== undefined) console.log(`client-apache: skipped, ${missing}`);

describe.skipIf(missing !== undefined)('client against Apache ZooKeeper', () => {
  let dir: string;
  let port: number;
  let server: ApacheServer;
  const clients: ZooKeeper[] = [];

  const open = async (sessionTimeoutMs = 6000): Promise<ZooKeeper> => {
    const client = await ZooKeeper.connect(`127.0.0.1:${port}`, { sessionTimeoutMs });
    clients.push(client);
    return client;
  };
  const start = (): Promise<ApacheServer> => startApache({ dir, clientPort: port });

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'umpire-apache-'));
    [port = 0] = await freePorts(1);
    server = await start();
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('creates, reads, writes and deletes, and says what was wrong', async () => {
    const client = await open();
    const made = await client.create('/crud', 'one');
    expect(made.path).toBe('/crud');
    expect(made.stat.czxid).toBe(made.zxid);
    const first = await client.getData('/crud');
    expect(toText(first.data)).toBe('one');
    const written = await client.setData('/crud', new Uint8Array([0, 255]), { version: 0 });
    expect(written.stat.version).toBe(1);
    expect((await client.getData('/crud')).data).toEqual(new Uint8Array([0, 255]));
    expect((await client.exists('/crud')).stat?.dataLength).toBe(2);
    expect((await client.exists('/absent')).stat).toBeNull();

    await client.create('/crud/child', null);
    expect((await client.getData('/crud/child')).data).toBeNull();
    expect((await client.getChildren('/crud')).children).toEqual(['child']);
    expect((await client.sync('/crud')).zxid).toBeGreaterThanOrEqual(written.zxid);

    await expect(client.create('/crud')).rejects.toMatchObject({
      name: 'ZkError',
      code: 'NodeExists',
      definite: true,
      path: '/crud',
    });
    await expect(client.setData('/crud', 'x', { version: 7 })).rejects.toMatchObject({
      code: 'BadVersion',
    });
    await expect(client.delete('/crud')).rejects.toMatchObject({ code: 'NotEmpty' });
    await expect(client.getData('/absent')).rejects.toMatchObject({ code: 'NoNode' });
    await client.delete('/crud/child');
    await client.delete('/crud', { version: 1 });
    expect((await client.exists('/crud')).stat).toBeNull();
  });

  it('numbers sequential nodes and removes ephemeral ones with their session', async () => {
    const client = await open();
    await client.create('/seq');
    const names: string[] = [];
    for (const mode of ['persistentSequential', 'ephemeralSequential'] as const) {
      names.push((await client.create('/seq/n-', null, { mode })).path);
    }
    expect(names).toEqual(['/seq/n-0000000000', '/seq/n-0000000001']);
    const owner = await open();
    await owner.create('/seq/mine', null, { mode: 'ephemeral' });
    const { stat } = await client.exists('/seq/mine');
    expect(stat?.ephemeralOwner).toBe(owner.session.sessionId);
    await expect(owner.create('/seq/mine/below')).rejects.toMatchObject({
      code: 'NoChildrenForEphemerals',
    });
    await owner.close();
    expect((await client.exists('/seq/mine')).stat).toBeNull();
    await expect(owner.exists('/seq')).rejects.toMatchObject({ code: 'SessionExpired' });
  });

  it('fires each watch once', async () => {
    const client = await open();
    const other = await open();
    const fired: WatchFired[] = [];
    const watch = (event: WatchFired): void => {
      fired.push(event);
    };
    await client.exists('/watched', { watch });
    await other.create('/watched', '0');
    await client.sync('/');
    expect(fired).toEqual([{ type: 'nodeCreated', path: '/watched' }]);
    await client.getData('/watched', { watch });
    await client.getChildren('/watched', { watch });
    await other.setData('/watched', '1');
    await other.create('/watched/child');
    await other.setData('/watched', '2');
    await client.sync('/');
    expect(fired.slice(1).map(({ type }) => type)).toEqual([
      'nodeDataChanged',
      'nodeChildrenChanged',
    ]);
    const controller = new AbortController();
    await client.exists('/watched', { watch, signal: controller.signal });
    controller.abort();
    await other.delete('/watched/child');
    await other.delete('/watched');
    await client.sync('/');
    expect(fired).toHaveLength(3);
  });

  it('commits a transaction whole or not at all', async () => {
    const client = await open();
    const results = await client
      .transaction()
      .create('/multi', 'a')
      .create('/multi/n-', 'b', { mode: 'persistentSequential' })
      .setData('/multi', 'c', 0)
      .check('/multi', 1)
      .commit();
    expect(results).toHaveLength(4);
    const failing = client
      .transaction()
      .setData('/multi', 'd')
      .check('/multi', 1)
      .delete('/multi/n-0000000000');
    await expect(failing.commit()).rejects.toMatchObject({
      code: 'BadVersion',
      definite: true,
      path: '/multi',
    });
    expect(toText((await client.getData('/multi')).data)).toBe('c');
    expect((await client.getChildren('/multi')).children).toHaveLength(1);
  });

  it('gives up a call when its signal aborts', async () => {
    const client = await open();
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(client.exists('/', { signal: controller.signal })).rejects.toThrow('enough');
    const later = new AbortController();
    const waiting = client.run(zk.sleep(60_000), { signal: later.signal });
    later.abort(new Error('woken'));
    await expect(waiting).rejects.toThrow('woken');
    await expect(
      ZooKeeper.connect('127.0.0.1:1', { signal: AbortSignal.timeout(300) }),
    ).rejects.toThrow();
  });

  it('passes the lock among five clients, one at a time and with growing fences', async () => {
    const first = await open();
    await first.create('/locks');
    await first.create('/locks/counter', '0');
    let holders = 0;
    const fences: bigint[] = [];
    const contend = async (name: string): Promise<void> => {
      const client = await open();
      for (let round = 0; round < 5; round++) {
        const held = await client.run(acquireLock(zk, '/locks', { id: `${name}-${round}` }));
        if (held === undefined) throw new Error('acquired nothing');
        expect(++holders).toBe(1);
        fences.push(held.fence);
        await client.run(increment(zk, '/locks/counter', { attempts: 1 }));
        holders--;
        expect(await client.run(releaseLock(zk, held))).toBe('released');
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(contend));
    expect(fences).toHaveLength(25);
    expect([...fences].sort((a, b) => (a < b ? -1 : 1))).toEqual(fences);
    expect(toText((await first.getData('/locks/counter')).data)).toBe('25');
    expect((await first.getChildren('/locks')).children).toEqual(['counter']);
  });

  it('leaves the queue of a lock when it times out or is cancelled', async () => {
    const client = await open();
    await client.create('/queue');
    const held = await client.run(acquireLock(zk, '/queue', { id: 'holder' }));
    if (held === undefined) throw new Error('acquired nothing');
    const other = await open();
    const late = other.run(acquireLock(zk, '/queue', { id: 'late', timeoutMs: 100 }));
    expect(await late).toBeUndefined();
    const controller = new AbortController();
    const cancelled = other.run(acquireLock(zk, '/queue', { id: 'no' }), controller);
    setTimeout(() => controller.abort(), 50);
    await expect(cancelled).rejects.toThrow();
    await expect
      .poll(async () => (await client.getChildren('/queue')).children)
      .toEqual(['_c_holder-lock-0000000000']);
    expect(await client.run(releaseLock(zk, held))).toBe('released');
    expect(await client.run(releaseLock(zk, held))).toBe('gone');
  });

  it('keeps session, ephemerals and watches when the server is killed and started again', async () => {
    const client = await open(8000);
    const other = await open(8000);
    await client.create('/kept', '0');
    await client.create('/kept/mine', null, { mode: 'ephemeral' });
    const { sessionId } = client.session;
    const fired = new Promise<WatchFired>((resolve) => {
      void client.getData('/kept', { watch: resolve });
    });
    await client.sync('/');
    const disconnected = new Promise((resolve) => client.once('disconnected', resolve));
    const connected = new Promise((resolve) =>
      client.once('disconnected', () => client.once('connected', resolve)),
    );
    await server.stop('SIGKILL');
    await disconnected;
    const waiting = client.exists('/kept/mine');
    server = await start();
    await connected;
    expect((await waiting).stat?.ephemeralOwner).toBe(sessionId);
    expect(client.session.sessionId).toBe(sessionId);
    await other.setData('/kept', '1');
    expect(await fired).toEqual({ type: 'nodeDataChanged', path: '/kept' });
  });

  it('learns that its session has expired', async () => {
    const client = await open(1000);
    const witness = await open();
    await client.create('/expiring', null, { mode: 'ephemeral' });
    const events: string[] = [];
    client.on('expired', () => events.push('expired'));
    const fired = new Promise<WatchFired>((resolve) => {
      void client.exists('/never', { watch: resolve });
    });
    await client.sync('/');
    const gone = new Promise<WatchFired>((resolve) => {
      void witness.exists('/expiring', { watch: resolve });
    });
    await witness.sync('/');
    // A stopped server cannot be heard; the client gives its session up by its own clock.
    process.kill(server.pid, 'SIGSTOP');
    const failed = client.setData('/', 'x').catch((error: unknown) => error);
    const expired = new Promise((resolve) => client.once('expired', resolve));
    await expired;
    process.kill(server.pid, 'SIGCONT');
    expect(events).toEqual(['expired']);
    expect(await fired).toEqual({ type: 'session', path: '/never' });
    expect(await failed).toBeInstanceOf(ZkError);
    await expect(client.exists('/')).rejects.toMatchObject({ code: 'SessionExpired' });
    expect((await gone).type).toBe('nodeDeleted');
  });
});
