/**
 * A queue: an item that was put is delivered once, or still there in the end, or taken by a taker that
 * ended without an answer. Items come out in the order in which they went in, by the zxids of both.
 *
 * Each taker without an answer excuses one item, of those that were put before it ended; where a log on
 * disk tells whose session took the item, it must have been that taker's.
 */
import { checkFinalReads } from '../final-reads.ts';
import type { HistoryEntry, Operation } from '../history.ts';
import { clientOf, Findings, field, formatHex, hexOf, textField, whenAndWhere } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkWriteOrder } from '../write-order.ts';
import { checkSessionExpiry } from './session-expiry.ts';
import { withOperations } from './with-operations.ts';

export function checkQueueWorkload(evidence: ServerEvidence): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    checkQueue(operations, evidence.disks),
    checkWriteOrder(evidence.history, operations),
    checkSessionExpiry(evidence),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

interface Item {
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  readonly name: string;
  readonly value: unknown;
  readonly zxid: bigint;
}

export function checkQueue(
  operations: readonly Operation[],
  disks: ServerEvidence['disks'] = new Map(),
): CheckResult {
  const findings = new Findings();
  const puts = itemsOf(operations, 'put');
  const takes = itemsOf(operations, 'take');
  findings.looked = puts.length;
  judgeTakes(findings, operations, puts, takes);
  judgeOrder(findings, takes);
  const left = itemsLeft(operations);
  if (left !== undefined) {
    const taken = new Set(takes.map(({ name }) => name));
    for (const take of takes.filter(({ name }) => left.has(name))) {
      const what = `${tell(take, 'was taken')} and is still in the queue in the end`;
      add(findings, 'taken-item-still-queued', take, what, []);
    }
    const missing = puts.filter(({ name }) => !taken.has(name) && !left.has(name));
    judgeMissing(findings, missing, operations, disks);
    findings.count('items left in the queue', left.size);
  }
  return findings.result('queue', 'items', 'Every item was delivered once, in order, or is left');
}

function itemsOf(operations: readonly Operation[], f: 'put' | 'take'): readonly Item[] {
  return operations.flatMap((operation) => {
    const entry = operation.completion;
    const name = textField(entry?.value, 'name');
    const zxid = hexOf(entry?.zxid);
    if (operation.f !== f || entry?.type !== 'ok') return [];
    if (name === undefined || zxid === undefined) return [];
    return [{ operation, entry, name, value: field(entry.value, 'value'), zxid }];
  });
}

/** Undefined where no server was asked in the end. */
function itemsLeft(operations: readonly Operation[]): ReadonlySet<string> | undefined {
  const lists = operations.flatMap(({ f, completion }) => {
    const isOk = f === 'final-children' && completion?.type === 'ok';
    const children = isOk ? field(completion.value, 'children') : undefined;
    return Array.isArray(children) ? [children.map(String)] : [];
  });
  return lists.length === 0 ? undefined : new Set(lists.flat());
}

function judgeTakes(
  findings: Findings,
  operations: readonly Operation[],
  puts: readonly Item[],
  takes: readonly Item[],
): void {
  const byName = new Map(puts.map((put) => [put.name, put] as const));
  const possible = new Set(
    operations.flatMap(({ f, invoke, completion }) =>
      f === 'put' && completion?.type !== 'fail' ? [invoke.value] : [],
    ),
  );
  const first = new Map<string, Item>();
  for (const take of takes) {
    const known = first.get(take.name);
    first.set(take.name, known ?? take);
    const put = byName.get(take.name);
    if (known !== undefined) {
      const what = `${tell(take, 'was taken')}, after ${clientOf(known.entry)} had taken it`;
      add(findings, 'item-delivered-twice', take, what, [known.entry.index]);
    }
    if (put === undefined ? !possible.has(take.value) : put.value !== take.value) {
      const what = `${tell(take, 'was taken')}, which nobody had put there`;
      add(findings, 'item-from-nowhere', take, what, []);
    }
  }
}

/** In the order of zxids each take got the oldest item of its moment: numbers only grow. */
function judgeOrder(findings: Findings, takes: readonly Item[]): void {
  const inOrder = [...takes].sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
  let newest: Item | undefined;
  for (const take of inOrder) {
    if (newest !== undefined && sequenceOf(take) < sequenceOf(newest)) {
      const what = `${tell(take, 'was taken')}, after the later item ${newest.name}`;
      add(findings, 'item-out-of-order', take, what, [newest.entry.index]);
    } else newest = take;
  }
}

const sequenceOf = ({ name }: Item): number => Number(/^item-(-?\d+)$/.exec(name)?.[1] ?? 0);

function judgeMissing(
  findings: Findings,
  missing: readonly Item[],
  operations: readonly Operation[],
  disks: ServerEvidence['disks'],
): void {
  const crashed = operations.filter(({ f, completion }) => {
    return f === 'take' && completion?.type !== 'ok' && completion?.type !== 'fail';
  });
  const takers = takersOnDisk(disks);
  const pathOf = ({ operation, name }: Item): string => `/${operation.key}/${name}`;
  // Those of whom the disks tell more, first; then the newest, which the fewest takers excuse.
  const inOrder = [...missing].sort((a, b) => {
    const known = Number(takers.has(pathOf(b))) - Number(takers.has(pathOf(a)));
    return known !== 0 ? known : b.entry.index - a.entry.index;
  });
  for (const put of inOrder) {
    const session = takers.get(pathOf(put));
    const at = crashed.findIndex(({ completion }) => {
      const end = completion?.index ?? Infinity;
      const isIts = session === undefined || completion?.session === session;
      return isIts && end > put.operation.invoke.index;
    });
    if (at >= 0) {
      crashed.splice(at, 1);
      findings.count('items taken by takers that got no answer');
      continue;
    }
    const by = session === undefined ? '' : ` (session ${session} deleted it)`;
    const what = `${tell(put, 'was put')}, never delivered, and is not in the queue in the end${by}`;
    add(findings, 'item-lost', put, what, []);
  }
}

/** By path: the session whose transaction deleted it. */
function takersOnDisk(disks: ServerEvidence['disks']): ReadonlyMap<string, string> {
  const takers = new Map<string, string>();
  for (const { log } of disks.values()) {
    for (const { op, paths, session } of log) {
      if (op === 'delete') for (const path of paths) takers.set(path, formatHex(session));
    }
  }
  return takers;
}

function tell({ name, value, entry }: Item, how: string): string {
  return `${name} (${JSON.stringify(value)}) ${how} by ${clientOf(entry)} ${whenAndWhere(entry)}`;
}

function add(
  findings: Findings,
  kind: string,
  { entry, zxid }: Item,
  message: string,
  entries: readonly number[],
): void {
  const anomaly = { entries: [...entries, entry.index], time: entry.time, zxid: formatHex(zxid) };
  findings.add({ kind, message, ...anomaly });
}
