/**
 * A journal as text: one record per line, zxids as hex. Fields that are not needed to judge are passed over,
 * so that other harnesses may write more; what is needed and is missing or of another kind is an error that
 * names line and field.
 */
import { parseHex } from '../../base/zxid.ts';
import type { JournalRecord } from './journal.ts';
import { hex } from './sessions.ts';

/** Fields that hold a zxid, wherever they stand. */
const zxidFields: ReadonlySet<string> = new Set([
  'zxid',
  'lastZxidSeen',
  'relativeZxid',
  'czxid',
  'mzxid',
  'pzxid',
]);

export class JournalFormatError extends Error {
  override readonly name = 'JournalFormatError';
  /** Counted from 1. */
  readonly line: number;
  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`);
    this.line = line;
  }
}

export function formatRecord(record: JournalRecord): string {
  return JSON.stringify(record, (field, value: unknown) =>
    typeof value === 'number' && zxidFields.has(field) ? hex(value) : value,
  );
}

/** Fields of each type beside `client` and `time`, with their kinds. */
const shapes: Readonly<Record<JournalRecord['type'], Readonly<Record<string, string>>>> = {
  connecting: { session: 'string', lastZxidSeen: 'number' },
  connected: { session: 'string', timeoutMs: 'number' },
  refused: { session: 'string' },
  disconnected: {},
  request: { xid: 'number', request: 'object' },
  reply: { xid: 'number', zxid: 'number', reply: 'object' },
  event: { event: 'string', path: 'string', zxid: 'number' },
};

/** Reads whole lines; empty ones are passed over. */
export function* parseJournal(lines: Iterable<string>): Generator<JournalRecord, void> {
  let number = 0;
  for (const line of lines) {
    number++;
    if (line.trim() !== '') yield parseRecord(line, number);
  }
}

function parseRecord(line: string, number: number): JournalRecord {
  let value: unknown;
  try {
    value = JSON.parse(line, (field, found: unknown) =>
      zxidFields.has(field) ? zxidOf(found, field, number) : found,
    );
  } catch (error) {
    if (error instanceof JournalFormatError) throw error;
    throw new JournalFormatError(number, 'it is no JSON');
  }
  const record = value as Readonly<Record<string, unknown>> | null;
  const shape = shapes[record?.type as JournalRecord['type']];
  if (record === null || shape === undefined) {
    throw new JournalFormatError(number, `unknown type ${JSON.stringify(record?.type)}`);
  }
  for (const [field, kind] of Object.entries({ client: 'string', time: 'number', ...shape })) {
    const found = record[field];
    if (typeof found === kind && found !== null) continue;
    throw new JournalFormatError(number, `${field} of ${String(record.type)} is no ${kind}`);
  }
  return record as unknown as JournalRecord;
}

function zxidOf(value: unknown, field: string, line: number): number {
  if (value === '-1') return -1;
  const zxid = typeof value === 'string' ? parseHex(value) : undefined;
  if (zxid === undefined) throw new JournalFormatError(line, `${field} is no hex number`);
  const number = Number(zxid);
  if (Number.isSafeInteger(number)) return number;
  throw new JournalFormatError(line, `${field} ${String(value)} is of an epoch beyond 2097151`);
}
