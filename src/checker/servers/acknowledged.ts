/** The writes that clients were told had happened, with their places in the order of transactions. */
import type { HistoryEntry } from '../history.ts';
import { field, hexOf, pathOfKey, textField } from '../report.ts';

export interface AcknowledgedWrite {
  readonly zxid: bigint;
  /** Undefined where the history does not name the node, as for a lock's queue node. */
  readonly path: string | undefined;
  /** The ZooKeeper operation. */
  readonly op: string;
  readonly entry: HistoryEntry;
  /** False where the answer was found later by a read, so that no leader need have answered the write. */
  readonly isAnswered: boolean;
}

type Write = Omit<AcknowledgedWrite, 'entry'>;

/** The write is the operation itself: its zxid is the entry's, its node the key. */
const own =
  (op: string) =>
  (entry: HistoryEntry): readonly Write[] =>
    withZxid(entry.zxid, { path: pathOfKey(entry.key), op, isAnswered: true });

/** The key is the parent, and the child's name in the answer. */
const child =
  (op: string, isAnswered: boolean) =>
  (entry: HistoryEntry): readonly Write[] => {
    const name = textField(entry.value, 'name');
    const path = name === undefined ? undefined : `${pathOfKey(entry.key)}/${name}`;
    return withZxid(entry.zxid, { path, op, isAnswered });
  };

/** A queue node, which may have been found by a later read. */
const token = ({ value }: HistoryEntry): readonly Write[] =>
  withZxid(field(value, 'token'), { path: undefined, op: 'create', isAnswered: false });

function withZxid(text: unknown, write: Omit<Write, 'zxid'>): readonly Write[] {
  const zxid = hexOf(text);
  return zxid === undefined ? [] : [{ zxid, ...write }];
}

const writesOf: ReadonlyMap<string, (entry: HistoryEntry) => readonly Write[]> = new Map([
  ['write', own('setData')],
  ['cas', own('setData')],
  ['increment', own('setData')],
  ['setData', own('setData')],
  ['publish', own('setData')],
  ['create', own('create')],
  ['delete', own('delete')],
  ['acquire', token],
  ['acquire-exclusive', token],
  ['acquire-shared', token],
  ['register', child('create', false)],
  ['withdraw', (entry) => (field(entry.value, 'isExact') === true ? withdrawn(entry) : [])],
  ['put', child('create', true)],
  ['take', child('delete', true)],
  ['next-id', ({ zxid }) => withZxid(zxid, { path: undefined, op: 'create', isAnswered: true })],
  ['act', ({ zxid }) => withZxid(zxid, { path: undefined, op: 'multi', isAnswered: true })],
  ['campaign', (entry) => [...token(entry), ...recordOf(entry)]],
]);

const withdrawn = child('delete', true);

const recordOf = ({ value }: HistoryEntry): readonly Write[] =>
  withZxid(field(value, 'recorded'), { path: undefined, op: 'multi', isAnswered: true });

/** In the order of their completions. */
export function acknowledgedWrites(history: readonly HistoryEntry[]): readonly AcknowledgedWrite[] {
  const writes: AcknowledgedWrite[] = [];
  for (const entry of history) {
    if (entry.type !== 'ok' || entry.process === 'nemesis') continue;
    for (const write of writesOf.get(entry.f)?.(entry) ?? []) writes.push({ ...write, entry });
  }
  return writes;
}
