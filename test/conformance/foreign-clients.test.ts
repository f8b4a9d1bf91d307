import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../support/apache.ts';
import { startUmpire, type UmpireServer, untilMode } from '../support/umpire.ts';

const python = '/usr/bin/python3';
const zkCli = '/usr/share/zookeeper/bin/zkCli.sh';
const hasKazoo =
  existsSync(python) && spawnSync(python, ['-c', 'import kazoo'], { stdio: 'ignore' }).status === 0;
const hasCli = existsSync(zkCli);
if (!hasKazoo) console.log('skipped: kazoo: apt-get install python3-kazoo');
if (!hasCli) console.log(`skipped: zkCli: ${zkCli} is missing (apt-get install zookeeper)`);

/** Unmodified clients of others against three of our servers. */
describe.skipIf(!hasKazoo && !hasCli)('foreign clients', () => {
  const dir = mkdtempSync(join(tmpdir(), 'umpire-foreign-'));
  const servers: UmpireServer[] = [];
  let hosts = '';

  beforeAll(async () => {
    const ports = await freePorts(9);
    const members = Object.fromEntries(
      [0, 1, 2].map((index) => [
        `server.${index + 1}`,
        `127.0.0.1:${ports[index + 3] as number}:${ports[index + 6] as number}`,
      ]),
    );
    for (const index of [0, 1, 2]) {
      servers.push(
        startUmpire({
          dir: join(dir, String(index + 1)),
          clientPort: ports[index] as number,
          myid: index + 1,
          config: { initLimit: 10, syncLimit: 5, ...members },
        }),
      );
    }
    for (const server of servers) await untilMode(server.clientPort);
    hosts = servers.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(',');
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test.skipIf(!hasKazoo)('kazoo creates, reads, watches and locks', () => {
    const script = fileURLToPath(new URL('../support/kazoo-session.py', import.meta.url));
    const run = spawnSync(python, [script, hosts], { encoding: 'utf8', timeout: 60_000 });
    expect(`${run.stdout}${run.stderr}`).toMatch(/^ok$/m);
  });

  test.skipIf(!hasCli)('zkCli.sh creates, reads, lists and deletes', () => {
    const commands = [
      'create /cli hello',
      'get -s /cli',
      'set /cli again',
      'get /cli',
      'ls /',
      'delete /cli',
      'ls /',
      'quit',
    ];
    const run = spawnSync('sh', [zkCli, '-server', hosts], {
      encoding: 'utf8',
      timeout: 60_000,
      input: `${commands.join('\n')}\n`,
    });
    expect(run.stderr).toMatch(/Created \/cli/);
    const lines = run.stdout.split('\n');
    expect(lines).toContain('hello');
    expect(lines).toContain('dataVersion = 0');
    expect(lines).toContain('again');
    const listings = lines.filter((line) => /^\[.*zookeeper.*\]$/.test(line));
    expect(listings.map((line) => /\bcli\b/.test(line))).toEqual([true, false]);
  });
});
