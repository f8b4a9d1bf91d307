/** The sentences of verdicts, and what is only counted: statistics, availability, recovery. */
import { describe, expect, test } from 'vitest';
import type { ProtocolEvent } from '../../../src/base/protocol-event.ts';
import { availabilityOf } from '../../../src/checker/availability.ts';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import type { LoggedTxn, ServerDisk } from '../../../src/checker/server-evidence.ts';
import { checkServers } from '../../../src/checker/servers.ts';
import { checkOperations, operationStats } from '../../../src/checker/stats.ts';
import { goodRun } from './good-run.ts';

const disk = (log: readonly LoggedTxn[], more: Partial<ServerDisk> = {}): ServerDisk => ({
  acceptedEpoch: 2,
  currentEpoch: 2,
  log,
  snapshotZxid: -1n,
  tree: new Map(),
  lastZxid: log.at(-1)?.zxid ?? -1n,
  problems: [],
  ...more,
});

const write: readonly HistoryEntry[] = [
  { index: 0, process: 4, type: 'invoke', f: 'write', key: 'r3', value: 'x', time: 12_400_000_000 },
  {
    index: 1,
    process: 4,
    type: 'ok',
    f: 'write',
    key: 'r3',
    value: 'x',
    time: 12_481_000_000,
    client: 4,
    node: 2,
    zxid: '0x200000001',
  },
];

const txn: LoggedTxn = {
  zxid: 0x200000001n,
  session: 1n,
  cxid: 1,
  op: 'setData',
  paths: ['/r/3'],
  fingerprint: 'a',
  file: 'log.200000001',
};

const recovered: ProtocolEvent = {
  ...{ v: 1, node: 1, incarnation: 1, n: 1, now: 1, wallMs: 1, act: 'Recovered' },
  args: { lastZxid: '0x0', acceptedEpoch: 0, currentEpoch: 0, snapshotZxid: '0x0' },
  post: {
    ...{ role: 'looking', acceptedEpoch: 0, currentEpoch: 0 },
    ...{ lastLogged: '0x0', lastFlushed: '0x0', lastApplied: '0x0' },
  },
};

const judge = (disks: ReadonlyMap<number, ServerDisk>) => {
  const results = checkServers({ history: write, events: new Map(), disks });
  return new Map(results.map((result) => [result.checker, result]));
};

describe('an entry that stands in a log twice', () => {
  const twice = new Map([1, 2, 3].map((node) => [node, disk([txn, txn])] as const));

  test("is Apache's way after a second synchronization, and is counted", () => {
    const agreement = judge(twice).get('log-agreement');
    expect(agreement?.verdict).toBe('pass');
    expect(agreement?.findings).toMatchObject({ 'entries that stand in a log twice': 3 });
  });

  test('is a breach where it differs, or where a server of ours wrote it', () => {
    const other = { ...txn, fingerprint: 'b' };
    const differing = judge(new Map([[1, disk([txn, other])]])).get('log-agreement');
    expect(differing?.anomalies.map(({ kind }) => kind)).toContain('log-order');
    const events = new Map([[1, [recovered]]]);
    const results = checkServers({ history: write, events, disks: twice });
    const own = results.find(({ checker }) => checker === 'log-agreement');
    expect(own?.anomalies).toMatchObject([{ kind: 'log-order', nodes: [1] }]);
  });
});

describe('a lost write', () => {
  test('is named with path, zxid, client, node and time', () => {
    const disks = new Map([1, 2, 3].map((node) => [node, disk([])] as const));
    const durability = judge(disks).get('durability');
    expect(durability?.verdict).toBe('violation');
    expect(durability?.anomalies[0]?.message).toBe(
      'setData /r/3 zxid 0x200000001 acknowledged to client 4 by server 2 at 12.481 s ' +
        "is on no server's disk after the run",
    );
    expect(durability?.anomalies[0]).toMatchObject({
      path: '/r/3',
      entries: [1],
      nodes: [1, 2, 3],
    });
  });

  test('is not one that a minority holds', () => {
    const disks = new Map([
      [1, disk([txn])],
      [2, disk([])],
      [3, disk([])],
    ]);
    const message = judge(disks).get('durability')?.anomalies[0]?.message;
    expect(message).toContain('is only on the disk of server 1 after the run, not on a quorum');
  });

  test('is not judged by disks that could not be read', () => {
    const unreadable = disk([], { problems: ['none of 2 snapshots can be read'] });
    const disks = new Map([
      [1, disk([txn])],
      [2, unreadable],
      [3, disk([])],
    ]);
    const durability = judge(disks).get('durability');
    expect(durability?.verdict).toBe('unknown');
    expect(durability?.summary).toContain('1 of 3 disks could not be read');
  });

  test('is not one that a snapshot covers', () => {
    const snapshotted = disk([], { snapshotZxid: 0x200000009n, lastZxid: 0x200000009n });
    const disks = new Map([1, 2, 3].map((node) => [node, snapshotted] as const));
    expect(judge(disks).get('durability')?.verdict).toBe('pass');
  });
});

