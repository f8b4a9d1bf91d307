/**
 * Parts of a history that can be judged apart: a history is linearizable exactly when the part of each
 * independent object is (locality, Herlihy and Wing). Objects are told by the history's keys, and by the
 * model where it knows of smaller ones.
 */
import type { History, Op } from './columns.ts';

export class Part {
  /** Empty where the history is one part. */
  readonly key: string;
  /** Row of the whole that each row of the part comes from. */
  readonly rows: Int32Array;
  readonly #whole: History;
  #history: History | undefined;

  constructor(key: string, rows: Int32Array, whole: History) {
    this.key = key;
    this.rows = rows;
    this.#whole = whole;
    if (rows.length === whole.count) this.#history = whole;
  }

  /** Made when it is first looked at. */
  get history(): History {
    this.#history ??= this.#whole.select(this.rows);
    return this.#history;
  }
}

export function partition(
  history: History,
  partOf: ((op: Op) => string | undefined) | undefined,
): readonly Part[] {
  const { count, key, dictionaries } = history;
  if (partOf === undefined && hasOneKey(history)) return [wholeOf(history)];
  const labels: string[] = [];
  const sizes: number[] = [];
  const part = new Int32Array(count);
  const begin = (label: string): number => {
    sizes.push(0);
    return labels.push(label) - 1;
  };
  // Parts by key, and by the model's name within a key.
  const byKey = new Int32Array(dictionaries.keys.list.length + 1).fill(-1);
  const byName = new Map<string, number>();
  for (let row = 0; row < count; row++) {
    const own = key[row] as number;
    const inner = partOf?.(history.op(row));
    let id = inner === undefined ? byKey[own + 1] : byName.get(`${own} ${inner}`);
    if (id === undefined || id === -1) {
      const outer = dictionaries.keys.list[own];
      id = begin([outer, inner].filter((label) => label !== undefined).join('/'));
      if (inner === undefined) byKey[own + 1] = id;
      else byName.set(`${own} ${inner}`, id);
    }
    part[row] = id;
    sizes[id] = (sizes[id] as number) + 1;
  }
  if (labels.length <= 1) return [wholeOf(history, labels[0])];
  const rowsOf = sizes.map((size) => new Int32Array(size));
  const filled = new Int32Array(labels.length);
  for (let row = 0; row < count; row++) {
    const id = part[row] as number;
    const at = filled[id] as number;
    filled[id] = at + 1;
    (rowsOf[id] as Int32Array)[at] = row;
  }
  return rowsOf.map((rows, id) => new Part(labels[id] as string, rows, history));
}

function hasOneKey({ count, key }: History): boolean {
  for (let row = 1; row < count; row++) if (key[row] !== key[0]) return false;
  return true;
}

function wholeOf(
  history: History,
  key: string = history.count === 0 ? '' : (history.keyOf(0) ?? ''),
): Part {
  const rows = new Int32Array(history.count);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return new Part(key, rows, history);
}
