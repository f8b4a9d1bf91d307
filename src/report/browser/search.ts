/**
 * `path:/r/3 zxid:0x2 client:4 server:2 f:write err:ConnectionLoss outcome:info word`: every term must
 * match. Text terms are looked up once in the dictionary, so that a query costs one pass over small
 * integers whatever the size of the run.
 */
import type { Payload } from '../payload.ts';
import { operationTypes } from '../payload.ts';
import { type Operations, type TextColumn, textColumns } from './columns.ts';

type Test = (row: number) => boolean;

const textFields: Readonly<Record<string, readonly TextColumn[]>> = {
  path: ['key', 'value', 'result'],
  key: ['key'],
  value: ['value', 'result'],
  zxid: ['zxid'],
  session: ['session'],
  err: ['error'],
  error: ['error'],
  f: ['f'],
  op: ['op'],
};

export interface SearchResult {
  /** Null where there is no query: everything is shown alike. */
  readonly matches: Uint8Array | null;
  readonly rows: readonly number[];
  readonly error: string | undefined;
}

export function search(query: string, payload: Payload, operations: Operations): SearchResult {
  const terms = query.trim().split(/\s+/).filter(Boolean);
  if (terms.length === 0) return { matches: null, rows: [], error: undefined };
  const tests: Test[] = [];
  for (const term of terms) {
    const test = testOf(term, payload, operations);
    if (typeof test === 'string') return { matches: null, rows: [], error: test };
    tests.push(test);
  }
  const matches = new Uint8Array(operations.count);
  const rows: number[] = [];
  for (let row = 0; row < operations.count; row++) {
    if (!tests.every((test) => test(row))) continue;
    matches[row] = 1;
    rows.push(row);
  }
  return { matches, rows, error: undefined };
}

function testOf(term: string, payload: Payload, operations: Operations): Test | string {
  const colon = term.indexOf(':');
  const field = colon > 0 ? term.slice(0, colon).toLowerCase() : '';
  const wanted = term.slice(colon + 1).toLowerCase();
  const isField = field in textFields || numberFields.has(field) || outcomeFields.has(field);
  if (!isField) return textTest(term.toLowerCase(), textColumns, payload, operations);
  if (wanted === '') return () => true;
  if (outcomeFields.has(field)) {
    const type = operationTypes.findIndex((name) => name.startsWith(wanted));
    if (type < 0) return `“${wanted}” is no outcome; there are ${operationTypes.join(', ')}.`;
    return (row) => operations.type[row] === type;
  }
  const column = numberFields.get(field);
  if (column !== undefined) {
    const number = Number(wanted.replace(/^[a-z]+(?=\d)/, ''));
    if (!Number.isInteger(number)) return `“${wanted}” is no number; write ${field}:4.`;
    return (row) => operations[column][row] === number;
  }
  return textTest(wanted, textFields[field] ?? textColumns, payload, operations);
}

const outcomeFields = new Set(['outcome', 'type']);
const numberFields = new Map<string, 'client' | 'node' | 'index'>([
  ['client', 'client'],
  ['server', 'node'],
  ['node', 'node'],
  ['index', 'index'],
]);

function textTest(
  wanted: string,
  columns: readonly TextColumn[],
  payload: Payload,
  operations: Operations,
): Test {
  const hits = new Uint8Array(payload.texts.length);
  for (const [index, text] of payload.texts.entries()) {
    if (text.toLowerCase().includes(wanted)) hits[index] = 1;
  }
  hits[0] = 0;
  const arrays = columns.map((column) => operations.texts[column]);
  return (row) => arrays.some((array) => hits[array[row] as number] === 1);
}
