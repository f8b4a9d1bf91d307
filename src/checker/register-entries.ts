/** Reads and writes of nodes in a history, in the shape that the contract of plain reads needs. */
import type { HistoryEntry, Operation } from './history.ts';
import { field, hexOf, pathOfKey } from './report.ts';

export interface ReadEntry {
  readonly kind: 'read';
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  readonly path: string;
  readonly value: string | null;
  readonly mzxid: bigint;
  readonly version: number | undefined;
  /** Zxid of the reply header: how far the server was. */
  readonly header: bigint | undefined;
}

export interface WriteEntry {
  readonly kind: 'write';
  readonly operation: Operation;
  readonly path: string;
  readonly value: string | null;
  readonly outcome: 'ok' | 'fail' | 'info';
  /** Known where it was acknowledged. */
  readonly zxid: bigint | undefined;
}

const readNames = new Set(['read', 'plain-read', 'final-read']);

export function readOf(operation: Operation): ReadEntry | undefined {
  const entry = operation.completion;
  const path = pathOfKey(operation.key);
  if (!readNames.has(operation.f) || entry?.type !== 'ok' || path === undefined) return undefined;
  const mzxid = hexOf(field(entry.value, 'mzxid'));
  const value = field(entry.value, 'value');
  if (mzxid === undefined || (value !== null && typeof value !== 'string')) return undefined;
  const version = field(entry.value, 'version');
  return {
    kind: 'read',
    operation,
    entry,
    path,
    value,
    mzxid,
    version: typeof version === 'number' ? version : undefined,
    header: hexOf(entry.zxid),
  };
}

export function writeOf(operation: Operation): WriteEntry | undefined {
  const { f, invoke, completion } = operation;
  const path = pathOfKey(operation.key);
  if ((f !== 'write' && f !== 'cas') || path === undefined) return undefined;
  const value = f === 'write' ? invoke.value : (invoke.value as readonly unknown[])[1];
  const outcome =
    completion?.type === 'ok' || completion?.type === 'fail' ? completion.type : 'info';
  return {
    kind: 'write',
    operation,
    path,
    value: typeof value === 'string' ? value : null,
    outcome,
    zxid: outcome === 'ok' ? hexOf(completion?.zxid) : undefined,
  };
}
