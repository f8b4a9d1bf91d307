/** A made-up run of any size for tests of the report: three servers, two faults, one lost write. */
import { prngStream } from '../../../src/base/prng.ts';
import type { ProtocolActs, ProtocolEvent, RoleName } from '../../../src/base/protocol-event.ts';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import type { Plan } from '../../../src/harness/plan.ts';
import type { FaultRecord, RunResult, Verdict } from '../../../src/harness/result.ts';
import type { ReportInput, TimedEvent } from '../../../src/report/input.ts';

const MS = 1_000_000;

export interface SampleOptions {
  readonly operations: number;
  readonly clients?: number;
  readonly verdict?: Verdict;
}

export function sampleRun(options: SampleOptions): ReportInput {
  const clients = options.clients ?? (options.operations <= 20 ? 2 : 8);
  const verdict = options.verdict ?? 'violation';
  const endMs = options.operations <= 20 ? 400 : 30_000;
  const faults = sampleFaults(endMs);
  const history = sampleHistory(options.operations, clients, endMs, faults);
  return {
    result: sampleResult(verdict, history, faults),
    plan: samplePlan(clients),
    history,
    events: sampleEvents(endMs, faults),
  };
}

function sampleFaults(endMs: number): FaultRecord[] {
  const at = (share: number) => Math.round(endMs * share) * MS;
  return [
    {
      id: 'f1',
      kind: 'partition-halves',
      nodes: [1],
      requested: at(0.25),
      applied: at(0.255),
      verified: at(0.265),
      healed: at(0.4),
      healVerified: at(0.41),
      evidence:
        'links 1→2, 1→3, 2→1 and 3→1 blocked from the victims’ side; open again after the heal',
      overlappedOperations: 412,
    },
    {
      id: 'f2',
      kind: 'kill-all',
      nodes: [1, 2, 3],
      requested: at(0.6),
      applied: at(0.602),
      verified: at(0.605),
      healed: at(0.66),
      healVerified: at(0.7),
      evidence: 'no process of the three answered; all serve again after the start',
      overlappedOperations: 38,
    },
    {
      id: 'f3',
      kind: 'clock-bump',
      nodes: [2],
      requested: at(0.65),
      applied: at(0.652),
      evidence: 'the wall clock in the events of server 2 did not move',
      overlappedOperations: 51,
    },
  ];
}

function sampleHistory(
  count: number,
  clients: number,
  endMs: number,
  faults: readonly FaultRecord[],
): HistoryEntry[] {
  const prng = prngStream('5eed', 'sample');
  const perClient = Math.ceil(count / clients);
  const stepNs = Math.floor((endMs * MS * 0.97) / perClient);
  const entries: Omit<HistoryEntry, 'index'>[] = [];
  let made = 0;
  for (let client = 0; client < clients; client++) {
    let process = client;
    for (let turn = 0; turn < perClient && made < count; turn++, made++) {
      const time = turn * stepNs + prng.int(0, Math.floor(stepNs / 3));
      const held = faults.find((fault) => time > fault.requested && time < (fault.healed ?? 0));
      const f = prng.pick(['read', 'read', 'write', 'cas', 'quorum-read']);
      const key = `/r/${prng.int(0, 4)}`;
      const type =
        held === undefined
          ? prng.chance(f === 'cas' ? 250 : 4)
            ? 'fail'
            : 'ok'
          : prng.chance(held.kind === 'kill-all' ? 990 : 400)
            ? prng.pick(['info', 'fail'] as const)
            : 'ok';
      const base = held === undefined ? 900_000 : 5_000_000;
      let tail = base + prng.int(0, base * 2);
      if (prng.chance(12)) tail *= prng.int(3, 25);
      const took = Math.min(Math.floor(stepNs * 0.6), type === 'info' ? stepNs : tail);
      const common = { f, key, client, op: `c${client}/${turn}` };
      const value = f === 'write' ? turn : f === 'cas' ? [turn - 1, turn] : undefined;
      entries.push({
        ...common,
        process,
        type: 'invoke',
        time,
        ...(value === undefined ? {} : { value }),
      });
      entries.push({
        ...common,
        process,
        type,
        time: time + took,
        ...(type === 'info'
          ? {}
          : { node: prng.int(1, 3), zxid: `0x${(0x100000000 + made).toString(16)}` }),
        ...(f.endsWith('read') && type === 'ok'
          ? { value: turn }
          : value === undefined
            ? {}
            : { value }),
        ...(type === 'ok' ? {} : { error: held === undefined ? 'BadVersion' : 'ConnectionLoss' }),
        session: `0x10000${client}`,
      });
      if (type === 'info') process += clients;
    }
  }
  return entries
    .map((entry, order) => ({ entry, order }))
    .sort((a, b) => a.entry.time - b.entry.time || a.order - b.order)
    .map(({ entry }, index) => ({ index, ...entry }));
}

