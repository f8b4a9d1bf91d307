import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'umpire-cli-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Finished {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

function start(...argv: string[]): { child: ChildProcess; finished: Promise<Finished> } {
  const command = ['--import', 'tsx', 'src/cli/main.ts', ...argv, '--out', folder];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    errors += String(chunk);
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (exitCode) => {
      resolve({ exitCode, lines: output.trim().split('\n'), errors });
    });
  });
  return { child, finished };
}

/** Children of a process, where the kernel tells. */
function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('command line in processes of its own', () => {
  it('gives one trace for one seed, and ends with one line of JSON', async () => {
    const argv = ['run', '--workload', 'lock', '--nodes', '5', '--seed', '5eed'];
    const hashes: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const { finished } = start(...argv, '--time-limit', '3s', '--json', '--quiet');
      const { exitCode, lines } = await finished;
      expect(lines).toHaveLength(1);
      const told = JSON.parse(lines[0] as string) as Record<string, unknown>;
      expect(told).toMatchObject({ seed: '5eed', verdict: 'pass', exitCode: 0 });
      expect(exitCode).toBe(0);
      hashes.push(told.traceHash as string);
      const paths = told.paths as Record<string, string>;
      for (const path of Object.values(paths)) expect(existsSync(path)).toBe(true);
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]+$/);
    expect(hashes[1]).toBe(hashes[0]);
  });

  it('exits 1 for a bug of the zoo, and 1 again with the same trace when it is replayed', async () => {
    const zoo = start('zoo', 'run', 'lock-ignores-predecessor', '--json', '--quiet');
    const caught = await zoo.finished;
    expect(caught.exitCode).toBe(1);
    const told = JSON.parse(caught.lines[0] as string) as {
      traceHash: string;
      paths: { plan: string };
    };
    const replay = await start('replay', told.paths.plan, '--json', '--quiet').finished;
    expect(replay.exitCode).toBe(1);
    expect(JSON.parse(replay.lines[0] as string)).toMatchObject({
      verdict: 'violation',
      traceHash: told.traceHash,
    });
  });

  it('leaves a partial report and nothing running after Ctrl-C', async () => {
    const { child, finished } = start('run', '--world', 'process', '--workload', 'lock', '--json');
    const pid = child.pid as number;
    const isOnLinux = existsSync(`/proc/${pid}/task/${pid}/children`);
    let errors = '';
    child.stderr?.on('data', (chunk) => {
      errors += String(chunk);
    });
    await until(() => (isOnLinux ? childrenOf(pid).length >= 4 : /processes {2}lock/.test(errors)));
    const servers = childrenOf(pid);
    child.kill('SIGINT');
    const { exitCode, lines } = await finished;
    expect(exitCode).toBe(130);
    const told = JSON.parse(lines.at(-1) as string) as { paths: { report: string } };
    expect(readFileSync(told.paths.report, 'utf8')).toContain('interrupted before its end');
    await until(() => !servers.some(isAlive));
  });
});
