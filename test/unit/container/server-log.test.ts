import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ServerLog } from '../../../src/harness/world/process/server-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'umpire-server-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what a server says', () => {
  test('every line is kept in the file, warnings in memory', () => {
    const log = new ServerLog(join(folder, 'a.log'));
    const lines = [
      '{"level":30,"msg":"serving"}',
      '{"level":40,"msg":"stopped following"}',
      'Error: boom',
      '    at main.mjs:1',
      '12 [main] INFO org.apache.zookeeper.Main - fine',
      '13 [main] WARN org.apache.zookeeper.Main - not fine',
    ];
    for (const line of lines) log.add(line);
    expect(readFileSync(log.path, 'utf8')).toBe(`${lines.join('\n')}\n`);
    expect(log.warnings).toEqual([lines[1], lines[2], lines[3], lines[5]]);
  });

  test('a signal, a broken invariant and an exception are crashes; a decision to stop is none', () => {
    const log = new ServerLog(join(folder, 'b.log'));
    expect(log.describeExit(1, -1, '9').isCrash).toBe(true);
    expect(log.describeExit(1, 70, undefined).isCrash).toBe(true);
    expect(log.describeExit(1, 1, undefined).isCrash).toBe(true);
    expect(log.describeExit(1, 10, undefined)).toMatchObject({ code: 10, isCrash: false });
  });

  test('memory is bounded', () => {
    const log = new ServerLog(join(folder, 'c.log'));
    for (let count = 0; count < 500; count++) log.remember(`line ${count}`);
    expect(log.warnings).toHaveLength(200);
    expect(log.warnings.at(-1)).toBe('line 499');
  });
});