function sampleResult(
  verdict: Verdict,
  history: readonly HistoryEntry[],
  faults: readonly FaultRecord[],
): RunResult {
  const isBad = verdict === 'violation';
  const counts: Record<string, { ok: number; fail: number; info: number }> = {};
  for (const { type, f } of history) {
    if (type === 'invoke') continue;
    counts[f] ??= { ok: 0, fail: 0, info: 0 };
    (counts[f] as { ok: number; fail: number; info: number })[type]++;
  }
  const write =
    history.find(
      ({ type, f, time }) =>
        type === 'ok' && f === 'write' && time > (faults[1]?.requested ?? 0) * 0.9,
    ) ?? history.find(({ type }) => type === 'ok');
  const read = history.findLast(({ type, f }) => type === 'ok' && f === 'quorum-read') ?? write;
  const sentence = `Acknowledged write lost: setData ${write?.key} zxid ${write?.zxid} (client ${write?.client}, ${((write?.time ?? 0) / 1e9).toFixed(3)} s, server ${write?.node}) is absent on all servers after the restart.`;
  return {
    v: 1,
    name: 'register under kill-all and partition-halves',
    verdict,
    sentence: isBad ? sentence : 'Nothing wrong in 9 checks; every owed goal was reached.',
    reasons: isBad ? [sentence, 'The history of /r/3 is not linearizable.'] : [],
    world: 'simulation',
    workload: 'register',
    nemesis: ['partition-halves', 'kill-all', 'clock-bump'],
    nodes: 3,
    seed: '5eed5eed5eed5eed',
    planHash: '9f3c1a77d0b2e4c6a1b2c3d4e5f60718',
    traceHash: '7d2a99b0c4415e3f7d2a99b0c4415e3f',
    commit: 'f35ce5a1c2d3',
    date: '2026-01-02T03:04:05.000Z',
    durationMs: 1_834,
    counts,
    checks: [
      {
        checker: 'durability',
        verdict: isBad ? 'violation' : 'pass',
        looked: 3_811,
        items: 'acknowledged writes',
        summary: isBad
          ? 'One acknowledged write is nowhere.'
          : 'Every acknowledged write is there.',
        anomalies: isBad
          ? [
              {
                kind: 'acknowledged-write-lost',
                message: sentence,
                entries: [write?.index ?? 0, read?.index ?? 0],
                time: write?.time ?? 0,
                nodes: [1, 2, 3],
                path: write?.key ?? '',
                zxid: write?.zxid ?? '',
              },
            ]
          : [],
      },
      {
        checker: 'linearizability',
        verdict: isBad ? 'violation' : 'pass',
        looked: 5,
        items: 'keys',
        summary: isBad
          ? 'Key /r/3 has no order that explains its reads.'
          : 'Five keys linearizable.',
        anomalies: isBad
          ? [
              {
                kind: 'non-linearizable',
                message:
                  'quorum-read of /r/3 saw 17 after write 18 had completed and nothing wrote 17 again.',
                entries: [read?.index ?? 0],
              },
            ]
          : [],
        findings: { 'stale plain reads': 214 },
      },
      {
        checker: 'one-leader-per-epoch',
        verdict: 'pass',
        looked: 4,
        items: 'epochs',
        summary: 'Each epoch had one established leader.',
        anomalies: [],
      },
      {
        checker: 'prefix-contract',
        verdict: 'unknown',
        looked: 1_204,
        items: 'reads',
        summary: 'The budget of 200 000 steps ran out.',
        anomalies: [],
      },
    ],
    faults,
    goals: [
      { name: 'every operation kind succeeded', isOwed: true, count: 5 },
      { name: 'a leader was killed with proposals outstanding', isOwed: false, count: 0 },
      { name: 'fault clock-bump verified and overlapped', isOwed: true, count: 0 },
      { name: 'a follower synchronized by DIFF', isOwed: false, count: 3 },
    ],
    notInjected: { 'clock-rate': 'libfaketime is not installed' },
    replay: [
      'npm run replay -- store/latest',
      'npm run shrink -- store/latest',
      'npm run jepsen -- run --world simulation --workload register --nemesis kill-all --seed 5eed5eed5eed5eed',
    ],
    checkMs: { durability: 12, linearizability: 431, 'one-leader-per-epoch': 2 },
    environment: { node: 'v20.20.2', platform: 'linux x64, 2 cores' },
  };
}

