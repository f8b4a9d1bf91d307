/**
 * A configuration and its watchers. Whatever is read at a zxid is the newest state up to there
 * (`stale-view`), and a watcher that is answered from beyond a change was told of the change before
 * (`change-not-told`): so the last state reaches everybody who goes on asking anything at all. Changes are
 * those that publishers were told of, and those that anybody saw.
 */
import { checkFinalReads } from '../final-reads.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { pairOperations } from '../pairing.ts';
import { clientOf, Findings, field, formatHex, hexOf, whenAndWhere } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkWriteOrder } from '../write-order.ts';
import { checkSessionExpiry } from './session-expiry.ts';
import { momentsOf, type View, viewsOf } from './views.ts';
import { withOperations } from './with-operations.ts';

export function checkConfigurationWorkload(evidence: ServerEvidence): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    checkConfiguration(operations),
    checkWriteOrder(evidence.history, operations),
    checkSessionExpiry(evidence),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

interface StateView extends View {
  readonly mzxid: bigint;
  readonly value: unknown;
}

export function checkConfiguration(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const keys = new Set(operations.flatMap(({ key }) => key ?? []));
  for (const key of keys) {
    const own = operations.filter((operation) => operation.key === key);
    judgeKey(
      findings,
      key,
      stateViews(own),
      own.filter(({ f }) => f === 'publish'),
    );
  }
  return findings.result('configuration', 'views', 'Every watcher was told of every last state');
}

function stateViews(operations: readonly Operation[]): readonly StateView[] {
  return viewsOf(operations).flatMap((view) => {
    const mzxid = hexOf(field(view.state, 'mzxid'));
    return mzxid === undefined ? [] : [{ ...view, mzxid, value: field(view.state, 'value') }];
  });
}

function judgeKey(
  findings: Findings,
  key: string,
  views: readonly StateView[],
  publications: readonly Operation[],
): void {
  const acknowledged = new Map<bigint, Operation>();
  for (const publication of publications) {
    const { completion } = publication;
    const zxid = completion?.type === 'ok' ? hexOf(completion.zxid) : undefined;
    if (zxid !== undefined) acknowledged.set(zxid, publication);
  }
  const changes = [...new Set([...acknowledged.keys(), ...views.map(({ mzxid }) => mzxid)])];
  changes.sort((a, b) => (a < b ? -1 : 1));
  const first = new Map<bigint, StateView>();
  for (const view of views) {
    findings.looked++;
    judgeOrigin(findings, key, view, publications);
    const known = first.get(view.mzxid);
    first.set(view.mzxid, known ?? view);
    if (known !== undefined && known.value !== view.value) {
      const other = `${JSON.stringify(known.value)} for ${clientOf(known.entry)}`;
      const what = `${tell(view, key)}, but ${other}`;
      add(findings, 'two-values-for-one-zxid', view, what, [known.entry.index]);
    }
    for (const { zxid, isConfirmation } of momentsOf(view)) {
      const missed = changes.findLast((change) => change <= zxid);
      if (missed === undefined || missed <= view.mzxid) continue;
      const publisher = acknowledged.get(missed)?.completion;
      const by = publisher === undefined ? '' : ` by ${clientOf(publisher)}`;
      const kind = isConfirmation ? 'change-not-told' : 'stale-view';
      const when = isConfirmation ? 'still held when it was answered from' : 'read at';
      const after = `after the change ${formatHex(missed)}${by}`;
      const what = `${tell(view, key)} was ${when} ${formatHex(zxid)}, ${after}`;
      add(findings, kind, view, what, publisher === undefined ? [] : [publisher.index]);
    }
  }
}

function judgeOrigin(
  findings: Findings,
  key: string,
  view: StateView,
  publications: readonly Operation[],
): void {
  // As the setup left it.
  if (view.value === null) return;
  const origin = publications.find(({ invoke }) => invoke.value === view.value);
  const outcome = origin?.completion?.type;
  const zxid = outcome === 'ok' ? hexOf(origin?.completion?.zxid) : view.mzxid;
  if (origin === undefined || origin.invoke.index > view.entry.index) {
    add(findings, 'value-from-nowhere', view, `${tell(view, key)}, which nobody had published`, []);
  } else if (outcome === 'fail') {
    const what = `${tell(view, key)}, whose publication had been refused`;
    add(findings, 'refused-write-visible', view, what, [origin.invoke.index]);
  } else if (zxid !== view.mzxid) {
    const what = `${tell(view, key)}, which was acknowledged as ${formatHex(zxid ?? 0n)}`;
    add(findings, 'two-zxids-for-one-write', view, what, [origin.invoke.index]);
  }
}

function tell({ entry, value, mzxid }: StateView, key: string): string {
  return (
    `${key} = ${JSON.stringify(value)} (mzxid ${formatHex(mzxid)}), as told to ${clientOf(entry)} ` +
    `${whenAndWhere(entry)}`
  );
}

function add(
  findings: Findings,
  kind: string,
  { entry, mzxid }: StateView,
  message: string,
  entries: readonly number[],
): void {
  const zxid = formatHex(mzxid);
  findings.add({ kind, message, entries: [...entries, entry.index], time: entry.time, zxid });
}

/** How many watchers learnt the last state of a key from an event, not from their first read. */
export function lastStatesTold(history: readonly HistoryEntry[]): number {
  const operations = pairOperations(history);
  const last = new Map<string | undefined, bigint>();
  for (const { operation, mzxid } of stateViews(operations)) {
    if (operation.f === 'final-read') last.set(operation.key, mzxid);
  }
  return operations.filter((operation) => {
    const views = operation.f === 'watch' ? stateViews([operation]) : [];
    return views.length > 1 && views.at(-1)?.mzxid === last.get(operation.key);
  }).length;
}
