/**
 * Transactions that read and write registers. Every value is written once, so that a read says which
 * write it saw; the order of the versions of a key has to be put together from what is certain: the
 * initial null comes first, a transaction that reads a version and writes the key makes the next one, and,
 * where each key by itself is known to be linearizable, real time orders its writes.
 */
import { type History, NEVER } from '../../history/columns.ts';
import { canonicalText } from '../../history/values.ts';
import { DependencyGraph } from './graph.ts';
import {
  anomaly,
  isRead,
  judge,
  type Micro,
  type Transaction,
  type TransactionAnomaly,
  type TransactionOptions,
  type TransactionVerdict,
  transactionsOf,
} from './transactions.ts';

export interface RegisterTransactionOptions extends TransactionOptions {
  /** Whether each key by itself may be taken to be linearizable. */
  readonly hasLinearizableKeys?: boolean;
}

export function checkRwRegister(
  history: History,
  options: RegisterTransactionOptions = {},
): TransactionVerdict {
  const transactions = transactionsOf(history);
  const registers = new RwRegister(history, transactions, options.hasLinearizableKeys === true);
  return judge(history, transactions, registers.recover(), options);
}

interface Write {
  readonly node: number;
  isFinal: boolean;
}

interface Key {
  readonly name: string;
  /** By value, as text; the initial null has no writer. */
  readonly writes: Map<string, Write>;
  readonly readers: Map<string, number[]>;
  /** Versions that are certainly later. */
  readonly later: Map<string, Set<string>>;
}

const INITIAL = 'null';

class RwRegister {
  readonly #history: History;
  readonly #transactions: readonly Transaction[];
  readonly #hasLinearizableKeys: boolean;
  readonly #keys = new Map<string, Key>();
  readonly #graph: DependencyGraph;
  readonly #anomalies: TransactionAnomaly[] = [];

  constructor(
    history: History,
    transactions: readonly Transaction[],
    hasLinearizableKeys: boolean,
  ) {
    this.#history = history;
    this.#transactions = transactions;
    this.#hasLinearizableKeys = hasLinearizableKeys;
    this.#graph = new DependencyGraph(transactions.length);
  }

  recover() {
    for (const [node, transaction] of this.#transactions.entries())
      this.#collect(node, transaction);
    for (const key of this.#keys.values()) {
      this.#checkReads(key);
      if (this.#hasLinearizableKeys) this.#orderByTime(key);
      this.#checkVersions(key);
      this.#dependencies(key);
    }
    return { graph: this.#graph, anomalies: this.#anomalies };
  }

  #key(name: string): Key {
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = { name, writes: new Map(), readers: new Map(), later: new Map() };
      this.#keys.set(name, key);
    }
    return key;
  }

  #collect(node: number, { micros, outcome }: Transaction): void {
    const last = new Map<string, { readonly text: string; readonly write: Write }>();
    for (const micro of micros) {
      if (isRead(micro)) continue;
      const key = this.#key(String(micro[1]));
      const text = canonicalText(micro[2]);
      const write = { node, isFinal: true };
      const before = last.get(key.name);
      if (before !== undefined) {
        before.write.isFinal = false;
        addLater(key, before.text, text);
      }
      last.set(key.name, { text, write });
      const other = key.writes.get(text);
      if (other !== undefined) {
        const why = `${text} is written to ${key.name} twice, so that no version is known`;
        this.#anomalies.push(anomaly('duplicate-elements', [other.node, node], why));
      }
      key.writes.set(text, write);
    }
    if (outcome === 'ok') this.#collectReads(node, micros);
  }

