import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CommandError } from '../../../src/cli/errors.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { HarnessError } from '../../../src/harness/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'umpire-program-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failure(...argv: string[]): Promise<{ code: string; exitCode: number }> {
  try {
    await runProgram(argv);
  } catch (error) {
    if (error instanceof CommandError) return { code: error.code, exitCode: error.exitCode };
    if (error instanceof HarnessError) return { code: error.code, exitCode: 5 };
    throw error;
  }
  return { code: 'nothing thrown', exitCode: 0 };
}

async function printed(...argv: string[]): Promise<{ text: string; exitCode: number }> {
  let text = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    return { exitCode: await runProgram(argv), text };
  } finally {
    spy.mockRestore();
  }
}

describe('command line', () => {
  it('refuses what makes no sense with 64', async () => {
    expect(await failure('rnu')).toEqual({ code: 'unknown-command', exitCode: 64 });
    expect(await failure('run', '--worl', 'x')).toEqual({ code: 'wrong-usage', exitCode: 64 });
    expect(await failure('--nodes')).toEqual({ code: 'wrong-usage', exitCode: 64 });
    expect(await failure('list', 'nothing')).toEqual({ code: 'unknown-name', exitCode: 64 });
    expect(await failure('zoo', 'run', 'nobody')).toEqual({ code: 'unknown-name', exitCode: 64 });
    expect(await failure('replay', 'x', '--world', 'moon')).toEqual({
      code: 'unknown-name',
      exitCode: 64,
    });
  });

  it('refuses missing and foreign plans with 5', async () => {
    expect(await failure('replay', join(folder, 'none'))).toEqual({
      code: 'run-missing',
      exitCode: 5,
    });
    const foreign = join(folder, 'foreign.json');
    writeFileSync(foreign, '{"foo": 1}');
    expect(await failure('replay', foreign)).toEqual({ code: 'plan-foreign', exitCode: 5 });
    writeFileSync(foreign, 'not json');
    expect(await failure('replay', foreign)).toEqual({ code: 'plan-foreign', exitCode: 5 });
    expect(await failure('check', foreign)).toEqual({ code: 'no-model', exitCode: 64 });
  });

  it('refuses a directory that cannot be written before it runs anything', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await failure('run', '--workload', 'lock', '--out', join(file, 'x'))).toEqual({
      code: 'store-unwritable',
      exitCode: 5,
    });
    expect(await failure('--out', join(file, 'x'))).toEqual({
      code: 'store-unwritable',
      exitCode: 5,
    });
  });

  it('ends --json with one line', async () => {
    const { text, exitCode } = await printed('list', '--json', '--quiet');
    expect(exitCode).toBe(0);
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      'workloads',
      'nemeses',
      'checkers',
      'goals',
      'zoo',
    ]);
  });

  it('cleans runs and leaves everything else', async () => {
    // No engine answers there: what is in this host's is no test's to remove.
    vi.stubEnv('DOCKER_HOST', `unix://${join(folder, 'no-engine.sock')}`);
    const store = join(folder, 'store');
    for (const [path, file] of [
      ['a/2026-01-01T000000.000', 'plan.json'],
      ['a/2026-01-02T000000.000', 'result.json'],
      ['a/2026-01-03T000000.000', 'notes.txt'],
      ['b/mine', 'plan.json'],
    ] as const) {
      mkdirSync(join(store, path), { recursive: true });
      writeFileSync(join(store, path, file), '{}');
    }
    const dry = await printed('clean', '--out', store, '--json', '--quiet', '--dry-run');
    const { removed } = JSON.parse(dry.text) as { removed: string[] };
    expect(removed).toHaveLength(2);
    const kept = await printed('clean', '--out', store, '--json', '--quiet', '--keep', '1');
    expect(JSON.parse(kept.text)).toEqual({
      removed: [join(store, 'a/2026-01-01T000000.000')],
    });
    vi.unstubAllEnvs();
  });
});
