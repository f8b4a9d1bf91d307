/** Expiries as servers tell them, against when their clients were heard. */
import { describe, expect, test } from 'vitest';
import { checkZooKeeper } from '../../../../src/checker/zookeeper/contract.ts';
import type { JournalRecord } from '../../../../src/checker/zookeeper/journal.ts';

const session = '0x1';
const SECOND = 1e9;
const EXPIRED_AT = 1.2 * SECOND;

/** Heard at 1 s, and again, by another server, much later. */
const journal: readonly JournalRecord[] = (
  [
    [0, { type: 'connecting', session: '', lastZxidSeen: 0, node: 1 }],
    [0.1, { type: 'connected', session, timeoutMs: 800 }],
    [1, { type: 'request', xid: 1, request: { op: 'ping' } }],
    [1.1, { type: 'reply', xid: 1, zxid: 1, reply: {} }],
    [2, { type: 'disconnected' }],
    [2, { type: 'connecting', session, lastZxidSeen: 1, node: 2 }],
    [2.1, { type: 'connected', session, timeoutMs: 800 }],
    [8, { type: 'request', xid: 2, request: { op: 'ping' } }],
    [8.1, { type: 'reply', xid: 2, zxid: 1, reply: {} }],
  ] as const
).map(([seconds, facts]) => ({ client: 'a', time: seconds * SECOND, ...facts }) as JournalRecord);

/** What is said of an expiry when something was wrong with the servers from one time to another. */
function judge(trouble: readonly [fromNs: number, toNs: number] | undefined) {
  const asked: (readonly [number, number, number])[] = [];
  const results = checkZooKeeper(journal, {
    expiry: {
      expiries: [{ session, time: EXPIRED_AT, node: 1 }],
      isUndisturbed: (node, fromNs, toNs) => {
        asked.push([node, fromNs, toNs]);
        return trouble === undefined || trouble[0] > toNs || trouble[1] < fromNs;
      },
    },
  });
  const [result] = results.filter(({ checker }) => checker === 'zookeeper-expiry');
  return { asked, anomalies: result?.anomalies ?? [], findings: result?.findings };
}

describe('expiries', () => {
  test('too early, with a quiet leader', () => {
    const { asked, anomalies } = judge(undefined);
    // What was heard before it counts, from the server of that time.
    expect(asked).toEqual([[1, SECOND, EXPIRED_AT]]);
    expect(anomalies[0]?.message).toContain('although server 1 heard of it at 1.000 s or later');
  });

  test('a leader that was paused and tells of one when it wakes is excused', () => {
    const { anomalies, findings } = judge([0.9 * SECOND, 1.3 * SECOND]);
    expect(anomalies).toEqual([]);
    expect(findings).toEqual({ 'early expiries that a disturbance may excuse': 1 });
  });
});
