/** The payload's columns as typed arrays, and the lanes that the timeline draws. */
import { type OperationColumns, operationTypes, type Payload } from '../payload.ts';

export interface Operations {
  readonly count: number;
  readonly start: Float64Array;
  /** End of the axis for operations without completion. */
  readonly end: Float64Array;
  readonly index: Int32Array;
  readonly span: Int32Array;
  readonly type: Uint8Array;
  readonly answered: Uint8Array;
  readonly client: Int32Array;
  readonly node: Int32Array;
  readonly texts: Readonly<Record<TextColumn, Int32Array>>;
}

export const textColumns = [
  'f',
  'key',
  'value',
  'result',
  'error',
  'zxid',
  'session',
  'op',
] as const;
export type TextColumn = (typeof textColumns)[number];

export interface Lane {
  readonly client: number;
  /** Rows by start. */
  readonly rows: Int32Array;
  /** Largest end of the rows up to here; sorted, so that a window is found by bisection. */
  readonly reach: Float64Array;
  /** Sub-lane of each row; more than one where a client's operations overlap. */
  readonly track: Uint8Array;
  readonly tracks: number;
}

const TRACKS_MAX = 4;

export function decodeOperations(columns: OperationColumns, axisEnd: number): Operations {
  const count = columns.start.length;
  const start = new Float64Array(count);
  const end = new Float64Array(count);
  const index = new Int32Array(count);
  let time = 0;
  let position = 0;
  for (let row = 0; row < count; row++) {
    time += columns.start[row] as number;
    position += columns.index[row] as number;
    const duration = columns.duration[row] as number;
    start[row] = time;
    end[row] = duration < 0 ? axisEnd : time + duration;
    index[row] = position;
  }
  return {
    count,
    start,
    end,
    index,
    span: Int32Array.from(columns.span),
    type: Uint8Array.from(columns.type),
    answered: Uint8Array.from(columns.answered),
    client: Int32Array.from(columns.client),
    node: Int32Array.from(columns.node),
    texts: Object.fromEntries(
      textColumns.map((name) => [name, Int32Array.from(columns[name])]),
    ) as Record<TextColumn, Int32Array>,
  };
}

export function lanesOf(operations: Operations): Lane[] {
  const byClient = new Map<number, number[]>();
  for (let row = 0; row < operations.count; row++) {
    const client = operations.client[row] as number;
    const rows = byClient.get(client);
    if (rows === undefined) byClient.set(client, [row]);
    else rows.push(row);
  }
  return [...byClient].sort(([a], [b]) => a - b).map(([client, rows]) => lane(client, rows));

  function lane(client: number, rows: readonly number[]): Lane {
    const reach = new Float64Array(rows.length);
    const track = new Uint8Array(rows.length);
    const ends: number[] = [];
    let furthest = 0;
    for (const [position, row] of rows.entries()) {
      const start = operations.start[row] as number;
      const end = operations.end[row] as number;
      furthest = Math.max(furthest, end);
      reach[position] = furthest;
      let free = ends.findIndex((other) => other <= start);
      if (free < 0) free = Math.min(ends.length, TRACKS_MAX - 1);
      ends[free] = end;
      track[position] = free;
    }
    return { client, rows: Int32Array.from(rows), reach, track, tracks: Math.max(1, ends.length) };
  }
}

/** First position whose value is at least `target`. */
export function lowerBound(values: ArrayLike<number>, target: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function outcomeOf(operations: Operations, row: number): string {
  return operationTypes[operations.type[row] as number] as string;
}

/** A text field of an operation; empty where it has none. */
export function textOf(
  payload: Payload,
  operations: Operations,
  row: number,
  column: TextColumn,
): string {
  return payload.texts[operations.texts[column][row] as number] ?? '';
}
