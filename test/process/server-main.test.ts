import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../../src/harness/world/process/free-ports.ts';
import { openServerBundle, type ServerBundle } from '../support/process/server-bundle.ts';

let bundle: ServerBundle;
const children: ChildProcess[] = [];

beforeAll(async () => {
  bundle = await openServerBundle();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => bundle.remove());

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

function run(
  args: readonly string[],
  directory: string,
  environment: Record<string, string> = {},
): Run {
  const child = spawn(process.execPath, [bundle.serverFile, ...args], {
    cwd: directory,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  children.push(child);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Awaited<Run['ended']>>((done) => {
    child.on('close', (code, signal) => done({ code, signal, stderr }));
  });
  return { child, ended };
}

function ask(port: number, word: string): Promise<string> {
  return new Promise((answered) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => answered(text));
  });
}

async function awaitServing(port: number): Promise<void> {
  for (let waited = 0; (await ask(port, 'isro')) !== 'rw'; waited += 20) {
    if (waited > 10_000) throw new Error('the server does not serve');
    await new Promise((wake) => {
      setTimeout(wake, 20);
    });
  }
}

async function standalone(): Promise<{ directory: string; port: number }> {
  const directory = bundle.directory();
  const [port = 0] = await findFreePorts(1);
  const lines = ['dataDir=data', `clientPort=${port}`, 'clientPortAddress=127.0.0.1'];
  writeFileSync(join(directory, 'zoo.cfg'), [...lines, '4lw.commands.whitelist=*'].join('\n'));
  return { directory, port };
}

describe('main.js zoo.cfg', () => {
  test('serves in the foreground, answers words, and ends with 0 at SIGTERM', async () => {
    const { directory, port } = await standalone();
    const { child, ended } = run(['zoo.cfg'], directory);
    await awaitServing(port);
    expect(await ask(port, 'ruok')).toBe('imok');
    expect(await ask(port, 'srvr')).toMatch(/^Zookeeper version: .*\n(.*\n)*Mode: standalone\n/);
    expect(await ask(port, 'mntr')).toMatch(/^zk_version\t.*\nzk_server_state\tstandalone\n/);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, signal: null });
  });

  test('wrong use is explained in one message with exit code 2', async () => {
    const directory = bundle.directory();
    const { code, stderr } = await run([], directory).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('one argument is expected');
    const missing = await run(['missing.cfg'], directory).ended;
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/cannot be read.*\n {2}why: .*ENOENT.*\n {2}do: {2}/);
    expect(missing.stderr).not.toContain('    at ');
  });

  test('an ensemble member without myid says what to write where', async () => {
    const directory = bundle.directory();
    const servers = [1, 2, 3].map((sid) => `server.${sid}=127.0.0.1:1${sid}:2${sid}`);
    const lines = ['dataDir=data', 'clientPort=1', 'initLimit=5', 'syncLimit=2', ...servers];
    writeFileSync(join(directory, 'zoo.cfg'), lines.join('\n'));
    const { code, stderr } = await run(['zoo.cfg'], directory).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(join(directory, 'data', 'myid'));
  });

  test('an unusable data directory ends with 3', async () => {
    const { directory } = await standalone();
    writeFileSync(join(directory, 'data'), 'a file, not a directory');
    const { code, stderr } = await run(['zoo.cfg'], directory).ended;
    expect(code).toBe(3);
    expect(stderr).toContain('the data directory cannot be used');
  });

  test('a port in use ends with 14 and names it', async () => {
    const { directory, port } = await standalone();
    run(['zoo.cfg'], directory);
    await awaitServing(port);
    const other = join(directory, 'other');
    mkdirSync(other);
    const cfg = readFileSync(join(directory, 'zoo.cfg'));
    writeFileSync(join(other, 'zoo.cfg'), cfg);
    const { code, stderr } = await run(['zoo.cfg'], other).ended;
    expect(code).toBe(14);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stderr).toContain('EADDRINUSE');
  });

  test('ends with its parent when asked to', async () => {
    const { directory, port } = await standalone();
    const { child, ended } = run(['zoo.cfg'], directory, { UMPIRE_PARENT_PIPE: '1' });
    await awaitServing(port);
    child.stdin?.end();
    expect(await ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('a data directory is found again after a restart', async () => {
    const { directory, port } = await standalone();
    const trace = join(directory, 'trace.ndjson');
    for (const incarnation of [1, 2]) {
      const { child, ended } = run(['zoo.cfg'], directory, { UMPIRE_TRACE: trace });
      await awaitServing(port);
      child.kill('SIGTERM');
      expect((await ended).code).toBe(0);
      const last = readFileSync(trace, 'utf8').trimEnd().split('\n').at(-1) ?? '';
      expect(JSON.parse(last)).toMatchObject({ incarnation });
    }
  });
});
