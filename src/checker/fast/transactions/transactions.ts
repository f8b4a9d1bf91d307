/**
 * Transactions over keys, each a list of micro-operations that take effect at once. The order of versions
 * is recovered from what was read, dependencies follow from it, and a cycle of dependencies is an
 * anomaly, named after Adya and told in words.
 */
import { type History, NEVER, Outcome } from '../../history/columns.ts';
import {
  type AnomalyName,
  findCycles,
  type IsolationLevel,
  isRuledOut,
  ruledOut,
} from './anomalies.ts';
import type { Cycle, DependencyGraph } from './graph.ts';

/** `["append", key, value]`, `["r", key, list or value]` or `["w", key, value]`. */
export type Micro = readonly [f: string, key: string | number, value: unknown];

export interface Transaction {
  /** Row of the history. */
  readonly row: number;
  readonly outcome: 'ok' | 'fail' | 'info';
  readonly micros: readonly Micro[];
}

export interface TransactionAnomaly {
  readonly name: AnomalyName;
  /** The weakest isolation level that it rules out. */
  readonly rulesOut: IsolationLevel;
  /** What happened, sentence by sentence. */
  readonly why: readonly string[];
  /** Rows of the history. */
  readonly rows: readonly number[];
}

export interface TransactionVerdict {
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  readonly level: IsolationLevel;
  readonly transactions: number;
  /** All that were found; those that the level allows, too. */
  readonly anomalies: readonly TransactionAnomaly[];
  /** Why nothing can be said. */
  readonly why?: string;
}

export interface TransactionOptions {
  readonly level?: IsolationLevel;
}

/** What recovers the dependencies: list-append or rw-register. */
export interface Recovery {
  readonly graph: DependencyGraph;
  readonly anomalies: readonly TransactionAnomaly[];
}

/** Throws TransactionError where an operation is no transaction. */
export class TransactionError extends Error {
  override readonly name = 'TransactionError';
}

export function transactionsOf(history: History): readonly Transaction[] {
  return Array.from({ length: history.count }, (_, row) => {
    const { input, output, outcome } = history.op(row);
    const micros = outcome === 'ok' && output !== undefined ? output : input;
    if (
      !Array.isArray(micros) ||
      !micros.every((micro) => Array.isArray(micro) && micro.length === 3)
    ) {
      throw new TransactionError(`operation ${row} is no list of [f, key, value]`);
    }
    return { row, outcome, micros: micros as readonly Micro[] };
  });
}

/** Adds real time, looks for cycles and names them. */
export function judge(
  history: History,
  transactions: readonly Transaction[],
  { graph, anomalies }: Recovery,
  { level = 'strict-serializable' }: TransactionOptions,
): TransactionVerdict {
  graph.addRealTime(eventsOf(history));
  const all = [
    ...anomalies,
    ...findCycles(graph).map(({ name, cycle }) => cycleAnomaly(name, cycle, transactions)),
  ];
  const isBad = all.some(({ name }) => isRuledOut(level, name));
  return {
    verdict: isBad ? 'invalid' : 'valid',
    level,
    transactions: transactions.length,
    anomalies: all,
  };
}

function eventsOf({ count, start, end, outcome }: History) {
  const events: { readonly node: number; readonly isEnd: boolean; readonly rank: number }[] = [];
  for (let node = 0; node < count; node++) {
    if (outcome[node] === Outcome.fail) continue;
    events.push({ node, isEnd: false, rank: start[node] as number });
    const rank = end[node] as number;
    if (rank !== NEVER) events.push({ node, isEnd: true, rank });
  }
  return events.sort((a, b) => a.rank - b.rank);
}

export function anomaly(
  name: AnomalyName,
  rows: readonly number[],
  why: string,
): TransactionAnomaly {
  return { name, rulesOut: ruledOut[name], why: [why], rows };
}

function cycleAnomaly(
  name: AnomalyName,
  cycle: Cycle,
  transactions: readonly Transaction[],
): TransactionAnomaly {
  const label = new Map(cycle.map(({ from }, at) => [from, `T${at + 1}`]));
  const members = cycle.map(({ from }) => {
    const { micros } = transactions[from] as Transaction;
    return `${label.get(from)} is ${micros.map(showMicro).join(', ')}`;
  });
  const edges = cycle.map(({ from, to, why }) => {
    return `${label.get(from)} comes before ${label.get(to)}: ${label.get(from)} ${why}`;
  });
  const end = `so ${label.get(cycle[0]?.from as number)} would have to come before itself`;
  return {
    name,
    rulesOut: ruledOut[name],
    why: [...members, ...edges, end],
    rows: cycle.map(({ from }) => from),
  };
}

export function showMicro([f, key, value]: Micro): string {
  const text = JSON.stringify(value);
  switch (f) {
    case 'append':
      return `append ${text} to ${key}`;
    case 'r':
    case 'read':
      return `read ${key} = ${text}`;
    default:
      return `write ${text} to ${key}`;
  }
}

export const isRead = ([f]: Micro): boolean => f === 'r' || f === 'read';