function samplePlan(clients: number): Plan {
  return {
    v: 1,
    seed: '5eed5eed5eed5eed',
    workload: 'register',
    workloadParams: { keys: 5 },
    cluster: {
      nodes: 3,
      tickTimeMs: 100,
      initLimit: 10,
      syncLimit: 5,
      snapCount: 500,
      commitLogCount: 100,
    },
    knobs: {
      sessionTimeoutMs: 2_000,
      operationTimeoutMs: 1_000,
      timeLimitMs: 30_000,
      simulation: {
        networkLatencyMs: [0, 5],
        diskLatencyMs: [0, 5],
        splitPerMille: 100,
        tornPerMille: 300,
        lostPerMille: 300,
      },
    },
    clients: Array.from({ length: clients }, (_, id) => ({
      id,
      ops: [{ id: `c${id}/0`, at: 0, f: 'write', key: '/r/0', value: '</script><b>' }],
    })),
    faults: [],
    final: { settleMs: 1_000, timeoutMs: 10_000 },
  };
}

function sampleEvents(endMs: number, faults: readonly FaultRecord[]): Map<number, TimedEvent[]> {
  const events = new Map<number, TimedEvent[]>();
  const cutMs = (faults[0]?.verified ?? 0) / MS;
  const killMs = (faults[1]?.applied ?? 0) / MS;
  const startMs = (faults[1]?.healed ?? 0) / MS;
  for (const node of [1, 2, 3]) {
    const lines: TimedEvent[] = [];
    const emit = <A extends keyof ProtocolActs>(
      incarnation: number,
      now: number,
      act: A,
      args: ProtocolActs[A],
      role: RoleName,
      epoch: number,
    ) => {
      lines.push({
        v: 1,
        node,
        incarnation,
        n: lines.length,
        now,
        wallMs: now,
        time: Math.round(now * MS),
        act,
        args,
        post: {
          role,
          acceptedEpoch: epoch,
          currentEpoch: epoch,
          lastLogged: '0x0',
          lastFlushed: '0x0',
          lastApplied: '0x0',
        },
      } as ProtocolEvent & { time: number });
    };
    const follow = (incarnation: number, now: number, leader: number, epoch: number) => {
      emit(incarnation, now, 'ElectionStarted', { round: epoch }, 'looking', epoch - 1);
      const active = now + endMs * 0.015;
      const elected = { leader, zxid: '0x0', peerEpoch: epoch - 1, round: epoch };
      const role = leader === node ? 'leading' : 'following';
      emit(incarnation, active - 1, 'Elected', elected, role, epoch - 1);
      if (leader === node) {
        emit(incarnation, active, 'LeaderEstablished', { epoch, quorum: [2, 3] }, role, epoch);
      } else emit(incarnation, active, 'LearnerActivated', { epoch, leader }, role, epoch);
    };
    follow(1, endMs * 0.005, 1, 1);
    if (node === 1) {
      emit(
        1,
        cutMs + endMs * 0.04,
        'RoleEnded',
        { role: 'leading', reason: 'no quorum' },
        'looking',
        1,
      );
      follow(1, endMs * 0.41, 3, 2);
    } else follow(1, cutMs + endMs * 0.01, 3, 2);
    emit(1, killMs - 1, 'ClockTicked', {}, node === 3 ? 'leading' : 'following', 2);
    emit(
      2,
      startMs + node,
      'Recovered',
      {
        lastZxid: '0x200000011',
        acceptedEpoch: 2,
        currentEpoch: 2,
        snapshotZxid: '0x0',
      },
      'looking',
      2,
    );
    follow(2, startMs + node + 1, 2, 3);
    events.set(node, lines);
  }
  return events;
}
