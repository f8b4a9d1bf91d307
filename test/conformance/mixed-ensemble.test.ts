import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZooKeeper } from '../../src/client/index.ts';
import { type ApacheServer, apacheMissing, freePorts, startApache } from '../support/apache.ts';
import { startUmpire, type UmpireServer, untilMode } from '../support/umpire.ts';

const missing = apacheMissing();
if (missing !== undefined) console.log(`skipped: mixed ensembles: ${missing}`);

/** One Apache ZooKeeper 3.8.0 peer and two of ours, on loopback. */
describe.skipIf(missing !== undefined)('mixed ensemble', () => {
  let dir: string;
  let ports: number[];
  const running = new Map<number, ApacheServer | UmpireServer>();

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'umpire-mixed-'));
    ports = await freePorts(9);
  });
  afterEach(async () => {
    for (const server of running.values()) await server.stop();
    running.clear();
    rmSync(dir, { recursive: true, force: true });
  });

  const clientPort = (sid: number): number => ports[sid - 1] as number;
  const config = (): Record<string, string | number> => ({
    initLimit: 10,
    syncLimit: 5,
    ...Object.fromEntries(
      [1, 2, 3].map((sid) => [
        `server.${sid}`,
        `127.0.0.1:${ports[sid + 2] as number}:${ports[sid + 5] as number}`,
      ]),
    ),
  });
  const options = (sid: number) => ({
    dir: join(dir, String(sid)),
    clientPort: clientPort(sid),
    myid: sid,
    config: config(),
  });
  const startOurs = (sid: number): void => {
    running.set(sid, startUmpire(options(sid)));
  };
  const startTheirs = async (sid: number): Promise<void> => {
    running.set(sid, await startApache(options(sid), { untilServing: false }));
  };
  const stop = async (sid: number): Promise<void> => {
    await running.get(sid)?.stop();
    running.delete(sid);
  };
  const withClient = async <T>(sid: number, use: (zk: ZooKeeper) => Promise<T>): Promise<T> => {
    const zk = await ZooKeeper.connect(`127.0.0.1:${clientPort(sid)}`, { sessionTimeoutMs: 8000 });
    try {
      return await use(zk);
    } finally {
      await zk.close();
    }
  };
  const writeThroughEach = async (label: string): Promise<void> => {
    for (const sid of running.keys()) {
      await withClient(sid, async (zk) => {
        await zk.create(`/${label}-${sid}`, `by ${sid}`);
        await zk.setData(`/${label}-${sid}`, `twice by ${sid}`);
      });
    }
  };
  /** Everything that each server holds, by path, after a sync. */
  const contents = async (sid: number): Promise<Record<string, string>> =>
    await withClient(sid, async (zk) => {
      await zk.sync('/');
      const children = await zk.getChildren('/');
      const entries: Array<readonly [string, string]> = [];
      for (const name of [...children.children].sort()) {
        if (name === 'zookeeper') continue;
        const { data, stat } = await zk.getData(`/${name}`);
        const text = new TextDecoder().decode(data ?? new Uint8Array(0));
        entries.push([name, `${text} ${stat.czxid} ${stat.mzxid} ${stat.version}`] as const);
      }
      return Object.fromEntries(entries);
    });
  const expectEqualContents = async (count: number): Promise<void> => {
    const first = await contents(1);
    expect(Object.keys(first)).toHaveLength(count);
    expect(await contents(2)).toEqual(first);
    expect(await contents(3)).toEqual(first);
  };

  test('an Apache peer follows, falls behind, and is brought up to date', async () => {
    startOurs(2);
    startOurs(3);
    expect(await untilMode(clientPort(3))).toBe('leader');
    await startTheirs(1);
    expect(await untilMode(clientPort(1))).toBe('follower');
    await writeThroughEach('first');
    await expectEqualContents(3);
    await stop(1);
    await withClient(2, (zk) => zk.create('/meanwhile', 'without it'));
    await startTheirs(1);
    expect(await untilMode(clientPort(1))).toBe('follower');
    await writeThroughEach('second');
    await expectEqualContents(7);
  });

  test('an Apache peer leads ours; when it dies we go on, and it follows', async () => {
    await startTheirs(3);
    await new Promise((done) => setTimeout(done, 2500));
    startOurs(1);
    startOurs(2);
    expect(await untilMode(clientPort(3))).toBe('leader');
    expect(await untilMode(clientPort(1))).toBe('follower');
    expect(await untilMode(clientPort(2))).toBe('follower');
    await writeThroughEach('first');
    await expectEqualContents(3);
    await stop(1);
    await withClient(2, (zk) => zk.create('/meanwhile', 'without it'));
    startOurs(1);
    expect(await untilMode(clientPort(1))).toBe('follower');
    await expectEqualContents(4);
    await stop(3);
    expect([await untilMode(clientPort(1)), await untilMode(clientPort(2))].sort()).toEqual([
      'follower',
      'leader',
    ]);
    await writeThroughEach('second');
    await startTheirs(3);
    expect(await untilMode(clientPort(3))).toBe('follower');
    await expectEqualContents(6);
  });
});