  #collectReads(node: number, micros: readonly Micro[]): void {
    const known = new Map<string, string>();
    const isOwn = new Set<string>();
    for (const micro of micros) {
      const key = this.#key(String(micro[1]));
      const text = canonicalText(micro[2] ?? null);
      const before = known.get(key.name);
      known.set(key.name, text);
      if (!isRead(micro)) {
        // What it read and then replaced is the version before.
        if (before !== undefined && !isOwn.has(key.name)) addLater(key, before, text);
        isOwn.add(key.name);
        continue;
      }
      if (before !== undefined && before !== text) {
        const why = `it reads ${key.name} = ${text}, though by its own doing it is ${before}`;
        this.#anomalies.push(anomaly('internal', [node], why));
      }
      if (isOwn.has(key.name)) continue;
      const readers = key.readers.get(text) ?? [];
      readers.push(node);
      key.readers.set(text, readers);
    }
  }

  #checkReads(key: Key): void {
    for (const [text, readers] of key.readers) {
      if (text === INITIAL) continue;
      const write = key.writes.get(text);
      for (const node of readers) {
        if (write === undefined) {
          const why = `${text} in ${key.name} was never written`;
          this.#anomalies.push(anomaly('unwritten-read', [node], why));
        } else if (write.node === node) {
          const why = `it reads ${key.name} = ${text} before it writes that`;
          this.#anomalies.push(anomaly('internal', [node], why));
        } else if (this.#transactions[write.node]?.outcome === 'fail') {
          const why = `it reads ${key.name} = ${text}, which a transaction that failed had written`;
          this.#anomalies.push(anomaly('G1a', [node, write.node], why));
        } else if (!write.isFinal) {
          const why = `it reads ${key.name} = ${text}, which the same transaction wrote over`;
          this.#anomalies.push(anomaly('G1b', [node, write.node], why));
        }
      }
    }
  }

  /** Of two writes the one that was over before the other began comes first; neighbours are enough. */
  #orderByTime(key: Key): void {
    const { start, end } = this.#history;
    const writes = [...key.writes].filter(([, { node }]) => end[node] !== NEVER);
    writes.sort(([, a], [, b]) => (end[a.node] as number) - (end[b.node] as number));
    for (const [text, { node }] of key.writes) {
      let before: string | undefined;
      for (const [other, write] of writes) {
        if ((end[write.node] as number) > (start[node] as number)) break;
        before = other;
      }
      if (before !== undefined) addLater(key, before, text);
    }
  }

  /** Versions that would each have to be later than the other. */
  #checkVersions(key: Key): void {
    const state = new Map<string, 'open' | 'done'>();
    const visit = (text: string): string | undefined => {
      if (state.get(text) === 'open') return text;
      if (state.has(text)) return undefined;
      state.set(text, 'open');
      for (const next of key.later.get(text) ?? []) {
        const found = visit(next);
        if (found !== undefined) return found;
      }
      state.set(text, 'done');
      return undefined;
    };
    for (const text of key.later.keys()) {
      const found = visit(text);
      if (found === undefined) continue;
      const nodes = [key.writes.get(found)?.node].filter((node) => node !== undefined);
      const why = `version ${found} of ${key.name} would have to be later than itself`;
      this.#anomalies.push(anomaly('cyclic-versions', nodes, why));
      // Nothing that rests on such an order would mean anything.
      key.later.clear();
      return;
    }
  }

  #dependencies(key: Key): void {
    const { name, writes, readers, later } = key;
    for (const [text, nodes] of readers) {
      const from = writes.get(text)?.node;
      if (from === undefined) continue;
      const why = `wrote ${text} to ${name}, which the other one read`;
      for (const to of nodes) this.#graph.add({ from, to, kind: 'wr', why });
    }
    const isNext = (text: string): Iterable<string> =>
      text === INITIAL ? writes.keys() : (later.get(text) ?? []);
    for (const text of new Set([INITIAL, ...later.keys(), ...readers.keys()])) {
      for (const next of isNext(text)) {
        const to = writes.get(next)?.node;
        if (to === undefined || this.#transactions[to]?.outcome === 'fail') continue;
        const from = writes.get(text)?.node;
        if (from !== undefined) {
          const why = `wrote ${text} to ${name}, which ${next} replaced`;
          this.#graph.add({ from, to, kind: 'ww', why });
        }
        const why = `read ${name} = ${text}, which ${next} of the other one replaced`;
        for (const reader of readers.get(text) ?? []) {
          // A write of unknown outcome that nobody read may not have happened.
          if (!this.#hasHappened(to, key, next)) continue;
          this.#graph.add({ from: reader, to, kind: 'rw', why });
        }
      }
    }
  }

  #hasHappened(node: number, key: Key, text: string): boolean {
    return this.#transactions[node]?.outcome === 'ok' || key.readers.has(text);
  }
}

function addLater(key: Key, before: string, after: string): void {
  const known = key.later.get(before) ?? new Set();
  known.add(after);
  key.later.set(before, known);
}
