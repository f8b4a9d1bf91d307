/** `check` on files: verdicts and exit codes, the page, one line of JSON, and what is wrong with bad input. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { CommandError } from '../../../src/cli/errors.ts';
import { runProgram } from '../../../src/cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'umpire-check-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number;
  readonly text: string;
  readonly error: string;
}

/** Both streams: with `--json`, words go to the other one. */
async function run(...argv: string[]): Promise<Ended> {
  let text = '';
  const write = (chunk: unknown): boolean => {
    text += String(chunk);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
  ];
  try {
    return { exitCode: await runProgram(['check', ...argv]), text, error: '' };
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
    return { exitCode: thrown.exitCode, text, error: `${thrown.code}: ${thrown.message}` };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

function file(name: string, ...lines: readonly (object | string)[]): string {
  const path = join(folder, name);
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(path, texts.join('\n'));
  return path;
}

const invoke = (process: number, f: string, value?: unknown) => ({
  ...{ process, type: 'invoke', f },
  value,
});
const ok = (process: number, f: string, value?: unknown) => ({ process, type: 'ok', f, value });

const good = file(
  'good.ndjson',
  invoke(0, 'write', 1),
  invoke(1, 'read'),
  ok(1, 'read', 1),
  ok(0, 'write', 1),
  invoke(2, 'write', 2),
);
const bad = file(
  'bad.ndjson',
  ...[invoke(0, 'write', 1), ok(0, 'write', 1), invoke(1, 'read'), ok(1, 'read', null)],
);
const twice = file('twice.ndjson', invoke(0, 'write', 1), invoke(1, 'write', 1));

describe('check', () => {
  test('says what it found with its exit code', async () => {
    const passed = await run(good, '--model', 'register');
    expect(passed).toMatchObject({ exitCode: 0, error: '' });
    expect(passed.text).toContain('linearizable: 3 operations, an order was found (zones)');

    const failed = await run(bad, '--model', 'cas-register');
    expect(failed.exitCode).toBe(1);
    expect(failed.text).toContain('These 2 operations contradict one another');

    const open = await run(twice, '--model', 'register', '--engine', 'fast');
    expect(open.exitCode).toBe(2);
    expect(open.text).toContain('unknown (not-applicable: zones: 1 is written twice)');

    // Options reach the model: with reads of null that say nothing, all is well.
    const options = ['--options', '{"nilReads": "any"}'];
    expect((await run(bad, '--model', 'register', ...options)).exitCode).toBe(0);
  });

  test('ends --json with one line', async () => {
    const { text } = await run(bad, '--model', 'register', '--json', '--quiet');
    expect(text.trim().split('\n')).toHaveLength(1);
    const json = JSON.parse(text) as { verdict: string; parts: { core: { text: string }[] }[] };
    expect(json.verdict).toBe('non-linearizable');
    expect(json.parts[0]?.core.map((operation) => operation.text)).toEqual([
      'write 1',
      'read → null',
    ]);
  });

  test('writes a page without scripts and without anything from elsewhere', async () => {
    const path = join(folder, 'bad.html');
    const { text } = await run(bad, '--model', 'register', '--html', path);
    expect(text).toContain('bad.html');
    const page = readFileSync(path, 'utf8');
    expect(page).toContain('not linearizable');
    expect(page).toContain('Why each way out is closed');
    expect(page).toContain('the register holds 1, not null');
    expect(page).not.toMatch(/<script|https?:|@import/);

    await run(good, '--model', 'register', '--html', path);
    const certificate = readFileSync(path, 'utf8');
    // Two operations take effect; the third has no answer and need not.
    expect(certificate.match(/class="point"/g)).toHaveLength(2);
    expect(certificate).toContain('The order, step by step');
  });

  test('a page escapes what histories say', async () => {
    const path = join(folder, 'escaped.html');
    const evil = '<img src=x onerror=alert(1)>';
    const history = file(
      '<b>.ndjson',
      ...[invoke(0, 'write', 1), ok(0, 'write', 1), invoke(0, 'read'), ok(0, 'read', evil)],
    );
    await run(history, '--model', 'register', '--html', path);
    const page = readFileSync(path, 'utf8');
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<b>');
    expect(page).toContain('&lt;img src=x');
  });

  test.each<readonly [string, readonly (object | string)[], string]>([
    ['no JSON', ['{"process": 0,'], 'line 1: no JSON'],
    ['no event', ['{"a": 1}'], 'line 1, type: nothing is none of invoke, ok, fail, info'],
    [
      'a process that was never asked',
      [invoke(0, 'read'), ok(1, 'read')],
      'line 2, process: process 1 completes what it never invoked',
    ],
    [
      'a busy process',
      ['', invoke(0, 'read'), invoke(0, 'read')],
      'line 3, process: process 0 is busy since line 2',
    ],
    [
      'an operation that the model does not have',
      [invoke(0, 'write', 1), invoke(1, 'raed')],
      'line 2, f: the model cas-register has no raed; it has read, write, cas',
    ],
    [
      'a value that the operation does not take',
      [invoke(0, 'cas', 1)],
      'line 1, value: cas of a cas-register takes [from, to], not 1',
    ],
    ['EDN that does not end', ['{:process 0, :type :invoke'], 'line 1: } is missing'],
    ['a line of a log', ['INFO  jepsen.util - 0 :asked :read nil'], 'line 1, type: :asked is none'],
  ])('names line, field and reason: %s', async (name, lines, why) => {
    const path = file(`${name}.history`, ...lines);
    const { exitCode, error } = await run(path, '--model', 'cas-register');
    expect(exitCode).toBe(64);
    expect(error).toContain(`bad-history: ${path} is no history of a cas-register: ${why}`);
  });

  test.each<readonly [readonly string[], string]>([
    [[join(folder, 'none'), '--model', 'register'], 'unreadable'],
    [[folder, '--model', 'register'], 'unreadable'],
    [[file('empty', ''), '--model', 'register'], 'empty-history'],
    [[good], 'no-model'],
    [[good, '--model', 'regster'], 'bad-model: there is no model regster'],
    [[good, '--model', 'semaphore'], 'bad-model: option permits must be a number'],
    [[good, '--model', 'register', '--options', '[1]'], 'bad-options'],
    [[good, '--model', 'register', '--engine', 'best'], 'unknown-name'],
    [[good, '--model', 'register', '--engine', 'all'], 'unknown-name'],
    [[good, '--model', 'register', '--budget', 'soon'], 'soon'],
    [[good, '--model', 'register', '--html', join(folder, 'no/page.html')], 'page-unwritable'],
    [['--index', join(folder, 'none.json')], 'unreadable'],
    [['--index', file('index.txt', '{}')], 'bad-index'],
  ])('refuses what makes no sense: %j', async (argv, why) => {
    const { exitCode, error } = await run(...argv);
    expect(exitCode).toBe(64);
    expect(error).toContain(why);
  });

  test('holds an index against what is known', async () => {
    const index = file(
      'index.json',
      JSON.stringify([
        { file: 'good.ndjson', model: 'register', expected: 'linearizable' },
        { file: 'bad.ndjson', model: 'register', expected: 'non-linearizable' },
        { file: 'bad.ndjson', model: 'register', nilReads: 'any', expected: 'undecided' },
      ]),
    );
    const agreed = await run('--index', index);
    expect(agreed.exitCode).toBe(0);
    expect(agreed.text).toContain('3 verdicts: 2 as expected, 1 without expectation, 0 unknown');

    const wrong = file(
      'wrong.json',
      JSON.stringify([{ file: 'bad.ndjson', model: 'register', expected: 'linearizable' }]),
    );
    const found = await run('--index', wrong, '--json');
    expect(found.exitCode).toBe(1);
    expect(found.text).toContain('MISMATCH');
    expect(found.text).toContain('"mismatches":1');
  });
});
