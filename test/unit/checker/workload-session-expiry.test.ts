/** When a session must have ended with its client, and what excuses a late end. */
import { describe, expect, test } from 'vitest';
import type { ProtocolEvent } from '../../../src/base/protocol-event.ts';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import { checkSessionExpiry } from '../../../src/checker/workloads/session-expiry.ts';

const SESSION = '0x10000000000000a';
const TIMEOUT_MS = 4000;
/** One and a half times the timeout, and the grace. */
const DUE_MS = 10_000 + 6000 + 500;

type Happening = readonly [ms: number, act: string, args?: object];

function eventsOf(happenings: readonly Happening[], ticksUntilMs: number): ProtocolEvent[] {
  const ticks: Happening[] = [];
  for (let ms = 500; ms <= ticksUntilMs; ms += 500) ticks.push([ms, 'ClockTicked']);
  return [...happenings, ...ticks]
    .sort((a, b) => a[0] - b[0])
    .map(([ms, act, args = {}]) => {
      const post = { role: 'leading', lastApplied: '0x100000001', lastLogged: '0x100000001' };
      return {
        node: 1,
        incarnation: 1,
        act,
        args,
        post,
        time: ms * 1e6,
      } as unknown as ProtocolEvent;
    });
}

const created: Happening = [1000, 'SessionCreated', { session: SESSION, timeoutMs: TIMEOUT_MS }];
const established: Happening = [900, 'LeaderEstablished', { epoch: 1, quorum: [1, 2] }];
const closedAt = (ms: number): Happening => [ms, 'SessionClosed', { session: SESSION }];

const dropped = (fault: readonly HistoryEntry[] = []): HistoryEntry[] => {
  const entry = { process: 0, client: 0, f: 'take', session: SESSION };
  const lines: Omit<HistoryEntry, 'index'>[] = [
    { ...entry, type: 'invoke', time: 9000e6 },
    { ...entry, type: 'info', error: 'timeout', time: 10_000e6 },
    ...fault,
  ];
  return lines.sort((a, b) => a.time - b.time).map((line, index) => ({ ...line, index }));
};

function check(
  happenings: readonly Happening[],
  { ticksUntilMs = 20_000, history = dropped() } = {},
) {
  const events = new Map([[1, eventsOf(happenings, ticksUntilMs)]]);
  return checkSessionExpiry({ history, events, disks: new Map() });
}

describe('the session of a client that was dropped', () => {
  test('ends in time', () => {
    const result = check([created, established, closedAt(DUE_MS - 1)]);
    expect(result.verdict).toBe('pass');
    expect(result.looked).toBe(1);
    expect(result.findings).toEqual({ 'dropped sessions that expired in time': 1 });
  });

  test.each([[closedAt(DUE_MS + 100)], []])(
    'is a violation where it ends late or never',
    (...late) => {
      const { verdict, anomalies } = check([created, established, ...late]);
      expect(verdict).toBe('violation');
      expect(anomalies[0]?.message).toContain(`session ${SESSION} of client 0`);
    },
  );

  test('may have ended in a log that the leader found, without an event', () => {
    const end = (zxid: string): Happening => [
      9_900,
      'ProposalSent',
      { op: 'closeSession', session: SESSION, zxid },
    ];
    const found = check([created, established, end('0x100000001')]);
    expect(found.findings).toEqual({ 'dropped sessions whose end was recovered from a log': 1 });
    expect(check([created, established, end('0x100000009')]).verdict).toBe('violation');
  });

  const quietless = 'dropped sessions that no leader had the quiet to expire';

  test('need not end while the leader did not reign long enough', () => {
    for (const happenings of [
      [created, established, [14_000, 'RoleEnded'] as Happening],
      [created, [15_000, 'LeaderEstablished'] as Happening],
    ]) {
      const { verdict, findings } = check(happenings);
      expect([verdict, findings]).toEqual(['pass', { [quietless]: 1 }]);
    }
  });

  test('need not end while the leader did not tick', () => {
    const { findings } = check([created, established], { ticksUntilMs: 12_000 });
    expect(findings).toEqual({ [quietless]: 1 });
  });

  test('need not end while a fault is in force, but after it', () => {
    const step = (ms: number, name: string): HistoryEntry => ({
      index: 0,
      process: 'nemesis',
      type: 'info',
      f: 'partition-one',
      op: 'f1',
      value: { step: name, nodes: [2] },
      time: ms * 1e6,
    });
    const history = dropped([step(13_000, 'requested'), step(14_000, 'healed')]);
    expect(check([created, established], { history }).findings).toEqual({ [quietless]: 1 });
    const longer = check([created, established], { history, ticksUntilMs: 30_000 });
    expect(longer.verdict).toBe('violation');
  });
});