test('without evidence nothing passes', () => {
  const results = checkServers({ history: [], events: new Map(), disks: new Map() });
  expect(results.length).toBeGreaterThan(5);
  expect(new Set(results.map(({ verdict }) => verdict))).toEqual(new Set(['not-exercised']));
});

test('a tail that was never committed may differ', () => {
  const run = goodRun('register', 'tail');
  const ahead = run.disks.get(1) as ServerDisk;
  const zxid = ahead.lastZxid + 1n;
  const tail = { ...txn, zxid, paths: ['/r/0'], fingerprint: 'tail' };
  run.disks.set(1, { ...ahead, log: [...ahead.log, tail], lastZxid: zxid });
  const verdicts = checkServers(run).map(({ checker, verdict }) => [checker, verdict]);
  expect(verdicts.filter(([, verdict]) => verdict !== 'pass')).toEqual([]);
});

describe('statistics', () => {
  const { history } = goodRun('register', 'stats');

  test('count each kind and ending', () => {
    const stats = operationStats(history);
    const invoked = history.filter(({ type }) => type === 'invoke').length;
    const counted = Object.values(stats.byKind).reduce(
      (sum, { ok, fail, info }) => sum + ok + fail + info,
      0,
    );
    expect(counted).toBe(invoked);
  });

  test('an owed kind that never succeeded is not exercised', () => {
    const owed = (owedKinds: readonly string[]) => checkOperations(history, { owedKinds });
    expect(owed(['write', 'read']).verdict).toBe('pass');
    expect(owed(['write', 'reconfig'])).toMatchObject({
      verdict: 'not-exercised',
      summary: 'no reconfig succeeded',
    });
  });

  test('an error that nobody knows leaves the verdict open', () => {
    const knownErrors = new Set(['ConnectionLoss']);
    const odd = {
      ...(history.find(({ type }) => type === 'ok') as HistoryEntry),
      error: 'TypeError',
    };
    const changed = history.map((entry) => (entry.index === odd.index ? odd : entry));
    expect(checkOperations(history, { owedKinds: [], knownErrors }).verdict).toBe('pass');
    expect(checkOperations(changed, { owedKinds: [], knownErrors })).toMatchObject({
      verdict: 'unknown',
      summary: 'unhandled error: TypeError',
    });
  });
});

test('availability: buckets, the longest gap, and recovery after a heal', () => {
  const at = (ms: number, more: Partial<HistoryEntry>, index: number): HistoryEntry => ({
    index,
    process: 1,
    type: 'ok',
    f: 'write',
    time: ms * 1e6,
    ...more,
  });
  const history = [
    at(1000, { type: 'invoke' }, 0),
    at(1010, {}, 1),
    at(1020, { type: 'invoke' }, 2),
    at(1150, { type: 'info' }, 3),
    at(
      1300,
      { process: 'nemesis', type: 'info', f: 'kill', value: { step: 'healed', fault: 'x' } },
      4,
    ),
    at(1400, { process: 2, type: 'invoke' }, 5),
    at(1450, { process: 2 }, 6),
  ];
  const { buckets, longestGap, okPerMille, recoveries } = availabilityOf(history);
  expect(buckets.map(({ time, ok, info }) => [time / 1e6, ok, info])).toEqual([
    [1000, 1, 0],
    [1100, 0, 1],
    [1200, 0, 0],
    [1300, 0, 0],
    [1400, 1, 0],
  ]);
  expect(longestGap).toEqual({ from: 1010e6, until: 1450e6 });
  expect(okPerMille).toBe(666);
  expect(recoveries).toEqual([{ fault: 'x', kind: 'kill', healed: 1300e6, recoveryNs: 150e6 }]);
});
