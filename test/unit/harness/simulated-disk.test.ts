import { beforeEach, describe, expect, test } from 'vitest';
import type { FileOperationId, FileRequest, FileResult } from '../../../src/base/file.ts';
import { prngStream } from '../../../src/base/prng.ts';
import { SimulatedDisk } from '../../../src/harness/world/simulation/disk.ts';
import { EventQueue } from '../../../src/harness/world/simulation/event-queue.ts';

const DIR = '/data/version-2';
const LOG = `${DIR}/log.1`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

let queue: EventQueue;
let disk: SimulatedDisk;
let nextOperation: number;

function makeDisk(seed: string, lostPerMille = 500, tornPerMille = 300): void {
  queue = new EventQueue();
  nextOperation = 1;
  disk = new SimulatedDisk({
    queue,
    prng: prngStream(seed, 'disk/1'),
    flushLatencyUs: [1000, 5000],
    chances: { lostPerMille, tornPerMille },
  });
}

function request(wanted: FileRequest): { result: FileResult | undefined } {
  const answer: { result: FileResult | undefined } = { result: undefined };
  disk.request(nextOperation++ as FileOperationId, wanted, (_, result) => {
    answer.result = result;
  });
  return answer;
}

function settle(): void {
  for (let action = queue.take(); action !== undefined; action = queue.take()) action();
}

function perform(...wanted: readonly FileRequest[]): FileResult {
  let last: { result: FileResult | undefined } = { result: undefined };
  for (const one of wanted) {
    last = request(one);
    settle();
  }
  return last.result as FileResult;
}

function content(path: string): string | undefined {
  const bytes = disk.filesBelow('/data').get(path.slice('/data/'.length));
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

const makeLog: readonly FileRequest[] = [
  { kind: 'list', path: DIR },
  { kind: 'create', path: LOG },
  { kind: 'append', path: LOG, bytes: bytesOf('durable ') },
  { kind: 'flush', path: LOG },
  { kind: 'flush-directory', path: DIR },
];

beforeEach(() => makeDisk('5eed'));

describe('a kill', () => {
  test('takes what was not flushed, but not names that were made', () => {
    perform(...makeLog, { kind: 'append', path: LOG, bytes: bytesOf('lost') });
    perform({ kind: 'create', path: `${DIR}/unsynced` });
    expect(content(LOG)).toBe('durable lost');
    disk.kill();
    expect(content(LOG)).toBe('durable ');
    expect(content(`${DIR}/unsynced`)).toBe('');
  });

  test('queued operations never happen and never answer', () => {
    perform(...makeLog);
    const late = request({ kind: 'append', path: LOG, bytes: bytesOf('late') });
    disk.kill();
    settle();
    expect(late.result).toBeUndefined();
    expect(content(LOG)).toBe('durable ');
  });

  test('in the middle of a flush leaves any prefix of it, and power loss takes that again', () => {
    const seen = new Set<string>();
    const afterPowerLoss = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      makeDisk(`k${seed}`, 1000, 0);
      perform(...makeLog);
      perform({ kind: 'append', path: LOG, bytes: bytesOf('one ') });
      perform({ kind: 'append', path: LOG, bytes: bytesOf('two') });
      request({ kind: 'flush', path: LOG });
      disk.kill();
      seen.add(content(LOG) as string);
      disk.losePower();
      afterPowerLoss.add(content(LOG) as string);
    }
    expect(seen).toContain('durable ');
    expect(seen).toContain('durable one ');
    expect(seen).toContain('durable one two');
    for (const text of seen) expect('durable one two'.startsWith(text)).toBe(true);
    expect([...afterPowerLoss]).toEqual(['durable ']);
  });
});

describe('power loss', () => {
  test('never touches what was flushed, and does lose, tear and keep the rest', () => {
    const tails = new Set<string>();
    for (let seed = 0; seed < 120; seed++) {
      makeDisk(`p${seed}`);
      perform(...makeLog);
      perform({ kind: 'append', path: LOG, bytes: bytesOf('tail') });
      disk.losePower();
      const text = content(LOG) as string;
      expect(text.startsWith('durable ')).toBe(true);
      tails.add(text.slice('durable '.length));
    }
    expect(tails).toContain('');
    expect(tails).toContain('tail');
    expect([...tails].some((tail) => tail !== '' && tail !== 'tail')).toBe(true);
  });

  test('takes names whose directory was not flushed, and leaves the old file in place of a rename', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      makeDisk(`n${seed}`);
      perform(...makeLog);
      perform(
        { kind: 'create', path: `${DIR}/log.1.tmp` },
        { kind: 'append', path: `${DIR}/log.1.tmp`, bytes: bytesOf('new') },
        { kind: 'flush', path: `${DIR}/log.1.tmp` },
        { kind: 'rename', path: `${DIR}/log.1.tmp`, to: LOG },
      );
      expect(content(LOG)).toBe('new');
      disk.losePower();
      outcomes.add(content(LOG) as string);
    }
    expect([...outcomes].sort()).toEqual(['durable ', 'new']);
  });

  test('keeps a renamed file once its directory was flushed', () => {
    for (let seed = 0; seed < 30; seed++) {
      makeDisk(`d${seed}`, 1000, 0);
      perform(...makeLog);
      perform({ kind: 'rename', path: LOG, to: `${DIR}/log.2` });
      perform({ kind: 'flush-directory', path: DIR });
      disk.losePower();
      expect([content(LOG), content(`${DIR}/log.2`)]).toEqual([undefined, 'durable ']);
    }
  });
});

describe('order', () => {
  test('holds on one path, and across paths the latencies decide', () => {
    const finished: string[] = [];
    perform({ kind: 'list', path: DIR }, { kind: 'create', path: LOG });
    const watch = (name: string, wanted: FileRequest): void =>
      disk.request(nextOperation++ as FileOperationId, wanted, () => finished.push(name));
    watch('append', { kind: 'append', path: LOG, bytes: bytesOf('x') });
    watch('flush', { kind: 'flush', path: LOG });
    watch('read', { kind: 'read', path: LOG, offset: 0, sizeBytes: 10 });
    watch('other', { kind: 'create', path: `${DIR}/other` });
    settle();
    expect(finished.filter((name) => name !== 'other')).toEqual(['append', 'flush', 'read']);
    expect(finished.indexOf('other')).toBeLessThan(finished.indexOf('flush'));
  });

  test('bytes of an append belong to the core again once it completed', () => {
    perform(...makeLog);
    const bytes = bytesOf('mine');
    perform({ kind: 'append', path: LOG, bytes });
    bytes.fill(0);
    perform({ kind: 'flush', path: LOG });
    disk.kill();
    expect(content(LOG)).toBe('durable mine');
  });
});
