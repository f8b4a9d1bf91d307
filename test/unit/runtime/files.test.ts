import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FileOperationId, FileRequest, FileResult } from '../../../src/base/file.ts';
import { Files } from '../../../src/server/runtime/files.ts';

let directory: string;
let files: Files;
let results: FileResult[];
let order: number[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'umpire-files-'));
  results = [];
  order = [];
  files = new Files((take) => {
    const input = take();
    if (input?.type !== 'file-completed') throw new Error('only completions come from files');
    order.push(input.operation);
    results[input.operation] = input.result;
  });
});

afterEach(() => {
  files.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function perform(...requests: readonly FileRequest[]): Promise<FileResult[]> {
  const first = results.length;
  requests.forEach((request, index) => {
    files.request((first + index) as FileOperationId, request);
  });
  while (order.length < first + requests.length) {
    await new Promise((turned) => {
      setTimeout(turned, 1);
    });
  }
  return results.slice(first);
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('files of the runtime', () => {
  test('the operating system sees appended bytes at the flush, not before', async () => {
    const path = join(directory, 'log.1');
    await perform({ kind: 'create', path }, { kind: 'append', path, bytes: bytes('abc') });
    expect(statSync(path).size).toBe(0);
    await perform({ kind: 'flush', path });
    expect(readFileSync(path, 'utf8')).toBe('abc');
    await perform({ kind: 'truncate', path, sizeBytes: 1 });
    expect(statSync(path).size).toBe(3);
    await perform({ kind: 'flush', path });
    expect(readFileSync(path, 'utf8')).toBe('a');
  });

  test('flushes that wait behind a running one are answered in order, with all their bytes', async () => {
    const path = join(directory, 'log.1');
    await perform({ kind: 'create', path });
    const requests = Array.from({ length: 200 }, (_, index): FileRequest[] => [
      { kind: 'append', path, bytes: bytes(`${index};`) },
      { kind: 'flush', path },
    ]).flat();
    const answers = await perform(...requests);
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const text = Array.from({ length: 200 }, (_, index) => `${index};`).join('');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test.skipIf(!existsSync('/dev/full'))(
    'a flush that failed is never tried again: the file stays broken',
    async () => {
      const path = '/dev/full';
      const [, flushed] = await perform(
        { kind: 'append', path, bytes: bytes('x') },
        { kind: 'flush', path },
      );
      expect(flushed).toMatchObject({ ok: false, error: 'no-space' });
      const again = await perform(
        { kind: 'flush', path },
        { kind: 'read', path, offset: 0, sizeBytes: 1 },
      );
      expect(again).toMatchObject([{ ok: false }, { ok: false }]);
    },
  );

  test('an operation on the new name waits for the rename', async () => {
    const path = join(directory, 'tmp');
    const to = join(directory, 'currentEpoch');
    writeFileSync(to, 'old');
    const answers = await perform(
      { kind: 'create', path },
      { kind: 'append', path, bytes: bytes('new') },
      { kind: 'flush', path },
      { kind: 'rename', path, to },
      { kind: 'read', path: to, offset: 0, sizeBytes: 10 },
    );
    expect(answers.at(-1)).toMatchObject({ ok: true, bytes: bytes('new') });
  });

  test('a rename waits for what was asked of the new name before', async () => {
    const path = join(directory, 'tmp');
    const to = join(directory, 'currentEpoch');
    writeFileSync(to, 'old');
    await perform({ kind: 'create', path }, { kind: 'append', path, bytes: bytes('new') });
    const answers = await perform(
      { kind: 'append', path: to, bytes: new Uint8Array(1 << 20) },
      { kind: 'flush', path: to },
      { kind: 'read', path: to, offset: 0, sizeBytes: 3 },
      { kind: 'rename', path, to },
      { kind: 'open', path: to },
    );
    expect(answers[2]).toMatchObject({ ok: true, bytes: bytes('old') });
    expect(answers[4]).toMatchObject({ ok: true, sizeBytes: 3 });
  });

  test('errors of the system are mapped', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const answers = await perform(
      { kind: 'open', path: join(directory, 'missing') },
      { kind: 'list', path: join(file, 'below') },
      { kind: 'unlink', path: join(directory, 'missing') },
      { kind: 'flush-directory', path: join(directory, 'missing') },
    );
    expect(answers.map((answer) => !answer.ok && answer.error)).toEqual([
      'not-found',
      'io-error',
      'not-found',
      'not-found',
    ]);
  });

  test('many files are used without keeping all of them open', async () => {
    for (let index = 0; index < 100; index++) {
      const path = join(directory, `log.${index}`);
      await perform(
        { kind: 'create', path },
        { kind: 'append', path, bytes: bytes(`${index}`) },
        { kind: 'flush', path },
      );
    }
    const [first] = await perform({
      kind: 'read',
      path: join(directory, 'log.0'),
      offset: 0,
      sizeBytes: 9,
    });
    expect(first).toMatchObject({ ok: true, bytes: bytes('0') });
  });
});
