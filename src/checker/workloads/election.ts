/**
 * A leader election that is recorded in ZooKeeper. In the order of zxids terms do not overlap: each record
 * has a larger token than those before (`record-order`), and whoever acts is the leader recorded last
 * (`deposed-leader-acted`). The record can be trusted: a read at a zxid tells the newest one up to there,
 * and a quorum read no older one than had been acknowledged before it began (`stale-leader`).
 *
 * All of that is judged without any excuse, since leaders act by writes that ZooKeeper itself fences.
 * Their beliefs are judged as those of lock holders are (holds.ts).
 */
import { checkFinalReads } from '../final-reads.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { clientOf, Findings, field, formatHex, hexOf, textField, whenAndWhere } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkWriteOrder } from '../write-order.ts';
import { checkHolds, grantsOf, type HoldWords } from './holds.ts';
import { checkSessionExpiry } from './session-expiry.ts';
import { withOperations } from './with-operations.ts';

const words: HoldWords = {
  name: 'leader',
  grants: new Map([['campaign', 'exclusive']]),
  uses: new Set(['act']),
  release: 'resign',
};

export function checkElectionWorkload(evidence: ServerEvidence): readonly CheckResult[] {
  const { history } = evidence;
  return withOperations(evidence, (operations) => [
    checkTerms(operations),
    checkRecords(operations),
    ...checkHolds(history, grantsOf(operations, words), words),
    checkWriteOrder(history, operations),
    checkSessionExpiry(evidence),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

interface Step {
  readonly kind: 'record' | 'act';
  readonly entry: HistoryEntry;
  readonly operation: Operation;
  readonly token: bigint;
  readonly zxid: bigint;
}

function stepsOf(operations: readonly Operation[]): readonly Step[] {
  const steps = operations.flatMap((operation): Step[] => {
    const entry = operation.completion;
    const token = hexOf(field(entry?.value, 'token'));
    const zxid = hexOf(entry?.zxid);
    if (entry?.type !== 'ok' || token === undefined || zxid === undefined) return [];
    if (operation.f === 'campaign') return [{ kind: 'record', entry, operation, token, zxid }];
    return operation.f === 'act' ? [{ kind: 'act', entry, operation, token, zxid }] : [];
  });
  return steps.sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
}

export function checkTerms(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  let newest: Step | undefined;
  for (const step of stepsOf(operations)) {
    findings.looked++;
    if (newest !== undefined && step.token < newest.token) {
      const [kind, what] =
        step.kind === 'act' ? ['deposed-leader-acted', 'acted'] : ['record-order', 'was recorded'];
      findings.add({
        kind,
        message:
          `the leader with token ${formatHex(step.token)} (${clientOf(step.entry)}) ${what} at zxid ` +
          `${formatHex(step.zxid)}, ${whenAndWhere(step.entry)}, after the leader with token ` +
          `${formatHex(newest.token)} (${clientOf(newest.entry)}) had been recorded`,
        entries: [newest.entry.index, step.entry.index],
        time: step.entry.time,
        zxid: formatHex(step.zxid),
      });
    } else newest = step;
  }
  return findings.result('leader-terms', 'records and acts', 'Nobody acted but the leader');
}

/** Reads of the record, by quorum or in the final phase. */
export function checkRecords(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const records = stepsOf(operations).filter(({ kind }) => kind === 'record');
  const candidacies = new Map(
    operations.flatMap(({ f, invoke, completion }) =>
      f === 'campaign' && completion?.error !== 'LockTimeout' ? [[invoke.op, invoke] as const] : [],
    ),
  );
  for (const { f, key, invoke, completion } of operations) {
    const isRecord = f === 'leader' || (f === 'final-read' && key === '/election');
    const header = hexOf(completion?.zxid);
    if (!isRecord || completion?.type !== 'ok' || header === undefined) continue;
    findings.looked++;
    const [id, hex] = (textField(completion.value, 'value') ?? '').split(' ');
    const token = hexOf(hex) ?? -1n;
    const add = (kind: string, why: string, entries: readonly number[]): void =>
      findings.add({
        kind,
        message:
          `${clientOf(completion)} was told ${whenAndWhere(completion)} that ` +
          `${id === '' ? 'nobody' : id} leads (token ${formatHex(token)}), ${why}`,
        entries: [...entries, completion.index],
        time: completion.time,
        zxid: formatHex(header),
      });
    const candidacy = candidacies.get(id);
    if (id !== '' && (candidacy === undefined || candidacy.index > completion.index)) {
      add('leader-from-nowhere', 'who never stood', []);
    }
    const newer = records.find((record) => {
      const isDue = record.zxid <= header || record.entry.index < invoke.index;
      return isDue && record.token > token;
    });
    if (newer === undefined) continue;
    const why = `though ${clientOf(newer.entry)} had been recorded at ${formatHex(newer.zxid)}`;
    add('stale-leader', why, [newer.entry.index]);
  }
  return findings.result('leader-records', 'reads of the record', 'Everybody was told who led');
}
